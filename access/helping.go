package access

import (
	"context"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Helping is a citizen's own account as it acts for somebody else: on those pages it is
// decided for, shown to and written down as any other that acts for them (G11), and nothing
// of the own record is with it. Whose own record the account no longer opens, for who it is
// of has died (G20) or was not found able to have one, acts for nobody with it. Any other
// subject stays as it is.
func (a *Access) Helping(ctx context.Context, s policy.Subject) (policy.Subject, error) {
	const op = "access.Helping"
	if s.Role != nhs.Citizen {
		return s, nil
	}
	switch own, err := a.Own(ctx, s); {
	case fault.Is(err, fault.NotFound): // they live elsewhere
	case err != nil:
		return policy.Subject{}, fault.E(op, err)
	default:
		found, err := a.Index.Citizen(ctx, own, store.Latest)
		if err != nil {
			return policy.Subject{}, fault.E(op, err)
		}
		d, err := a.wouldDecide(ctx, s, found)
		if err == nil && !d.Permit {
			_, err = a.Record(ctx, s, own, "own record: to act for somebody") // the refusal is in the trail
		}
		if err != nil {
			return policy.Subject{}, fault.E(op, err)
		}
	}
	return policy.Subject{User: s.User, Name: s.Name, Role: nhs.Proxy, Purpose: s.Purpose, Scopes: s.Scopes}, nil
}
