package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fhir"
	"selda/policy"
	"selda/store"
)

// relabelled at once are so many subjects.
const relabelStep = 200

// Relabel is store.Relabeller's.
func (db *DB) Relabel(ctx context.Context, at time.Time, label func([]*store.Version) []policy.Labels) (count int, err error) {
	for after := int64(0); ; {
		var subjects []int64
		step := 0
		err := db.Write(ctx, func(tx *Tx) error {
			subjects, step = nil, 0
			err := tx.ask(func(r pgx.Rows) error {
				var i int64
				err := r.Scan(&i)
				subjects = append(subjects, i)
				return err
			}, `SELECT id FROM subject WHERE id>$1 ORDER BY id LIMIT $2`, after, relabelStep)
			if err != nil {
				return err
			}
			for _, i := range subjects {
				n, err := tx.relabel(store.Subject(i), at, label)
				if err != nil {
					return err
				}
				step += n
			}
			return nil
		})
		if err != nil || len(subjects) == 0 {
			return count, err
		}
		count, after = count+step, subjects[len(subjects)-1]
	}
}

// relabel gives the versions of one subject the labels that they have now.
func (tx *Tx) relabel(subject store.Subject, at time.Time, label func([]*store.Version) []policy.Labels) (int, error) {
	var all []*store.Version
	err := tx.ask(func(r pgx.Rows) error {
		w, err := tx.db.scanRow(tx.ctx, r)
		if err != nil {
			return err
		}
		v, err := tx.db.version(w)
		all = append(all, v)
		return err
	}, `SELECT `+columns+` FROM resource WHERE subject=$1 ORDER BY type, item, version`, int64(subject))
	if err != nil {
		return 0, err
	}
	var types []int16
	var items, labels []int64
	var versions []int32
	for i, l := range label(all) {
		if v := all[i]; l != v.Labels {
			types, items, versions, labels = append(types, int16(fhir.TypeNumber(v.Type))), append(items, int64(v.Item)), append(versions, int32(v.Version)), append(labels, int64(l))
		}
	}
	if len(items) == 0 {
		return 0, nil
	}
	if tx.n == 0 {
		if _, err := tx.Begin(at, all[0].Source, 0); err != nil {
			return 0, err
		}
	}
	tx.do(`UPDATE resource r SET labels=nullif(t.labels, 0) FROM unnest($2::smallint[], $3::bigint[], $4::int[], $5::bigint[]) AS t(type, item, version, labels)
		WHERE r.subject=$1 AND r.type=t.type AND r.item=t.item AND r.version=t.version`, int64(subject), types, items, versions, labels)
	tx.Touch(subject)
	return len(items), nil
}
