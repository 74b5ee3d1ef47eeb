package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"

	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

var (
	_ ingest.Tx    = (*Tx)(nil)
	_ ingest.Store = (*DB)(nil)
)

// Commit is ingest.Store's.
func (db *DB) Commit(ctx context.Context, f func(ingest.Tx) error) error {
	return db.Write(ctx, func(tx *Tx) error { return f(tx) })
}

// MessageID is ingest.Store's.
func (db *DB) MessageID(m store.MessageID) string { return db.ids.Encode(adapter.Message, int64(m)) }

// MessageNumber is ingest.Store's.
func (db *DB) MessageNumber(id string) (store.MessageID, bool) {
	n, ok := db.ids.Decode(adapter.Message, id)
	return store.MessageID(n), ok
}

var states = []string{ingest.Stored, ingest.Quarantined, ingest.Duplicate, ingest.Refused}

func stateNumber(s string) int64 {
	for i, name := range states {
		if name == s {
			return int64(i)
		}
	}
	return 0
}

// Seen is ingest.Messages'.
func (tx *Tx) Seen(source nhs.Source, hash [16]byte) (bool, error) {
	src, ok := tx.db.sourceID(source)
	if !ok {
		return false, nil
	}
	s := tx.c.stmt(`SELECT 1 FROM message WHERE hash=? AND format IN ('hl7v2', 'cda') AND source=? AND state<>1 LIMIT 1`)
	_ = s.BindBlob(1, hash[:])
	_ = s.BindInt64(2, src)
	seen := false
	err := rows(s, func() error { seen = true; return nil })
	return seen, err
}

// SaveMessage is ingest.Messages'.
func (tx *Tx) SaveMessage(r ingest.Record) error {
	if tx.at.IsZero() {
		tx.at = r.Received
	}
	src, err := tx.Source(r.Source)
	if err != nil {
		return err
	}
	s := tx.c.stmt(`INSERT OR REPLACE INTO message(id, source, format, received, state, n, event, control, hash, reason, place, steps)
		VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	_ = s.BindInt64(1, int64(r.ID))
	_ = s.BindInt64(2, src)
	_ = s.BindText(3, r.Format)
	_ = s.BindInt64(4, r.Received.UnixMilli())
	_ = s.BindInt64(5, stateNumber(r.State))
	if r.N == 0 {
		_ = s.BindNull(6)
	} else {
		_ = s.BindInt64(6, int64(r.N))
	}
	for i, text := range []string{r.Event, r.Control, "", r.Reason, r.Place} {
		switch {
		case i == 2 && r.Hash == [16]byte{}:
			_ = s.BindNull(9)
		case i == 2:
			_ = s.BindBlob(9, r.Hash[:])
		case text == "":
			_ = s.BindNull(7 + i)
		default:
			_ = s.BindText(7+i, text)
		}
	}
	_ = s.BindBlob(12, r.Steps)
	return s.Exec()
}

// JournalPosition is ingest.Messages'.
func (tx *Tx) JournalPosition(int64) (uint64, error) {
	n, err := tx.c.int64(`SELECT value FROM meta WHERE name='journal'`)
	return uint64(n), err
}

// SetJournalPosition is ingest.Messages'.
func (tx *Tx) SetJournalPosition(_ int64, p uint64) error { return tx.SetMeta("journal", int64(p)) }

const messageColumns = `id, source, format, received, state, coalesce(n, 0), event, control, hash, reason, place, steps`

func (db *DB) scanMessage(s *sqlite3.Stmt) ingest.Record {
	r := ingest.Record{ID: store.MessageID(s.ColumnInt64(0)), Source: db.sourceName(s.ColumnInt64(1)), Format: s.ColumnText(2),
		Received: time.UnixMilli(s.ColumnInt64(3)).UTC(), State: states[s.ColumnInt64(4)%int64(len(states))], N: uint64(s.ColumnInt64(5)),
		Event: s.ColumnText(6), Control: s.ColumnText(7), Reason: s.ColumnText(9), Place: s.ColumnText(10), Steps: s.ColumnBlob(11, nil)}
	copy(r.Hash[:], s.ColumnRawBlob(8))
	return r
}

func (db *DB) messages(ctx context.Context, sql string, bind func(s *sqlite3.Stmt)) (out []ingest.Record, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(sql)
		bind(s)
		return rows(s, func() error {
			out = append(out, db.scanMessage(s))
			return nil
		})
	})
	return out, err
}

// Message is ingest.Ledger's.
func (db *DB) Message(ctx context.Context, id store.MessageID) (ingest.Record, error) {
	out, err := db.messages(ctx, `SELECT `+messageColumns+` FROM message WHERE id=?`, func(s *sqlite3.Stmt) { _ = s.BindInt64(1, int64(id)) })
	if err == nil && len(out) == 0 {
		return ingest.Record{}, fault.E("store.Message", fault.NotFound, "there is no message with this id")
	}
	if err != nil {
		return ingest.Record{}, err
	}
	return out[0], nil
}

// ByControl is ingest.Ledger's.
func (db *DB) ByControl(ctx context.Context, control string) ([]ingest.Record, error) {
	return db.messages(ctx, `SELECT `+messageColumns+` FROM message WHERE control=? ORDER BY id LIMIT 100`, func(s *sqlite3.Stmt) { _ = s.BindText(1, control) })
}

// InQuarantine is ingest.Ledger's.
func (db *DB) InQuarantine(ctx context.Context, limit int) ([]ingest.Record, error) {
	return db.messages(ctx, `SELECT `+messageColumns+` FROM message WHERE state=1 ORDER BY id DESC LIMIT ?`, func(s *sqlite3.Stmt) { _ = s.BindInt64(1, int64(limit)) })
}

// Feeds is ingest.Ledger's.
func (db *DB) Feeds(ctx context.Context, since time.Time) (out []ingest.Feed, err error) {
	err = db.read(ctx, func(c *conn) error {
		at := map[int64]int{}
		s := c.stmt(`SELECT source, max(received), count(*) FROM message GROUP BY source`)
		if err := rows(s, func() error {
			at[s.ColumnInt64(0)] = len(out)
			out = append(out, ingest.Feed{Source: db.sourceName(s.ColumnInt64(0)), LastHeard: time.UnixMilli(s.ColumnInt64(1)).UTC(), Messages: s.ColumnInt(2)})
			return nil
		}); err != nil {
			return err
		}
		hours := c.stmt(`SELECT source, received/3600000, count(*) FROM message WHERE id>=? AND received>=? GROUP BY 1, 2`)
		since := since.Truncate(time.Hour)
		first, err := firstSince(c, since)
		_ = hours.BindInt64(1, first)
		_ = hours.BindInt64(2, since.UnixMilli())
		return errors.Join(err, rows(hours, func() error {
			f := &out[at[hours.ColumnInt64(0)]]
			if n := f.LastHeard.Unix()/3600 - hours.ColumnInt64(1); n < ingest.HeardHours {
				if f.Hours == nil {
					f.Hours = make([]int, ingest.HeardHours)
				}
				f.Hours[ingest.HeardHours-1-n] = hours.ColumnInt(2)
			}
			return nil
		}))
	})
	return out, err
}

// firstSince is where in the table the messages begin that were received
// since a time: it is in the order in which they came, and has no index by time.
func firstSince(c *conn, since time.Time) (int64, error) {
	low, high := int64(0), int64(0)
	high, err := c.int64(`SELECT coalesce(max(id), 0) FROM message`)
	for low < high && err == nil {
		middle := low + (high-low)/2
		s := c.stmt(`SELECT id, received FROM message WHERE id>? ORDER BY id LIMIT 1`)
		_ = s.BindInt64(1, middle)
		err = rows(s, func() error {
			if s.ColumnInt64(1) < since.UnixMilli() {
				low = s.ColumnInt64(0)
			} else {
				high = middle
			}
			return nil
		})
	}
	return low, err
}

// Held is ingest.Ledger's.
func (db *DB) Held(ctx context.Context, since time.Time) (out []ingest.Feed, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT source, count(*), sum(received>=?), min(received) FROM message WHERE state=1 GROUP BY source`)
		_ = s.BindInt64(1, since.UnixMilli())
		return rows(s, func() error {
			out = append(out, ingest.Feed{Source: db.sourceName(s.ColumnInt64(0)), Quarantined: s.ColumnInt(1), RecentQuarantined: s.ColumnInt(2),
				OldestQuarantined: time.UnixMilli(s.ColumnInt64(3)).UTC()})
			return nil
		})
	})
	return out, err
}

// latestOf is how many messages of all sources are looked through for those of one.
const latestOf = 200_000

// Latest is ingest.Ledger's.
func (db *DB) Latest(ctx context.Context, source nhs.Source, limit int) ([]ingest.Record, error) {
	src, _ := db.sourceID(source)
	return db.messages(ctx, `SELECT `+messageColumns+` FROM (SELECT * FROM message ORDER BY id DESC LIMIT ?) WHERE source=? LIMIT ?`, func(s *sqlite3.Stmt) {
		_ = s.BindInt64(1, latestOf)
		_ = s.BindInt64(2, src)
		_ = s.BindInt64(3, int64(limit))
	})
}

// OfSource is ingest.Ledger's.
func (db *DB) OfSource(ctx context.Context, source nhs.Source, after store.MessageID, limit int) ([]ingest.Record, error) {
	src, _ := db.sourceID(source)
	return db.messages(ctx, `SELECT `+messageColumns+` FROM message WHERE id>? AND source=? ORDER BY id LIMIT ?`, func(s *sqlite3.Stmt) {
		_ = s.BindInt64(1, int64(after))
		_ = s.BindInt64(2, src)
		_ = s.BindInt64(3, int64(limit))
	})
}

// ItemsOf is ingest.Ledger's: ids and types of what a message changed.
func (db *DB) ItemsOf(ctx context.Context, m store.MessageID) (out []policy.Item, err error) {
	err = db.read(ctx, func(c *conn) error {
		items, _, err := db.itemsOf(c, m)
		for _, i := range items {
			l, ok, err := db.located(c, i)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			id, err := db.idOf(c, l)
			if err != nil {
				return err
			}
			out = append(out, policy.Item{Type: l.Type, ID: id})
		}
		return err
	})
	return out, err
}
