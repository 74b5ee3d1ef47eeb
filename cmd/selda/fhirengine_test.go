package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// engine runs a verb of the engines in a folder, and gives what it prints.
func engine(t *testing.T, dir string, args ...string) (out, bad string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, dir, &stdout, &stderr, nil)
	return stdout.String(), stderr.String(), code
}

func TestFHIRPathVerb(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "patient.json"), `{"resourceType":"Patient","birthDate":"1974-12-25","name":[{"use":"usual","given":["Jim"]}],"active":true}`)
	write(t, filepath.Join(dir, "patient.xml"), `<Patient xmlns="http://hl7.org/fhir"><name><given value="Jim"/></name></Patient>`)
	write(t, filepath.Join(dir, "plain.json"), `{"a":[{"b":1.50}]}`)
	for _, c := range []struct{ expression, file, want string }{
		{"name.given", "patient.json", `[{"type":"string","value":"Jim"}]`},
		{"name.given", "patient.xml", `[{"type":"string","value":"Jim"}]`},
		{"birthDate + 1 day", "patient.json", `[{"type":"date","value":"1974-12-26"}]`},
		{"active | name", "patient.json", `[{"type":"boolean","value":true},{"type":"HumanName","value":{"use":"usual","given":["Jim"]}}]`},
		{"1 'mg' | 2 + 2", "patient.json", `[{"type":"Quantity","value":"1 'mg'"},{"type":"integer","value":4}]`},
		{"photo", "patient.json", `[]`},
		{"a.b", "plain.json", `[{"type":"decimal","value":1.50}]`},
	} {
		out, bad, code := engine(t, dir, "fhir", "path", c.expression, c.file, "--json")
		if code != 0 || strings.TrimSpace(out) != c.want {
			t.Errorf("%s of %s prints %s %s (exit %d), not %s", c.expression, c.file, out, bad, code, c.want)
		}
	}
	for _, expression := range []string{"name.", "name.givn", "name.single().given.single() + 1", "foo()"} {
		if out, bad, code := engine(t, dir, "fhir", "path", expression, "patient.json", "--json"); code != 1 || out != "" || bad == "" {
			t.Errorf("%s prints %s, says %s and ends with %d", expression, out, bad, code)
		}
	}
	write(t, filepath.Join(dir, "list.json"), `[{"a":1}]`)
	if out, bad, code := engine(t, dir, "fhir", "path", "a", "list.json", "--json"); code != 1 || out != "" || !strings.Contains(bad, "object") {
		t.Errorf("a list prints %s, says %s and ends with %d", out, bad, code)
	}
}

// writePackage writes a FHIR package of files.
func writePackage(t *testing.T, file string, files map[string]string) {
	t.Helper()
	var pack bytes.Buffer
	z := gzip.NewWriter(&pack)
	w := tar.NewWriter(z)
	for name, body := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if w.Close() != nil || z.Close() != nil {
		t.Fatal("can't close")
	}
	write(t, file, pack.String())
}

func TestFHIRValidateVerb(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "good.json"), `{"resourceType":"Patient","active":true,"name":[{"text":"x"}]}`)
	write(t, filepath.Join(dir, "bad.json"), `{"resourceType":"Patient","active":1}`)
	write(t, filepath.Join(dir, "broken.json"), `{"resourceType":`)
	writePackage(t, filepath.Join(dir, "x.tgz"), map[string]string{
		"package/package.json":           `{"name":"x.example","version":"1.0.0"}`,
		"package/SearchParameter-u.json": `{"resourceType":"SearchParameter","url":"http://x.example/unit","status":"draft","code":"unit","base":["Observation"],"type":"token","expression":"Observation.value.ofType(Quantity).unit"}`,
		"package/SearchParameter-t.json": `{"resourceType":"SearchParameter","url":"http://x.example/twice","status":"draft","code":"birthdate","base":["Patient"],"type":"date","expression":"Patient.birthDate"}`,
		"package/StructureDefinition-p.json": `{"resourceType":"StructureDefinition","url":"http://x.example/p","type":"Patient","kind":"resource","derivation":"constraint",
			"baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","differential":{"element":[{"id":"Patient.birthDate","path":"Patient.birthDate","min":1}]}}`})

	out, bad, code := engine(t, dir, "fhir", "validate", "good.json", "bad.json", "broken.json", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 3 {
		t.Fatal(out, bad, code)
	}
	for i, want := range []string{"", "Patient.active", "fatal"} {
		var o struct {
			ResourceType string
			Issue        []struct {
				Severity    string
				Expression  []string
				Diagnostics string
			}
		}
		if err := json.Unmarshal([]byte(lines[i]), &o); err != nil || o.ResourceType != "OperationOutcome" || !strings.Contains(lines[i], want) {
			t.Errorf("%s does not tell of %s (%v)", lines[i], want, err)
		}
		for _, issue := range o.Issue {
			if i == 0 && issue.Severity == "error" || issue.Diagnostics == "" {
				t.Error(lines[i])
			}
		}
	}
	if out, _, _ := engine(t, dir, "fhir", "validate", "good.json", "--profile", "http://x.example/p", "--package", "x.tgz", "--json"); !strings.Contains(out, "birthDate is missing") {
		t.Error(out)
	}
	if _, bad, code := engine(t, dir, "fhir", "validate", "good.json", "--package", "good.json"); code != 1 || bad == "" {
		t.Error(bad, code)
	}
	if out, bad, code := engine(t, dir, "package", "add", "x.tgz", "--data", filepath.Join(dir, "var"), "--json"); code != 0 || !strings.Contains(out, `"name":"x.example","version":"1.0.0"`) ||
		!strings.Contains(out, `"searchParameters":1,"notSearchedBy":[{"url":"http://x.example/twice","reason":"the standard has a parameter of this code already"}]`) {
		t.Error(out, bad, code)
	}
	if _, err := os.Stat(filepath.Join(dir, "var", "packages", "x.example-1.0.0.tgz")); err != nil {
		t.Error(err)
	}
}
