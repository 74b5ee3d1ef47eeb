package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// This file tells what is known of messages: ingest.Ledger.

var _ ingest.Ledger = (*DB)(nil)

const messageColumns = `id, source, format, received, state, n, event, control, hash, reason, place, steps`

func (db *DB) scanMessage(ctx context.Context, r pgx.Rows) (m ingest.Record, err error) {
	var source int32
	var received int64
	var state int16
	var n pgtype.Int8
	var event, control, reason, place pgtype.Text
	var hash pgtype.UUID
	if err := r.Scan(&m.ID, &source, &m.Format, &received, &state, &n, &event, &control, &hash, &reason, &place, &m.Steps); err != nil {
		return m, err
	}
	m.Received, m.State, m.N = time.UnixMilli(received).UTC(), states[int(state)%len(states)], uint64(n.Int64)
	m.Event, m.Control, m.Reason, m.Place, m.Hash = event.String, control.String, reason.String, place.String, hash.Bytes
	m.Source, err = db.sourceName(ctx, source)
	return m, err
}

func (db *DB) messages(ctx context.Context, where string, args ...any) (out []ingest.Record, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		m, err := db.scanMessage(ctx, r)
		out = append(out, m)
		return err
	}, `SELECT `+messageColumns+` FROM message `+where, args...)
	return out, err
}

// Message is ingest.Ledger's.
func (db *DB) Message(ctx context.Context, id store.MessageID) (ingest.Record, error) {
	out, err := db.messages(ctx, `WHERE id=$1`, int64(id))
	if err == nil && len(out) == 0 {
		err = fault.E("store.Message", fault.NotFound, "there is no message with this id")
	}
	if err != nil {
		return ingest.Record{}, err
	}
	return out[0], nil
}

// ByControl is ingest.Ledger's.
func (db *DB) ByControl(ctx context.Context, control string) ([]ingest.Record, error) {
	return db.messages(ctx, `WHERE control=$1 ORDER BY id LIMIT 100`, clean(control))
}

// InQuarantine is ingest.Ledger's.
func (db *DB) InQuarantine(ctx context.Context, limit int) ([]ingest.Record, error) {
	return db.messages(ctx, `WHERE state=1 ORDER BY id DESC LIMIT $1`, limit)
}

// Feeds is ingest.Ledger's.
func (db *DB) Feeds(ctx context.Context, since time.Time) (out []ingest.Feed, err error) {
	at := map[int32]int{}
	err = db.rows(ctx, func(r pgx.Rows) error {
		var source int32
		var last int64
		var f ingest.Feed
		if err := r.Scan(&source, &last, &f.Messages); err != nil {
			return err
		}
		f.LastHeard = time.UnixMilli(last).UTC()
		at[source] = len(out)
		f.Source, err = db.sourceName(ctx, source)
		out = append(out, f)
		return err
	}, `SELECT source, max(last), sum(messages)::bigint FROM heard GROUP BY source ORDER BY source`)
	if err != nil {
		return nil, err
	}
	err = db.rows(ctx, func(r pgx.Rows) error {
		var source int32
		var hour int64
		var messages int
		if err := r.Scan(&source, &hour, &messages); err != nil {
			return err
		}
		i, ok := at[source]
		if !ok {
			return nil // it was heard for the first time just now
		}
		f := &out[i]
		if n := f.LastHeard.Unix()/3600 - hour; n >= 0 && n < ingest.HeardHours {
			if f.Hours == nil {
				f.Hours = make([]int, ingest.HeardHours)
			}
			f.Hours[ingest.HeardHours-1-n] = messages
		}
		return nil
	}, `SELECT source, hour, messages FROM heard WHERE hour>=$1`, since.Unix()/3600)
	return out, err
}

// Held is ingest.Ledger's.
func (db *DB) Held(ctx context.Context, since time.Time) (out []ingest.Feed, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		var source int32
		var oldest int64
		var f ingest.Feed
		if err := r.Scan(&source, &f.Quarantined, &f.RecentQuarantined, &oldest); err != nil {
			return err
		}
		f.OldestQuarantined = time.UnixMilli(oldest).UTC()
		f.Source, err = db.sourceName(ctx, source)
		out = append(out, f)
		return err
	}, `SELECT source, count(*), count(*) FILTER (WHERE received>=$1), min(received) FROM message WHERE state=1 GROUP BY source ORDER BY source`, since.UnixMilli())
	return out, err
}

// latestOf is how many messages of all sources are looked through for those of one.
const latestOf = 200_000

// OfSource is ingest.Ledger's.
func (db *DB) OfSource(ctx context.Context, source nhs.Source, after store.MessageID, limit int) ([]ingest.Record, error) {
	src, err := db.numberOf(ctx, source)
	if err != nil {
		return nil, err
	}
	return db.messages(ctx, `WHERE id>$1 AND source=$2 ORDER BY id LIMIT $3`, int64(after), src, limit)
}

// numberOf is a source's number; 0 of one that has sent nothing.
func (db *DB) numberOf(ctx context.Context, source nhs.Source) (int32, error) {
	if src, ok := db.sourceID(source); ok {
		return src, nil
	}
	err := db.learnSources(ctx)
	src, _ := db.sourceID(source)
	return src, err
}

// Latest is ingest.Ledger's.
func (db *DB) Latest(ctx context.Context, source nhs.Source, limit int) ([]ingest.Record, error) {
	src, err := db.numberOf(ctx, source)
	if err != nil {
		return nil, err
	}
	return db.messages(ctx, `WHERE source=$1 AND id > (SELECT coalesce(max(id), 0) FROM message) - $2 ORDER BY id DESC LIMIT $3`, src, latestOf, limit)
}

// ItemsOf is ingest.Ledger's: ids and types of what a message changed.
func (db *DB) ItemsOf(ctx context.Context, m store.MessageID) ([]policy.Item, error) {
	items, _, err := db.itemsOf(ctx, m)
	if err != nil {
		return nil, err
	}
	at, err := db.locators(ctx, items)
	if err != nil {
		return nil, err
	}
	var out []policy.Item
	for _, i := range items {
		if k := at[i]; k != nil {
			out = append(out, policy.Item{Type: k.located.Type, ID: k.id})
		}
	}
	return out, nil
}

// itemsOf gives the items that a message's commit changed, and its n.
func (db *DB) itemsOf(ctx context.Context, m store.MessageID) (items []store.ItemID, n uint64, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		var blob []byte
		if err := r.Scan(&n, &blob); err != nil {
			return err
		}
		items, err = unpackItems(blob)
		return err
	}, sqlItemsOf, int64(m))
	return items, n, err
}

const sqlItemsOf = `SELECT n, items FROM change WHERE n=(SELECT n FROM message WHERE id=$1)`

// locators finds where items are.
func (db *DB) locators(ctx context.Context, items []store.ItemID) (map[store.ItemID]*knownItem, error) {
	out := map[store.ItemID]*knownItem{}
	err := db.rows(ctx, func(r pgx.Rows) error {
		k, err := db.scanLocator(ctx, r)
		if err == nil {
			out[k.located.Item] = k
		}
		return err
	}, `SELECT `+locatorColumns+` FROM locator WHERE item = ANY($1)`, numbers(items))
	return out, err
}

func numbers(items []store.ItemID) []int64 {
	out := make([]int64, len(items))
	for i, v := range items {
		out[i] = int64(v)
	}
	return out
}
