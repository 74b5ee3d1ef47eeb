package region

import (
	"testing"

	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

// G10: a fresh result reaches the citizen once a clinician has reviewed it.
func TestG10Review(t *testing.T) {
	r := open(t)
	number, _ := nhs.ParseNumber("9991234519")
	rec, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: "G85915:GP", Format: ingest.FHIR, Body: []byte(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient","id":"p","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"}},
		{"resource":{"resourceType":"Observation","id":"o","status":"final","category":[{"coding":[{"code":"laboratory"}]}],"code":{"text":"Creatinine"},"subject":{"reference":"Patient/p"},"valueString":"142"}}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := rec.Committed(t.Context())
	if err != nil || out.State != ingest.Stored {
		t.Fatal(out, err)
	}
	id, err := r.Access.ByNumber(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	citizen := policy.Subject{User: "citizen", Role: nhs.Citizen, NHSNumber: number, Purpose: nhs.PatientRequest}
	results := func() int {
		g, err := r.Access.Record(t.Context(), citizen, id, "record")
		if err != nil {
			t.Fatal(err)
		}
		v, err := r.Records.Open(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		return len(v.Of("Observation"))
	}
	if results() != 0 {
		t.Fatal("an unreviewed result reached the citizen")
	}
	observation := out.Items[1].ID
	for who, want := range map[*policy.Subject]fault.Kind{
		{User: "r", Role: nhs.Receptionist, Organisation: "G85915"}: fault.Security,
		{User: "d", Role: nhs.HospitalDoctor, Organisation: "RN7"}:  fault.Security,
	} {
		if err := r.Access.Review(t.Context(), *who, id, "Observation", observation); !fault.Is(err, want) {
			t.Errorf("%s at %s: %v", who.Role, who.Organisation, err)
		}
	}
	gp := policy.Subject{User: "gp", Role: nhs.GP, Organisation: "G85915"}
	if err := r.Access.Review(t.Context(), gp, id, "Observation", observation); err != nil {
		t.Fatal(err)
	}
	if results() != 1 {
		t.Error("a reviewed result did not reach the citizen")
	}
	g, err := r.Access.Record(t.Context(), gp, id, "record")
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.Records.History(t.Context(), g, "Observation", observation)
	if err != nil || len(all) != 2 || all[0].Labels&policy.Reviewed == 0 || string(all[0].Body) != string(all[1].Body) {
		t.Error("the review is not a version of its own", err)
	}
}
