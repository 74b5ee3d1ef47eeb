package api

import (
	"net/url"
	"testing"
	"time"

	"selda/fhir"
	"selda/fhir/search"
)

// Whatever stands in a query, it is answered or refused, and a resource can be
// asked whether it meets it.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"code=http://loinc.org|2160-0&date=ge2026-01-01,lt2027", "identifier=https://fhir.nhs.uk/Id/nhs-number|9991234519&birthdate=1951-11-05",
		"family=Adeyemi&address-postalcode=SE1+5TY", "name:exact=Zo%C3%AB", "_id=a,b&_count=10&status=|final", "date=eq2026-02-30", "_lastUpdated=sa2026&patient=Patient/x&subject=y", "%",
		`_filter=code eq "x" and (date ge 2026 or not (status eq final))`, "_has:Observation:patient:code=x", "patient.name=a&_include=Observation:*&_sort=-date", "code-value-quantity=a$gt5||mg",
		"value-quantity=ge5.40|http://unitsofmeasure.org|mg", "_content=a&_text=b&_list=c", "code:in=http://x&code:below=http://snomed.info/sct|1"} {
		f.Add("Observation", s)
	}
	f.Add("Location", "near=51.5|-0.1|2|km")
	f.Add("Patient", "_has:Observation:patient:code=x&phone=1&deceased=true")
	bodies := map[string]string{"Observation": `{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2160-0"}],"text":"Creatinine"},"effectiveDateTime":"2026-01-01","valueQuantity":{"value":5.4,"system":"http://unitsofmeasure.org","code":"mg"},"identifier":[{"value":"1"}]}`,
		"Location": `{"resourceType":"Location","position":{"latitude":51.5,"longitude":-0.1}}`, "Patient": `{"resourceType":"Patient","name":[{"family":"Adeyemi"}],"deceasedBoolean":true}`}
	f.Fuzz(func(t *testing.T, typ, text string) {
		params, err := url.ParseQuery(text)
		if err != nil || bodies[typ] == "" {
			return
		}
		r, err := fhir.Parse([]byte(bodies[typ]))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1_800_000_000, 0)
		query, err := (&search.Scope{Parameters: search.R4(), Base: "http://x/fhir", Now: now}).Parse(typ, params)
		if err != nil {
			return
		}
		c := &search.Candidate{Type: typ, ID: "o", Updated: now, Res: r}
		tokens := search.R4().Tokens(r)
		_ = named(query.Clauses)
		for _, clause := range query.Clauses {
			if len(clause.Open()) > 0 || clause.Within.Type != "" {
				continue
			}
			group, narrows := clause.Tokens()
			if clause.Matches(c) && narrows && !common(group, tokens) {
				t.Errorf("%s: the resource is found by %v, and the index would not give it: %v", clause.Name, group, tokens)
			}
		}
		search.Sort([]*search.Candidate{c}, query.Sort, func(c *search.Candidate) *search.Candidate { return c })
	})
}

func common(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}
