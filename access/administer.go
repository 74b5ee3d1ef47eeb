package access

import (
	"context"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Administer asks for accounts and settings: an administrator may, and the
// operator at the command line. It opens no record.
func (a *Access) Administer(ctx context.Context, s policy.Subject, what string) error {
	op, e := "access.Administer", audit.From(s, audit.Administer, what)
	e.Rules = []string{"administers accounts"}
	permitted := s.User != "" && (s.Role == nhs.Administrator || s.Role == nhs.Operator)
	if !permitted {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if !permitted {
		return fault.E(op, fault.Security, "only an administrator may do this")
	}
	return nil
}
