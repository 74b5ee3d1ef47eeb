package sqlite

import (
	"context"

	"selda/fhir"
	"selda/nhs"
	"selda/store"
	"selda/store/adapter"
)

// Reindex makes the postings again from the versions in force, while the store
// is in use: into a table beside the old one, in short transactions, and in
// the last one what has changed meanwhile, and the exchange of the two.
// index says what a resource is found by. It gives how many were indexed.
func (db *DB) Reindex(ctx context.Context, index func(*fhir.Resource, nhs.Source) store.Index) (int, error) {
	db.folds.Lock()
	defer db.folds.Unlock()
	began, err := db.N(ctx)
	if err != nil {
		return 0, err
	}
	if err := db.Write(ctx, func(tx *Tx) error {
		return tx.c.Exec(`DROP TABLE IF EXISTS posting_new;
			CREATE VIRTUAL TABLE posting_new USING fts5(token, content='', detail=none, columnsize=0, tokenize='ascii');
			DROP TABLE IF EXISTS run_new; ` + runTable("run_new"))
	}); err != nil {
		return 0, err
	}
	count, after := 0, int64(0)
	var ordered []adapter.Entry
	for {
		n := 0
		err := db.Write(ctx, func(tx *Tx) error {
			var items []int64
			s := tx.c.stmt(`SELECT item FROM locator WHERE item>? ORDER BY item LIMIT 4000`)
			_ = s.BindInt64(1, after)
			if err := rows(s, func() error { items = append(items, s.ColumnInt64(0)); return nil }); err != nil {
				return err
			}
			n = len(items)
			for _, i := range items {
				entries, err := tx.repost(store.ItemID(i), began, index)
				if err != nil {
					return err
				}
				ordered = append(ordered, entries...)
				after = i
			}
			return nil
		})
		if err != nil {
			return count, err
		}
		if n == 0 {
			break
		}
		count += n
		if len(ordered) > mostFresh {
			if err := db.run(ctx, ordered, began); err != nil {
				return count, err
			}
			ordered = nil
		}
	}
	if err := db.run(ctx, ordered, began); err != nil {
		return count, err
	}
	ordered = nil
	return count, db.Write(ctx, func(tx *Tx) error {
		var items []int64
		s := tx.c.stmt(`SELECT DISTINCT item FROM resource WHERE n>? ORDER BY item`)
		_ = s.BindInt64(1, int64(began))
		if err := rows(s, func() error { items = append(items, s.ColumnInt64(0)); return nil }); err != nil {
			return err
		}
		for _, i := range items {
			entries, err := tx.repost(store.ItemID(i), store.Latest, index)
			if err != nil {
				return err
			}
			ordered = append(ordered, entries...)
		}
		keys, byKey := adapter.ByKey(ordered)
		for _, k := range keys {
			if err := tx.extend("run_new", k, byKey[k], int64(tx.nextN-1)); err != nil {
				return err
			}
		}
		tx.c.forget()
		tx.gathered = true
		return tx.c.Exec(`DROP TABLE posting; ALTER TABLE posting_new RENAME TO posting;
			` + mergeByCommit + `
			DELETE FROM fresh_posting; DELETE FROM fresh; DELETE FROM ended; DROP TABLE run; ALTER TABLE run_new RENAME TO run`)
	})
}

// run writes entries into the new runs, key by key.
func (db *DB) run(ctx context.Context, list []adapter.Entry, upto uint64) error {
	keys, byKey := adapter.ByKey(list)
	return db.eachKey(ctx, keys, func(tx *Tx, k uint64) error { return tx.extend("run_new", k, byKey[k], int64(upto)) })
}

// repost writes the posting of an item's version in force, where that is not
// newer than n: what is newer is written at the end. It gives its entries of the
// index of ordered values.
func (tx *Tx) repost(item store.ItemID, n uint64, index func(*fhir.Resource, nhs.Source) store.Index) ([]adapter.Entry, error) {
	l, ok, err := tx.db.located(tx.c, item)
	if err != nil || !ok {
		return nil, err
	}
	v, err := tx.Current(l)
	if err != nil || v.N > n || v.Deleted {
		return nil, err
	}
	r, err := v.Resource()
	if err != nil {
		return nil, err
	}
	found := index(r, v.Source)
	s := tx.c.stmt(`INSERT INTO posting_new(rowid, token) VALUES(?, ?)`)
	post := postingOf(item, v.Version, v.Type, found.Tokens)
	_ = s.BindInt64(1, post.row)
	_ = s.BindRawText(2, post.texts())
	if err := s.Exec(); err != nil {
		return nil, err
	}
	source, err := tx.Source(v.Source)
	p := store.Put{Type: v.Type, DataSet: v.DataSet, Labels: v.Labels, Final: v.Final, Ordered: found.Ordered}
	return adapter.Entries(&p, source, item, v.Version, v.N), err
}

// forget closes the prepared statements: the tables are about to change.
func (c *conn) forget() {
	for _, s := range c.prepared {
		_ = s.Close()
	}
	clear(c.prepared)
}

// Backup writes a copy of the database to path, while it is in use.
func (db *DB) Backup(ctx context.Context, path string) error {
	return db.read(ctx, func(c *conn) error { return c.Backup("main", "file:"+path) })
}
