package sqlite

import (
	"context"

	"selda/store"
	"selda/store/adapter"
)

var _ store.Bars = (*DB)(nil)

// barredSchema is what keeps things that were destroyed from coming in again, and which
// messages were held back for it. Added to a database of any age.
const barredSchema = `
CREATE TABLE IF NOT EXISTS barred(print BLOB NOT NULL, list TEXT NOT NULL, person INTEGER NOT NULL, known INTEGER NOT NULL, PRIMARY KEY(print, list)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS barred_list ON barred(list, person);
CREATE INDEX IF NOT EXISTS barred_person ON barred(person) WHERE person<>0;
CREATE TABLE IF NOT EXISTS heldback(message INTEGER PRIMARY KEY, list TEXT NOT NULL, kept INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS heldback_list ON heldback(list, message);
CREATE INDEX IF NOT EXISTS heldback_kept ON heldback(message) WHERE kept=1;
`

// loadBarred has in memory what tells that something is not barred. The writer's alone.
func (db *DB) loadBarred() error {
	var all []store.Print
	s := db.writer.stmt(`SELECT print FROM barred`)
	err := rows(s, func() error {
		all = append(all, store.Print(s.ColumnRawBlob(0)))
		return nil
	})
	if err == nil {
		db.barred = adapter.NewBarred(all)
	}
	return err
}

func (db *DB) prints() adapter.Prints { return adapter.NewPrints(db.Secret("barred")) }

// Barring is store.Barrer's.
func (tx *Tx) Barring() bool { return tx.db.barred.Any() }

// Barred is store.Barrer's.
func (tx *Tx) Barred(list []store.Named) (map[int]store.Bar, error) {
	var out map[int]store.Bar
	if !tx.Barring() {
		return nil, nil
	}
	prints := tx.db.prints()
	for i, n := range list {
		p := prints.Of(n)
		if !tx.db.barred.May(p) {
			continue
		}
		s := bind(tx.c.stmt(`SELECT print, list, person, known FROM barred WHERE print=? ORDER BY person LIMIT 1`), []any{p[:]})
		if err := rows(s, func() error {
			if out == nil {
				out = map[int]store.Bar{}
			}
			out[i] = store.Bar{Print: p, Case: s.ColumnText(1), Person: s.ColumnInt64(2), Known: s.ColumnInt64(3) != 0}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Bar is store.Barrer's.
func (tx *Tx) Bar(list []store.Bar) error {
	for _, b := range list {
		if err := tx.run(`INSERT OR REPLACE INTO barred(print, list, person, known) VALUES(?, ?, ?, ?)`, b.Print[:], b.Case, b.Person, b.Known); err != nil {
			return err
		}
	}
	tx.barred = tx.barred || len(list) > 0
	return nil
}

// Unbar is store.Barrer's.
func (tx *Tx) Unbar(caseID string, person int64) (int, error) {
	before := tx.c.TotalChanges()
	sql, args := `DELETE FROM barred WHERE list=?`, []any{caseID}
	if person != 0 {
		sql, args = `DELETE FROM barred WHERE person=?`, []any{person}
	}
	err := tx.run(sql, args...)
	n := int(tx.c.TotalChanges() - before)
	tx.barred = tx.barred || n > 0
	return n, err
}

// HoldBack is store.Barrer's.
func (tx *Tx) HoldBack(m store.MessageID, caseID string) error {
	return tx.run(`INSERT OR REPLACE INTO heldback(message, list, kept) VALUES(?, ?, 1)`, int64(m), caseID)
}

// HeldBack is store.Barrer's.
func (tx *Tx) HeldBack() (out []store.MessageID, err error) {
	s := tx.c.stmt(`SELECT message FROM heldback WHERE kept=1 ORDER BY message`)
	err = rows(s, func() error { out = append(out, store.MessageID(s.ColumnInt64(0))); return nil })
	return out, err
}

// Destroyed is store.Barrer's.
func (tx *Tx) Destroyed(m store.MessageID) error {
	return tx.run(`UPDATE heldback SET kept=0 WHERE message=?`, int64(m))
}

// BarsOf is store.Bars'.
func (db *DB) BarsOf(caseID string) (out []store.Bar, err error) {
	err = db.read(context.Background(), func(c *conn) error {
		s := bind(c.stmt(`SELECT print, person, known FROM barred WHERE list=? ORDER BY print`), []any{caseID})
		return rows(s, func() error {
			out = append(out, store.Bar{Print: store.Print(s.ColumnRawBlob(0)), Case: caseID, Person: s.ColumnInt64(1), Known: s.ColumnInt64(2) != 0})
			return nil
		})
	})
	return out, err
}

// BarredCases is store.Bars'.
func (db *DB) BarredCases() (out []store.BarredCase, err error) {
	err = db.read(context.Background(), func(c *conn) error {
		s := c.stmt(`SELECT b.list, sum(b.known=0), count(DISTINCT nullif(b.person, 0)), (SELECT count(*) FROM heldback h WHERE h.list=b.list) FROM barred b GROUP BY b.list ORDER BY b.list`)
		return rows(s, func() error {
			out = append(out, store.BarredCase{Case: s.ColumnText(0), Items: s.ColumnInt(1), People: s.ColumnInt(2), Messages: s.ColumnInt(3)})
			return nil
		})
	})
	return out, err
}

// HeldBackUnder is store.Bars'.
func (db *DB) HeldBackUnder(caseID string, limit int) (out []store.MessageID, err error) {
	err = db.read(context.Background(), func(c *conn) error {
		s := bind(c.stmt(`SELECT message FROM heldback WHERE list=? ORDER BY message DESC LIMIT ?`), []any{caseID, limit})
		return rows(s, func() error { out = append(out, store.MessageID(s.ColumnInt64(0))); return nil })
	})
	return out, err
}
