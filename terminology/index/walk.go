package index

import (
	"cmp"
	"math"
	"slices"
)

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
