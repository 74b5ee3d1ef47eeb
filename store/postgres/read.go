package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fault"
	"selda/fhir"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

var errUnknown = fault.E("store", fault.NotFound, "there is no such resource")

// columns of a version, in the order that scan reads.
const (
	columns       = `subject, type, item, version, n, at, source, dataset, labels, flags, clinical, reported, message, id, body`
	columnsNoBody = `subject, type, item, version, n, at, source, dataset, labels, flags, clinical, reported, message, id, NULL::bytea`
)

// columnsOf are the columns of a table that a query calls so.
func columnsOf(table string) string {
	return table + "." + strings.ReplaceAll(columns, " ", " "+table+".")
}

const (
	flagDeleted = 1
	flagFinal   = 2
)

// rows runs a query and calls f for each row. A way to the database that turns
// out to be cut before the first row is no fault: there are others.
func (db *DB) rows(ctx context.Context, f func(pgx.Rows) error, sql string, args ...any) error {
	begun := false
	return db.reading(ctx, func() error {
		r, err := db.readers.Query(ctx, sql, args...)
		if err == nil {
			err = each(r, func(r pgx.Rows) error { begun = true; return f(r) })
		}
		if begun && err != nil {
			return answered{err}
		}
		return err
	})
}

// readPatience is how long a reader waits for a database that is not there: one
// that was killed is back by then. Who waits longer is told.
const readPatience = 5 * time.Second

// reading asks, and asks again where the way to the database was cut: at once as
// often as there may be connections that were cut together, then now and then.
func (db *DB) reading(ctx context.Context, ask func() error) error {
	began := time.Now()
	for try := 0; ; try++ {
		err := ask()
		var once answered
		switch {
		case err == nil:
			return nil
		case errors.As(err, &once):
			return once.error
		case ctx.Err() != nil || !isCut(err) || time.Since(began) > readPatience:
			return fault.E("postgres.read", fault.NoStore, err)
		}
		if try < 2*int(db.readers.Config().MaxConns) {
			continue
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// answered is an error after which nothing is asked again.
type answered struct{ error }

// row is a version as its row has it: the body is unpacked when the predicate
// has passed.
type row struct {
	v    store.Version
	blob []byte
}

// scanRow reads the columns of a version, after those that before takes.
func (db *DB) scanRow(ctx context.Context, r pgx.Rows, before ...any) (*row, error) {
	var w row
	var typ, dataset, flags int16
	var version, source int32
	var at int64
	var labels, clinical, reported pgtype.Int8
	var id pgtype.Text
	var blob pgtype.DriverBytes // of the connection's buffer: it is copied by whoever keeps it
	v := &w.v
	if err := r.Scan(append(before, &v.Subject, &typ, &v.Item, &version, &v.N, &at, &source, &dataset, &labels, &flags, &clinical, &reported, &v.Message, &id, &blob)...); err != nil {
		return nil, err
	}
	name, err := db.sourceName(ctx, source)
	if err != nil {
		return nil, err
	}
	v.Version, v.Deleted = int(version), flags&flagDeleted != 0
	v.Columns = policy.Columns{Type: fhir.TypeName(uint16(typ)), ID: id.String, Source: name, DataSet: policy.DataSet(dataset), Labels: policy.Labels(labels.Int64),
		Recorded: time.UnixMilli(at).UTC(), Reported: timeOf(reported), Final: flags&flagFinal != 0}
	v.When = timeOf(clinical)
	if v.ID == "" {
		v.ID = db.ids.Encode(adapter.Item, int64(v.Item))
	}
	w.blob = blob
	return &w, nil
}

func timeOf(s pgtype.Int8) time.Time {
	if !s.Valid {
		return time.Time{}
	}
	return time.Unix(s.Int64, 0).UTC()
}

// version is the version with its body, which no longer needs the row.
func (db *DB) version(w *row) (v *store.Version, err error) {
	w.v.Body, w.v.Origin, err = db.codec.Unpack(w.blob)
	w.blob = nil
	return &w.v, err
}

func (db *DB) scan(ctx context.Context, r pgx.Rows) (*store.Version, error) {
	w, err := db.scanRow(ctx, r)
	if err != nil {
		return nil, err
	}
	return db.version(w)
}

// N is the number of the last commit.
func (db *DB) N(ctx context.Context) (uint64, error) {
	n, err := db.int64(ctx, `SELECT n FROM head WHERE id=1`)
	if err != nil {
		return 0, fault.E("postgres.N", fault.NoStore, err)
	}
	return uint64(n), nil
}

// Compartment is store.Reader's.
func (db *DB) Compartment(ctx context.Context, subject store.Subject, n uint64, p *policy.Predicate, types ...string) ([]*store.Version, error) {
	if !p.Permit {
		return nil, nil
	}
	last, err := db.int64(ctx, `SELECT n FROM subject WHERE id=$1`, int64(subject))
	if err != nil || last == 0 {
		return nil, err
	}
	show := func(v *store.Version) bool {
		return p.Shows(&v.Columns) && (len(types) == 0 || slices.Contains(types, v.Type))
	}
	if n != store.Latest && uint64(last) > n { // the predicate is asked of the versions that were in force then
		return db.inForce(ctx, subject, n, show)
	}
	all, ok := db.cache.Get(subject, last)
	if !ok {
		if all, last, err = db.compartment(ctx, subject); err != nil {
			return nil, err
		}
		if n != store.Latest && uint64(last) > n {
			return db.inForce(ctx, subject, n, show)
		}
	}
	out := make([]*store.Version, 0, len(all))
	for _, v := range all {
		if show(v) {
			out = append(out, v)
		}
	}
	return out, nil
}

// compartment reads all of a subject in force now, parsed, with the subject's n
// as at the same moment, and keeps it.
func (db *DB) compartment(ctx context.Context, subject store.Subject) (all []*store.Version, last int64, err error) {
	f := latest{db: db, show: func(*store.Version) bool { return true }}
	if err := db.rows(ctx, func(r pgx.Rows) error { return f.add(ctx, r, &last) }, sqlWhole, int64(subject)); err != nil {
		return nil, 0, err
	}
	all = f.kept()
	for _, v := range all {
		if err := v.Parse(); err != nil {
			return nil, 0, err
		}
	}
	db.cache.Put(subject, last, all)
	return all, last, nil
}

// snapshot has f see one state.
func (db *DB) snapshot(ctx context.Context, f func(pgx.Tx) error) error {
	return db.reading(ctx, func() error {
		tx, err := db.readers.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		if err := errors.Join(f(tx), tx.Rollback(ctx)); err != nil {
			return answered{err}
		}
		return nil
	})
}

const (
	sqlCompartment = `SELECT ` + columns + ` FROM resource WHERE subject=$1 AND n<=$2 ORDER BY type, item, version`
	sqlWhole       = `SELECT (SELECT n FROM subject WHERE id=$1), ` + columns + ` FROM resource WHERE subject=$1 ORDER BY type, item, version`
)

func (db *DB) inForce(ctx context.Context, subject store.Subject, n uint64, show func(*store.Version) bool) ([]*store.Version, error) {
	f := latest{db: db, show: show}
	if err := db.rows(ctx, func(r pgx.Rows) error { return f.add(ctx, r) }, sqlCompartment, int64(subject), at(n)); err != nil {
		return nil, err
	}
	return f.kept(), nil
}

// latest keeps, of versions in order, the last of each item, if it is shown and
// not a deletion.
type latest struct {
	db   *DB
	show func(*store.Version) bool
	out  []*store.Version
	last store.ItemID
	has  bool // out ends with a version of last
}

func (l *latest) add(ctx context.Context, r pgx.Rows, before ...any) error {
	w, err := l.db.scanRow(ctx, r, before...)
	if err != nil {
		return err
	}
	if w.v.Item == l.last && l.has {
		l.out = l.out[:len(l.out)-1]
	}
	l.last, l.has = w.v.Item, false
	if w.v.Deleted || !l.show(&w.v) {
		return nil
	}
	v, err := l.db.version(w)
	if err != nil {
		return err
	}
	l.out, l.has = append(l.out, v), true
	return nil
}

func (l *latest) kept() []*store.Version { return l.out }

// named is the item that an id of a type stands for, as a part of a statement and
// what is given to it as $1.
func (db *DB) named(id string) (sql string, arg any) {
	if item, ok := db.ids.Decode(adapter.Item, id); ok {
		return `$1::bigint`, item
	}
	return `(SELECT item FROM alias WHERE id=$1 AND type=$2)`, clean(id)
}

// versions reads one resource's versions not after n, the latest first: all,
// or only the first. It is one question, with where the resource is: that may
// change between two.
func (db *DB) versions(ctx context.Context, typ, id string, n uint64, limit int) (out []*store.Version, err error) {
	t := fhir.TypeNumber(typ)
	if t == 0 {
		return nil, errUnknown
	}
	item, arg := db.named(id)
	sql := `SELECT ` + columns + ` FROM resource WHERE (subject, type, item)=(SELECT subject, type, item FROM locator WHERE item=` + item + ` AND type=$2)
		AND n<=$3 ORDER BY version DESC`
	if limit == 1 {
		sql += ` LIMIT 1`
	}
	err = db.rows(ctx, func(r pgx.Rows) error {
		v, err := db.scan(ctx, r)
		out = append(out, v)
		return err
	}, sql, arg, int16(t), at(n))
	return out, err
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
	all, err := db.versions(ctx, typ, id, n, limit)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || !p.Shows(&all[0].Columns) {
		return nil, errUnknown
	}
	return slices.DeleteFunc(all, func(v *store.Version) bool { return !p.Shows(&v.Columns) }), nil
}

// Shared is store.Reader's.
func (db *DB) Shared(ctx context.Context, typ, id string) (*store.Version, error) {
	all, err := db.versions(ctx, typ, id, store.Latest, 1)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || all[0].Subject != store.Shared || all[0].Deleted {
		return nil, errUnknown
	}
	return all[0], nil
}

// OfMessage is store.Reader's.
func (db *DB) OfMessage(ctx context.Context, m store.MessageID, p *policy.Predicate) (out []*store.Version, err error) {
	if !p.Permit {
		return nil, nil
	}
	items, n, err := db.itemsOf(ctx, m)
	if err != nil {
		return nil, err
	}
	where, err := db.locators(ctx, items)
	if err != nil {
		return nil, err
	}
	var now, then places
	for _, k := range where {
		now.add(k.located, store.Latest)
		then.add(k.located, n)
	}
	made := map[store.ItemID]*store.Version{}
	if err := db.at(ctx, then, func(_ int64, v *store.Version) {
		if p.Shows(&v.Columns) {
			made[v.Item] = v
		}
	}); err != nil {
		return nil, err
	}
	if err := db.at(ctx, now, func(_ int64, v *store.Version) {
		if !p.Shows(&v.Columns) {
			delete(made, v.Item)
		}
	}); err != nil {
		return nil, err
	}
	for _, item := range items {
		if v := made[item]; v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}
