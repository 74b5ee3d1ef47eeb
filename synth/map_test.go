package synth

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"selda/cda"
	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/cdatofhir"
	"selda/ingest/fhirtofhir"
	"selda/ingest/mapped"
	"selda/ingest/v2tofhir"
)

// through parses and maps a message as the door in does.
func through(m Message) (*mapped.Message, error) {
	switch m.Format {
	case "hl7v2":
		p, err := hl7v2.Parse(m.Body)
		if err != nil {
			return nil, err
		}
		return v2tofhir.Map(p, m.Source)
	case "cda":
		d, err := cda.Parse(m.Body)
		if err != nil {
			return nil, err
		}
		return cdatofhir.Map(d, m.Source)
	}
	c, err := fhir.Compact(m.Body)
	if err != nil {
		return nil, err
	}
	return fhirtofhir.Map(c, m.Source)
}

// Every message that is not cut short on purpose is taken by the doors, and
// what matters in it comes through.
func TestEveryMessageMaps(t *testing.T) {
	citizens := 300
	if testing.Short() {
		citizens = 120
	}
	r := New(3, citizens, time.Time{})
	messages, resources, patients := 0, 0, 0
	types, unmapped, events := map[string]int{}, map[string]int{}, map[string]int{}
	for m := range r.Messages() {
		messages++
		if m.Format == "csv" {
			resources += bytes.Count(m.Body, []byte("\n")) - 1
			continue
		}
		got, err := through(m)
		if m.Fault == "unparsable" {
			if err == nil && m.Format != "cda" {
				t.Errorf("%s %s: taken, though it is cut short", m.Source, m.Name)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s %s %s: %v\n%s", m.Source, m.Format, m.Name, err, bytes.ReplaceAll(m.Body, []byte("\r"), []byte("\n")))
		}
		if len(got.Patients) == 0 || len(got.Patients[0].Identifiers) == 0 {
			t.Fatalf("%s %s: nobody is identified", m.Source, m.Name)
		}
		patients += len(got.Patients)
		resources += len(got.Resources)
		events[got.Event]++
		for _, x := range got.Resources {
			types[x.Type]++
		}
		for _, u := range got.Unmapped {
			place, _, _ := strings.Cut(u.Place, "[")
			unmapped[m.Format+" "+place+": "+u.Reason]++
		}
		if (got.Event == "ADT^A40" || got.Event == "ADT^A34") && (len(got.Links) != 1 || got.Links[0].Kind != "merge") {
			t.Errorf("%s: a merge without its link", m.Name)
		}
	}
	for _, want := range []string{"AllergyIntolerance", "Condition", "MedicationRequest", "MedicationStatement", "Observation", "DiagnosticReport", "Encounter", "Immunization", "DocumentReference",
		"ServiceRequest", "Appointment", "CarePlan", "Flag", "Procedure"} {
		if types[want] == 0 {
			t.Errorf("no %s came through", want)
		}
	}
	for _, want := range []string{"ADT^A01", "ADT^A02", "ADT^A03", "ADT^A04", "ADT^A05", "ADT^A08", "ADT^A28", "ADT^A31", "ORU^R01", "ORM^O01", "SIU^S12", "SIU^S13", "SIU^S15", "MDM^T02"} {
		if events[want] == 0 {
			t.Errorf("no %s was sent", want)
		}
	}
	for u, n := range unmapped {
		t.Logf("unmapped %d %s", n, u)
	}
	t.Logf("%d citizens: %.1f messages and %.1f resources each; %v; %v", citizens, float64(messages)/float64(citizens), float64(resources)/float64(citizens), types, events)
}

// A merge names the two numbers that the truth has; a discharge ends the
// stay; the summary says which medicine stopped and what is not known.
func TestWhatMattersComesThrough(t *testing.T) {
	if testing.Short() {
		t.Skip("walks hundreds of citizens")
	}
	r := New(8, 400, time.Time{})
	merges := map[string]Merge{}
	for c := range r.Citizens() {
		for _, m := range c.Merges {
			merges[string(m.Source)+m.Kept+m.Gone] = m
		}
	}
	seen, discharged, stopped, none := 0, 0, 0, 0
	for m := range r.Messages() {
		if m.Fault != "" || m.Format == "csv" || m.Format == "fhir" {
			continue
		}
		got, err := through(m)
		if err != nil {
			t.Fatal(err)
		}
		switch got.Event {
		case "ADT^A40", "ADT^A34":
			l := got.Links[0]
			kept, gone := got.Patients[l.Keep].Identifiers, got.Patients[l.Other].Identifiers
			if _, ok := merges[string(m.Source)+local(kept)+local(gone)]; !ok {
				t.Errorf("%s: %s merged into %s is not the truth", m.Source, local(gone), local(kept))
			}
			seen++
		case "ADT^A03":
			for _, x := range got.Resources {
				if e, err := fhir.Parse(x.Body); err == nil && x.Type == "Encounter" && e.Get("status").Is("finished") && e.Get("period", "end").Text() > e.Get("period", "start").Text() {
					discharged++
				}
			}
		case "CDA 373942005":
			for _, x := range got.Resources {
				body := string(x.Body)
				if strings.HasPrefix(x.Type, "Medication") && strings.Contains(body, `"status":"stopped"`) {
					stopped++
				}
				if x.Type == "AllergyIntolerance" && strings.Contains(body, noKnownAllergy) {
					none++
				}
			}
		}
	}
	if seen == 0 || discharged == 0 || stopped == 0 || none == 0 {
		t.Errorf("%d merges, %d discharges, %d stopped medicines, %d with no known allergy", seen, discharged, stopped, none)
	}
}

// local is the first number that is no NHS number.
func local(ids []mapped.Identifier) string {
	for _, id := range ids {
		if !strings.HasSuffix(id.System, "nhs-number") {
			return id.Value
		}
	}
	return ""
}

// What is of a sensitive class carries its label, in every resource that
// tells of it.
func TestSensitiveItemsAreLabelled(t *testing.T) {
	if testing.Short() {
		t.Skip("walks hundreds of citizens")
	}
	found := map[string]int{}
	for m := range New(21, 1800, time.Time{}).Messages() {
		if m.Fault != "" {
			continue
		}
		body := string(m.Body)
		for c, label := range sensitive {
			if strings.Contains(body, `"`+c.sct+`"`) || strings.Contains(body, c.term) {
				found[label]++
				if m.Format != "fhir" || !strings.Contains(body, `"`+label+`"`) {
					t.Errorf("%s %s tells of %s without its label", m.Source, m.Name, c.term)
				}
			}
		}
		for _, l := range []string{"safeguarding", "domestic-abuse", "safety-plan", "mental-health-detail"} {
			if strings.Contains(body, `"code":"`+l+`"`) {
				found[l]++
			}
		}
	}
	for _, l := range []string{"hiv-sti", "termination", "sexual-health", "substance-misuse", "safeguarding", "domestic-abuse", "safety-plan", "mental-health-detail"} {
		if found[l] == 0 {
			t.Errorf("nothing is labelled %s", l)
		}
	}
	t.Log(found)
}
