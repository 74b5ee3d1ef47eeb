package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"selda/fault"
	"selda/fhir"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

var errUnknown = fault.E("store", fault.NotFound, "there is no such resource")

// columns of a version, in the order that scan reads.
const columns = `subject, type, item, version, n, at, source, dataset, labels, flags, clinical, reported, message, id, body`

const (
	flagDeleted = 1
	flagFinal   = 2
)

// scan reads the columns beside the body; the body is read by fill, after the
// predicate has passed.
func (db *DB) scan(s *sqlite3.Stmt) *store.Version {
	v := &store.Version{
		Subject: store.Subject(s.ColumnInt64(0)),
		Item:    store.ItemID(s.ColumnInt64(2)),
		Version: s.ColumnInt(3),
		N:       uint64(s.ColumnInt64(4)),
		Message: store.MessageID(s.ColumnInt64(12)),
	}
	flags := s.ColumnInt64(9)
	v.Deleted = flags&flagDeleted != 0
	v.Columns = policy.Columns{
		Type:     fhir.TypeName(uint16(s.ColumnInt64(1))),
		Source:   db.sourceName(s.ColumnInt64(6)),
		DataSet:  policy.DataSet(s.ColumnInt64(7)),
		Labels:   policy.Labels(s.ColumnInt64(8)),
		Recorded: time.UnixMilli(s.ColumnInt64(5)).UTC(),
		Final:    flags&flagFinal != 0,
	}
	if s.ColumnType(10) != sqlite3.NULL {
		v.When = time.Unix(s.ColumnInt64(10), 0).UTC()
	}
	if s.ColumnType(11) != sqlite3.NULL {
		v.Reported = time.Unix(s.ColumnInt64(11), 0).UTC()
	}
	if v.ID = s.ColumnText(13); v.ID == "" {
		v.ID = db.ids.Encode(adapter.Item, int64(v.Item))
	}
	return v
}

func (db *DB) fill(v *store.Version, s *sqlite3.Stmt) (err error) {
	v.Body, v.Origin, err = db.codec.Unpack(s.ColumnRawBlob(14))
	return err
}

// N is the number of the last commit.
func (db *DB) N(context.Context) (uint64, error) { return db.last.Load(), nil }

// Compartment is store.Reader's.
func (db *DB) Compartment(ctx context.Context, subject store.Subject, n uint64, p *policy.Predicate, types ...string) (out []*store.Version, err error) {
	if !p.Permit {
		return nil, nil
	}
	err = db.read(ctx, func(c *conn) error {
		out, err = db.shown(c, subject, n, p, types)
		return err
	})
	return out, err
}

// Enclosing is store.Reader's.
func (db *DB) Enclosing(ctx context.Context, typ, id string, n uint64, p *policy.Predicate, types ...string) (out []*store.Version, subject store.Subject, err error) {
	if !p.Permit {
		return nil, 0, errUnknown
	}
	err = db.read(ctx, func(c *conn) error {
		l, err := db.locate(c, typ, id)
		if err != nil {
			return err
		}
		subject = l.Subject
		if subject != store.Shared {
			if out, err = db.shown(c, subject, n, p, nil); err != nil {
				return err
			}
			if i := slices.IndexFunc(out, func(v *store.Version) bool { return v.Item == l.Item }); i >= 0 {
				out = slices.DeleteFunc(out, func(v *store.Version) bool { return !wanted(types, v.Type) })
				return nil
			}
		}
		// It is of no person, or deleted, or not shown.
		out = nil
		list, err := db.versions(c, l, n, 1)
		if err != nil {
			return err
		}
		if len(list) == 0 || !p.Shows(&list[0].Columns) {
			return errUnknown
		}
		if subject != store.Shared {
			out, err = db.shown(c, subject, n, p, types)
		}
		return err
	})
	return out, subject, err
}

// shown are the versions of a subject in force as at n that the predicate shows.
func (db *DB) shown(c *conn, subject store.Subject, n uint64, p *policy.Predicate, types []string) ([]*store.Version, error) {
	if n != store.Latest {
		last, err := c.int64(`SELECT n FROM subject WHERE id=?`, int64(subject))
		if err != nil {
			return nil, err
		}
		if uint64(last) > n {
			return db.compartmentAt(c, subject, n, p, types)
		}
	}
	all, err := db.compartment(c, subject)
	if err != nil {
		return nil, err
	}
	out := make([]*store.Version, 0, len(all))
	for _, v := range all {
		if p.Shows(&v.Columns) && wanted(types, v.Type) {
			out = append(out, v)
		}
	}
	return out, nil
}

func wanted(types []string, t string) bool {
	if len(types) == 0 {
		return true
	}
	for _, w := range types {
		if w == t {
			return true
		}
	}
	return false
}

// compartment is all of a subject in force now, parsed, from the cache or the table.
func (db *DB) compartment(c *conn, subject store.Subject) ([]*store.Version, error) {
	last, err := c.int64(`SELECT n FROM subject WHERE id=?`, int64(subject))
	if err != nil {
		return nil, err
	}
	if all, ok := db.cache.Get(subject, last); ok {
		return all, nil
	}
	all, err := db.scanSubject(c, subject, 1<<62, func(*store.Version) bool { return true })
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if err := v.Parse(); err != nil {
			return nil, err
		}
	}
	db.cache.Put(subject, last, all)
	return all, nil
}

// compartmentAt is a subject as at n. The predicate is asked of the version
// that was in force then, before any body is read.
func (db *DB) compartmentAt(c *conn, subject store.Subject, n uint64, p *policy.Predicate, types []string) ([]*store.Version, error) {
	return db.scanSubject(c, subject, int64(n), func(v *store.Version) bool {
		return p.Shows(&v.Columns) && wanted(types, v.Type)
	})
}

// scanSubject walks a subject's key range once. Of each item the last version
// not after n is kept, if it is shown and not a deletion.
func (db *DB) scanSubject(c *conn, subject store.Subject, n int64, show func(*store.Version) bool) ([]*store.Version, error) {
	s := c.stmt(`SELECT ` + columns + ` FROM resource WHERE subject=? AND n<=? ORDER BY type, item, version`)
	defer func() { _ = s.Reset() }()
	_ = s.BindInt64(1, int64(subject))
	_ = s.BindInt64(2, n)
	var out []*store.Version
	var last store.ItemID
	kept := false
	for s.Step() {
		v := db.scan(s)
		if v.Item == last && kept {
			out = out[:len(out)-1]
		}
		last, kept = v.Item, false
		if v.Deleted || !show(v) {
			continue
		}
		if err := db.fill(v, s); err != nil {
			return nil, err
		}
		out = append(out, v)
		kept = true
	}
	return out, s.Err()
}

// item finds the internal number of an id.
func (db *DB) item(c *conn, typ, id string) (store.ItemID, error) {
	t := fhir.TypeNumber(typ)
	if t == 0 {
		return 0, errUnknown
	}
	if n, ok := db.ids.Decode(adapter.Item, id); ok {
		return store.ItemID(n), nil
	}
	s := c.stmt(`SELECT item FROM alias WHERE type=? AND id=?`)
	defer func() { _ = s.Reset() }()
	_ = s.BindInt64(1, int64(t))
	_ = s.BindText(2, id)
	if !s.Step() {
		if err := s.Err(); err != nil {
			return 0, err
		}
		return 0, errUnknown
	}
	return store.ItemID(s.ColumnInt64(0)), nil
}

// locate finds where a resource is; errUnknown where it is of another type.
func (db *DB) locate(c *conn, typ, id string) (store.Located, error) {
	item, err := db.item(c, typ, id)
	if err != nil {
		return store.Located{}, err
	}
	l, ok, err := db.located(c, item)
	if err != nil {
		return l, err
	}
	if !ok || l.Type != typ {
		return l, errUnknown
	}
	return l, nil
}

func (db *DB) located(c *conn, item store.ItemID) (store.Located, bool, error) {
	s := c.stmt(`SELECT subject, type, version, source, flags FROM locator WHERE item=?`)
	defer func() { _ = s.Reset() }()
	_ = s.BindInt64(1, int64(item))
	if !s.Step() {
		return store.Located{}, false, s.Err()
	}
	return store.Located{Item: item, Subject: store.Subject(s.ColumnInt64(0)), Type: fhir.TypeName(uint16(s.ColumnInt64(1))),
		Version: s.ColumnInt(2), Source: db.sourceName(s.ColumnInt64(3)), Deleted: s.ColumnInt64(4)&flagDeleted != 0}, true, nil
}

// A limit that is bound has the statement compiled again each time.
const (
	sqlVersions = `SELECT ` + columns + ` FROM resource WHERE subject=? AND type=? AND item=? AND n<=? ORDER BY version DESC`
	sqlVersion  = sqlVersions + ` LIMIT 1`
)

// versions reads one resource's versions not after n, the latest first: all,
// or only the first.
func (db *DB) versions(c *conn, l store.Located, n uint64, limit int) ([]*store.Version, error) {
	sql := sqlVersions
	if limit == 1 {
		sql = sqlVersion
	}
	s := c.stmt(sql)
	defer func() { _ = s.Reset() }()
	_ = s.BindInt64(1, int64(l.Subject))
	_ = s.BindInt64(2, int64(fhir.TypeNumber(l.Type)))
	_ = s.BindInt64(3, int64(l.Item))
	_ = s.BindInt64(4, int64(min(n, 1<<62)))
	var out []*store.Version
	for s.Step() {
		v := db.scan(s)
		if err := db.fill(v, s); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, s.Err()
}

// Read is store.Reader's. Whether a resource may be known of is asked of the
// version that was in force.
func (db *DB) Read(ctx context.Context, typ, id string, n uint64, p *policy.Predicate) (*store.Version, error) {
	got, err := db.history(ctx, typ, id, n, p, 1)
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

// History is store.Reader's. The version in force decides whether the
// resource is known; an older one that was hidden is left out.
func (db *DB) History(ctx context.Context, typ, id string, n uint64, p *policy.Predicate) ([]*store.Version, error) {
	return db.history(ctx, typ, id, n, p, -1)
}

func (db *DB) history(ctx context.Context, typ, id string, n uint64, p *policy.Predicate, limit int) ([]*store.Version, error) {
	if !p.Permit {
		return nil, errUnknown
	}
	var out []*store.Version
	err := db.read(ctx, func(c *conn) error {
		l, err := db.locate(c, typ, id)
		if err != nil {
			return err
		}
		all, err := db.versions(c, l, n, limit)
		if err != nil {
			return err
		}
		if len(all) == 0 || !p.Shows(&all[0].Columns) {
			return errUnknown
		}
		for _, v := range all {
			if p.Shows(&v.Columns) {
				out = append(out, v)
			}
		}
		return nil
	})
	return out, err
}

// Shared is store.Reader's.
func (db *DB) Shared(ctx context.Context, typ, id string) (v *store.Version, err error) {
	err = db.read(ctx, func(c *conn) error {
		l, err := db.locate(c, typ, id)
		if err != nil {
			return err
		}
		if l.Subject != store.Shared {
			return errUnknown
		}
		all, err := db.versions(c, l, store.Latest, 1)
		if err != nil {
			return err
		}
		if len(all) == 0 || all[0].Deleted {
			return errUnknown
		}
		v = all[0]
		return nil
	})
	return v, err
}

// OfMessage is store.Reader's.
func (db *DB) OfMessage(ctx context.Context, m store.MessageID, p *policy.Predicate) ([]*store.Version, error) {
	if !p.Permit {
		return nil, nil
	}
	var out []*store.Version
	err := db.read(ctx, func(c *conn) error {
		items, n, err := db.itemsOf(c, m)
		if err != nil {
			return err
		}
		for _, item := range items {
			l, ok, err := db.located(c, item)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			now, err := db.versions(c, l, store.Latest, 1)
			if err != nil {
				return err
			}
			then, err := db.versions(c, l, n, 1)
			if err != nil {
				return err
			}
			if len(now) > 0 && len(then) > 0 && p.Shows(&now[0].Columns) && p.Shows(&then[0].Columns) {
				out = append(out, then[0])
			}
		}
		return nil
	})
	return out, err
}
