package rights

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"selda/fhir"
	"selda/policy"
)

// This file cleans a resource for a copy: words about other people are taken out of every
// string, whatever it is wrapped in; what can't be read is left out; and nothing refers to
// what is not in the copy. https://ico.org.uk, right of access: information about others.

// cleaner cleans the resources of one copy.
type cleaner struct {
	words Words
	has   map[string]bool // "Type/id" of what is in the copy
	// left is how many files could not be read, and were left out.
	left int
}

// maxDepth is how deep a resource may be nested.
const maxDepth = 64

// resource is a resource as it goes into the copy.
func (c *cleaner) resource(body []byte) ([]byte, error) {
	out, keep, err := c.value("", body, 0)
	if err != nil || !keep {
		return nil, fmt.Errorf("a resource can't be put into a copy: %v", err)
	}
	return out, nil
}

// value is a value of a member, cleaned; keep is false where it is left out.
func (c *cleaner) value(name string, v []byte, depth int) (out []byte, keep bool, err error) {
	if depth > maxDepth {
		return nil, false, fmt.Errorf("nested too deep")
	}
	switch jsontext.Value(v).Kind() {
	case jsontext.KindBeginObject:
		return c.object(name, v, depth)
	case jsontext.KindBeginArray:
		return c.array(name, v, depth)
	case jsontext.KindString:
		s, err := unquoted(v)
		if err != nil {
			return nil, false, err
		}
		clean := c.text(s)
		if clean == s {
			return v, true, nil
		}
		out, err := jsontext.AppendQuote(nil, clean)
		return out, true, err
	case jsontext.KindNumber: // a number is not a text that something can stand in
		return v, !c.words.In(string(v)), nil
	}
	return v, true, nil
}

func unquoted(v []byte) (string, error) {
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err
}

// text is a string without the words. What holds them only wrapped is taken out whole.
func (c *cleaner) text(s string) string {
	out, _ := c.words.Out(s)
	if c.words.In(out) {
		return Removed
	}
	return out
}

func (c *cleaner) array(name string, v []byte, depth int) ([]byte, bool, error) {
	d := jsontext.NewDecoder(bytes.NewReader(v))
	if _, err := d.ReadToken(); err != nil {
		return nil, false, err
	}
	out, n := []byte{'['}, 0
	for d.PeekKind() != jsontext.KindEndArray {
		item, err := d.ReadValue()
		if err != nil {
			return nil, false, err
		}
		clean, keep, err := c.value(name, bytes.Clone(item), depth+1)
		if err != nil {
			return nil, false, err
		}
		if !keep {
			continue
		}
		if n++; n > 1 {
			out = append(out, ',')
		}
		out = append(out, clean...)
	}
	return append(out, ']'), n > 0, nil
}

func (c *cleaner) object(name string, v []byte, depth int) ([]byte, bool, error) {
	members := map[string][]byte{}
	for n, x := range fhir.Members(v) {
		members[n] = x
	}
	switch {
	case !c.refers(members):
		return nil, false, nil
	case name == "text" && members["div"] != nil && !c.words.None(): // it says again what the elements say
		return nil, false, nil
	case members["data"] != nil && members["origin"] == nil: // no SampledData
		data, keep, err := c.file(members)
		if err != nil || !keep {
			return nil, false, err
		}
		members["data"] = data
	}
	out, n := []byte{'{'}, 0
	for name, x := range fhir.Members(v) {
		if name == "security" && depth == 1 { // how it is handled here
			continue
		}
		clean, keep := members[name], true
		if name != "data" {
			var err error
			if clean, keep, err = c.value(name, x, depth+1); err != nil {
				return nil, false, err
			}
		}
		if !keep {
			continue
		}
		if n++; n > 1 {
			out = append(out, ',')
		}
		var err error
		if out, err = jsontext.AppendQuote(out, name); err != nil {
			return nil, false, err
		}
		out = append(append(out, ':'), clean...)
	}
	return append(out, '}'), n > 0, nil
}

// refers says whether what a reference is to may be told: it is in the copy, or is of no
// person, or lies elsewhere.
func (c *cleaner) refers(members map[string][]byte) bool {
	v, ok := members["reference"]
	if !ok || jsontext.Value(v).Kind() != jsontext.KindString {
		return true
	}
	ref, err := unquoted(v)
	if err != nil {
		return false
	}
	typ, id, ok := strings.Cut(ref, "/")
	if !ok || !fhir.IsResourceType(typ) || policy.OfNoPerson(typ) {
		return true
	}
	id, _, _ = strings.Cut(id, "/")
	return c.has[typ+"/"+id]
}

// file is the content of an attachment without the words. One that is not text can't be
// searched: it is left out where there are words to take out.
func (c *cleaner) file(members map[string][]byte) ([]byte, bool, error) {
	data := members["data"]
	if c.words.None() || jsontext.Value(data).Kind() != jsontext.KindString {
		return data, true, nil
	}
	kind := ""
	if v := members["contentType"]; v != nil {
		kind, _ = unquoted(v)
	}
	coded, err := unquoted(data)
	if err != nil {
		return nil, false, err
	}
	b, err := base64.StdEncoding.DecodeString(coded)
	if err != nil || !utf8.Valid(b) || !strings.HasPrefix(kind, "text/plain") && c.words.In(string(b)) || !strings.HasPrefix(kind, "text/") {
		c.left++
		return nil, false, nil
	}
	out, err := jsontext.AppendQuote(nil, base64.StdEncoding.EncodeToString([]byte(c.text(string(b)))))
	return out, true, err
}
