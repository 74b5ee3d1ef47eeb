package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/store"
)

var _ store.Leases = (*DB)(nil)

// Acquire is store.Leases'. The database's clock tells what has expired: those
// of the nodes may differ.
func (db *DB) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (store.Lease, bool, error) {
	l := store.Lease{Name: name, Holder: holder}
	err := db.writers.QueryRow(ctx, `INSERT INTO lease(name, holder, fence, expires) VALUES($1, $2, 1, clock_timestamp() + $3)
		ON CONFLICT(name) DO UPDATE SET holder=excluded.holder, expires=excluded.expires,
			fence=CASE WHEN lease.holder=excluded.holder THEN lease.fence ELSE lease.fence+1 END
		WHERE lease.holder=excluded.holder OR lease.expires<clock_timestamp() RETURNING fence`, name, holder, ttl).Scan(&l.Fence)
	if errors.Is(err, pgx.ErrNoRows) {
		return store.Lease{}, false, nil
	}
	if err != nil {
		return store.Lease{}, false, fault.E("postgres.Acquire", fault.NoStore, err)
	}
	return l, true, nil
}

// Release is store.Leases'. The row stays, so that fences grow.
func (db *DB) Release(ctx context.Context, l store.Lease) error {
	_, err := db.writers.Exec(ctx, `UPDATE lease SET holder='', expires='-infinity' WHERE name=$1 AND holder=$2 AND fence=$3`, l.Name, l.Holder, int64(l.Fence))
	if err != nil {
		return fault.E("postgres.Release", fault.NoStore, err)
	}
	return nil
}

// Hold is store.Tx's. It is asked last, so that the lease's row is held for a
// moment only: the holder renews it meanwhile.
func (tx *Tx) Hold(l store.Lease) error {
	tx.holds = append(tx.holds, l)
	return nil
}

const sqlHold = `SELECT selda_hold($1, $2, $3)`

// hold is Hold in a transaction that makes no commit of the region; the zero
// lease asks nothing.
func hold(ctx context.Context, tx pgx.Tx, l store.Lease) error {
	if l.Name == "" {
		return nil
	}
	_, err := tx.Exec(ctx, sqlHold, l.Name, l.Holder, int64(l.Fence))
	return err
}
