package store

import (
	"context"
	"time"
)

// Lease says that its holder, and nobody else, does what it names until it
// expires. The fence grows with every change of holder: what an older one
// still writes under its lease is refused (Tx.Hold).
type Lease struct {
	Name   string
	Holder string
	Fence  uint64
}

// Leases is the port of those who share work: followers of the log, and those
// who finish what another node left.
type Leases interface {
	// Acquire gives a lease for a while: to whom has it already, with the same
	// fence, and to others once it has expired. ok is false where it is another's.
	Acquire(ctx context.Context, name, holder string, ttl time.Duration) (l Lease, ok bool, err error)
	// Release ends a lease before its time.
	Release(ctx context.Context, l Lease) error
}
