package fhir

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed r4summary.txt
var r4summary string

// summaries are, of each resource type, the elements of its summary and those
// that must be there; a choice is named without [x].
var summaries = sync.OnceValue(func() map[string][2][]string {
	out := map[string][2][]string{}
	for line := range strings.Lines(r4summary) {
		in, must, _ := strings.Cut(strings.TrimSpace(line), " | ")
		f := strings.Fields(in)
		out[f[0]] = [2][]string{f[1:], strings.Fields(must)}
	}
	return out
})

// Subset is a resource with some of its elements, tagged as such.
// https://hl7.org/fhir/R4/search.html#summary
//
// Of mode "true" these are the elements of the summary, of "text" the narrative
// and what must be there, of "data" all but the narrative, of "elements" the
// names given and what must be there. In any other mode it is the whole.
func Subset(compact []byte, typ, mode string, names ...string) []byte {
	s := summaries()[typ]
	var keep func(name string) bool
	switch mode {
	case "true":
		keep = func(name string) bool { return in(typ, s[0], name) }
	case "text":
		keep = func(name string) bool { return name == "text" || in(typ, s[1], name) }
	case "data":
		keep = func(name string) bool { return name != "text" }
	case "elements":
		keep = func(name string) bool { return in(typ, names, name) || in(typ, s[1], name) }
	default:
		return compact
	}
	out := make([]byte, 0, len(compact))
	meta := []byte("{}")
	for name, value := range Members(compact) {
		switch plain := strings.TrimPrefix(name, "_"); {
		case name == "meta":
			meta = value
		case name == "resourceType" || name == "id" || keep(plain):
			out = append(append(append(append(out, ',', '"'), name...), '"', ':'), value...)
			if name == "id" || name == "resourceType" {
				continue
			}
		}
	}
	if len(out) == 0 {
		return compact
	}
	out[0] = '{'
	out = append(append(out, `,"meta":`...), subsetted(meta)...)
	return append(out, '}')
}

// subsetted is a meta with the tag that says that elements were left out.
func subsetted(meta []byte) []byte {
	const tag = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"Resource encoded in summary mode"}`
	tags := "[" + tag + "]"
	for name, value := range Members(meta) {
		if name == "tag" && len(value) > 2 {
			tags = string(value[:len(value)-1]) + "," + tag + "]"
		}
	}
	return Overlay(meta, []byte(`{"tag":`+tags+`}`))
}

// in says whether an element of a type is among names, of which value or
// value[x] stands for valueQuantity and all other types of the choice.
func in(typ string, names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		n, choice := strings.CutSuffix(n, "[x]")
		if !choice && n == name {
			return true
		}
		if rest := strings.TrimPrefix(name, n); rest == name || rest == "" || rest[0] < 'A' || rest[0] > 'Z' {
			return false
		}
		_, _, whole := Element(typ, n)
		return choice || !whole
	})
}
