package testenv

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"selda/nhs"
)

// How long a GP's search of the practice's people takes, in a region of several such
// practices. SELDA_PEOPLE says how many people a practice has, SELDA_PRACTICES how
// many practices there are; each person has been measured ten times by the practice, and
// one in twelve has an HbA1c of a laboratory.
//
//	SELDA_PEOPLE=8000 go test ./internal/testenv -run '^$' -bench Caseload -benchtime 5x -timeout 30m
func BenchmarkCaseload(b *testing.B) {
	people, practices := 300, 4
	for name, n := range map[string]*int{"SELDA_PEOPLE": &people, "SELDA_PRACTICES": &practices} {
		if v, err := strconv.Atoi(os.Getenv(name)); err == nil {
			*n = v
		}
	}
	env, err := Open(stored(b), b.TempDir(), Start)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = env.Close() })
	began := time.Now()
	for i := range practices {
		practice := "G85915"
		if i > 0 {
			practice = fmt.Sprintf("G86%03d", i)
		}
		load(b, env, nhs.Source(practice+":GP"), i*people, people, func(i int) string {
			var obs bytes.Buffer
			for k := range 10 {
				fmt.Fprintf(&obs, `,{"request":{"method":"PUT","url":"Observation/bp-%[1]d-%[2]d"},"resource":{"resourceType":"Observation","id":"bp-%[1]d-%[2]d","status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"271649006"}]},"subject":{"reference":"Patient/gp-%[1]d"},"effectiveDateTime":"20%02[3]d-0%[4]d-11","valueQuantity":{"value":%[5]d,"unit":"mmHg"}}}`, i, k, 17+k, k%9+1, 100+(i*7+k*13)%90)
			}
			return obs.String()
		}, "gp")
	}
	load(b, env, "RJ1:LAB", 0, practices*people, func(i int) string {
		if i%12 != 0 {
			return ""
		}
		return fmt.Sprintf(`,{"request":{"method":"PUT","url":"Observation/hb-%[1]d"},"resource":{"resourceType":"Observation","id":"hb-%[1]d","status":"final",`+hba1c+`,"subject":{"reference":"Patient/lab-%[1]d"},"effectiveDateTime":"2026-05-11","valueQuantity":{"value":%[2]d,"unit":"mmol/mol"}}}`, i, 30+(i*7)%60)
	}, "lab")
	b.Logf("loaded in %v", time.Since(began))
	for _, c := range []struct{ name, path string }{
		{"HbA1c by value", highHbA1c + "&_summary=count"},
		{"HbA1c by value, a page", highHbA1c + "&_count=50&_include=Observation:subject"},
		{"HbA1c by code", "/fhir/Observation?code=999791000000106&_summary=count"},
		{"people with HbA1c", "/fhir/Patient?_has:Observation:patient:code=999791000000106&_count=50"},
		{"a frequent code with a rare value", "/fhir/Observation?code=271649006&value-quantity=gt188&date=ge2026&_summary=count"},
		{"a frequent code", "/fhir/Observation?code=271649006&_summary=count"},
		{"what the index does not narrow", "/fhir/Observation?code:missing=true&_summary=count"},
		{"a hundred named", "/fhir/Observation?code=271649006&_summary=count&patient.identifier=" + numbers(100)},
	} {
		b.Run(c.name, func(b *testing.B) {
			status, body := 0, ""
			for b.Loop() {
				a, err := env.Do(b.Context(), "gp", "GET", c.path, nil)
				if err != nil {
					b.Fatal(err)
				}
				status, body = a.Status, string(a.Body)
			}
			b.ReportMetric(float64(status), "status")
			b.Log(body[:min(len(body), 400)])
		})
	}
}

// numbers are those of the first people.
func numbers(n int) string {
	var out []string
	for i := range n {
		out = append(out, testNumber(i).Digits())
	}
	return strings.Join(out, ",")
}

// load has a source say who some people are and what was observed of them.
func load(b *testing.B, env *Env, source nhs.Source, from, n int, observed func(i int) string, kind string) {
	b.Helper()
	var all bytes.Buffer
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&all, `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient/%[1]s-%[2]d"},"resource":{"resourceType":"Patient","id":"%[1]s-%[2]d","identifier":[{"system":"%[3]s","value":"%[4]s"}],"name":[{"family":"Family%[2]d","given":["Ada"]}],"birthDate":"1961-11-05"}}%[5]s]}`+"\n",
			kind, i, nhs.NumberSystem, testNumber(i).Digits(), observed(i))
	}
	s, err := env.Ingest(b.Context(), source, "fhir", "", "people.ndjson", all.Bytes())
	if err != nil || s.Quarantined > 0 || s.Stored != n {
		b.Fatalf("%+v %v", s, err)
	}
}
