package fhir

import "unsafe"

// Cursor walks what stands in an object or a list without allocating:
//
//	for c := n.Children(); c.Next(); {
//		c.Name(), c.Node()
//	}
type Cursor struct {
	t       *tape
	i, next uint32
	end     uint32
}

// Children begins a walk over an object's members or a list's elements; over
// anything else it is one over nothing.
func (n Node) Children() Cursor {
	if k := n.kind(); k != kindObject && k != kindArray {
		return Cursor{}
	}
	return Cursor{t: n.t, next: n.i + 1, end: n.entry().next}
}

// Next goes on to the next child, and says whether there is one.
func (c *Cursor) Next() bool {
	if c.next >= c.end {
		return false
	}
	c.i, c.next = c.next, c.t.entries[c.next].next
	return true
}

// Node is the child.
func (c *Cursor) Node() Node { return Node{c.t, c.i} }

// Name is the member's name; empty in a list. It may not be changed.
func (c *Cursor) Name() []byte {
	e := &c.t.entries[c.i]
	return c.t.text[e.name : e.name+uint32(e.nameLen)]
}

// Named says whether the member has that name.
func (c *Cursor) Named(name string) bool {
	e := &c.t.entries[c.i]
	return int(e.nameLen) == len(name) && string(c.t.text[e.name:e.name+uint32(e.nameLen)]) == name
}

// Member is the object's member of that name.
func (n Node) Member(name string) Node {
	if n.kind() != kindObject {
		return Node{}
	}
	return n.child(name)
}

// IsNumber says whether the node is a number.
func (n Node) IsNumber() bool { return n.kind() == kindNumber }

// IsBool says whether the node is true or false.
func (n Node) IsBool() bool { k := n.kind(); return k == kindTrue || k == kindFalse }

// IsNull says whether a null stands at the node: in a list of primitive values
// it keeps the place of one that has only extensions.
func (n Node) IsNull() bool { return n.t != nil && n.kind() == kindNull }

// View is Text without a copy: what it gives keeps the whole resource in
// memory for as long as it is kept itself.
func (n Node) View() string {
	switch n.kind() {
	case kindString:
		e := n.entry()
		if e.escaped {
			return n.Text()
		}
		return view(n.t.text[e.start+1 : e.end-1])
	case kindNumber, kindTrue, kindFalse:
		e := n.entry()
		return view(n.t.text[e.start:e.end])
	}
	return ""
}

// view is the bytes of a resource, which never change, as a string.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Span is where the node's value stands in the resource's JSON.
func (n Node) Span() (start, end int) {
	if n.t == nil {
		return 0, 0
	}
	e := n.entry()
	return int(e.start), int(e.end)
}

// Same says whether both nodes are one place in one resource.
func (n Node) Same(other Node) bool { return n == other }

// ParseTree reads any JSON value, of which nothing is known, as a tree.
func ParseTree(in []byte) (Node, error) {
	c, err := Compact(in)
	if err != nil {
		return Node{}, err
	}
	t, err := parseTree(c)
	if err != nil {
		return Node{}, err
	}
	return Node{t, 0}, nil
}
