package api_test

import (
	"bytes"
	"strings"
	"testing"

	"selda/cmd/selda/region"
	"selda/internal/testenv"
)

// Behind a proxy that ends TLS every link of an answer is at the public address:
// whoever follows one sends their token there, and never in the clear.
func TestLinksAreAtThePublicAddress(t *testing.T) {
	env, err := testenv.OpenWith(t.Context(), region.Options{Data: t.TempDir(), SignOn: &region.SignOn{PublicURL: "https://selda.example"}}, testenv.Start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Close() })
	a := &asker{t, env}
	a.patient("p1", "9991234519")
	r := a.do(201, "system", "POST", "/fhir/Observation", observation("", "p1", "x"))
	if at := r.Header.Get("Location"); !strings.HasPrefix(at, "https://selda.example/fhir/Observation/") {
		t.Errorf("Location: %s", at)
	}
	a.do(201, "system", "PUT", "/fhir/Observation/o2", observation("o2", "p1", "x"))
	for _, path := range []string{"/fhir/Observation?_count=1", "/fhir/Observation/o2/_history", "/fhir/metadata", "/fhir/Patient/p1/$everything"} {
		r := a.do(200, "system", "GET", path, "")
		if bytes.Contains(r.Body, []byte("http://127.0.0.1")) || !bytes.Contains(r.Body, []byte("https://selda.example/fhir")) {
			t.Errorf("%s names another address than the public one: %s", path, r.Body)
		}
	}
}
