package region

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"selda/fault"
	"selda/store"
)

// patience says how long a condition is another node's when that is gone, how
// often a holder says that it is there, how long a request waits for one, and
// how often it asks.
type patience struct{ held, renew, wait, ask time.Duration }

// usual is as for journals: a node that has not been heard of for four seconds
// is taken for dead.
var usual = patience{held: 4 * time.Second, renew: time.Second, wait: 30 * time.Second, ask: 5 * time.Millisecond}

// exclusive gives the caller alone, of all nodes, what a name stands for, by a
// lease, for as long as the caller works: a node that dies with one gives it
// back within seconds.
func exclusive(leases store.Leases, p patience) func(ctx context.Context, name string) (func(), error) {
	node := "conditions-" + rand.Text()
	return func(ctx context.Context, name string) (func(), error) {
		until, cancel := context.WithTimeout(ctx, p.wait)
		defer cancel()
		for {
			l, ok, err := leases.Acquire(until, name, node, p.held)
			if err == nil && ok {
				return p.keep(context.WithoutCancel(ctx), leases, l), nil
			}
			if err != nil && until.Err() == nil {
				return nil, err
			}
			select {
			case <-until.Done():
				return nil, fault.E("region.exclusive", fault.Throttled, "another request holds the same condition: ask again")
			case <-time.After(p.ask):
			}
		}
	}
}

// keep renews a lease until it is released. What can't be told expires.
func (p patience) keep(ctx context.Context, leases store.Leases, l store.Lease) (release func()) {
	done := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(p.renew)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_, _, _ = leases.Acquire(ctx, l.Name, l.Holder, p.held)
			}
		}
	})
	return func() {
		close(done)
		renewing.Wait() // what is renewed after it was released would be nobody's
		_ = leases.Release(ctx, l)
	}
}
