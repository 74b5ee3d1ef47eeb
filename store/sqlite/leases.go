package sqlite

import (
	"context"
	"sync"
	"time"

	"selda/fault"
	"selda/store"
)

// leases of a data folder are in memory: one process has it open, and what an
// earlier one held ended with it.
type leases struct {
	mu   sync.Mutex
	held map[string]leased
}

type leased struct {
	store.Lease
	until time.Time
}

var _ store.Leases = (*DB)(nil)

// Acquire is store.Leases'.
func (db *DB) Acquire(_ context.Context, name, holder string, ttl time.Duration) (store.Lease, bool, error) {
	l := &db.leases
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	have := l.held[name]
	switch {
	case have.Holder == holder:
	case now.Before(have.until):
		return store.Lease{}, false, nil
	default:
		have.Lease = store.Lease{Name: name, Holder: holder, Fence: have.Fence + 1}
	}
	have.until = now.Add(ttl)
	if l.held == nil {
		l.held = map[string]leased{}
	}
	l.held[name] = have
	return have.Lease, true, nil
}

// Release is store.Leases'.
func (db *DB) Release(_ context.Context, lease store.Lease) error {
	l := &db.leases
	l.mu.Lock()
	defer l.mu.Unlock()
	if have := l.held[lease.Name]; have.Lease == lease {
		have.until = time.Time{}
		have.Holder = ""
		l.held[lease.Name] = have
	}
	return nil
}

// Hold is store.Tx's.
func (tx *Tx) Hold(lease store.Lease) error {
	l := &tx.db.leases
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[lease.Name].Lease != lease {
		return fault.E("store.Hold", fault.NoStore, "the lease is another's by now: "+lease.Name)
	}
	return nil
}

// under is Hold; the zero lease asks nothing.
func (tx *Tx) under(lease store.Lease) error {
	if lease.Name == "" {
		return nil
	}
	return tx.Hold(lease)
}
