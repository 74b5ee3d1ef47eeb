package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"selda/fhir"
	"selda/policy"
	"selda/store"
)

const sqlWalk = `SELECT ` + columns + ` FROM resource WHERE (subject, type, item)>($1, $2, $3) AND subject<=$4 AND n<=$5
	ORDER BY subject, type, item, version LIMIT $6`

// Walk is store.Walker's. A piece that is full may end within a resource: its
// last one is left to the next piece.
func (db *DB) Walk(ctx context.Context, w store.Walk, p *policy.Predicate) (out []*store.Version, next store.Key, more bool, err error) {
	next = w.After
	if !p.Permit {
		return nil, next, false, nil
	}
	last := int64(w.Last)
	if last == 0 {
		last = 1 << 62
	}
	for limit := max(w.Limit, 1); ; limit *= 2 {
		var all []*row
		if err := db.rows(ctx, func(r pgx.Rows) error {
			v, err := db.scanRow(ctx, r)
			if err == nil {
				v.blob = slices.Clone(v.blob)
				all = append(all, v)
			}
			return err
		}, sqlWalk, int64(w.After.Subject), int16(fhir.TypeNumber(w.After.Type)), int64(w.After.Item), last, at(w.N), limit); err != nil {
			return nil, next, false, err
		}
		if more = len(all) == limit; more {
			all = withoutLast(all)
		}
		if len(all) == 0 && more {
			continue // one resource has more versions than that
		}
		for i, r := range all {
			if i+1 < len(all) && all[i+1].v.Item == r.v.Item {
				continue
			}
			next = r.v.Key()
			if w.Types != nil && !slices.Contains(w.Types, r.v.Type) || !w.Takes(&r.v) || !p.Shows(&r.v.Columns) {
				continue
			}
			v, err := db.version(r)
			if err != nil {
				return nil, next, false, err
			}
			out = append(out, v)
		}
		return out, next, more, nil
	}
}

// withoutLast leaves out the versions of the last resource.
func withoutLast(all []*row) []*row {
	item := all[len(all)-1].v.Item
	i := slices.IndexFunc(all, func(r *row) bool { return r.v.Item == item })
	return all[:i]
}
