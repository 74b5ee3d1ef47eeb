package rights

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"selda/fhir"
)

// This file says what an item says, for the officer who looks it through.

// Line is one of them: where it stands, and the text.
type Line struct{ Name, Text string }

// Lines are all texts of a resource, but for what only names it.
func Lines(body []byte) (out []Line) {
	var walk func(name string, v []byte, depth int)
	walk = func(name string, v []byte, depth int) {
		if depth > maxDepth {
			return
		}
		switch jsontext.Value(v).Kind() {
		case jsontext.KindBeginObject:
			if text, ok := short(v); ok && name != "" {
				out = append(out, Line{name, text})
				return
			}
			for n, x := range fhir.Members(v) {
				if !unread[n] {
					walk(name+within(name)+words(n), x, depth+1)
				}
			}
		case jsontext.KindBeginArray:
			d := jsontext.NewDecoder(bytes.NewReader(v))
			if _, err := d.ReadToken(); err != nil {
				return
			}
			for d.PeekKind() != jsontext.KindEndArray {
				item, err := d.ReadValue()
				if err != nil {
					return
				}
				walk(name, bytes.Clone(item), depth+1)
			}
		case jsontext.KindString:
			if s, err := unquoted(v); err == nil {
				out = append(out, Line{name, untagged(s)})
			}
		default:
			out = append(out, Line{name, string(v)})
		}
	}
	walk("", body, 0)
	return out
}

func within(name string) string {
	if name == "" {
		return ""
	}
	return ", "
}

// Title is what people call an item.
func Title(e *Entry) string {
	text := ""
	for n, v := range fhir.Members(e.Body) {
		switch n {
		case "code", "type", "vaccineCode", "medicationCodeableConcept", "description", "title", "category":
			if t := titleOf(v); t != "" && (text == "" || n == "code" || n == "description") {
				text = t
			}
		}
	}
	if text == "" {
		return words(e.Item.Type)
	}
	return words(e.Item.Type) + ": " + text
}

func titleOf(v []byte) string {
	switch jsontext.Value(v).Kind() {
	case jsontext.KindString:
		s, _ := unquoted(v)
		return s
	case jsontext.KindBeginObject:
		r, err := fhir.ParseTree(v)
		if err != nil {
			return ""
		}
		if t := r.Get("text").Text(); t != "" {
			return t
		}
		for _, c := range r.List("coding") {
			if d := c.Get("display").Text(); d != "" {
				return d
			}
		}
	}
	return ""
}
