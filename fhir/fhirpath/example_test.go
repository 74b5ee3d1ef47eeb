package fhirpath_test

import (
	"fmt"

	"selda/fhir"
	"selda/fhir/fhirpath"
)

func Example() {
	r, err := fhir.Parse([]byte(`{"resourceType":"Patient","name":[{"use":"official","given":["Ada","May"]},{"use":"nickname","given":["Addie"]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := fhirpath.Compile("Patient.name.where(use = 'official').given")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = e.Each(nil, fhirpath.Resource(r.Root()), func(it fhirpath.Item) bool {
		fmt.Println(it.Type(), it.String())
		return true
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// string Ada
	// string May
}
