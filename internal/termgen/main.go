// Command termgen makes terminology/r4.box, the code systems, value sets and
// concept maps of FHIR R4, out of the standard's definitions. It is run by hand
// when they change, and never by the product:
//
//	go run ./internal/termgen -o terminology/r4.box valuesets.json v3-codesystems.json v2-tables.json conceptmaps.json
//
// It reads Bundles as https://hl7.org/fhir/R4/downloads.html has them (4.0.1,
// CC0), and leaves out what no answer needs: narrative, contacts, extensions.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"selda/fhir"
	"selda/terminology"
)

func main() {
	out := flag.String("o", "terminology/r4.box", "the file to write")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: termgen [-o FILE] BUNDLE.json...")
		os.Exit(2)
	}
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "termgen:", err)
		os.Exit(1)
	}
}

func run(out string, names []string) error {
	kept := map[string][]byte{}
	for _, name := range names {
		in, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var b struct {
			Entry []struct {
				Resource map[string]json.RawMessage `json:"resource"`
			} `json:"entry"`
		}
		if err := json.Unmarshal(in, &b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, e := range b.Entry {
			if err := keep(kept, e.Resource); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	var list [][]byte
	for _, k := range slices.Sorted(maps.Keys(kept)) {
		list = append(list, kept[k])
	}
	packed, err := terminology.PackBox(list)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d resources, %d bytes\n", len(list), len(packed))
	return os.WriteFile(out, packed, 0o644)
}

// kept elements of each type; of what lies in them everything but extensions.
var elements = map[string]string{
	"CodeSystem": "resourceType url version name title status experimental language caseSensitive valueSet hierarchyMeaning content supplements filter property concept",
	"ValueSet":   "resourceType url version name title status experimental immutable compose",
	"ConceptMap": "resourceType url version name title status experimental sourceUri sourceCanonical targetUri targetCanonical group",
}

func keep(kept map[string][]byte, r map[string]json.RawMessage) error {
	var typ, url, content string
	_ = json.Unmarshal(r["resourceType"], &typ)
	_ = json.Unmarshal(r["url"], &url)
	_ = json.Unmarshal(r["content"], &content)
	names := elements[typ]
	if names == "" || url == "" || content == "not-present" {
		return nil
	}
	if _, composed := r["compose"]; typ == "ValueSet" && !composed {
		names += " expansion"
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for name := range strings.FieldsSeq(names) {
		value, ok := r[name]
		if !ok {
			continue
		}
		var tree any
		d := json.NewDecoder(bytes.NewReader(value))
		d.UseNumber()
		if err := d.Decode(&tree); err != nil {
			return err
		}
		strip(tree)
		text, err := json.Marshal(tree)
		if err != nil {
			return err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, text)
	}
	b.WriteByte('}')
	compact, err := fhir.Compact(b.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	kept[typ+" "+url] = compact
	return nil
}

// strip takes extensions and ids out, and definitions that only repeat the display.
func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "extension")
		if v["definition"] == v["display"] && v["display"] != nil {
			delete(v, "definition")
		}
		for name, child := range v {
			if strings.HasPrefix(name, "_") {
				delete(v, name)
				continue
			}
			strip(child)
		}
	case []any:
		for _, child := range v {
			strip(child)
		}
	}
}
