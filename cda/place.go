package cda

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Value is what stands at a place.
type Value struct {
	// Text is an attribute's value, or an element's text; of an element
	// without text the attribute that says most about it.
	Text string
	// Start and End are its bytes in Document.Text: of an attribute its value
	// between the quotes, of an element all of it.
	Start, End int
}

// At is what stands at a place; false where nothing does.
func (d *Document) At(place string) (Value, bool) {
	path, attr, isAttr := strings.Cut(place, "@")
	e := d.element(path)
	if e == nil {
		return Value{}, false
	}
	if isAttr {
		return d.attribute(e, attr)
	}
	v := Value{Text: e.Text(), Start: int(e.start), End: int(e.end)}
	for _, a := range []string{"displayName", "value", "code", "extension", "root", "nullFlavor"} {
		if v.Text == "" {
			v.Text = e.Attr(a)
		}
	}
	return v, true
}

// element walks a place. A name may hold dots itself, so the longest child
// name that fits is taken.
func (d *Document) element(path string) *Element {
	at := d.Root
	for path != "" && path != Root {
		var next *Element
		for _, c := range at.Children {
			if c.Name == "" || next != nil && len(c.Name) <= len(next.Name) {
				continue
			}
			if rest, ok := strings.CutPrefix(path, c.Name); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				next = c
			}
		}
		if next == nil {
			return nil
		}
		path = path[len(next.Name):]
		nth := 1
		if strings.HasPrefix(path, "[") {
			end := strings.IndexByte(path, ']')
			n, err := strconv.ParseInt(path[1:max(1, end)], 10, 31)
			if err != nil {
				return nil
			}
			nth, path = int(n), path[end+1:]
		}
		if at = at.child(next.Name, int32(nth)); at == nil {
			return nil
		}
		if path != "" {
			if path[0] != '.' || len(path) == 1 {
				return nil
			}
			path = path[1:]
		}
	}
	return at
}

// attribute finds an attribute's bytes in the element's start tag.
func (d *Document) attribute(e *Element, name string) (Value, bool) {
	i := slices.IndexFunc(e.Attrs, func(a Attr) bool { return a.Name == name })
	if i < 0 {
		return Value{}, false
	}
	v := Value{Text: strings.TrimSpace(e.Attrs[i].Value), Start: int(e.start), End: int(e.end)}
	tag := d.Text[e.start:e.end]
	for i := 1; i < len(tag) && tag[i] != '>'; {
		eq := bytes.IndexByte(tag[i:], '=')
		if eq < 0 {
			break
		}
		full := string(bytes.TrimSpace(tag[i : i+eq]))
		if j := strings.LastIndexAny(full, " \t\r\n"); j >= 0 {
			full = full[j+1:]
		}
		i += eq + 1
		for i < len(tag) && tag[i] != '"' && tag[i] != '\'' {
			i++
		}
		if i >= len(tag) {
			break
		}
		end := bytes.IndexByte(tag[i+1:], tag[i])
		if end < 0 {
			break
		}
		if full == name || strings.HasSuffix(full, ":"+name) && !strings.HasPrefix(full, "xmlns") {
			v.Start, v.End = int(e.start)+i+1, int(e.start)+i+1+end
			return v, true
		}
		i += end + 2
	}
	return v, true
}
