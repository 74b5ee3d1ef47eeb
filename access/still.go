package access

import (
	"context"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/policy"
	"selda/store"
)

// openPage is how long a page may have been open that asks whether it may still be.
const openPage = 24 * time.Hour

// Still says whether a record that somebody has opened is open to them still (G7). It
// shows nothing, and is told only to who has opened it: the trail has that. Of a
// record that they have not opened it says that it is closed.
func (a *Access) Still(ctx context.Context, s policy.Subject, citizen string) (bool, error) {
	const op = "access.Still"
	found, err := a.Index.Citizen(ctx, citizen, store.Latest)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, fault.E(op, err)
	}
	opened, err := a.Trail.Find(ctx, audit.Query{Citizen: found.ID, User: s.User, Action: audit.Read, From: a.Now().Add(-openPage), Limit: 20})
	if err != nil {
		return false, fault.E(op, err)
	}
	for i := range opened {
		if opened[i].Outcome == audit.Permit {
			d, err := a.wouldDecide(ctx, s, found)
			return d.Permit, err
		}
	}
	return false, nil
}
