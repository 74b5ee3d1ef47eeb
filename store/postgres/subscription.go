package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/store"
	"selda/subscription"
)

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

// beside runs f in a transaction that makes no commit of the region, and so
// does not wait for its lock.
func (db *DB) beside(ctx context.Context, f func(tx pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, db.writers, f)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return fault.E("postgres.subscription", fault.NoStore, err)
	}
	return err
}

// number is the first column of the first row; 0 where there is none.
func number(ctx context.Context, q interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, sql string, args ...any) (n int64, err error) {
	if err = q.QueryRow(ctx, sql, args...).Scan(&n); errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return n, err
}

// Subscriptions is subscription.Register's.
func (db *DB) Subscriptions(ctx context.Context, user string) (out []*subscription.Subscription, err error) {
	where, args := "", []any(nil)
	if user != "" {
		where, args = " WHERE username=$1", []any{user}
	}
	err = db.rows(ctx, func(r pgx.Rows) error {
		s := &subscription.Subscription{}
		var at, start, failing, anchor, behind int64
		err := r.Scan(&s.Key, &s.ID, &s.User, &s.Purpose, &s.Revision, &s.Version, &at, &s.Status, &s.Reason, &s.Body, &s.Sealed, &s.Base, &s.Citizen, &anchor, &start, &failing, &s.Greeted, &behind)
		s.At, s.FailingSince, s.Start, s.Anchor, s.Behind = ofMilli(at), ofMilli(failing), uint64(start), store.Subject(anchor), uint64(behind)
		out = append(out, s)
		return err
	}, `SELECT key, id, username, purpose, revision, version, at, status, reason, body, sealed, base, citizen, anchor, start, failing, greeted, behind FROM subscription`+where+` ORDER BY key`, args...)
	return out, err
}

// SaveSubscription is subscription.Register's.
func (db *DB) SaveSubscription(ctx context.Context, v *subscription.Subscription) error {
	const op = "postgres.SaveSubscription"
	key, revision := v.Key, v.Revision
	err := db.beside(ctx, func(tx pgx.Tx) (err error) {
		args := []any{string(v.Purpose), v.Version, milli(v.At), v.Status, v.Reason, v.Body, v.Sealed, v.Base, v.Citizen, int64(v.Anchor), int64(v.Start), milli(v.FailingSince), v.Greeted, int64(v.Behind)}
		if key == 0 {
			revision = 0
			if err := room(ctx, tx, op, v.User); err != nil {
				return err
			}
			key, err = number(ctx, tx, `INSERT INTO subscription(purpose, version, at, status, reason, body, sealed, base, citizen, anchor, start, failing, greeted, behind, id, username, revision)
				VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1) ON CONFLICT DO NOTHING RETURNING key`, append(args, v.ID, v.User)...)
			if err == nil && key == 0 {
				return fault.E(op, fault.Duplicate, "there is a Subscription of this id already")
			}
			if err == nil {
				_, err = tx.Exec(ctx, `INSERT INTO subscription_count(subscription, seq, numbered) VALUES($1, 0, 0)`, key)
			}
			if err == nil {
				err = keepVersion(ctx, tx, key, v)
			}
			return err
		}
		done, err := tx.Exec(ctx, `UPDATE subscription SET revision=revision+1, purpose=$1, version=$2, at=$3, status=$4, reason=$5, body=$6, sealed=$7, base=$8, citizen=$9,
			anchor=$10, start=$11, failing=$12, greeted=$13, behind=$14 WHERE key=$15 AND revision=$16`, append(args, key, revision)...)
		if err == nil && done.RowsAffected() == 0 {
			return fault.E(op, fault.Conflict, "the Subscription has been changed meanwhile: read it again")
		}
		if err == nil {
			err = keepVersion(ctx, tx, key, v)
		}
		return err
	})
	if err == nil {
		v.Key, v.Revision = key, revision+1
	}
	return err
}

// room says whether an account may have one more, and has its others wait until this one
// is counted.
func room(ctx context.Context, tx pgx.Tx, op, user string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('subscriptions of ' || $1, 0))`, user); err != nil {
		return err
	}
	n, err := number(ctx, tx, `SELECT count(*) FROM subscription WHERE username=$1`, user)
	if err == nil && n >= subscription.MostOfOne {
		err = subscription.Full(op)
	}
	return err
}

func keepVersion(ctx context.Context, tx pgx.Tx, key int64, v *subscription.Subscription) error {
	_, err := tx.Exec(ctx, `INSERT INTO subscription_version(subscription, version, at, status, reason, body) VALUES($1, $2, $3, $4, $5, $6)
		ON CONFLICT(subscription, version) DO UPDATE SET at=excluded.at, status=excluded.status, reason=excluded.reason, body=excluded.body`, key, v.Version, milli(v.At), v.Status, v.Reason, v.Body)
	return err
}

// SubscriptionVersions is subscription.Register's.
func (db *DB) SubscriptionVersions(ctx context.Context, key int64) (out []*subscription.Subscription, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		s := &subscription.Subscription{Key: key}
		var at int64
		err := r.Scan(&s.ID, &s.User, &s.Base, &s.Version, &at, &s.Status, &s.Reason, &s.Body)
		s.At = ofMilli(at)
		out = append(out, s)
		return err
	}, `SELECT s.id, s.username, s.base, v.version, v.at, v.status, v.reason, v.body FROM subscription s JOIN subscription_version v ON v.subscription=s.key WHERE s.key=$1 ORDER BY v.version DESC`, key)
	return out, err
}

// RemoveSubscription is subscription.Register's.
func (db *DB) RemoveSubscription(ctx context.Context, key int64, limit int) (done bool, err error) {
	err = db.beside(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM subscription WHERE key=$1`, key); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM subscription_event WHERE subscription=$1 AND seq IN (SELECT seq FROM subscription_event WHERE subscription=$1 LIMIT $2)`, key, limit)
		if err != nil {
			return err
		}
		if done = tag.RowsAffected() < int64(limit); !done {
			return nil
		}
		for _, table := range []string{"subscription_lane", "subscription_last", "subscription_free", "subscription_count", "subscription_version"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE subscription=$1`, key); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

// Position is subscription.Queue's.
func (db *DB) Position(ctx context.Context) (uint64, error) {
	n, err := number(ctx, db.readers, `SELECT n FROM follower WHERE name='subscriptions'`)
	if err != nil {
		err = fault.E("postgres.Position", fault.NoStore, err)
	}
	return uint64(n), err
}

// Enqueue is subscription.Queue's.
func (db *DB) Enqueue(ctx context.Context, under store.Lease, from, to uint64, events []subscription.Event) error {
	return db.beside(ctx, func(tx pgx.Tx) error {
		if err := hold(ctx, tx, under); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO follower(name, n) VALUES('subscriptions', 0) ON CONFLICT DO NOTHING`); err != nil {
			return err
		}
		moved, err := tx.Exec(ctx, `UPDATE follower SET n=$2 WHERE name='subscriptions' AND n=$1`, int64(from), int64(to))
		if err != nil {
			return err
		}
		if moved.RowsAffected() == 0 {
			return fault.E("postgres.Enqueue", fault.Conflict, "this part of the log has been read by another")
		}
		b := &pgx.Batch{}
		for _, e := range events {
			// The lane is that in which something of the same subject waits, else the event's own.
			b.Queue(`WITH c AS (UPDATE subscription_count SET seq=seq+1 WHERE subscription=$1 RETURNING seq), e AS (
				INSERT INTO subscription_event(subscription, seq, lane, subject, n, at, type, id, version, change) SELECT $1, c.seq, coalesce((SELECT w.lane FROM subscription_event w
					WHERE w.subscription=$1 AND w.subject=$3 AND w.state=0 AND w.lane NOT LIKE 'held %' ORDER BY w.seq DESC LIMIT 1), $2), $3, $4, $5, $6, $7, $8, $9 FROM c RETURNING lane)
				INSERT INTO subscription_lane(subscription, lane, attempts, next) SELECT $1, e.lane, 0, 0 FROM e ON CONFLICT DO NOTHING`,
				e.Subscription, e.Lane, int64(e.Subject), int64(e.N), milli(e.At), int16(fhir.TypeNumber(e.Type)), e.ID, e.Version, int16(e.Change))
		}
		return tx.SendBatch(ctx, b).Close()
	})
}

// Linked is subscription.Links'.
func (db *DB) Linked(ctx context.Context, after, until uint64) (out []mpi.Event, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		e, err := scanEvent(r)
		out = append(out, e)
		return err
	}, `SELECT `+eventColumns+` FROM link_event WHERE n>$1 AND n<=$2 ORDER BY id`, int64(after), int64(until))
	return out, err
}

// Due is subscription.Queue's.
func (db *DB) Due(ctx context.Context, key int64, now time.Time, limit int) (out []subscription.Lane, next time.Time, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		var l subscription.Lane
		var at int64
		err := r.Scan(&l.Name, &l.Attempts, &at)
		l.Next = ofMilli(at)
		if len(out) < limit && !l.Next.After(now) {
			out = append(out, l)
		} else if next.IsZero() {
			if next = l.Next; next.IsZero() {
				next = now
			}
		}
		return err
	}, `SELECT lane, attempts, next FROM subscription_lane WHERE subscription=$1 ORDER BY next, lane LIMIT $2`, key, limit+1)
	return out, next, err
}

func (db *DB) told(ctx context.Context, where string, args ...any) (out []subscription.Event, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		var e subscription.Event
		var subject, n, at, number, tried, done int64
		var typ, change, state int16
		err := r.Scan(&e.Subscription, &e.Seq, &e.Lane, &subject, &n, &at, &typ, &e.ID, &e.Version, &change, &state, &number, &e.Doubt, &tried, &done, &e.Reason)
		e.Subject, e.N, e.At, e.Type, e.Number = store.Subject(subject), uint64(n), ofMilli(at), fhir.TypeName(uint16(typ)), uint64(number)
		e.Change, e.State, e.Tried, e.Done = subscription.Change(change), subscription.State(state), ofMilli(tried), ofMilli(done)
		out = append(out, e)
		return err
	}, `SELECT subscription, seq, lane, subject, n, at, type, id, version, change, state, number, doubt, tried, done, reason FROM subscription_event WHERE `+where, args...)
	return out, err
}

// Head is subscription.Queue's.
func (db *DB) Head(ctx context.Context, key int64, lane string, limit int) ([]subscription.Event, uint64, error) {
	n, err := number(ctx, db.readers, `SELECT numbered FROM subscription_count WHERE subscription=$1`, key)
	if err != nil {
		return nil, 0, fault.E("postgres.Head", fault.NoStore, err)
	}
	events, err := db.told(ctx, `subscription=$1 AND lane=$2 AND state=0 ORDER BY lane, seq LIMIT $3`, key, lane, limit)
	return events, uint64(n), err
}

// Numbered is subscription.Ledger's.
func (db *DB) Numbered(ctx context.Context, key int64, since, until uint64, limit int) ([]subscription.Event, error) {
	return db.told(ctx, `subscription=$1 AND number>0 AND number>=$2 AND number<=$3 ORDER BY number LIMIT $4`, key, int64(since), int64(min(until, 1<<62)), limit)
}

// SetAside is subscription.Ledger's.
func (db *DB) SetAside(ctx context.Context, key int64, limit int) ([]subscription.Event, error) {
	return db.told(ctx, `subscription=$1 AND state=2 ORDER BY seq LIMIT $2`, key, limit)
}

// Waits is subscription.Ledger's.
func (db *DB) Waits(ctx context.Context, key int64) (w subscription.Waits, err error) {
	var oldest, numbered, last int64
	err = db.readers.QueryRow(ctx, `SELECT (SELECT count(*) FROM subscription_event WHERE subscription=$1 AND state=0), (SELECT count(*) FROM subscription_event WHERE subscription=$1 AND state=2),
		coalesce((SELECT numbered FROM subscription_count WHERE subscription=$1), 0), coalesce((SELECT min(at) FROM subscription_event WHERE subscription=$1 AND state<>1), 0),
		coalesce((SELECT n FROM subscription_event WHERE subscription=$1 ORDER BY seq DESC LIMIT 1), 0)`, key).
		Scan(&w.Waiting, &w.Aside, &numbered, &oldest, &last)
	if err != nil {
		return w, fault.E("postgres.Waits", fault.NoStore, err)
	}
	w.Numbered, w.Oldest, w.Last = uint64(numbered), ofMilli(oldest), uint64(last)
	return w, nil
}

// Wake is subscription.Ledger's.
func (db *DB) Wake(ctx context.Context, key int64, now time.Time, aside bool) error {
	return db.beside(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE subscription_lane SET next=0, attempts=0 WHERE subscription=$1`, key); err != nil || !aside {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO subscription_lane(subscription, lane, attempts, next) SELECT DISTINCT subscription, lane, 0, 0 FROM subscription_event
			WHERE subscription=$1 AND state=2 ON CONFLICT DO NOTHING`, key); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE subscription_event SET state=0, tried=0, done=0, reason='' WHERE subscription=$1 AND state=2`, key)
		return err
	})
}

// Forget is subscription.Ledger's.
func (db *DB) Forget(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = db.beside(ctx, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, `DELETE FROM subscription_event WHERE (subscription, seq) IN (SELECT subscription, seq FROM subscription_event WHERE state=1 AND done<$1 LIMIT $2)`,
			milli(before), limit)
		n = int(done.RowsAffected())
		return err
	})
	return n, err
}
