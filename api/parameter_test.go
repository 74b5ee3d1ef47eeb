package api_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/cmd/selda/region"
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

// The SearchParameters of a package that is added work as posted ones do; the same
// code, posted, goes before.
func TestParametersOfPackages(t *testing.T) {
	a := open(t)
	a.ward()
	define := func(url, status, code, expression string) string {
		return `{"resourceType":"SearchParameter","url":"` + url + `","version":"1","name":"x","status":"` + status + `","description":"x","code":"` + code + `","base":["Observation"],"type":"token","expression":"` + expression + `"}`
	}
	file := filepath.Join(t.TempDir(), "guide.tgz")
	pack(t, file, map[string]string{"package/package.json": `{"name":"guide.example","version":"1.0.0"}`,
		"package/SearchParameter-a.json": define("http://x.example/unit", "draft", "unit", "Observation.value.ofType(Quantity).unit.where($this < 'z')"),
		"package/SearchParameter-b.json": define("http://x.example/old", "retired", "old-unit", "Observation.value.ofType(Quantity).unit"),
		"package/SearchParameter-c.json": define("http://x.example/bad", "active", "bad", "Observation.code.where(")})
	if _, err := region.AddPackage(a.env.Dir, file); err != nil {
		t.Fatal(err)
	}
	finds := func(query, total string) bool {
		ans, err := a.env.Do(t.Context(), "system", "GET", "/fhir/Observation?"+query, nil, "Prefer: handling=strict")
		return err == nil && ans.Status == 200 && strings.Contains(string(ans.Body), `"total":`+total+`,`)
	}
	until := time.Now().Add(20 * time.Second)
	for !finds("unit=g/L", "1") {
		if time.Now().After(until) {
			t.Fatal("it was never ready")
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, code := range []string{"old-unit", "bad"} {
		a.do(400, "system", "GET", "/fhir/Observation?"+code+"=g/L", "", "Prefer: handling=strict")
	}
	a.do(201, "system", "POST", "/fhir/SearchParameter", define("http://x.example/mine", "active", "unit", "Observation.code.text"))
	for until = time.Now().Add(20 * time.Second); !finds("unit=g/L", "0"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the one that was posted is not used")
		}
	}
}

// pack makes a package of files.
func pack(t *testing.T, name string, files map[string]string) {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for name, body := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(body)), Typeflag: tar.TypeReg})
		if _, e := w.Write([]byte(body)); err != nil || e != nil {
			t.Fatal(err, e)
		}
	}
	if err := errors.Join(w.Close(), z.Close(), os.WriteFile(name, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}
