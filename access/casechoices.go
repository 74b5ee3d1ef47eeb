package access

import (
	"context"
	"slices"
	"time"

	"selda/access/internal/seal"
	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// ChoicesAt is what a citizen's choices of sharing were when one of the own
// organisation's users asked for their record, for those who review that access
// (G2): whether it was in keeping with them. It gives those that were in force,
// and when the access was; nothing else of the record.
func (a *Access) ChoicesAt(ctx context.Context, s policy.Subject, seq uint64) ([]Stated, time.Time, error) {
	const op = "access.ChoicesAt"
	e := audit.From(s, audit.Read, "sharing choices at an access")
	e.About, e.Rules = seq, []string{"G2 own organisation's trail"}
	of, err := a.reviewable(ctx, s, seq)
	if err != nil {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	} else {
		e.Citizen = of.Citizen
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return nil, time.Time{}, fault.E(op, err)
	}
	if err != nil {
		return nil, time.Time{}, fault.E(op, err)
	}
	found, err := a.Index.Citizen(ctx, of.Citizen, store.Latest)
	if err != nil {
		return nil, time.Time{}, fault.E(op, err)
	}
	g := seal.Make(seal.Fields{Kind: seal.Record, Subject: s, Citizen: found, N: store.Latest, At: a.Now(),
		Predicate: policy.Predicate{Permit: true, Agreed: policy.Whole, DataSets: policy.SetOf(policy.Preferences), OnlyTypes: []string{"Consent"}}})
	all, err := a.Statements(ctx, g, of.At)
	if err != nil {
		return nil, time.Time{}, fault.E(op, err)
	}
	return slices.DeleteFunc(all, func(x Stated) bool { return !x.InForce }), of.At, nil
}

// reviewable is an entry about a citizen that somebody may review.
func (a *Access) reviewable(ctx context.Context, s policy.Subject, seq uint64) (audit.Entry, error) {
	const op = "access.reviewable"
	if s.Role != nhs.PrivacyOfficer && s.Role != nhs.CaldicottGuardian || s.Organisation == "" {
		return audit.Entry{}, fault.E(op, fault.Security, "only a privacy officer may do this")
	}
	accesses, _, err := a.Reviewed(ctx, s.Organisation)
	if err != nil {
		return audit.Entry{}, err
	}
	i := slices.IndexFunc(accesses, func(e audit.Entry) bool { return e.Seq == seq && e.Citizen != "" && e.User != s.User })
	if i < 0 {
		return audit.Entry{}, fault.E(op, fault.NotFound, "there is no such entry in this trail")
	}
	return accesses[i], nil
}
