package subscription

import (
	"context"
	"strings"
	"time"

	"selda/fault"
)

// Told is a subscription as an operator sees it: nothing of what it tells.
type Told struct {
	ID       string    `json:"id"`
	User     string    `json:"user"`
	Status   string    `json:"status"`
	Channel  string    `json:"channel"`
	Topic    string    `json:"topic,omitempty"`
	Host     string    `json:"host,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Failing  time.Time `json:"failing,omitzero"`
	Told     uint64    `json:"told"`
	Waiting  int       `json:"waiting"`
	Aside    int       `json:"aside"`
	Oldest   time.Time `json:"oldest,omitzero"`
	internal int64
}

// Operated lists all subscriptions for an operator; with an id, those of it.
// Who asks has been let in by access.
func (f *Follower) Operated(ctx context.Context, id string) (out []Told, err error) {
	if err := f.load(ctx); err != nil {
		return nil, err
	}
	for _, e := range f.all(func(e *entry) bool { return id == "" || e.sub.ID == id || e.sub.User+"/"+e.sub.ID == id }) {
		w, err := f.Ledger.Waits(ctx, e.sub.Key)
		if err != nil {
			return nil, err
		}
		out = append(out, Told{ID: e.sub.ID, User: e.sub.User, Status: e.sub.Status, Channel: e.req.kind, Topic: e.req.topic, Host: hostOf(e.req.endpoint), Reason: e.sub.Reason,
			Failing: e.sub.FailingSince, Told: w.Numbered, Waiting: w.Waiting, Aside: w.Aside, Oldest: w.Oldest, internal: e.sub.Key})
	}
	return out, nil
}

func hostOf(endpoint string) string {
	_, rest, ok := strings.Cut(endpoint, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// one is the subscription that an operator means.
func (f *Follower) one(ctx context.Context, id string) (Told, error) {
	list, err := f.Operated(ctx, id)
	switch {
	case err != nil:
		return Told{}, err
	case len(list) == 0:
		return Told{}, fault.E("subscription", fault.NotFound, "there is no subscription of this id")
	case len(list) > 1:
		return Told{}, fault.E("subscription", fault.MultipleMatches, "several have this id: say ACCOUNT/ID")
	}
	return list[0], nil
}

// SetAside gives what was set aside of one subscription.
func (f *Follower) SetAside(ctx context.Context, id string, limit int) ([]Event, error) {
	t, err := f.one(ctx, id)
	if err != nil {
		return nil, err
	}
	return f.Ledger.SetAside(ctx, t.internal, limit)
}

// Replay tells again what was set aside, and turns a subscription on again
// that was turned off because nothing was accepted.
func (f *Follower) Replay(ctx context.Context, id string) (Told, error) {
	t, err := f.one(ctx, id)
	if err != nil {
		return t, err
	}
	if t.Status == Off && t.Reason == "" {
		return t, fault.E("subscription.Replay", fault.Conflict, "its owner has turned it off")
	}
	if err := f.Ledger.Wake(ctx, t.internal, f.Now(), true); err != nil {
		return t, err
	}
	f.mu.Lock()
	e := f.entries[t.internal]
	if e == nil {
		f.mu.Unlock()
		return t, errUnknown
	}
	sub := *e.sub
	e.failures, e.failing, e.pause, e.next = 0, time.Time{}, time.Time{}, time.Time{}
	f.mu.Unlock()
	if sub.Status != Active {
		sub.Status, sub.Reason, sub.FailingSince, sub.Greeted = Requested, "", time.Time{}, false
		if e.req.kind == websocket {
			sub.Status, sub.Greeted = Active, true
		}
		if err := f.save(ctx, &sub); err != nil {
			return t, err
		}
	}
	f.wake()
	return f.one(ctx, id)
}

// TurnOff turns a subscription off. What waits is kept for a replay.
func (f *Follower) TurnOff(ctx context.Context, id string) error {
	t, err := f.one(ctx, id)
	if err != nil {
		return err
	}
	f.mu.Lock()
	e := f.entries[t.internal]
	f.mu.Unlock()
	if e == nil {
		return errUnknown
	}
	return f.stop(ctx, f.state(e).sub, "an operator has turned it off")
}
