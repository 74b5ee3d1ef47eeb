package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"selda/internal/testenv"
)

// What the server does for one request, without a network.
func BenchmarkRequests(b *testing.B) {
	env, err := testenv.Open(b.Context(), b.TempDir(), testenv.Start)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = env.Close() }()
	token, err := env.Token(b.Context(), "system")
	if err != nil {
		b.Fatal(err)
	}
	handler := env.Region.Handler()
	ask := func(method, path, body string) int {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	for i := range 300 {
		id := fmt.Sprintf("b%d", i)
		if code := ask(http.MethodPut, "/fhir/Patient/"+id, `{"resourceType":"Patient","id":"`+id+`","identifier":[{"system":"urn:mrn","value":"`+id+`"}],"name":[{"family":"Bench`+fmt.Sprint(i%17)+`","given":["Folake"]}],"birthDate":"1951-11-05"}`); code != 201 {
			b.Fatal(code)
		}
		for j := range 10 {
			ask(http.MethodPost, "/fhir/Observation", `{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"718-`+fmt.Sprint(j%5)+`"}]},"subject":{"reference":"Patient/`+id+`"},"effectiveDateTime":"2026-03-02T10:30:00Z","valueQuantity":{"value":132,"unit":"g/L","system":"http://unitsofmeasure.org","code":"g/L"}}`)
		}
	}
	for name, path := range map[string]string{"read": "/fhir/Patient/b%d", "patient and code": "/fhir/Observation?patient=b%d&code=http://loinc.org|718-2",
		"name and birth date": "/fhir/Patient?family=Bench3&birthdate=1951-11-05", "identifier": "/fhir/Patient?identifier=urn:mrn|b%d", "everything": "/fhir/Patient/b%d/$everything"} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				p := path
				if name != "name and birth date" {
					p = fmt.Sprintf(path, i%300)
				}
				if code := ask(http.MethodGet, p, ""); code != 200 {
					b.Fatal(code)
				}
			}
		})
	}
}
