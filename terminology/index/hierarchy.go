package index

import "sort"

func (x *Index) list(off, values u32s, c Concept) []Concept {
	first, end := int(off.at(int(c))), int(off.at(int(c)+1))
	out := make([]Concept, 0, end-first)
	for i := first; i < end; i++ {
		out = append(out, Concept(values.at(i)))
	}
	return out
}

// Parents are the concepts directly above.
func (x *Index) Parents(c Concept) []Concept { return x.list(x.parentOff, x.parents, c) }

// Children are the concepts directly below, in the order of the code system.
func (x *Index) Children(c Concept) []Concept { return x.list(x.childOff, x.children, c) }

// Subsumes says whether b is a or is below it.
func (x *Index) Subsumes(a, b Concept) bool {
	first, end := int(x.spanOff.at(int(a))), int(x.spanOff.at(int(a)+1))
	if end-first == 1 {
		return uint32(b) >= x.spans.at(2*first) && uint32(b) <= x.spans.at(2*first+1)
	}
	i := first + sort.Search(end-first, func(i int) bool { return x.spans.at(2*(first+i)+1) >= uint32(b) })
	return i < end && x.spans.at(2*i) <= uint32(b)
}

// AddDescendants puts a concept and everything below it into a set.
func (x *Index) AddDescendants(s *Set, c Concept) {
	for i, end := int(x.spanOff.at(int(c))), int(x.spanOff.at(int(c)+1)); i < end; i++ {
		s.addRun(x.spans.at(2*i), x.spans.at(2*i+1))
	}
}

// AddAncestors puts a concept and everything above it into a set.
func (x *Index) AddAncestors(s *Set, c Concept) {
	s.Add(c)
	todo := []Concept{c}
	for len(todo) > 0 {
		c = todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for i, end := int(x.parentOff.at(int(c))), int(x.parentOff.at(int(c)+1)); i < end; i++ {
			if p := Concept(x.parents.at(i)); !s.Has(p) {
				s.Add(p)
				todo = append(todo, p)
			}
		}
	}
}

// Row is a concept's entry in a reference set.
type Row struct {
	Member   Concept
	Target   string // a code, of a row with a target
	Group    int    // map group, then priority: the order of the choices
	Priority int
	Rule     string
	Advice   string
}

const rowWords = 6

// Refset finds a reference set by the concept that names it.
func (x *Index) Refset(c Concept) (Refset, bool) {
	i, ok := x.refsetOf[c]
	if !ok {
		return Refset{}, false
	}
	return x.meta.Refsets[i], true
}

// AddMembers puts the members of a reference set into a set.
func (x *Index) AddMembers(s *Set, r Refset) {
	for i := range r.Rows {
		s.Add(Concept(x.rows.at((r.First + i) * rowWords)))
	}
}

// RowsOf are a member's entries in a reference set, in order of group and priority.
func (x *Index) RowsOf(r Refset, member Concept) []Row {
	first := r.First + sort.Search(r.Rows, func(i int) bool { return x.rows.at((r.First+i)*rowWords) >= uint32(member) })
	var out []Row
	for i := first; i < r.First+r.Rows && x.rows.at(i*rowWords) == uint32(member); i++ {
		out = append(out, x.row(r, i))
	}
	return out
}

// Target is the concept that the i-th entry of a reference set leads to, of one
// whose targets are concepts.
func (x *Index) Target(r Refset, i int) Concept {
	return Concept(x.rows.at((r.First+i)*rowWords + 1))
}

// Member is the concept of the i-th entry of a reference set.
func (x *Index) Member(r Refset, i int) Concept { return Concept(x.rows.at((r.First + i) * rowWords)) }

// Row is the i-th entry of a reference set.
func (x *Index) Row(r Refset, i int) Row { return x.row(r, r.First+i) }

func (x *Index) row(r Refset, i int) Row {
	w := func(k int) uint32 { return x.rows.at(i*rowWords + k) }
	out := Row{Member: Concept(w(0)), Group: int(w(2)), Priority: int(w(3))}
	if !r.Targets {
		return out
	}
	if r.Concepts {
		out.Target = x.Code(Concept(w(1)))
	} else {
		out.Target = x.literal(w(1))
	}
	out.Rule, out.Advice = x.literal(w(4)), x.literal(w(5))
	return out
}
