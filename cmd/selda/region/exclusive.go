package region

import (
	"context"
	"crypto/rand"
	"time"

	"selda/fault"
	"selda/store"
)

// How long a condition is held at most, and how often it is asked for.
const (
	exclusiveFor  = 30 * time.Second
	exclusiveEach = 5 * time.Millisecond
)

// exclusive gives the caller alone, of all nodes, what a name stands for, by a
// lease: a node that dies with one gives it back when it ends.
func exclusive(leases store.Leases) func(ctx context.Context, name string) (func(), error) {
	node := "conditions-" + rand.Text()
	return func(ctx context.Context, name string) (func(), error) {
		until, cancel := context.WithTimeout(ctx, exclusiveFor)
		defer cancel()
		for {
			l, ok, err := leases.Acquire(until, name, node, exclusiveFor)
			if err == nil && ok {
				return func() { _ = leases.Release(context.WithoutCancel(ctx), l) }, nil // else it ends by itself
			}
			if err != nil && until.Err() == nil {
				return nil, err
			}
			select {
			case <-until.Done():
				return nil, fault.E("region.exclusive", fault.Throttled, "another request holds the same condition: ask again")
			case <-time.After(exclusiveEach):
			}
		}
	}
}
