package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/audit"
	"selda/ingest"
	"selda/internal/segment"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/store/postgres"
)

// The database ends every connection, again and again, as where a standby
// takes over. Whoever writes goes on: what was answered is there once, with a
// number in the order of commits; what was received and what was audited too.
func TestConnectionsAreLost(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	dsn := database(t)
	db := openAt(t, dsn)
	j := db.OpenJournal()
	trail, err := db.OpenTrail(t.Context(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 80
	var wg sync.WaitGroup
	wg.Go(func() { writeAll(t, db, rounds) })
	positions := map[int]string{}
	wg.Go(func() {
		for i := range rounds {
			text := fmt.Sprintf("message %d", i)
			p, err := j.Append([]byte(text))
			if err == nil {
				err = j.Wait(p)
			}
			if err != nil {
				t.Errorf("%s: %v", text, err)
				return
			}
			positions[int(p)] = text
		}
	})
	var entries uint64
	wg.Go(func() {
		for i := range rounds {
			if _, err := trail.Append(context.Background(), audit.Entry{Action: audit.Read, What: fmt.Sprint(i)}); err != nil {
				t.Errorf("entry %d: %v", i, err)
				return
			}
			entries++
		}
	})
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	cuts := 0
	cutter.Go(func() { cuts = cut(t, dsn, stop) })
	wg.Wait()
	close(stop)
	cutter.Wait()
	if err := errors.Join(trail.Close(), j.Close()); err != nil {
		t.Error(err)
	}

	if n, err := db.N(t.Context()); err != nil || n != rounds {
		t.Errorf("n is %d after %d commits: %v", n, rounds, err)
	}
	found, err := db.Search(t.Context(), store.Query{Type: "Basic", N: store.Latest, Limit: 10 * rounds}, &policy.Predicate{Permit: true, Everything: true})
	if err != nil || len(found) != rounds {
		t.Errorf("%d of %d commits are found: %v", len(found), rounds, err)
	}
	for p, want := range positions {
		if raw, err := db.OpenJournal().Read(segment.Position(p)); err != nil || string(raw) != want {
			t.Errorf("at %d: %q %v, want %q", p, raw, err, want)
		}
	}
	if r, err := db.VerifyTrail(t.Context()); err != nil || r.Entries != entries || entries != rounds {
		t.Errorf("the trail has %d entries of %d: %v", r.Entries, entries, err)
	}
	if cuts < 3 {
		t.Errorf("the connections were cut %d times only", cuts)
	}
	t.Logf("connections cut %d times", cuts)
}

// writeAll makes commits with a resource each.
func writeAll(t *testing.T, db *postgres.DB, rounds int) {
	for i := range rounds {
		err := db.Commit(context.Background(), func(tx ingest.Tx) error {
			if _, err := tx.Begin(time.Now(), "RJZ:PAS", 0); err != nil {
				return err
			}
			s, err := tx.NewSubject(nhs.Source("RJZ:PAS"))
			if err != nil {
				return err
			}
			if _, _, _, err := tx.ByKey("RJZ:PAS", "Basic", fmt.Sprint(i)); err != nil {
				return err
			}
			_, err = tx.Write(store.Put{Subject: s, Type: "Basic", ID: fmt.Sprintf("b%d", i), Source: "RJZ:PAS", DataSet: policy.Directory, Body: []byte(`{"resourceType":"Basic"}`)})
			return err
		})
		if err != nil {
			t.Errorf("commit %d: %v", i, err)
			return
		}
	}
}

// cut ends all other connections to a database every few milliseconds.
func cut(t *testing.T, dsn string, stop chan struct{}) (n int) {
	c, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer func() { _ = c.Close(context.Background()) }()
	for tick := time.NewTicker(150 * time.Millisecond); ; n++ {
		select {
		case <-stop:
			return n
		case <-tick.C:
		}
		if _, err := c.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=current_database() AND pid<>pg_backend_pid() AND application_name='selda'`); err != nil {
			t.Error(err)
			return n
		}
	}
}
