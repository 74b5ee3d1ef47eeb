package validate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/terminology"
)

// profiled is a validator with profiles, each the elements of a differential.
func profiled(t *testing.T, profiles map[string]string) *Validator {
	t.Helper()
	var resources []*fhir.Resource
	for name, elements := range profiles {
		typ, base, _ := strings.Cut(name, "<")
		typ, id, _ := strings.Cut(typ, "/")
		if base == "" {
			base = standard + typ
		} else {
			base = "http://x.example/" + base
		}
		resources = append(resources, parse(t, fmt.Sprintf(`{"resourceType":"StructureDefinition","url":"http://x.example/%s","type":%q,"kind":"resource",
			"derivation":"constraint","baseDefinition":%q,"differential":{"element":[%s]}}`, id, typ, base, elements)))
	}
	return New(definition.NewSet(definition.R4, resources...), terminology.New(terminology.R4))
}

// Each kind of discriminator tells items apart. https://hl7.org/fhir/R4/profiling.html#discriminator
func TestSlicing(t *testing.T) {
	sliced := func(path, kind, at, rules, more string) string {
		return fmt.Sprintf(`{"id":"%s","path":"%s","slicing":{"discriminator":[{"type":%q,"path":%q}],"rules":%q}},%s`, path, path, kind, at, rules, more)
	}
	v := profiled(t, map[string]string{
		"Patient/value": sliced("Patient.identifier", "value", "system", "open", `
			{"id":"Patient.identifier:nhs","path":"Patient.identifier","sliceName":"nhs","min":1,"max":"1"},
			{"id":"Patient.identifier:nhs.system","path":"Patient.identifier.system","fixedUri":"http://n"},
			{"id":"Patient.identifier:nhs.value","path":"Patient.identifier.value","min":1}`),
		"Patient/derived<value": `{"id":"Patient.identifier:nhs.period","path":"Patient.identifier.period","min":1},
			{"id":"Patient.identifier:local","path":"Patient.identifier","sliceName":"local","max":"1"},
			{"id":"Patient.identifier:local.system","path":"Patient.identifier.system","fixedUri":"http://l"}`,
		"Patient/closed": sliced("Patient.telecom", "value", "system", "closed", `
			{"id":"Patient.telecom:phone","path":"Patient.telecom","sliceName":"phone"},
			{"id":"Patient.telecom:phone.system","path":"Patient.telecom.system","fixedCode":"phone"}`),
		"Observation/pattern": sliced("Observation.component", "pattern", "code", "open", `
			{"id":"Observation.component:sys","path":"Observation.component","sliceName":"sys","min":1},
			{"id":"Observation.component:sys.code","path":"Observation.component.code","patternCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]}},
			{"id":"Observation.component:sys.value[x]","path":"Observation.component.value[x]","type":[{"code":"Quantity"}]}`),
		"Observation/type": `{"id":"Observation.value[x]","path":"Observation.value[x]","slicing":{"discriminator":[{"type":"type","path":"$this"}],"rules":"open"}},
			{"id":"Observation.value[x]:valueQuantity","path":"Observation.value[x]","sliceName":"valueQuantity","type":[{"code":"Quantity"}]},
			{"id":"Observation.value[x]:valueQuantity.code","path":"Observation.value[x].code","min":1}`,
		"Observation/short": `{"id":"Observation.valueQuantity","path":"Observation.valueQuantity","min":1},{"id":"Observation.valueQuantity.unit","path":"Observation.valueQuantity.unit","min":1}`,
		"Bundle/entries": sliced("Bundle.entry", "type", "resource", "closed", `
			{"id":"Bundle.entry:p","path":"Bundle.entry","sliceName":"p","min":1,"max":"1"},
			{"id":"Bundle.entry:p.resource","path":"Bundle.entry.resource","type":[{"code":"Patient"}]}`),
		"Patient/named": `{"id":"Patient.name","path":"Patient.name","min":1}`,
		"Bundle/profiles": sliced("Bundle.entry", "profile", "resource", "open", `
			{"id":"Bundle.entry:p","path":"Bundle.entry","sliceName":"p","min":1,"max":"1"},
			{"id":"Bundle.entry:p.resource","path":"Bundle.entry.resource","type":[{"code":"Patient","profile":["http://x.example/named"]}]}`),
		"Patient/exists": sliced("Patient.name", "exists", "family", "open", `
			{"id":"Patient.name:with","path":"Patient.name","sliceName":"with","max":"1"},
			{"id":"Patient.name:with.family","path":"Patient.name.family","min":1},
			{"id":"Patient.name:without","path":"Patient.name","sliceName":"without","max":"1"},
			{"id":"Patient.name:without.family","path":"Patient.name.family","max":"0"}`),
		"Patient/reference": sliced("Patient.generalPractitioner", "type", "resolve()", "open", `
			{"id":"Patient.generalPractitioner:org","path":"Patient.generalPractitioner","sliceName":"org","max":"1","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Organization"]}]}`),
		"Patient/ordered": `{"id":"Patient.telecom","path":"Patient.telecom","slicing":{"discriminator":[{"type":"value","path":"use"}],"ordered":true,"rules":"openAtEnd"}},
			{"id":"Patient.telecom:home","path":"Patient.telecom","sliceName":"home"},{"id":"Patient.telecom:home.use","path":"Patient.telecom.use","fixedCode":"home"},
			{"id":"Patient.telecom:work","path":"Patient.telecom","sliceName":"work"},{"id":"Patient.telecom:work.use","path":"Patient.telecom.use","fixedCode":"work"}`,
		"Patient/inside": `{"id":"Patient.contact.name.family","path":"Patient.contact.name.family","min":1},{"id":"Patient.birthDate","path":"Patient.birthDate","minValueDate":"1900-01-01","maxLength":7}`,
	})
	const obs = `{"resourceType":"Observation","status":"final","code":{"text":"x"},`
	const systolic = `{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},`
	for _, c := range []struct{ profile, in, want string }{
		{"value", `{"resourceType":"Patient","identifier":[{"system":"http://x"},{"system":"http://n","value":"1"}]}`, ""},
		{"value", `{"resourceType":"Patient","identifier":[{"system":"http://x"}]}`, "Patient: identifier:nhs is missing"},
		{"value", `{"resourceType":"Patient","identifier":[{"system":"http://n"}]}`, "Patient.identifier[0]: value is missing"},
		{"value", `{"resourceType":"Patient","identifier":[{"system":"http://n","value":"1"},{"system":"http://n","value":"2"}]}`, "identifier:nhs is there 2 times"},
		{"derived", `{"resourceType":"Patient","identifier":[{"system":"http://n","value":"1","period":{"start":"2020"}}]}`, ""},
		{"derived", `{"resourceType":"Patient","identifier":[{"system":"http://n","value":"1"}]}`, "Patient.identifier[0]: period is missing"},
		{"derived", `{"resourceType":"Patient","identifier":[{"system":"http://l","value":"1"}]}`, "identifier:nhs is missing"},
		{"derived", `{"resourceType":"Patient","identifier":[{"system":"http://n","value":"1","period":{"start":"2020"}},{"system":"http://l"},{"system":"http://l"}]}`, "identifier:local is there 2 times"},
		{"closed", `{"resourceType":"Patient","telecom":[{"system":"phone","value":"1"}]}`, ""},
		{"closed", `{"resourceType":"Patient","telecom":[{"system":"phone","value":"1"},{"system":"email","value":"1"}]}`, "Patient.telecom[1]: this is in none of the slices"},
		{"pattern", obs + `"component":[` + systolic + `"valueQuantity":{"value":1}}]}`, ""},
		{"pattern", obs + `"component":[` + systolic + `"valueString":"x"}]}`, "Observation.component[0].value: the type is string"},
		{"pattern", obs + `"component":[{"code":{"text":"x"},"valueString":"x"}]}`, "component:sys is missing"},
		{"type", obs + `"valueString":"x"}`, ""},
		{"type", obs + `"valueQuantity":{"value":1}}`, "Observation.value: code is missing"},
		{"short", obs + `"valueQuantity":{"value":1,"unit":"x"}}`, ""},
		{"short", obs + `"valueQuantity":{"value":1}}`, "Observation.value: unit is missing"},
		{"short", obs + `"valueString":"x"}`, "value:valueQuantity is missing"},
		{"entries", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":true}}]}`, ""},
		{"entries", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":true}},{"resource":{"resourceType":"Organization","name":"x"}}]}`, "Bundle.entry[1]: this is in none"},
		{"profiles", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","name":[{"text":"x"}]}},{"resource":{"resourceType":"Patient","active":true}}]}`, ""},
		{"profiles", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":true}}]}`, "entry:p is missing"},
		{"exists", `{"resourceType":"Patient","name":[{"family":"a"},{"text":"b"}]}`, ""},
		{"exists", `{"resourceType":"Patient","name":[{"family":"a"},{"family":"b"}]}`, "name:with is there 2 times"},
		{"exists", `{"resourceType":"Patient","name":[{"text":"a"},{"text":"b"}]}`, "name:without is there 2 times"},
		{"reference", `{"resourceType":"Patient","generalPractitioner":[{"reference":"Organization/1"},{"reference":"Practitioner/1"}]}`, ""},
		{"reference", `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}],"generalPractitioner":[{"reference":"#o"},{"reference":"Organization/2"}]}`, "generalPractitioner:org is there 2 times"},
		{"ordered", `{"resourceType":"Patient","telecom":[{"use":"home"},{"use":"work"},{"use":"mobile"}]}`, ""},
		{"ordered", `{"resourceType":"Patient","telecom":[{"use":"work"},{"use":"home"}]}`, "Patient.telecom[1]: the slice home comes after"},
		{"ordered", `{"resourceType":"Patient","telecom":[{"use":"mobile"},{"use":"work"}]}`, "Patient.telecom[1]: items of no slice come at the end"},
		{"inside", `{"resourceType":"Patient","contact":[{"name":{"family":"x"}},{"name":{"text":"x"}}]}`, "Patient.contact[1].name: family is missing"},
		{"inside", `{"resourceType":"Patient","birthDate":"1899"}`, ""},
		{"inside", `{"resourceType":"Patient","birthDate":"1899-12-31"}`, "Patient.birthDate: the value is less"},
		{"inside", `{"resourceType":"Patient","birthDate":"1950-12-31"}`, "Patient.birthDate: the value is longer"},
	} {
		found := said(v.Profiles(parse(t, c.in), "http://x.example/"+c.profile), Error)
		if c.want == "" && len(found) > 0 || c.want != "" && !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %s: %v, not %q", c.profile, c.in, found, c.want)
		}
	}
}
