package sqlite

import (
	"context"
	"time"

	"selda/fhir"
	"selda/policy"
	"selda/store"
)

// relabelled at once are so many subjects.
const relabelStep = 200

// Relabel is store.Relabeller's.
func (db *DB) Relabel(ctx context.Context, at time.Time, label func([]*store.Version) []policy.Labels) (count int, err error) {
	for after := int64(0); ; {
		n := 0
		err := db.Write(ctx, func(tx *Tx) error {
			var subjects []int64
			s := tx.c.stmt(`SELECT id FROM subject WHERE id>? ORDER BY id LIMIT ?`)
			_ = s.BindInt64(1, after)
			_ = s.BindInt64(2, relabelStep)
			if err := rows(s, func() error { subjects = append(subjects, s.ColumnInt64(0)); return nil }); err != nil {
				return err
			}
			for _, i := range subjects {
				changed, err := tx.relabel(store.Subject(i), at, label)
				if err != nil {
					return err
				}
				count, after = count+changed, i
			}
			n = len(subjects)
			return nil
		})
		if err != nil || n == 0 {
			return count, err
		}
	}
}

// relabel gives the versions of one subject the labels that they have now.
func (tx *Tx) relabel(subject store.Subject, at time.Time, label func([]*store.Version) []policy.Labels) (changed int, err error) {
	var all []*store.Version
	s := tx.c.stmt(`SELECT ` + columns + ` FROM resource WHERE subject=? ORDER BY type, item, version`)
	_ = s.BindInt64(1, int64(subject))
	if err := rows(s, func() error {
		v := tx.db.scan(s)
		all = append(all, v)
		return tx.db.fill(v, s)
	}); err != nil {
		return 0, err
	}
	for i, l := range label(all) {
		v := all[i]
		if l == v.Labels {
			continue
		}
		if changed == 0 && tx.n == 0 {
			if _, err := tx.Begin(at, v.Source, 0); err != nil {
				return 0, err
			}
		}
		changed++
		s := tx.c.stmt(`UPDATE resource SET labels=? WHERE subject=? AND type=? AND item=? AND version=?`)
		for k, x := range []int64{int64(l), int64(subject), int64(fhir.TypeNumber(v.Type)), int64(v.Item), int64(v.Version)} {
			_ = s.BindInt64(k+1, x)
		}
		if err := s.Exec(); err != nil {
			return 0, err
		}
		s = tx.c.stmt(`UPDATE locator SET labels=? WHERE item=? AND version=?`)
		for k, x := range []int64{int64(l), int64(v.Item), int64(v.Version)} {
			_ = s.BindInt64(k+1, x)
		}
		if err := s.Exec(); err != nil {
			return 0, err
		}
	}
	if changed > 0 {
		tx.Touch(subject)
	}
	return changed, nil
}
