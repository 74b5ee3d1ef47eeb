package sqlite

import (
	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/store"
)

// Versions is store.Tx's.
func (tx *Tx) Versions(l store.Located) ([]*store.Version, error) {
	return tx.db.versions(tx.c, l, store.Latest, -1)
}

// InForce is store.Tx's.
func (tx *Tx) InForce(subject store.Subject, typ string) (out []*store.Version, err error) {
	s := tx.c.stmt(`SELECT ` + columns + ` FROM resource WHERE subject=? AND type=? ORDER BY item, version DESC`)
	_ = s.BindInt64(1, int64(subject))
	_ = s.BindInt64(2, int64(fhir.TypeNumber(typ)))
	last := store.ItemID(0)
	err = rows(s, func() error {
		if item := store.ItemID(s.ColumnInt64(2)); item != last {
			last = item
			if v := tx.db.scan(s); !v.Deleted {
				out = append(out, v)
			}
		}
		return nil
	})
	return out, err
}

// ChangedBy is store.Tx's.
func (tx *Tx) ChangedBy(m store.MessageID) ([]store.Located, error) {
	items, _, err := tx.db.itemsOf(tx.c, m)
	if err != nil {
		return nil, err
	}
	out := make([]store.Located, 0, len(items))
	for _, i := range items {
		l, ok, err := tx.db.located(tx.c, i)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, l)
		}
	}
	return out, nil
}

// StepsOf is ingest.Messages'.
func (tx *Tx) StepsOf(m store.MessageID) (event string, steps []byte, err error) {
	s := tx.c.stmt(`SELECT event, steps FROM message WHERE id=?`)
	_ = s.BindInt64(1, int64(m))
	err = rows(s, func() error { event, steps = s.ColumnText(0), s.ColumnBlob(1, nil); return nil })
	return event, steps, err
}

// DocumentOf is ingest.Messages'.
func (tx *Tx) DocumentOf(source nhs.Source, control string) (store.Located, bool, error) {
	src, ok := tx.db.sourceID(source)
	if !ok {
		return store.Located{}, false, nil
	}
	var messages []store.MessageID
	s := tx.c.stmt(`SELECT id FROM message WHERE control=? AND source=? AND n IS NOT NULL ORDER BY id`)
	_ = s.BindText(1, control)
	_ = s.BindInt64(2, src)
	if err := rows(s, func() error { messages = append(messages, store.MessageID(s.ColumnInt64(0))); return nil }); err != nil {
		return store.Located{}, false, err
	}
	for _, m := range messages {
		items, err := tx.ChangedBy(m)
		if err != nil {
			return store.Located{}, false, fault.E("sqlite.DocumentOf", err)
		}
		for _, l := range items {
			if l.Type == "DocumentReference" {
				return l, true, nil
			}
		}
	}
	return store.Located{}, false, nil
}
