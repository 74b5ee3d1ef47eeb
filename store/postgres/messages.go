package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fault"
	"selda/ingest"
	"selda/nhs"
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

const quarantined = 1

func stateNumber(s string) int16 {
	for i, name := range states {
		if name == s {
			return int16(i)
		}
	}
	return 0
}

// Seen is ingest.Messages'.
func (tx *Tx) Seen(source nhs.Source, hash [16]byte) (seen bool, err error) {
	src, err := tx.Source(source)
	if err != nil {
		return false, err
	}
	if seen, ok := tx.known.seen[seenKey{src, hash}]; ok {
		return seen, nil
	}
	err = tx.ask(func(r pgx.Rows) error { return r.Scan(&seen) },
		`SELECT EXISTS (SELECT 1 FROM message WHERE hash=$1 AND source=$2 AND state<>1)`, pgtype.UUID{Bytes: hash, Valid: true}, src)
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
	if tx.rows.message == nil {
		tx.rows.message = map[int64]messageRow{}
	}
	m := messageRow{source: src, format: r.Format, received: r.Received.UnixMilli(), state: stateNumber(r.State), n: pgtype.Int8{Int64: int64(r.N), Valid: r.N != 0},
		event: optional(r.Event), control: optional(r.Control), hash: r.Hash, reason: optional(r.Reason), place: optional(r.Place), steps: r.Steps}
	tx.rows.message[int64(r.ID)] = m
	if m.state != quarantined {
		tx.known.seen[seenKey{src, r.Hash}] = true
	}
	return nil
}

// StepsOf is ingest.Messages'.
func (tx *Tx) StepsOf(m store.MessageID) (event string, steps []byte, err error) {
	if r, ok := tx.rows.message[int64(m)]; ok {
		return r.event.String, r.steps, nil
	}
	err = tx.ask(func(r pgx.Rows) error {
		var e pgtype.Text
		err := r.Scan(&e, &steps)
		event = e.String
		return err
	}, `SELECT event, steps FROM message WHERE id=$1`, int64(m))
	return event, steps, err
}

// DocumentOf is ingest.Messages'.
func (tx *Tx) DocumentOf(source nhs.Source, control string) (store.Located, bool, error) {
	src, err := tx.Source(source)
	if err != nil {
		return store.Located{}, false, err
	}
	var messages []store.MessageID
	tx.flush()
	err = tx.ask(func(r pgx.Rows) error {
		var m store.MessageID
		err := r.Scan(&m)
		messages = append(messages, m)
		return err
	}, `SELECT id FROM message WHERE control=$1 AND source=$2 AND n IS NOT NULL ORDER BY id`, clean(control), src)
	if err != nil {
		return store.Located{}, false, err
	}
	for _, m := range messages {
		items, err := tx.ChangedBy(m)
		if err != nil {
			return store.Located{}, false, fault.E("postgres.DocumentOf", err)
		}
		for _, l := range items {
			if l.Type == "DocumentReference" {
				return l, true, nil
			}
		}
	}
	return store.Located{}, false, nil
}
