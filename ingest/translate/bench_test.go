package translate

import (
	"testing"

	"selda/ingest/mapped"
)

// BenchmarkMessage is what a resource without anything to translate costs.
func BenchmarkMessage(b *testing.B) {
	c := codings(b, table)
	body := []byte(`{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"2339-0","display":"Glucose"}],"text":"Glucose"},"subject":{"reference":"Patient/1"},"valueQuantity":{"value":5.1,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}}`)
	for b.Loop() {
		Message(&mapped.Message{Resources: []mapped.Resource{{Type: "Observation", Body: body}}}, c)
	}
}
