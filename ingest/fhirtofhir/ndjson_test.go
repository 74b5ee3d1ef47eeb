package fhirtofhir

import (
	"bytes"
	"strings"
	"testing"

	"selda/fault"
	"selda/ingest/mapped"
)

// Each line stands for itself, under its own id, with references as they stand.
func TestLines(t *testing.T) {
	m := Lines([]byte(strings.Join([]string{
		`{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/p"},"performer":[{"reference":"Practitioner?identifier=x|1"}]}`,
		"", `{"resourceType":"Patient","id":"p","meta":{"versionId":"7","lastUpdated":"2020-01-01T00:00:00Z"}}`,
		`{"resourceType":"Observation","id":"o2","subject":{"reference":"Patient/elsewhere"}}`,
		`{"resourceType":"Observation","id":"o3","subject":{"reference":"Patient?identifier=x|1"}}`,
		`{"resourceType":"Organization","id":"org"}`, `{"resourceType":"Patient"}`, `not JSON`, `{"resourceType":"Bundle","id":"b"}`,
		`{"resourceType":"Subscription","id":"s"}`,
	}, "\r\n")), "RJZ:EPR", nil)
	if len(m.Patients) != 2 || m.Patients[0].ID != "p" || string(m.Patients[0].Body) != `{"resourceType":"Patient"}` || m.Patients[1].ID != "elsewhere" || m.Patients[1].Body != nil {
		t.Errorf("people: %+v", m.Patients)
	}
	var got []string
	for _, r := range m.Resources {
		got = append(got, r.Place+" "+r.Type+"/"+r.ID+" "+[]string{"shared", "p", "elsewhere"}[r.Patient+1])
	}
	if want := "line[1] Observation/o p; line[4] Observation/o2 elsewhere; line[6] Organization/org shared"; strings.Join(got, "; ") != want {
		t.Errorf("resources: %s", strings.Join(got, "; "))
	}
	if !mapped.Literal(m.Resources[0].Body) || !bytes.Contains(m.Resources[0].Body, []byte(`"Practitioner?identifier=x|1"`)) {
		t.Errorf("a reference has changed: %s", m.Resources[0].Body)
	}
	var why []string
	for _, r := range m.Refused {
		why = append(why, r.Place+" "+fault.KindOf(r.Err).String()+" "+fault.PlaceOf(r.Err))
	}
	want := "line[7] required line[7].id; line[8] structure line[8]; line[9] not-supported line[9].resourceType; line[10] not-supported line[10].resourceType; line[5] value line[5].subject"
	if strings.Join(why, "; ") != want {
		t.Errorf("refused: %s", strings.Join(why, "; "))
	}
}

// FuzzLines: whatever is imported, each line is a person, a resource or refused.
func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"resourceType\":\"Patient\",\"id\":\"p\"}\n\n{\"resourceType\":\"Observation\",\"id\":\"o\",\"subject\":{\"reference\":\"Patient/p\"}}"))
	f.Add([]byte("{\"resourceType\":\"Flag\",\"id\":\"f\",\"subject\":{\"identifier\":{\"system\":\"https://fhir.nhs.uk/Id/nhs-number\",\"value\":\"9990000018\"}}}\r\nx"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m := Lines(in, "RJZ:EPR", nil)
		lines, kept := 0, len(m.Refused)+len(m.Resources)
		for line := range bytes.SplitSeq(in, []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 {
				lines++
			}
		}
		for _, p := range m.Patients {
			if len(p.Body) > 0 {
				kept++
			}
		}
		if kept != lines {
			t.Errorf("%d lines became %d", lines, kept)
		}
	})
}
