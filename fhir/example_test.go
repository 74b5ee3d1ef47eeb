package fhir_test

import (
	"fmt"

	"selda/fhir"
)

// A resource is a tree over its text: numbers keep their digits.
func ExampleParse() {
	r, err := fhir.Parse([]byte(`{"resourceType":"Observation","status":"final","valueQuantity":{"value":107.00,"unit":"mmHg"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Type, r.Get("valueQuantity", "value").Text(), r.Get("valueQuantity", "unit").Text())
	fmt.Println(r.Get("subject", "reference").Exists())
	// Output:
	// Observation 107.00 mmHg
	// false
}
