package main

import (
	"context"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"selda/internal/pgtest"
)

// Invariant 1 where it is the database that is killed: its server is killed at
// a random moment with all doors of a node busy, and started again. Nobody
// touches the node, which goes on by itself; what any sender was told is there
// once. SELDA_DATABASE_KILLS says how often.
func TestTheDatabaseIsKilledNothingAcknowledgedIsLost(t *testing.T) {
	kills := 2
	if testing.Short() {
		kills = 1
	}
	if n, err := strconv.Atoi(os.Getenv("SELDA_DATABASE_KILLS")); err == nil {
		kills = n
	}
	database := pgtest.Own(t)
	w := newWar(t, database.DSN(t))
	node := start(t, t.TempDir(), "serve", w.on("--drop", w.drop, "--drop-every", "10ms")...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var answers atomic.Int64
	count := func() {
		answers.Add(1)
		time.Sleep(5 * time.Millisecond) // as senders do: nobody has all messages at once
	}
	for _, sender := range []func(context.Context, *server, func()){w.hl7, w.hl7, w.creates, w.creates, w.transactions, w.dropped} {
		wg.Go(func() { sender(ctx, node, count) })
	}
	for k := range kills {
		w.until(&answers, int64(w.dice.IntN(100)+50), node)
		database.Kill(t)
		killed := time.Now()
		w.until(&answers, 100, node) // senders wait, and are answered again
		t.Logf("kill %d: 100 answers within %s", k, time.Since(killed).Round(10*time.Millisecond))
	}
	cancel()
	wg.Wait()
	if code := node.stop(t); code != 0 {
		t.Errorf("the node: exit %d: %s", code, node.errs)
	}
	w.finish()
	if held := ok(t, w.data, w.on("quarantine", "list", "--json")...); held != "" {
		t.Errorf("in quarantine: %s", held)
	}
	w.check()
}

// until waits for that many more answers.
func (w *war) until(answers *atomic.Int64, more int64, s *server) {
	w.t.Helper()
	began, target := time.Now(), answers.Load()+more
	for answers.Load() < target {
		if time.Since(began) > time.Minute {
			w.t.Fatalf("%d answers are missing after a minute: %s", target-answers.Load(), s.errs)
		}
		time.Sleep(time.Millisecond)
	}
}
