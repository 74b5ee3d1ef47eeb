package ecl

import (
	"selda/fault"
	"selda/terminology/index"
)

func (f filtered) eval(x *run) (*index.Set, error) {
	s, err := f.of.eval(x)
	if err != nil {
		return nil, err
	}
	if f.kind == 'C' {
		return f.concepts(x, s)
	}
	for _, one := range f.list { // the index of words first: few concepts are left to look at
		if one.field == "term" && one.op == "=" {
			found := x.NewSet()
			for _, v := range one.values {
				if v.wild || v.exact {
					found = nil
					break
				}
				found.Or(x.Matching(index.Words(v.text)))
			}
			if found != nil {
				s.And(found)
			}
		}
	}
	if err := x.spend(s.Len() * 4 * len(f.list)); err != nil {
		return nil, err
	}
	for c := range s.Concepts() {
		found := false
		for _, d := range x.Designations(c) {
			ok, err := f.describes(x, d)
			if err != nil {
				return nil, err
			}
			found = found || ok
		}
		if !found {
			s.Remove(c)
		}
	}
	return s, nil
}

// types are the kinds of description by their short names.
var types = map[string]string{"syn": "900000000000013009", "fsn": "900000000000003001", "def": "900000000000550004"}

// describes says whether one description passes all the filters.
func (f filtered) describes(x *run, d index.Designation) (bool, error) {
	for _, one := range f.list {
		var ok bool
		var err error
		switch one.field {
		case "term":
			ok, err = one.holds(x, d.Text)
		case "language":
			ok, err = one.holds(x, d.Language)
		case "type":
			found := false
			for _, v := range one.values {
				found = found || types[v.text] == d.Use
			}
			ok = found == (one.op != "!=")
		case "typeid":
			ok, err = one.holds(x, d.Use)
		case "active":
			ok, err = one.holds(x, "true") // those that are withdrawn are not kept
		default:
			return false, unsupported(one.field)
		}
		if err != nil || !ok {
			return false, err
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
	if err := x.spend(s.Len() * len(f.list)); err != nil {
		return nil, err
	}
	for c := range s.Concepts() {
		for _, one := range f.list {
			status, short := primitive, "primitive"
			if x.Defined(c) {
				status, short = defined, "defined"
			}
			var ok bool
			var err error
			switch one.field {
			case "active":
				ok, err = one.holds(x, map[bool]string{true: "false", false: "true"}[x.Inactive(c)])
			case "definitionstatus":
				ok, err = one.holds(x, short)
			case "definitionstatusid":
				ok, err = one.holdsID(x, status)
			case "id":
				ok, err = one.holds(x, x.Code(c))
			default:
				return nil, unsupported(one.field)
			}
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

// holdsID compares an id that need not be a concept of the release.
func (f filter) holdsID(x *run, id string) (bool, error) {
	found := false
	var look func(n node)
	look = func(n node) {
		switch n := n.(type) {
		case concept:
			found = found || n.id == id
		case compound:
			for _, p := range n.parts {
				look(p)
			}
		}
	}
	if f.sets == nil {
		return f.holds(x, id)
	}
	look(f.sets)
	return found == (f.op != "!="), nil
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
		for i := range r.Rows {
			row := x.Row(r, i)
			if c, ok := x.Find(row.Target); ok && s.Has(c) {
				out.Add(row.Member)
			}
		}
	}
	return out, nil
}
