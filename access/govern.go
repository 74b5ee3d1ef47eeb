package access

import (
	"context"
	"slices"

	"selda/agreement"
	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// governs are the roles that change what is agreed: the others read it.
var governs = []nhs.Role{nhs.GovernanceLead, nhs.CaldicottGuardian}

// Govern asks to see what is agreed and what came of it: who governs or runs the
// exchange may. It opens no record.
func (a *Access) Govern(ctx context.Context, s policy.Subject, what string) error {
	switch s.Role {
	case nhs.GovernanceLead, nhs.CaldicottGuardian, nhs.PrivacyOfficer, nhs.Administrator, nhs.Operator:
		return a.governs(ctx, s, audit.Read, what, "")
	}
	return a.governs(ctx, s, audit.Read, what, "only those who govern the exchange may do this")
}

// Agree asks to change an agreement: to put a new file in its place, where no
// parties are named, else to act for parties whose data it shares. For its own data
// an organisation acts itself, or who has signed the agreement for it.
func (a *Access) Agree(ctx context.Context, s policy.Subject, now *agreement.Agreement, parties []agreement.Party, what string) error {
	switch {
	case s.Role == nhs.Operator:
		return a.governs(ctx, s, audit.Administer, what, "")
	case !slices.Contains(governs, s.Role) || s.Organisation == "":
		return a.governs(ctx, s, audit.Administer, what, "only a governance lead or a Caldicott guardian changes what is agreed")
	case len(parties) == 0 && s.Role != nhs.GovernanceLead:
		return a.governs(ctx, s, audit.Administer, what, "only a governance lead writes an agreement")
	}
	for _, p := range parties {
		if !now.ActsFor(s.Organisation, p) {
			return a.governs(ctx, s, audit.Administer, what, "for "+string(p)+" acts "+string(p)+" itself, or who has signed for it")
		}
	}
	return a.governs(ctx, s, audit.Administer, what, "")
}

func (a *Access) governs(ctx context.Context, s policy.Subject, action, what, refused string) error {
	const op = "access.Govern"
	if s.User == "" {
		return fault.E(op, fault.Login, "nobody is signed in")
	}
	e := audit.From(s, action, what)
	e.Rules = []string{"G1 governs what is agreed"}
	if refused != "" {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if refused != "" {
		return fault.E(op, fault.Security, refused)
	}
	return nil
}
