package testenv

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/nhs"
	"selda/policy"
)

// G2: a privacy officer has the trail of the own organisation's people and
// systems, and of nobody else's.
func TestG2TheOwnOrganisationsTrail(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	o.declares("visitor")
	for _, user := range []string{"doctor", "visitor", "gp"} {
		if status, _ := o.asks(user, "GET", "/record/{citizen}", ""); status != 200 {
			t.Fatal(user, status)
		}
	}
	_, body := o.asks("privacy", "GET", "/privacy/trail", "")
	for name, want := range map[string]bool{"Whitfield": true, "Sharma": false, "Okafor": false} {
		if strings.Contains(body, name) != want {
			t.Errorf("the trail of King's shows %s: %t", name, !want)
		}
	}
	for _, user := range []string{"doctor", "gp", "engineer", "admin", "citizen", "analyst", "governance"} {
		if status, body := o.asks(user, "GET", "/privacy/trail", ""); status == 200 || strings.Contains(body, "Sharma") {
			t.Errorf("%s opens the trail: %d", user, status)
		}
	}
	all, err := o.Trail(t.Context(), audit.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if line, _ := json.Marshal(e); strings.Contains(string(line), "ADEYEMI") || strings.Contains(string(line), folake) {
			t.Errorf("the trail holds demographics: %s", line)
		}
	}
}

// G6: allergies are recorded, positively none known, not recorded, or not to be
// had as a source that would know is out: never one for another.
func TestG6FourStatesOfAllergies(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	state := func(want string) {
		t.Helper()
		_, body := o.asks("doctor", "GET", "/record/{citizen}", "")
		_, banner, _ := strings.Cut(body, `<section class="s-banner`)
		banner, _, _ = strings.Cut(banner, "</section>")
		for _, s := range []string{"nothing recorded", "no known allergies", "source unavailable", "PENICILLIN"} {
			if got := strings.Contains(strings.ToLower(banner), strings.ToLower(s)); got != (s == want) {
				t.Errorf("want %q: %q is there: %t", want, s, got)
			}
		}
	}
	state("nothing recorded")
	o.Advance(25 * time.Hour)
	o.declares("doctor")
	state("source unavailable")
	o.writes("G85915:GP", "AllergyIntolerance", "none", `"code":{"coding":[{"system":"http://snomed.info/sct","code":"716186003","display":"No known allergy"}]},"patient":{"reference":"Patient/p-g85915"}`)
	state("no known allergies")
	o.writes("RJZ:PAS", "AllergyIntolerance", "a1", `"clinicalStatus":{"coding":[{"code":"active"}]},"code":{"text":"PENICILLIN"},"patient":{"reference":"Patient/p-rjz"}`)
	state("PENICILLIN")
}

// G26: the banner says who it is, the same on every page of the record; of the
// dead it has a form of its own; titles carry the name, addresses do not.
func TestG26TheBannerIsOnEveryPage(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Flag", "f1", `"status":"active","code":{"text":"Risk of falls"},`+atGP)
	o.writes("G85915:GP", "AllergyIntolerance", "a1", `"clinicalStatus":{"coding":[{"code":"active"}]},"code":{"text":"Penicillin"},"patient":{"reference":"Patient/p-g85915"}`)
	o.writes("RJZ:PAS", "Patient", "p-rjz", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","gender":"female"`)
	o.declares("doctor")
	banner := func(path string) (string, string) {
		status, body := o.asks("doctor", "GET", path, "")
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		title, _, _ := strings.Cut(body, "</title>")
		_, b, _ := strings.Cut(body, `<section class="s-banner`)
		b, _, _ = strings.Cut(b, "</section>")
		return b, title
	}
	first, _ := banner("/record/{citizen}")
	for _, want := range []string{"ADEYEMI, Folake", "05-Nov-1951", "75y", "Female", "999 123 4519", "Penicillin", "Risk of falls"} {
		if !strings.Contains(first, want) {
			t.Errorf("the banner has no %s: %s", want, first)
		}
	}
	for _, s := range []string{"problems", "medicines", "allergies", "results", "documents", "plans", "encounters", "timeline", "care-team", "origin/Flag/f1", "emergency"} {
		if b, title := banner("/record/{citizen}/" + s); b != first || !strings.Contains(title, "ADEYEMI, Folake") {
			t.Errorf("%s has another banner or title: %s", s, title)
		}
	}
	o.writes("RJZ:PAS", "Patient", "p-rjz", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","gender":"female","deceasedDateTime":"2026-11-04"`)
	if b, _ := banner("/record/{citizen}"); b == first || !strings.Contains(b, "04-Nov-2026") {
		t.Errorf("the banner of the dead is that of the living: %s", b)
	}
}

// G10: a result or a letter that has just come waits, whichever door it came by.
func TestG10ByEveryDoor(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	pid := "PID|1||" + folake + "^^^NHS^NH~G1^^^RJ1^MR||ADEYEMI^FOLAKE||19511105|F\n"
	for _, m := range []string{
		"MSH|^~\\&|LAB|RJ1|SELDA|QKK|20261105080000||ORU^R01^ORU_R01|L1|P|2.4\n" + pid + "OBR|1|P1|F1|U&E^Urea and electrolytes|||20261105070000|||||||||||||||20261105075900|||F\nOBX|1|NM|NA^Sodium||141|mmol/L|||||F\nOBX|2|TX|COM^Comment||FRESHWORDS||||||F\n",
		"MSH|^~\\&|LAB|RJ1|SELDA|QKK|20261105080000||ORU^R01^ORU_R01|L2|P|2.4\n" + pid + "OBR|1|P2|F2|HIST^Histology|||20261105070000|||||||||||||||20261105075900|||F\nOBX|1|ED|PDF^Report||^application^pdf^Base64^JVBERi0xLjQK||||||F\n",
		"MSH|^~\\&|DOC|RJ1|SELDA|QKK|20261105080000||MDM^T02^MDM_T02|D1|P|2.4\nEVN|T02|20261105080000\n" + pid + "PV1|1|O\nTXA|1|CN^Clinic letter|TX|20261105070000||||||||D0001||||||AU\nOBX|1|TX|L^Letter||FRESHWORDS||||||F\n",
	} {
		if ack, err := o.Send(t.Context(), []byte(strings.ReplaceAll(m, "\n", "\r"))); err != nil || ack.First("MSA").Comp(1, 1).Text() != "AA" {
			t.Fatal(ack, err)
		}
	}
	document, _ := letter(t)
	if sum, err := o.Ingest(t.Context(), "RV5:EPR", "cda", "", "letter.xml", document); err != nil || sum.Stored != 1 {
		t.Fatal(sum, err)
	}
	for _, typ := range []string{"Observation", "DiagnosticReport", "DocumentReference"} {
		path := "/fhir/" + typ + "?patient={citizen}&date=ge2026-11-05"
		if n := o.total("doctor", path); n == 0 {
			t.Errorf("the doctor finds no %s", typ)
		}
		if n := o.total("citizen", path); n != 0 {
			_, body := o.asks("citizen", "GET", path, "")
			t.Errorf("%d of %s have reached the citizen already: %s", n, typ, body)
		}
	}
	if where := o.sees("citizen", "FRESHWORDS", "/me", "/me/results", "/me/letters", "/me/record", "/fhir/Patient/{citizen}/$everything"); len(where) > 0 {
		t.Errorf("it is at %v", where)
	}
	o.Advance(policy.ReleaseDelay + time.Hour)
	if n := o.total("citizen", "/fhir/Observation?patient={citizen}&date=ge2026-11-05"); n == 0 {
		t.Error("it never reaches the citizen")
	}
}
