package relationship

import (
	"slices"
	"strings"
	"testing"
	"time"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

func parse(t testing.TB, body string) *fhir.Resource {
	t.Helper()
	r, err := fhir.ParseTrusted([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// byCode finds an organisation by the code that a Reference has, and knows one by its id.
func byCode(ref fhir.Node) nhs.ODS {
	if o := Code(ref.List("identifier")); o != "" {
		return o
	}
	if ref.Get("reference").Is("Organization/kings") {
		return "RJZ"
	}
	return ""
}

// G7: an encounter that nobody has ended is no relationship for ever, unless
// it is one of people who stay until they are discharged.
func TestG7VisitsThatNobodyEndedDoNotLast(t *testing.T) {
	began := time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		body string
		want time.Time
	}{
		{`"status":"in-progress","class":{"code":"AMB"},"period":{"start":"2024-03-01T10:00:00Z"}`, time.Date(2024, 3, 3, 0, 0, 0, 0, time.UTC)},
		{`"status":"arrived","class":{"code":"EMER"},"period":{"start":"2024-03-01T23:50:00Z"}`, time.Date(2024, 3, 3, 0, 0, 0, 0, time.UTC)},
		{`"status":"in-progress","class":{"code":"AMB"}`, time.Date(2024, 3, 3, 0, 0, 0, 0, time.UTC)}, // when it was recorded
		{`"status":"in-progress","class":{"code":"IMP"},"period":{"start":"2024-03-01T10:00:00Z"}`, time.Time{}},
		{`"status":"in-progress","class":{"code":"AMB"},"period":{"start":"2024-03-01T10:00:00Z","end":"2024-03-01T11:00:00Z"}`, began.Add(time.Hour)},
		{`"status":"finished","class":{"code":"IMP"},"period":{"start":"2024-03-01T10:00:00Z","end":"2024-03-01T11:00:00Z"}`, began.Add(time.Hour)},
	} {
		r := parse(t, `{"resourceType":"Encounter",`+c.body+`}`)
		got := Of(Version{Resource: r, Source: "RJZ:PAS", Recorded: began}, byCode)
		if len(got) != 1 || !got[0].To.Equal(c.want) {
			t.Errorf("%s: %+v, not until %v", c.body, got, c.want)
		}
	}
}

// G7: whenever a resource shows a relationship that holds, the index finds it
// among the organisation's; and long after one has ended it does not.
func TestG7TokensFindEveryRelationshipThatHolds(t *testing.T) {
	const rjz = `{"identifier":{"system":"` + nhs.ODSSystem + `","value":"RJZ"}}`
	at := time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		source nhs.Source
		body   string
		ends   bool // it is no longer found two years later
	}{
		{"RJZ:PAS", `"Encounter","status":"in-progress","class":{"code":"IMP"}`, false},
		{"RJZ:PAS", `"Encounter","status":"in-progress","class":{"code":"AMB"},"period":{"start":"2024-03-01T10:00:00Z"}`, true},
		{"RJZ:PAS", `"Encounter","status":"finished","period":{"start":"2024-02-20","end":"2024-03-01T10:00:00Z"}`, true},
		{"RJZ:PAS", `"Encounter","status":"finished"`, false},
		{"XX1:PAS", `"Encounter","status":"finished","period":{"start":"2024-01-20","end":"2024-02-28"},"serviceProvider":` + rjz, true},
		{"XX1:PAS", `"Encounter","status":"arrived","class":{"code":"EMER"},"period":{"start":"2024-03-01T09:59:00Z"},"serviceProvider":{"reference":"Organization/kings"}`, true},
		{"RJZ:PAS", `"Encounter","status":"in-progress","period":{"start":"2024-03-01T10:30:00Z"},"serviceProvider":{"reference":"Organization/unknown"}`, false},
		{"RJZ:EPR", `"EpisodeOfCare","status":"active"`, false},
		{"RJZ:EPR", `"CareTeam","status":"active","period":{"start":"2023-05-01","end":"2024-04-01"}`, true},
		{"RJZ:EPR", `"CarePlan","status":"active","period":{"start":"2020-05-01","end":"2024-04-01"}`, false},
		{"RJZ:PAS", `"Appointment","status":"booked","start":"2024-03-01T23:30:00Z"`, true},
		{"RJZ:EPMA", `"MedicationDispense","status":"completed","whenHandedOver":"2024-03-01T00:10:00Z"`, true},
		{"RRU:CAD", `"Task","status":"requested","owner":` + rjz, false},
		{"RJZ:CAD", `"Encounter","status":"finished","class":{"code":"FLD"},"period":{"start":"2024-03-01T09:00:00Z","end":"2024-03-01T10:00:00Z"}`, true},
		{"RRU:111", `"DocumentReference","status":"current","date":"2024-03-01T09:59:00Z","type":{"coding":[{"code":"819551000000100"}]},"context":{"related":[` + rjz + `]}`, true},
		{"RJZ:EPR", `"EpisodeOfCare","status":"finished","period":{"start":"2023-05-01","end":"2024-04-01"}`, true},
		{"RJZ:EPMA", `"MedicationDispense","status":"preparation"`, false},
		{"G85001:GP", `"ServiceRequest","status":"active","performer":[{"display":"?"},{"reference":"Organization/unknown"},{"reference":"Organization/kings"}]`, false},
	} {
		r := parse(t, `{"resourceType":`+c.body+`}`)
		rels := Of(Version{Resource: r, ID: "x", Source: c.source, Recorded: at}, byCode)
		if len(rels) != 1 || rels[0].Organisation != "RJZ" {
			t.Fatalf("%s shows %+v", c.body, rels)
		}
		tokens := Tokens(r, c.source)
		subject := policy.Subject{User: "u", Role: nhs.HospitalDoctor, Organisation: "RJZ"}
		held := 0
		for h := -24 * 100; h < 24*800; h += 6 {
			now := at.Add(time.Duration(h) * time.Hour)
			holds := policy.Decide(policy.Request{Agreed: policy.Whole, Subject: subject, Now: now, Facts: policy.Facts{Relationships: rels}}).Permit
			found := finds(tokens, Asked("RJZ", []string{"kings"}, now, 0))
			if holds && !found {
				t.Fatalf("%s holds at %v, and is not found by %v", c.body, now, tokens)
			}
			if holds {
				held++
			}
		}
		if held == 0 {
			t.Errorf("%s never holds", c.body)
		}
		if later := finds(tokens, Asked("RJZ", []string{"kings"}, at.AddDate(2, 0, 0), 0)); later == c.ends {
			t.Errorf("%s: found two years later: %t", c.body, later)
		}
		if finds(tokens, Asked("RN7", nil, at, 0)) {
			t.Errorf("%s is found by another organisation", c.body)
		}
	}
}

func finds(tokens, asked []string) bool {
	return slices.ContainsFunc(tokens, func(t string) bool { return slices.Contains(asked, t) })
}

// G7: a registration is what the practice says, else what another names; a
// report that waits to be signed off keeps its encounter found.
func TestG7TokensOfRegistrationsAndOfWhatIsPending(t *testing.T) {
	for _, c := range []struct {
		source nhs.Source
		body   string
		want   string
	}{
		{"G85001:GP", `"Patient"`, "care:G85001"},
		{"G85001:GP", `"Patient","active":false`, ""},
		{"RJZ:PAS", `"Patient","generalPractitioner":[{"reference":"Practitioner/p"},{"reference":"Organization/o"},{"identifier":{"system":"` + nhs.ODSSystem + `","value":"G85001"}}],"managingOrganization":{"reference":"Organization/m"}`, "care:Organization/o care:G85001"},
		{"RJZ:LAB", `"DiagnosticReport","status":"preliminary"`, "care:RJZ"},
		{"RJZ:LAB", `"DiagnosticReport","status":"final"`, ""},
		{"RJZ:LAB", `"Observation","status":"preliminary"`, ""},
		{"RJZ:EPR", `"DocumentReference","status":"current","docStatus":"preliminary"`, "care:RJZ"},
	} {
		if got := strings.Join(Tokens(parse(t, `{"resourceType":`+c.body+`}`), c.source), " "); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.body, c.source, got, c.want)
		}
	}
}

// G7: today is a day of the region: half past midnight in summer is of the day that
// has begun there, and that day does not end an hour late.
func TestG7TodayIsTheRegions(t *testing.T) {
	r, err := fhir.ParseTrusted([]byte(`{"resourceType":"Appointment","status":"booked","start":"2026-07-02T00:30:00+01:00"}`))
	if err != nil {
		t.Fatal(err)
	}
	all := Of(Version{Resource: r, ID: "a", Source: "RJZ:PAS"}, func(fhir.Node) nhs.ODS { return "" })
	if len(all) != 1 {
		t.Fatal(all)
	}
	for at, want := range map[string]bool{"2026-07-01T22:59:00Z": false, "2026-07-01T23:00:00Z": true, "2026-07-02T22:59:00Z": true, "2026-07-02T23:00:00Z": false} {
		now, _ := time.Parse(time.RFC3339, at)
		if got := !now.Before(all[0].From) && now.Before(all[0].To); got != want {
			t.Errorf("%s: %t", at, got)
		}
		if tokens := Tokens(r, "RJZ:PAS"); want && !slices.ContainsFunc(Asked("RJZ", nil, now, 0), func(a string) bool { return slices.Contains(tokens, a) }) {
			t.Errorf("%s: the index does not find it: %v", at, tokens)
		}
	}
}
