// Package fhir is FHIR R4 (4.0.1) as SELDA reads and writes it: a resource is
// a tree over the JSON as given, never a struct, so that numbers, order and
// unknown extensions stay untouched.
//
// Reading: Parse checks bytes from outside strictly and gives a Resource;
// Node walks it. Writing: an Object is built in Go, pruned of empty values and
// marshalled. The package knows the standard and nothing of this system.
// Source: https://hl7.org/fhir/R4/json.html.
package fhir

import (
	"bytes"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"selda/fault"
)

// MaxDepth is the deepest nesting of objects and arrays that is read.
const MaxDepth = 64

// Resource is one parsed resource. It may be read by many goroutines at once.
type Resource struct {
	Type string // resourceType
	ID   string // id as given, "" where it has none: IsID says whether it is a logical id
	JSON []byte // compact JSON, as given but for white space
	root Node
}

// Root is the resource's own node.
func (r *Resource) Root() Node { return r.root }

// Get is Root().Get.
func (r *Resource) Get(path ...string) Node { return r.root.Get(path...) }

// Compact checks JSON strictly and removes white space between tokens.
// Refused are: duplicate names, invalid UTF-8, nesting beyond MaxDepth,
// anything but one value. Numbers keep their text and names their order.
func Compact(in []byte) ([]byte, error) {
	const op = "fhir.Compact"
	if deeper(in, MaxDepth) {
		return nil, fault.E(op, fault.TooLong, "JSON is nested deeper than 64 levels")
	}
	dec := jsontext.NewDecoder(bytes.NewReader(in))
	val, err := dec.ReadValue()
	if err != nil {
		return nil, jsonError(op, err)
	}
	out := jsontext.Value(bytes.Clone(val))
	if _, err := dec.ReadToken(); err != io.EOF {
		return nil, fault.E(op, fault.Structure, "more than one JSON value")
	}
	if err := out.Compact(); err != nil {
		return nil, jsonError(op, err)
	}
	return out, nil
}

// jsonError keeps a syntax error's place and leaves out its text, which may
// quote the input.
func jsonError(op string, err error) error {
	place := ""
	if s, ok := err.(*jsontext.SyntacticError); ok {
		place = elementPath(string(s.JSONPointer))
		if strings.Contains(s.Err.Error(), "duplicate") {
			return fault.E(op, fault.Structure, "a name stands twice in one JSON object", place)
		}
		if strings.Contains(s.Err.Error(), "UTF-8") {
			return fault.E(op, fault.Structure, "text that is not valid UTF-8", place)
		}
	}
	return fault.E(op, fault.Structure, "not well-formed JSON", place)
}

// elementPath is a JSON pointer as a path of elements, as far as its names could
// be FHIR's: any other text may be somebody's data.
func elementPath(pointer string) string {
	var out []string
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if !couldBeElement(part) {
			break
		}
		out = append(out, part)
	}
	return strings.Join(out, ".")
}

// couldBeElement says whether a name is written as FHIR's elements are.
func couldBeElement(name string) bool {
	for i, c := range name {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (i == 0 || c < 'A' || c > 'Z') && (i > 0 || c != '_') {
			return false
		}
	}
	return len(name) <= 40
}

// deeper says whether brackets in b nest deeper than limit, strings aside.
func deeper(b []byte, limit int) bool {
	depth, text := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// Parse reads one resource from outside: strict JSON, an object with a
// resourceType that R4 knows. Errors are of kind Structure, Invalid or TooLong.
func Parse(in []byte) (*Resource, error) {
	c, err := Compact(in)
	if err != nil {
		return nil, err
	}
	return ParseTrusted(c)
}

// ParseTrusted reads compact JSON that Compact or Marshal made. The resource
// keeps the bytes: they may not change.
func ParseTrusted(compact []byte) (*Resource, error) {
	const op = "fhir.Parse"
	t, err := parseTree(compact)
	if err != nil {
		return nil, err
	}
	root := Node{t, 0}
	if !root.IsObject() {
		return nil, fault.E(op, fault.Structure, "a resource is a JSON object")
	}
	typ := root.Get("resourceType").Text()
	if typ == "" {
		return nil, fault.E(op, fault.Structure, "there is no resourceType", "resourceType")
	}
	n := typeNumbers[typ]
	if n == 0 {
		return nil, fault.E(op, fault.Invalid, "resourceType is not one of FHIR R4", "resourceType")
	}
	return &Resource{Type: typeNames[n-1], ID: root.Get("id").Text(), JSON: compact, root: root}, nil
}

// IsID says whether s is a FHIR id. https://hl7.org/fhir/R4/datatypes.html#id
func IsID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}
