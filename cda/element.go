package cda

import (
	"strconv"
	"strings"
)

// Element is one element of the document, or, with no Name, a piece of text.
// Its methods answer "nothing" on nil, so that a path can be walked without
// asking at every step.
type Element struct {
	Name     string // local name
	Space    string // namespace
	Attrs    []Attr
	Children []*Element

	text       string
	parent     *Element
	start, end int32 // its bytes in Document.Text
	index      int32 // among the siblings of its name, from 1
}

// Attr is one attribute.
type Attr struct{ Space, Name, Value string }

// First follows names down the tree, at each step to the first child of that
// name; nil where there is none.
func (e *Element) First(path ...string) *Element {
	for _, name := range path {
		if e = e.child(name, 1); e == nil {
			return nil
		}
	}
	return e
}

func (e *Element) child(name string, nth int32) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name == name && c.index == nth {
			return c
		}
	}
	return nil
}

// All is every child of that name.
func (e *Element) All(name string) []*Element {
	if e == nil {
		return nil
	}
	var out []*Element
	for _, c := range e.Children {
		if c.Name == name {
			out = append(out, c)
		}
	}
	return out
}

// Elements are the children that are elements, in order.
func (e *Element) Elements() []*Element {
	if e == nil {
		return nil
	}
	out := make([]*Element, 0, len(e.Children))
	for _, c := range e.Children {
		if c.Name != "" {
			out = append(out, c)
		}
	}
	return out
}

// Attr is an attribute's value, without white space around it; "" where it is
// not there.
func (e *Element) Attr(name string) string {
	if e == nil {
		return ""
	}
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Name == name && (a.Space == "" || name != "type") {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// Type is the datatype that xsi:type names, without its prefix: "PQ", "CD".
func (e *Element) Type() string {
	if e == nil {
		return ""
	}
	for _, a := range e.Attrs {
		if a.Name == "type" && a.Space != "" {
			if i := strings.LastIndexByte(a.Value, ':'); i >= 0 {
				return a.Value[i+1:]
			}
			return a.Value
		}
	}
	return ""
}

// Null is the nullFlavor: why a value is not there; "" where it is.
func (e *Element) Null() string { return e.Attr("nullFlavor") }

// Text is all text in the element, white space runs as one blank.
func (e *Element) Text() string {
	if e == nil {
		return ""
	}
	if len(e.Children) == 1 && e.Children[0].Name == "" {
		return collapse(e.Children[0].text)
	}
	var b strings.Builder
	e.gather(&b)
	return collapse(b.String())
}

func (e *Element) gather(b *strings.Builder) {
	b.WriteString(e.text)
	for _, c := range e.Children {
		c.gather(b)
		switch c.Name {
		case "br", "paragraph", "p", "item", "td", "th", "tr", "caption":
			b.WriteByte(' ')
		}
	}
}

func collapse(s string) string {
	s = strings.TrimSpace(s)
	if !strings.ContainsAny(s, "\n\r\t") && !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// Place is where the element stands; see the package.
func (e *Element) Place() string {
	if e == nil {
		return ""
	}
	if e.parent == nil || e.Name == Root {
		return Root
	}
	var up [MaxDepth]*Element
	n := 0
	for at := e; at.parent != nil && at.Name != Root && n < MaxDepth; at = at.parent {
		up[n] = at
		n++
	}
	b := make([]byte, 0, 16*n)
	for i := n - 1; i >= 0; i-- {
		b = append(b, up[i].Name...)
		if up[i].index > 1 {
			b = append(strconv.AppendInt(append(b, '['), int64(up[i].index), 10), ']')
		}
		if i > 0 {
			b = append(b, '.')
		}
	}
	return string(b)
}

// AttrPlace is the place of an attribute of the element.
func (e *Element) AttrPlace(name string) string {
	if e == nil {
		return ""
	}
	return e.Place() + "@" + name
}

// Is says whether the element carries a templateId of that root, or, where the
// root is one that many templates share, of that extension.
func (e *Element) Is(template string) bool {
	if e == nil {
		return false
	}
	for _, c := range e.Children {
		if c.Name == "templateId" && (c.Attr("root") == template || c.Attr("extension") == template) {
			return true
		}
	}
	return false
}

// each calls f for the element and every element in it.
func (e *Element) each(f func(*Element)) {
	if e.Name == "" {
		return
	}
	f(e)
	for _, c := range e.Children {
		c.each(f)
	}
}
