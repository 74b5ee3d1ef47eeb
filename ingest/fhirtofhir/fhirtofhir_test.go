package fhirtofhir

import (
	"strings"
	"testing"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
)

func bundle(entries ...string) []byte {
	return []byte(`{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`)
}

const patient = `{"fullUrl":"urn:uuid:p1","resource":{"resourceType":"Patient","id":"p1","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"A","given":["B"]}],"birthDate":"1951-11-05"}}`

// Whom each resource is about, and what its references become.
// https://hl7.org/fhir/R4/bundle.html#references
func TestMap(t *testing.T) {
	m, err := Map(bundle(
		`{"fullUrl":"urn:uuid:o1","resource":{"resourceType":"Observation","status":"final","subject":{"reference":"urn:uuid:p1"},"encounter":{"reference":"Encounter/later"},"performer":[{"reference":"#c"},{"reference":"http://elsewhere/Practitioner/9"}]}}`,
		patient,
		`{"resource":{"resourceType":"Organization","id":"org"}}`,
		`{"resource":{"resourceType":"Condition","id":"c2","subject":{"reference":"Patient/other"}}}`,
		`{"resource":{"resourceType":"Flag","id":"f","subject":{"type":"Patient","identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}}}}`,
		`{"request":{"method":"DELETE","url":"Observation/old"}}`), "RJZ:EPR")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Patients) != 3 || len(m.Resources) != 5 {
		t.Fatalf("%d patients, %d resources", len(m.Patients), len(m.Resources))
	}
	for i, want := range []int{0, mapped.Shared, 1, 2, mapped.Shared} {
		if m.Resources[i].Patient != want {
			t.Errorf("resource %d is about %d, want %d", i, m.Resources[i].Patient, want)
		}
	}
	body := string(m.Resources[0].Body)
	for _, want := range []string{mapped.PatientRef(0), mapped.Ref("Encounter", "later"), `"#c"`, "http://elsewhere/Practitioner/9"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s has no %s", body, want)
		}
	}
	if m.Resources[4].Action != mapped.Remove || m.Resources[4].Key != "old" {
		t.Errorf("%+v", m.Resources[4])
	}
}

func TestInteraction(t *testing.T) {
	for call, c := range map[string]struct {
		body string
		kind fault.Kind
	}{
		"POST Observation":     {`{"resourceType":"Patient"}`, fault.Invalid},
		"PUT Observation/a":    {`{"resourceType":"Observation","id":"b"}`, fault.Invalid},
		"PUT Observation":      {`{"resourceType":"Observation","id":"b"}`, fault.Value},
		"POST Parameters":      {`{"resourceType":"Parameters"}`, fault.NotSupported},
		"POST":                 {`{"resourceType":"Observation"}`, fault.Invalid},
		"POST Observation/a b": {`{"resourceType":"Observation"}`, fault.Value},
	} {
		if _, err := Interaction(call, []byte(c.body), "RJ1:API"); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v, want %s", call, err, c.kind)
		}
	}
	m, err := Interaction("POST", bundle(
		`{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`,
		`{"fullUrl":"urn:uuid:e","resource":{"resourceType":"Encounter","status":"finished","subject":{"reference":"urn:uuid:p"}},"request":{"method":"POST","url":"Encounter"}}`,
		`{"resource":{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/known"},"encounter":{"reference":"urn:uuid:e"}},"request":{"method":"PUT","url":"Observation/o","ifMatch":"W/\"3\""}}`), "RJ1:API")
	if err != nil {
		t.Fatal(err)
	}
	if !m.Patients[0].New || m.Patients[1].ID != "known" || m.Resources[0].Patient != 0 || m.Resources[1].Patient != 1 || m.Resources[1].IfMatch != 3 {
		t.Errorf("%+v", m)
	}
	if !strings.Contains(string(m.Resources[1].Body), mapped.LocalRef(0)) {
		t.Errorf("%s", m.Resources[1].Body)
	}
}

func FuzzMap(f *testing.F) {
	f.Add("", string(bundle(patient)))
	f.Add("POST", string(bundle(`{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`)))
	f.Add("PUT Observation/a 2", `{"resourceType":"Observation","id":"a","subject":{"reference":"Patient/x"}}`)
	f.Fuzz(func(t *testing.T, call, in string) {
		c, err := fhir.Compact([]byte(in))
		if err != nil {
			return
		}
		var m *mapped.Message
		if call == "" {
			m, err = Map(c, "RJZ:EPR")
		} else {
			m, err = Interaction(call, c, "RJZ:EPR")
		}
		if err != nil {
			return
		}
		for _, r := range m.Resources {
			if r.Patient >= len(m.Patients) {
				t.Fatalf("%s is about patient %d of %d", r.Type, r.Patient, len(m.Patients))
			}
			if r.Action != mapped.Remove {
				if _, err := fhir.ParseTrusted(r.Body); err != nil {
					t.Fatalf("%s: %v", r.Body, err)
				}
			}
		}
	})
}

// What names no one that the message knows is no one's: least of all the only
// patient's of the message. One that has no name of its own is the same when
// the same message comes again.
func TestWhoseItIs(t *testing.T) {
	const patient = `{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient","identifier":[{"system":"https://x","value":"1"}]}}`
	for subject, want := range map[string]int{
		`"subject":{"reference":"urn:uuid:p"},`:                                 0,
		`"subject":{"reference":"urn:uuid:another"},`:                           mapped.Shared,
		`"subject":{"reference":"Group/1"},`:                                    mapped.Shared,
		`"subject":{"reference":"Patient/2"},`:                                  1,
		`"subject":{"reference":"Patient?identifier=https%3A%2F%2Fx%7C2"},`:     1,
		`"contained":[{"resourceType":"Patient"}],"subject":{"reference":"#"},`: 0,
		``: 0,
	} {
		body := []byte(`{"resourceType":"Bundle","type":"collection","entry":[` + patient + `,{"resource":{"resourceType":"Condition",` + subject + `"code":{"text":"x"}}}]}`)
		m, err := Map(body, "RJZ:EPR")
		if err != nil {
			t.Fatal(err)
		}
		r := m.Resources[0]
		if r.Patient != want || r.Key == "" {
			t.Errorf("%s: patient %d, key %q", subject, r.Patient, r.Key)
		}
		if again, _ := Map(body, "RJZ:EPR"); again.Resources[0].Key != r.Key {
			t.Error("the same message again is another item")
		}
	}
	m, err := Map([]byte(`{"resourceType":"Observation","subject":{"reference":"Patient?identifier=https://x|2"},"status":"final"}`), "RJZ:EPR")
	if err != nil || len(m.Patients) != 1 || m.Patients[0].Identifiers[0] != (mapped.Identifier{System: "https://x", Value: "2", Place: "subject.reference"}) ||
		!strings.Contains(string(m.Resources[0].Body), mapped.PatientRef(0)) {
		t.Errorf("%+v %v", m, err)
	}
}

// A transaction that refers to what it does not hold is refused: the item would
// be of nobody.
func TestTransactionRefersToWhatItHolds(t *testing.T) {
	for ref, kind := range map[string]fault.Kind{"urn:uuid:none": fault.Value, "Patient?identifier=1": fault.NotSupported} {
		_, err := Interaction("POST", []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Condition","subject":{"reference":"`+ref+`"}},"request":{"method":"POST","url":"Condition"}}]}`), "RJ1:API")
		if !fault.Is(err, kind) || fault.PlaceOf(err) != "entry[0].resource" {
			t.Errorf("%s: %v at %q", ref, err, fault.PlaceOf(err))
		}
	}
}
