package postgres

import (
	"context"
	"time"
)

// What a new version is found by is put on a list beside the index, which costs the writer
// little, and each search looks through that list. So a node that has written
// has it merged soon after, outside of the region's lock.
const mergeEvery = 500 * time.Millisecond

const sqlMerge = `SELECT gin_clean_pending_list(inhrelid::regclass) FROM pg_inherits WHERE inhparent='resource_tokens'::regclass`

// merge has what this node has written merged into the index of tokens,
// until ctx ends.
func (db *DB) merge(ctx context.Context) {
	every(ctx, mergeEvery, func() {
		if db.wrote.Swap(false) {
			if _, err := db.writers.Exec(ctx, sqlMerge); err != nil {
				db.wrote.Store(true) // at the next tick
			}
		}
	})
}

// every does something from time to time until ctx ends.
func every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}
