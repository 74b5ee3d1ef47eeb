package region

import (
	"context"
	"time"

	"selda/access"
	"selda/policy"
)

// Preferences are what was stated about the sharing of a citizen's record until
// a time, the latest first, with what of it was in force then. It is a reading of
// the record, and in its trail.
func (r *Region) Preferences(ctx context.Context, s policy.Subject, citizen string, at time.Time) ([]access.Stated, error) {
	g, err := r.Access.Record(ctx, s, citizen, "sharing choices")
	if err != nil {
		return nil, err
	}
	return r.Access.Statements(ctx, g, at)
}
