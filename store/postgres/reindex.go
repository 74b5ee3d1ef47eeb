package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"selda/fhir"
	"selda/nhs"
	"selda/store"
	"selda/store/adapter"
)

// reindexed at once.
const reindexStep = 1000

// Reindex makes the tokens again of the versions in force, in short
// transactions while the store is in use: they are replaced where they stand.
// Ordered values are put into new runs beside those in use. index says what a
// resource is found by. It gives how many were indexed.
func (db *DB) Reindex(ctx context.Context, index func(*fhir.Resource, nhs.Source) store.Index) (count int, err error) {
	err = db.alone(ctx, func() error {
		count, err = db.reindex(ctx, index)
		return err
	})
	return count, err
}

func (db *DB) reindex(ctx context.Context, index func(*fhir.Resource, nhs.Source) store.Index) (count int, err error) {
	began, err := db.N(ctx)
	if err != nil {
		return 0, err
	}
	made, err := db.int64(ctx, `SELECT made+1 FROM ordered WHERE id=1`)
	if err != nil {
		return 0, err
	}
	if _, err := db.writers.Exec(ctx, `DELETE FROM run WHERE made>=$1`, made); err != nil { // one that was stopped
		return 0, err
	}
	for after := int64(0); ; {
		var items []store.ItemID
		var entries []adapter.Entry
		err := db.Write(ctx, func(tx *Tx) error {
			items = nil
			err := tx.ask(func(r pgx.Rows) error {
				var i store.ItemID
				err := r.Scan(&i)
				items = append(items, i)
				return err
			}, `SELECT item FROM locator WHERE item>$1 ORDER BY item LIMIT $2`, after, reindexStep)
			if err != nil {
				return err
			}
			entries, err = tx.repost(items, index, began)
			return err
		})
		if err == nil {
			err = db.extend(ctx, made, entries, int64(began), false)
		}
		if err != nil {
			return count, err
		}
		if len(items) == 0 {
			return count, db.remade(ctx, made, began, index)
		}
		count, after = count+len(items), int64(items[len(items)-1])
	}
}

// repost writes the tokens of items' versions in force, and gives the entries
// of ordered values of those not newer than n.
func (tx *Tx) repost(items []store.ItemID, index func(*fhir.Resource, nhs.Source) store.Index, n uint64) (entries []adapter.Entry, err error) {
	if err := tx.fetchItems(items); err != nil {
		return nil, err
	}
	if err := tx.fetchCurrent(items); err != nil {
		return nil, err
	}
	for _, i := range items {
		v := tx.known.items[i].current
		if v == nil || v.Deleted {
			continue
		}
		r, err := v.Resource()
		if err != nil {
			return nil, err
		}
		found := index(r, v.Source)
		tx.rows.tokens = append(tx.rows.tokens, resourceRow{subject: int64(v.Subject), typ: int16(fhir.TypeNumber(v.Type)), item: int64(v.Item), version: int32(v.Version),
			tokens: tokenArray(v.Type, found.Tokens)})
		if v.N <= n {
			some, err := tx.orderedOf(v, found.Ordered)
			if err != nil {
				return nil, err
			}
			entries = append(entries, some...)
		}
	}
	return entries, nil
}
