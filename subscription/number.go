package subscription

import (
	"context"

	"selda/store"
)

// number gives numbers to what waits and is shown now, so that $events can tell
// of it: who asks because nothing reaches them is told of all that has happened.
// It then has its number for good, as what may have arrived has. Nothing is done
// while something is being sent, which gives numbers itself, nor by a node that
// does not lead. One that is not shown is dropped, or held until it reaches the citizen, as
// where it is told by itself: were it waited for, it would be told of by what follows it.
func (f *Follower) number(ctx context.Context, e *entry) error {
	under := store.Lease{}
	if f.Leases != nil {
		var ok bool
		if under, ok = f.leader.under(f); !ok || e.req.kind == websocket {
			return nil
		}
	}
	if !f.claim(e.sub.Key) {
		return nil
	}
	defer f.release(e.sub.Key)
	g, permitted, err := f.grant(ctx, e.sub)
	if err != nil || !permitted {
		return err
	}
	lanes, _, err := f.Queue.Due(ctx, e.sub.Key, never, mostAsked)
	if err != nil {
		return err
	}
	for left := mostAsked; left > 0 && len(lanes) > 0; lanes = lanes[1:] {
		l := lanes[0]
		waiting, _, err := f.Queue.Head(ctx, e.sub.Key, l.Name, left)
		if err != nil {
			return err
		}
		left -= len(waiting)
		t := Turn{Under: under, Subscription: e.sub.Key, Lane: l.Name, At: f.Now(), Attempts: l.Attempts, Next: l.Next, Doubt: true}
		for _, x := range waiting {
			told, err := f.tell(ctx, e, g, x, contentEmpty)
			if err != nil {
				return err
			}
			if told.version == nil {
				if x.Doubt {
					continue // it keeps the number that it has
				}
				at := told.until
				if at.IsZero() {
					if at, err = f.released(ctx, e, g, &x); err != nil {
						return err
					}
				}
				switch {
				case at.IsZero():
					t.Drop = append(t.Drop, x.Seq)
				case len(t.Hold) == 0 || at.Equal(t.Until):
					t.Hold, t.Until = append(t.Hold, x.Seq), at
				}
				continue // another time than that of those held is for the next turn
			}
			if x.Number == 0 {
				t.Number = append(t.Number, x.Seq)
			}
			if !x.Doubt {
				t.Tried = append(t.Tried, x.Seq)
			}
		}
		if len(t.Tried)+len(t.Drop)+len(t.Hold) == 0 {
			continue
		}
		if _, err := f.record(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// claim has nobody else serve a subscription until release; false where somebody does.
func (f *Follower) claim(key int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.entries[key]
	if e == nil || e.running {
		return false
	}
	e.running = true
	return true
}

func (f *Follower) release(key int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.entries[key]; e != nil {
		e.running = false
	}
}
