package testenv

import (
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/auth"
	"selda/nhs"
)

// dies has a hospital state that Folake has died, or that she is alive.
func (o *outside) dies(about string) {
	o.Helper()
	o.writes("RJZ:PAS", "Patient", "p-rjz", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`+about)
}

// G20: a death that a source states wrongly is taken back by the practice, with who
// did and why; what had ended with it goes on at once, whatever the source repeats;
// another source's word counts again.
func TestG20AWrongDeathIsTakenBack(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.helper("bola", "Bola Adeyemi")
	if status, page := o.lets("bola", "own-wish"); status != 200 {
		t.Fatal(status, page)
	}
	banner := func(user string) bool {
		_, page := o.asks(user, "GET", "/record/{citizen}", "")
		return strings.Contains(page, "s-banner--dead")
	}
	check := func(alive bool) {
		t.Helper()
		if status, _ := o.asks("citizen", "GET", "/me", ""); (status == 200) != alive {
			t.Errorf("alive %t: the citizen's page answers %d", alive, status)
		}
		if o.opensFor("bola") != alive {
			t.Errorf("alive %t: who acts for them sees the record: %t", alive, !alive)
		}
		if banner("gp") == alive {
			t.Errorf("alive %t: the banner says otherwise", alive)
		}
		_, body := o.asks("gp", "GET", "/fhir/Patient/{citizen}", "")
		if strings.Contains(body, `"deceased`) == alive {
			t.Errorf("alive %t: %s", alive, body)
		}
	}
	check(true)
	o.dies(`,"deceasedDateTime":"2026-11-04"`)
	check(false)
	wrong := "by=RJZ:PAS&reason=she+was+here+this+morning"
	for _, user := range []string{"doctor", "visitor", "privacy", "bola", "citizen"} {
		o.mayDeclare(user)
		if status, _ := o.posts(user, "/record/"+o.citizen+"/death", wrong); status < 400 {
			t.Errorf("%s takes a death back: %d", user, status)
		}
	}
	if status, _ := o.posts("gp", "/record/"+o.citizen+"/death", "by=RJZ:PAS&reason="); status != 422 {
		t.Error("without a reason", status)
	}
	check(false)
	status, page := o.posts("gp", "/record/"+o.citizen+"/death", wrong)
	for _, words := range []string{"Saved.", "she was here this morning", "General practitioner", "it does not count"} {
		if status != 200 || !strings.Contains(page, words) {
			t.Errorf("%d, and the page does not say %q", status, words)
		}
	}
	check(true)
	if _, page := o.asks("gp", "GET", "/record/{citizen}", ""); !strings.Contains(page, "a source states a death, which the practice found to be wrong") {
		t.Error("the conflict is not shown")
	}
	entries, err := o.Trail(t.Context(), audit.Query{Citizen: o.citizen, Action: audit.Update})
	if err != nil || len(entries) == 0 || entries[0].User != "gp" || !strings.Contains(entries[0].Reason, "she was here this morning") {
		t.Errorf("the trail says %+v, %v", entries, err)
	}
	o.dies(`,"deceasedDateTime":"2026-11-04","gender":"female"`) // repeated
	check(true)
	o.writes("RJ1:PAS", "Patient", "p-rj1", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","deceasedDateTime":"2026-11-05"`)
	check(false)
	o.dies(`,"deceasedBoolean":false`)
	check(false) // one that says otherwise is shown, and does not outweigh it
	if _, page := o.asks("gp", "GET", "/record/{citizen}", ""); !strings.Contains(page, "a source states that they have died, another that they have not") {
		t.Error("sources that differ are not shown")
	}
}

// G20: who reviews a death sees the record of somebody who has died, for the case
// that they name, for that purpose alone and for a while; seals and objections persist.
func TestG20ReviewOfADeath(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	for user, role := range map[string]nhs.Role{"examiner": nhs.MedicalExaminer, "coroner": nhs.Coroner, "cdop": nhs.ChildDeathReviewer} {
		if err := o.Region.Auth.Accounts.Put(auth.Account{User: user, Name: user, Role: role, Organisation: "RJZ"}); err != nil {
			t.Fatal(err)
		}
	}
	sees := func(user string) bool {
		t.Helper()
		status, _ := o.asks(user, "GET", "/fhir/Condition/c1", "")
		return status == 200
	}
	names := func(user string) int {
		t.Helper()
		status, _ := o.posts(user, "/record/"+o.citizen+"/declare", "why=case")
		return status
	}
	names("examiner")
	if sees("examiner") {
		t.Error("the record of the living is open to a medical examiner")
	}
	o.Advance(13 * time.Hour)
	o.dies(`,"deceasedDateTime":"2026-11-05"`)
	if sees("examiner") {
		t.Error("without a case")
	}
	for _, user := range []string{"examiner", "coroner", "cdop"} {
		if status := names(user); status >= 400 {
			t.Errorf("%s can't name a case: %d", user, status)
		}
	}
	if !sees("examiner") || !sees("coroner") {
		t.Error("who reviews the death does not see the record")
	}
	if sees("cdop") {
		t.Error("the death of an adult is open to reviewers of children's deaths")
	}
	s, err := o.Subject("examiner")
	if err != nil || s.Purpose != nhs.DecedentReview {
		t.Fatal(s.Purpose, err)
	}
	s.Purpose = nhs.Treatment
	if _, err := o.Region.Access.Record(t.Context(), s, o.citizen, "record"); err == nil {
		t.Error("a medical examiner opens records for treatment")
	}
	o.writes("G85915:GP", "Consent", "k1", `"status":"active","category":[{"text":"x"}],`+optsOut+`,"provision":{"type":"deny"},"patient":{"reference":"Patient/p-g85915"}`)
	if sees("examiner") {
		t.Error("an objection ends with the death")
	}
	o.writes("G85915:GP", "Consent", "k1", `"status":"inactive","category":[{"text":"x"}],`+optsOut+`,"patient":{"reference":"Patient/p-g85915"}`)
	o.Advance(100 * 24 * time.Hour)
	names("examiner")
	names("coroner")
	if sees("examiner") || !sees("coroner") {
		t.Error("a medical examiner has 90 days, a coroner longer")
	}
}
