package sqlite

import (
	"cmp"
	"context"
	_ "embed"
	"time"

	"github.com/ncruces/go-sqlite3"

	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/store"
	"selda/subscription"
)

//go:embed subscription.sql
var subscriptionSchema string

var (
	_ subscription.Register = (*DB)(nil)
	_ subscription.Queue    = (*DB)(nil)
	_ subscription.Ledger   = (*DB)(nil)
	_ subscription.Links    = (*DB)(nil)
)

// milli is a time as it is kept: 0 is none.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func ofMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// run executes a statement of the writing transaction.
func (tx *Tx) run(sql string, args ...any) error { return bind(tx.c.stmt(sql), args).Exec() }

// bind binds what a statement is asked.
func bind(s *sqlite3.Stmt, args []any) *sqlite3.Stmt {
	for i, a := range args {
		switch a := a.(type) {
		case int64:
			_ = s.BindInt64(i+1, a)
		case int:
			_ = s.BindInt(i+1, a)
		case uint64:
			_ = s.BindInt64(i+1, int64(a))
		case string:
			_ = s.BindText(i+1, a)
		case []byte:
			_ = s.BindBlob(i+1, a)
		case bool:
			_ = s.BindBool(i+1, a)
		case time.Time:
			_ = s.BindInt64(i+1, milli(a))
		}
	}
	return s
}

// Subscriptions is subscription.Register's.
func (db *DB) Subscriptions(ctx context.Context, user string) (out []*subscription.Subscription, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT key, id, user, purpose, revision, version, at, status, reason, body, sealed, base, citizen, anchor, start, failing, greeted, behind FROM subscription WHERE ?1='' OR user=?1 ORDER BY key`)
		_ = s.BindText(1, user)
		return rows(s, func() error {
			out = append(out, &subscription.Subscription{Key: s.ColumnInt64(0), ID: s.ColumnText(1), User: s.ColumnText(2), Purpose: nhs.Purpose(s.ColumnText(3)),
				Revision: s.ColumnInt64(4), Version: s.ColumnInt(5), At: ofMilli(s.ColumnInt64(6)), Status: s.ColumnText(7), Reason: s.ColumnText(8),
				Body: s.ColumnBlob(9, nil), Sealed: s.ColumnBlob(10, nil), Base: s.ColumnText(11), Citizen: s.ColumnText(12), Anchor: store.Subject(s.ColumnInt64(13)),
				Start: uint64(s.ColumnInt64(14)), FailingSince: ofMilli(s.ColumnInt64(15)), Greeted: s.ColumnBool(16), Behind: uint64(s.ColumnInt64(17))})
			return nil
		})
	})
	return out, err
}

// SaveSubscription is subscription.Register's.
func (db *DB) SaveSubscription(ctx context.Context, v *subscription.Subscription) error {
	const op = "sqlite.SaveSubscription"
	key := v.Key
	err := db.Write(ctx, func(tx *Tx) error {
		if key == 0 {
			taken, err := tx.count(`SELECT count(*) FROM subscription WHERE user=? AND id=?`, v.User, v.ID)
			if err != nil {
				return err
			}
			if taken > 0 {
				return fault.E(op, fault.Duplicate, "there is a Subscription of this id already")
			}
			if n, err := tx.count(`SELECT count(*) FROM subscription WHERE user=?`, v.User); err != nil || n >= subscription.MostOfOne {
				return cmp.Or(err, subscription.Full(op))
			}
			err = tx.run(`INSERT INTO subscription(id, user, purpose, revision, version, at, status, reason, body, sealed, base, citizen, anchor, start, failing, greeted, behind)
				VALUES(?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, v.ID, v.User, string(v.Purpose), v.Version, v.At, v.Status, v.Reason, v.Body, v.Sealed, v.Base,
				v.Citizen, int64(v.Anchor), v.Start, v.FailingSince, v.Greeted, v.Behind)
			if key = tx.c.LastInsertRowID(); err == nil {
				err = tx.keepVersion(key, v)
			}
			return err
		}
		err := tx.run(`UPDATE subscription SET revision=revision+1, purpose=?, version=?, at=?, status=?, reason=?, body=?, sealed=?, base=?, citizen=?, anchor=?,
			start=?, failing=?, greeted=?, behind=? WHERE key=? AND revision=?`, string(v.Purpose), v.Version, v.At, v.Status, v.Reason, v.Body, v.Sealed, v.Base, v.Citizen, int64(v.Anchor),
			v.Start, v.FailingSince, v.Greeted, v.Behind, key, v.Revision)
		if err == nil && tx.c.Changes() == 0 {
			err = fault.E(op, fault.Conflict, "the Subscription has been changed meanwhile: read it again")
		}
		if err == nil {
			err = tx.keepVersion(key, v)
		}
		return err
	})
	if err != nil {
		return err
	}
	if v.Key == 0 {
		v.Revision = 0
	}
	v.Key = key
	v.Revision++
	return nil
}

func (tx *Tx) keepVersion(key int64, v *subscription.Subscription) error {
	return tx.run(`INSERT INTO subscription_version(subscription, version, at, status, reason, body) VALUES(?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET at=excluded.at, status=excluded.status, reason=excluded.reason, body=excluded.body`, key, v.Version, v.At, v.Status, v.Reason, v.Body)
}

// SubscriptionVersions is subscription.Register's.
func (db *DB) SubscriptionVersions(ctx context.Context, key int64) (out []*subscription.Subscription, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT s.id, s.user, s.base, v.version, v.at, v.status, v.reason, v.body FROM subscription s JOIN subscription_version v ON v.subscription=s.key WHERE s.key=? ORDER BY v.version DESC`)
		_ = s.BindInt64(1, key)
		return rows(s, func() error {
			out = append(out, &subscription.Subscription{Key: key, ID: s.ColumnText(0), User: s.ColumnText(1), Base: s.ColumnText(2), Version: s.ColumnInt(3), At: ofMilli(s.ColumnInt64(4)),
				Status: s.ColumnText(5), Reason: s.ColumnText(6), Body: s.ColumnBlob(7, nil)})
			return nil
		})
	})
	return out, err
}

// count is the first column of the first row.
func (tx *Tx) count(sql string, args ...any) (int64, error) {
	s := bind(tx.c.stmt(sql), args)
	defer func() { _ = s.Reset() }()
	if !s.Step() {
		return 0, s.Err()
	}
	return s.ColumnInt64(0), nil
}

// RemoveSubscription is subscription.Register's.
func (db *DB) RemoveSubscription(ctx context.Context, key int64, limit int) (done bool, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		if err := tx.run(`DELETE FROM subscription WHERE key=?`, key); err != nil {
			return err
		}
		if err := tx.run(`DELETE FROM subscription_event WHERE subscription=?1 AND seq IN (SELECT seq FROM subscription_event WHERE subscription=?1 LIMIT ?2)`, key, limit); err != nil {
			return err
		}
		if done = tx.c.Changes() < int64(limit); !done {
			return nil
		}
		for _, sql := range []string{`DELETE FROM subscription_lane WHERE subscription=?`, `DELETE FROM subscription_last WHERE subscription=?`, `DELETE FROM subscription_version WHERE subscription=?`, `DELETE FROM subscription_free WHERE subscription=?`} {
			if err := tx.run(sql, key); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

const subscriptionPosition = "subscription-position"

// Position is subscription.Queue's.
func (db *DB) Position(ctx context.Context) (n uint64, err error) {
	err = db.read(ctx, func(c *conn) error {
		i, err := c.int64(`SELECT value FROM meta WHERE name='` + subscriptionPosition + `'`)
		n = uint64(i)
		return err
	})
	return n, err
}

// Enqueue is subscription.Queue's.
func (db *DB) Enqueue(ctx context.Context, under store.Lease, from, to uint64, events []subscription.Event) error {
	return db.Write(ctx, func(tx *Tx) error {
		if err := tx.under(under); err != nil {
			return err
		}
		at, err := tx.count(`SELECT value FROM meta WHERE name=?`, subscriptionPosition)
		if err != nil {
			return err
		}
		if uint64(at) != from {
			return fault.E("sqlite.Enqueue", fault.Conflict, "this part of the log has been read by another")
		}
		if err := tx.SetMeta(subscriptionPosition, int64(to)); err != nil {
			return err
		}
		for _, e := range events {
			if e.Lane, err = tx.laneOf(e); err != nil {
				return err
			}
			err := tx.run(`INSERT INTO subscription_event(subscription, seq, lane, subject, n, at, type, id, version, change)
				VALUES(?1, (SELECT coalesce(max(seq), 0)+1 FROM subscription_event WHERE subscription=?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
				e.Subscription, e.Lane, int64(e.Subject), e.N, e.At, int(fhir.TypeNumber(e.Type)), e.ID, e.Version, int(e.Change))
			if err == nil {
				err = tx.run(`INSERT INTO subscription_lane(subscription, lane, attempts, next) VALUES(?, ?, 0, 0) ON CONFLICT DO NOTHING`, e.Subscription, e.Lane)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// laneOf is the lane in which something of the same subject waits, else the
// event's own.
func (tx *Tx) laneOf(e subscription.Event) (string, error) {
	s := bind(tx.c.stmt(`SELECT lane FROM subscription_event INDEXED BY subscription_event_subject WHERE subscription=? AND subject=? AND state=0
		AND lane NOT LIKE 'held %' ORDER BY seq DESC LIMIT 1`), []any{e.Subscription, int64(e.Subject)})
	defer func() { _ = s.Reset() }()
	if s.Step() {
		return s.ColumnText(0), nil
	}
	return e.Lane, s.Err()
}

// Linked is subscription.Links'.
func (db *DB) Linked(ctx context.Context, after, until uint64) (out []mpi.Event, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT ` + eventColumns + ` FROM link_event WHERE n>? AND n<=? ORDER BY id`)
		_ = s.BindInt64(1, int64(after))
		_ = s.BindInt64(2, int64(until))
		return rows(s, func() error {
			e, err := scanEvent(s)
			out = append(out, e)
			return err
		})
	})
	return out, err
}

// Due is subscription.Queue's.
func (db *DB) Due(ctx context.Context, key int64, now time.Time, limit int) (out []subscription.Lane, next time.Time, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := bind(c.stmt(`SELECT lane, attempts, next FROM subscription_lane WHERE subscription=? ORDER BY next, lane LIMIT ?`), []any{key, limit + 1})
		return rows(s, func() error {
			l := subscription.Lane{Name: s.ColumnText(0), Attempts: s.ColumnInt(1), Next: ofMilli(s.ColumnInt64(2))}
			if len(out) < limit && !l.Next.After(now) {
				out = append(out, l)
			} else if next.IsZero() {
				if next = l.Next; next.IsZero() {
					next = now
				}
			}
			return nil
		})
	})
	return out, next, err
}

const toldColumns = `subscription, seq, lane, subject, n, at, type, id, version, change, state, number, doubt, tried, done, reason`

func (db *DB) events(ctx context.Context, where string, args ...any) (out []subscription.Event, err error) {
	err = db.read(ctx, func(c *conn) (err error) {
		out, err = eventsOf(c, where, args...)
		return err
	})
	return out, err
}

func eventsOf(c *conn, where string, args ...any) (out []subscription.Event, err error) {
	s := bind(c.stmt(`SELECT `+toldColumns+` FROM subscription_event `+where), args)
	err = rows(s, func() error {
		out = append(out, subscription.Event{Subscription: s.ColumnInt64(0), Seq: s.ColumnInt64(1), Lane: s.ColumnText(2), Subject: store.Subject(s.ColumnInt64(3)),
			N: uint64(s.ColumnInt64(4)), At: ofMilli(s.ColumnInt64(5)), Type: fhir.TypeName(uint16(s.ColumnInt64(6))), ID: s.ColumnText(7), Version: s.ColumnInt(8),
			Change: subscription.Change(s.ColumnInt(9)), State: subscription.State(s.ColumnInt(10)), Number: uint64(s.ColumnInt64(11)), Doubt: s.ColumnBool(12),
			Tried: ofMilli(s.ColumnInt64(13)), Done: ofMilli(s.ColumnInt64(14)), Reason: s.ColumnText(15)})
		return nil
	})
	return out, err
}

// Head is subscription.Queue's.
func (db *DB) Head(ctx context.Context, key int64, lane string, limit int) (out []subscription.Event, numbered uint64, err error) {
	err = db.read(ctx, func(c *conn) error {
		n, err := c.int64(`SELECT numbered FROM subscription WHERE key=?`, key)
		if numbered = uint64(n); err == nil {
			out, err = eventsOf(c, `INDEXED BY subscription_event_lane WHERE subscription=? AND lane=? AND state=0 ORDER BY lane, seq LIMIT ?`, key, lane, limit)
		}
		return err
	})
	return out, numbered, err
}

// Numbered is subscription.Ledger's.
func (db *DB) Numbered(ctx context.Context, key int64, since, until uint64, limit int) ([]subscription.Event, error) {
	return db.events(ctx, `INDEXED BY subscription_event_number WHERE subscription=? AND number>0 AND number>=? AND number<=? ORDER BY number LIMIT ?`, key, since, min(until, 1<<62), limit)
}

// SetAside is subscription.Ledger's.
func (db *DB) SetAside(ctx context.Context, key int64, limit int) ([]subscription.Event, error) {
	return db.events(ctx, `INDEXED BY subscription_event_aside WHERE subscription=? AND state=2 ORDER BY seq LIMIT ?`, key, limit)
}

// Waits is subscription.Ledger's.
func (db *DB) Waits(ctx context.Context, key int64) (w subscription.Waits, err error) {
	err = db.read(ctx, func(c *conn) error {
		waiting, err := c.int64(`SELECT count(*) FROM subscription_event INDEXED BY subscription_event_lane WHERE subscription=? AND state=0`, key)
		if err != nil {
			return err
		}
		aside, err := c.int64(`SELECT count(*) FROM subscription_event INDEXED BY subscription_event_aside WHERE subscription=? AND state=2`, key)
		if err != nil {
			return err
		}
		numbered, err := c.int64(`SELECT numbered FROM subscription WHERE key=?`, key)
		if err != nil {
			return err
		}
		oldest, err := c.int64(`SELECT coalesce(min(at), 0) FROM (SELECT min(at) AS at FROM subscription_event INDEXED BY subscription_event_lane WHERE subscription=?1 AND state=0
			UNION ALL SELECT min(at) FROM subscription_event INDEXED BY subscription_event_aside WHERE subscription=?1 AND state=2)`, key)
		if err != nil {
			return err
		}
		last, err := c.int64(`SELECT n FROM subscription_event WHERE subscription=? ORDER BY seq DESC LIMIT 1`, key)
		w = subscription.Waits{Last: uint64(last), Waiting: int(waiting), Aside: int(aside), Numbered: uint64(numbered), Oldest: ofMilli(oldest)}
		return err
	})
	return w, err
}

// Wake is subscription.Ledger's.
func (db *DB) Wake(ctx context.Context, key int64, now time.Time, aside bool) error {
	return db.Write(ctx, func(tx *Tx) error {
		if err := tx.run(`UPDATE subscription_lane SET next=0, attempts=0 WHERE subscription=?`, key); err != nil || !aside {
			return err
		}
		if err := tx.run(`INSERT INTO subscription_lane(subscription, lane, attempts, next) SELECT DISTINCT subscription, lane, 0, 0 FROM subscription_event INDEXED BY subscription_event_aside
			WHERE subscription=? AND state=2 ON CONFLICT DO NOTHING`, key); err != nil {
			return err
		}
		return tx.run(`UPDATE subscription_event INDEXED BY subscription_event_aside SET state=0, tried=0, done=0, reason='' WHERE subscription=? AND state=2`, key)
	})
}

// Forget is subscription.Ledger's.
func (db *DB) Forget(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		err := tx.run(`DELETE FROM subscription_event WHERE (subscription, seq) IN (SELECT e.subscription, e.seq FROM subscription_event e
			WHERE e.state=1 AND e.done<? AND e.seq<(SELECT max(x.seq) FROM subscription_event x WHERE x.subscription=e.subscription) LIMIT ?)`, before, limit)
		n = int(tx.c.Changes())
		return err
	})
	return n, err
}
