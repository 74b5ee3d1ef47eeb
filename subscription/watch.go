package subscription

import (
	"selda/fhir/fhirpath"
	"selda/fhir/search"
)

// watch is a trigger with a subscription's filters, ready to be held against changes.
type watch struct {
	Trigger
	previous, current []*search.Clause
	path              *fhirpath.Expression
	filters           []*search.Clause // all must pass
}

// before says whether the version before has to be looked at.
func (w *watch) before() bool { return len(w.previous) > 0 || w.path != nil }

// side is a resource before or after a change; nil, or without Res, where it was not there.
type side struct{ search.Candidate }

func pass(clauses []*search.Clause, s *side, absent bool) bool {
	if s == nil || s.Res == nil {
		return absent
	}
	for _, c := range clauses {
		if !c.Matches(&s.Candidate) {
			return false
		}
	}
	return true
}

// matches says whether a change is one that is watched for.
func (w *watch) matches(c Change, was, is *side) bool {
	switch {
	case w.Merged:
		return false // that is no change of a resource
	case c == Created && !w.Create, c == Updated && !w.Update, c == Deleted && !w.Delete:
		return false
	}
	if len(w.previous) > 0 || len(w.current) > 0 {
		p, q := pass(w.previous, was, w.OnCreate), pass(w.current, is, w.OnDelete)
		switch {
		case len(w.previous) == 0:
			p = q
		case len(w.current) == 0:
			q = p
		}
		if w.Both && !(p && q) || !p && !q {
			return false
		}
	}
	about := is
	if is.Res == nil {
		about = was // what was deleted is filtered by what it was
	}
	if len(w.filters) > 0 && !pass(w.filters, about, false) {
		return false
	}
	return w.path == nil || w.holds(was, is)
}

func (w *watch) holds(was, is *side) bool {
	env := &fhirpath.Env{Variables: map[string]fhirpath.Collection{"previous": {}, "current": {}}}
	var focus fhirpath.Item
	take := func(name string, s *side) {
		if s != nil && s.Res != nil {
			focus = fhirpath.Resource(s.Res.Root())
			env.Variables[name] = fhirpath.Collection{focus}
		}
	}
	take("previous", was)
	take("current", is) // where it is there, it is what a path begins at
	ok, err := w.path.True(env, focus)
	return ok && err == nil
}
