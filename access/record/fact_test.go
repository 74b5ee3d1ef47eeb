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
