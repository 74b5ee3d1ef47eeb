package region

import (
	"testing"
	"time"

	"selda/fault"
	"selda/store/sqlite"
)

// What one node has exclusively it has for as long as it works, and not longer
// than it lives.
func TestExclusive(t *testing.T) {
	db, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	p := patience{held: 200 * time.Millisecond, renew: 20 * time.Millisecond, wait: 600 * time.Millisecond, ask: time.Millisecond}
	one, two := exclusive(db, p), exclusive(db, p)
	release, err := one(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two(t.Context(), "x"); !fault.Is(err, fault.Throttled) {
		t.Errorf("while another works, for three times as long as a lease lasts: %v", err)
	}
	release()
	began := time.Now()
	if release, err = two(t.Context(), "x"); err != nil || time.Since(began) > p.held {
		t.Errorf("once it is released: %v after %s", err, time.Since(began))
	}
	release()
	if _, ok, err := db.Acquire(t.Context(), "x", "a node that dies", p.held); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if release, err = one(t.Context(), "x"); err != nil {
		t.Errorf("of a node that died: %v", err)
	}
	release()
}
