package v2tofhir

import (
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
)

// Results come by the dozen, so their smallest parts (quantities, ranges,
// flags) are written as JSON at once and never stand as objects.

// raw begins a JSON object whose members are added in alphabetical order.
type raw []byte

func (r raw) name(name string) raw {
	if len(r) == 0 {
		r = append(make(raw, 0, 128), '{')
	} else {
		r = append(r, ',')
	}
	r = append(r, '"')
	r = append(r, name...)
	return append(r, '"', ':')
}

// text adds a string; nothing where it is empty.
func (r raw) text(name, value string) raw {
	if value == "" {
		return r
	}
	r = r.name(name)
	out, err := jsontext.AppendQuote(r, value)
	if err != nil { // invalid UTF-8, replaced all the same
		return out
	}
	return out
}

// json adds a value that is JSON already; nothing where it is empty.
func (r raw) json(name string, value []byte) raw {
	if len(value) == 0 {
		return r
	}
	return append(r.name(name), value...)
}

// end is the whole object; nil where nothing was added.
func (r raw) end() json.RawMessage {
	if len(r) == 0 {
		return nil
	}
	return json.RawMessage(append(r, '}'))
}
