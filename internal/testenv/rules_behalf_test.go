package testenv

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"selda/audit"
)

// chooses sends a form of sharing choices as a user, and gives the page that answers.
func (o *outside) chooses(user, path string, form url.Values) (int, string) {
	o.Helper()
	return o.posts(user, strings.ReplaceAll(path, "{citizen}", o.citizen), form.Encode())
}

// G1: the practice where a citizen is registered states a choice for them, on an
// authority that is told: it is in force for the next query, in the trail, and the
// citizen sees who stated it, and can take it back. Nobody else may.
func TestG1OnBehalfByTheRegisteredPractice(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.declares("visitor")
	sees := func() int { return o.total("visitor", "/fhir/Condition?patient={citizen}") }
	form := url.Values{"choice": {"object"}, "authority": {"telephone"}, "evidence": {"called back on the number in the record"}, "save": {"yes"}}
	for _, user := range []string{"visitor", "social", "pharmacist", "citizen", "privacy"} {
		if status, _ := o.chooses(user, "/record/{citizen}/sharing", form); status < 400 {
			t.Errorf("%s may state it: %d", user, status)
		}
	}
	for _, missing := range []string{"authority", "evidence"} {
		less := url.Values{}
		for k, v := range form {
			if k != missing {
				less[k] = v
			}
		}
		if status, _ := o.chooses("gp", "/record/{citizen}/sharing", less); status != 422 {
			t.Errorf("without %s: %d", missing, status)
		}
	}
	if sees() != 1 {
		t.Fatal("what was refused holds")
	}
	if status, page := o.chooses("gp", "/record/{citizen}/sharing", form); status != 200 || !strings.Contains(page, "Saved.") {
		t.Fatal(status, page)
	}
	if sees() != 0 {
		t.Error("what the practice stated does not hold")
	}
	entries, err := o.Trail(t.Context(), audit.Query{Citizen: o.citizen, Action: audit.Create})
	if err != nil || len(entries) == 0 || entries[0].User != "gp" || !strings.Contains(entries[0].Reason, "telephone") {
		t.Errorf("the trail says %+v, %v", entries, err)
	}
	_, page := o.asks("citizen", "GET", "/me/sharing", "")
	for _, words := range []string{"Everything is kept from everyone", "General practitioner", "stated this for you", "by telephone", "called back on the number in the record"} {
		if !strings.Contains(page, words) {
			t.Errorf("the citizen is not told %q", words)
		}
	}
	if _, page := o.asks("gp", "GET", "/record/{citizen}/sharing", ""); strings.Contains(page, "kept from everyone") {
		t.Error("staff are told what is in force")
	}
	back := regexp.MustCompile(`/me/sharing/back/([^"]+)"`).FindStringSubmatch(page)
	if back == nil {
		t.Fatal("the citizen can't take it back")
	}
	if status, page := o.chooses("citizen", "/me/sharing", url.Values{"choice": {"back"}, "back": {back[1]}, "save": {"yes"}}); status != 200 || sees() != 1 {
		t.Error("taken back, and it holds", status, page)
	}
	// The practice takes back all that was stated, without being told what.
	o.chooses("citizen", "/me/sharing", url.Values{"choice": {"object"}, "save": {"yes"}})
	form.Set("choice", "share")
	if status, _ := o.chooses("gp", "/record/{citizen}/sharing", form); status != 200 || sees() != 1 {
		t.Error("the citizen shares again, by their practice, and it is withheld", status)
	}
}

// G4, G10: what the page shows before it saves is what happens then, and tells
// nothing of items that have not reached the citizen.
func TestG4ThePreviewIsWhatHappens(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("G85915:GP", "MedicationRequest", "m1", `"status":"active","intent":"order","medicationCodeableConcept":{"text":"Salbutamol"},`+atGP)
	o.writes("RJZ:PAS", "Procedure", "secret", `"meta":{"security":[{"system":"https://selda.example/labels","code":"safeguarding"}]},"status":"completed","code":{"text":"SECRET"},`+atKings)
	o.declares("doctor")
	form := url.Values{"choice": {"kind"}, "kind": {"medications", "procedures"}, "organisation": {"RJZ"}, "details": {"yes"}}
	// What a source asserts, and keeps from the person, does not show in what they are told.
	o.writes("RJZ:PAS", "Consent", "hidden", `"meta":{"security":[{"system":"https://selda.example/labels","code":"safeguarding"}]},"status":"active","category":[{"text":"x"}],`+optsOut+`,"provision":{"type":"deny","class":[{"code":"medications"}],"actor":[`+kings+`]},"patient":{"reference":"Patient/p-rjz"}`)
	if n := o.total("doctor", "/fhir/MedicationRequest?patient={citizen}"); n != 0 {
		t.Fatal("what a source asserts does not hold")
	}
	_, page := o.chooses("citizen", "/me/sharing", form)
	o.writes("RJZ:PAS", "Consent", "hidden", `"status":"inactive","category":[{"text":"x"}],`+optsOut+`,"patient":{"reference":"Patient/p-rjz"}`)
	if !strings.Contains(page, "King&#39;s College Hospital will not see your medicines from other services.") || strings.Contains(page, "SECRET") {
		t.Error(page)
	}
	if n := o.total("doctor", "/fhir/MedicationRequest?patient={citizen}"); n != 1 {
		t.Error("it holds before it is saved")
	}
	form.Set("save", "yes")
	o.chooses("citizen", "/me/sharing", form)
	if m, c := o.total("doctor", "/fhir/MedicationRequest?patient={citizen}"), o.total("doctor", "/fhir/Condition?patient={citizen}"); m != 0 || c != 1 {
		t.Errorf("%d medicines and %d conditions are seen", m, c)
	}
	// One thing alone, and back.
	o.chooses("citizen", "/me/sharing", url.Values{"choice": {"item"}, "item": {"Condition/c1"}, "save": {"yes"}})
	if c := o.total("doctor", "/fhir/Condition?patient={citizen}"); c != 0 {
		t.Error("the item is seen")
	}
	for _, path := range []string{"/me/sharing/item/Procedure/secret", "/me/sharing/item/Procedure/none"} {
		if status, page := o.asks("citizen", "GET", path, ""); status != 404 || strings.Contains(page, "SECRET") {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := o.chooses("citizen", "/me/sharing", url.Values{"choice": {"share"}, "save": {"yes"}}); status != 200 || o.total("doctor", "/fhir/Condition?patient={citizen}") != 1 {
		t.Error("shared again, and it is withheld")
	}
	// From a day to come: not yet in force, told with what is, and taken back before it begins.
	day := o.Now().Add(48 * time.Hour).Format(time.DateOnly)
	if status, page := o.chooses("citizen", "/me/sharing", url.Values{"choice": {"object"}, "from": {day}, "save": {"yes"}}); status != 200 || o.total("doctor", "/fhir/Condition?patient={citizen}") != 1 || !strings.Contains(strings.Split(page, "Change how you share")[0], "from 7 November 2026") {
		t.Error(status, page)
	}
	for _, wrong := range []url.Values{{"from": {"2026-11-01"}}, {"until": {"2026-11-04"}}, {"from": {day}, "until": {o.Now().Format(time.DateOnly)}}, {"from": {"soon"}}} {
		wrong.Set("choice", "object")
		wrong.Set("save", "yes")
		if status, _ := o.chooses("citizen", "/me/sharing", wrong); status != 422 {
			t.Errorf("%v: %d", wrong, status)
		}
	}
	if _, page := o.asks("citizen", "GET", "/me/sharing", ""); !strings.Contains(page, "What you chose before") || !strings.Contains(page, "“Asthma” is kept from everyone") {
		t.Error("the history is not told")
	}
}
