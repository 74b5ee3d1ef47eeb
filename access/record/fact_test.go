package record

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// said makes a View of what sources said, in the order in which they said it:
// "RJZ:PAS {…}".
func said(t *testing.T, lines ...string) *View {
	t.Helper()
	v := &View{}
	for i, line := range lines {
		source, body, _ := strings.Cut(line, " ")
		r, err := fhir.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		when, _ := fhir.Time(date(r.Root(), "authoredOn", "onsetDateTime", "recordedDate", "date"))
		v.Items = append(v.Items, Item{Res: r, Version: &store.Version{When: when, Columns: policy.Columns{Type: r.Type, ID: fmt.Sprint("i", i),
			Source: nhs.Source(source), Recorded: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)}}})
	}
	return v
}

func told(facts []Fact) string {
	var out []string
	for _, f := range facts {
		s := f.Group + ": " + f.Title
		if f.Detail != "" {
			s += ", " + f.Detail
		}
		for _, c := range f.Conflict {
			s += " | " + string(c.Source) + " " + c.Words
		}
		out = append(out, fmt.Sprintf("%s (%d)", s, len(f.Items)))
	}
	return strings.Join(out, "\n")
}

func problem(status, onset string) string {
	return `{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"` + status + `"}]},"code":{"coding":[{"system":"http://snomed.info/sct","code":"49436004","display":"Atrial fibrillation"}]},"onsetDateTime":"` + onset + `"}`
}

// What one source holds to be so is not hidden by what another has closed; of
// one source its last word counts.
func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"two agree":                   {[]string{"G85001:GP " + problem("active", "2018"), "RJZ:PAS " + problem("active", "2019")}, "active: Atrial fibrillation (2)"},
		"a later one closed it":       {[]string{"G85001:GP " + problem("active", "2018"), "RJZ:PAS " + problem("resolved", "2018")}, "active: Atrial fibrillation | RJZ:PAS past | G85001:GP active (2)"},
		"an earlier one closed it":    {[]string{"RJZ:PAS " + problem("resolved", "2018"), "G85001:GP " + problem("active", "2018")}, "active: Atrial fibrillation | G85001:GP active | RJZ:PAS past (2)"},
		"the same source closed it":   {[]string{"G85001:GP " + problem("active", "2018"), "G85001:GP " + problem("resolved", "2018")}, "past: Atrial fibrillation (2)"},
		"closed by both in the end":   {[]string{"G85001:GP " + problem("active", "2018"), "RJZ:PAS " + problem("resolved", "2018"), "G85001:GP " + problem("resolved", "2018")}, "past: Atrial fibrillation (3)"},
		"opened again by the same":    {[]string{"G85001:GP " + problem("resolved", "2018"), "G85001:GP " + problem("active", "2020")}, "active: Atrial fibrillation (2)"},
		"one that is refuted is gone": {[]string{`G85001:GP {"resourceType":"Condition","verificationStatus":{"coding":[{"code":"refuted"}]},"code":{"text":"x"}}`}, ""},
	} {
		if got := told(said(t, c.lines...).Problems()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
	facts := said(t, "RJZ:PAS "+problem("active", "2019-05-01"), "G85001:GP "+problem("active", "2018")).Problems()
	if facts[0].WhenText != "2018" {
		t.Error("a problem began when it was first said to have begun:", facts[0].WhenText)
	}
}

func medicine(name, status, dose, on string) string {
	return `{"resourceType":"MedicationRequest","status":"` + status + `","intent":"order","medicationCodeableConcept":{"text":"` + name + `"},"courseOfTherapyType":{"text":"repeat"},"authoredOn":"` + on + `","dosageInstruction":[{"text":"` + dose + `"}]}`
}

func TestMedicines(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"one medicine in two spellings": {[]string{"G85001:GP " + medicine("Furosemide 40mg tablets", "active", "one a day", "2026-01-01"), "RJZ:PAS " + medicine("furosemide 40 mg tablet", "active", "one a day", "2026-02-01")},
			"repeat: furosemide 40 mg tablet, one a day (2)"},
		"two strengths are two": {[]string{"G85001:GP " + medicine("Bisoprolol 1.25mg tablets", "active", "one", "2026-01-01"), "G85001:GP " + medicine("Bisoprolol 2.5mg tablets", "active", "one", "2026-01-01")},
			"repeat: Bisoprolol 1.25mg tablets, one (1)\nrepeat: Bisoprolol 2.5mg tablets, one (1)"},
		"two doses": {[]string{"G85001:GP " + medicine("Furosemide 40mg tablets", "active", "one a day", "2026-01-01"), "RJZ:PAS " + medicine("Furosemide 40mg tablets", "active", "two a day", "2026-02-01")},
			"repeat: Furosemide 40mg tablets, two a day | RJZ:PAS two a day | G85001:GP one a day (2)"},
		"stopped in hospital, still on the GP's list": {[]string{"G85001:GP " + medicine("Ramipril 5mg capsules", "active", "one", "2026-01-01"), "RJZ:PAS " + medicine("Ramipril 5mg capsules", "stopped", "one", "2026-02-01")},
			"repeat: Ramipril 5mg capsules, one | RJZ:PAS stopped | G85001:GP one (2)"},
		"stopped by the one that gave it": {[]string{"G85001:GP " + medicine("Ramipril 5mg capsules", "active", "one", "2026-01-01"), "G85001:GP " + medicine("Ramipril 5mg capsules", "stopped", "one", "2026-02-01")},
			"stopped: Ramipril 5mg capsules, one (2)"},
	} {
		if got := told(said(t, c.lines...).Medicines()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// G6: allergies are in one of four states; a contradiction is recorded, and shown.
func TestAllergies(t *testing.T) {
	penicillin := `{"resourceType":"AllergyIntolerance","clinicalStatus":{"coding":[{"code":"active"}]},"code":{"text":"Penicillin"}}`
	resolved := strings.Replace(penicillin, "active", "resolved", 1)
	none := `{"resourceType":"AllergyIntolerance","code":{"coding":[{"system":"http://snomed.info/sct","code":"716186003"}],"text":"No known allergy"}}`
	for name, c := range map[string]struct {
		lines       []string
		state, want string
	}{
		"nothing":                {nil, AllergiesNotRecorded, ""},
		"recorded":               {[]string{"G85001:GP " + penicillin}, AllergiesRecorded, "active: Penicillin (1)"},
		"none known":             {[]string{"G85001:GP " + none}, AllergiesNoneKnown, ": No known allergies (1)"},
		"contradicted":           {[]string{"G85001:GP " + penicillin, "RJZ:PAS " + none}, AllergiesRecorded, "active: Penicillin | G85001:GP Penicillin | RJZ:PAS no known allergies (2)"},
		"resolved, none known":   {[]string{"G85001:GP " + resolved, "RJZ:PAS " + none}, AllergiesNoneKnown, ": No known allergies (1)\npast: Penicillin (1)"},
		"resolved only":          {[]string{"G85001:GP " + resolved}, AllergiesNotRecorded, "past: Penicillin (1)"},
		"closed by another only": {[]string{"G85001:GP " + penicillin, "RJZ:PAS " + resolved}, AllergiesRecorded, "active: Penicillin | RJZ:PAS no longer allergic | G85001:GP allergic (2)"},
	} {
		state, facts := said(t, c.lines...).Allergies()
		if got := told(facts); state != c.state || got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", name, state, got, c.want)
		}
	}
}

// What was diagnosed at a stay is no problem of the list, and what a list has
// is one row with the stay as its witness.
func TestProblemsOfListsAndVisits(t *testing.T) {
	coded := func(category, sure, system, code, words string) string {
		return `{"resourceType":"Condition","category":[{"coding":[{"code":"` + category + `"}]}],"clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":{"coding":[{"code":"` + sure + `"}]},
			"code":{"coding":[{"system":"` + system + `","code":"` + code + `"}],"text":"` + words + `"}}`
	}
	list := coded("problem-list-item", "confirmed", "http://snomed.info/sct", "84114007", "Heart failure")
	stay := coded("encounter-diagnosis", "confirmed", "http://hl7.org/fhir/sid/icd-10", "N17.9", "Acute kidney injury")
	same := coded("encounter-diagnosis", "confirmed", "http://snomed.info/sct", "14669001", "Acute kidney injury")
	reason := coded("encounter-diagnosis", "unconfirmed", "http://hl7.org/fhir/sid/icd-10", "R06.0", "Shortness of breath")
	known := coded("encounter-diagnosis", "confirmed", "http://hl7.org/fhir/sid/icd-10", "I50.9", "heart failure")
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"a list, and a stay":                {[]string{"G85001:GP " + list, "RJZ:PAS " + stay}, "active: Heart failure (1)\nvisit: Acute kidney injury (1)"},
		"coded in two systems":              {[]string{"G85001:GP " + list, "RJZ:PAS " + stay, "RJZ:EPR " + same}, "active: Heart failure (1)\nvisit: Acute kidney injury (2)"},
		"known to the list":                 {[]string{"G85001:GP " + list, "RJZ:PAS " + known}, "active: Heart failure (2)"},
		"closed by the list":                {[]string{"G85001:GP " + strings.Replace(list, `"active"`, `"resolved"`, 1), "RJZ:PAS " + known}, "past: Heart failure (2)"},
		"not confirmed":                     {[]string{"RJZ:PAS " + reason}, "visit: Shortness of breath (1)"},
		"nobody keeps a list":               {[]string{"RJZ:PAS " + stay, "RJZ:PAS " + reason}, "active: Acute kidney injury (1)\nvisit: Shortness of breath (1)"},
		"a practice's entries are the list": {[]string{"G85001:GP " + stay}, "active: Acute kidney injury (1)"},
	} {
		if got := told(said(t, c.lines...).Problems()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// A discharge summary says what was taken on its day. What the practice
// stopped later is stopped.
func TestMedicineStoppedAfterADischargeSummary(t *testing.T) {
	statement := func(status, asserted, end string) string {
		return `{"resourceType":"MedicationStatement","status":"` + status + `","medicationCodeableConcept":{"text":"Amlodipine 5mg tablets"},"effectivePeriod":{"start":"2005-04-02"` + end + `},"dateAsserted":"` + asserted + `"}`
	}
	stopped := "G85001:GP " + statement("stopped", "2019-06-24", `,"end":"2019-06-24"`)
	for on, want := range map[string]string{
		"2019-06-22T14:06:00+01:00": "stopped: Amlodipine 5mg tablets (2)",
		"2019-07-22":                "hospital: Amlodipine 5mg tablets | G85001:GP stopped | RJZ:EPR current (2)",
	} {
		if got := told(said(t, stopped, "RJZ:EPR "+statement("active", on, "")).Medicines()); got != want {
			t.Errorf("a summary of %s:\n got %s\nwant %s", on, got, want)
		}
	}
}

// Of one visit several systems of a trust speak, under its number: one row,
// led by the system that says most.
func TestEncountersOfOneVisit(t *testing.T) {
	visit := func(status, number, more string) string {
		return `{"resourceType":"Encounter","status":"` + status + `","class":{"code":"IMP"},"identifier":[{"value":"` + number + `"}],"period":{"start":"2026-11-24T14:07:00Z"` + more + `}}`
	}
	v := said(t, "RJZ:LAB "+visit("unknown", "V17", ""), "RJZ:PAS "+visit("finished", "V17", `,"end":"2026-11-25T10:00:00Z"`), "RJZ:EPR "+visit("unknown", "V17", ""), "RJ1:LAB "+visit("unknown", "V17", ""))
	facts := v.Encounters()
	if len(facts) != 2 || len(facts[0].Items)+len(facts[1].Items) != 4 {
		t.Fatalf("%d visits", len(facts))
	}
	for _, f := range facts {
		if len(f.Items) == 3 && (f.Status != "finished" || f.End == "" || f.Lead().Source != "RJZ:PAS") {
			t.Errorf("the visit is led by %s: %s", f.Lead().Source, f.Status)
		}
	}
}

// A letter and the practice's entry of it are one row; a later letter, and one
// of another trust, are not.
func TestDuplicateLetters(t *testing.T) {
	letter := func(title, custodian, on string) string {
		return `{"resourceType":"DocumentReference","status":"current","type":{"coding":[{"code":"373942005"}]},"description":"` + title + `","custodian":{"display":"` + custodian + `"},"date":"` + on + `"}`
	}
	copied := "G85001:GP " + letter("Discharge summary from King's College Hospital", "Old Kent Road Practice", "2026-11-19")
	for name, c := range map[string]struct {
		lines []string
		want  int
	}{
		"a copy":            {[]string{copied, "RJZ:EPR " + letter("Discharge summary", "King's College Hospital NHS Foundation Trust", "2026-11-16")}, 1},
		"of another trust":  {[]string{copied, "RJ1:EPR " + letter("Discharge summary", "Guy's and St Thomas'", "2026-11-16")}, 2},
		"a later letter":    {[]string{copied, "RJZ:EPR " + letter("Discharge summary", "King's College Hospital", "2026-11-20")}, 2},
		"long before":       {[]string{copied, "RJZ:EPR " + letter("Discharge summary", "King's College Hospital", "2026-10-16")}, 2},
		"without custodian": {[]string{copied, "RJZ:EPR " + letter("Discharge summary", "", "2026-11-16")}, 1},
	} {
		facts := said(t, c.lines...).Documents()
		if len(facts) != c.want {
			t.Errorf("%s: %s", name, told(facts))
		} else if c.want == 1 && facts[0].Lead().Source != "RJZ:EPR" {
			t.Errorf("%s: the copy leads", name)
		}
	}
}

// The care team is people, once each: the practice that all sources name is
// one, and a doctor who was met twice is one, at the later time.
func TestCareTeam(t *testing.T) {
	patient := `{"resourceType":"Patient","generalPractitioner":[{"display":"Old Kent Road Practice"}]}`
	visit := func(role, who, on string) string {
		return `{"resourceType":"Encounter","status":"finished","participant":[{"type":[{"text":"` + role + `"}],"individual":{"display":"` + who + `"}}],"date":"` + on + `"}`
	}
	v := said(t, "RJZ:PAS "+visit("attender", "Dr Chen", "2020-01-01"), "RJZ:PAS "+patient, "G85001:GP "+patient, "RJZ:PAS "+visit("consultant", "Dr Chen", "2026-01-01"), "RJ1:PAS "+visit("attender", "Dr Chen", "2025-01-01"))
	team := v.CareTeam()
	if got, want := told(team), "team: Old Kent Road Practice, Registered practice (2)\nseen: Dr Chen, consultant (1)\nseen: Dr Chen (1)"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if team[1].When.Year() != 2026 {
		t.Error("the doctor was last met in", team[1].When)
	}
}

func TestOrderedBy(t *testing.T) {
	v := said(t, `RJZ:EPR {"resourceType":"ServiceRequest","identifier":[{"value":"P1"}],"requester":{"display":"Dr Bailey"}}`,
		`RJZ:LAB {"resourceType":"DiagnosticReport","basedOn":[{"identifier":{"value":"P1"}}],"result":[{"reference":"Observation/a"}]}`,
		`RJZ:LAB {"resourceType":"DiagnosticReport","basedOn":[{"identifier":{"value":"P2"}}],"result":[{"reference":"Observation/b"}]}`)
	if got := v.OrderedBy(); len(got) != 1 || got["Observation/a"] != "Dr Bailey" {
		t.Error(got)
	}
}
