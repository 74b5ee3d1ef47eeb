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

	"selda/internal/pgtest"
)

// An import and an export whose server is killed in the middle go on by
// themselves once it is started again.
func TestBulkDataGoesOnAfterAKill(t *testing.T) {
	data := t.TempDir()
	s := start(t, data, "demo", "--citizens", "1")
	token := strings.TrimSpace(ok(t, data, "token", "--user", "system", "--hours", "8"))
	if code := s.stop(t); code != 0 {
		t.Fatalf("the demonstration did not stop: %s", s.errs)
	}
	s = nil
	bulkDataGoesOn(t, func(from string) *bulkAsker {
		if s != nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
		s = start(t, data, "serve", "--import-from", from)
		return &bulkAsker{ctx: t.Context(), base: s.HTTP, token: token}
	})
}

// The same at two nodes on one database: the one that was asked is killed, and
// the other goes on, answers how it stands, and has the files.
func TestBulkDataGoesOnAtAnotherNode(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long; bulk/bulktest holds what two nodes may do")
	}
	dsn := pgtest.DSN(t)
	s := start(t, t.TempDir(), "demo", "--citizens", "1", "--postgres", dsn)
	token := strings.TrimSpace(ok(t, t.TempDir(), "token", "--user", "system", "--hours", "8", "--postgres", dsn))
	var asked, other *server
	a := bulkDataGoesOn(t, func(from string) *bulkAsker {
		if asked != nil {
			_ = asked.cmd.Process.Kill()
			_ = asked.cmd.Wait()
		} else if other = start(t, t.TempDir(), "serve", "--postgres", dsn, "--import-from", from); s.stop(t) != 0 {
			t.Fatalf("the demonstration did not stop: %s", s.errs)
		}
		asked, other = other, start(t, t.TempDir(), "serve", "--postgres", dsn, "--import-from", from)
		return &bulkAsker{ctx: t.Context(), base: asked.HTTP, token: token}
	})
	// What one node carries out can be cancelled at the other.
	at := a.askedFor(t, "GET", "/fhir/$export", "")
	b := &bulkAsker{ctx: t.Context(), base: other.HTTP, token: token}
	b.progress(t, at)
	resp, err := b.do("DELETE", at, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Errorf("cancelled at the other node: %d", resp.StatusCode)
	}
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		resp, err := a.do("GET", at, nil)
		if err != nil && strings.Contains(err.Error(), "404 Not Found") {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); time.Now().After(until) {
			t.Fatalf("what was cancelled at the other node answers with %d", resp.StatusCode)
		}
	}
}

// bulkDataGoesOn has an import and an export carried out, each broken off in
// the middle: every resource is there, once, and the client finds them where it
// was told to ask. next breaks off what there was, and gives whom to ask next.
func bulkDataGoesOn(t *testing.T, next func(from string) *bulkAsker) *bulkAsker {
	t.Helper()
	from := t.TempDir()
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
	a := next(from)
	at := a.askedFor(t, "POST", "/fhir/$import", `{"resourceType":"Parameters","parameter":[{"name":"input","part":[{"name":"url","valueUri":"file://`+file+`"}]}]}`)
	for a.progress(t, at) < 2000 {
		time.Sleep(time.Millisecond)
	}
	a = next(from)
	counts := a.wait(t, at).Extension["https://selda.example/import-counts"]
	if counts["lines"] != lines || counts["refused"] != 0 || counts["stored"] == 0 {
		t.Errorf("imported: %v", counts)
	}
	at = a.askedFor(t, "GET", "/fhir/$export?_type=Observation", "")
	for a.progress(t, at) < 1 {
		time.Sleep(time.Millisecond)
	}
	a = next(from)
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
	return a
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
