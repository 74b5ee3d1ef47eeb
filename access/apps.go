package access

import (
	"context"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// GovernApps asks to decide which applications may act in people's names: an
// administrator or a governance lead may, and the operator at the command line.
// It opens no record. client is the application, "" for all.
func (a *Access) GovernApps(ctx context.Context, s policy.Subject, what, client string) error {
	const op = "access.GovernApps"
	e := audit.From(s, audit.Administer, what)
	e.App, e.Rules = client, []string{"governs applications"}
	permitted := s.User != "" && (s.Role == nhs.Administrator || s.Role == nhs.GovernanceLead || s.Role == nhs.Operator)
	if !permitted {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if !permitted {
		return fault.E(op, fault.Security, "only an administrator or a governance lead may do this")
	}
	return nil
}

// OutOfScope records that an application was refused what no scope of it is for.
func (a *Access) OutOfScope(ctx context.Context, s policy.Subject, what string) error {
	e := audit.From(s, audit.Read, what)
	e.Outcome, e.Rules = audit.Deny, []string{"SMART insufficient_scope"}
	if err := a.Trail.Enter(ctx, e); err != nil {
		return fault.E("access.OutOfScope", err)
	}
	return nil
}

// AppsUsed is when each application last read something in somebody's name, by
// the application's id, as far back as the last entries of theirs go.
func (a *Access) AppsUsed(ctx context.Context, s policy.Subject) (map[string]audit.Entry, error) {
	entries, err := a.Trail.Find(ctx, audit.Query{User: s.User, Limit: MaxReviewed})
	if err != nil {
		return nil, fault.E("access.AppsUsed", err)
	}
	last := map[string]audit.Entry{}
	for _, e := range entries { // the latest first
		looked := e.Action == audit.Read || e.Action == audit.Search || e.Action == audit.Export
		if _, known := last[e.App]; e.App != "" && looked && e.Outcome == audit.Permit && !known {
			last[e.App] = e
		}
	}
	return last, nil
}
