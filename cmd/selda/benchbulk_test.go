package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An import and an export whose server is killed in the middle go on by
// themselves once it is started again: every resource is there, once, and the
// client finds them where it was told to ask.
func TestBulkDataGoesOnAfterAKill(t *testing.T) {
	data, from := t.TempDir(), t.TempDir()
	s := start(t, data, "demo", "--citizens", "1")
	token := strings.TrimSpace(ok(t, data, "token", "--user", "system", "--hours", "8"))
	const lines = 20000
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Patient","id":"bulk"}` + "\n")
	for i := range lines - 1 {
		fmt.Fprintf(&b, `{"resourceType":"Observation","id":"bulk-%d","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/bulk"},"valueString":"%x"}`+"\n", i, uint64(i)*0x9e3779b97f4a7c15)
	}
	file := filepath.Join(from, "all.ndjson")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := s.stop(t); code != 0 {
		t.Fatalf("the demonstration did not stop: %s", s.errs)
	}
	serve := func() (*server, *bulkAsker) {
		s := start(t, data, "serve", "--import-from", from)
		return s, &bulkAsker{ctx: t.Context(), base: s.HTTP, token: token}
	}
	kill := func(s *server) {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	s, a := serve()
	at := a.askedFor(t, "POST", "/fhir/$import", `{"resourceType":"Parameters","parameter":[{"name":"input","part":[{"name":"url","valueUri":"file://`+file+`"}]}]}`)
	for a.progress(t, at) < 2000 {
		time.Sleep(time.Millisecond)
	}
	kill(s)
	s, a = serve()
	counts := a.wait(t, at).Extension["https://selda.example/import-counts"]
	if counts["lines"] != lines || counts["refused"] != 0 || counts["stored"] == 0 {
		t.Errorf("imported: %v", counts)
	}
	at = a.askedFor(t, "GET", "/fhir/$export?_type=Observation", "")
	for a.progress(t, at) < 1 {
		time.Sleep(time.Millisecond)
	}
	kill(s)
	_, a = serve()
	m := a.wait(t, at)
	seen := map[string]bool{}
	for _, f := range m.Output {
		resp, err := a.do("GET", a.base+f.URL[strings.Index(f.URL, "/fhir/"):], nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		for line := range bytes.Lines(body) {
			var o struct{ ID string }
			if err := json.Unmarshal(line, &o); err != nil || seen[o.ID] {
				t.Fatalf("%s stands twice, or is cut off: %v", o.ID, err)
			}
			seen[o.ID] = true
		}
	}
	missing := 0
	for i := range lines - 1 {
		if !seen[fmt.Sprintf("bulk-%d", i)] {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d resources are not in the export", missing, lines-1)
	}
}

// askedFor asks for an export or import, and gives where it stands.
func (a *bulkAsker) askedFor(t *testing.T, method, path, body string) string {
	t.Helper()
	resp, err := a.do(method, path, strings.NewReader(body), "Prefer", "respond-async", "Content-Type", "application/fhir+json")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	at := resp.Header.Get("Content-Location")
	return at[strings.Index(at, "/fhir/"):]
}

// progress is how far it is; all where it has ended.
func (a *bulkAsker) progress(t *testing.T, at string) (n int) {
	t.Helper()
	resp, err := a.do("GET", at, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return 1 << 30
	}
	_, _ = fmt.Sscanf(resp.Header.Get("X-Progress"), "%d", &n)
	return n
}

// wait gives what an export or import has made, once it has ended.
func (a *bulkAsker) wait(t *testing.T, at string) (m bulkManifest) {
	t.Helper()
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		resp, err := a.do("GET", at, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			_ = resp.Body.Close()
			continue
		}
		if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return m
	}
	t.Fatal("it has not ended in two minutes")
	return m
}
