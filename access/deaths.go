package access

import (
	"context"
	"slices"
	"strings"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/death"
	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// This file has somebody's practice say that a death which a source states is wrong (G20).

// ofDeath is how such a finding is filed.
var ofDeath = filed{what: "what is stated of a death", rule: "G20 death", source: death.Source}

// Deaths are what sources state of the death of the citizen of a Grant, and what was
// found to be wrong of it, the latest first. The registered practice is told.
func (a *Access) Deaths(ctx context.Context, s policy.Subject, g grant.Grant) ([]policy.Death, []death.Finding, error) {
	const op = "access.Deaths"
	if g.Kind() != seal.Record || s.Role != nhs.Operator && !MayStateFor(s, g) {
		return nil, nil, fault.E(op, fault.Security, "the registered practice says whether a death is stated wrongly: a doctor, a nurse or the front desk there")
	}
	facts, _, err := a.facts(ctx, g.Citizen(), store.Latest, &organisations{a: a})
	if err != nil {
		return nil, nil, fault.E(op, err)
	}
	var found []death.Finding
	for _, k := range g.Citizen().Subjects {
		versions, err := a.Store.Compartment(ctx, k.Subject, store.Latest, system, "Basic")
		if err != nil {
			return nil, nil, fault.E(op, err)
		}
		for _, v := range versions {
			r, err := v.Resource()
			if err != nil {
				return nil, nil, fault.E(op, err)
			}
			if f, ok := death.Of(r, v.Source); ok {
				found = append(found, f)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b death.Finding) int { return b.From.Compare(a.From) })
	return facts.Deaths, found, nil
}

// RefuteDeath records that a source's statement of a death is wrong, by whom it was
// found and why. What had ended with it begins again at once.
func (a *Access) RefuteDeath(ctx context.Context, s policy.Subject, g grant.Grant, by nhs.Source, reason string) (Filing, error) {
	const op = "access.RefuteDeath"
	stated, _, err := a.Deaths(ctx, s, g)
	if g.Kind() != seal.Record {
		return Filing{}, err
	}
	reason = strings.TrimSpace(reason)
	switch {
	case err != nil:
	case reason == "" || len(reason) > 300:
		err = fault.E(op, fault.Value, "write how you know that the person is alive, in at most 300 letters", "reason")
	case !slices.ContainsFunc(stated, func(d policy.Death) bool { return d.By == by }):
		err = fault.E(op, fault.NotFound, "that source states no death of this person")
	}
	facts, _, err2 := a.facts(ctx, g.Citizen(), store.Latest, &organisations{a: a})
	if err2 != nil {
		return Filing{}, fault.E(op, err2)
	}
	now := a.Now()
	return a.file(ctx, op, ofDeath, s, g.Citizen().ID, "a death is stated wrongly by "+string(by)+": "+reason, facts, err, func(n nhs.Number) (string, string, fhir.Object) {
		return "Basic", "", death.Build(death.Finding{Refuted: policy.Refuted{By: by, From: now, Until: now.Add(death.Holds)}, Reason: reason, User: s.User, By: s.Name + ", " + s.Role.Title()}, n)
	})
}
