package subscription_test

import (
	"strings"
	"testing"
)

// Who is merged by the index is told, though no resource has changed: a source
// system what was said of its own two, a person who is new to the record that
// they watch. What the index concludes from another source's entry is not told
// to a source system, and what the resource says is told once.
func TestMergedByTheIndex(t *testing.T) {
	r := open(t)
	r.declared()
	source, person := receive(t), receive(t)
	r.subscribe("system", topical("patient-merged", source.URL, "id-only"))
	r.subscribe("visitor", topical("patient-merged", person.URL, "id-only", "Patient?_id=p1"))
	r.settle()
	source.got()
	person.got()
	for _, id := range []string{"m2", "m3", "m4"} {
		r.patient(id, "")
	}
	merge := func(from, into string) {
		r.do(200, "system", "POST", "/fhir/Patient/$merge", `{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/`+from+`"}},
			{"name":"target-patient","valueReference":{"reference":"Patient/`+into+`"}}]}`)
		r.settle()
	}
	merge("m2", "p1")
	same(t, "of its own two", source.told(), "1:Patient/m2")
	same(t, "who has come to the record", person.told(), "1:Patient/m2")
	merge("p1", "m3") // the other way round
	same(t, "and who has come last", person.told(), "2:Patient/m3")
	source.got()
	elsewhere := func(name, number string) {
		if _, err := r.env.Ingest(t.Context(), "RPG:RIO", "fhir", "", name+".json", []byte(`{"resourceType":"Patient","id":"`+name+`","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+number+`",
			"extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus","valueCodeableConcept":{"coding":[{"code":"01"}]}}]}],
			"name":[{"family":"`+name+`","given":["A"]}],"birthDate":"1951-11-05"}`)); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere("p1", folake)
	elsewhere("s1", "9990002711")
	r.patient("s1", "9990002711")
	r.settle()
	if told := person.told(); len(told) != 1 || !strings.HasPrefix(told[0], "3:Patient/") {
		t.Errorf("another source's, whom the index has found to be the same: %v", told)
	}
	same(t, "which is not the source system's to know", source.told())
	r.do(200, "system", "PUT", "/fhir/Patient/m4", `{"resourceType":"Patient","id":"m4","active":false,"name":[{"family":"m4"}],"link":[{"other":{"reference":"Patient/m3"},"type":"replaced-by"}]}`)
	r.settle()
	if told := source.told(); len(told) != 1 {
		t.Errorf("what the resource says: %v", told)
	}
}
