package classify

import (
	"slices"
	"testing"
	"time"

	"selda/fhir"
	"selda/policy"
)

func of(t *testing.T, body string) Class {
	t.Helper()
	r, err := fhir.ParseTrusted([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return Of(r, "", By{})
}

// Roles and objections speak of data sets: each type is of one, unless its
// source says which.
func TestDataSet(t *testing.T) {
	tag := func(system, code string) string {
		return `"meta":{"tag":[{"system":"` + system + `","code":"` + code + `"}]}`
	}
	category := func(code string) string { return `"category":[{"coding":[{"code":"` + code + `"}]}]` }
	for body, want := range map[string]policy.DataSet{
		`{"resourceType":"Patient"}`:                                                            policy.Demographics,
		`{"resourceType":"AllergyIntolerance"}`:                                                 policy.Allergies,
		`{"resourceType":"MedicationRequest"}`:                                                  policy.Medications,
		`{"resourceType":"DiagnosticReport"}`:                                                   policy.Results,
		`{"resourceType":"Consent"}`:                                                            policy.Preferences,
		`{"resourceType":"Organization"}`:                                                       policy.Directory,
		`{"resourceType":"Basic"}`:                                                              policy.Other,
		`{"resourceType":"Observation",` + category("laboratory") + `}`:                         policy.Results,
		`{"resourceType":"Observation",` + category("imaging") + `}`:                            policy.Results,
		`{"resourceType":"Observation",` + category("vital-signs") + `}`:                        policy.Observations,
		`{"resourceType":"Flag",` + category("advance-directive") + `}`:                         policy.Plans,
		`{"resourceType":"Flag",` + category("safety") + `}`:                                    policy.Alerts,
		`{"resourceType":"Flag"}`:                                                               policy.Alerts,
		`{"resourceType":"Observation"}`:                                                        policy.Observations,
		`{"resourceType":"CarePlan",` + tag(policy.DataSetSystem, "social-care") + `}`:          policy.SocialCare,
		`{"resourceType":"DocumentReference",` + tag(policy.DataSetSystem, "plans") + `}`:       policy.Plans,
		`{"resourceType":"DocumentReference",` + tag(policy.DataSetSystem, "no such set") + `}`: policy.Documents,
		`{"resourceType":"DocumentReference",` + tag("https://elsewhere", "plans") + `}`:        policy.Documents,
	} {
		if got := of(t, body).DataSet; got != want {
			t.Errorf("%s is of %s, not %s", body, got, want)
		}
	}
}

// G10: what is not final waits; a result's release counts from its issue.
func TestG10FinalAndReported(t *testing.T) {
	issued := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	for body, want := range map[string]Class{
		`{"resourceType":"Observation","status":"preliminary","category":[{"coding":[{"code":"laboratory"}]}],"issued":"2026-11-05T09:00:00Z"}`: {When: issued, Reported: issued},
		`{"resourceType":"DiagnosticReport","status":"corrected","effectiveDateTime":"2026-11-04T09:00:00Z","issued":"2026-11-05T09:00:00Z"}`:   {Final: true, When: issued.AddDate(0, 0, -1), Reported: issued},
		`{"resourceType":"DocumentReference","status":"current","docStatus":"preliminary","date":"2026-11-05T09:00:00Z"}`:                       {When: issued, Reported: issued},
		`{"resourceType":"DocumentReference","status":"current","context":{"period":{"start":"2026-11-05T09:00:00Z"}}}`:                         {Final: true, When: issued},
		`{"resourceType":"Condition","onsetPeriod":{"start":"2026-11-05T09:00:00Z"},"recordedDate":"2020-01-01"}`:                               {Final: true, When: issued},
		`{"resourceType":"Encounter","period":{"start":"2026-11-05T09:00:00Z"},"issued":"2020-01-01T00:00:00Z"}`:                                {Final: true, When: issued},
		`{"resourceType":"Condition","onsetDateTime":"no date"}`:                                                                                {Final: true},
	} {
		got := of(t, body)
		if got.Final != want.Final || !got.When.Equal(want.When) || !got.Reported.Equal(want.Reported) {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

// A person is found by each of their names, whatever its case, and by numbers
// in any system; nothing is found by the numbers of observations, which nobody
// looks for.
func TestTokens(t *testing.T) {
	got := of(t, `{"resourceType":"Patient","name":[{"family":"O'Néil","given":["Ann Marie"]}],"birthDate":"1951-11-05","address":[{"postalCode":"se15 1aa"}],"identifier":[{"system":"s","value":"k 1"}],"deceasedBoolean":true}`).Tokens
	for _, want := range []string{Given("ann"), Given("marie"), BirthDate("1951-11-05"), Postcode("SE15 1AA"), Value("K1"), Identifier("s", "k 1"), "deceased"} {
		if !slices.Contains(got, want) {
			t.Errorf("not found by %q: %q", want, got)
		}
	}
	if got := of(t, `{"resourceType":"Observation","identifier":[{"value":"1"}],"code":{"coding":[{"code":"718-7"},{"code":"X"}]}}`).Tokens; !slices.Equal(got, []string{"c:718-7", "c:X", "c:1"}) {
		t.Errorf("%q", got)
	}
	if got := of(t, `{"resourceType":"Organization","identifier":[{"system":"s","value":"RJZ"}],"name":"King's"}`).Tokens; !slices.Contains(got, Identifier("s", "RJZ")) {
		t.Errorf("%q", got)
	}
}
