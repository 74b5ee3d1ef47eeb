package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"selda/fhir"
	"selda/store"
)

// reindexed at once.
const reindexStep = 1000

// Reindex makes the postings again from the versions in force, in short
// transactions while the store is in use: an entry is replaced where it stands.
// tokens says what a resource is found by. It gives how many were indexed.
func (db *DB) Reindex(ctx context.Context, tokens func(*fhir.Resource) []string) (count int, err error) {
	for after := int64(0); ; {
		var items []store.ItemID
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
			return tx.repost(items, tokens)
		})
		if err != nil || len(items) == 0 {
			return count, err
		}
		count, after = count+len(items), int64(items[len(items)-1])
	}
}

// repost writes the postings of items' versions in force.
func (tx *Tx) repost(items []store.ItemID, tokens func(*fhir.Resource) []string) error {
	if err := tx.fetchItems(items); err != nil {
		return err
	}
	if err := tx.fetchCurrent(items); err != nil {
		return err
	}
	for _, i := range items {
		v := tx.known.items[i].current
		if v == nil || v.Deleted {
			continue
		}
		r, err := v.Resource()
		if err != nil {
			return err
		}
		if err := tx.post(v, tokens(r)); err != nil {
			return err
		}
	}
	return nil
}
