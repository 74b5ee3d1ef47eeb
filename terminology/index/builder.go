package index

import (
	"cmp"
	"math"
	"slices"
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
}

type edge struct{ child, parent Node }

type desc struct {
	concept Node
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
	m.Kinds, m.Properties, m.Refsets = nil, nil, nil
	b := &Builder{meta: m, byCode: map[string]Node{}, kinds: map[Kind]byte{}, names: map[string]int{}, literals: map[string]uint32{}, refsets: map[Node]*rows{}}
	b.text("") // literal 0 is nothing
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

// Defined says that a concept is sufficiently defined.
func (b *Builder) Defined(n Node) { b.flags[n] |= flagDefined }

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
	b.descs = append(b.descs, desc{n, uint32(len(b.texts)), uint32(len(text)), kind})
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

// csr is, for each node, the other ends of its edges, in their order.
type csr struct{ off, to []uint32 }

func (c csr) of(n Node) []uint32 { return c.to[c.off[n]:c.off[n+1]] }

func gather(n int, edges []edge, from, to func(edge) Node) csr {
	c := csr{make([]uint32, n+1), make([]uint32, len(edges))}
	for _, e := range edges {
		c.off[from(e)+1]++
	}
	for i := range n {
		c.off[i+1] += c.off[i]
	}
	next := slices.Clone(c.off)
	for _, e := range edges {
		f := from(e)
		c.to[next[f]] = uint32(to(e))
		next[f]++
	}
	return c
}

func childOf(e edge) Node  { return e.child }
func parentOf(e edge) Node { return e.parent }

// graph is the hierarchy, in order.
type graph struct {
	up, down csr
	topo     []Node   // parents before children
	number   []uint32 // of each node in the walk
	node     []Node   // of each number
	last     []uint32 // the highest number in a node's own part of the walk
}

// hierarchy orders the nodes. Edges that would close a circle are left out.
func (b *Builder) hierarchy() *graph {
	n := len(b.codes)
	b.edges = slices.DeleteFunc(unique(b.edges), func(e edge) bool { return e.child == e.parent })
	g := &graph{}
	for {
		g.up, g.down = gather(n, b.edges, childOf, parentOf), gather(n, b.edges, parentOf, childOf)
		g.topo = b.sorted(g)
		if len(g.topo) == n {
			break
		}
		left := make([]bool, n)
		for i := range left {
			left[i] = true
		}
		for _, t := range g.topo {
			left[t] = false
		}
		first := slices.Index(left, true) // the first of a circle loses its parents within
		before := len(b.edges)
		b.edges = slices.DeleteFunc(b.edges, func(e edge) bool {
			return left[e.parent] && left[e.child] && (int(e.child) == first || before > maxCircles)
		})
		b.meta.Cycles += before - len(b.edges)
	}
	g.walk(n)
	return g
}

// maxCircles bounds the work on a broken hierarchy: of a large one all edges
// within circles go at once.
const maxCircles = 10_000

// unique leaves out edges that were given twice, keeping the order.
func unique(edges []edge) []edge {
	type place struct {
		edge
		at uint32
	}
	if len(edges) < 2 {
		return edges
	}
	sorted := make([]place, len(edges))
	for i, e := range edges {
		sorted[i] = place{e, uint32(i)}
	}
	slices.SortFunc(sorted, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.child, b.child), cmp.Compare(a.parent, b.parent), cmp.Compare(a.at, b.at))
	})
	sorted = slices.CompactFunc(sorted, func(a, b place) bool { return a.edge == b.edge })
	slices.SortFunc(sorted, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	out := make([]edge, len(sorted))
	for i, p := range sorted {
		out[i] = p.edge
	}
	return out
}

// sorted gives the nodes with parents before children; those in and below a
// circle are missing.
func (b *Builder) sorted(g *graph) []Node {
	n := len(b.codes)
	waiting := make([]uint32, n)
	out := make([]Node, 0, n)
	for i := range n {
		if waiting[i] = uint32(len(g.up.of(Node(i)))); waiting[i] == 0 {
			out = append(out, Node(i))
		}
	}
	for i := 0; i < len(out); i++ {
		for _, c := range g.down.of(out[i]) {
			if waiting[c]--; waiting[c] == 0 {
				out = append(out, Node(c))
			}
		}
	}
	return out
}

// walk numbers the nodes depth first, each below its deepest parent: the
// longer the way that one walk covers, the fewer runs are left to keep.
func (g *graph) walk(n int) {
	depth := make([]uint32, n)
	under := make([]uint32, n) // the parent in the walk
	for _, t := range g.topo {
		under[t] = math.MaxUint32
		for _, p := range g.up.of(t) {
			if d := depth[p] + 1; d > depth[t] {
				depth[t], under[t] = d, p
			}
		}
	}
	g.number, g.node, g.last = make([]uint32, n), make([]Node, 0, n), make([]uint32, n)
	type frame struct {
		n    Node
		next int
	}
	var stack []frame
	visit := func(m Node) {
		g.number[m] = uint32(len(g.node))
		g.node = append(g.node, m)
		stack = append(stack, frame{m, 0})
	}
	for root := range n {
		if under[root] != math.MaxUint32 {
			continue
		}
		visit(Node(root))
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			kids := g.down.of(f.n)
			if f.next == len(kids) {
				g.last[f.n] = uint32(len(g.node) - 1)
				stack = stack[:len(stack)-1]
				continue
			}
			kid := kids[f.next]
			f.next++
			if under[kid] == uint32(f.n) {
				visit(Node(kid))
			}
		}
	}
}

// spans are, for each node, the runs of numbers of all that is at and below it.
func (g *graph) spans() [][]uint32 {
	out := make([][]uint32, len(g.topo))
	var all []uint64
	for i := len(g.topo) - 1; i >= 0; i-- {
		m := g.topo[i]
		lo, hi := g.number[m], g.last[m]
		all = append(all[:0], uint64(lo)<<32|uint64(hi))
		for _, c := range g.down.of(m) {
			s := out[c]
			for k := 0; k < len(s); k += 2 {
				if s[k] < lo || s[k+1] > hi { // what lies in its own part is there already
					all = append(all, uint64(s[k])<<32|uint64(s[k+1]))
				}
			}
		}
		slices.Sort(all)
		merged := make([]uint32, 0, 2)
		for _, r := range all {
			first, last := uint32(r>>32), uint32(r)
			if k := len(merged); k > 0 && first <= merged[k-1]+1 {
				merged[k-1] = max(merged[k-1], last)
				continue
			}
			merged = append(merged, first, last)
		}
		out[m] = slices.Clip(merged)
	}
	return out
}
