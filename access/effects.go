package access

import (
	"context"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// This file has what is decided in a case take effect in the record.

// effect is what a step of a case brings about.
func (a *Access) effect(ctx context.Context, c *rights.Case, s rights.Step) error {
	switch s.Did {
	case rights.Restrained:
		return a.restrict(ctx, c, policy.Restraint{From: s.At})
	case rights.Announced:
		on, err := time.Parse(time.DateOnly, s.On)
		if err != nil {
			return fault.E("access.effect", fault.Value, "it ends on a day", "on")
		}
		begun, _ := c.Last(rights.Restrained)
		from, _ := london.Day(on.Add(12 * time.Hour))
		return a.restrict(ctx, c, policy.Restraint{From: begun.At, To: from})
	}
	return nil
}

// restrict keeps what a case restricts with the record, as the controller's own alone (G2).
func (a *Access) restrict(ctx context.Context, c *rights.Case, r policy.Restraint) error {
	const op = "access.restrict"
	switch {
	case c.Asked.Item.ID != "":
		r.Items = []policy.Item{c.Asked.Item}
	case c.Asked.Source != "":
		r.Source = c.Asked.Source
	default:
		r.Organisation = c.Controller
	}
	return a.fileCase(ctx, op, c, func(n nhs.Number) (string, fhir.Object) {
		return "Basic/" + rights.RestraintID(c.ID), rights.BuildRestraint(c, r, n)
	})
}

// fileCase commits what is kept of a case in the record.
func (a *Access) fileCase(ctx context.Context, op string, c *rights.Case, build func(nhs.Number) (item string, body fhir.Object)) error {
	of, err := a.Index.Citizen(ctx, c.Asked.Citizen, store.Latest)
	if err != nil {
		return fault.E(op, err)
	}
	facts, _, err := a.facts(ctx, of, store.Latest, &organisations{a: a})
	if err != nil {
		return fault.E(op, err)
	}
	numbers, err := a.proven(ctx, facts.NHSNumbers, of.ID)
	switch {
	case err != nil:
		return fault.E(op, err)
	case len(numbers) == 0:
		return fault.E(op, fault.Conflict, "no NHS number is known of this person: it can't be kept with their record")
	case a.File == nil:
		return fault.E(op, fault.NotSupported, "nothing can be saved here")
	}
	item, body := build(numbers[0])
	return a.File(ctx, Filing{Source: rights.Source, Call: "PUT " + item, Body: fhir.Marshal(body), Citizen: of.ID})
}
