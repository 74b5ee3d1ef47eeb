package oracle

import (
	"testing"
	"time"
)

// What an agreement's file looks like, all of it, is read as it is written.
func TestAgreementsAreReadAsTheyAreWritten(t *testing.T) {
	a := read("agreement: a # its name\ngroups:\n  trusts: [RJ1, RJZ]\nshares:\n  - from: [trusts, \"G85915:GP\"]\n    citizens:\n      from-age: 65\n  - from: [all]\nsigned:\n  - {organisation: RJZ, signed: 2026-03-20, for: [RJ1, all]}\nsuspended:\n- from: [RJ1]\n  since: 2026-11-03T10:00:00Z\n")
	for path, want := range map[string]string{"agreement": "a", "shares.citizens.from-age": "65", "signed.organisation": "RJZ", "suspended.since": "2026-11-03T10:00:00Z"} {
		if got := text(a, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := groups(a, texts(a, "shares.from")); len(got) != 4 || got[1] != "RJZ" || got[2] != "G85915:GP" || !isParty(got, "RJ1:PAS") {
		t.Errorf("from: %v", got)
	}
	if got := texts(a, "signed.for"); len(got) != 2 || got[1] != "all" {
		t.Errorf("for: %v", got)
	}
}

// Days are London's, in winter and in summer.
func TestDaysAreLondons(t *testing.T) {
	for day, want := range map[string]string{"2026-01-15": "2026-01-15T00:00:00Z", "2026-07-15": "2026-07-14T23:00:00Z", "2026-03-29": "2026-03-29T00:00:00Z", "2026-03-30": "2026-03-29T23:00:00Z"} {
		from, until, ok := span(day)
		if !ok || from.Format(time.RFC3339) != want || until.Sub(from) > 25*time.Hour {
			t.Errorf("%s begins %v", day, from)
		}
	}
	for now, want := range map[string]int{"2026-07-14T22:59:00Z": 15, "2026-07-14T23:00:00Z": 16} {
		at, _ := time.Parse(time.RFC3339, now)
		if got, _ := age("2010-07-15", at); got != want {
			t.Errorf("at %s: %d", now, got)
		}
	}
}
