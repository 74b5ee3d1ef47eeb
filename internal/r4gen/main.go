// Command r4gen makes fhir/r4elements.txt, the table of every element of FHIR
// R4 that the XML form needs, out of the standard's StructureDefinitions. It
// is run by hand when the definitions change, and never by the product:
//
//	go run ./internal/r4gen StructureDefinition-*.json > fhir/r4elements.txt
//
// With -summary it makes fhir/r4summary.txt instead: of each resource type the
// elements that are part of its summary, and after a bar those that must be there.
//
// It reads StructureDefinitions, each in a file or many in a Bundle. The table
// is made from those of https://hl7.org/fhir/R4/downloads.html (4.0.1, CC0).
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

type bundle struct {
	ResourceType string  `json:"resourceType"`
	Entry        []entry `json:"entry"`
}

type entry struct {
	Resource json.RawMessage `json:"resource"`
}

type definition struct {
	ResourceType string `json:"resourceType"`
	Kind         string `json:"kind"`
	Derivation   string `json:"derivation"`
	Snapshot     struct {
		Element []element `json:"element"`
	} `json:"snapshot"`
}

type element struct {
	Path             string   `json:"path"`
	Min              int      `json:"min"`
	Max              string   `json:"max"`
	IsSummary        bool     `json:"isSummary"`
	ContentReference string   `json:"contentReference"`
	Representation   []string `json:"representation"`
	Base             struct {
		Path string `json:"path"`
		Max  string `json:"max"`
	} `json:"base"`
	Type []struct {
		Code string `json:"code"`
	} `json:"type"`
}

// open are the types that a choice of any type may have: too many to repeat.
const open = 40

func main() {
	summary := flag.Bool("summary", false, "make the table of summaries")
	if flag.Parse(); flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: r4gen [-summary] DEFINITIONS.json...")
		os.Exit(2)
	}
	of := describe
	if *summary {
		of = summarise
	}
	var lines []string
	for _, name := range flag.Args() {
		in, err := os.ReadFile(name)
		if err == nil {
			lines, err = read(lines, in, of)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "r4gen:", err)
			os.Exit(1)
		}
	}
	slices.Sort(lines)
	w := bufio.NewWriter(os.Stdout)
	for _, l := range slices.Compact(lines) {
		fmt.Fprintln(w, l)
	}
	if err := w.Flush(); err != nil {
		os.Exit(1)
	}
}

func read(lines []string, in []byte, of func(definition) []string) ([]string, error) {
	var b bundle
	if err := json.Unmarshal(in, &b); err != nil {
		return nil, err
	}
	if b.ResourceType == "StructureDefinition" {
		b.Entry = []entry{{Resource: in}}
	}
	for _, e := range b.Entry {
		var d definition
		if err := json.Unmarshal(e.Resource, &d); err != nil {
			return nil, err
		}
		if d.ResourceType != "StructureDefinition" || d.Derivation == "constraint" || d.Kind == "logical" {
			continue
		}
		lines = append(lines, of(d)...)
	}
	return lines, nil
}

// describe gives a line for the type itself and one for each element in it
// that has elements of its own.
func describe(d definition) []string {
	if d.Kind == "primitive-type" {
		return nil
	}
	parents := map[string]bool{}
	for _, e := range d.Snapshot.Element {
		if i := strings.LastIndexByte(e.Path, '.'); i > 0 {
			parents[e.Path[:i]] = true
		}
	}
	line := map[string][]string{}
	order := []string{}
	for i, e := range d.Snapshot.Element {
		if parents[e.Path] || i == 0 {
			order = append(order, e.Path)
		}
		dot := strings.LastIndexByte(e.Path, '.')
		if dot < 0 || e.Max == "0" {
			continue
		}
		parent := e.Path[:dot]
		line[parent] = append(line[parent], column(e, e.Path[dot+1:], parents[e.Path]))
	}
	var out []string
	for _, p := range order {
		out = append(out, p+" "+strings.Join(line[p], " "))
	}
	return out
}

// summarise gives the line of a resource type's summary.
func summarise(d definition) []string {
	if d.Kind != "resource" {
		return nil
	}
	typ := d.Snapshot.Element[0].Path
	var in, must []string
	for _, e := range d.Snapshot.Element {
		name, ok := strings.CutPrefix(e.Path, typ+".")
		if !ok || strings.Contains(name, ".") {
			continue
		}
		if e.IsSummary {
			in = append(in, name)
		}
		if e.Min > 0 {
			must = append(must, name)
		}
	}
	return []string{typ + " " + strings.Join(in, " ") + " | " + strings.Join(must, " ")}
}

// column is one element: name, how often and how it stands in XML, and type.
func column(e element, name string, nested bool) string {
	mark := ":"
	if slices.Contains(e.Representation, "xmlAttr") {
		return name + "@"
	}
	max := e.Max
	if e.Base.Max != "" {
		max = e.Base.Max
	}
	if max != "1" {
		mark = "*"
	}
	switch {
	case e.ContentReference != "":
		return name + mark + strings.TrimPrefix(e.ContentReference[strings.IndexByte(e.ContentReference, '#'):], "#")
	case nested:
		return name + mark + e.Path
	}
	var types []string
	for _, t := range e.Type {
		code := t.Code
		if strings.HasPrefix(code, "http://hl7.org/fhirpath/") {
			code = "id"
		}
		if !slices.Contains(types, code) {
			types = append(types, code)
		}
	}
	if base, choice := strings.CutSuffix(name, "[x]"); choice {
		if len(types) > open {
			return base + "|?"
		}
		return base + "|" + strings.Join(types, ",")
	}
	return name + mark + strings.Join(types, ",")
}
