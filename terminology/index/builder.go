package index

import (
	"math"
	"strings"

	"selda/fault"
)

// Node is the number of a concept while its code system is being built.
type Node uint32

// Builder takes a code system in any order and lays it out. What it holds is a
// few numbers a row, and the texts once.
type Builder struct {
	meta   Meta
	byCode map[string]Node
	codes  []string
	flags  []byte
	edges  []edge // in the order in which they were given

	descs []desc
	texts []byte
	kinds map[Kind]byte

	attrs    []attr
	names    map[string]int
	literals map[string]uint32
	literal  []string

	refsets map[Node]*rows
	order   []Node // refsets as they came

	modules     map[string]int
	stampNumber map[Stamp]uint32
	stampList   []Stamp
	stamped     []uint32 // of each node, the number of its stamp
}

type edge struct{ child, parent Node }

type desc struct {
	id      uint64
	concept Node
	stamp   uint32
	at      uint32
	size    uint32
	kind    byte
}

type attr struct {
	concept Node
	name    uint32
	value   uint32
	group   uint32
	typ     ValueType
}

type rows struct {
	list     []row
	targets  bool
	concepts bool
}

type row struct {
	member, target  uint32
	group, priority uint32
	rule, advice    uint32
}

// NewBuilder begins a code system.
func NewBuilder(m Meta) *Builder {
	m.Kinds, m.Properties, m.Refsets, m.Modules, m.Dialects = nil, nil, nil, nil, nil
	b := &Builder{meta: m, byCode: map[string]Node{}, kinds: map[Kind]byte{}, names: map[string]int{}, literals: map[string]uint32{}, refsets: map[Node]*rows{},
		modules: map[string]int{}, stampNumber: map[Stamp]uint32{}}
	b.text("")         // literal 0 is nothing
	b.stampOf(Stamp{}) // and so is stamp 0
	return b
}

// SetVersion says which version this is, where that is known only later.
func (b *Builder) SetVersion(v string) { b.meta.Version = v }

// SetTitle says what the whole is called.
func (b *Builder) SetTitle(t string) { b.meta.Title = t }

// Meta is what has been said of the whole so far.
func (b *Builder) Meta() Meta { return b.meta }

// Len is how many concepts there are.
func (b *Builder) Len() int { return len(b.codes) }

// Concept is the node of a code, which is made where it is new.
func (b *Builder) Concept(code string) Node {
	key := b.key(code)
	n, ok := b.byCode[key]
	if !ok {
		n = Node(len(b.codes))
		code = strings.Clone(code)
		if !b.meta.IgnoreCase {
			key = code
		}
		b.byCode[key] = n
		b.codes = append(b.codes, code)
		b.flags = append(b.flags, 0)
	}
	return n
}

// Code is a node's code.
func (b *Builder) Code(n Node) string { return b.codes[n] }

// Find is the node of a code that is there already.
func (b *Builder) Find(code string) (Node, bool) {
	n, ok := b.byCode[b.key(code)]
	return n, ok
}

func (b *Builder) key(code string) string {
	if b.meta.IgnoreCase {
		return strings.ToLower(code)
	}
	return code
}

// Inactive says that a concept should not be used any more.
func (b *Builder) Inactive(n Node) { b.flags[n] |= flagInactive }

// SetInactive says whether a concept should not be used any more.
func (b *Builder) SetInactive(n Node, inactive bool) {
	b.flags[n] &^= flagInactive
	if inactive {
		b.flags[n] |= flagInactive
	}
}

// Abstract says that a concept only groups others.
func (b *Builder) Abstract(n Node) { b.flags[n] |= flagAbstract }

// SetDefined says whether a concept is sufficiently defined.
func (b *Builder) SetDefined(n Node, defined bool) {
	b.flags[n] &^= flagDefined
	if defined {
		b.flags[n] |= flagDefined
	}
}

// Parent puts a concept below another.
func (b *Builder) Parent(child, parent Node) { b.edges = append(b.edges, edge{child, parent}) }

// Describe gives a concept a name, or its definition.
func (b *Builder) Describe(n Node, k Kind, text string) error {
	kind, ok := b.kinds[k]
	if !ok {
		if len(b.meta.Kinds) > math.MaxUint8 {
			return fault.E("index.Describe", fault.TooLong, "there are more kinds of designation than 256")
		}
		kind = byte(len(b.meta.Kinds))
		b.kinds[k] = kind
		b.meta.Kinds = append(b.meta.Kinds, k)
	}
	if len(b.texts)+len(text) > math.MaxUint32 {
		return fault.E("index.Describe", fault.TooLong, "the texts are more than 4 GiB")
	}
	b.descs = append(b.descs, desc{concept: n, at: uint32(len(b.texts)), size: uint32(len(text)), kind: kind})
	b.texts = append(b.texts, text...)
	return nil
}

// Name gives a property its number. What is said of it first holds.
func (b *Builder) Name(p PropertyName) int {
	i, ok := b.names[p.Code]
	if !ok {
		i = len(b.meta.Properties)
		b.names[p.Code] = i
		b.meta.Properties = append(b.meta.Properties, p)
	}
	return i
}

// Property gives a concept a property. A value of type CodeValue becomes a
// ConceptValue where it is a concept of this system.
func (b *Builder) Property(n Node, name int, group int, t ValueType, value string) {
	a := attr{concept: n, name: uint32(name), group: uint32(group), typ: t}
	a.value = b.text(value)
	b.attrs = append(b.attrs, a)
}

// Relate gives a concept a property whose value is a concept.
func (b *Builder) Relate(n Node, name int, group int, value Node) {
	b.attrs = append(b.attrs, attr{concept: n, name: uint32(name), group: uint32(group), value: uint32(value)})
}

func (b *Builder) text(s string) uint32 {
	i, ok := b.literals[s]
	if !ok {
		s = strings.Clone(s)
		i = uint32(len(b.literal))
		b.literals[s] = i
		b.literal = append(b.literal, s)
	}
	return i
}

func (b *Builder) rowsOf(refset Node) *rows {
	r, ok := b.refsets[refset]
	if !ok {
		r = &rows{}
		b.refsets[refset] = r
		b.order = append(b.order, refset)
	}
	return r
}

// Member puts a concept into a reference set.
func (b *Builder) Member(refset, member Node) {
	r := b.rowsOf(refset)
	r.list = append(r.list, row{member: uint32(member)})
}

// Associate puts a concept into a reference set whose targets are concepts.
func (b *Builder) Associate(refset, member, target Node) {
	r := b.rowsOf(refset)
	r.targets, r.concepts = true, true
	r.list = append(r.list, row{member: uint32(member), target: uint32(target)})
}

// Map puts a concept into a reference set whose targets are codes of another system.
func (b *Builder) Map(refset, member Node, target string, group, priority int, rule, advice string) {
	r := b.rowsOf(refset)
	r.targets = true
	r.list = append(r.list, row{uint32(member), b.text(target), uint32(group), uint32(priority), b.text(rule), b.text(advice)})
}

// resolve turns codes that are concepts into such.
func (b *Builder) resolve() {
	for i := range b.attrs {
		if a := &b.attrs[i]; a.typ == CodeValue {
			if n, ok := b.Find(b.literal[a.value]); ok {
				a.typ, a.value = ConceptValue, uint32(n)
			}
		}
	}
}
