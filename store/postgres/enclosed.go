package postgres

import (
	"github.com/jackc/pgx/v5"

	"selda/fhir"
	"selda/store"
)

// Versions is store.Tx's.
func (tx *Tx) Versions(l store.Located) (out []*store.Version, err error) {
	tx.flush()
	err = tx.ask(func(r pgx.Rows) error {
		v, err := tx.db.scan(tx.ctx, r)
		out = append(out, v)
		return err
	}, `SELECT `+columns+` FROM resource WHERE subject=$1 AND type=$2 AND item=$3 ORDER BY version DESC`, int64(l.Subject), int16(fhir.TypeNumber(l.Type)), int64(l.Item))
	return out, err
}

// InForce is store.Tx's.
func (tx *Tx) InForce(subject store.Subject, typ string) (out []*store.Version, err error) {
	tx.flush()
	err = tx.ask(func(r pgx.Rows) error {
		v, err := tx.db.scan(tx.ctx, r)
		if err == nil && !v.Deleted {
			out = append(out, v)
		}
		return err
	}, `SELECT DISTINCT ON (item) `+columnsNoBody+` FROM resource WHERE subject=$1 AND type=$2 ORDER BY item, version DESC`, int64(subject), int16(fhir.TypeNumber(typ)))
	return out, err
}

// ChangedBy is store.Tx's.
func (tx *Tx) ChangedBy(m store.MessageID) ([]store.Located, error) {
	tx.flush()
	var items []store.ItemID
	err := tx.ask(func(r pgx.Rows) error {
		var n uint64
		var blob []byte
		if err := r.Scan(&n, &blob); err != nil {
			return err
		}
		var err error
		items, err = unpackItems(blob)
		return err
	}, sqlItemsOf, int64(m))
	if err != nil {
		return nil, err
	}
	if err := tx.fetchItems(items); err != nil {
		return nil, err
	}
	out := make([]store.Located, 0, len(items))
	for _, i := range items {
		if k := tx.known.items[i]; k.exists {
			out = append(out, k.located)
		}
	}
	return out, nil
}

// fetchItems makes items known, in one question.
func (tx *Tx) fetchItems(items []store.ItemID) error {
	tx.expectItems(items)
	return tx.send()
}
