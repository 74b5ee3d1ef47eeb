package ecl

import (
	"strconv"

	"selda/fault"
	"selda/terminology/index"
)

// condition is a filter that is ready to be asked: what is an expression in it
// has been evaluated once.
type condition struct {
	filter
	set *index.Set      // the concepts that it names; nil where it names none
	ids map[string]bool // those of them that are written out: the release need not have them
}

func prepared(x *run, list []filter) ([]*condition, error) {
	var out []*condition
	for _, f := range list {
		c := &condition{filter: f, ids: map[string]bool{}}
		if f.sets != nil {
			var err error
			if c.set, err = f.sets.eval(x); err != nil {
				return nil, err
			}
			written(f.sets, c.ids)
		}
		out = append(out, c)
	}
	return out, nil
}

// written are the ids that stand in a list of concepts.
func written(n node, ids map[string]bool) {
	switch n := n.(type) {
	case concept:
		ids[n.id] = true
	case compound:
		if n.op == "OR" {
			for _, p := range n.parts {
				written(p, ids)
			}
		}
	}
}

// work is what filters cost of each thing that they are asked of.
func work(list []filter) int {
	n := 1
	for _, f := range list {
		n += 1 + len(f.spoken)
		for _, v := range f.values {
			n += 1 + len(v.text)/16
		}
	}
	return n
}

// holds compares a value with those of the filter.
func (c *condition) holds(x *run, have string) bool {
	found := false
	if c.set != nil {
		n, ok := x.Find(have)
		return (c.ids[have] || ok && c.set.Has(n)) == (c.op != "!=")
	}
	for _, v := range c.values {
		switch c.op {
		case "=", "!=":
			found = found || v.finds(have) || truthOf(v.text) != "" && truthOf(v.text) == truthOf(have)
		default:
			found = found || compare(have, c.op, v.text)
		}
	}
	return found == (c.op != "!=")
}

// stamped says whether a row's module or effective time is as the filter asks.
func (c *condition) stamped(x *run, s index.Stamp) bool {
	if c.field == "moduleid" {
		return c.holds(x, x.Meta().Modules[s.Module])
	}
	return c.holds(x, strconv.FormatUint(uint64(s.Since), 10))
}

// accepted says whether a description stands in one of the dialects as is asked.
func (c *condition) accepted(x *run, s index.Stamp) bool {
	found := false
	for i, code := range x.Meta().Dialects {
		acceptable, preferred := s.In(i)
		for _, d := range c.spoken {
			found = found || d.dialect == code && (acceptable && d.acceptable || preferred && d.preferred)
		}
	}
	return found == (c.op != "!=")
}

func (f filtered) eval(x *run) (*index.Set, error) {
	s, err := f.of.eval(x)
	if err != nil {
		return nil, err
	}
	if f.kind == 'C' {
		return f.concepts(x, s)
	}
	if err := f.byWords(x, s); err != nil {
		return nil, err
	}
	if err := x.spend(s.Len() * 4 * work(f.list)); err != nil {
		return nil, err
	}
	conditions, err := prepared(x, f.list)
	if err != nil {
		return nil, err
	}
	for c := range s.Concepts() {
		found := false
		for d, end := x.Names(c); d < end && !found; d++ {
			if found, err = describes(x, conditions, d); err != nil {
				return nil, err
			}
		}
		if !found {
			s.Remove(c)
		}
	}
	return s, nil
}

// byWords narrows a set by the index of words: few concepts are left to look at.
func (f filtered) byWords(x *run, s *index.Set) error {
next:
	for _, one := range f.list {
		if one.field != "term" || one.op != "=" {
			continue
		}
		for _, v := range one.values {
			if v.wild || v.exact {
				continue next
			}
		}
		found := x.NewSet()
		for _, v := range one.values {
			if err := x.spend(len(v.words) * x.Len() / 4); err != nil {
				return err
			}
			found.Or(x.Matching(v.words))
		}
		s.And(found)
	}
	return nil
}

// types are the kinds of description by their short names.
var types = map[string]string{"syn": "900000000000013009", "fsn": "900000000000003001", "def": "900000000000550004"}

// describes says whether one description passes all the filters.
func describes(x *run, conditions []*condition, d int) (bool, error) {
	for _, c := range conditions {
		if !x.Stamped() {
			switch c.field {
			case "dialect", "dialectid", "moduleid", "effectivetime", "id":
				return false, unsupported(c.field)
			}
		}
		var ok bool
		switch c.field {
		case "term":
			ok = c.holds(x, x.Name(d).Text)
		case "language":
			ok = c.holds(x, x.NameKind(d).Language)
		case "type":
			found := false
			for _, v := range c.values {
				found = found || types[v.text] == x.NameKind(d).Use
			}
			ok = found == (c.op != "!=")
		case "typeid":
			ok = c.holds(x, x.NameKind(d).Use)
		case "dialect", "dialectid":
			ok = c.accepted(x, x.NameStamp(d))
		case "moduleid", "effectivetime":
			ok = c.stamped(x, x.NameStamp(d))
		case "id":
			ok = c.holds(x, strconv.FormatUint(x.NameID(d), 10))
		case "active":
			if ok = c.holds(x, "true"); !ok { // those that are withdrawn are not kept
				return false, fault.E("ecl.Evaluate", fault.NotSupported, "descriptions that are withdrawn are not kept: filters by active = false are not supported")
			}
		default:
			return false, unsupported(c.field)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// The ids of the two definition statuses.
const (
	primitive = "900000000000074008"
	defined   = "900000000000073002"
)

// concepts keeps the concepts that pass filters on themselves. Only here can
// those out of use be asked for.
func (f filtered) concepts(x *run, s *index.Set) (*index.Set, error) {
	for _, one := range f.list {
		if one.field != "active" {
			continue
		}
		if _, any := f.of.(wildcard); any {
			s = x.All(true)
		}
	}
	if err := x.spend(s.Len() * work(f.list)); err != nil {
		return nil, err
	}
	conditions, err := prepared(x, f.list)
	if err != nil {
		return nil, err
	}
	for c := range s.Concepts() {
		for _, one := range conditions {
			ok, err := one.ofConcept(x, c)
			if err != nil {
				return nil, err
			}
			if !ok {
				s.Remove(c)
				break
			}
		}
	}
	return s, nil
}

func (c *condition) ofConcept(x *run, n index.Concept) (bool, error) {
	status, short := primitive, "primitive"
	if x.Defined(n) {
		status, short = defined, "defined"
	}
	switch c.field {
	case "active":
		return c.holds(x, strconv.FormatBool(!x.Inactive(n))), nil
	case "definitionstatus":
		return c.holds(x, short), nil
	case "definitionstatusid":
		return c.holds(x, status), nil
	case "id":
		return c.holds(x, x.Code(n)), nil
	case "moduleid", "effectivetime":
		if x.Stamped() {
			return c.stamped(x, x.Stamp(n)), nil
		}
	}
	return false, unsupported(c.field)
}

// What each profile of history follows. https://confluence.ihtsdotools.org/display/DOCECL/6.11+History+Supplements
var profiles = map[string][]string{
	"MIN": {"900000000000527005"},                                                           // same as
	"MOD": {"900000000000527005", "900000000000526001", "900000000000528000", "1186924009"}, // and replaced by, was a, partially equivalent to
	"MAX": {"900000000000522004"},                                                           // all that is historical
}

func (h history) eval(x *run) (*index.Set, error) {
	s, err := h.of.eval(x)
	if err != nil {
		return nil, err
	}
	refsets := x.NewSet()
	if h.refsets != nil {
		if refsets, err = h.refsets.eval(x); err != nil {
			return nil, err
		}
	}
	for _, id := range profiles[h.profile] {
		if c, ok := x.Find(id); ok {
			x.AddDescendants(refsets, c)
		}
	}
	out := s.Clone()
	for _, r := range refsetsIn(x, refsets) {
		if !r.Concepts {
			return nil, fault.E("ecl.Evaluate", fault.Invalid, "a history supplement follows association reference sets, which "+x.Code(r.Concept)+" is not")
		}
		if err := x.spend(r.Rows); err != nil {
			return nil, err
		}
		for i := range r.Rows {
			if s.Has(x.Target(r, i)) {
				out.Add(x.Member(r, i))
			}
		}
	}
	return out, nil
}
