package fhirpath

import (
	"sync/atomic"

	"selda/fhir"
)

// A member is one step of a path: the element of that name in each item.
type member struct {
	name  string
	under string // _name
	last  atomic.Pointer[declared]
}

// declared is what the type that was met last declares under the step's name.
type declared struct {
	of   *fhir.Datatype
	prop *fhir.Property // nil where it has none
}

func (m *member) property(t *fhir.Datatype) *fhir.Property {
	if d := m.last.Load(); d != nil && d.of == t {
		return d.prop
	}
	d := &declared{of: t, prop: t.Property([]byte(m.name))}
	if d.prop != nil && d.prop.Name != m.name { // valueQuantity is JSON's name, not the element's
		d.prop = nil
	}
	m.last.Store(d)
	return d.prop
}

// path follows steps from $this, or from what another expression gives.
type path struct {
	in    eval   // nil: $this
	typed string // the type that a path begins with, "Patient" of Patient.name
	of    *fhir.Datatype
	steps []*member
}

func (p *path) run(r *run) error {
	lo := len(r.items)
	if p.in == nil {
		for i := range r.this {
			it := &r.this[i]
			if p.typed == "" {
				p.walk(r, it, 0)
			} else if it.typ != nil && p.of != nil && it.typ.Is(p.of) {
				p.walk(r, it, 0)
			} else if it.typ == nil && it.kind == Element {
				p.untypedName(r, it)
			}
		}
		return r.step(1 + len(r.items) - lo)
	}
	if err := p.in(r); err != nil {
		return err
	}
	mid := len(r.items)
	for i := lo; i < mid; i++ {
		it := r.items[i] // the stack may move while the steps are followed
		p.walk(r, &it, 0)
	}
	r.keep(lo, mid)
	return r.step(1 + len(r.items) - lo)
}

// untypedName follows a name that looks like a type's in JSON that has no types.
func (p *path) untypedName(r *run, it *Item) {
	lo := len(r.items)
	(&path{steps: []*member{{name: p.typed}}}).walk(r, it, 0)
	mid := len(r.items)
	if len(p.steps) == 0 {
		return
	}
	for i := lo; i < mid; i++ {
		child := r.items[i]
		p.walk(r, &child, 0)
	}
	r.keep(lo, mid)
}

// walk follows the steps from k on, and puts what is at their end on the stack.
func (p *path) walk(r *run, it *Item, k int) {
	if k == len(p.steps) {
		r.push(*it)
		return
	}
	m := p.steps[k]
	switch {
	case it.kind != Element:
		if child, ok := it.part(m.name); ok {
			p.walk(r, &child, k+1)
		}
	case it.typ == nil:
		p.spread(r, it.node.Member(m.name), fhir.Node{}, nil, k+1)
	default:
		prop := m.property(it.typ)
		if prop == nil {
			if m.name == "value" && it.typ.Primitive() { // as the primitive types' definitions have it
				if v, ok := it.value(); ok {
					p.walk(r, &v, k+1)
				}
			}
			return
		}
		from := it.node
		if it.typ.Primitive() {
			from = it.under
		}
		if !prop.Choice() {
			t := prop.Types[0]
			value := from.Member(m.name)
			under := fhir.Node{}
			if t.Primitive() {
				under = from.Member(m.under)
			}
			p.spread(r, value, under, t, k+1)
			return
		}
		value, under, t := chosen(from, prop)
		p.spread(r, value, under, t, k+1)
	}
}

// chosen is the member of a choice element that is there.
func chosen(n fhir.Node, prop *fhir.Property) (value, under fhir.Node, t *fhir.Datatype) {
	for c := n.Children(); c.Next(); {
		name := c.Name()
		if len(name) > 0 && name[0] == '_' {
			if of := prop.Of(name[1:]); of != nil {
				under, t = c.Node(), of
			}
		} else if of := prop.Of(name); of != nil {
			value, t = c.Node(), of
		}
	}
	return value, under, t
}

// spread follows the steps from each of the elements that a member holds: of a
// list of primitives, extensions stand in a second list beside the first.
// https://hl7.org/fhir/R4/json.html#primitive
func (p *path) spread(r *run, value, under fhir.Node, t *fhir.Datatype, k int) {
	if !value.IsArray() && !under.IsArray() {
		if value.Exists() || under.Exists() {
			child := Item{node: value, under: under, typ: typeOf(value, t), kind: Element}
			p.walk(r, &child, k)
		}
		return
	}
	values, unders := value.Children(), under.Children()
	for {
		var v, u fhir.Node
		more := values.Next()
		if more {
			v = values.Node()
		}
		if unders.Next() {
			u, more = unders.Node(), true
		}
		if !more {
			return
		}
		if !v.Exists() && !u.Exists() {
			continue
		}
		child := Item{node: v, under: u, typ: typeOf(v, t), kind: Element}
		p.walk(r, &child, k)
	}
}

// typeOf is the type of an element that was declared to be of t: of a resource,
// which one it says it is.
func typeOf(n fhir.Node, t *fhir.Datatype) *fhir.Datatype {
	if t == nil || t.Name() != "Resource" {
		return t
	}
	if named := fhir.DatatypeOf(n.Member("resourceType").View()); named != nil {
		return named
	}
	return t
}

// Elements puts behind dst the item's elements of a name, in order: of value[x],
// "value".
func (it *Item) Elements(name string, dst []Item) []Item {
	if it.kind != Element {
		return dst
	}
	if it.typ == nil {
		eachOf(it.node.Member(name), fhir.Node{}, nil, func(child *Item) { dst = append(dst, *child) })
		return dst
	}
	prop := it.typ.Property([]byte(name))
	if prop == nil || prop.Name != name {
		return dst
	}
	from := it.node
	if it.typ.Primitive() {
		from = it.under
	}
	value, under, t := from.Member(name), fhir.Node{}, prop.Types[0]
	if prop.Choice() {
		value, under, t = chosen(from, prop)
	} else if t.Primitive() {
		under = from.Member("_" + name)
	}
	eachOf(value, under, t, func(child *Item) { dst = append(dst, *child) })
	return dst
}

// part is an element of a computed value: of a Quantity, and of what type() gives.
func (it *Item) part(name string) (Item, bool) {
	switch v := it.v.(type) {
	case *Quantity:
		switch name {
		case "value":
			return Decimal(v.Value), true
		case "unit", "code":
			return String(v.Unit), true
		}
	case typeInfo:
		switch name {
		case "namespace":
			return String(v.space), true
		case "name":
			return String(v.name), true
		}
	}
	return Item{}, false
}

// eachChild calls f for every element directly in an item, in the order of the
// JSON, with its name.
func eachChild(it *Item, f func(name []byte, child *Item)) {
	from := it.node
	if it.kind != Element {
		return
	}
	if it.primitive() {
		from = it.under
	}
	for c := from.Children(); c.Next(); {
		name, value, under := c.Name(), c.Node(), fhir.Node{}
		if len(name) == 0 || it.typ != nil && string(name) == "resourceType" {
			continue
		}
		key := name
		if name[0] == '_' && it.typ != nil {
			key = name[1:]
			if from.Member(string(key)).Exists() {
				continue // it comes with its value
			}
			value, under = fhir.Node{}, value
		}
		var t *fhir.Datatype
		if it.typ != nil {
			prop := it.typ.Property(key)
			if prop == nil {
				continue
			}
			if t = prop.Of(key); t == nil {
				continue
			}
			if t.Primitive() && !under.Exists() {
				under = from.Member("_" + string(key))
			}
			key = []byte(prop.Name)
		}
		eachOf(value, under, t, func(child *Item) { f(key, child) })
	}
}

func eachOf(value, under fhir.Node, t *fhir.Datatype, f func(child *Item)) {
	if !value.IsArray() && !under.IsArray() {
		if value.Exists() || under.Exists() {
			f(&Item{node: value, under: under, typ: typeOf(value, t), kind: Element})
		}
		return
	}
	values, unders := value.Children(), under.Children()
	for {
		var v, u fhir.Node
		more := values.Next()
		if more {
			v = values.Node()
		}
		if unders.Next() {
			u, more = unders.Node(), true
		}
		if !more {
			return
		}
		if v.Exists() || u.Exists() {
			f(&Item{node: v, under: u, typ: typeOf(v, t), kind: Element})
		}
	}
}
