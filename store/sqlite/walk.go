package sqlite

import (
	"context"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"selda/fhir"
	"selda/policy"
	"selda/store"
)

const sqlWalk = `SELECT ` + columns + ` FROM resource WHERE (subject, type, item)>(?, ?, ?) AND subject<=? AND n<=? ORDER BY subject, type, item, version`

// Walk is store.Walker's. The body of a version is unpacked when no later one
// of the same resource has been met.
func (db *DB) Walk(ctx context.Context, w store.Walk, p *policy.Predicate) (out []*store.Version, next store.Key, more bool, err error) {
	next = w.After
	if !p.Permit {
		return nil, next, false, nil
	}
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(sqlWalk)
		defer func() { _ = s.Reset() }()
		last := int64(w.Last)
		if last == 0 {
			last = 1 << 62
		}
		for i, v := range []int64{int64(w.After.Subject), int64(fhir.TypeNumber(w.After.Type)), int64(w.After.Item), last, int64(min(w.N, 1<<62))} {
			_ = s.BindInt64(i+1, v)
		}
		walk := walking{db: db, w: &w, p: p, next: w.After}
		for seen := 0; s.Step(); seen++ {
			if seen >= w.Limit && walk.leaves(s) {
				more = true
				break
			}
			if err := walk.row(s); err != nil {
				return err
			}
		}
		if err := s.Err(); err != nil {
			return err
		}
		err := walk.settle()
		out, next = walk.out, walk.next
		return err
	})
	return out, next, more, err
}

// walking is a walk on its way.
type walking struct {
	db   *DB
	w    *store.Walk
	p    *policy.Predicate
	out  []*store.Version
	next store.Key

	last   *store.Version // of its resource, so far
	packed []byte         // its body
}

// leaves says whether the row is of another resource than the last one.
func (k *walking) leaves(s *sqlite3.Stmt) bool {
	return k.last != nil && store.ItemID(s.ColumnInt64(2)) != k.last.Item
}

// row takes up the next row: of the same resource a later version.
func (k *walking) row(s *sqlite3.Stmt) error {
	v := k.db.scan(s)
	if k.last != nil && k.last.Item != v.Item {
		if err := k.settle(); err != nil {
			return err
		}
	}
	k.last = v
	k.packed = append(k.packed[:0], s.ColumnRawBlob(14)...)
	return nil
}

// settle takes the last version of a resource for the one in force.
func (k *walking) settle() (err error) {
	v := k.last
	if v == nil {
		return nil
	}
	k.next, k.last = v.Key(), nil
	if k.w.Types != nil && !slices.Contains(k.w.Types, v.Type) || !k.w.Takes(v) || !k.p.Shows(&v.Columns) {
		return nil
	}
	v.Body, v.Origin, err = k.db.codec.Unpack(k.packed)
	k.out = append(k.out, v)
	return err
}
