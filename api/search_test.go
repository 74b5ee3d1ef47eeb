package api

import (
	"net/url"
	"testing"
	"time"

	"selda/access/record"
	"selda/fhir"
	"selda/policy"
	"selda/store"
)

// Whatever stands in a query, it is answered or refused, and an answer that
// was checked beforehand does not fail on an item.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"code=http://loinc.org|2160-0&date=ge2026-01-01,lt2027", "identifier=https://fhir.nhs.uk/Id/nhs-number|9991234519&birthdate=1951-11-05",
		"family=Adeyemi&address-postalcode=SE1+5TY", "name:exact=Zo%C3%AB", "_id=a,b&_count=10&status=|final", "date=eq2026-02-30", "_lastUpdated=sa2026&patient=Patient/x&subject=y", "%"} {
		f.Add(s)
	}
	r, err := fhir.Parse([]byte(`{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2160-0"}],"text":"Creatinine"},"identifier":[{"value":"1"}]}`))
	if err != nil {
		f.Fatal(err)
	}
	item := record.Item{Version: &store.Version{Columns: policy.Columns{Type: "Observation", ID: "o"}, When: time.Unix(1_800_000_000, 0)}, Res: r}
	f.Fuzz(func(t *testing.T, query string) {
		params, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		_, _ = countOf(params)
		_, _ = patientGroups(params)
		_, _ = patientParam(params)
		_ = codeGroups(params)
		_ = matchesPatient(r, params)
		if checkDates(params) != nil {
			return
		}
		if _, err := matches(item, params); err != nil {
			t.Errorf("%q was found right, and then: %v", query, err)
		}
	})
}
