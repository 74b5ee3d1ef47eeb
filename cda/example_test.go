package cda_test

import (
	"fmt"

	"selda/cda"
)

func ExampleDocument_At() {
	d, err := cda.Parse([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Letter</title><versionNumber value="2"/></ClinicalDocument>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	v, ok := d.At("versionNumber@value")
	fmt.Println(ok, v.Text, string(d.Text[v.Start:v.End]))
	// Output: true 2 2
}
