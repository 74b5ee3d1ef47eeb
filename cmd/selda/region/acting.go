package region

import (
	"context"
	"slices"
	"strings"

	"selda/access"
	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/proxy"
)

// Helpers are those who act for a citizen or did. It is a reading of the record, and in
// its trail.
func (r *Region) Helpers(ctx context.Context, s policy.Subject, citizen string) ([]access.Helper, error) {
	g, err := r.Access.Record(ctx, s, citizen, "who acts for them")
	if err != nil {
		return nil, err
	}
	list, _, err := r.Access.Helpers(ctx, s, g)
	return list, err
}

// LetAct has an account act for a citizen, or decides again about one that does.
func (r *Region) LetAct(ctx context.Context, s policy.Subject, citizen string, p proxy.Person) error {
	const op = "region.LetAct"
	acc, ok := r.Auth.Accounts.Find(p.User)
	if !ok || acc.Role != nhs.Proxy && acc.Role != nhs.Citizen {
		return fault.E(op, fault.Value, "there is no account of that name with which somebody acts for others", "user")
	}
	p.Name = acc.Name
	g, err := r.Access.Record(ctx, s, citizen, "who acts for them")
	if err != nil {
		return err
	}
	list, _, err := r.Access.Helpers(ctx, s, g)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(list, func(h access.Helper) bool { return h.User == p.User && h.As == p.As && !h.Ended }); i >= 0 {
		p.ID = list[i].ID
	}
	f, err := r.Access.LetAct(ctx, s, g, p)
	if err != nil {
		return err
	}
	return r.filed(ctx, f)
}

// StopActing ends that somebody acts for a citizen.
func (r *Region) StopActing(ctx context.Context, s policy.Subject, citizen, id string) error {
	g, err := r.Access.Record(ctx, s, citizen, "who acts for them")
	if err != nil {
		return err
	}
	f, err := r.Access.StopActing(ctx, s, citizen, strings.TrimPrefix(id, "RelatedPerson/"), g)
	if err != nil {
		return err
	}
	return r.filed(ctx, f)
}

// filed commits what was decided here.
func (r *Region) filed(ctx context.Context, f access.Filing) error {
	receipt, err := r.Ingest.Submit(ctx, &ingest.Raw{Source: f.Source, Format: ingest.FHIR, Door: "fhir", Call: f.Call, About: f.Citizen, Body: f.Body})
	if err != nil {
		return err
	}
	out, err := receipt.Committed(ctx)
	if err == nil {
		err = out.Err
	}
	return err
}
