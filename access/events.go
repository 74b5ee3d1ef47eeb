package access

import (
	"context"

	"selda/audit"
	"selda/fault"

	"selda/nhs"
	"selda/policy"
)

// Events are the entries of the trail that somebody may see.
type Events struct {
	trail   *audit.Trail
	s       policy.Subject
	within  audit.Query // what they are entitled to; nothing of it is given beyond that
	citizen bool        // they see their own, or of whom they act for
	kept    *Kept       // what is kept from them now
}

// Plain says that the reader is the one whose record it is, or acts for them.
func (e *Events) Plain() bool { return e.citizen }

// OpenEvents asks for entries of the trail: citizens and who acts for them
// for those of one record, privacy officers and Caldicott guardians for those of their own
// organisation (G2), the operator for all. Nobody else, and no application, is shown any. citizen is
// whose record was asked for, "" where it was not said.
func (a *Access) OpenEvents(ctx context.Context, s policy.Subject, citizen, what string) (*Events, error) {
	const op = "access.OpenEvents"
	if s.Scopes == nil && (s.Role == nhs.Citizen || s.Role == nhs.Proxy) {
		if citizen == "" && s.Role == nhs.Citizen {
			own, err := a.Own(ctx, s)
			if err != nil {
				return nil, fault.E(op, err)
			}
			citizen = own
		}
		if citizen == "" {
			return nil, fault.E(op, fault.Required, "say whose record: patient=ID", "patient")
		}
		g, err := a.Record(ctx, s, citizen, what)
		if err != nil {
			return nil, fault.E(op, err)
		}
		kept, err := a.Kept(ctx, g.Citizen().ID)
		if err != nil {
			return nil, fault.E(op, err)
		}
		q, err := a.of(ctx, g.Citizen().ID)
		if err != nil {
			return nil, fault.E(op, err)
		}
		return &Events{trail: a.Trail, s: s, within: q, citizen: true, kept: kept}, nil
	}
	if s.Scopes != nil {
		s.Role = "" // what an application acts for does not open the trail to it
	}
	if _, err := a.OpenTrail(ctx, s, what); err != nil {
		return nil, fault.E(op, err)
	}
	e := &Events{trail: a.Trail, s: s}
	if s.Role != nhs.Operator {
		e.within.Organisation = s.Organisation
	}
	return e, nil
}

// see is an entry as the reader may see it; false where it is none of theirs.
func (e *Events) see(x audit.Entry) (audit.Entry, bool) {
	if !e.within.Of(&x) || e.within.Organisation != "" && x.Organisation != e.within.Organisation {
		return audit.Entry{}, false
	}
	if e.citizen {
		x.Citizen = e.within.Citizen // who was somebody else's, before they were merged, is theirs
		return e.kept.Seen(e.s, x)
	}
	return x, true
}

// Walk gives those that a query asks for, the latest first, until f wants no more.
func (e *Events) Walk(ctx context.Context, q audit.Query, f func(at audit.Position, x audit.Entry) bool) error {
	for _, w := range []struct{ asked, may *string }{{&q.Citizen, &e.within.Citizen}, {(*string)(&q.Organisation), (*string)(&e.within.Organisation)}} {
		if *w.may != "" && *w.asked != "" && *w.asked != *w.may {
			return nil
		}
		if *w.may != "" {
			*w.asked = *w.may
		}
	}
	if e.citizen {
		q.Former = e.within.Former
		q.User = "" // accounts are not shown, nor found
	}
	return e.trail.Walk(ctx, q, func(at audit.Position, x audit.Entry) bool {
		seen, ok := e.see(x)
		return !ok || f(at, seen)
	})
}

// Get is one by its number. One that the reader may not see is answered as one that never was.
func (e *Events) Get(ctx context.Context, seq uint64) (audit.Entry, error) {
	const op = "access.Events"
	x, err := e.trail.Entry(ctx, seq)
	if err == nil {
		if seen, ok := e.see(x); ok {
			return seen, nil
		}
	} else if !fault.Is(err, fault.NotFound) {
		return x, fault.E(op, err)
	}
	return audit.Entry{}, fault.E(op, fault.NotFound, "there is no such resource")
}
