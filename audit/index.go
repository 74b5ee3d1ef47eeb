package audit

import (
	"context"
	"errors"
	"slices"
	"time"

	"selda/fault"
	"selda/internal/segment"
	"selda/nhs"
)

// Index is the port that finds entries. It is derived from the trail.
type Index interface {
	// AuditPosition is the position up to which entries are in the index.
	AuditPosition(ctx context.Context) (segment.Position, error)
	// IndexAudit adds entries, and moves the position to next.
	IndexAudit(ctx context.Context, entries []Indexed, next segment.Position) error
	// FindAudit gives the positions of entries, the latest first.
	FindAudit(ctx context.Context, q Query) ([]segment.Position, error)
}

// Position is the place of an entry in its chain.
type Position = segment.Position

// Indexed is an entry with its place in the trail.
type Indexed struct {
	Entry
	Position segment.Position
}

// Query says which entries. Empty fields do not narrow.
type Query struct {
	Citizen      string
	Former       []string // beside Citizen: those who were merged into them
	User         string
	Organisation nhs.ODS // the user's, or the item's author's organisation
	Action       string
	From, To     time.Time
	Limit        int // 100 where 0
	// Before leaves out what is at a position or after it; 0 leaves out nothing.
	Before segment.Position
}

// Of says whether an entry is of the citizen who is asked for.
func (q *Query) Of(e *Entry) bool {
	return q.Citizen == "" || e.Citizen == q.Citizen || slices.Contains(q.Former, e.Citizen)
}

// followEvery is how far the index may be behind: entries are indexed many at a
// time. Find does not wait for it, it catches up itself.
const followEvery = 500 * time.Millisecond

// indexedWithin is when an entry is in the index without being asked for.
const indexedWithin = time.Minute

// follow keeps the index and the tree up with the trail.
func (t *Trail) follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	var grown time.Time
	for {
		if t.tree != nil && time.Since(grown) >= treeEvery {
			_, _ = t.Grow(ctx) // tried again the next time; Behind tells of it, and Verify what is wrong
			grown = time.Now()
		}
		if t.index != nil {
			_ = t.catchUp(ctx) // tried again at the next tick
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.chain.Sync()
		}
	}
}

func (t *Trail) catchUp(ctx context.Context) error {
	from, err := t.index.AuditPosition(ctx)
	if err != nil {
		return err
	}
	if from >= t.chain.Durable() {
		return nil
	}
	// An index that was deleted is made again of all there is: a batch at a time.
	for {
		var batch []Indexed
		var next segment.Position
		end, err := t.chain.Scan(ctx, from, func(p segment.Position, e Entry) error {
			if len(batch) == indexBatch {
				next = p
				return errEnough
			}
			batch = append(batch, Indexed{e, p})
			return nil
		})
		more := errors.Is(err, errEnough)
		if more {
			end = next
		}
		if len(batch) == 0 {
			return err
		}
		if err := t.index.IndexAudit(ctx, batch, end); err != nil || !more {
			return err
		}
		from = end
	}
}

// indexBatch is how many entries are indexed at once.
const indexBatch = 20_000

// ClockSlack is how far the times of entries may be out of their order: clocks
// are set, and nodes have clocks of their own. An index that looks a time up by
// order looks that much further.
const ClockSlack = 10 * time.Minute

// walkBatch is how many entries a walk asks the index for at once.
const walkBatch = 500

// Walk gives the entries that q asks for with their positions, the latest first,
// until f wants no more.
func (t *Trail) Walk(ctx context.Context, q Query, f func(at segment.Position, e Entry) bool) error {
	if t == nil || t.index == nil {
		return fault.E("audit.Walk", fault.NoStore, "there is no trail, or it has no index")
	}
	// Who asks finds that they asked, whether or not it was on disk by now.
	if h, ok := ctx.Value(heldKey{}).(*Held); ok {
		if err := h.Durable(); err != nil {
			return err
		}
	}
	if err := t.catchUp(ctx); err != nil {
		return err
	}
	q.Limit = walkBatch
	for {
		at, err := t.index.FindAudit(ctx, q)
		if err != nil || len(at) == 0 {
			return err
		}
		entries, err := t.chain.Read(ctx, at)
		if err != nil {
			return err
		}
		for i, e := range entries {
			if !f(at[i], e) {
				return nil
			}
		}
		if q.Before = at[len(at)-1]; len(at) < walkBatch || q.Before == 0 {
			return nil
		}
	}
}

// Find gives the entries that q asks for, the latest first. It sees every
// entry that was durable when it was called; of a time that is past, what the
// index has.
func (t *Trail) Find(ctx context.Context, q Query) ([]Entry, error) {
	if q.To.IsZero() || t.now().Sub(q.To) < indexedWithin {
		if err := t.catchUp(ctx); err != nil {
			return nil, err
		}
	}
	at, err := t.index.FindAudit(ctx, q)
	if err != nil {
		return nil, err
	}
	return t.chain.Read(ctx, at)
}
