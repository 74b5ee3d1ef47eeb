package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"selda/fhir"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

// Search is store.Reader's. The predicate is asked within the walk over the
// postings: the limit counts only what is shown. Postings of older versions
// stand in the index too: the one counts that is of the version in force as at n.
func (db *DB) Search(ctx context.Context, q store.Query, p *policy.Predicate) ([]store.Found, error) {
	if !p.Permit || slices.ContainsFunc(q.Groups, func(g []string) bool { return len(g) == 0 }) {
		return nil, nil
	}
	var out []store.Found
	err := db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT p.rowid, ` + hitColumns + ` FROM posting p JOIN locator l ON l.item = p.rowid>>?2 WHERE posting MATCH ?1 AND p.rowid < ?3 ORDER BY p.rowid DESC`)
		defer func() { _ = s.Reset() }()
		last, err := c.int64(`SELECT coalesce(max(n), 0) FROM change`)
		if err != nil {
			return err
		}
		if uint64(last) <= q.N {
			q.N = store.Latest // nothing has changed since
		}
		before := int64(1) << 62
		if q.Before != 0 {
			before = int64(q.Before) << versionBits
		}
		fresh, err := freshRows(c, &q, before)
		if err != nil {
			return err
		}
		_ = s.BindText(1, match(q.Type, q.Groups))
		_ = s.BindInt64(2, versionBits)
		_ = s.BindInt64(3, before)
		indexed := s.Step()
		for len(out) < q.Limit && (indexed || len(fresh) > 0) {
			from := s
			if len(fresh) > 0 && (!indexed || fresh[0] > s.ColumnInt64(0)) {
				if from, err = freshHit(c, fresh[0]); err != nil {
					return err
				}
				fresh = fresh[1:]
			}
			f, ok, err := db.hit(c, from, q.N, p)
			if from != s {
				_ = from.Reset()
			}
			if err != nil {
				return err
			}
			if ok && q.Bodies {
				if err := db.withBody(c, &f, q); err != nil {
					return err
				}
			}
			if ok {
				out = append(out, f)
			}
			if from == s {
				indexed = s.Step()
			}
		}
		return s.Err()
	})
	return out, err
}

// hitColumns are those that hit reads after the posting's row.
const hitColumns = `l.subject, l.type, l.version, l.source, l.dataset, l.labels, l.flags, (SELECT id FROM alias WHERE type=l.type AND item=l.item)`

// freshHit is a row of a posting that lies fresh, as the index would give it.
func freshHit(c *conn, row int64) (*sqlite3.Stmt, error) {
	s := c.stmt(`SELECT ?1, ` + hitColumns + ` FROM locator l WHERE l.item = ?1>>?2`)
	_ = s.BindInt64(1, row)
	_ = s.BindInt64(2, versionBits)
	if !s.Step() {
		err := cmp.Or(s.Err(), errPostings)
		_ = s.Reset()
		return nil, err
	}
	return s, nil
}

// withBody reads the version of a hit.
func (db *DB) withBody(c *conn, f *store.Found, q store.Query) error {
	list, err := db.versions(c, store.Located{Item: f.Item, Subject: f.Subject, Type: q.Type}, q.N, 1)
	if err == nil && len(list) == 1 {
		f.Version = list[0]
	}
	return err
}

// hit says whether a posting is of the version in force as at n, and shown.
func (db *DB) hit(c *conn, s *sqlite3.Stmt, n uint64, p *policy.Predicate) (store.Found, bool, error) {
	row, subject, version, flags := s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnInt(3), s.ColumnInt64(7)
	item := row >> versionBits
	if n != store.Latest {
		last, err := c.int64(`SELECT n FROM subject WHERE id=?`, subject)
		if err != nil {
			return store.Found{}, false, err
		}
		if uint64(last) > n {
			return db.hitAt(c, row, n, p)
		}
	}
	if flags&flagDeleted != 0 || row != postingRow(store.ItemID(item), version) {
		return store.Found{}, false, nil // a deletion, or a posting that an update left behind
	}
	id := s.ColumnText(8)
	if id == "" {
		id = db.ids.Encode(adapter.Item, item)
	}
	col := policy.Columns{Type: fhir.TypeName(uint16(s.ColumnInt64(2))), ID: id, Source: db.sourceName(s.ColumnInt64(4)),
		DataSet: policy.DataSet(s.ColumnInt64(5)), Labels: policy.Labels(s.ColumnInt64(6)), Final: flags&flagFinal != 0}
	if p.Release != nil { // the one rule that looks at when it was recorded
		at, err := c.int64(`SELECT at FROM resource WHERE subject=? AND type=? AND item=? AND version=?`, subject, s.ColumnInt64(2), item, int64(version))
		if err != nil {
			return store.Found{}, false, err
		}
		col.Recorded = time.UnixMilli(at).UTC()
	}
	return store.Found{Item: store.ItemID(item), Subject: store.Subject(subject), ID: id}, p.Shows(&col), nil
}

// hitAt is hit of a subject that has changed since n.
func (db *DB) hitAt(c *conn, row int64, n uint64, p *policy.Predicate) (store.Found, bool, error) {
	l, ok, err := db.located(c, store.ItemID(row>>versionBits))
	if err != nil || !ok {
		return store.Found{}, false, err
	}
	s := c.stmt(sqlVersion)
	defer func() { _ = s.Reset() }()
	_ = s.BindInt64(1, int64(l.Subject))
	_ = s.BindInt64(2, int64(fhir.TypeNumber(l.Type)))
	_ = s.BindInt64(3, int64(l.Item))
	_ = s.BindInt64(4, int64(n))
	if !s.Step() {
		return store.Found{}, false, s.Err()
	}
	v := db.scan(s)
	if v.Deleted || row != postingRow(v.Item, v.Version) || !p.Shows(&v.Columns) {
		return store.Found{}, false, nil
	}
	return store.Found{Item: v.Item, Subject: v.Subject, ID: v.ID}, true, nil
}

// Changes is store.Reader's.
func (db *DB) Changes(ctx context.Context, l store.Log, p *policy.Predicate) (out []*store.Version, last uint64, err error) {
	last = l.After
	if !p.Permit {
		return nil, last, nil
	}
	err = db.read(ctx, func(c *conn) error {
		sql := `SELECT n, items FROM change WHERE n>? AND n<=? ORDER BY n`
		if l.Newest {
			sql += ` DESC`
		}
		s := c.stmt(sql)
		defer func() { _ = s.Reset() }()
		_ = s.BindInt64(1, int64(l.After))
		_ = s.BindInt64(2, int64(min(l.Until, 1<<62)))
		for len(out) < l.Limit && s.Step() {
			last = uint64(s.ColumnInt64(0))
			items, err := itemList(s.ColumnRawBlob(1))
			if err != nil {
				return err
			}
			for _, item := range items {
				v, err := db.changed(c, item, last, l.Types, p)
				if err != nil {
					return err
				}
				if v != nil {
					out = append(out, v)
				}
			}
		}
		return s.Err()
	})
	return out, last, err
}

// changed is the version that commit n made of an item; nil where it is not shown.
func (db *DB) changed(c *conn, item store.ItemID, n uint64, types []string, p *policy.Predicate) (*store.Version, error) {
	l, ok, err := db.located(c, item)
	if err != nil || !ok || !wanted(types, l.Type) {
		return nil, err
	}
	then, err := db.versions(c, l, n, 1)
	if err != nil || len(then) == 0 || then[0].N != n || !p.Shows(&then[0].Columns) {
		return nil, err
	}
	if then[0].Version != l.Version {
		now, err := db.versions(c, l, store.Latest, 1)
		if err != nil || len(now) == 0 || !p.Shows(&now[0].Columns) {
			return nil, err
		}
	}
	return then[0], nil
}
