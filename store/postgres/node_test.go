package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/ingest"
	"selda/internal/segment"
	"selda/store/postgres"
)

func received(t *testing.T, j *postgres.Journal, text string) segment.Position {
	t.Helper()
	p, err := j.Append([]byte(text))
	if err == nil {
		err = j.Wait(p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// committed moves a journal's position, as a commit of its messages does.
func committed(db *postgres.DB, journal int64, to segment.Position) error {
	return db.Commit(context.Background(), func(tx ingest.Tx) error { return tx.SetJournalPosition(journal, uint64(to)) })
}

// What a node has received and not committed is finished by another one when its
// lease has expired, and by one only. A node that was taken for dead and is
// not can neither receive nor commit any more: nothing is there twice.
func TestANodeTakenForDeadIsFenced(t *testing.T) {
	dsn := database(t)
	slow, other, third := openAt(t, dsn), openAt(t, dsn), openAt(t, dsn)
	j := slow.OpenJournal()
	first, second := received(t, j, "one"), received(t, j, "two")
	if err := committed(slow, j.Number(), first+1); err != nil {
		t.Fatal(err)
	}
	if logs, err := other.Left(t.Context()); err != nil || len(logs) != 0 {
		t.Fatalf("the journal of a node that lives was taken: %v %v", logs, err)
	}
	logs := takenOver(t, dsn, other)
	if again, err := third.Left(t.Context()); err != nil || len(again) != 0 {
		t.Fatalf("taken by two: %v %v", again, err)
	}
	var texts []string
	if err := logs[0].Scan(first+1, func(at, end segment.Position, record []byte) error {
		if at != second || end != second+1 {
			t.Errorf("at %d to %d, want %d", at, end, second)
		}
		texts = append(texts, string(record))
		return nil
	}); err != nil || len(texts) != 1 || texts[0] != "two" {
		t.Errorf("what was left: %q %v", texts, err)
	}
	if err := committed(slow, j.Number(), second+1); !fault.Is(err, fault.NoStore) {
		t.Errorf("a node that was taken for dead committed: %v", err)
	}
	if p, err := j.Append([]byte("three")); err == nil && j.Wait(p) == nil {
		t.Error("a node that was taken for dead received")
	}
	if err := committed(other, logs[0].Number(), second+1); err != nil {
		t.Error(err)
	}
	if err := logs[0].End(t.Context()); err != nil {
		t.Error(err)
	}
	if err := other.Settle(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := third.Left(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("what has ended is left: %v %v", left, err)
	}
}

// takenOver has the leases of all journals expire, and a node take them over.
func takenOver(t *testing.T, dsn string, by *postgres.DB) []ingest.LeftLog {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for began := time.Now(); time.Since(began) < 10*time.Second; { // the node that lives may renew its lease in between
		if _, err := c.Exec(t.Context(), `UPDATE lease SET expires='-infinity'`); err != nil {
			t.Fatal(err)
		}
		if logs, err := by.Left(t.Context()); err != nil || len(logs) > 0 {
			if err != nil {
				t.Fatal(err)
			}
			return logs
		}
	}
	t.Fatal("it was not taken over")
	return nil
}

// A node that stops leaves nothing to take over, and one that stops with
// messages uncommitted leaves them at once.
func TestANodeThatStops(t *testing.T) {
	dsn := database(t)
	one, other := openAt(t, dsn), openAt(t, dsn)
	j := one.OpenJournal()
	p := received(t, j, "one")
	if err := committed(one, j.Number(), p+1); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if logs, err := other.Left(t.Context()); err != nil || len(logs) != 0 {
		t.Errorf("left by a node that had committed all: %v %v", logs, err)
	}
	k := one.OpenJournal()
	received(t, k, "two")
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if logs, err := other.Left(t.Context()); err != nil || len(logs) != 1 {
		t.Errorf("left by a node that had not: %v %v", logs, err)
	}
	if raw, err := other.OpenJournal().Read(p); err != nil || string(raw) != "one" {
		t.Errorf("read at another node: %q %v", raw, err)
	}
}
