package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"

	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/store"
	"selda/store/adapter"
)

var _ mpi.Ledger = (*Tx)(nil)

// rows runs a query and calls f for each row.
func rows(s *sqlite3.Stmt, f func() error) error {
	var err error
	for err == nil && s.Step() {
		err = f()
	}
	return errors.Join(err, s.Err(), s.Reset())
}

// Identified is mpi.Identities'.
func (tx *Tx) Identified(system, value string) ([]mpi.Known, error) {
	return tx.db.identified(tx.c, system, value)
}

func (db *DB) identified(c *conn, system, value string) (out []mpi.Known, err error) {
	s := c.stmt(`SELECT subject, source FROM identity WHERE system=? AND value=? ORDER BY subject`)
	_ = s.BindText(1, system)
	_ = s.BindText(2, value)
	err = rows(s, func() error {
		out = append(out, mpi.Known{Subject: store.Subject(s.ColumnInt64(0)), Source: db.sourceName(s.ColumnInt64(1))})
		return nil
	})
	return out, err
}

// SetIdentities is mpi.Identities'. Numbers of the source's own stay when a
// message leaves them out; an NHS number is replaced by another one.
func (tx *Tx) SetIdentities(subject store.Subject, source nhs.Source, ids []mpi.Identifier) (dropped []mpi.Identifier, err error) {
	src, err := tx.Source(source)
	if err != nil {
		return nil, err
	}
	have := map[mpi.Identifier]bool{}
	s := tx.c.stmt(`SELECT system, value, verified FROM identity WHERE subject=?`)
	_ = s.BindInt64(1, int64(subject))
	err = rows(s, func() error {
		have[mpi.Identifier{System: s.ColumnText(0), Value: s.ColumnText(1)}] = s.ColumnBool(2)
		return nil
	})
	if err != nil {
		return nil, err
	}
	numbered := false
	want := map[mpi.Identifier]bool{}
	for _, id := range ids {
		want[mpi.Identifier{System: id.System, Value: id.Value}] = id.Verified
		numbered = numbered || id.System == nhs.NumberSystem
	}
	put := tx.c.stmt(`INSERT OR REPLACE INTO identity(system, value, source, subject, verified, n) VALUES(?, ?, ?, ?, ?, ?)`)
	for id, verified := range want {
		if was, ok := have[id]; ok && was == verified {
			continue
		}
		_ = put.BindText(1, id.System)
		_ = put.BindText(2, id.Value)
		_ = put.BindInt64(3, src)
		_ = put.BindInt64(4, int64(subject))
		_ = put.BindBool(5, verified)
		_ = put.BindInt64(6, int64(tx.n))
		if err := put.Exec(); err != nil {
			return nil, err
		}
	}
	del := tx.c.stmt(`DELETE FROM identity WHERE system=? AND value=? AND source=? AND subject=?`)
	for id := range have {
		if _, keep := want[id]; keep || !numbered || id.System != nhs.NumberSystem {
			continue
		}
		_ = del.BindText(1, id.System)
		_ = del.BindText(2, id.Value)
		_ = del.BindInt64(3, src)
		_ = del.BindInt64(4, int64(subject))
		if err := del.Exec(); err != nil {
			return nil, err
		}
		dropped = append(dropped, id)
	}
	return dropped, nil
}

// Demographics is mpi.Identities': those of the subject's own Patient.
func (tx *Tx) Demographics(subject store.Subject) (mpi.Demographics, error) {
	s := tx.c.stmt(`SELECT body FROM resource WHERE subject=? AND type=? ORDER BY item, version DESC LIMIT 1`)
	_ = s.BindInt64(1, int64(subject))
	_ = s.BindInt64(2, int64(fhir.TypeNumber("Patient")))
	var d mpi.Demographics
	err := rows(s, func() error {
		body, _, err := tx.db.codec.Unpack(s.ColumnRawBlob(0))
		if err != nil || len(body) == 0 {
			return err
		}
		r, err := fhir.ParseTrusted(body)
		if err == nil {
			d = mpi.FromPatient(r.Root())
		}
		return err
	})
	return d, err
}

// CitizenOf is mpi.Links'.
func (tx *Tx) CitizenOf(s store.Subject) (store.Citizen, error) { return citizenOf(tx.c, s) }

func citizenOf(c *conn, s store.Subject) (store.Citizen, error) {
	i, err := c.int64(`SELECT citizen FROM link WHERE subject=? AND to_n IS NULL`, int64(s))
	if err == nil && i == 0 {
		err = errUnknown
	}
	return store.Citizen(i), err
}

// CitizenNumber is ingest.Tx's.
func (tx *Tx) CitizenNumber(id string) (store.Citizen, bool) {
	n, ok := tx.db.ids.Decode(adapter.Citizen, id)
	return store.Citizen(n), ok
}

// SubjectsOf is mpi.Links'.
func (tx *Tx) SubjectsOf(c store.Citizen) (out []store.Subject, err error) {
	s := tx.c.stmt(`SELECT subject FROM link WHERE citizen=? AND to_n IS NULL ORDER BY subject`)
	_ = s.BindInt64(1, int64(c))
	err = rows(s, func() error {
		out = append(out, store.Subject(s.ColumnInt64(0)))
		return nil
	})
	return out, err
}

// NewCitizen is mpi.Links'. With a subject, it is that subject's from now on.
func (tx *Tx) NewCitizen(subject store.Subject) (store.Citizen, error) {
	s := tx.c.stmt(`INSERT INTO citizen(n) VALUES(?)`)
	_ = s.BindInt64(1, int64(tx.n))
	if err := s.Exec(); err != nil {
		return 0, err
	}
	c := store.Citizen(tx.c.LastInsertRowID())
	if subject == 0 {
		return c, nil
	}
	return c, tx.link(subject, c, 0)
}

func (tx *Tx) link(subject store.Subject, c store.Citizen, event int64) error {
	s := tx.c.stmt(`UPDATE link SET to_n=? WHERE subject=? AND to_n IS NULL AND from_n<>?`)
	_ = s.BindInt64(1, int64(tx.n))
	_ = s.BindInt64(2, int64(subject))
	_ = s.BindInt64(3, int64(tx.n))
	if err := s.Exec(); err != nil {
		return err
	}
	s = tx.c.stmt(`INSERT OR REPLACE INTO link(subject, from_n, citizen, event) VALUES(?, ?, ?, ?)`)
	_ = s.BindInt64(1, int64(subject))
	_ = s.BindInt64(2, int64(tx.n))
	_ = s.BindInt64(3, int64(c))
	_ = s.BindInt64(4, event)
	return s.Exec()
}

// Record is mpi.Links'.
func (tx *Tx) Record(e mpi.Event) (int64, error) {
	if tx.n == 0 {
		return 0, fault.E("store.Record", "a change of links outside a commit")
	}
	moves, err := json.Marshal(e.Moves)
	if err != nil {
		return 0, err
	}
	s := tx.c.stmt(`INSERT INTO link_event(n, at, kind, rule, reason, message, moves) VALUES(?, ?, ?, ?, ?, ?, ?)`)
	_ = s.BindInt64(1, int64(tx.n))
	_ = s.BindInt64(2, e.At.UnixMilli())
	_ = s.BindText(3, e.Kind)
	_ = s.BindText(4, e.Rule)
	_ = s.BindText(5, e.Reason)
	_ = s.BindInt64(6, int64(e.Message))
	_ = s.BindRawText(7, moves)
	if err := s.Exec(); err != nil {
		return 0, err
	}
	id := tx.c.LastInsertRowID()
	for _, m := range e.Moves {
		if err := tx.link(m.Subject, m.To, id); err != nil {
			return 0, err
		}
	}
	return id, nil
}

const eventColumns = `id, n, at, kind, rule, reason, message, moves, undone IS NOT NULL`

func scanEvent(s *sqlite3.Stmt) (mpi.Event, error) {
	e := mpi.Event{ID: s.ColumnInt64(0), N: uint64(s.ColumnInt64(1)), At: time.UnixMilli(s.ColumnInt64(2)).UTC(), Kind: s.ColumnText(3),
		Rule: s.ColumnText(4), Reason: s.ColumnText(5), Message: store.MessageID(s.ColumnInt64(6)), Undone: s.ColumnBool(8)}
	return e, json.Unmarshal(s.ColumnRawText(7), &e.Moves)
}

// Event is mpi.Links'.
func (tx *Tx) Event(id int64) (e mpi.Event, err error) {
	s := tx.c.stmt(`SELECT ` + eventColumns + ` FROM link_event WHERE id=?`)
	_ = s.BindInt64(1, id)
	err = rows(s, func() (err error) {
		e, err = scanEvent(s)
		return err
	})
	if err == nil && e.ID == 0 {
		err = fault.E("store.Event", fault.NotFound, "there is no link with this id")
	}
	return e, err
}

// LastEvent is mpi.Links'.
func (tx *Tx) LastEvent(subject store.Subject) (mpi.Event, error) {
	id, err := tx.c.int64(`SELECT event FROM link WHERE subject=? AND to_n IS NULL`, int64(subject))
	if err != nil || id == 0 {
		return mpi.Event{}, err
	}
	return tx.Event(id)
}

// SetUndone is mpi.Links'.
func (tx *Tx) SetUndone(id int64) error {
	s := tx.c.stmt(`UPDATE link_event SET undone=? WHERE id=?`)
	_ = s.BindInt64(1, int64(tx.n))
	_ = s.BindInt64(2, id)
	return s.Exec()
}

// Apart is mpi.Links'. A citizen that was merged away takes what it is kept
// apart from with it.
func (tx *Tx) Apart(a, b store.Citizen) (bool, error) { return apart(tx.c, a, b, false) }

// apart says whether two citizens, or any that were merged into them, are
// kept apart; with severed, whether by a severance.
func apart(c *conn, a, b store.Citizen, severed bool) (bool, error) {
	if a == b {
		return false, nil
	}
	limit := int64(1 << 62)
	if severed {
		limit = 0
	}
	n, err := c.int64(`WITH
		x(c) AS (SELECT ?1 UNION SELECT o.citizen FROM link l JOIN link o ON o.subject=l.subject WHERE l.citizen=?1 AND l.to_n IS NULL
			AND NOT EXISTS (SELECT 1 FROM link h WHERE h.citizen=o.citizen AND h.to_n IS NULL)),
		y(c) AS (SELECT ?2 UNION SELECT o.citizen FROM link l JOIN link o ON o.subject=l.subject WHERE l.citizen=?2 AND l.to_n IS NULL
			AND NOT EXISTS (SELECT 1 FROM link h WHERE h.citizen=o.citizen AND h.to_n IS NULL))
		SELECT count(*) FROM x JOIN y JOIN severed s ON s.a=min(x.c, y.c) AND s.b=max(x.c, y.c) WHERE s.n<?3`, int64(a), int64(b), limit)
	return n > 0, err
}

// KeepApart is mpi.Links'.
func (tx *Tx) KeepApart(a, b store.Citizen, severed bool) error {
	s := tx.c.stmt(`INSERT OR IGNORE INTO severed(a, b, n) VALUES(?, ?, ?)`)
	_ = s.BindInt64(1, int64(min(a, b)))
	_ = s.BindInt64(2, int64(max(a, b)))
	n := int64(tx.n)
	if severed {
		n = -n // a severance is marked by its sign
	}
	_ = s.BindInt64(3, n)
	return s.Exec()
}

// AddReview is mpi.Links'. The same pair under the same rule stands once.
func (tx *Tx) AddReview(r mpi.Review) error {
	s := tx.c.stmt(`INSERT OR IGNORE INTO review(n, at, subject, other, rule, reason, state) VALUES(?, ?, ?, ?, ?, ?, ?)`)
	_ = s.BindInt64(1, int64(tx.n))
	_ = s.BindInt64(2, r.At.UnixMilli())
	_ = s.BindInt64(3, int64(r.Subject))
	_ = s.BindInt64(4, int64(r.Other))
	_ = s.BindText(5, r.Rule)
	_ = s.BindText(6, r.Reason)
	_ = s.BindText(7, r.State)
	return s.Exec()
}

// Citizen is mpi.Index's.
func (db *DB) Citizen(ctx context.Context, id string, n uint64) (f mpi.Found, err error) {
	num, ok := db.ids.Decode(adapter.Citizen, id)
	if !ok {
		return f, errUnknown
	}
	err = db.read(ctx, func(c *conn) error {
		f.Citizen = store.Citizen(num)
		f.Subjects, err = db.subjectsAt(c, f.Citizen, n)
		if err == nil && len(f.Subjects) == 0 {
			if f.Citizen, err = survivor(c, f.Citizen, n); err == nil {
				f.Subjects, err = db.subjectsAt(c, f.Citizen, n)
			}
		}
		f.ID = db.ids.Encode(adapter.Citizen, int64(f.Citizen))
		if err == nil && len(f.Subjects) == 0 {
			err = errUnknown
		}
		return err
	})
	return f, err
}

// Former is mpi.Index's.
func (db *DB) Former(ctx context.Context, c mpi.Found) (out []string, err error) {
	var ids []string
	err = db.read(ctx, func(k *conn) error {
		for _, one := range c.Subjects {
			s := k.stmt(`SELECT DISTINCT citizen FROM link WHERE subject=? AND citizen<>?`)
			_ = s.BindInt64(1, int64(one.Subject))
			_ = s.BindInt64(2, int64(c.Citizen))
			if err := rows(s, func() error {
				ids = append(ids, db.ids.Encode(adapter.Citizen, s.ColumnInt64(0)))
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return adapter.Former(ctx, db, c, ids)
}

func (db *DB) subjectsAt(c *conn, citizen store.Citizen, n uint64) (out []mpi.Known, err error) {
	s := c.stmt(`SELECT l.subject, s.source FROM link l JOIN subject s ON s.id=l.subject
		WHERE l.citizen=? AND l.from_n<=? AND (l.to_n IS NULL OR l.to_n>?) ORDER BY l.subject`)
	at := int64(min(n, 1<<62))
	_ = s.BindInt64(1, int64(citizen))
	_ = s.BindInt64(2, at)
	_ = s.BindInt64(3, at)
	err = rows(s, func() error {
		out = append(out, mpi.Known{Subject: store.Subject(s.ColumnInt64(0)), Source: db.sourceName(s.ColumnInt64(1))})
		return nil
	})
	return out, err
}

// survivor is the citizen that a merged-away one's subjects were with as at n.
// A subject that was severed since leads nowhere (G14).
func survivor(c *conn, away store.Citizen, n uint64) (store.Citizen, error) {
	at := int64(min(n, 1<<62))
	next, err := c.int64(`SELECT l.citizen FROM link o JOIN link l ON l.subject=o.subject AND l.from_n>o.from_n
		WHERE o.citizen=?1 AND l.from_n<=?2 AND (l.to_n IS NULL OR l.to_n>?2) AND NOT EXISTS (
			SELECT 1 FROM link x JOIN link y ON y.subject=x.subject AND y.from_n=x.to_n
			JOIN severed v ON v.a=min(x.citizen, y.citizen) AND v.b=max(x.citizen, y.citizen) AND v.n<0
			WHERE x.subject=o.subject AND x.from_n>=o.from_n)
		ORDER BY o.to_n DESC LIMIT 1`, int64(away), at)
	if err == nil && next == 0 {
		err = errUnknown
	}
	return store.Citizen(next), err
}

// CitizenID is mpi.Index's.
func (db *DB) CitizenID(ctx context.Context, s store.Subject) (id string, err error) {
	err = db.read(ctx, func(c *conn) error {
		n, err := citizenOf(c, s)
		id = db.ids.Encode(adapter.Citizen, int64(n))
		return err
	})
	return id, err
}

// ByIdentity is mpi.Index's.
func (db *DB) ByIdentity(ctx context.Context, system, value string) (out []mpi.Known, err error) {
	err = db.read(ctx, func(c *conn) (err error) {
		out, err = db.identified(c, system, value)
		return err
	})
	return out, err
}

// Events is mpi.Index's. A severance, and what had joined the pair before,
// are not listed (G14).
func (db *DB) Events(ctx context.Context, limit int) (out []mpi.Event, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT ` + eventColumns + ` FROM link_event WHERE kind<>'sever' ORDER BY id DESC`)
		defer func() { _ = s.Reset() }()
		for len(out) < limit && s.Step() {
			e, err := scanEvent(s)
			if err != nil {
				return err
			}
			cut, err := acrossSeverance(c, e.Moves)
			if err != nil {
				return err
			}
			if !cut {
				out = append(out, e)
			}
		}
		return s.Err()
	})
	return out, err
}

// acrossSeverance says whether a subject has been severed from a citizen that
// it was moved from or to.
func acrossSeverance(c *conn, moves []mpi.Move) (bool, error) {
	any, err := c.int64(`SELECT EXISTS (SELECT 1 FROM severed WHERE n<0)`)
	if err != nil || any == 0 {
		return false, err
	}
	for _, m := range moves {
		now, err := citizenOf(c, m.Subject)
		if err != nil {
			return false, err
		}
		for _, other := range []store.Citizen{m.From, m.To} {
			if cut, err := apart(c, now, other, true); err != nil || cut {
				return cut, err
			}
		}
	}
	return false, nil
}

// Reviews is mpi.Index's. A pair that is kept apart by now is not listed (G14).
func (db *DB) Reviews(ctx context.Context, limit int) (out []mpi.Review, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT id, at, subject, other, rule, reason, state FROM review WHERE state='open' ORDER BY id DESC`)
		defer func() { _ = s.Reset() }()
		for len(out) < limit && s.Step() {
			r := mpi.Review{ID: s.ColumnInt64(0), At: time.UnixMilli(s.ColumnInt64(1)).UTC(), Subject: store.Subject(s.ColumnInt64(2)),
				Other: store.Subject(s.ColumnInt64(3)), Rule: s.ColumnText(4), Reason: s.ColumnText(5), State: s.ColumnText(6)}
			cut, err := keptApart(c, r.Subject, r.Other)
			if err != nil {
				return err
			}
			if !cut {
				out = append(out, r)
			}
		}
		return s.Err()
	})
	return out, err
}

// keptApart says whether the citizens of two subjects are kept apart.
func keptApart(c *conn, a, b store.Subject) (bool, error) {
	if a == 0 || b == 0 {
		return false, nil
	}
	x, err := citizenOf(c, a)
	if err != nil {
		return false, err
	}
	y, err := citizenOf(c, b)
	if err != nil {
		return false, err
	}
	return apart(c, x, y, false)
}
