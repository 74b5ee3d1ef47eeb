package testenv

import (
	"testing"

	"selda/audit"
)

// G8, G10: a citizen who asks by its id for an item of their own record that is kept from
// them is answered as for one that never was; nor does their own trail tell afterwards that
// it is there. The privacy officer sees that they have asked.
func TestG8WhatWasAskedForInVainIsNotInTheCitizensTrail(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "kept", `"meta":{"security":[{"system":"https://selda.example/labels","code":"third-party"}]},"code":{"text":"As told by a neighbour"},`+atGP)
	o.writes("G85915:GP", "Condition", "open", `"code":{"text":"Asthma"},`+atGP)
	looks := func() int { return o.total("citizen", "/fhir/AuditEvent?patient={citizen}") }
	step := func(path string, want int) int {
		before := looks()
		if status, body := o.asks("citizen", "GET", path, ""); status != want {
			t.Fatal(path, status, body)
		}
		return looks() - before
	}
	never, kept, open := step("/fhir/Condition/never", 404), step("/fhir/Condition/kept", 404), step("/fhir/Condition/open", 200)
	if kept != never {
		t.Errorf("of a hidden item %d entries more are in the trail that the citizen sees, of one that never was %d", kept, never)
	}
	if open != never+1 {
		t.Errorf("of an item that they may see %d entries more are there, not %d", open, never+1)
	}
	entries, err := o.Trail(t.Context(), audit.Query{Citizen: o.citizen, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.What == "Condition/kept" && e.User == "citizen" && e.Concealed {
			return
		}
	}
	t.Error("that they have asked is in no trail")
}
