package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An operator registers an application, approves it with an end, has a token of
// it, and stops it while the server runs.
func TestApplicationsAtTheCommandLine(t *testing.T) {
	data := t.TempDir()
	s := start(t, data, "demo", "--citizens", "0")
	defer s.stop(t)
	file := filepath.Join(t.TempDir(), "app.json")
	if err := os.WriteFile(file, []byte(`{"client_name":"Growth chart","contacts":["help@growth.example"],"owner":"Ada Byron","redirect_uris":["https://growth.example/app"],"token_endpoint_auth_method":"client_secret_basic","scope":"launch/patient patient/*.rs"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	said := lines(t, ok(t, data, "app", "register", file))[0]
	id, _ := said["client_id"].(string)
	if secret, _ := said["client_secret"].(string); id == "" || len(secret) < 32 || said["state"] != "pending" {
		t.Fatalf("%v", said)
	}
	if r := selda(t, data, "token", "--user", "citizen", "--app", id, "--scope", "patient/Patient.rs"); r.code != 1 {
		t.Error("an application that is pending has a token:", r)
	}
	if r := selda(t, data, "app", "approve", id, "--until", "2200-01-01"); r.code != 1 {
		t.Error("an approval without an end:", r)
	}
	ok(t, data, "app", "approve", id)
	one := lines(t, ok(t, data, "app", "list", "--json"))[0]
	if one["state"] != "approved" || one["owner"] != "Ada Byron" || one["until"] == nil || one["secret_until"] == nil || !strings.HasPrefix(one["approved_by"].(string), "os:") {
		t.Errorf("%v", one)
	}
	_, found := s.get(t, strings.TrimSpace(ok(t, data, "token", "--user", "citizen")), "GET", "/fhir/Patient", "")
	_, rest, _ := strings.Cut(found, `"fullUrl":"`)
	url, _, _ := strings.Cut(rest, `"`)
	patient := url[strings.LastIndexByte(url, '/')+1:]
	token := strings.TrimSpace(ok(t, data, "token", "--user", "citizen", "--app", id, "--scope", "patient/Patient.rs", "--patient", patient))
	if code, body := s.get(t, token, "GET", "/fhir/Patient/"+patient, ""); code != 200 {
		t.Fatal(code, body)
	}
	if code, body := s.get(t, token, "GET", "/fhir/Condition?patient="+patient, ""); code != 403 || !strings.Contains(body, "insufficient_scope") {
		t.Error(code, body)
	}
	ok(t, data, "app", "suspend", id, "--reason", "an incident")
	if code, _ := s.get(t, token, "GET", "/fhir/Patient/"+patient, ""); code != 401 {
		t.Error("an application that was suspended goes on:", code)
	}
	ok(t, data, "app", "remove", id)
	if left := ok(t, data, "app", "list", "--json"); left != "" {
		t.Error(left)
	}
}
