package access

import (
	"context"
	"slices"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/consent"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Stated is one thing that was stated about sharing: a version of a Consent.
type Stated struct {
	consent.Statement
	Version  int
	Recorded time.Time
	Until    time.Time // when the next version, or the end of the Consent, was recorded; zero where this is the latest
	Status   string    // of the Consent; "deleted" where it was taken out
	Origin   consent.Origin
	InForce  bool // at the time that was asked of
}

// Statements are what was stated about the sharing of the record that a Grant
// opens, the latest first, with what of it is in force at a time. What was
// recorded after that time is not among them.
func (a *Access) Statements(ctx context.Context, g grant.Grant, at time.Time) ([]Stated, error) {
	const op = "access.Statements"
	if g.Kind() != seal.Record {
		return nil, fault.E(op, fault.Security, "the Grant does not open a record")
	}
	var out []Stated
	for _, k := range g.Citizen().Subjects {
		// Items that are deleted by now have a history, too.
		consents, err := a.Store.Compartment(ctx, k.Subject, g.N(), g.Predicate(), "Consent")
		if err != nil {
			return nil, fault.E(op, err)
		}
		for _, c := range consents {
			versions, err := a.Store.History(ctx, "Consent", c.ID, g.N(), g.Predicate())
			if err != nil {
				return nil, fault.E(op, err)
			}
			some, err := a.versions(ctx, g, versions, at)
			if err != nil {
				return nil, fault.E(op, err)
			}
			out = append(out, some...)
		}
	}
	slices.SortStableFunc(out, func(a, b Stated) int { return b.Recorded.Compare(a.Recorded) })
	var facts policy.Facts
	for _, s := range out {
		if s.Until.IsZero() && s.Decides {
			facts.Preferences = append(facts.Preferences, s.Preference)
		}
	}
	for _, p := range facts.InForce(at) {
		i := slices.IndexFunc(out, func(s Stated) bool { return s.ID == p.ID && s.N == p.N })
		out[i].InForce = true
	}
	return out, nil
}

// versions reads the versions of a Consent, the latest first, that were there at a time.
func (a *Access) versions(ctx context.Context, g grant.Grant, versions []*store.Version, at time.Time) (out []Stated, err error) {
	directory := a.namedBy(ctx, g.Citizen(), g.N(), &organisations{a: a}, g.Predicate())
	var until time.Time
	for _, v := range versions {
		if v.Recorded.After(at) {
			continue
		}
		s := Stated{Version: v.Version, Recorded: v.Recorded, Until: until, Status: "deleted"}
		s.By, s.ID, s.N = v.Source, v.ID, v.N
		if !v.Deleted {
			r, err := v.Resource()
			if err != nil {
				return nil, err
			}
			s.Statement, s.Origin, s.Status = understood(v, r, directory), consent.OriginOf(r), r.Get("status").Text()
		}
		out, until = append(out, s), v.Recorded
	}
	return out, nil
}

// Effect is what a change of preferences does to readers of an organisation: the
// items, by their place in what was asked of, that they no longer see and that they see then.
type Effect struct {
	Organisation nhs.ODS
	Hidden       []int
	Shown        []int
}

// Effects says what would change for doctors and nurses of organisations who
// look after the citizen of a Grant, of items that its holder sees. Of what was
// stated before only that counts which the holder may know of.
func (a *Access) Effects(ctx context.Context, g grant.Grant, readers []nhs.ODS, items []*policy.Columns, at time.Time, change func([]policy.Preference) []policy.Preference) ([]Effect, error) {
	const op = "access.Effects"
	if g.Kind() != seal.Record {
		return nil, fault.E(op, fault.Security, "the Grant does not open a record")
	}
	facts, _, err := a.facts(ctx, g.Citizen(), g.N(), &organisations{a: a})
	if err != nil {
		return nil, fault.E(op, err)
	}
	if err := a.onlyKnown(ctx, g, &facts); err != nil {
		return nil, fault.E(op, err)
	}
	before, after := facts, facts
	after.Preferences = change(slices.Clone(facts.Preferences))
	var out []Effect
	for _, o := range readers {
		e := Effect{Organisation: o}
		s := policy.Subject{User: "somebody", Role: nhs.HospitalDoctor, Organisation: o, Purpose: nhs.Treatment}
		var shows [2]policy.Predicate
		for i, f := range []policy.Facts{before, after} {
			f.Relationships = append(slices.Clone(f.Relationships), policy.Relationship{Organisation: o, Kind: "registration"})
			f.Claims = nil
			r, err := a.request(ctx, s, g.Citizen().ID, g.Citizen(), g.N(), f, at)
			if err != nil {
				return nil, fault.E(op, err)
			}
			shows[i] = policy.Decide(r).Predicate
		}
		for i, c := range items {
			switch was, is := shows[0].Shows(c), shows[1].Shows(c); {
			case was && !is:
				e.Hidden = append(e.Hidden, i)
			case is && !was:
				e.Shown = append(e.Shown, i)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// onlyKnown leaves of the preferences those whose Consents a Grant shows.
func (a *Access) onlyKnown(ctx context.Context, g grant.Grant, f *policy.Facts) error {
	shown := map[string]bool{}
	for _, k := range g.Citizen().Subjects {
		consents, err := a.Store.Compartment(ctx, k.Subject, g.N(), g.Predicate(), "Consent")
		if err != nil {
			return err
		}
		for _, c := range consents {
			shown[c.ID] = true
		}
	}
	f.Preferences = slices.DeleteFunc(f.Preferences, func(p policy.Preference) bool { return !shown[p.ID] })
	return nil
}
