package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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
	goesOn(t, openAt(t, dsn), func(stop chan struct{}, cuts *atomic.Int64) { cut(t, dsn, stop, cuts) })
}

// goesOn has a node commit, receive and audit while somebody disturbs it a few
// times, and holds what was answered against what is there.
func goesOn(t *testing.T, db *postgres.DB, disturb func(stop chan struct{}, times *atomic.Int64)) {
	j := db.OpenJournal()
	trail, err := db.OpenTrail(t.Context(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var times atomic.Int64
	// Each goes on until it has been disturbed a few times.
	more := func(i int) bool { return i < 50 || times.Load() < 5 && i < 20_000 }
	var wg sync.WaitGroup
	commits := 0
	wg.Go(func() { commits = writeAll(t, db, more) })
	positions := map[int]string{}
	wg.Go(func() {
		for i := 0; more(i); i++ {
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
		for i := 0; more(i); i++ {
			if _, err := trail.Append(context.Background(), audit.Entry{Action: audit.Read, What: fmt.Sprint(i)}); err != nil {
				t.Errorf("entry %d: %v", i, err)
				return
			}
			entries++
		}
	})
	stop := make(chan struct{})
	var disturber sync.WaitGroup
	disturber.Go(func() { disturb(stop, &times) })
	wg.Wait()
	close(stop)
	disturber.Wait()
	if err := errors.Join(trail.Close(), j.Close()); err != nil {
		t.Error(err)
	}

	if n, err := db.N(t.Context()); err != nil || n != uint64(commits) {
		t.Errorf("n is %d after %d commits: %v", n, commits, err)
	}
	found, err := db.Search(t.Context(), store.Query{Type: "Basic", N: store.Latest, Limit: 2 * commits}, &policy.Predicate{Permit: true, Everything: true})
	if err != nil || len(found) != commits {
		t.Errorf("%d of %d commits are found: %v", len(found), commits, err)
	}
	for p, want := range positions {
		if raw, err := db.OpenJournal().Read(segment.Position(p)); err != nil || string(raw) != want {
			t.Errorf("at %d: %q %v, want %q", p, raw, err, want)
		}
	}
	if r, err := db.VerifyTrail(t.Context()); err != nil || r.Entries != entries {
		t.Errorf("the trail has %d entries of %d: %v", r.Entries, entries, err)
	}
	if times.Load() < 5 {
		t.Errorf("it was disturbed %d times only", times.Load())
	}
	t.Logf("disturbed %d times; %d commits, %d messages, %d entries", times.Load(), commits, len(positions), entries)
}

// writeAll makes commits with a resource each, and gives how many.
func writeAll(t *testing.T, db *postgres.DB, more func(i int) bool) (n int) {
	for ; more(n); n++ {
		i := n
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
			return n
		}
	}
	return n
}

// cut ends all other connections to a database every few milliseconds.
func cut(t *testing.T, dsn string, stop chan struct{}, cuts *atomic.Int64) {
	c, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.Close(context.Background()) }()
	for tick := time.NewTicker(150 * time.Millisecond); ; cuts.Add(1) {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if _, err := c.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=current_database() AND pid<>pg_backend_pid() AND application_name='selda'`); err != nil {
			t.Error(err)
			return
		}
	}
}
