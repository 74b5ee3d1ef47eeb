package index

import (
	"iter"
	"math/bits"
)

// Set is a set of the concepts of one Index, a bit for each.
type Set struct {
	n    int
	bits []uint64
}

// NewSet is an empty set of x's concepts.
func (x *Index) NewSet() *Set { return &Set{x.n, make([]uint64, (x.n+63)/64)} }

// All is the set of all concepts that are in use; with inactive, of all.
func (x *Index) All(inactive bool) *Set {
	s := x.NewSet()
	if x.n > 0 {
		s.addRun(0, uint32(x.n-1))
	}
	if !inactive {
		for i, f := range x.flags {
			if f&flagInactive != 0 {
				s.Remove(Concept(i))
			}
		}
	}
	return s
}

// Selectable are those of a set (nil: of all) that do not only group others.
func (x *Index) Selectable(s *Set) *Set {
	if s == nil {
		s = x.All(true)
	} else {
		s = s.Clone()
	}
	for i, f := range x.flags {
		if f&flagAbstract != 0 {
			s.Remove(Concept(i))
		}
	}
	return s
}

// Add puts a concept into the set.
func (s *Set) Add(c Concept) { s.bits[c>>6] |= 1 << (c & 63) }

// Remove takes a concept out of the set.
func (s *Set) Remove(c Concept) { s.bits[c>>6] &^= 1 << (c & 63) }

// Has says whether a concept is in the set.
func (s *Set) Has(c Concept) bool { return s.bits[c>>6]&(1<<(c&63)) != 0 }

// addRun puts the concepts from lo to hi into the set, both included.
func (s *Set) addRun(lo, hi uint32) {
	first, last := lo>>6, hi>>6
	low, high := ^uint64(0)<<(lo&63), ^uint64(0)>>(63-hi&63)
	if first == last {
		s.bits[first] |= low & high
		return
	}
	s.bits[first] |= low
	for i := first + 1; i < last; i++ {
		s.bits[i] = ^uint64(0)
	}
	s.bits[last] |= high
}

// And keeps what is in t as well.
func (s *Set) And(t *Set) *Set {
	for i := range s.bits {
		s.bits[i] &= t.bits[i]
	}
	return s
}

// Or adds what is in t.
func (s *Set) Or(t *Set) *Set {
	for i := range s.bits {
		s.bits[i] |= t.bits[i]
	}
	return s
}

// Minus takes out what is in t.
func (s *Set) Minus(t *Set) *Set {
	for i := range s.bits {
		s.bits[i] &^= t.bits[i]
	}
	return s
}

// Clone is a copy.
func (s *Set) Clone() *Set { return &Set{s.n, append([]uint64(nil), s.bits...)} }

// Len is how many concepts are in the set.
func (s *Set) Len() int {
	n := 0
	for _, w := range s.bits {
		n += bits.OnesCount64(w)
	}
	return n
}

// Concepts are the concepts of the set in order of their numbers.
func (s *Set) Concepts() iter.Seq[Concept] {
	return func(yield func(Concept) bool) {
		for i, w := range s.bits {
			for ; w != 0; w &= w - 1 {
				if !yield(Concept(i<<6 + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}
