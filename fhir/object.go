package fhir

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Object is a resource or datatype under construction: the names are the
// standard's. Values are strings, bools, ints, Decimal, Object, []Object,
// []string, []any; what is empty ("" and nil, an object or list with nothing
// in it) is left out when it is marshalled.
type Object map[string]any

// Decimal is a number that keeps its text: "107.00".
type Decimal string

// Marshal is the object as compact JSON: resourceType first, then names in
// alphabetical order, empty values left out, invalid UTF-8 replaced.
func Marshal(o Object) []byte {
	b, _ := appendObject(make([]byte, 0, 512), o)
	return b
}

func appendObject(b []byte, o Object) ([]byte, bool) {
	names := make([]string, 0, len(o))
	for k := range o {
		if k != "resourceType" {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	start := len(b)
	b = append(b, '{')
	some := false
	member := func(k string) {
		mark := len(b)
		if some {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, k...)
		b = append(b, '"', ':')
		var ok bool
		if b, ok = appendValue(b, o[k]); !ok {
			b = b[:mark]
			return
		}
		some = true
	}
	if _, ok := o["resourceType"]; ok {
		member("resourceType")
	}
	for _, k := range names {
		member(k)
	}
	if !some {
		return b[:start], false
	}
	return append(b, '}'), true
}

func appendValue(b []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return b, false
	case string:
		if v == "" {
			return b, false
		}
		return appendString(b, v), true
	case bool:
		return strconv.AppendBool(b, v), true
	case int:
		return strconv.AppendInt(b, int64(v), 10), true
	case Decimal:
		if v == "" {
			return b, false
		}
		return append(b, v...), true
	case Object:
		return appendObject(b, v)
	case []Object:
		return appendList(b, len(v), func(b []byte, i int) ([]byte, bool) { return appendObject(b, v[i]) })
	case []string:
		return appendList(b, len(v), func(b []byte, i int) ([]byte, bool) { return appendValue(b, v[i]) })
	case []any:
		return appendList(b, len(v), func(b []byte, i int) ([]byte, bool) { return appendValue(b, v[i]) })
	case json.RawMessage:
		return append(b, v...), len(v) > 0
	}
	panic("fhir.Marshal: a value of a type that Object does not hold")
}

func appendList(b []byte, n int, item func([]byte, int) ([]byte, bool)) ([]byte, bool) {
	start := len(b)
	b = append(b, '[')
	some := false
	for i := range n {
		mark := len(b)
		if some {
			b = append(b, ',')
		}
		var ok bool
		if b, ok = item(b, i); !ok {
			b = b[:mark]
			continue
		}
		some = true
	}
	if !some {
		return b[:start], false
	}
	return append(b, ']'), true
}

const hex = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// IsDecimal says whether s is a FHIR decimal, so that it may stand as a
// Decimal. https://hl7.org/fhir/R4/datatypes.html#decimal
func IsDecimal(s string) bool {
	i := 0
	digits := func() int {
		n := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
			n++
		}
		return n
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	start := i
	n := digits()
	if n == 0 || n > 1 && s[start] == '0' || n > 18 {
		return false
	}
	if i < len(s) && s[i] == '.' {
		i++
		if n := digits(); n == 0 || n > 18 {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if n := digits(); n == 0 || n > 3 {
			return false
		}
	}
	return i == len(s)
}

// Coding is a Coding, or nil where there is neither code nor display.
func Coding(system, code, display string) Object {
	if code == "" && display == "" {
		return nil
	}
	return Object{"system": system, "code": code, "display": display}
}

// Concept is a CodeableConcept of its codings and text; nil where all are empty.
func Concept(text string, codings ...Object) Object {
	var list []Object
	for _, c := range codings {
		if len(c) > 0 {
			list = append(list, c)
		}
	}
	if text == "" && len(list) == 0 {
		return nil
	}
	return Object{"coding": list, "text": text}
}

// Ref is a Reference by relative or absolute URL; nil where it is empty.
func Ref(reference string) Object {
	if reference == "" {
		return nil
	}
	return Object{"reference": reference}
}
