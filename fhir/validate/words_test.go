package validate

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/terminology"
)

// What the standard and its guides say in words: each rule finds what breaks it,
// and lets what is right pass.
func TestRulesInWords(t *testing.T) {
	cql := base64.StdEncoding.EncodeToString([]byte("library Smoking version '1'\n\ndefine \"Smokes Now\":\n  true\n\ndefine function Age(p Patient):\n  1\n"))
	known := []*fhir.Resource{
		parse(t, `{"resourceType":"Library","url":"http://x.example/Library/s","name":"Smoking","status":"active","type":{"text":"x"},"content":[{"contentType":"text/cql","data":"`+cql+`"}]}`),
		parse(t, `{"resourceType":"SearchParameter","url":"http://x.example/sp","type":"date"}`),
		parse(t, `{"resourceType":"Questionnaire","url":"http://x.example/q","status":"active","item":[{"linkId":"1","type":"choice","repeats":true}]}`),
		parse(t, `{"resourceType":"StructureDefinition","url":"http://x.example/german","type":"Patient","kind":"resource","derivation":"constraint","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient",
			"differential":{"element":[{"id":"Patient.text","path":"Patient.text","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/narrative-language-control","valueCode":"de"},{"url":"http://hl7.org/fhir/StructureDefinition/narrative-language-control","valueCode":"_resource"}]}]}}`),
	}
	v := New(definition.NewSet(definition.R4, known...), terminology.New(terminology.R4))
	v.Canonical = Canonical(known)

	coded := func(code string) string {
		return `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"` + code + `"}]}}`
	}
	measure := func(library, expression string) string {
		return `{"resourceType":"Measure","status":"draft","url":"http://x.example/m","library":["` + library + `"],"group":[{"population":[{"criteria":{"language":"text/cql","expression":"` + expression + `"}}]}]}`
	}
	server := func(url, typ string) string {
		return `{"resourceType":"CapabilityStatement","status":"draft","date":"2020","kind":"requirements","description":"x","fhirVersion":"4.0.1","format":["json"],"rest":[{"mode":"server","resource":[{"type":"Patient","searchParam":[{"name":"a","definition":"` + url + `","type":"` + typ + `"}]}]}]}`
	}
	answer := func(language, code, display string) string {
		return `{"resourceType":"QuestionnaireResponse","language":"` + language + `","questionnaire":"http://x.example/q","status":"completed","item":[{"linkId":"1","answer":[{"valueCoding":{"system":"urn:iso:std:iso:3166","code":"` + code + `","display":"` + display + `"}}]}]}`
	}
	narrative := func(extension, div string) string {
		return `{"resourceType":"Patient","language":"en","text":{` + extension + `"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + div + `</div>"},"name":[{"id":"n","text":"x"}]}`
	}
	link := func(html, data, selector string) string {
		return `"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/textLink","extension":[{"url":"htmlid","valueString":"` + html + `"},{"url":"data","valueUri":"` + data + `"},{"url":"selector","valueString":"` + selector + `"}]}],`
	}
	const german = "http://x.example/german"
	for _, c := range []struct{ in, profile, want string }{
		{coded("276885007"), "", ""},
		{coded("73211009:363698007=113331007"), "", ""}, // an expression
		{coded("276885007x"), "", "has no such code"},
		{coded("276885008"), "", "Observation.code.coding[0].code"},  // its check digit is wrong
		{coded("2839041012"), "", "Observation.code.coding[0].code"}, // a description's
		{coded("1"), "", "Observation.code.coding[0].code"},
		{`{"resourceType":"ValueSet","status":"draft","url":"http://x.example/v","compose":{"include":[{"system":"http://snomed.info/sct","concept":[{"code":"276885007"},{"code":"2"}]}]}}`, "", "ValueSet.compose.include[0].concept[1]: "},

		{measure("http://x.example/Library/s", `Smoking.\"Smokes Now\"`), "", ""},
		{measure("http://x.example/Library/s", `\"Smokes Now\"`), "", ""},
		{measure("http://x.example/Library/s", "Age"), "", ""},
		{measure("http://x.example/Library/s", "exists [Condition]"), "", ""}, // CQL itself
		{measure("http://x.example/Library/unknown", "Smoking.Drinks"), "", ""},
		{measure("http://x.example/Library/s", "Smoking.Drinks"), "", "Measure.group[0].population[0].criteria: the library Smoking defines no"},
		{measure("http://x.example/Library/s", "Drinks"), "", "no library of the Measure defines"},

		{server("http://hl7.org/fhir/SearchParameter/individual-birthdate", "date"), "", ""},
		{server("http://x.example/unknown", "date"), "", ""},
		{server("http://hl7.org/fhir/SearchParameter/individual-birthdate", "token"), "", "CapabilityStatement.rest[0].resource[0].searchParam[0].type: the type is not that of the definition"},
		{server("http://x.example/sp", "token"), "", "there it is date"},

		{answer("en-GB", "AU", "Australia"), "", ""},
		{answer("en-GB", "GB", "Great Britain"), "", ""}, // a name that the list does not have
		{answer("en", "BD", "Australia"), "", "item[0].answer[0].value: the text of the answer is no name of its code, which stands for Bangladesh"},
		{answer("de", "BD", "Australia"), "", ""},

		{narrative("", `<div lang=\"de\">x</div><div lang=\"en\">x</div>`), german, ""},
		{narrative("", `<div lang=\"de\">x</div>`), german, "no section in the language en"},
		{narrative("", `x`), german, "Patient.text: the narrative has no sections"},
		{narrative(link("a", "#n", "text"), `<p id=\"a\">x</p>`), "", ""},
		{narrative(link("b", "#n", "text"), `<p id=\"a\">x</p>`), "", "Patient.text.extension[0]: the narrative has no element of the id b"},
		{narrative(link("a", "#m", "text"), `<p id=\"a\">x</p>`), "", "no element of the id m"},
		{narrative(link("a", "#", "Patient.name.text"), `<p id=\"a\">x</p>`), "", ""},
		{narrative(link("a", "#", "Observation.code"), `<p id=\"a\">x</p>`), "", "the selector finds nothing in a Patient"},
	} {
		var profiles []string
		if c.profile != "" {
			profiles = append(profiles, c.profile)
		}
		found := said(v.Profiles(parse(t, c.in), profiles...), Error)
		if c.want == "" && len(found) > 0 || c.want != "" && !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %v, not %q", c.in, found, c.want)
		}
	}
}

func FuzzSections(f *testing.F) {
	for _, div := range []string{`<div><div lang="de">x</div><div xml:lang="en">y</div></div>`, `<div><div lang="de"/>`, `<div lang="en">x</div>`, "<!--", "&", `<A><div lang="">`} {
		f.Add(div)
	}
	f.Fuzz(func(t *testing.T, div string) {
		for _, l := range sections(div) {
			if l == "" || !strings.Contains(div, "lang") {
				t.Errorf("%q in %q", l, div)
			}
		}
	})
}
