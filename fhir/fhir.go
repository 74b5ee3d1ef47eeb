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
	"github.com/valyala/fastjson"

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
		place = strings.TrimPrefix(strings.ReplaceAll(string(s.JSONPointer), "/", "."), ".")
		if strings.Contains(s.Err.Error(), "duplicate") {
			return fault.E(op, fault.Structure, "a name stands twice in one JSON object", place)
		}
		if strings.Contains(s.Err.Error(), "UTF-8") {
			return fault.E(op, fault.Structure, "text that is not valid UTF-8", place)
		}
	}
	return fault.E(op, fault.Structure, "not well-formed JSON", place)
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

// ParseTrusted reads compact JSON that Compact or Marshal made.
func ParseTrusted(compact []byte) (*Resource, error) {
	const op = "fhir.Parse"
	var p fastjson.Parser
	v, err := p.ParseBytes(compact)
	if err != nil {
		return nil, fault.E(op, fault.Structure, "not well-formed JSON")
	}
	return fromNode(op, Node{v}, compact)
}

func fromNode(op string, root Node, compact []byte) (*Resource, error) {
	if root.v.Type() != fastjson.TypeObject {
		return nil, fault.E(op, fault.Structure, "a resource is a JSON object")
	}
	for name := range Members(compact) {
		if strings.IndexByte(name, '\\') >= 0 {
			return nil, fault.E(op, fault.Structure, "a name is written with an escape")
		}
	}
	typ := root.Get("resourceType").Text()
	if typ == "" {
		return nil, fault.E(op, fault.Structure, "there is no resourceType", "resourceType")
	}
	if !IsResourceType(typ) {
		return nil, fault.E(op, fault.Invalid, "resourceType is not one of FHIR R4", "resourceType")
	}
	return &Resource{Type: typ, ID: root.Get("id").Text(), JSON: compact, root: root}, nil
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

// Node is a place in a resource's tree. The zero Node is "nothing there", and
// every method on it answers so.
type Node struct{ v *fastjson.Value }

// Get follows names (and array indexes, as "0") down the tree; an array on the
// way stands for its first element.
func (n Node) Get(path ...string) Node {
	v := n.v
	for _, p := range path {
		if v == nil {
			return Node{}
		}
		if v.Type() == fastjson.TypeArray && (p == "" || p[0] < '0' || p[0] > '9') {
			v = v.Get("0")
			if v == nil {
				return Node{}
			}
		}
		v = v.Get(p)
	}
	return Node{v}
}

// Exists says whether anything is there.
func (n Node) Exists() bool { return n.v != nil && n.v.Type() != fastjson.TypeNull }

// Text is the text of a string, a number as it was written, or a boolean; ""
// of anything else.
func (n Node) Text() string {
	if n.v == nil {
		return ""
	}
	switch n.v.Type() {
	case fastjson.TypeString:
		b, _ := n.v.StringBytes()
		return string(b)
	case fastjson.TypeNumber, fastjson.TypeTrue, fastjson.TypeFalse:
		return string(n.v.MarshalTo(nil))
	}
	return ""
}

// Is says whether the node is the string s, without allocating.
func (n Node) Is(s string) bool {
	if n.v == nil || n.v.Type() != fastjson.TypeString {
		return false
	}
	b, _ := n.v.StringBytes()
	return string(b) == s
}

// Bool says whether the node is true.
func (n Node) Bool() bool { return n.v != nil && n.v.Type() == fastjson.TypeTrue }

// Number is the node as a number; false where it is none.
func (n Node) Number() (float64, bool) {
	if n.v == nil || n.v.Type() != fastjson.TypeNumber {
		return 0, false
	}
	f, err := n.v.Float64()
	return f, err == nil
}

// IsObject and IsArray tell the node's shape.
func (n Node) IsObject() bool { return n.v != nil && n.v.Type() == fastjson.TypeObject }

// IsArray says whether the node is a list.
func (n Node) IsArray() bool { return n.v != nil && n.v.Type() == fastjson.TypeArray }

// IsString says whether the node is a string.
func (n Node) IsString() bool { return n.v != nil && n.v.Type() == fastjson.TypeString }

// List is the elements under a name: of a list each one, of a single value
// that one, else none.
func (n Node) List(path ...string) []Node {
	if len(path) > 0 {
		n = n.Get(path...)
	}
	if !n.Exists() {
		return nil
	}
	if n.v.Type() != fastjson.TypeArray {
		return []Node{n}
	}
	a, _ := n.v.Array()
	out := make([]Node, len(a))
	for i, v := range a {
		out[i] = Node{v}
	}
	return out
}

// Each calls f for every member of an object, in order.
func (n Node) Each(f func(name string, child Node)) {
	if !n.IsObject() {
		return
	}
	o, _ := n.v.Object()
	o.Visit(func(k []byte, v *fastjson.Value) { f(string(k), Node{v}) })
}

// First is the first member of an object whose name begins with prefix and
// goes on in a capital letter: the choice element value[x] is First("value").
// https://hl7.org/fhir/R4/formats.html#choice
func (n Node) First(prefix string) (name string, child Node) {
	if !n.IsObject() {
		return "", Node{}
	}
	o, _ := n.v.Object()
	o.Visit(func(k []byte, v *fastjson.Value) {
		if name == "" && len(k) > len(prefix) && string(k[:len(prefix)]) == prefix && k[len(prefix)] >= 'A' && k[len(prefix)] <= 'Z' {
			name, child = string(k), Node{v}
		}
	})
	return name, child
}

// JSON is the node as compact JSON.
func (n Node) JSON() []byte {
	if n.v == nil {
		return nil
	}
	return n.v.MarshalTo(nil)
}

// Resource is the resource that stands at this node: an entry's, a contained one.
func (n Node) Resource() (*Resource, error) {
	if !n.IsObject() {
		return nil, fault.E("fhir.Resource", fault.Structure, "no resource is there")
	}
	return ParseTrusted(n.JSON())
}
