package access

import (
	"context"
	"time"

	"selda/audit"
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
		return a.restrict(ctx, c, s, s.At, time.Time{})
	case rights.Announced:
		on, err := time.Parse(time.DateOnly, s.On)
		if err != nil {
			return fault.E("access.effect", fault.Value, "it ends on a day", "on")
		}
		begun, _ := c.Last(rights.Restrained)
		from, _ := london.Day(on.Add(12 * time.Hour))
		return a.restrict(ctx, c, begun, begun.At, from)
	case rights.Lifted:
		begun, _ := c.Last(rights.Restrained)
		return a.restrict(ctx, c, begun, begun.At, s.At)
	case rights.LetIn:
		if a.LetIn == nil {
			return fault.E("access.effect", fault.NotSupported, "nothing can be let in here")
		}
		return a.LetIn(ctx, c.ID)
	case rights.NoteTaken:
		return a.Marks.Rewrite(ctx, c.Asked.Item.Type, c.Asked.Item.ID, rights.Undisputed)
	case rights.Decided:
		if s.Code == "disputed" {
			return a.Marks.Rewrite(ctx, c.Asked.Item.Type, c.Asked.Item.ID, func(body []byte) []byte {
				return rights.Dispute(body, rights.Note{Text: c.Asked.Words, At: s.At, Case: c.ID})
			})
		}
	}
	return nil
}

// settle closes corrections that the source has made meanwhile: it has sent the item
// anew, or has taken it back. The source's own word is the answer.
func (a *Access) settle(ctx context.Context, list []rights.Case) error {
	for i := range list {
		c := &list[i]
		if c.Asked.Kind != rights.Correction || c.Asked.Said == "" || c.State != rights.Working && c.State != rights.WithSource {
			continue
		}
		v, err := a.Store.Read(ctx, c.Asked.Item.Type, c.Asked.Item.ID, store.Latest, system)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err == nil && !v.Deleted && rights.Said(v.Body) == c.Asked.Said {
			continue
		}
		source := policy.Subject{User: string(c.Asked.Source), Name: "The source, " + string(c.Asked.Source), Role: nhs.SourceSystem, Organisation: c.Controller}
		next, err := c.Act(rights.Step{At: a.Now(), By: rights.Who{User: source.User, Name: source.Name, Organisation: source.Organisation}, Did: rights.Decided, Code: "corrected"})
		if err == nil {
			err = a.enterCase(ctx, "access.settle", source, audit.Update, c.Asked.Citizen, "corrected by its source", nil)
		}
		if err == nil {
			next, err = a.Cases.SaveCase(ctx, next)
		}
		switch {
		case fault.Is(err, fault.Conflict): // somebody else was quicker
		case err != nil:
			return err
		default:
			list[i] = next
		}
	}
	return nil
}

// SettleCase settles one case: something has changed the item that it is about.
func (a *Access) SettleCase(ctx context.Context, id string) error {
	list, err := a.Cases.Cases(ctx, CaseQuery{ID: id, Limit: 1})
	if err == nil {
		err = a.settle(ctx, list)
	}
	return err
}

// SettleCorrections settles all cases that are open, and gives them as they stand then.
func (a *Access) SettleCorrections(ctx context.Context) ([]rights.Case, error) {
	list, err := a.Cases.Cases(ctx, CaseQuery{Open: true})
	if err == nil {
		err = a.settle(ctx, list)
	}
	return list, err
}

// restrict keeps what a case restricts with the record, as the controller's own alone (G2).
func (a *Access) restrict(ctx context.Context, c *rights.Case, begun rights.Step, from, to time.Time) error {
	const op = "access.restrict"
	if len(begun.Of) == 0 { // as cases were kept before a step said so
		begun.Of = []string{rights.Everything}
	}
	r, err := c.Scope(begun)
	if err != nil {
		return fault.E(op, err)
	}
	r.From, r.To = from, to
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
