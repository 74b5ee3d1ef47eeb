package ecl

import (
	"strings"

	"selda/terminology/index"
)

// A refinement is prepared once (its names and values become sets), and then
// asked of each concept in turn.

// test asks a refinement of a concept: of all its attributes, or of those in one
// role group.
type test interface {
	holds(x *run, c index.Concept, in role) bool
}

// role is the attributes that count: all of them, those of a group, or a single
// one that is in no group.
type role struct {
	all   bool
	group int
	only  int // the number of the property, of group 0
}

var everywhere = role{all: true}

func (r role) has(p index.Property, i int) bool {
	return r.all || p.Group == r.group && (r.group != 0 || i == r.only)
}

func (r refined) eval(x *run) (*index.Set, error) {
	s, err := r.of.eval(x)
	if err != nil {
		return nil, err
	}
	t, err := prepare(x, r.ref)
	if err != nil {
		return nil, err
	}
	if err := x.spend(s.Len() * weight(r.ref)); err != nil {
		return nil, err
	}
	for c := range s.Concepts() {
		if !t.holds(x, c, everywhere) {
			s.Remove(c)
		}
	}
	return s, nil
}

// weight is how many conditions a refinement has.
func weight(r refinement) int {
	switch r := r.(type) {
	case joined:
		n := 0
		for _, p := range r.parts {
			n += weight(p)
		}
		return n
	case group:
		return 2 * weight(r.of)
	}
	return 1
}

func prepare(x *run, r refinement) (test, error) {
	switch r := r.(type) {
	case joined:
		t := joinedTest{or: r.or}
		for _, p := range r.parts {
			one, err := prepare(x, p)
			if err != nil {
				return nil, err
			}
			t.parts = append(t.parts, one)
		}
		return t, nil
	case group:
		of, err := prepare(x, r.of)
		return groupTest{r.cardinality, of}, err
	}
	a := r.(attribute)
	names, err := propertiesOf(x, a.name)
	if err != nil {
		return nil, err
	}
	t := attributeTest{attribute: a, names: names}
	if a.value != nil {
		if t.values, err = a.value.eval(x); err != nil {
			return nil, err
		}
	}
	if a.reverse {
		return reversed(x, t), nil
	}
	return t, nil
}

type joinedTest struct {
	or    bool
	parts []test
}

func (t joinedTest) holds(x *run, c index.Concept, in role) bool {
	for _, p := range t.parts {
		if p.holds(x, c, in) == t.or {
			return t.or
		}
	}
	return !t.or
}

// groupTest counts the role groups in which a refinement holds. An attribute
// in no group is a group of its own.
type groupTest struct {
	cardinality
	of test
}

func (t groupTest) holds(x *run, c index.Concept, in role) bool {
	n, last := 0, 0
	for i := range x.PropertyCount(c) { // attributes stand in order of their groups
		p := x.Property(c, i)
		if p.Group != 0 && p.Group == last || !in.has(p, i) {
			continue
		}
		if last = p.Group; t.of.holds(x, c, role{group: p.Group, only: i}) {
			n++
		}
	}
	return t.cardinality.holds(n)
}

type attributeTest struct {
	attribute
	names  []bool
	values *index.Set
}

func (t attributeTest) holds(x *run, c index.Concept, in role) bool {
	n := 0
	for i := range x.PropertyCount(c) {
		p := x.Property(c, i)
		if !t.names[p.Name] || !in.has(p, i) || !t.is(p) {
			continue
		}
		if n++; t.min <= n && t.max < 0 {
			return true
		}
	}
	return t.cardinality.holds(n)
}

// is says whether an attribute's value is as it is asked for.
func (t attributeTest) is(p index.Property) bool {
	if t.values != nil {
		return p.Type == index.ConceptValue && t.values.Has(p.Concept) == (t.op == "=")
	}
	if p.Type == index.ConceptValue {
		return false
	}
	have := p.Text()
	if t.number {
		return compare(have, t.op, t.literal[0])
	}
	found := false
	for _, l := range t.literal {
		found = found || strings.EqualFold(l, have)
	}
	return found == (t.op != "!=")
}

// reverseTest counts, of each concept, the attributes of others that have it
// as their value.
type reverseTest struct {
	cardinality
	times map[index.Concept]int
}

func reversed(x *run, t attributeTest) reverseTest {
	out := reverseTest{t.cardinality, map[index.Concept]int{}}
	from := t.values
	if t.op == "!=" {
		from = x.All(false).Minus(t.values)
	}
	for c := range from.Concepts() {
		for i := range x.PropertyCount(c) {
			if p := x.Property(c, i); t.names[p.Name] && p.Type == index.ConceptValue {
				out.times[p.Concept]++
			}
		}
	}
	return out
}

func (t reverseTest) holds(_ *run, c index.Concept, _ role) bool {
	return t.cardinality.holds(t.times[c])
}
