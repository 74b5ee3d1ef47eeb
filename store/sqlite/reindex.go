package sqlite

import (
	"context"

	"selda/fhir"
	"selda/store"
)

// Reindex makes the postings again from the versions in force, while the store
// is in use: into a table beside the old one, in short transactions, and in
// the last one what has changed meanwhile, and the exchange of the two.
// tokens says what a resource is found by. It gives how many were indexed.
func (db *DB) Reindex(ctx context.Context, tokens func(*fhir.Resource) []string) (int, error) {
	began, err := db.N(ctx)
	if err != nil {
		return 0, err
	}
	if err := db.Write(ctx, func(tx *Tx) error {
		return tx.c.Exec(`DROP TABLE IF EXISTS posting_new;
			CREATE VIRTUAL TABLE posting_new USING fts5(token, content='', detail=none, columnsize=0, tokenize='ascii')`)
	}); err != nil {
		return 0, err
	}
	count, after := 0, int64(0)
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
				if err := tx.repost(store.ItemID(i), began, tokens); err != nil {
					return err
				}
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
	}
	return count, db.Write(ctx, func(tx *Tx) error {
		var items []int64
		s := tx.c.stmt(`SELECT DISTINCT item FROM resource WHERE n>? ORDER BY item`)
		_ = s.BindInt64(1, int64(began))
		if err := rows(s, func() error { items = append(items, s.ColumnInt64(0)); return nil }); err != nil {
			return err
		}
		for _, i := range items {
			if err := tx.repost(store.ItemID(i), store.Latest, tokens); err != nil {
				return err
			}
		}
		tx.c.forget()
		return tx.c.Exec(`DROP TABLE posting; ALTER TABLE posting_new RENAME TO posting`)
	})
}

// repost writes the posting of an item's version in force, where that is not
// newer than n: what is newer is written at the end.
func (tx *Tx) repost(item store.ItemID, n uint64, tokens func(*fhir.Resource) []string) error {
	l, ok, err := tx.db.located(tx.c, item)
	if err != nil || !ok {
		return err
	}
	v, err := tx.Current(l)
	if err != nil || v.N > n || v.Deleted {
		return err
	}
	r, err := v.Resource()
	if err != nil {
		return err
	}
	s := tx.c.stmt(`INSERT INTO posting_new(rowid, token) VALUES(?, ?)`)
	_ = s.BindInt64(1, postingRow(item, v.Version))
	_ = s.BindRawText(2, postingOf(v.Type, tokens(r)))
	return s.Exec()
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
