package validate

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/internal/conformance"
)

func parse(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// said are the issues of a severity as "expression: text".
func said(issues []Issue, s Severity) []string {
	var out []string
	for _, i := range issues {
		if i.Severity == s {
			out = append(out, i.Expression+": "+i.Text)
		}
	}
	return out
}

// What is wrong with a structure is found, at its place.
func TestStructureRefuses(t *testing.T) {
	v := r4()
	for name, c := range map[string]struct{ in, at string }{
		"unknown element":           {`{"resourceType":"Patient","nam":[]}`, "Patient.nam"},
		"unknown deep inside":       {`{"resourceType":"Patient","contact":[{"name":{"text":"x"}},{"name":{"txt":"x"}}]}`, "Patient.contact[1].name.txt"},
		"choice without type":       {`{"resourceType":"Observation","status":"final","code":{"text":"x"},"value":"x"}`, "Observation.value"},
		"two choices":               {`{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}`, "Patient"},
		"choice of a wrong type":    {`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueMoney":{}}`, "Observation.valueMoney"},
		"required is missing":       {`{"resourceType":"Observation","code":{"text":"x"}}`, "Observation"},
		"required below":            {`{"resourceType":"Patient","link":[{"type":"refer"}]}`, "Patient.link[0]"},
		"list where one is allowed": {`{"resourceType":"Patient","birthDate":["2020"]}`, "Patient.birthDate"},
		"one where a list is due":   {`{"resourceType":"Patient","name":{"text":"x"}}`, "Patient.name"},
		"empty list":                {`{"resourceType":"Patient","name":[]}`, "Patient.name"},
		"empty object":              {`{"resourceType":"Patient","name":[{}]}`, "Patient.name[0]"},
		"empty string":              {`{"resourceType":"Patient","name":[{"text":""}]}`, "Patient.name[0].text"},
		"null":                      {`{"resourceType":"Patient","birthDate":null}`, "Patient.birthDate"},
		"null in a list":            {`{"resourceType":"Patient","name":[{"given":["a",null]}]}`, "Patient.name[0].given[1]"},
		"string for an object":      {`{"resourceType":"Patient","name":["x"]}`, "Patient.name[0]"},
		"object for a string":       {`{"resourceType":"Patient","gender":{}}`, "Patient.gender"},
		"number in quotes":          {`{"resourceType":"Patient","multipleBirthInteger":"1"}`, "Patient.multipleBirth"},
		"boolean in quotes":         {`{"resourceType":"Patient","active":"true"}`, "Patient.active"},
		"a date that is none":       {`{"resourceType":"Patient","birthDate":"2021-02-29"}`, "Patient.birthDate"},
		"a time without its zone":   {`{"resourceType":"Patient","deceasedDateTime":"2021-02-28T12:00:00"}`, "Patient.deceased"},
		"a code of no value set":    {`{"resourceType":"Patient","gender":"M"}`, "Patient.gender"},
		"concept without its code":  {`{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"},"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"gone"}]}}`, "AllergyIntolerance.clinicalStatus"},
		"an id that is none":        {`{"resourceType":"Patient","id":"a_b"}`, "Patient.id"},
		"a URI with a space":        {`{"resourceType":"Patient","identifier":[{"system":"http://a b"}]}`, "Patient.identifier[0].system"},
		"within a contained one":    {`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","active":1}]}`, "Patient.contained[0].active"},
		"within a bundle":           {`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":1}}]}`, "Bundle.entry[0].resource.active"},
		"resource of no type":       {`{"resourceType":"Patient","contained":[{"id":"a"}]}`, "Patient.contained[0]"},
		"beside nothing known":      {`{"resourceType":"Patient","_foo":{"id":"x"}}`, "Patient._foo"},
		"beside a complex one":      {`{"resourceType":"Patient","_name":[{"id":"x"}]}`, "Patient._name"},
		"beside: wrong element":     {`{"resourceType":"Patient","_birthDate":{"extensio":[]}}`, "Patient.birthDate.extensio"},
		"beside: list and no list":  {`{"resourceType":"Patient","birthDate":"2020","_birthDate":[{"id":"x"}]}`, "Patient.birthDate"},
		"beside: null and nothing":  {`{"resourceType":"Patient","name":[{"_given":[null]}]}`, "Patient.name[0].given[0]"},
		"positive":                  {`{"resourceType":"Patient","telecom":[{"rank":0}]}`, "Patient.telecom[0].rank"},
		"too large":                 {`{"resourceType":"Patient","multipleBirthInteger":3000000000}`, "Patient.multipleBirth"},
		"a fraction":                {`{"resourceType":"Patient","multipleBirthInteger":1.5}`, "Patient.multipleBirth"},
		"an OID that is none":       {`{"resourceType":"Patient","identifier":[{"system":"urn:oid:10.1"}]}`, "Patient.identifier[0].system"},
		"a narrative cut off":       {`{"resourceType":"Patient","text":{"status":"generated","div":"<div><p>x</div>"}}`, "Patient.text.div"},
		"a narrative with a script": {`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x<script>y</script></div>"}}`, "Patient.text.div"},
		"a narrative with a frame":  {`{"resourceType":"Patient","text":{"status":"generated","div":"<div><iframe src=\"http://x.example\">x</iframe></div>"}}`, "Patient.text.div"},
		"a narrative that clicks":   {`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p onclick=\"y()\">x</p></div>"}}`, "Patient.text.div"},
		"a narrative that links":    {`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"java&#9;Script:y()\">x</a></div>"}}`, "Patient.text.div"},
		"a narrative of no div":     {`{"resourceType":"Patient","text":{"status":"generated","div":"x"}}`, "Patient.text.div"},
		"base64":                    {`{"resourceType":"Patient","photo":[{"data":"a-b="}]}`, "Patient.photo[0].data"},
	} {
		issues := v.Structure(parse(t, c.in))
		if len(issues) != 1 || issues[0].Severity != Error || issues[0].Expression != c.at || issues[0].Text == "" {
			t.Errorf("%s: %v, not at %s", name, issues, c.at)
		}
	}
}

func TestStructureTakes(t *testing.T) {
	v := r4()
	for _, in := range []string{
		`{"resourceType":"Patient"}`,
		`{"resourceType":"Patient","text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"> </div>"}}`,
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div>x<a href=\"http://x.example\" data-y=\"z\">&nbsp;</a><br/></div>"}}`,
		`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"http://x.example","valueCode":"b"}]}]}]}`,
		`{"resourceType":"Patient","_birthDate":{"extension":[{"url":"http://x.example","valueCode":"b"}]},"deceasedDateTime":"2021-02-28T12:00:00.123+14:00"}`,
		`{"resourceType":"Observation","_status":{"extension":[{"url":"http://x.example","valueCode":"b"}]},"code":{"text":"x"},"valueQuantity":{"value":-1.50e2}}`,
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":0.00012345678901234567890}}`,
		`{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Binary","contentType":"text/plain"}}]}`,
	} {
		if issues := v.Structure(parse(t, in)); len(issues) > 0 {
			t.Errorf("%s: %v", in, issues)
		}
	}
}

// What only the whole check finds.
func TestProfilesFind(t *testing.T) {
	v := r4()
	const observation = `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},`
	for name, c := range map[string]struct {
		in       string
		severity Severity
		want     string
	}{
		"an invariant of the resource":       {`{"resourceType":"Patient","contact":[{"gender":"male"}]}`, Error, "Patient.contact[0]: SHALL at least contain a contact's details"},
		"an invariant of a datatype":         {`{"resourceType":"Patient","name":[{"period":{"start":"2021","end":"2020"}}]}`, Error, "Patient.name[0].period: If present, start SHALL have a lower value than end"},
		"a narrative with a script":          {`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"}}`, Error, "Patient.text.div: a narrative is a div of plain XHTML"},
		"a reference to nothing":             {`{"resourceType":"Patient","managingOrganization":{"reference":"#o"}}`, Error, "Patient.managingOrganization: nothing is contained"},
		"a reference of no form":             {`{"resourceType":"Patient","managingOrganization":{"reference":"organization/1"}}`, Warning, "Patient.managingOrganization: a reference within a server is written Type/id"},
		"a reference by no id":               {`{"resourceType":"Patient","managingOrganization":{"reference":"Organization/a b"}}`, Warning, "Patient.managingOrganization: a reference within a server is written Type/id"},
		"a reference of another type":        {`{"resourceType":"Patient","managingOrganization":{"reference":"Patient/1"}}`, Error, "here it may lead to Organization only"},
		"an extension with both":             {`{"resourceType":"Patient","extension":[{"url":"http://x.example/e","valueCode":"a","extension":[{"url":"b","valueCode":"c"}]}]}`, Error, "(ext-1)"},
		"an extension that is unknown":       {`{"resourceType":"Patient","extension":[{"url":"http://x.example/e","valueCode":"a"}]}`, Warning, "http://x.example/e is not known"},
		"an extension's type":                {`{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueString":"a"}]}`, Error, "the type is string"},
		"an extension's place":               {`{"resourceType":"Observation","status":"final","code":{"text":"x"},"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"text":"a"}}]}`, Error, "may not be used here"},
		"an extension's place in a datatype": {`{"resourceType":"Patient","name":[{"text":"x","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-EN-use","valueCode":"P"}]}]}`, Error, ""},
		"a modifier extension":               {`{"resourceType":"Patient","modifierExtension":[{"url":"http://x.example/e","valueCode":"a"}]}`, Error, "might change what the resource means"},
		"a profile that is unknown":          {`{"resourceType":"Patient","meta":{"profile":["http://x.example/p"]}}`, Warning, "Patient.meta.profile[0]: the profile http://x.example/p is not known"},
		"a profile of another type":          {`{"resourceType":"Patient","meta":{"profile":["http://hl7.org/fhir/StructureDefinition/vitalsigns"]}}`, Error, "is one of Observation"},
		"a profile's cardinality":            {observation + `"meta":{"profile":["http://hl7.org/fhir/StructureDefinition/vitalsigns"]},"effectiveDateTime":"2020-01-01","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"dataAbsentReason":{"text":"x"}}`, Error, "Observation: subject is missing"},
		"a profile's slice": {observation + `"meta":{"profile":["http://hl7.org/fhir/StructureDefinition/bp"]},"effectiveDateTime":"2020-01-01","subject":{"reference":"Patient/1"},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
			"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}`, Error, "component:DiastolicBP is missing"},
		"a fixed value": {observation + `"meta":{"profile":["http://hl7.org/fhir/StructureDefinition/bp"]},"effectiveDateTime":"2020-01-01","subject":{"reference":"Patient/1"},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
			"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"kPa"}},{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"dataAbsentReason":{"text":"x"}}]}`,
			Error, `Observation.component[0].value.code: the value is not the one that`},
	} {
		found := said(v.Profiles(parse(t, c.in)), c.severity)
		if c.want == "" {
			if len(found) > 0 {
				t.Errorf("%s: %v", name, found)
			}
			continue
		}
		if !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %v does not say %s", name, found, c.want)
		}
	}
}

// What can be followed is not found fault with, whatever it leads to.
// https://hl7.org/fhir/R4/references.html#literal
func TestReferencesThatAreWellFormed(t *testing.T) {
	v := r4()
	for _, ref := range []string{"Organization/1", "Organization/1/_history/2", "Organization?identifier=urn:x|1", "https://x.example/fhir/Organization/1", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "mailto:x@y.example"} {
		for _, i := range v.Profiles(parse(t, `{"resourceType":"Patient","managingOrganization":{"reference":"`+ref+`"}}`)) {
			if strings.Contains(i.Text, "is written Type/id") {
				t.Errorf("%s: %v", ref, i)
			}
		}
	}
}

func FuzzValidate(f *testing.F) {
	for _, s := range []string{`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}`,
		`{"resourceType":"Observation","meta":{"profile":["http://hl7.org/fhir/StructureDefinition/bp"]},"component":[{"code":{}}]}`,
		`{"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"urn:x","resource":{"resourceType":"Composition","extension":[{}]}}]}`,
		`{"resourceType":"Patient","text":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/textLink","extension":[{"url":"htmlid","valueString":"a"},{"url":"data","valueUri":"#b"},{"url":"selector","valueString":"Patient.name"}]}],"status":"generated","div":"<div><p id=\"a\" lang=\"de\">x</p></div>"}}`,
		`{"resourceType":"Measure","status":"draft","library":["#l"],"contained":[{"resourceType":"Library","id":"l","content":[{"contentType":"text/cql","data":"ZGVmaW5lIEE6IDE="}]}],"group":[{"population":[{"criteria":{"language":"text/cql","expression":"\"B\""}}]}]}`,
		`{"resourceType":"CapabilityStatement","rest":[{"resource":[{"searchParam":[{"type":"date","definition":"http://hl7.org/fhir/SearchParameter/clinical-code"}]}]}]}`} {
		f.Add([]byte(s))
	}
	v := r4()
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := fhir.Parse(in)
		if err != nil {
			return
		}
		v.Structure(r)
		v.Profiles(r, "http://hl7.org/fhir/StructureDefinition/vitalsigns")
	})
}

func BenchmarkValidate(b *testing.B) {
	v := r4()
	dir := conformance.Material(b, "fhir-r4-examples")
	for _, name := range []string{"Patient-example", "Observation-blood-pressure-cancel"} {
		r := readResource(b, filepath.Join(dir, name+".json"))
		b.Run("Structure/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.Structure(r)
			}
		})
		b.Run("Profiles/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.Profiles(r)
			}
		})
	}
}
