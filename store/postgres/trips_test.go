package postgres

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"selda/audit"
	"selda/internal/pgtest"
	"selda/policy"
	"selda/store"
)

// trips counts the round trips to the database: of questions and of batches.
type trips struct{ n atomic.Int64 }

func (c *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}
func (c *trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.n.Add(1)
	return ctx
}
func (c *trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (c *trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// A node is far from its database: what is asked most takes one round trip.
func TestRoundTrips(t *testing.T) {
	ctx := t.Context()
	db, err := Open(ctx, pgtest.DSN(t), Options{Partitions: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var computed string
	if err := db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Begin(time.Now(), "RJZ:LAB", 0); err != nil {
			return err
		}
		s, err := tx.NewSubject("RJZ:LAB")
		if err != nil {
			return err
		}
		for _, id := range []string{"", "own-1"} {
			w, err := tx.Write(store.Put{Subject: s, Type: "Observation", ID: id, Source: "RJZ:LAB", Body: []byte(`{"resourceType":"Observation"}`), Tokens: []string{"718-7"}})
			if err != nil {
				return err
			}
			if id == "" {
				computed = w.ID
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	trail, err := db.OpenTrail(ctx, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = trail.Close() }()
	journal := db.OpenJournal()
	defer func() { _ = journal.Close() }()
	count := &trips{}
	for _, p := range []**pgxpool.Pool{&db.readers, &db.writers} {
		conf := (*p).Config()
		conf.ConnConfig.Tracer = count
		counted, err := pgxpool.NewWithConfig(ctx, conf)
		if err != nil {
			t.Fatal(err)
		}
		(*p).Close()
		*p = counted
	}
	all := &policy.Predicate{Permit: true, Everything: true}
	for _, c := range []struct {
		what  string
		trips int64
		do    func() error
	}{
		{"a read by id", 1, func() error { _, err := db.Read(ctx, "Observation", computed, store.Latest, all); return err }},
		{"a read by an id that its source chose", 1, func() error { _, err := db.Read(ctx, "Observation", "own-1", store.Latest, all); return err }},
		{"a history", 1, func() error { _, err := db.History(ctx, "Observation", "own-1", store.Latest, all); return err }},
		{"whose a resource is", 1, func() error { _, err := db.Owner(ctx, "Observation", "own-1"); return err }},
		{"a record that is kept parsed", 1, func() error { _, err := db.Compartment(ctx, 1, store.Latest, all); return err }},
		{"a search", 1, func() error {
			_, err := db.Search(ctx, store.Query{Type: "Observation", Groups: [][]string{{"718-7"}}, N: store.Latest, Limit: 10}, all)
			return err
		}},
		{"a search with what it finds", 2, func() error {
			_, err := db.Search(ctx, store.Query{Type: "Observation", Groups: [][]string{{"718-7"}}, N: store.Latest, Limit: 10, Bodies: true}, all)
			return err
		}},
		{"an entry of the trail", 1, func() error {
			durable, err := trail.Append(ctx, audit.Entry{Action: audit.Read})
			if err == nil {
				_, err = durable()
			}
			return err
		}},
		{"whose several items are", 1, func() error { _, err := db.OwnersOf(ctx, []store.ItemID{1, 2, 3}); return err }},
		{"the citizens of several", 1, func() error { _, err := db.Citizens(ctx, []store.Subject{1, 2, 3}); return err }},
		{"a raw message", 1, func() error {
			p, err := journal.Append([]byte("raw"))
			if err == nil {
				err = journal.Wait(p)
			}
			return err
		}},
		{"a commit of what asks nothing", 2, func() error { return db.Write(ctx, func(*Tx) error { return nil }) }},
	} {
		least := int64(1 << 30)
		for range 5 { // the first learns what is kept, and the node renews its leases meanwhile
			count.n.Store(0)
			if err := c.do(); err != nil {
				t.Fatal(c.what, err)
			}
			least = min(least, count.n.Load())
		}
		if least != c.trips {
			t.Errorf("%s takes %d round trips, not %d", c.what, least, c.trips)
		}
	}
}
