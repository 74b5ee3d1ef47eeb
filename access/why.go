package access

import (
	"context"
	"slices"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Why is why somebody can see an item or can't: the rules that opened the record
// or did not, and those that show the item in it or hide it (invariant 7).
type Why struct {
	Reader policy.Subject
	Item   string
	Opens  bool
	Record []string // the rules by which the record is opened, or is not
	Shown  bool
	Rules  []string // of the item, where the record is opened
	// What the rules looked at.
	Source  nhs.Source
	DataSet policy.DataSet
	Labels  policy.Labels
}

// MyWhy is why the reader sees an item of a record that they have opened. Of one
// that is hidden, or another's, it says what it says of one that never was.
func (a *Access) MyWhy(ctx context.Context, s policy.Subject, citizen, typ, id string) (Why, error) {
	const op = "access.MyWhy"
	g, err := a.Item(ctx, s, typ, id, audit.Read)
	if err != nil {
		return Why{}, err
	}
	v, err := a.Store.Read(ctx, typ, id, g.N(), g.Predicate())
	if err != nil || v.Deleted || g.Citizen().ID != citizen {
		return Why{}, fault.E(op, fault.NotFound, "there is no such resource")
	}
	d := g.Decision()
	w := Why{Reader: s, Item: typ + "/" + id, Opens: true, Record: opening(d.Rules), Source: v.Source, DataSet: v.DataSet, Labels: v.Labels}
	w.Shown, w.Rules = g.Predicate().Why(&v.Columns)
	return w, nil
}

// opening are the rules that opened a record. That the citizen keeps something back
// is not among them: it would say that there is something to be kept (G6).
func opening(rules []string) []string {
	return slices.DeleteFunc(slices.Clone(rules), func(r string) bool { return strings.HasPrefix(r, "G4 ") })
}

// WhyOf is why another can see an item, or can't. A privacy officer and a guardian ask
// it of the own organisation's users, and of what the own organisation wrote (G2); the
// operator of everybody. It is in the citizen's trail.
func (a *Access) WhyOf(ctx context.Context, s, reader policy.Subject, typ, id string) (Why, error) {
	const op = "access.WhyOf"
	unknown := fault.E(op, fault.NotFound, "there is no such resource")
	officer := (s.Role == nhs.PrivacyOfficer || s.Role == nhs.CaldicottGuardian) && s.Organisation != ""
	e := audit.From(s, audit.Read, "why "+reader.User+" sees "+typ+"/"+id)
	e.Rules = []string{"G2 own organisation's users and sources"}
	if s.Role == nhs.Operator {
		e.Rules = []string{"operator at the command line"}
	}
	found, v, err := a.whose(ctx, typ, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Why{}, fault.E(op, err)
	}
	own := officer && (reader.Organisation == s.Organisation || v != nil && v.Source.Organisation() == s.Organisation)
	refused := s.Role != nhs.Operator && !own
	e.Citizen = found.ID
	if refused || v == nil {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if err := a.Trail.Enter(ctx, e); err != nil {
		return Why{}, fault.E(op, err)
	}
	switch {
	case refused && !officer:
		return Why{}, fault.E(op, fault.Security, "only a privacy officer may do this")
	case refused || v == nil:
		return Why{}, unknown // of another organisation's the officer is told no more than of what never was
	}
	w := Why{Reader: reader, Item: typ + "/" + id, Source: v.Source, DataSet: v.DataSet, Labels: v.Labels}
	d, err := a.wouldDecide(ctx, reader, found)
	if err != nil {
		return Why{}, fault.E(op, err)
	}
	if w.Opens, w.Record = d.Permit, d.Rules; d.Permit {
		w.Shown, w.Rules = d.Predicate.Why(&v.Columns)
	} else {
		w.Record = append(slices.Clone(d.Rules), d.Reason)
	}
	return w, nil
}

// whose finds an item and whose it is, for the exchange itself.
func (a *Access) whose(ctx context.Context, typ, id string) (mpi.Found, *store.Version, error) {
	owner, err := a.Owners.Owner(ctx, typ, id)
	if err != nil {
		return mpi.Found{}, nil, err
	}
	citizen, err := a.Index.CitizenID(ctx, owner)
	if err != nil {
		return mpi.Found{}, nil, err
	}
	found, err := a.Index.Citizen(ctx, citizen, store.Latest)
	if err != nil {
		return mpi.Found{}, nil, err
	}
	v, err := a.Store.Read(ctx, typ, id, store.Latest, system)
	return found, v, err
}

// wouldDecide is the decision that somebody would get now. Nothing is opened by it.
func (a *Access) wouldDecide(ctx context.Context, s policy.Subject, found mpi.Found) (policy.Decision, error) {
	facts, _, err := a.facts(ctx, found, store.Latest, &organisations{a: a})
	if err == nil {
		facts.Claims, err = a.claims(ctx, found)
	}
	if err == nil && (s.Role == nhs.Citizen || s.Role == nhs.Proxy) {
		facts.NHSNumbers, err = a.proven(ctx, facts.NHSNumbers, found.ID)
	}
	if err != nil {
		return policy.Decision{}, err
	}
	r, err := a.request(ctx, s, found.ID, found, store.Latest, facts, a.Now())
	return policy.Decide(r), err
}
