package testenv

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"selda/nhs"
)

// states posts a Consent as the citizen, and gives its id.
func (o *outside) states(about string) string {
	o.Helper()
	status, body := o.asks("citizen", "POST", "/fhir/Consent", `{"resourceType":"Consent","status":"active",`+about+`}`)
	var c struct{ ID string }
	if err := json.Unmarshal([]byte(body), &c); err != nil || status != 201 {
		o.Fatal(status, body)
	}
	return c.ID
}

// takesBack sets a Consent of the citizen to inactive.
func (o *outside) takesBack(id string) {
	o.Helper()
	if status, body := o.asks("citizen", "PUT", "/fhir/Consent/"+id, `{"resourceType":"Consent","id":"`+id+`","status":"inactive"}`); status != 200 {
		o.Fatal(status, body)
	}
}

const (
	optsIn  = `"scope":{"coding":[{"code":"patient-privacy"}]},"policyRule":{"coding":[{"code":"OPTIN"}]}`
	optsOut = `"scope":{"coding":[{"code":"patient-privacy"}]},"policyRule":{"coding":[{"code":"OPTOUT"}]}`
	kings   = `{"reference":{"identifier":{"system":"` + nhs.ODSSystem + `","value":"RJZ"}}}`
)

// G4: the common shapes of Consent, each in force for the next query, whatever
// way is asked; and taken back as soon.
func TestG4ConsentsInForceForTheNextQuery(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"coding":[{"system":"http://snomed.info/sct","code":"195967001"}],"text":"Asthma"},"onsetDateTime":"2024-05-01",`+atGP)
	o.writes("G85915:GP", "MedicationRequest", "m1", `"status":"active","intent":"order","medicationCodeableConcept":{"text":"Salbutamol"},"authoredOn":"2026-05-01","reasonReference":[{"reference":"Condition/c1"}],`+atGP)
	o.writes("G85915:GP", "CareTeam", "team", `"status":"active","managingOrganization":`+strings.TrimSuffix(strings.TrimPrefix(kings, `{"reference":`), `}`)+`,`+atGP)
	o.declares("visitor")
	o.declares("doctor")
	now := o.Now()
	for _, c := range []struct{ name, about, want string }{
		{"nothing", "", "c1m1 c1m1"},
		{"opt-out", optsOut + `,"provision":{"type":"deny"}`, " "},
		{"opt-out but an organisation", optsOut + `,"provision":{"type":"deny","provision":[{"type":"permit","actor":[` + kings + `]}]}`, " c1m1"},
		{"opt-out but a care team", optsOut + `,"provision":{"type":"deny","provision":[{"type":"permit","actor":[{"reference":{"reference":"CareTeam/team"}}]}]}`, " c1m1"},
		{"opt-out but a class", optsOut + `,"provision":{"type":"deny","provision":[{"type":"permit","class":[{"code":"MedicationRequest"}]}]}`, "m1 m1"},
		{"two levels", optsOut + `,"provision":{"type":"deny","provision":[{"type":"permit","actor":[` + kings + `],"provision":[{"type":"deny","class":[{"code":"medications"}]}]}]}`, " c1"},
		{"opt-in but an organisation", optsIn + `,"provision":{"type":"permit","provision":[{"type":"deny","actor":[` + kings + `]}]}`, "c1m1 "},
		{"a role", optsIn + `,"provision":{"type":"permit","provision":[{"type":"deny","actor":[{"role":{"coding":[{"code":"hospital-doctor"}]},"reference":{"display":"doctors"}}]}]}`, " "},
		{"a user", optsIn + `,"provision":{"type":"deny","actor":[{"reference":{"identifier":{"system":"https://selda.example/user","value":"visitor"}}}]}`, " c1m1"},
		{"a code", optsOut + `,"provision":{"type":"deny","code":[{"coding":[{"system":"http://snomed.info/sct","code":"195967001"}]}]}`, "m1 m1"},
		{"data of a time", optsOut + `,"provision":{"type":"deny","dataPeriod":{"end":"2025"}}`, "m1 m1"},
		{"an item", optsOut + `,"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"MedicationRequest/m1"}}]}`, "c1 c1"},
		{"an item and what refers to it", optsOut + `,"provision":{"type":"deny","data":[{"meaning":"dependents","reference":{"reference":"Condition/c1"}}]}`, " "},
		{"an item and what it refers to", optsOut + `,"provision":{"type":"deny","data":[{"meaning":"related","reference":{"reference":"MedicationRequest/m1"}}]}`, " "},
		{"an item that refers to nothing", optsOut + `,"provision":{"type":"deny","data":[{"meaning":"related","reference":{"reference":"Condition/c1"}}]}`, "m1 m1"},
		{"but an item and what it refers to", optsOut + `,"provision":{"type":"deny","provision":[{"type":"permit","data":[{"meaning":"related","reference":{"reference":"MedicationRequest/m1"}}]}]}`, "c1m1 c1m1"},
		{"what the practice wrote", optsOut + `,"provision":{"type":"deny","data":[{"meaning":"authoredby","reference":{"identifier":{"system":"` + nhs.ODSSystem + `","value":"G85915"}}}]}`, " "},
		{"somebody who can't be told", optsOut + `,"provision":{"type":"deny","actor":[{"reference":{"display":"my neighbour"}}]}`, " "},
		{"from tomorrow", optsOut + `,"provision":{"type":"deny","period":{"start":"` + now.Add(24*time.Hour).Format(time.DateOnly) + `"}}`, "c1m1 c1m1"},
		{"until yesterday", optsOut + `,"provision":{"type":"deny","period":{"end":"` + now.Add(-24*time.Hour).Format(time.DateOnly) + `"}}`, "c1m1 c1m1"},
		{"until today", optsOut + `,"provision":{"type":"deny","period":{"end":"` + now.Format(time.DateOnly) + `"}}`, " "},
	} {
		id := ""
		if c.about != "" {
			id = o.states(c.about)
		}
		var got []string
		for _, user := range []string{"visitor", "doctor"} {
			shown := ""
			for item, path := range map[string]string{"c1": "/fhir/Condition", "m1": "/fhir/MedicationRequest"} {
				n, status := o.total(user, path+"?patient={citizen}"), 0
				if status, _ = o.asks(user, "GET", path+"/"+item, ""); (status == 200) != (n == 1) {
					t.Errorf("%s: %s reads %s with %d, and finds %d", c.name, user, item, status, n)
				}
				if n == 1 && item == "c1" {
					shown = item + shown
				} else if n == 1 {
					shown += item
				}
			}
			got = append(got, shown)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: visitor and doctor see %q, want %q", c.name, s, c.want)
		}
		if id != "" {
			o.takesBack(id)
		}
		if n := o.total("visitor", "/fhir/Condition?patient={citizen}"); n != 1 {
			t.Fatalf("%s: taken back, and %d are seen", c.name, n)
		}
	}
}

// G4: an opt-in about everything takes back what the citizen has stated before,
// while it is in force; one that a source asserts does not.
func TestG4AnOptInStatesTheChoiceAnew(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.declares("visitor")
	sees := func() int { return o.total("visitor", "/fhir/Condition?patient={citizen}") }
	o.states(optsOut + `,"provision":{"type":"deny"}`)
	o.writes("RJZ:PAS", "Consent", "assert", `"status":"active","category":[{"text":"x"}],`+optsIn+`,"patient":{"reference":"Patient/p-rjz"}`)
	if sees() != 0 {
		t.Error("what a source asserts takes back what the citizen has stated")
	}
	o.states(optsIn + `,"provision":{"type":"permit","period":{"end":"` + o.Now().Format(time.DateOnly) + `"}}`)
	if sees() != 1 {
		t.Error("the citizen shares again, and it is withheld")
	}
	o.Advance(24 * time.Hour)
	o.declares("visitor")
	if sees() != 0 {
		t.Error("the opt-in is over, and the opt-out before it is not in force")
	}
}

// What a source asserts of a citizen is in force as their own word is, and is
// its own to take back.
func TestG4WhatASourceAsserts(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.declares("visitor")
	about := `"category":[{"text":"x"}],` + optsOut + `,"provision":{"type":"deny"},"patient":{"reference":"Patient/p-rjz"}`
	o.writes("RJZ:PAS", "Consent", "assert", `"status":"active",`+about)
	if n := o.total("visitor", "/fhir/Condition?patient={citizen}"); n != 0 {
		t.Errorf("%d are seen", n)
	}
	if status, body := o.asks("citizen", "PUT", "/fhir/Consent/assert", `{"resourceType":"Consent","id":"assert","status":"inactive"}`); status != 403 {
		t.Error("the citizen takes back what a source asserts:", status, body)
	}
	o.writes("RJZ:PAS", "Consent", "assert", `"status":"inactive",`+about)
	if n := o.total("visitor", "/fhir/Condition?patient={citizen}"); n != 1 {
		t.Errorf("taken back, and %d are seen", n)
	}
}

// Who states a Consent is told how it was understood, and what can't be
// honoured is refused and changes nothing.
func TestG4WhoStatesItIsToldWhatWasUnderstood(t *testing.T) {
	o := known(t)
	a, err := o.Do(t.Context(), "citizen", "POST", "/fhir/Consent", []byte(`{"resourceType":"Consent","status":"active",`+optsOut+`,"provision":{"type":"deny","provision":[{"type":"permit","actor":[`+kings+`,{"reference":{"display":"Dr Who"}}]}]}}`), "Prefer: return=OperationOutcome")
	if err != nil {
		t.Fatal(err)
	}
	body := string(a.Body)
	if a.Status != 201 || !strings.Contains(body, `"warning"`) || !strings.Contains(body, "Everything is kept from everyone, except King's College Hospital") || !strings.Contains(body, "provision[0].actor[1]") {
		t.Error(a.Status, body)
	}
	// A source system is told, too, and its word is taken as it is.
	o.writes("RJ1:API", "Patient", "p-rj1", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`)
	a, err = o.Do(t.Context(), "system", "POST", "/fhir/Consent", []byte(`{"resourceType":"Consent","status":"active","scope":{"text":"x"},"category":[{"text":"x"}],"policyRule":{"coding":[{"code":"OPTOUT"}]},"patient":{"reference":"Patient/p-rj1"},"provision":{"type":"deny","class":[{"code":"application/hl7-cda+xml"}]}}`), "Prefer: return=OperationOutcome")
	if err != nil || a.Status != 201 || !strings.Contains(string(a.Body), "this kind is not known") || !strings.Contains(string(a.Body), "Everything is kept from everyone") {
		t.Error(a.Status, string(a.Body), err)
	}
	before := o.total("citizen", "/fhir/Consent?patient={citizen}")
	if status, body := o.asks("citizen", "POST", "/fhir/Consent", `{"resourceType":"Consent","status":"active",`+optsOut+`,"provision":{"type":"permit"}}`); status != 422 || !strings.Contains(body, "permits everything") {
		t.Error(status, body)
	}
	if n := o.total("citizen", "/fhir/Consent?patient={citizen}"); n != before {
		t.Errorf("what was refused is stored: %d, then %d", before, n)
	}
}
