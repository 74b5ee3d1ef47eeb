package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/bulk"
	"selda/fault"
)

// Jobs keeps exports and imports, and the files that they make, for all nodes.
type Jobs struct{ db *DB }

var _ bulk.Store = Jobs{}

// Jobs gives access to them.
func (db *DB) Jobs() bulk.Store { return Jobs{db} }

// List is bulk.Store's. One that is being removed is among those that ended.
func (j Jobs) List(ended bool) (out []bulk.Kept, err error) {
	err = j.db.rows(context.Background(), func(r pgx.Rows) error {
		var k bulk.Kept
		var at int64
		err := r.Scan(&k.ID, &k.State, &at, &k.Stored)
		k.Ended = ofMilli(at)
		out = append(out, k)
		return err
	}, `SELECT id, state, CASE WHEN removed THEN 1 ELSE ended END, stored FROM bulk_job WHERE (removed OR ended>0)=$1`, ended)
	return out, err
}

// Load is bulk.Store's.
func (j Jobs) Load(id string) (k bulk.Kept, err error) {
	found := false
	err = j.db.rows(context.Background(), func(r pgx.Rows) error {
		var at int64
		err := r.Scan(&k.ID, &k.State, &at, &k.Stored)
		k.Ended, found = ofMilli(at), true
		return err
	}, `SELECT id, state, ended, stored FROM bulk_job WHERE id=$1 AND NOT removed`, clean(id))
	if err == nil && !found {
		err = bulk.ErrUnknown
	}
	return k, err
}

// do runs a statement until the database has answered it, and gives how many
// rows it was about. It may come twice.
func (j Jobs) do(sql string, args ...any) (n int64, err error) {
	err = j.db.again(context.Background(), func(ctx context.Context) error {
		tag, err := j.db.writers.Exec(ctx, sql, args...)
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fault.E("postgres.Jobs", fault.NoStore, err)
	}
	return n, nil
}

// taken is what a statement answers that is the holder's alone.
func taken(n int64, err error) error {
	if err == nil && n == 0 {
		return bulk.ErrTaken
	}
	return err
}

// Create is bulk.Store's.
func (j Jobs) Create(k bulk.Kept, holder string) error {
	_, err := j.do(`INSERT INTO bulk_job(id, state, ended, stored, holder, expires) VALUES($1, $2, $3, $4, $5, CASE $5 WHEN '' THEN '-infinity' ELSE clock_timestamp()+$6 END)
		ON CONFLICT DO NOTHING`, k.ID, k.State, milli(k.Ended), k.Stored, holder, leaseFor)
	return err
}

// Take is bulk.Store's.
func (j Jobs) Take(id, holder string) (bool, error) {
	n, err := j.do(`UPDATE bulk_job SET holder=$2, expires=clock_timestamp()+$3 WHERE id=$1 AND NOT removed AND ended=0 AND (holder=$2 OR expires<clock_timestamp())`,
		id, holder, leaseFor)
	return n > 0, err
}

// Renew is bulk.Store's.
func (j Jobs) Renew(holder string, ids []string) (still []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), leaseFor)
	defer cancel()
	rows, err := j.db.writers.Query(ctx, `UPDATE bulk_job SET expires=clock_timestamp()+$3 WHERE id = ANY($2) AND holder=$1 AND NOT removed RETURNING id`, holder, ids, leaseFor)
	if err == nil {
		still, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		return nil, fault.E("postgres.Renew", fault.NoStore, err)
	}
	return still, nil
}

// Leave is bulk.Store's.
func (j Jobs) Leave(id, holder string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // it expires soon enough
	defer cancel()
	if _, err := j.db.writers.Exec(ctx, `UPDATE bulk_job SET holder='', expires='-infinity' WHERE id=$1 AND holder=$2`, id, holder); err != nil {
		return fault.E("postgres.Leave", fault.NoStore, err)
	}
	return nil
}

// Save is bulk.Store's. The blocks that were put before it are on disk with it.
func (j Jobs) Save(k bulk.Kept, holder string) error {
	return taken(j.do(`UPDATE bulk_job SET state=$3, ended=$4, stored=$5 WHERE id=$1 AND holder=$2 AND NOT removed`, k.ID, holder, k.State, milli(k.Ended), k.Stored))
}

// Put is bulk.Store's. It waits for no disk: a block counts with the next Save,
// which does, and comes after it in the database's own log. The job's row is
// held meanwhile, so that it is nobody else's before the block is there.
func (j Jobs) Put(b bulk.Block, holder string) error {
	err := j.db.again(context.Background(), func(ctx context.Context) error {
		batch := &pgx.Batch{} // one transaction
		batch.Queue(`SELECT set_config('synchronous_commit', 'off', true)`)
		batch.Queue(`WITH held AS (SELECT 1 FROM bulk_job WHERE id=$1 AND holder=$2 AND NOT removed FOR SHARE)
			INSERT INTO bulk_block(job, file, n, raw, sealed) SELECT $1, $3, $4, $5, $6 FROM held
			ON CONFLICT(job, file, n) DO UPDATE SET raw=excluded.raw, sealed=excluded.sealed`, b.Job, holder, b.File, b.N, b.Raw, b.Sealed)
		r := j.db.writers.SendBatch(ctx, batch)
		_, err := r.Exec()
		if err == nil {
			tag, put := r.Exec()
			err = taken(tag.RowsAffected(), put)
		}
		if end := r.Close(); err == nil {
			err = end
		}
		return err
	})
	if err != nil && !errors.Is(err, bulk.ErrTaken) {
		return fault.E("postgres.Put", fault.NoStore, err)
	}
	return err
}

// Sizes is bulk.Store's.
func (j Jobs) Sizes(job, file string, blocks int) (out []bulk.Size, err error) {
	err = j.db.rows(context.Background(), func(r pgx.Rows) error {
		var s bulk.Size
		err := r.Scan(&s.Sealed, &s.Raw)
		out = append(out, s)
		return err
	}, `SELECT length(sealed), raw FROM bulk_block WHERE job=$1 AND file=$2 AND n<$3 ORDER BY n`, job, file, blocks)
	return out, err
}

// Get is bulk.Store's.
func (j Jobs) Get(job, file string, n int, _ int64, _ int) (sealed []byte, err error) {
	err = j.db.rows(context.Background(), func(r pgx.Rows) error { return r.Scan(&sealed) },
		`SELECT sealed FROM bulk_block WHERE job=$1 AND file=$2 AND n=$3`, job, file, n)
	if err == nil && sealed == nil {
		err = bulk.ErrUnknown // it was removed while it was read
	}
	return sealed, err
}

// removeBlocks is how many blocks are taken away in one transaction.
const removeBlocks = 1000

// Remove is bulk.Store's.
func (j Jobs) Remove(id string) error {
	if _, err := j.do(`UPDATE bulk_job SET removed=true WHERE id=$1`, clean(id)); err != nil {
		return err
	}
	for {
		n, err := j.do(`DELETE FROM bulk_block WHERE job=$1 AND (file, n) IN (SELECT file, n FROM bulk_block WHERE job=$1 LIMIT $2)`, clean(id), removeBlocks)
		if err != nil {
			return err
		}
		if n < removeBlocks {
			break
		}
	}
	_, err := j.do(`DELETE FROM bulk_job WHERE id=$1`, clean(id))
	return err
}

// Used is bulk.Store's.
func (j Jobs) Used() (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return j.db.int64(ctx, `SELECT coalesce(sum(stored), 0)::bigint FROM bulk_job`)
}
