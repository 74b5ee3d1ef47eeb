package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// Searches across citizens by a code with ranges: what they count and what
// they give is the same, whether an index could tell or a resource was read.
func TestRangesAcrossCitizens(t *testing.T) {
	a := open(t)
	numbers := []string{"9991234519", "9991234527", "9991234535"}
	for i, n := range numbers {
		a.patient(fmt.Sprint("p", i), n)
	}
	pulse := func(id string, patient int, at, effective string, value float64) {
		a.do(201, "system", "PUT", "/fhir/Observation/"+id, fmt.Sprintf(`{"resourceType":"Observation","id":%q,"status":"final","subject":{"reference":"Patient/p%d"},
			"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},%s,"valueQuantity":{"value":%g,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"},
			"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":%g,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}`,
			id, patient, fmt.Sprintf(effective, at), value, value+60))
	}
	const dateTime, timing = `"effectiveDateTime":%q`, `"effectiveTiming":{"event":["2015-01-01",%q]}`
	for i := range 9 {
		pulse(fmt.Sprint("o", i), i%3, fmt.Sprintf("202%d-03-04T09:00:00Z", i), dateTime, float64(60+i*10))
	}
	pulse("both", 0, "2024-01-01", timing, 75)
	a.do(204, "system", "DELETE", "/fhir/Observation/o8", "")
	pulse2 := a.do(200, "system", "GET", "/fhir/Observation/o7", "")
	if pulse2.ID != "o7" {
		t.Fatal(string(pulse2.Body))
	}
	for query, want := range map[string]int{
		"code=8867-4": 9,
		"code=http://loinc.org|8867-4&date=ge2022&date=lt2025":            4, // o2 o3 o4 and both
		"code=http://loinc.org|8867-4&date=2015":                          1, // both
		"code=http://snomed.info/sct|8867-4&date=ge2022":                  0,
		"code=8867-4&value-quantity=gt100|http://unitsofmeasure.org|/min": 3, // o5 o6 o7
		"code=8867-4&value-quantity=gt1.9|http://unitsofmeasure.org|/s":   2, // 114 a minute
		"code-value-quantity=8867-4$lt75":                                 2, // o0 o1
		"component-code-value-quantity=8480-6$ge180":                      2,
		"combo-code-value-quantity=8480-6$ge180,8867-4$le60":              3,
		"code=8867-4,8480-6&date=ge2021&status=final":                     8,
		"code=8867-4&value-quantity=gt100&_lastUpdated=ge2000-01-01":      3,
	} {
		if r := a.do(200, "system", "GET", "/fhir/Observation?_summary=count&"+query, ""); r.Total != want {
			t.Errorf("%s counts %d, not %d", query, r.Total, want)
		}
		if r := a.do(200, "system", "GET", "/fhir/Observation?_total=accurate&_count=1&"+query, ""); r.Total != want || len(r.Entry) != min(want, 1) {
			t.Errorf("%s: a page of %d says %d, not %d", query, len(r.Entry), r.Total, want)
		}
		seen := map[string]bool{}
		for at := "/fhir/Observation?_count=2&" + query; at != ""; {
			r := a.do(200, "system", "GET", at, "")
			for _, e := range r.Entry {
				seen[e.Resource.ID] = true
			}
			at = a.next(r)
		}
		if len(seen) != want {
			t.Errorf("%s: pages give %v, not %d", query, seen, want)
		}
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation?code=8867-4&date=ge2025&_sort=-date", ""); fmt.Sprint(r.ids()) != "[o7 o6 o5]" {
		t.Error("the latest first:", r.ids())
	}
}

// next is the address of the next page; "" on the last one.
func (a *asker) next(r reply) string {
	for _, l := range r.Link {
		if l.Relation == "next" {
			return strings.TrimPrefix(l.URL, a.env.HTTP)
		}
	}
	return ""
}

// ids are those of the entries, in their order.
func (r reply) ids() (out []string) {
	for _, e := range r.Entry {
		out = append(out, e.Resource.ID)
	}
	return out
}
