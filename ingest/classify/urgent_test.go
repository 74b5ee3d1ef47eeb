package classify

import (
	"testing"

	"selda/fhir"
	"selda/policy"
)

// G8: what urgent care must see is never hidden by what it says: an allergy, whatever the
// medicine tells of an illness; methadone and buprenorphine, which are given for pain too;
// an overdose. The same medicine for HIV, as a prescription, is labelled.
func TestG8WhatUrgentCareMustSeeIsNotLabelled(t *testing.T) {
	for body, want := range map[string]bool{
		`{"resourceType":"AllergyIntolerance","code":{"text":"Abacavir"},"reaction":[{"manifestation":[{"text":"hypersensitivity"}]}]}`: false,
		`{"resourceType":"MedicationRequest","medicationCodeableConcept":{"text":"Methadone 1mg/ml oral solution"}}`:                    false,
		`{"resourceType":"MedicationRequest","medicationCodeableConcept":{"text":"Buprenorphine 5micrograms/hour patches"}}`:            false,
		`{"resourceType":"Condition","code":{"text":"Paracetamol overdose"}}`:                                                           false,
		`{"resourceType":"Condition","code":{"text":"Depressive disorder"}}`:                                                            false,
		`{"resourceType":"MedicationRequest","medicationCodeableConcept":{"text":"Abacavir 300mg tablets"}}`:                            true,
	} {
		r, err := fhir.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if l := Box().Content(r); (l&Sensitive != 0) != want {
			t.Errorf("%s: labelled %q", body, l)
		}
	}
}

// G8: a document takes its label from what any section of it holds, and from what those within
// it hold.
func TestG8ACompositionIsAsSensitiveAsAnySection(t *testing.T) {
	for _, where := range []string{
		`{"entry":[{"reference":"Condition/hiv"}]}`,
		`{"title":"x"},{"entry":[{"reference":"Condition/other"},{"reference":"Condition/hiv"}]}`,
		`{"title":"x"},{"section":[{"title":"y"},{"section":[{"entry":[{"reference":"Condition/hiv"}]}]}]}`,
	} {
		all := []Said{{Names: []string{"Composition/c"}}, {Names: []string{"Condition/hiv"}}}
		for i, body := range []string{`{"resourceType":"Composition","section":[` + where + `]}`, `{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]}}`} {
			r, err := fhir.Parse([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			all[i].Resource, all[i].Labels = r, Box().Content(r)
		}
		if got := Carry(all)[0]; got != policy.HIVSTI|policy.Carried {
			t.Errorf("%s: %q", where, got)
		}
	}
}
