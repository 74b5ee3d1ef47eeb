// Package patch changes a resource as a client asks: by a JSON Patch (RFC 6902)
// or by a FHIRPath Patch. A patch is read once and applied to JSON; where one of
// its operations can't be done nothing is. Numbers, text and the order of what
// is not touched stay as they are. It does not validate what comes out.
//
// https://hl7.org/fhir/R4/http.html#patch, https://hl7.org/fhir/R4/fhirpatch.html
package patch

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"selda/fault"
	"selda/fhir"
)

// value is a JSON value that can be changed.
type value struct {
	kind   byte   // '{', '[', or 0 of what has no parts
	raw    []byte // of what has no parts, as it was written
	names  []string
	values []*value // members in the order of names, or elements
}

// parse reads strict JSON into values.
func parse(in []byte) (*value, error) {
	compact, err := fhir.Compact(in)
	if err != nil {
		return nil, err
	}
	d := jsontext.NewDecoder(bytes.NewReader(compact))
	v, err := read(d)
	if err != nil {
		return nil, fault.E("patch.parse", fault.Structure, "this is not JSON")
	}
	return v, nil
}

func read(d *jsontext.Decoder) (*value, error) {
	switch k := d.PeekKind(); k {
	case '{', '[':
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		v := &value{kind: byte(k)}
		for d.PeekKind() != '}' && d.PeekKind() != ']' {
			if k == '{' {
				name, err := d.ReadToken()
				if err != nil {
					return nil, err
				}
				v.names = append(v.names, name.String())
			}
			child, err := read(d)
			if err != nil {
				return nil, err
			}
			v.values = append(v.values, child)
		}
		_, err := d.ReadToken()
		return v, err
	}
	raw, err := d.ReadValue()
	return &value{raw: bytes.Clone(raw)}, err
}

// bytes is the value as compact JSON.
func (v *value) bytes() []byte { return v.append(nil) }

func (v *value) append(out []byte) []byte {
	switch v.kind {
	case '{':
		out = append(out, '{')
		for i, c := range v.values {
			if i > 0 {
				out = append(out, ',')
			}
			out, _ = jsontext.AppendQuote(out, v.names[i])
			out = c.append(append(out, ':'))
		}
		return append(out, '}')
	case '[':
		out = append(out, '[')
		for i, c := range v.values {
			if i > 0 {
				out = append(out, ',')
			}
			out = c.append(out)
		}
		return append(out, ']')
	}
	return append(out, v.raw...)
}

// size is about what the value takes in memory, in bytes.
func (v *value) size() int {
	n := len(v.raw) + 64
	for _, x := range v.values {
		n += x.size()
	}
	return n
}

// clone is a copy that changes alone.
func (v *value) clone() *value {
	c := &value{kind: v.kind, raw: v.raw, names: append([]string(nil), v.names...)}
	for _, x := range v.values {
		c.values = append(c.values, x.clone())
	}
	return c
}

// equal compares values as RFC 6902 (4.6) does: members in any order, numbers
// by their value.
func (v *value) equal(w *value) bool {
	if v.kind != w.kind || len(v.values) != len(w.values) {
		return false
	}
	switch v.kind {
	case '{':
		for i, name := range v.names {
			j := w.member(name)
			if j < 0 || !v.values[i].equal(w.values[j]) {
				return false
			}
		}
		return true
	case '[':
		for i := range v.values {
			if !v.values[i].equal(w.values[i]) {
				return false
			}
		}
		return true
	}
	return bytes.Equal(canonical(v.raw), canonical(w.raw))
}

func canonical(raw []byte) []byte {
	c := jsontext.Value(bytes.Clone(raw))
	if c.Canonicalize() != nil {
		return raw
	}
	return c
}

// member is the place of a member; -1 where there is none.
func (v *value) member(name string) int {
	if v.kind == '{' {
		for i, n := range v.names {
			if n == name {
				return i
			}
		}
	}
	return -1
}

func (v *value) get(name string) *value {
	if i := v.member(name); i >= 0 {
		return v.values[i]
	}
	return nil
}

func (v *value) set(name string, to *value) {
	if i := v.member(name); i >= 0 {
		v.values[i] = to
		return
	}
	v.names, v.values = append(v.names, name), append(v.values, to)
}

// list is the list of a name; a new one where there is none.
func (v *value) list(name string) *value {
	l := v.get(name)
	if l == nil {
		l = &value{kind: '['}
		v.set(name, l)
	}
	return l
}

func (v *value) insert(i int, to *value) {
	v.values = append(v.values, nil)
	copy(v.values[i+1:], v.values[i:])
	v.values[i] = to
}

func (v *value) remove(i int) *value {
	gone := v.values[i]
	v.values = append(v.values[:i], v.values[i+1:]...)
	if v.kind == '{' {
		v.names = append(v.names[:i], v.names[i+1:]...)
	}
	return gone
}

// unquote is the text of a JSON string.
func unquote(raw []byte) (string, error) {
	b, err := jsontext.AppendUnquote(nil, raw)
	return string(b), err
}
