package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/internal/pgtest"
)

// Invariant 1 on several nodes: two of them serve one database, all their doors
// busy, and one is killed at a random moment. Within seconds the other one has
// finished what the dead one had acknowledged; at the end everything that any
// sender was told is there once. SELDA_NODE_KILLS says how often.
func TestTwoNodesOneKilledNothingAcknowledgedIsLost(t *testing.T) {
	kills := 3
	if testing.Short() {
		kills = 1
	}
	if n, err := strconv.Atoi(os.Getenv("SELDA_NODE_KILLS")); err == nil {
		kills = n
	}
	w := newWar(t, pgtest.DSN(t))
	for k := range kills {
		w.twoNodes(k)
	}
	w.finish()
	w.check()
}

// twoNodes serves on two nodes, each with an empty folder: a node holds no state.
func (w *war) twoNodes(k int) {
	dying := start(w.t, w.t.TempDir(), "serve", w.on("--drop", w.drop, "--drop-every", "10ms")...)
	living := start(w.t, w.t.TempDir(), "serve", w.on()...)
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var before, after atomic.Int64
	var dead atomic.Bool
	enough, more := make(chan struct{}), make(chan struct{})
	target := int64(w.dice.IntN(100) + 20)
	var warm sync.WaitGroup // the first answer of each kind takes longest: each sender has some before the kill
	for _, node := range []*server{dying, living} {
		for _, sender := range []func(context.Context, *server, func()){w.hl7, w.creates, w.creates, w.transactions} {
			warm.Add(1)
			had, some := sync.OnceFunc(warm.Done), w.dice.IntN(10)+1
			wg.Go(func() {
				sender(ctx, node, func() {
					if some--; some == 0 {
						had()
					}
					time.Sleep(10 * time.Millisecond) // as senders do: nobody has all messages at once
					if before.Add(1) == target {
						close(enough)
					}
					if dead.Load() && node == living && after.Add(1) == 50 {
						close(more)
					}
				})
				had()
			})
		}
	}
	warmed := make(chan struct{})
	go func() { warm.Wait(); close(warmed) }()
	wg.Go(func() { w.dropped(ctx, dying, nil) })
	w.wait(enough, k, dying, &before)
	w.wait(warmed, k, dying, &before)
	_ = dying.cmd.Process.Kill()
	killed := time.Now()
	dead.Store(true)
	_ = dying.cmd.Wait()
	w.wait(more, k, living, &after) // which goes on serving meanwhile
	cancel()
	wg.Wait()
	w.takenOver(k, killed)
	if code := living.stop(w.t); code != 0 {
		w.t.Errorf("kill %d: the other node: exit %d: %s", k, code, living.errs)
	}
}

func (w *war) wait(done chan struct{}, k int, s *server, count *atomic.Int64) {
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		w.t.Errorf("kill %d: only %d answers in 20 s: %s", k, count.Load(), s.errs)
	}
}

// takenOver waits until the dead node's journal has been finished: the only
// journal that is left is that of the node which lives.
func (w *war) takenOver(k int, killed time.Time) {
	c, err := pgx.Connect(w.t.Context(), w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for {
		var journals int
		if err := c.QueryRow(w.t.Context(), `SELECT count(*) FROM journal`).Scan(&journals); err != nil {
			w.t.Fatal(err)
		}
		if journals <= 1 {
			w.t.Logf("kill %d: taken over within %s", k, time.Since(killed).Round(100*time.Millisecond))
			return
		}
		if time.Since(killed) > 30*time.Second {
			w.t.Fatalf("kill %d: %d journals are left after 30 s", k, journals)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Every verb works on the database from anywhere, while a node serves it.
func TestVerbsOnADatabase(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := start(t, t.TempDir(), "serve", "--postgres", dsn)
	if ack := s.send(t, admission("PG1", "H1", "9991234519", "ADEYEMI")); !strings.Contains(ack, "MSA|AA|PG1") {
		t.Fatalf("answer: %q", ack)
	}
	if ack := s.send(t, strings.Replace(admission("PG2", "H2", "", "X"), "PID|1|", "PID|1||||||||||\nZZZ|", 1)); !strings.Contains(ack, "MSA|A") {
		t.Fatalf("answer: %q", ack)
	}
	here := t.TempDir()
	file := filepath.Join(here, "more.hl7")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(admission("PG3", "H3", "", "MENSAH"), "\n", "\r")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SELDA_POSTGRES", dsn) // as well as --postgres
	if out := ok(t, here, "ingest", "--source", "RJZ:PAS", file, "--json"); !strings.Contains(out, `"stored":1`) {
		t.Errorf("ingest: %s", out)
	}
	for _, control := range []string{"PG1", "PG3"} {
		if got := settled(lines(t, ok(t, here, "trace", control, "--json"))); fmt.Sprint(got) != "[committed]" {
			t.Errorf("trace %s: %v", control, got)
		}
	}
	ok(t, here, "link", "list", "--json")
	ok(t, here, "quarantine", "list", "--json")
	if out := ok(t, here, "reindex"); !strings.Contains(out, "resources are indexed again") {
		t.Errorf("reindex: %s", out)
	}
	if out := ok(t, here, "audit", "verify", "--json"); !strings.Contains(out, `"holds":true`) {
		t.Errorf("audit verify: %s", out)
	}
	backup := filepath.Join(here, "backup")
	ok(t, here, "backup", backup)
	if r := selda(t, here, "trace", "PG1", "--postgres", "host=/nowhere dbname=x password=secret"); r.code != 1 || strings.Contains(r.err, "secret") {
		t.Errorf("a database that is not there: exit %d: %s", r.code, r.err)
	}
	if r := selda(t, here, "trace", "PG1", "--postgres", "postgres://u:secret@:::/"); r.code != 1 || strings.Contains(r.err, "secret") {
		t.Errorf("an address that is none: exit %d: %s", r.code, r.err)
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("the node: exit %d: %s", code, s.errs)
	}
	restored(t, backup, dsn)
}

// restored makes another region of a backup, and holds it against the first.
func restored(t *testing.T, backup, first string) {
	t.Helper()
	if r := selda(t, t.TempDir(), "restore", backup); r.code != 1 {
		t.Errorf("restored over a region: exit %d: %s", r.code, r.err)
	}
	second, here := pgtest.DSN(t), t.TempDir()
	t.Setenv("SELDA_POSTGRES", second)
	ok(t, here, "restore", backup)
	if out := ok(t, here, "audit", "verify", "--json"); !strings.Contains(out, `"holds":true`) {
		t.Errorf("the restored trail: %s", out)
	}
	for _, control := range []string{"PG1", "PG3"} {
		if then, now := ok(t, here, "trace", control, "--json", "--postgres", first), ok(t, here, "trace", control, "--json"); now != then {
			t.Errorf("trace %s of the restored region: %s, was %s", control, now, then)
		}
	}
	s := start(t, here, "serve")
	if ack := s.send(t, admission("PG4", "H1", "9991234519", "ADEYEMI")); !strings.Contains(ack, "MSA|AA|PG4") {
		t.Errorf("answer of the restored region: %q", ack)
	}
	if got := settled(lines(t, ok(t, here, "trace", "PG4", "--json"))); fmt.Sprint(got) != "[committed]" {
		t.Errorf("what came after the restore: %v", got)
	}
	s.stop(t)
}

// A node whose lease is another's by now acknowledges nothing more, and ends
// with a failure: whoever watches over it starts it anew.
func TestANodeTakenForDeadStops(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := start(t, t.TempDir(), "serve", "--postgres", dsn)
	if ack := s.send(t, admission("F1", "H1", "", "FENCED")); !strings.Contains(ack, "MSA|AA|F1") {
		t.Fatalf("answer: %q", ack)
	}
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if _, err := c.Exec(t.Context(), `UPDATE lease SET holder='another', fence=fence+1, expires=now()+interval '1 hour' WHERE name LIKE 'journal/%'`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ack, _ := s.line.Send(ctx, []byte(strings.ReplaceAll(admission("F2", "H2", "", "FENCED"), "\n", "\r")))
	if strings.Contains(string(ack), "MSA|AA") {
		t.Errorf("it acknowledged: %q", ack)
	}
	late := time.AfterFunc(30*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	_ = s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("it ended with %d: %s", code, s.errs)
	}
}
