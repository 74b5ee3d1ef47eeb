package asked

import (
	"testing"
	"time"

	"selda/fault"
	"selda/internal/document"
	"selda/policy"
)

// A request waits at one practice, once for each citizen, at most a month; and
// nobody fills a practice's list.
func TestRequestsWait(t *testing.T) {
	g, now := Register{document.Folder(t.TempDir())}, time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	r := Request{User: "grace", Name: "Grace", Citizen: "c1", As: policy.Parent, Why: " my son ", At: now}
	if err := r.Check(); err != nil || r.Why != "my son" {
		t.Fatal(err, r)
	}
	for range 2 {
		if err := g.Add("G85915", r); err != nil {
			t.Fatal(err)
		}
	}
	count := func(want int, at time.Time) {
		t.Helper()
		if list, err := g.Of("G85915", at); err != nil || len(list) != want {
			t.Errorf("%d wait, not %d: %v", len(list), want, err)
		}
	}
	count(1, now)
	count(0, now.Add(Kept+time.Hour))
	if list, err := g.Of("G85123", now); err != nil || len(list) != 0 {
		t.Error("another practice has it", list, err)
	}
	for _, c := range []string{"c2", "c3", "c4", "c5"} {
		r.Citizen = c
		if err := g.Add("G85915", r); err != nil {
			t.Fatal(err)
		}
	}
	r.Citizen = "c6"
	if err := g.Add("G85915", r); !fault.Is(err, fault.Throttled) {
		t.Error("a sixth is taken", err)
	}
	if err := g.Done("G85915", "grace", "c1", now); err != nil {
		t.Fatal(err)
	}
	count(4, now)
	for _, bad := range []Request{{User: "x", As: "friend", Why: "y"}, {User: "x", As: policy.Wish}, {As: policy.Wish, Why: "y"}} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
