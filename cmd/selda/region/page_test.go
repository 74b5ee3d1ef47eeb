package region

import (
	"testing"

	"selda/consent"
	"selda/fhir"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

// G4: an objection is in force for the next query, also of a reader who is in
// the middle of paging through what was there before.
func TestG4ObjectionWhilePaging(t *testing.T) {
	r := open(t)
	number, _ := nhs.ParseNumber("9991234519")
	commit := func(raw *ingest.Raw) ingest.Outcome {
		rec, err := r.Ingest.Submit(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		out, err := rec.Committed(t.Context())
		if err != nil || out.State != ingest.Stored {
			t.Fatalf("%+v %v", out, err)
		}
		return out
	}
	commit(&ingest.Raw{Source: "G85915:GP", Format: ingest.FHIR, Body: []byte(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient","id":"p","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"}},
		{"resource":{"resourceType":"Condition","id":"c","code":{"text":"Asthma"},"subject":{"reference":"Patient/p"}}}]}`)})
	id, err := r.Access.ByNumber(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	doctor := policy.Subject{User: "d", Role: nhs.HospitalDoctor, Organisation: "RN7"}
	if err := r.Access.Declare(t.Context(), doctor, id, "in front of me"); err != nil {
		t.Fatal(err)
	}
	n, err := r.Store.N(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conditions := func() int {
		g, err := r.Access.Page(t.Context(), doctor, id, "Condition search", n)
		if err != nil {
			t.Fatal(err)
		}
		v, err := r.Records.Open(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		return len(v.Of("Condition"))
	}
	if conditions() != 1 {
		t.Fatal("the doctor does not see the condition at first")
	}
	body := fhir.Marshal(consent.Build(policy.Preference{}, number, r.Now()))
	commit(&ingest.Raw{Source: "SELDA:ME", Format: ingest.FHIR, Call: "POST Consent", About: id, Body: body})
	if conditions() != 0 {
		t.Error("the next page still shows what the citizen has objected to")
	}
}
