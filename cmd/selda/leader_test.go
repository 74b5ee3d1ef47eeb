package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/internal/pgtest"
)

// Two nodes on one database, and the one that tells subscribers is killed, or
// stands still until it is taken for dead and then goes on: the other tells
// within seconds. All that either of them has acknowledged is told, each
// patient's events in order; what is told twice has the same number, and no
// number goes back.
func TestTwoNodesTheOneThatTellsIsKilled(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	dice := rand.New(rand.NewPCG(seed, 2))
	r := &told{dice: rand.New(rand.NewPCG(seed, 3)), number: map[string]string{}, taken: make(chan struct{}, 1), sick: true}
	v := httptest.NewServer(r)
	defer v.Close()
	dsn := pgtest.DSN(t)
	telling := start(t, t.TempDir(), "demo", "--citizens", "1", "--postgres", dsn)
	token := strings.TrimSpace(ok(t, t.TempDir(), "token", "--user", "system", "--hours", "8", "--postgres", dsn))
	const patients = 3
	for p := range patients {
		if code, b := telling.get(t, token, "PUT", fmt.Sprintf("/fhir/Patient/told-%d", p), fmt.Sprintf(`{"resourceType":"Patient","id":"told-%d","name":[{"family":"Told"}]}`, p)); code != 201 {
			t.Fatalf("%d %s", code, b)
		}
	}
	if code, b := telling.get(t, token, "POST", "/fhir/Subscription", results(v.URL)); code != 201 {
		t.Fatalf("%d %s", code, b)
	}
	w := &writing{r: r, token: token, acked: map[string]bool{}, next: make([]int, patients)}
	kills := 2
	if testing.Short() {
		kills = 1
	}
	for k := range kills {
		holder := leads(t, dsn, "")
		waiting := start(t, t.TempDir(), "serve", "--postgres", dsn)
		ctx, cancel := context.WithCancel(t.Context())
		wg := w.both(ctx, telling, waiting)
		r.some(dice.IntN(20) + 5)
		killed, still := time.Now(), k == 1
		if still {
			_ = telling.cmd.Process.Signal(syscall.SIGSTOP)
		} else {
			_ = telling.cmd.Process.Kill()
			_ = telling.cmd.Wait()
		}
		leads(t, dsn, holder)
		t.Logf("kill %d: another leads after %s", k, time.Since(killed).Round(100*time.Millisecond))
		most := 10 * time.Second
		if still {
			most += 20 * time.Second // it may hold a transaction open, which the database ends after fifteen
		}
		if took := time.Since(killed); took > most {
			t.Errorf("kill %d: another leads after %s only", k, took)
		}
		if still {
			_ = telling.cmd.Process.Signal(syscall.SIGCONT)
			r.some(50)
			_ = telling.cmd.Process.Kill()
			_ = telling.cmd.Wait()
		}
		cancel()
		wg.Wait()
		telling = waiting
	}
	r.mu.Lock()
	r.sick = false
	r.mu.Unlock()
	r.await(w.acked)
	if code := telling.stop(t); code != 0 {
		t.Errorf("it did not stop: %d: %s", code, telling.errs)
	}
	r.check(t, w.acked)
}

// writing is a source that writes results of patients, each one's in order.
type writing struct {
	r     *told
	token string
	mu    sync.Mutex
	acked map[string]bool
	next  []int
}

// both has results written at two nodes until ctx ends. A patient's next one is
// written at either when the one before has been acknowledged. Where it has not
// it may still come, and another series begins.
func (w *writing) both(ctx context.Context, nodes ...*server) *sync.WaitGroup {
	var wg sync.WaitGroup
	for p := range w.next {
		wg.Go(func() {
			for series := w.next[p]; ctx.Err() == nil; {
				value := fmt.Sprintf("%d.%d-%06d", p, series, w.next[p])
				node := nodes[w.next[p]%len(nodes)]
				w.next[p]++
				code, err := post(ctx, node.HTTP+"/fhir/Observation", w.token, fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/told-%d"},"valueString":"%s"}`, p, value))
				if err == nil && code == 201 {
					w.mu.Lock()
					w.acked[value] = true
					w.mu.Unlock()
				} else {
					series = w.next[p]
				}
				select {
				case <-time.After(20 * time.Millisecond): // as sources do
				case <-ctx.Done():
				}
			}
		})
	}
	return &wg
}

// leads waits until another node than one leads, and gives which.
func leads(t *testing.T, dsn, other string) (holder string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for until := time.Now().Add(40 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		err := c.QueryRow(t.Context(), `SELECT holder FROM lease WHERE name='subscriptions'`).Scan(&holder)
		if err == nil && holder != "" && holder != other {
			return holder
		}
	}
	t.Fatal("no other node leads")
	return ""
}
