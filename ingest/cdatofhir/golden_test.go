package cdatofhir

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"selda/cda"
	"selda/ingest/mapped"
)

// What a clinician would look for in documents that real systems sent.
func TestGolden(t *testing.T) {
	for file, want := range map[string][]string{
		"nhs-itk-correspondence/transmitter_source/de.xml": {
			`"value":"9999345201"`, `"Number present and verified"`, `"birthDate":"1928-12-18"`, `"family":"Jones","given":["Barry"]`,
			`{"resourceType":"Condition","category":[{"coding":[{"code":"encounter-diagnosis"`,
			`"code":{"coding":[{"code":"73795002","display":"Acute inferior myocardial infarction","system":"http://snomed.info/sct"}],"text":"Acute Inferior Myocardial Infarction"}`,
			`"medicationCodeableConcept":{"coding":[{"code":"395889004","display":"Streptokinase"`,
			`"period":{"start":"2006-05-01T20:36:00+01:00"}`,
			`"code":"mm[Hg]","system":"http://unitsofmeasure.org","unit":"mm[Hg]","value":90`,
		},
		"nhs-111-cda/service/src/integration-test/resources/xml/primary-emergency-itk-request.xml": {
			`"system":"https://selda.example/id/RJZ/2.16.840.1.113883.2.1.3.2.4.18.24/Medway-NHS-Foundation-Trust","value":"K12345"`,
			`"Number present but not traced"`, `"generalPractitioner":[{"display":"Medway Medical Practice"`,
			`"dischargeDisposition":{"coding":[{"code":"Dx001"`, `"period":{"end":"2017-01-01T20:15:00+00:00","start":"2017-01-01T19:45:00+00:00"},"status":"finished"`,
			`"meta":{"security":[{"code":"V","display":"very restricted"`, `"valueCodeableConcept":{"coding":[{"code":"22298006"`, `"status":"planned"`,
		},
		"ccda-hl7/Documents/Discharge Summary/Discharge_Summary.xml": {
			`"code":"8302-2","display":"Body height"`, `"valueQuantity":{"code":"cm","system":"http://unitsofmeasure.org","unit":"cm","value":177}`,
			`"code":"72166-2"`, `"display":"Never smoked tobacco"`,
		},
	} {
		found := false
		set, _, _ := strings.Cut(file, "/")
		material(t, set, func(name string, in []byte) {
			if name != file {
				return
			}
			found = true
			d, err := cda.Parse(in)
			if err != nil {
				t.Fatal(err)
			}
			msg, err := Map(d, "RJZ:DOCS")
			if err != nil {
				t.Fatal(err)
			}
			bodies := []string{string(msg.Patients[0].Body)}
			for _, r := range msg.Resources {
				bodies = append(bodies, string(r.Body))
			}
			for _, w := range want {
				if !slices.ContainsFunc(bodies, func(b string) bool { return strings.Contains(b, w) }) {
					t.Errorf("%s: nothing says %s", name, w)
				}
			}
		})
		if !found {
			t.Errorf("%s is missing", file)
		}
	}
}

func ExampleMap() {
	d, err := cda.Parse([]byte(header + `<component><structuredBody><component><section><entry><observation moodCode="EVN">
<code code="8302-2" codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="PQ" value="177" unit="cm"/></observation></entry></section></component></structuredBody></component></ClinicalDocument>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	msg, err := Map(d, "RJZ:DOCS")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range msg.Resources {
		fmt.Println(r.Type, "from", r.Place)
		i := slices.IndexFunc(r.Origins, func(o mapped.Origin) bool { return o.Element == "valueQuantity.value" })
		if i >= 0 {
			fmt.Println("its value from", r.Origins[i].Place)
		}
	}
	// Output:
	// DocumentReference from ClinicalDocument
	// Observation from component.structuredBody.component.section.entry.observation
	// its value from component.structuredBody.component.section.entry.observation.value@value
}
