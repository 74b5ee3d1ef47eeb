package fhir

import "testing"

// A subset has what was asked for and what must be there, and says that it is
// one. https://hl7.org/fhir/R4/search.html#summary
func TestSubset(t *testing.T) {
	const whole = `{"resourceType":"Observation","id":"o","meta":{"versionId":"1","tag":[{"code":"t"}]},"text":{"div":"x"},"status":"final","code":{"text":"c"},"valueQuantity":{"value":1.0},"note":[{"text":"n"}],"_status":{"id":"s"}}`
	const tag = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"Resource encoded in summary mode"}`
	const meta = `"meta":{"tag":[{"code":"t"},` + tag + `],"versionId":"1"}}`
	for _, c := range []struct {
		mode  string
		names []string
		want  string
	}{
		{"", nil, whole},
		{"false", nil, whole},
		{"true", nil, `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"valueQuantity":{"value":1.0},"_status":{"id":"s"},` + meta},
		{"text", nil, `{"resourceType":"Observation","id":"o","text":{"div":"x"},"status":"final","code":{"text":"c"},"_status":{"id":"s"},` + meta},
		{"data", nil, `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"valueQuantity":{"value":1.0},"note":[{"text":"n"}],"_status":{"id":"s"},` + meta},
		{"elements", []string{"value"}, `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"valueQuantity":{"value":1.0},"_status":{"id":"s"},` + meta},
		{"elements", []string{"note", "co"}, `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"note":[{"text":"n"}],"_status":{"id":"s"},` + meta},
	} {
		if got := string(Subset([]byte(whole), "Observation", c.mode, c.names...)); got != c.want {
			t.Errorf("%s %v:\n got %s\nwant %s", c.mode, c.names, got, c.want)
		}
	}
	if got := string(Subset([]byte(`{"resourceType":"Patient","birthDate":"1951"}`), "Patient", "elements", "gender")); got != `{"resourceType":"Patient","meta":{"tag":[`+tag+`]}}` {
		t.Errorf("without a meta: %s", got)
	}
}
