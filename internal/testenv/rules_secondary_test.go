package testenv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/optout"
	"selda/policy"
	"selda/population"
)

// frailty is the demonstration's agreement for secondary use: of people of 65 and over.
const frailty = "frailty-planning"

// older makes people of a practice, each with a condition; all of them born in one year.
func (o *outside) older(n, age int) (numbers []nhs.Number) {
	o.Helper()
	for i := range n {
		number := testNumber(1000 + age*100 + i)
		id := fmt.Sprintf("old-%d-%d", age, i)
		o.writes("G85915:GP", "Patient", id, `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+number.Digits()+`"}],"name":[{"family":"Secret`+fmt.Sprint(i)+`"}],"gender":"female","birthDate":"`+o.Now().AddDate(-age, -2, 0).Format(time.DateOnly)+`","address":[{"line":["9 Secret Street"]}]`)
		o.writes("G85915:GP", "Condition", "c-"+id, `"code":{"coding":[{"system":"http://snomed.info/sct","code":"404904002"}],"text":"Secret words"},"recordedDate":"2026-10-05","subject":{"reference":"Patient/`+id+`"}`)
		numbers = append(numbers, number)
	}
	return numbers
}

// releases makes a release as the analyst.
func (o *outside) releases(ask population.Ask) (population.Release, string, *population.Counts, error) {
	o.Helper()
	s, err := o.Subject("analyst")
	o.agreed("analyst", err)
	if ask.Why == "" {
		ask.Why = "planning"
	}
	var out bytes.Buffer
	o.Advance(time.Second)
	rel, counts, err := o.Region.Release(o.Context(), s, ask, &out)
	return rel, out.String(), counts, err
}

// clears has the national service clear all but some.
func (o *outside) clears(asked, optedOut []nhs.Number) {
	o.Helper()
	var back []nhs.Number
	for _, n := range asked {
		if !strings.Contains(fmt.Sprint(digits(optedOut)), n.Digits()) {
			back = append(back, n)
		}
	}
	admin, err := o.Subject("admin")
	o.agreed("admin", err)
	_, err = o.Region.LoadOptOuts(o.Context(), admin, optout.Format(back), optout.Format(asked), o.Now())
	o.agreed("opt-outs", err)
}

func digits(list []nhs.Number) (out []string) {
	for _, n := range list {
		out = append(out, n.Digits())
	}
	return out
}

// G3: an analyst gets rows and counts without names, of whom an agreement is, less
// those who opted out, and each release is logged with why.
func TestG3ReleasesWithoutNames(t *testing.T) {
	o := known(t)
	numbers := o.older(14, 70)
	o.older(3, 40) // the agreement is not of them
	o.writes("G85915:GP", "Condition", "private", `"meta":{"security":[{"system":"`+policy.LabelSystem+`","code":"hiv-sti"}]},"code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]},"subject":{"reference":"Patient/old-70-1"}`)
	o.writes("G85915:GP", "Observation", "typeone", `"status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"827241000000103"}]},"effectiveDateTime":"2026-01-05","subject":{"reference":"Patient/old-70-2"}`)
	o.writes("G85915:GP", "Consent", "research", `"status":"active","scope":{"coding":[{"code":"research"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"},"patient":{"reference":"Patient/old-70-3"}`)
	rows := population.Ask{Agreement: frailty, Rows: true}
	if _, _, _, err := o.releases(rows); !fault.Is(err, fault.Conflict) {
		t.Fatalf("who has opted out is not known, and it is released: %v", err)
	}
	folakes, err := nhs.ParseNumber(folake)
	o.agreed("number", err)
	o.clears(append(numbers, folakes), numbers[:1])
	rel, out, _, err := o.releases(rows)
	o.agreed("release", err)
	if rel.People != 11 || rel.OptedOut != 3 || !rel.National || !rel.TypeOne { // of 14; Folake has nothing that is released
		t.Errorf("%+v", rel)
	}
	for _, secret := range append(digits(numbers), "ecret", "old-70", folake, o.citizen, "86406008", "2026-10-05", "Adeyemi") {
		if strings.Contains(out, secret) {
			t.Errorf("the rows hold %q", secret)
		}
	}
	people := map[string]int{}
	for line := range strings.Lines(out) {
		var r population.Row
		o.agreed("row", json.Unmarshal([]byte(line), &r))
		people[r.Person]++
		if r.Kind == "problems" && (r.Code != "404904002" || r.Month != "2026-10") || r.Kind == "demographics" && (r.Age != "70-74" || r.Sex != "female") {
			t.Errorf("%+v", r)
		}
	}
	if len(people) != 11 {
		t.Errorf("%d people in the rows", len(people))
	}
	// What opts out of secondary use is not asked where somebody is cared for.
	for _, id := range []string{"c-old-70-0", "c-old-70-2", "c-old-70-3"} {
		if status, _ := o.asks("gp", "GET", "/fhir/Condition/"+id, ""); status != 200 {
			t.Errorf("%s is hidden from the practice: %d", id, status)
		}
	}
	_, _, counts, err := o.releases(population.Ask{Agreement: frailty, By: []population.Dimension{population.BySex, population.ByAge}})
	o.agreed("counts", err)
	if len(counts.Cells) != 1 || counts.Cells[0].People != 10 {
		t.Errorf("%+v", counts.Cells)
	}
	_, _, counts, err = o.releases(population.Ask{Agreement: frailty, By: []population.Dimension{population.BySource, population.ByCode}, Code: "827241000000103"})
	o.agreed("counts", err)
	for _, c := range counts.Cells {
		if !c.Suppressed {
			t.Errorf("few people are told: %+v", c)
		}
	}
	log, err := o.Region.Releases(t.Context(), mustSubject(o, "governance"))
	o.agreed("log", err)
	if len(log) != 3 || log[2].ID != rel.ID || log[2].Gateway != optout.Section251 || log[2].Purpose != "planning" || log[2].OptOutWhy == "" || log[2].Ended.IsZero() {
		t.Errorf("%+v", log)
	}
	found, err := o.Region.Trail.Find(t.Context(), audit.Query{User: "analyst", Action: audit.Export, Limit: 10})
	o.agreed("trail", err)
	if len(found) != 4 || !strings.Contains(strings.Join(found[0].Rules, ", "), "G1 agreement "+frailty) {
		t.Errorf("%+v", found)
	}
}

// G17: nothing is released after the end of the agreement, nor to whom it is not shared
// with, nor in any role but an analyst's.
func TestG17SecondaryUseStopsThatMinute(t *testing.T) {
	o := known(t)
	numbers := o.older(12, 70)
	ask := population.Ask{Agreement: frailty, Why: "planning", By: []population.Dimension{population.BySex}}
	a := o.Region.Agreements.Latest().Find(frailty)
	o.Advance(a.Ends.Sub(o.Now()) - 2*time.Second)
	o.clears(numbers, nil)
	if _, _, _, err := o.releases(ask); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	for _, user := range []string{"gp", "citizen", "governance", "admin", "system", "privacy"} {
		if _, _, err := o.Region.Release(t.Context(), mustSubject(o, user), ask, nil); !fault.Is(err, fault.Security) {
			t.Errorf("%s: %v", user, err)
		}
	}
	other := mustSubject(o, "analyst")
	other.Organisation = "RJZ"
	if _, _, err := o.Region.Release(t.Context(), other, ask, nil); !fault.Is(err, fault.Security) {
		t.Errorf("another organisation: %v", err)
	}
	if _, _, _, err := o.releases(population.Ask{Agreement: direct, By: ask.By}); !fault.Is(err, fault.Security) {
		t.Errorf("under an agreement for care: %v", err)
	}
	o.Advance(time.Second)
	if _, _, _, err := o.releases(ask); !fault.Is(err, fault.Security) {
		t.Errorf("after its end: %v", err)
	}
	// An analyst opens no record, whatever for.
	for _, path := range []string{"/fhir/Patient/{citizen}", "/fhir/Condition/c-old-70-1", "/fhir/Condition?patient={citizen}", "/record/{citizen}", "/fhir/Patient?family=Adeyemi"} {
		if status, body := o.asks("analyst", "GET", path, ""); status == 200 && !strings.Contains(body, `"total":0`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func mustSubject(o *outside, user string) policy.Subject {
	o.Helper()
	s, err := o.Subject(user)
	o.agreed(user, err)
	return s
}
