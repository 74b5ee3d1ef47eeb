package postgres

import (
	"context"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"selda/internal/pgtest"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

// A region that was made when what is searched stood in a table of its own is
// opened by this build: all of it is read, found and hidden as before.
func TestARegionOfBeforeIsOpened(t *testing.T) {
	ctx := t.Context()
	dsn := pgtest.DSN(t)
	before(t, dsn, 10)
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	codec, err := adapter.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	const code = "718-7"
	hash := int64(adapter.Token("Observation", code))
	if _, err := c.Exec(ctx, `INSERT INTO source(name, registered) VALUES('RJZ:LAB', 0)`); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(ctx, `UPDATE head SET n=4, item=3, subject=1`); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(ctx, `INSERT INTO subject(id, source, n) VALUES(1, 1, 4)`); err != nil {
		t.Fatal(err)
	}
	const observation = 96
	for _, v := range []struct {
		item, version, n, until, labels int64
		deleted                         bool
	}{{item: 1, version: 1, n: 1, until: 3}, {item: 2, version: 1, n: 2, until: 4}, {item: 1, version: 2, n: 3, labels: 4}, {item: 2, version: 2, n: 4, deleted: true}, {item: 3, version: 1, n: 2}} {
		var body []byte
		if !v.deleted {
			body = codec.Pack(nil, "Observation", []byte(`{"resourceType":"Observation"}`), "")
		}
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO resource(subject, type, item, version, n, at, source, dataset, labels, flags, message, body) VALUES(1, $1, $2, $3, $4, 0, 1, 5, $5, $6, 0, $7)`,
			observation, v.item, v.version, v.n, v.labels, int16(flagsOf(v.deleted, true)), body)
		b.Queue(`INSERT INTO locator(item, subject, type, version, source, flags) VALUES($1, 1, $2, $3, 1, $4) ON CONFLICT(item) DO UPDATE SET version=excluded.version, flags=excluded.flags`,
			v.item, observation, v.version, int16(flagsOf(v.deleted, true)))
		if !v.deleted {
			b.Queue(`INSERT INTO posting(subject, item, version, n, until, type, source, dataset, labels, flags, at, tokens) VALUES(1, $1, $2, $3, nullif($4::bigint, 0), $5, 1, 5, $6, $7, 0, $8)`,
				v.item, v.version, v.n, v.until, observation, v.labels, int16(flagsOf(false, true)), []int64{1, hash})
		}
		if err := c.SendBatch(ctx, b).Close(); err != nil {
			t.Fatal(err)
		}
	}

	db, err := Open(ctx, dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	all := &policy.Predicate{Permit: true, Everything: true}
	labelled := &policy.Predicate{Permit: true, DataSets: ^policy.DataSets(0), Agreed: policy.Whole, Hidden: 4}
	for _, want := range []struct {
		n     uint64
		p     *policy.Predicate
		items []store.ItemID
	}{{store.Latest, all, []store.ItemID{3, 1}}, {2, all, []store.ItemID{3, 2, 1}}, {store.Latest, labelled, []store.ItemID{3}}} {
		for _, groups := range [][][]string{nil, {{code}}, {{code}, {"other", code}}} {
			found, err := db.Search(ctx, store.Query{Type: "Observation", Groups: groups, N: want.n, Limit: 10, Bodies: true}, want.p)
			if err != nil || len(found) != len(want.items) {
				t.Fatalf("as at %d by %q: %d found, want %v: %v", want.n, groups, len(found), want.items, err)
			}
			for i, f := range found {
				if f.Item != want.items[i] || string(f.Version.Body) != `{"resourceType":"Observation"}` {
					t.Errorf("as at %d by %q: item %d, want %d: %s", want.n, groups, f.Item, want.items[i], f.Version.Body)
				}
			}
		}
	}
	if list, err := db.Compartment(ctx, 1, store.Latest, all); err != nil || len(list) != 2 || list[0].Labels != 4 {
		t.Errorf("the record: %v %v", list, err)
	}
	if parts, err := db.int64(ctx, `SELECT count(*) FROM pg_inherits WHERE inhparent='resource'::regclass`); err != nil || parts != 3 {
		t.Errorf("%d partitions, want as many as before: %v", parts, err)
	}
}

// before makes the tables of an earlier version, with three partitions each.
func before(t *testing.T, dsn string, version int64) {
	t.Helper()
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conf.RuntimeParams["selda.partitions"] = "3"
	db := stdlib.OpenDB(*conf)
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}
