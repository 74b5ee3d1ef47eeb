package testenv

import (
	"strings"
	"testing"

	"selda/policy"
)

// G8: who sees an item is told of the labels that the exchange found in it, beside those that its
// source set, so that whoever takes it further can honour them; nobody is whom a label hides
// it from, and the source reads back what it wrote.
func TestG8FoundLabelsAreTold(t *testing.T) {
	o := known(t)
	const own = `{"system":"https://gp.example/labels","code":"private"}`
	o.writes(ownGP, "Condition", "hiv", `"meta":{"security":[`+own+`]},`+diagnosed("86406008", "Human immunodeficiency virus infection")+atGP)
	o.writes(ownGP, "Condition", "asthma", `"code":{"text":"Asthma"},`+atGP)
	o.writes("RJ1:API", "Patient", "api", `"name":[{"family":"Own"}],"birthDate":"1980-01-01"`)
	o.writes("RJ1:API", "Condition", "sent", diagnosed("86406008", "Human immunodeficiency virus infection")+`"subject":{"reference":"Patient/api"}`)
	label, code := `"code":"`+policy.HIVSTI.String()+`"`, `"code":"STD"`
	for _, p := range []string{"/fhir/Condition/hiv", "/fhir/Condition/hiv/_history/1", "/fhir/Condition/hiv/_history", "/fhir/Condition?patient={citizen}", "/fhir/Patient/{citizen}/$everything", "/fhir/Condition?_id=hiv&_elements=code"} {
		_, body := o.asks("gp", "GET", p, "")
		if strings.Count(body, label) != 1 || strings.Count(body, code) != 1 || !strings.Contains(body, own) {
			t.Errorf("%s does not tell the label once: %s", p, body)
		}
	}
	if _, body := o.asks("gp", "GET", "/fhir/Condition/asthma", ""); strings.Contains(body, `"security"`) {
		t.Error("what has no label has one:", body)
	}
	o.declares("visitor")
	if where := o.sees("visitor", policy.HIVSTI.String(), "/fhir/Condition/hiv", "/fhir/Condition?patient={citizen}", "/fhir/Patient/{citizen}/$everything"); len(where) > 0 {
		t.Error("whom the label hides it from is told of it at", where)
	}
	if status, body := o.asks("system", "GET", "/fhir/Condition/sent", ""); status != 200 || strings.Contains(body, `"security"`) {
		t.Error("the source does not read back what it wrote:", status, body)
	}
}

// diagnosed is a code of SNOMED CT with its words.
func diagnosed(code, words string) string { return `"code":{` + coded(sct, code, words) + `},` }
