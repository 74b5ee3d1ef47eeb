package testenv

import (
	"regexp"
	"strings"
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

// G11: that a person keeps something private is not told to who acts for them: not by the
// rules under which they themselves, or a clinician, saw the rest.
func TestG11WhoActsIsNotToldThatSomethingIsKeptPrivate(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "c1", `"code":{"text":"Asthma"},`+atKings)
	o.helper("bola", "Bola Adeyemi")
	if status, page := o.lets("bola", "own-wish"); status != 200 {
		t.Fatal(status, page)
	}
	look := func() (trail, page, proof string) {
		o.declares("visitor")
		o.asks("visitor", "GET", "/record/{citizen}", "")
		o.asks("bola", "GET", "/for/{citizen}", "")
		_, trail = o.asks("bola", "GET", "/fhir/AuditEvent?patient={citizen}", "")
		_, page = o.asks("bola", "GET", "/for/{citizen}/looked", "")
		if at := regexp.MustCompile(`/for/[^/]+/proof/\d+`).FindString(page); at != "" {
			_, proof = o.asks("bola", "GET", at, "")
		}
		return trail, page, proof
	}
	look()
	o.states(optsOut + `,"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Condition/c1"}}]}`)
	trail, page, proof := look()
	if proof == "" {
		t.Fatal("there is nothing to prove", page)
	}
	for name, text := range map[string]string{"AuditEvents": trail, "the page": page, "the proof": proof} {
		for _, words := range []string{"G4 ", "sealed", "withheld", "objection"} {
			if strings.Contains(text, words) {
				t.Errorf("%s tell who acts for them of what the person decided: %q", name, words)
			}
		}
	}
	entries, err := o.Trail(t.Context(), audit.Query{Citizen: o.citizen, User: "visitor", Limit: 1})
	if err != nil || len(entries) != 1 || !strings.Contains(strings.Join(entries[0].Decided(), " "), "G4 sealed items") {
		t.Errorf("the trail itself does not say it: %+v, %v", entries, err)
	}
}
