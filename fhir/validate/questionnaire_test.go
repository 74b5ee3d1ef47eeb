package validate

import (
	"slices"
	"strings"
	"testing"

	"selda/fhir"
)

const form1 = `{"resourceType":"Questionnaire","url":"http://x.example/q","version":"1.2","status":"active","item":[
	{"linkId":"smokes","type":"boolean","required":true},
	{"linkId":"often","type":"integer","enableWhen":[{"question":"smokes","operator":"=","answerBoolean":true}],
		"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/minValue","valueInteger":1},{"url":"http://hl7.org/fhir/StructureDefinition/maxValue","valueInteger":60}]},
	{"linkId":"group","type":"group","item":[
		{"linkId":"colour","type":"choice","answerOption":[{"valueCoding":{"system":"http://x.example/c","code":"red"}},{"valueCoding":{"system":"http://x.example/c","code":"blue"}}]},
		{"linkId":"note","type":"string","maxLength":5,"repeats":true},
		{"linkId":"weight","type":"quantity","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/maxValue","valueQuantity":{"value":500,"system":"http://unitsofmeasure.org","code":"kg"}}]}]},
	{"linkId":"words","type":"display"}]}`

func TestAnswers(t *testing.T) {
	v := r4()
	q, err := fhir.Parse([]byte(form1))
	if err != nil {
		t.Fatal(err)
	}
	v.Canonical = Canonical([]*fhir.Resource{q})
	const head = `{"resourceType":"QuestionnaireResponse","questionnaire":"http://x.example/q|1","status":"completed","item":[`
	const yes = `{"linkId":"smokes","answer":[{"valueBoolean":true}]}`
	for _, c := range []struct{ items, want string }{
		{yes, ""},
		{yes + `,{"linkId":"often","answer":[{"valueInteger":20}]},{"linkId":"group","item":[{"linkId":"colour","answer":[{"valueCoding":{"system":"http://x.example/c","code":"red"}}]},{"linkId":"note","answer":[{"valueString":"abc"},{"valueString":"abcde"}]}]}`, ""},
		{yes + `,{"linkId":"group","item":[{"linkId":"weight","answer":[{"valueQuantity":{"value":70000,"system":"http://unitsofmeasure.org","code":"g"}}]}]}`, ""},
		{`{"linkId":"often","answer":[{"valueInteger":20}]}`, "no answer to the required item smokes"},
		{`{"linkId":"smokes","answer":[{"valueBoolean":false}]},{"linkId":"often","answer":[{"valueInteger":20}]}`, "item[1]: this item is not enabled"},
		{yes + `,{"linkId":"often","answer":[{"valueInteger":0}]}`, "item[1].answer[0].value: the answer is less"},
		{yes + `,{"linkId":"often","answer":[{"valueInteger":61}]}`, "the answer is more"},
		{yes + `,{"linkId":"often","answer":[{"valueDecimal":2}]}`, "is of type integer"},
		{yes + `,{"linkId":"often","answer":[{"valueInteger":2},{"valueInteger":3}]}`, "at most 1 are allowed"},
		{yes + `,{"linkId":"nothing"}`, "item[1]: the Questionnaire has no item of this linkId"},
		{yes + `,{"linkId":"colour"}`, "in another place"},
		{`{"linkId":"group"},` + yes, "not in the order"},
		{yes + `,{"linkId":"group","item":[{"linkId":"colour","answer":[{"valueCoding":{"system":"http://x.example/c","code":"green"}}]}]}`, "none of those"},
		{yes + `,{"linkId":"group","item":[{"linkId":"note","answer":[{"valueString":"abcdef"}]}]}`, "longer than 5"},
		{yes + `,{"linkId":"group","item":[{"linkId":"weight","answer":[{"valueQuantity":{"value":0.6,"system":"http://unitsofmeasure.org","code":"t"}}]}]}`, "the answer is more"},
		{yes + `,{"linkId":"group","item":[{"linkId":"weight","answer":[{"valueQuantity":{"value":1,"unit":"stone"}}]}]}`, "can't be compared"},
		{yes + `,{"linkId":"group","answer":[{"valueString":"x"}]}`, "a group has items"},
		{yes + `,{"linkId":"words","answer":[{"valueString":"x"}]}`, "type display has no answer"},
		{yes + `,` + yes, "at most once"},
	} {
		found := said(v.Profiles(parse(t, head+c.items+`]}`)), Error)
		if c.want == "" && len(found) > 0 || c.want != "" && !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %v, not %q", c.items, found, c.want)
		}
	}
}

func TestBundles(t *testing.T) {
	v := r4()
	const composition = `{"resourceType":"Composition","id":"c","status":"final","type":{"text":"x"},"date":"2020","title":"x","author":[{"reference":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}]`
	document := func(first, author, rest string) string {
		return `{"resourceType":"Bundle","type":"document","identifier":{"system":"http://x.example","value":"1"},"timestamp":"2020-01-01T00:00:00Z","entry":[
			{"fullUrl":"` + first + `","resource":` + composition + `}},{"fullUrl":"` + author + `","resource":{"resourceType":"Practitioner","id":"p","active":true}}` + rest + `]}`
	}
	const uuid = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
	for _, c := range []struct{ in, want string }{
		{document("urn:uuid:b0a5e4277-83c4-4adb-87e2-e3efe3369b6f", uuid, ""), "UUID"},
		{document("http://x.example/Composition/c", uuid, ""), ""},
		{document("http://x.example/Composition/d", uuid, ""), "Bundle.entry[0]: fullUrl does not end in"},
		{document("Composition/c", uuid, ""), "Bundle.entry[0]: fullUrl is an absolute URL"},
		{document("http://x.example/Composition/c", "http://x.example/Practitioner/p", ""), "Bundle.entry[0].resource.author[0]: the reference leads to nothing in the Bundle"},
		{document("http://x.example/Composition/c", uuid, `,{"fullUrl":"http://x.example/Practitioner/r","resource":{"resourceType":"Practitioner","id":"r","active":true}}`), "Bundle.entry[2]: nothing leads"},
		{`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"http://x.example/Patient/1","resource":{"resourceType":"Patient","active":true},"request":{"method":"POST","url":"Patient"}}]}`, ""},
	} {
		found := said(v.Profiles(parse(t, c.in)), Error)
		if c.want == "" && len(found) > 0 || c.want != "" && !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%.300s: %v, not %q", c.in, found, c.want)
		}
	}
}

// What the standard says of its own resources and datatypes in words.
func TestConformanceResources(t *testing.T) {
	v := r4()
	for _, c := range []struct{ in, want string }{
		{`{"resourceType":"CodeSystem","url":"http://x.example/c","status":"draft","content":"not-present","concept":[{"code":"a"}]}`, "CodeSystem.content: content says"},
		{`{"resourceType":"CodeSystem","url":"http://x.example/c","status":"draft","content":"complete","property":[{"code":"p","type":"string"},{"code":"p","type":"code"}]}`, "CodeSystem.property[1]: a property of this code"},
		{`{"resourceType":"CodeSystem","url":"http://x.example/c","status":"draft","content":"complete","property":[{"code":"p","type":"string"}],"concept":[{"code":"a","concept":[{"code":"b","property":[{"code":"p","valueBoolean":true}]}]}]}`, "CodeSystem.concept[0].concept[0].property[0]: the value is of another type"},
		{`{"resourceType":"ValueSet","url":"ValueSet/1","status":"draft","compose":{"include":[{"system":"c"}]}}`, "ValueSet.compose.include[0].system: a code system is named by an absolute URI"},
		{`{"resourceType":"ValueSet","url":"ValueSet/1","status":"draft"}`, "ValueSet.url: a canonical URL is absolute"},
		{`{"resourceType":"SearchParameter","url":"http://x.example/s","name":"S","status":"draft","description":"x","code":"s","base":["Patient"],"type":"string","expression":"Patient.nam"}`, "SearchParameter.expression: the expression finds nothing in a Patient"},
		{`{"resourceType":"SearchParameter","url":"http://x.example/s","name":"S","status":"draft","description":"x","code":"s","base":["Patient"],"type":"string","expression":"Patient."}`, "SearchParameter.expression: not a FHIRPath expression"},
		{`{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"XX"}]}}`, "Patient.maritalStatus.coding[0].code: the code system http://terminology.hl7.org/CodeSystem/v3-MaritalStatus has no such code"},
		{`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1,"system":"ucum","code":"mg"}}`, "Observation.value.system: a code system is named by an absolute URI"},
		{`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}]}`, "Patient.contained[0]: nothing in the resource leads to this contained one"},
		{`{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"marital","code":"M"}]}}`, "Patient.maritalStatus.coding[0].system: a code system is named by an absolute URI"},
		{`{"resourceType":"Patient","name":[{"id":"a"},{"id":"a","text":"x"}]}`, "Patient.name[1]: another element of the resource has this id"},
		{`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"#gone\">x</a></div>"}}`, "Patient.text.div: a link of the narrative leads to #gone"},
		{`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"javascript:x()\">x</a></div>"}}`, "Patient.text.div: a link of the narrative has a scheme"},
		{`{"resourceType":"ValueSet","url":"http://x.example/v","status":"draft","compose":{"include":[{"system":"http://x.example/c","filter":[{"property":"notSelectable","op":"=","value":"1"}]}]}}`, "ValueSet.compose.include[0].filter[0]: the property is true or false"},
		{`{"resourceType":"StructureDefinition","url":"http://x.example/d","name":"D","status":"draft","kind":"complex-type","abstract":false,"type":"Extension","derivation":"constraint","context":[{"type":"element","expression":"Patient"}],
			"baseDefinition":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","differential":{"element":[{"id":"Extension.url","path":"Extension.url","fixedUri":"http://x.example/d"}]}}`, "StructureDefinition.differential.element[0]: the base fixes another value"},
		{`{"resourceType":"Patient","identifier":[{"system":"urn:ietf:rfc:3986","value":"x"}]}`, "Patient.identifier[0].value: an identifier of the system urn:ietf:rfc:3986"},
	} {
		found := said(v.Profiles(parse(t, c.in)), Error)
		if !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %v, not %q", c.in, found, c.want)
		}
	}
	display := `{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M","display":"Wed"}]}}`
	issues := v.Profiles(parse(t, display))
	if Errors(issues) || !slices.ContainsFunc(said(issues, Warning), func(s string) bool { return strings.Contains(s, "has no such name for this code") }) {
		t.Error(issues)
	}
}
