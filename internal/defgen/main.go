// Command defgen makes fhir/definition/r4.box, the StructureDefinitions of FHIR
// R4 without what is said for people, out of Bundles of the standard's
// definitions, or of single ones (https://hl7.org/fhir/R4/downloads.html, CC0).
// It is run by hand when the definitions change, and never by the product:
//
//	go run ./internal/defgen profiles-others.json extension-definitions.json StructureDefinition-*.json > fhir/definition/r4.box
//
// Of a definition that is there twice, the last one is taken.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"selda/fhir"
	"selda/fhir/definition"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: defgen BUNDLE.json...")
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "defgen:", err)
		os.Exit(1)
	}
}

func run(files []string) error {
	all := map[string]*fhir.Resource{}
	for _, f := range files {
		in, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		resources, err := read(in)
		if err != nil {
			return err
		}
		for _, d := range resources {
			if d["resourceType"] != "StructureDefinition" || d["kind"] == "logical" {
				continue
			}
			text, err := json.Marshal(strip(d))
			if err != nil {
				return err
			}
			r, err := fhir.Parse(text)
			if err != nil {
				return err
			}
			all[r.Get("url").Text()] = r
		}
	}
	var list []*fhir.Resource
	for _, r := range all {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *fhir.Resource) int { return strings.Compare(a.Get("url").Text(), b.Get("url").Text()) })
	box, err := definition.Pack(list)
	if err == nil {
		_, err = os.Stdout.Write(box)
	}
	return err
}

// read gives the resources of a Bundle, or the one that the file is.
func read(in []byte) ([]map[string]any, error) {
	var one map[string]any
	var bundle struct {
		Entry []struct {
			Resource map[string]any `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(in, &one); err != nil || one["resourceType"] != "Bundle" {
		return []map[string]any{one}, err
	}
	err := json.Unmarshal(in, &bundle)
	var out []map[string]any
	for _, e := range bundle.Entry {
		out = append(out, e.Resource)
	}
	return out, err
}

// strip keeps what is checked.
func strip(d map[string]any) map[string]any {
	if contexts, ok := d["context"].([]any); ok && strings.HasSuffix(d["url"].(string), "/structuredefinition-fhir-type") {
		// R4's own definitions have it on the type, not on its code.
		d["context"] = append(contexts, map[string]any{"type": "element", "expression": "ElementDefinition.type"})
	}
	out := keep(d, "resourceType", "url", "name", "kind", "type", "baseDefinition", "derivation", "abstract", "context", "contextInvariant")
	differential, _ := d["differential"].(map[string]any)
	elements, _ := differential["element"].([]any)
	var kept []any
	for _, e := range elements {
		kept = append(kept, element(e.(map[string]any)))
	}
	out["differential"] = map[string]any{"element": kept}
	return out
}

func keep(d map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		if v, ok := d[n]; ok {
			out[n] = v
		}
	}
	return out
}

func element(e map[string]any) map[string]any {
	out := keep(e, "path", "sliceName", "slicing", "min", "max", "contentReference", "type", "isModifier", "mustSupport", "maxLength")
	if e["id"] != e["path"] {
		out["id"] = e["id"]
	}
	for name, v := range e {
		for _, prefix := range []string{"fixed", "pattern", "minValue", "maxValue"} {
			if strings.HasPrefix(name, prefix) {
				out[name] = v
			}
		}
	}
	if b, ok := e["binding"].(map[string]any); ok && (b["strength"] == "required" || b["strength"] == "extensible" || b["extension"] != nil) {
		kept := keep(b, "strength", "valueSet")
		if xs, ok := b["extension"].([]any); ok {
			for _, x := range xs {
				if strings.HasSuffix(x.(map[string]any)["url"].(string), "maxValueSet") {
					kept["extension"] = []any{x}
				}
			}
		}
		out["binding"] = kept
	}
	if cs, ok := e["constraint"].([]any); ok {
		var kept []any
		for _, c := range cs {
			one := keep(c.(map[string]any), "key", "severity", "human", "expression", "extension")
			if right, wrong := errata[fmt.Sprint(one["expression"])]; wrong {
				one["expression"] = right
			}
			kept = append(kept, one)
		}
		out["constraint"] = kept
	}
	return out
}

// errata are expressions that R4 has wrong, as R5 puts them right.
var errata = map[string]string{
	// answerBoolean is a FHIR.boolean, which is no System.Boolean.
	"operator = 'exists' implies (answer is Boolean)": "operator = 'exists' implies (answer is boolean)",
	// "more than one" is not more than two.
	"enableWhen.count() > 2 implies enableBehavior.exists()": "enableWhen.count() > 1 implies enableBehavior.exists()",
}
