package region

import (
	"context"
	"fmt"
	"slices"

	"selda/audit"
	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

// Quarantine lists what is in quarantine, the latest first.
func (r *Region) Quarantine(ctx context.Context, s policy.Subject, limit int) ([]ingest.Record, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "quarantine"); err != nil {
		return nil, err
	}
	r.settle(ctx)
	return r.Store.InQuarantine(ctx, limit)
}

// Replay tries a quarantined message again.
func (r *Region) Replay(ctx context.Context, s policy.Subject, id string) (ingest.Outcome, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Update, "replay of "+id); err != nil {
		return ingest.Outcome{}, err
	}
	rec, err := r.message(ctx, id)
	if err != nil {
		return ingest.Outcome{}, err
	}
	if rec.State != ingest.Quarantined {
		return ingest.Outcome{}, fault.E("region.Replay", fault.Conflict, "the message is not in quarantine: it is "+rec.State)
	}
	return r.Ingest.Replay(ctx, rec.ID)
}

// Which says which messages in quarantine are meant; an empty field is any.
type Which struct {
	Source nhs.Source
	Reason string
	Place  string // of the kind that ingest.KindOfPlace gives
}

// Replayed is what came of a replay of many.
type Replayed struct {
	Tried  int `json:"tried"`
	Stored int `json:"stored"`
	Held   int `json:"held"` // still in quarantine
}

// ReplayAll tries all messages again that are meant, in the order in which
// they came.
func (r *Region) ReplayAll(ctx context.Context, s policy.Subject, w Which) (Replayed, error) {
	var out Replayed
	if _, err := r.Access.Operate(ctx, s, audit.Update, fmt.Sprintf("replay of all of %s: %s", w.Source, w.Reason)); err != nil {
		return out, err
	}
	list, err := r.Store.InQuarantine(ctx, mostReplayed)
	if err != nil {
		return out, err
	}
	for _, m := range slices.Backward(list) {
		if w.Source != "" && m.Source != w.Source || w.Reason != "" && m.Reason != w.Reason || w.Place != "" && ingest.KindOfPlace(m.Place) != w.Place {
			continue
		}
		o, err := r.Ingest.Replay(ctx, m.ID)
		if err != nil {
			return out, fault.E("region.ReplayAll", err)
		}
		out.Tried++
		if o.State == ingest.Quarantined {
			out.Held++
		} else {
			out.Stored++
		}
	}
	return out, nil
}

// mostReplayed is how many messages one replay looks through.
const mostReplayed = 1_000_000
