package testenv

import (
	"strings"
	"testing"

	"selda/agreement"
)

// G17: what a controller has suspended shows on the record to those who would be shown it:
// that less is there has a reason, and is no silence.
func TestG17WhatIsSuspendedShowsOnTheRecord(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "c2", `"code":{"text":"Fracture"},`+atKings)
	o.declares("visitor")
	guardian, err := o.Subject("guardian") // of King's
	o.agreed("guardian", err)
	const words = "not shared since"
	if _, body := o.asks("visitor", "GET", "/record/{citizen}", ""); strings.Contains(body, words) || !strings.Contains(body, "Fracture") {
		t.Error("before: it reads as suspended, or is not shown")
	}
	_, err = o.Region.SuspendAgreement(t.Context(), guardian, direct, agreement.Suspension{From: []agreement.Party{"RJZ"}, Since: o.Now(), Reason: "a feed that mixes people up", By: "guardian"})
	o.agreed("suspend", err)
	if _, body := o.asks("visitor", "GET", "/record/{citizen}", ""); !strings.Contains(body, words) || strings.Contains(body, "Fracture") {
		t.Error("suspended: the record does not say so, or shows it")
	}
	if _, body := o.asks("citizen", "GET", "/me", ""); strings.Contains(body, "mixes people up") {
		t.Error("the reason, which may name others, is on the citizen's page")
	}
}
