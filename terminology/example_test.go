package terminology_test

import (
	"fmt"

	"selda/terminology"
)

func Example() {
	s := terminology.New(terminology.R4)
	in, known := s.Member("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", "", "female")
	fmt.Println(in, known)
	in, known = s.Member("http://hl7.org/fhir/ValueSet/condition-code", terminology.SNOMED, "38341003")
	fmt.Println(in, known) // SNOMED CT is not loaded
	outcome, _ := s.Subsumes("http://terminology.hl7.org/CodeSystem/v3-ActCode", "", "_ActEncounterCode", "IMP")
	fmt.Println(outcome)
	// Output:
	// true true
	// false false
	// subsumes
}
