package access

import (
	"context"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/audit"
	"selda/fault"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// OpenCase opens what a case is about to who works it: what their own organisation wrote
// (G2), and of a case that is about one item who the person is and items of its kind. Of a
// case that is closed it opens who the person is.
func (a *Access) OpenCase(ctx context.Context, s policy.Subject, id string) (rights.Case, grant.Grant, error) {
	const op = "access.OpenCase"
	c, refused, err := a.caseOf(ctx, s, id)
	if err != nil {
		return c, grant.Grant{}, fault.E(op, err)
	}
	if err := a.enterCase(ctx, op, s, audit.Read, c.Asked.Citizen, "reads a case, and what it is about", refused); err != nil {
		return c, grant.Grant{}, err
	}
	g, err := a.grantCase(ctx, s, &c)
	return c, g, err
}

func (a *Access) grantCase(ctx context.Context, s policy.Subject, c *rights.Case) (grant.Grant, error) {
	const op = "access.OpenCase"
	of, err := a.Index.Citizen(ctx, c.Asked.Citizen, store.Latest)
	if fault.Is(err, fault.NotFound) {
		return grant.Grant{}, nil // nothing is kept of them any more
	}
	if err != nil {
		return grant.Grant{}, fault.E(op, err)
	}
	p := ofOrganisation(c.Controller)
	switch {
	case c.State == rights.Closed:
		p.OnlyTypes = []string{"Patient"}
	case c.Asked.Item.ID != "":
		p.OnlyTypes = []string{"Patient", c.Asked.Item.Type}
	}
	d := policy.Decision{Permit: true, Predicate: *p, Rules: []string{caseRule, "G2 own organisation's content"}}
	return seal.Make(seal.Fields{Kind: seal.Record, Subject: s, Citizen: of, N: store.Latest, At: a.Now(), Predicate: *p, Decision: d}), nil
}
