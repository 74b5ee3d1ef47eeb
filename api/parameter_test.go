package api_test

import (
	"strings"
	"testing"
	"time"
)

// A parameter that a client posts is indexed in the background, of what is
// there and of what comes, and used when it is ready.
// https://hl7.org/fhir/R4/searchparameter.html
func TestCustomParameters(t *testing.T) {
	a := open(t)
	a.ward()
	define := func(id, code, kind, expression string) string {
		return `{"resourceType":"SearchParameter","id":"` + id + `","url":"urn:param:` + id + `","name":"x","status":"active","description":"x","code":"` + code + `","base":["Observation"],"type":"` + kind + `","expression":"` + expression + `"}`
	}
	for body, want := range map[string]int{
		define("bad1", "patient", "token", "Observation.code"): 422, define("bad2", "_x", "token", "Observation.code"): 422, define("bad3", "ok", "token", "Observation.code.where("): 422,
		define("bad4", "ok", "special", "Observation.code"): 422,
	} {
		id, _, _ := strings.Cut(body[strings.Index(body, `"id":"`)+6:], `"`)
		a.do(want, "system", "PUT", "/fhir/SearchParameter/"+id, body)
	}
	a.do(201, "system", "PUT", "/fhir/SearchParameter/unit", define("unit", "value-unit", "token", "Observation.value.ofType(Quantity).unit"))
	ready := func(query string) bool {
		ans, err := a.env.Do(t.Context(), "system", "GET", "/fhir/Observation?"+query, nil, "Prefer: handling=strict")
		return err == nil && ans.Status == 200
	}
	until := time.Now().Add(20 * time.Second)
	for !ready("value-unit=x") {
		if time.Now().After(until) {
			t.Fatal("it was never ready")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got := a.do(200, "system", "GET", "/fhir/Observation?value-unit=g/L", "").found(); got != "hb" {
		t.Errorf("what was there: %q", got)
	}
	a.do(201, "system", "PUT", "/fhir/Observation/hb2", `{"resourceType":"Observation","id":"hb2","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":1,"unit":"g/L"}}`)
	if got := a.do(200, "system", "GET", "/fhir/Observation?value-unit=g/L", "").found(); got != "hb hb2" {
		t.Errorf("what came: %q", got)
	}
	if r := a.do(200, "system", "GET", "/fhir/metadata", ""); !strings.Contains(string(r.Body), `"urn:param:unit"`) {
		t.Error("the CapabilityStatement does not have it")
	}
	a.do(204, "system", "DELETE", "/fhir/SearchParameter/unit", "")
	for until = time.Now().Add(20 * time.Second); ready("value-unit=x"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it is still used")
		}
	}
}
