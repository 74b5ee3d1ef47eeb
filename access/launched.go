package access

import (
	"context"

	"selda/fault"
	"selda/policy"
	"selda/store"
)

// Launched is a subject whose application's patient goes by the id that they
// have now: since the launch they may have been merged with another. Of a
// patient who is not known any more there is nothing to open.
func (a *Access) Launched(ctx context.Context, s policy.Subject) (policy.Subject, error) {
	if s.Scopes == nil || s.Scopes.Patient == "" {
		return s, nil
	}
	found, err := a.Index.Citizen(ctx, s.Scopes.Patient, store.Latest)
	if fault.Is(err, fault.NotFound) {
		return s, nil
	}
	if err != nil {
		return s, fault.E("access.Launched", err)
	}
	scopes := *s.Scopes
	scopes.Patient, s.Scopes = found.ID, &scopes
	return s, nil
}
