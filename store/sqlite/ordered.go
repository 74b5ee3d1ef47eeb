package sqlite

import (
	"context"
	_ "embed"
	"slices"
	"time"

	"selda/fhir/search"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

//go:embed ordered.sql
var orderedSchema string

// Ranged is store.Reader's. It reads the runs of the keys, and what is fresh.
func (db *DB) Ranged(ctx context.Context, q store.Range, p *policy.Predicate) (store.Ranged, error) {
	if !p.Permit {
		return store.Ranged{}, nil
	}
	var out store.Ranged
	err := db.read(ctx, func(c *conn) error {
		r := adapter.NewRange(q, p, db.sourceName)
		r.Ended = func(first, last store.ItemID, f func(store.ItemID, int, uint64)) error {
			s := c.stmt(`SELECT item, version, n FROM ended WHERE item BETWEEN ? AND ?`)
			_ = s.BindInt64(1, int64(first))
			_ = s.BindInt64(2, int64(last))
			return rows(s, func() error {
				f(store.ItemID(s.ColumnInt64(0)), s.ColumnInt(1), uint64(s.ColumnInt64(2)))
				return nil
			})
		}
		r.Shown = func(e *adapter.Entry) (bool, error) {
			l, ok, err := db.located(c, e.Item)
			if err != nil || !ok {
				return false, err
			}
			list, err := db.versions(c, l, q.N, 1)
			return err == nil && len(list) == 1 && list[0].Version == e.Version && p.Shows(&list[0].Columns), err
		}
		for _, k := range r.Keys() {
			s := c.stmt(`SELECT upto, entries FROM run WHERE key=? ORDER BY first`)
			_ = s.BindInt64(1, int64(k))
			if err := rows(s, func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return r.Run(k, s.ColumnInt64(0), s.ColumnRawBlob(1))
			}); err != nil {
				return err
			}
		}
		s := c.stmt(`SELECT n, entries FROM fresh WHERE n>? ORDER BY n`)
		_ = s.BindInt64(1, r.Since())
		if err := rows(s, func() error { return r.Fresh(s.ColumnInt64(0), s.ColumnRawBlob(1)) }); err != nil {
			return err
		}
		var err error
		out, err = r.Done()
		return err
	})
	return out, err
}

// order notes what the index of ordered values gets of a version.
func (tx *Tx) order(p *store.Put, w *store.Written, source int64) error {
	tx.entries = append(tx.entries, adapter.Entries(p, source, w.Item, w.Version, tx.n)...)
	if w.Version == 1 || !search.HasOrder(p.Type) {
		return nil
	}
	s := tx.c.stmt(`INSERT OR REPLACE INTO ended(item, version, n) VALUES(?, ?, ?)`)
	_ = s.BindInt64(1, int64(w.Item))
	_ = s.BindInt64(2, int64(w.Version-1))
	_ = s.BindInt64(3, int64(tx.n))
	return s.Exec()
}

// freshen writes the entries of the transaction, under its last n.
func (tx *Tx) freshen() error {
	if len(tx.entries) == 0 {
		return nil
	}
	s := tx.c.stmt(`INSERT INTO fresh(n, count, entries) VALUES(?, ?, ?)`)
	_ = s.BindInt64(1, int64(tx.nextN-1))
	_ = s.BindInt64(2, int64(len(tx.entries)))
	_ = s.BindBlob(3, adapter.PackEntries(tx.entries))
	return s.Exec()
}

// What is fresh is put into runs when there are so many entries, which are read
// by each query beside the runs, or after so long.
const (
	mostFresh    = 1 << 14
	longestFresh = 5 * time.Second
)

// folding puts what is fresh into runs, beside everything else that is written.
// What fails is not lost, only late.
func (db *DB) folding() {
	tick := time.NewTicker(longestFresh)
	defer tick.Stop()
	for {
		select {
		case <-db.open.Done():
			return
		case <-db.fold:
		case <-tick.C:
		}
		db.post()
		if n := db.fresh.Load(); n > 0 && db.Fold(db.open) == nil {
			db.fresh.Add(-n)
		}
	}
}

// Fold puts what is fresh into runs, key by key, in transactions so short that
// nobody waits for them. Stopped anywhere, it goes on the next time: a key's
// runs say until which n they hold its entries.
func (db *DB) Fold(ctx context.Context) error {
	db.folds.Lock()
	defer db.folds.Unlock()
	var list []adapter.Entry
	last := int64(0)
	err := db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT n, entries FROM fresh ORDER BY n`)
		return rows(s, func() error {
			last = s.ColumnInt64(0)
			return adapter.EachEntry(s.ColumnRawBlob(1), func(e *adapter.Entry) bool {
				list = append(list, e.Kept())
				return true
			})
		})
	})
	if err != nil || last == 0 {
		return err
	}
	keys, byKey := adapter.ByKey(list)
	if err := db.eachKey(ctx, keys, func(tx *Tx, k uint64) error {
		upto, err := tx.c.int64(`SELECT upto FROM run WHERE key=? ORDER BY first DESC LIMIT 1`, int64(k))
		if err != nil || upto >= last {
			return err
		}
		fresh := slices.DeleteFunc(byKey[k], func(e adapter.Entry) bool { return int64(e.N) <= upto })
		return tx.extend("run", k, fresh, last)
	}); err != nil {
		return err
	}
	return db.Write(ctx, func(tx *Tx) error {
		s := tx.c.stmt(`DELETE FROM fresh WHERE n<=?`)
		_ = s.BindInt64(1, last)
		return s.Exec()
	})
}

// shortTurn is how long work in the background keeps the one writer.
const shortTurn = 3 * time.Millisecond

// eachKey does something for each key, in short transactions.
func (db *DB) eachKey(ctx context.Context, keys []uint64, f func(*Tx, uint64) error) error {
	for len(keys) > 0 {
		if err := db.Write(ctx, func(tx *Tx) error {
			for began := time.Now(); len(keys) > 0 && time.Since(began) < shortTurn; keys = keys[1:] {
				if err := f(tx, keys[0]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// extend adds entries to the runs of a key: to the last one while it has room,
// then to new ones.
func (tx *Tx) extend(table string, key uint64, list []adapter.Entry, upto int64) error {
	s := tx.c.stmt(`SELECT first, count, entries FROM ` + table + ` WHERE key=? ORDER BY first DESC LIMIT 1`)
	_ = s.BindInt64(1, int64(key))
	first, count := int64(1), 0
	var last []byte
	if err := rows(s, func() error {
		first, count, last = s.ColumnInt64(0), s.ColumnInt(1), s.ColumnBlob(2, nil)
		return nil
	}); err != nil {
		return err
	}
	runs, err := adapter.Extended(last, count, list)
	if err != nil {
		return err
	}
	if count >= adapter.RunEntries {
		first++
	}
	for i, r := range runs {
		s := tx.c.stmt(`INSERT OR REPLACE INTO ` + table + `(key, first, upto, count, entries) VALUES(?, ?, ?, ?, ?)`)
		for j, v := range []int64{int64(key), first + int64(i), upto, int64(r.Count)} {
			_ = s.BindInt64(j+1, v)
		}
		_ = s.BindBlob(5, r.Packed)
		if err := s.Exec(); err != nil {
			return err
		}
	}
	return nil
}

// runTable makes a table of runs: of one key each, so many entries a row. upto
// says until which n the key's entries are in its runs.
func runTable(name string) string {
	return `CREATE TABLE IF NOT EXISTS ` + name + `(key INTEGER NOT NULL, first INTEGER NOT NULL, upto INTEGER NOT NULL, count INTEGER NOT NULL,
		entries BLOB NOT NULL, PRIMARY KEY(key, first)) WITHOUT ROWID;`
}

// Items is store.Reader's.
func (db *DB) Items(ctx context.Context, items []store.ItemID, n uint64, p *policy.Predicate) (out []*store.Version, err error) {
	if !p.Permit {
		return nil, nil
	}
	err = db.read(ctx, func(c *conn) error {
		for _, i := range items {
			l, ok, err := db.located(c, i)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			list, err := db.versions(c, l, n, 1)
			if err != nil {
				return err
			}
			if len(list) == 1 && !list[0].Deleted && p.Shows(&list[0].Columns) {
				out = append(out, list[0])
			}
		}
		return nil
	})
	return out, err
}
