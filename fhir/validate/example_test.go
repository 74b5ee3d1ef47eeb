package validate_test

import (
	"fmt"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/validate"
	"selda/terminology"
)

func Example() {
	r, err := fhir.Parse([]byte(`{"resourceType":"Patient","gender":"M","name":[{"given":"Ada"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	v := validate.New(definition.R4, terminology.New(terminology.R4))
	for _, i := range v.Structure(r) {
		fmt.Println(i.Severity, i.Expression, i.Text)
	}
	// Output:
	// error Patient.gender the code is not in the value set http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1, from which it must be taken
	// error Patient.name[0].given this element may repeat: in JSON it is a list, in [ ]
}
