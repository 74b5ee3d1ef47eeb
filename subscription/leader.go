package subscription

import (
	"context"
	"time"

	"selda/store"
)

// leadership says whether this node follows the log and tells.
type leadership struct {
	lease   store.Lease
	has     bool
	until   time.Time // real time: it is about the node, not about patients
	forgets time.Time
}

const (
	leaseName  = "subscriptions"
	leaseTime  = 30 * time.Second
	leaseRenew = 10 * time.Second
)

func (l *leadership) leads(ctx context.Context, f *Follower) (bool, error) {
	if f.Leases == nil {
		return true, nil
	}
	if time.Until(l.until) > leaseTime-leaseRenew {
		return l.has, nil
	}
	began := time.Now()
	lease, ok, err := f.Leases.Acquire(ctx, leaseName, f.Node, leaseTime)
	if err != nil {
		return false, err
	}
	l.lease, l.has, l.until = lease, ok, began.Add(leaseTime)
	if !ok {
		l.until = began.Add(leaseTime - leaseRenew + time.Second) // asked again in a second
	}
	return ok, nil
}

// end gives the lease up.
func (l *leadership) end(leases store.Leases) {
	if leases == nil || !l.has {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = leases.Release(ctx, l.lease) // where it fails it expires
}

// kept is how long what was accepted is kept, for $events.
const kept = 30 * 24 * time.Hour

// forget takes away what was accepted long ago, a little at a time.
func (f *Follower) forget(ctx context.Context) error {
	now := f.Now()
	f.mu.Lock()
	idle := len(f.entries) == 0 || now.Before(f.leader.forgets)
	f.mu.Unlock()
	if idle {
		return nil
	}
	n, err := f.Ledger.Forget(ctx, now.Add(-kept), 500)
	if err != nil || n == 500 {
		return err
	}
	f.leader.forgets = now.Add(time.Hour)
	return f.unbound(ctx)
}

// unbound turns off what was to be told over a socket that nobody opens.
func (f *Follower) unbound(ctx context.Context) error {
	f.mu.Lock()
	var idle []*Subscription
	for _, e := range f.entries {
		if e.req.kind == websocket && e.socket == nil && e.sub.Live() {
			idle = append(idle, e.sub)
		}
	}
	f.mu.Unlock()
	for _, s := range idle {
		w, err := f.Ledger.Waits(ctx, s.Key)
		if err == nil && w.Waiting > 0 && f.Now().Sub(w.Oldest) >= week {
			err = f.stop(ctx, s, "no socket was bound for a week")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
