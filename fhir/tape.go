package fhir

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"selda/fault"
)

// A tape is a JSON text with one entry for each value in it, in the order of
// the text. An entry holds no pointer: a resource is two blocks of memory,
// whatever is in it, and the collector has nothing to follow.
type tape struct {
	text    []byte
	entries []entry
}

type entry struct {
	name    uint32 // where the member's name begins; 0 of what has none
	nameLen uint16
	kind    kind
	escaped bool   // a string with a backslash in it
	start   uint32 // where the value's text begins and ends
	end     uint32
	next    uint32 // the entry after this value and all in it
}

type kind uint8

const (
	kindNull kind = iota
	kindFalse
	kindTrue
	kindNumber
	kindString
	kindArray
	kindObject
)

var errTree = fault.E("fhir.Parse", fault.Structure, "not well-formed JSON")

// parseTree reads compact JSON: as strict as its shape needs, no stricter. What
// comes from outside goes through Compact first.
func parseTree(b []byte) (*tape, error) {
	if len(b) == 0 || uint64(len(b)) > math.MaxUint32 {
		return nil, errTree
	}
	n := 1
	for _, c := range b {
		if c == ',' || c == '{' || c == '[' {
			n++
		}
	}
	p := parser{tape: tape{text: b, entries: make([]entry, 0, n)}}
	end, ok := p.value(0, 0)
	if p.bad != nil {
		return nil, p.bad
	}
	if !ok || end != len(b) {
		return nil, errTree
	}
	return &p.tape, nil
}

type parser struct {
	tape
	depth int
	bad   error
}

// value reads the value that begins at i, and gives where it ends.
func (p *parser) value(i int, name uint64) (int, bool) {
	if i >= len(p.text) {
		return i, false
	}
	at := len(p.entries)
	e := entry{name: uint32(name >> 16), nameLen: uint16(name), start: uint32(i)}
	p.entries = append(p.entries, e)
	var end int
	ok := true
	switch p.text[i] {
	case '{':
		p.entries[at].kind = kindObject
		end, ok = p.members(i+1, '}', true)
	case '[':
		p.entries[at].kind = kindArray
		end, ok = p.members(i+1, ']', false)
	case '"':
		p.entries[at].kind = kindString
		end, p.entries[at].escaped, ok = p.string(i)
	case 't':
		p.entries[at].kind, end = kindTrue, i+4
	case 'f':
		p.entries[at].kind, end = kindFalse, i+5
	case 'n':
		p.entries[at].kind, end = kindNull, i+4
	default:
		p.entries[at].kind = kindNumber
		for end = i; end < len(p.text) && numeric(p.text[end]); end++ {
		}
		ok = end > i
	}
	if !ok || end > len(p.text) {
		return end, false
	}
	p.entries[at].end = uint32(end)
	p.entries[at].next = uint32(len(p.entries))
	return end, true
}

func numeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// members reads what stands in an object or a list, from i to its bracket.
func (p *parser) members(i int, closing byte, named bool) (int, bool) {
	if p.depth++; p.depth > MaxDepth {
		p.bad = fault.E("fhir.Parse", fault.TooLong, "JSON is nested deeper than 64 levels")
		return i, false
	}
	defer func() { p.depth-- }()
	if i < len(p.text) && p.text[i] == closing {
		return i + 1, true
	}
	for {
		name := uint64(0)
		if named {
			if i >= len(p.text) || p.text[i] != '"' {
				return i, false
			}
			end, escaped, ok := p.string(i)
			if !ok || end >= len(p.text) || p.text[end] != ':' {
				return i, false
			}
			if escaped { // it would hide what it says from whoever looks for the name
				p.bad = fault.E("fhir.Parse", fault.Structure, "a name is written with an escape")
				return i, false
			}
			length := end - i - 2
			if length > math.MaxUint16 {
				return i, false
			}
			name = uint64(i+1)<<16 | uint64(length)
			i = end + 1
		}
		end, ok := p.value(i, name)
		if !ok || end >= len(p.text) {
			return end, false
		}
		switch p.text[end] {
		case ',':
			i = end + 1
		case closing:
			return end + 1, true
		default:
			return end, false
		}
	}
}

// string finds the end of the string whose quote is at i.
func (p *parser) string(i int) (end int, escaped, ok bool) {
	for j := i + 1; j < len(p.text); j++ {
		switch p.text[j] {
		case '"':
			return j + 1, escaped, true
		case '\\':
			escaped = true
			j++
		}
	}
	return i, escaped, false
}

// Node is a place in a resource's tree. The zero Node is "nothing there", and
// every method on it answers so.
type Node struct {
	t *tape
	i uint32
}

func (n Node) entry() *entry { return &n.t.entries[n.i] }

func (n Node) kind() kind {
	if n.t == nil {
		return kindNull
	}
	return n.entry().kind
}

// child finds a member by its name.
func (n Node) child(name string) Node {
	e := n.entry()
	for i := n.i + 1; i < e.next; i = n.t.entries[i].next {
		c := &n.t.entries[i]
		if int(c.nameLen) == len(name) && string(n.t.text[c.name:c.name+uint32(c.nameLen)]) == name {
			return Node{n.t, i}
		}
	}
	return Node{}
}

// element is the k-th element of a list.
func (n Node) element(k int) Node {
	e := n.entry()
	for i := n.i + 1; i < e.next; i = n.t.entries[i].next {
		if k == 0 {
			return Node{n.t, i}
		}
		k--
	}
	return Node{}
}

// Get follows names (and array indexes, as "0") down the tree; an array on the
// way stands for its first element.
func (n Node) Get(path ...string) Node {
	for _, p := range path {
		switch n.kind() {
		case kindObject:
			n = n.child(p)
		case kindArray:
			if p != "" && p[0] >= '0' && p[0] <= '9' {
				k, err := strconv.Atoi(p)
				if err != nil {
					return Node{}
				}
				n = n.element(k)
				continue
			}
			if n = n.element(0); n.kind() != kindObject {
				return Node{}
			}
			n = n.child(p)
		default:
			return Node{}
		}
	}
	return n
}

// Exists says whether anything is there.
func (n Node) Exists() bool { return n.kind() != kindNull }

// Text is the text of a string, a number as it was written, or a boolean; ""
// of anything else.
func (n Node) Text() string {
	switch n.kind() {
	case kindString:
		e := n.entry()
		raw := n.t.text[e.start+1 : e.end-1]
		if e.escaped {
			return unescape(raw)
		}
		return string(raw)
	case kindNumber, kindTrue, kindFalse:
		e := n.entry()
		return string(n.t.text[e.start:e.end])
	}
	return ""
}

// unescape is a string's text with its escapes decoded.
// https://www.rfc-editor.org/rfc/rfc8259#section-7
func unescape(raw []byte) string {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' || i+1 >= len(raw) {
			out = append(out, c)
			continue
		}
		i++
		switch raw[i] {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r := hex4(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				if both := utf16.DecodeRune(r, hex4(raw[i+3:])); both != utf8.RuneError {
					r = both
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, raw[i])
		}
	}
	return string(out)
}

func hex4(b []byte) rune {
	if len(b) < 4 {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// Is says whether the node is the string s, without allocating.
func (n Node) Is(s string) bool {
	if n.kind() != kindString {
		return false
	}
	e := n.entry()
	if e.escaped {
		return n.Text() == s
	}
	return string(n.t.text[e.start+1:e.end-1]) == s
}

// Bool says whether the node is true.
func (n Node) Bool() bool { return n.kind() == kindTrue }

// Number is the node as a number; false where it is none.
func (n Node) Number() (float64, bool) {
	if n.kind() != kindNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.Text(), 64)
	return f, err == nil
}

// IsObject says whether the node is an object.
func (n Node) IsObject() bool { return n.kind() == kindObject }

// IsArray says whether the node is a list.
func (n Node) IsArray() bool { return n.kind() == kindArray }

// IsString says whether the node is a string.
func (n Node) IsString() bool { return n.kind() == kindString }

// List is the elements under a name: of a list each one, of a single value
// that one, else none.
func (n Node) List(path ...string) []Node {
	if len(path) > 0 {
		n = n.Get(path...)
	}
	switch n.kind() {
	case kindNull:
		return nil
	case kindArray:
	default:
		return []Node{n}
	}
	e := n.entry()
	count := 0
	for i := n.i + 1; i < e.next; i = n.t.entries[i].next {
		count++
	}
	out := make([]Node, 0, count)
	for i := n.i + 1; i < e.next; i = n.t.entries[i].next {
		out = append(out, Node{n.t, i})
	}
	return out
}

// Each calls f for every member of an object, in order.
func (n Node) Each(f func(name string, child Node)) {
	if !n.IsObject() {
		return
	}
	e := n.entry()
	for i := n.i + 1; i < e.next; i = n.t.entries[i].next {
		c := &n.t.entries[i]
		f(string(n.t.text[c.name:c.name+uint32(c.nameLen)]), Node{n.t, i})
	}
}

// First is the first member of an object whose name begins with prefix and
// goes on in a capital letter: the choice element value[x] is First("value").
// https://hl7.org/fhir/R4/formats.html#choice
func (n Node) First(prefix string) (name string, child Node) {
	if !n.IsObject() {
		return "", Node{}
	}
	e := n.entry()
	for i := n.i + 1; i < e.next; i = n.t.entries[i].next {
		c := &n.t.entries[i]
		k := n.t.text[c.name : c.name+uint32(c.nameLen)]
		if len(k) > len(prefix) && string(k[:len(prefix)]) == prefix && k[len(prefix)] >= 'A' && k[len(prefix)] <= 'Z' {
			return string(k), Node{n.t, i}
		}
	}
	return "", Node{}
}

// JSON is the node as compact JSON, as it was given.
func (n Node) JSON() []byte {
	if n.t == nil {
		return nil
	}
	e := n.entry()
	return append([]byte(nil), n.t.text[e.start:e.end]...)
}

// Resource is the resource that stands at this node: an entry's, a contained one.
func (n Node) Resource() (*Resource, error) {
	if !n.IsObject() {
		return nil, fault.E("fhir.Resource", fault.Structure, "no resource is there")
	}
	return ParseTrusted(n.JSON())
}
