package terminology

import (
	"slices"
	"strings"
	"testing"

	"selda/fault"
)

func TestMembersOfR4ValueSets(t *testing.T) {
	s := New(R4)
	for _, c := range []struct {
		set, system, code string
		in, known         bool
	}{
		{"http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", "", "female", true, true},
		{"http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", "", "Female", false, true},
		{"http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/administrative-gender", "other", true, true},
		{"http://hl7.org/fhir/ValueSet/administrative-gender", "urn:other", "other", false, true},
		{"http://hl7.org/fhir/ValueSet/administrative-gender|3.0.1", "", "female", false, false},           // not this version
		{"http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", act, "IMP", true, true},                // below _ActEncounterCode
		{"http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", act, "_ActEncounterCode", false, true}, // excluded
		{"http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", act, "PBILLACCT", false, true},
		{"http://hl7.org/fhir/ValueSet/condition-code", SNOMED, "38341003", false, false}, // SNOMED CT is not loaded
		{"http://hl7.org/fhir/ValueSet/condition-code", LOINC, "8480-6", false, true},     // but this is another system
		{"http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "urn:ietf:bcp:13", "text/plain; charset=UTF-8", true, true},
		{"http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "", "plain text", false, true},
		{"http://hl7.org/fhir/ValueSet/currencies", "urn:iso:std:iso:4217", "GBP", true, true},
		{"http://hl7.org/fhir/ValueSet/currencies", "urn:iso:std:iso:4217", "gbp", false, true},
		{"http://hl7.org/fhir/ValueSet/languages", "urn:ietf:bcp:47", "en-GB", true, true},
		{"http://hl7.org/fhir/ValueSet/languages", "urn:ietf:bcp:47", "cy", false, true},
		{"http://hl7.org/fhir/ValueSet/all-languages", "urn:ietf:bcp:47", "cy", true, true},
		{"http://hl7.org/fhir/ValueSet/ucum-common", "http://unitsofmeasure.org", "mm[Hg]", true, true}, // listed, so no matter that UCUM is not
		{"http://hl7.org/fhir/ValueSet/ucum-units", UCUM, "mg/dL", true, true},
		{"http://hl7.org/fhir/ValueSet/ucum-units", UCUM, "milligrams", false, true},
		{"http://hl7.org/fhir/ValueSet/all-distance-units", UCUM, "km", true, true},
		{"http://hl7.org/fhir/ValueSet/all-distance-units", UCUM, "kg", false, true},
		{"http://hl7.org/fhir/ValueSet/iso3166-1-3", "urn:iso:std:iso:3166", "GBR", true, true},
		{"http://hl7.org/fhir/ValueSet/iso3166-1-3", "urn:iso:std:iso:3166", "GB", false, true},
		{"http://hl7.org/fhir/ValueSet/no-such", "", "x", false, false},
	} {
		if in, known := s.Member(c.set, c.system, c.code); in != c.in || known != c.known {
			t.Errorf("%s %s|%s: in %v known %v", c.set, c.system, c.code, in, known)
		}
	}
}

func TestEverythingInTheBoxIsRead(t *testing.T) {
	c, err := R4.(*packed).open()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.entries) < 2300 {
		t.Fatalf("%d resources", len(c.entries))
	}
	s := New(R4)
	var broken []string
	for name, e := range c.entries {
		v, err := e.read()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, set := v.(*ValueSet); !set {
			continue
		}
		if _, err := s.Expand(e.url, ExpandQuery{Count: 10}); err != nil && !fault.Is(err, fault.NotFound) && !strings.Contains(fault.Reason(err), "made by rules") {
			broken = append(broken, e.url+": "+fault.Reason(err))
		}
	}
	// The one that filters by what its example system does not define.
	if want := []string{"http://hl7.org/fhir/ValueSet/example-filter: the code system has no property acme-plasma"}; !slices.Equal(broken, want) {
		t.Errorf("value sets that can't be expanded, though nothing is missing: %q", broken)
	}
}

func BenchmarkMember(b *testing.B) {
	s := New(R4)
	for b.Loop() {
		if in, _ := s.Member("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", "", "female"); !in {
			b.Fatal("not in")
		}
	}
}

func BenchmarkFirstMember(b *testing.B) {
	for b.Loop() {
		s := New(&packed{open: func() (*contents, error) { return openBox(box) }})
		if in, _ := s.Member("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", "", "female"); !in {
			b.Fatal("not in")
		}
	}
}
