package classify

import (
	"os"
	"path/filepath"
	"testing"

	"selda/fhir"
)

// BenchmarkContent is what looking for what is sensitive costs a resource, over the
// official examples; BenchmarkParse is the least that anything costs.
func BenchmarkContent(b *testing.B) {
	var all []*fhir.Resource
	var bodies [][]byte
	files, _ := filepath.Glob("../../../shared/material/synthea-r4/*/*.json")
	more, _ := filepath.Glob("../../../shared/material/fhir-r4-examples/*.json")
	for _, f := range append(files, more...) {
		body, err := os.ReadFile(f)
		if err != nil || len(body) > 20_000 {
			continue
		}
		if body, err = fhir.Compact(body); err != nil {
			continue
		}
		if r, err := fhir.ParseTrusted(body); err == nil && looked[r.Type] {
			all, bodies = append(all, r), append(bodies, body)
		}
	}
	if len(all) == 0 {
		b.Skip("no ../shared/material")
	}
	l := Box()
	b.Run("content", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			l.Content(all[i%len(all)])
		}
	})
	b.Run("parse", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, _ = fhir.ParseTrusted(bodies[i%len(bodies)])
		}
	})
	b.Run("of", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			Of(all[i%len(all)], "RJZ:PAS", By{})
		}
	})
}

// BenchmarkMay is what a body costs in which there is nothing.
func BenchmarkMay(b *testing.B) {
	body := []byte(`{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"https://selda.example/id/RJZ:LAB","code":"NA","display":"Sodium"}],"text":"Sodium"},"subject":{"reference":"urn:selda:key:Patient:0"},"effectiveDateTime":"2026-11-05T08:00:00+00:00","valueQuantity":{"value":141,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},"referenceRange":[{"low":{"value":133},"high":{"value":146}}]}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if Box().May(body) {
			b.Fatal("there is nothing in it")
		}
	}
}
