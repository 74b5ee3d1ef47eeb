package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The ten patients of the SMART Health IT bulk set, which refer to one another
// by id and to their hospitals by condition, are imported as they are, in
// the order of the alphabet, and exported equal.
func TestTheSMARTBulkSetComesBackEqual(t *testing.T) {
	names, _ := filepath.Glob("../../shared/material/bulk-fhir-smart/*.000.ndjson")
	if len(names) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("the public test data is not there")
		}
		t.Skip("the public test data is not there")
	}
	a := open(t)
	var body bytes.Buffer
	want := map[string]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		body.Write(b)
		for line := range bytes.Lines(b) {
			var o map[string]any
			if err := json.Unmarshal(line, &o); err != nil {
				t.Fatal(err)
			}
			if meta, ok := o["meta"].(map[string]any); ok {
				delete(meta, "versionId")
				delete(meta, "lastUpdated")
			}
			again, _ := json.Marshal(o)
			want[fmt.Sprintf("%v/%v", o["resourceType"], o["id"])] = string(again)
		}
	}
	r := a.do(200, "system", "POST", "/fhir/$import", body.String(), "Content-Type: application/fhir+ndjson")
	if !strings.Contains(string(r.Body), `"refused":0`) {
		t.Errorf("imported: %s", r.Body)
	}
	m, at := a.job("system", "GET", "/fhir/$export", "")
	got, types := a.lines("system", m)
	if len(got) != len(want) {
		t.Errorf("%d resources came back, of %d: %v", len(got), len(want), types)
	}
	for key, line := range want {
		if got[key] != line {
			t.Fatalf("%s came back as\n%s\nit was\n%s", key, got[key], line)
		}
	}
	m, _ = a.job("system", "GET", "/fhir/Patient/$export?_typeFilter=Condition%3Fclinical-status%3Dactive,Encounter%3Fdate%3Dge2015&_type=Patient,Condition,Encounter", "")
	_, some := a.lines("system", m)
	if some["Patient"] != types["Patient"] || some["Condition"] == 0 || some["Condition"] >= types["Condition"] || some["Encounter"] == 0 || some["Encounter"] >= types["Encounter"] {
		t.Errorf("filtered: %v of %v", some, types)
	}
	a.readSlowly(at)
}

// readSlowly downloads a large file a little at a time; meanwhile others are answered.
func (a *asker) readSlowly(at string) {
	a.Helper()
	m := a.ended("system", at)
	var file string
	want := 0
	for _, f := range m.Output {
		if f.Count > want {
			file, want = strings.TrimPrefix(f.URL, a.env.HTTP), f.Count
		}
	}
	token, err := a.env.Token(a.Context(), "system")
	if err != nil {
		a.Fatal(err)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(a.env.HTTP, "http://"))
	if err != nil {
		a.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", file, token); err != nil {
		a.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	first := make([]byte, 1)
	if _, err := io.ReadFull(c, first); err != nil {
		a.Fatal(err)
	}
	a.patient("meanwhile", "9990000026")
	a.do(200, "system", "GET", "/fhir/Patient/meanwhile", "")
	rest, err := io.ReadAll(c)
	if err != nil {
		a.Fatal(err)
	}
	if got := bytes.Count(rest, []byte("\n{")); got != want-1 && got != want {
		a.Errorf("read slowly, %d lines of %d came", got, want)
	}
}
