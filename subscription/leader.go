package subscription

import (
	"context"
	"sync"
	"time"

	"selda/store"
)

// leadership says whether this node follows the log and tells. What it writes
// it writes under its lease, which the store looks at: a node that was taken for
// dead and is not adds nothing, and gives no number. It is by real time: it is
// about the node, not about patients.
type leadership struct {
	mu      sync.Mutex
	lease   store.Lease
	asked   time.Time
	until   time.Time // it is this node's until then
	forgets time.Time
}

// A node renews its lease each second, whatever else it does; one that has not
// for four is taken for dead, as its journal is. A shorter lease would be as
// safe, and change hands when a database merely pauses. A lock of the session
// would be let go of at once by a process that is killed, but also with each
// connection that is cut, and by a machine without power after minutes only.
const (
	leaseName  = "subscriptions"
	leaseTime  = 4 * time.Second
	leaseRenew = time.Second
)

// leads says whether this node does; it asks for the lease once a second.
func (l *leadership) leads(ctx context.Context, f *Follower) (bool, error) {
	if f.Leases == nil {
		return true, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	began := time.Now()
	if began.Sub(l.asked) < leaseRenew {
		return began.Before(l.until), nil
	}
	ctx, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	lease, ok, err := f.Leases.Acquire(ctx, leaseName, f.Node, leaseTime)
	if err != nil {
		return false, err
	}
	l.asked, l.lease, l.until = began, lease, time.Time{}
	if ok {
		l.until = began.Add(leaseTime)
	}
	return ok, nil
}

// under is the lease that this node leads under; ok is false where it does not,
// or not for certain.
func (l *leadership) under(f *Follower) (lease store.Lease, ok bool) {
	if f.Leases == nil {
		return store.Lease{}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lease, time.Now().Before(l.until)
}

// keep renews the lease, however long a round takes, until ctx ends, and then
// gives it up.
func (l *leadership) keep(ctx context.Context, f *Follower) {
	if f.Leases == nil {
		return
	}
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for ctx.Err() == nil {
		_, _ = l.leads(ctx, f) // where it can't be asked for, a round says so
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if lease, ok := l.under(f); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = f.Leases.Release(ctx, lease) // where it fails it expires
	}
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
