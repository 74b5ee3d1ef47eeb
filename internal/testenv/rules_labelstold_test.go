package testenv

import (
	"net/url"
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

// G8: a label that was found is found by: in a record, in the records that an organisation
// looks after, by a chain, in GraphQL and in an export. Whom the label hides an item from
// finds by it what they find by a label that there is none of.
func TestG8FoundLabelsAreFoundBy(t *testing.T) {
	o := known(t)
	o.writes(ownGP, "Condition", "hiv", diagnosed("86406008", "Human immunodeficiency virus infection")+atGP)
	o.writes(ownGP, "Condition", "drink", `"code":{"text":"Alcohol dependence"},`+atGP)
	o.writes(ownGP, "Condition", "asthma", `"code":{"text":"Asthma"},`+atGP)
	o.writes(ownGP, "Encounter", "visit", `"status":"finished","class":{"code":"AMB"},"diagnosis":[{"condition":{"reference":"Condition/hiv"}}],`+atGP)
	o.declares("visitor")
	system := policy.LabelSystem + "|"
	for _, c := range []struct {
		user, path string
		want       int
	}{
		{"gp", "/fhir/Condition?patient={citizen}&_security=hiv-sti", 1},
		{"gp", "/fhir/Condition?patient={citizen}&_security=" + system + "hiv-sti", 1},
		{"gp", "/fhir/Condition?patient={citizen}&_security=STD,SUD", 2},
		{"gp", "/fhir/Condition?patient={citizen}&_security:not=hiv-sti", 2},
		{"gp", "/fhir/Condition?_security=hiv-sti", 1},
		{"gp", "/fhir/Condition?_security=" + system + "fertility", 0},
		{"gp", "/fhir/Encounter?patient={citizen}&diagnosis:Condition._security=hiv-sti", 1},
		{"gp", "/fhir/Patient?_has:Condition:patient:_security=substance-misuse", 1},
		{"visitor", "/fhir/Condition?patient={citizen}&_security=SUD", 1},
		{"visitor", "/fhir/Condition?patient={citizen}&_security=hiv-sti", 0},
		{"visitor", "/fhir/Condition?patient={citizen}&_security:not=hiv-sti", 2},
		{"visitor", "/fhir/Encounter?patient={citizen}&diagnosis:Condition._security=hiv-sti", 0},
		{"visitor", "/fhir/Condition?_security=hiv-sti", 0},
	} {
		if n := o.total(c.user, c.path); n != c.want {
			t.Errorf("%s %s: %d, want %d", c.user, c.path, n, c.want)
		}
	}
	ask := func(user, label string) string {
		_, body := o.asks(user, "GET", "/fhir/$graphql?query="+url.QueryEscape(`{ConditionList(patient:"`+o.citizen+`",_security:"`+label+`"){id meta{security{code}}}}`), "")
		return body
	}
	if body := ask("gp", "STD"); !strings.Contains(body, `"hiv"`) || !strings.Contains(body, `"hiv-sti"`) || strings.Contains(body, `"drink"`) {
		t.Error("GraphQL:", body)
	}
	if all := o.exports("citizen", "/fhir/Patient/$export?_type=Condition&_typeFilter="+url.QueryEscape("Condition?_security=STD")); strings.Count(all, `"resourceType":"Condition"`) != 1 || !strings.Contains(all, `"code":"hiv-sti"`) {
		t.Error("an export:", all)
	}
	if with, without := ask("visitor", "STD"), ask("visitor", "ETH"); with != without {
		t.Errorf("GraphQL tells whom the label hides it from: %s, %s", with, without)
	}
}
