package classify

import (
	"testing"

	"selda/fhir"
	"selda/policy"
)

// G8: what a document says of its own confidentiality, beside meta.security, is its label.
func TestG8WhatADocumentSaysOfItself(t *testing.T) {
	for body, want := range map[string]policy.Labels{
		`{"resourceType":"DocumentReference","securityLabel":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]},{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]}]}`: policy.Restricted | policy.HIVSTI,
		`{"resourceType":"DocumentReference","securityLabel":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}]}]}`:                                                                                         0,
		`{"resourceType":"Composition","confidentiality":"V"}`:         policy.VeryRestricted,
		`{"resourceType":"Composition","confidentiality":"N"}`:         0,
		`{"resourceType":"Composition","confidentiality":"fertility"}`: 0,
	} {
		r, err := fhir.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(r, "", By{}).Labels; got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// G8: what a source marks as sensitive, in SELDA's words or in HL7's, is
// labelled; G10: what it marks as not for the patient is not for them.
func TestG8SensitivityInEveryVocabulary(t *testing.T) {
	for _, c := range []struct {
		system, code string
		want         policy.Labels
	}{
		{policy.LabelSystem, "hiv-sti", policy.HIVSTI},
		{policy.ConfidentialitySystem, "V", policy.VeryRestricted},
		{"http://hl7.org/fhir/v3/Confidentiality", "R", policy.Restricted},
		{policy.ConfidentialitySystem, "T", policy.Restricted | policy.NotVisibleOnline},
		{policy.ConfidentialitySystem, "SDV", policy.DomesticAbuse},
		{policy.ConfidentialitySystem, "B", 0},
		{policy.ConfidentialitySystem, "N", 0},
		{"urn:another", "T", 0},
		{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "HIV", policy.HIVSTI},
		{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "SUD", policy.SubstanceMisuse},
		{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "PSY", policy.MentalHealthDetail},
		{"http://hl7.org/fhir/v3/ActCode", "NOPAT", policy.NotVisibleOnline},
		{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "NOPAT", policy.NotVisibleOnline},
		{"urn:another", "HIV", 0},
		{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTOUT", 0},
	} {
		r, err := fhir.Parse([]byte(`{"resourceType":"Condition","meta":{"security":[{"system":"` + c.system + `","code":"` + c.code + `"}]},"code":{"text":"x"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(r, "", By{}).Labels; got != c.want {
			t.Errorf("%s|%s: %s, want %s", c.system, c.code, got, c.want)
		}
	}
}
