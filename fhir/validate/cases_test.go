package validate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/internal/conformance"
	"selda/terminology"
)

// The cases of HL7's own validator: https://github.com/FHIR/fhir-test-cases.

type validatorCase struct {
	Name       string            `json:"name"`
	File       string            `json:"file"`
	Version    string            `json:"version"`
	Module     string            `json:"module"`
	Supporting []string          `json:"supporting"`
	Profiles   []string          `json:"profiles"`
	Packages   []string          `json:"packages"`
	Java       json.RawMessage   `json:"java"`
	Profile    *validatorProfile `json:"profile"`
}

type validatorProfile struct {
	Source     string          `json:"source"`
	Supporting []string        `json:"supporting"`
	Java       json.RawMessage `json:"java"`
}

// javaSays is what HL7's validator finds: how many errors; -1 where the outcome
// is not there.
func javaSays(dir string, java json.RawMessage) (errors int, all []string) {
	var name string
	if json.Unmarshal(java, &name) != nil {
		return -1, nil
	}
	in, err := os.ReadFile(filepath.Join(dir, "outcomes", name))
	if err != nil {
		return -1, nil
	}
	var o struct {
		Issue []struct {
			Severity   string
			Expression []string
			Details    struct{ Text string }
		}
	}
	if json.Unmarshal(in, &o) != nil {
		return -1, nil
	}
	for _, i := range o.Issue {
		if i.Severity == "error" || i.Severity == "fatal" {
			errors++
		}
		all = append(all, i.Severity+" "+strings.Join(i.Expression, ",")+": "+i.Details.Text)
	}
	return errors, all
}

// caseIssues validates one file as a case asks for it.
func caseIssues(dir, file, profile string, files []string) (issues []Issue, err error) {
	var resources []*fhir.Resource
	read := func(name string) (*fhir.Resource, error) {
		in, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && fhir.IsXML(in) {
			in, err = fhir.FromXML(in)
		}
		if err != nil {
			return nil, err
		}
		return fhir.Parse(in)
	}
	var urls []string
	for _, f := range files {
		r, err := read(f)
		if err != nil {
			continue // some are of no resource that R4 has
		}
		resources = append(resources, r)
		for _, e := range r.Root().List("entry") {
			if inner, err := e.Get("resource").Resource(); err == nil {
				resources = append(resources, inner)
			}
		}
		if f == profile {
			urls = append(urls, r.Get("url").Text())
		}
	}
	r, err := read(file)
	if err != nil {
		return []Issue{{Severity: Fatal, Text: err.Error()}}, nil
	}
	v := New(definition.NewSet(definition.R4, resources...), terminology.New(terminology.NewResources(resources...), terminology.R4))
	v.Canonical = Canonical(resources)
	v.Now = func() time.Time { return time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) }
	return v.Profiles(r, urls...), nil
}

func countErrors(issues []Issue) int {
	n := 0
	for _, i := range issues {
		if i.Severity == Error || i.Severity == Fatal {
			n++
		}
	}
	return n
}

func TestValidatorCases(t *testing.T) {
	dir := filepath.Join(conformance.Material(t, "fhir-validator-cases"), "validator")
	in, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Cases []validatorCase `json:"test-cases"`
	}
	if err := json.Unmarshal(in, &manifest); err != nil {
		t.Fatal(err)
	}
	suite := conformance.Open(t, "validator")
	count, same, agree := 0, 0, 0
	one := func(id, file, profile string, files []string, java json.RawMessage) {
		want, all := javaSays(dir, java)
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil || want < 0 {
			return
		}
		count++
		issues, err := caseIssues(dir, file, profile, files)
		got := countErrors(issues)
		if err == nil && got == want {
			same++
		}
		valid := err == nil && (got == 0) == (want == 0)
		if valid {
			agree++
		}
		suite.Run(id, func() []string {
			if valid {
				return nil
			}
			return []string{fmt.Sprintf("%s: %d errors, HL7's validator has %d%s", file, got, want, sideBySide(issues, all))}
		})
	}
	for _, c := range manifest.Cases {
		if c.Version != "4.0" && c.Version != "4.0.1" {
			continue
		}
		files := append(append([]string(nil), c.Supporting...), c.Profiles...)
		one(c.Name, c.File, "", files, c.Java)
		if p := c.Profile; p != nil {
			one(c.Name+"/profile", c.File, p.Source, append(append(files, p.Supporting...), p.Source), p.Java)
		}
	}
	t.Logf("%d cases of R4 with an outcome: %d with as many errors, %d valid or not as there", count, same, agree)
}

func sideBySide(issues []Issue, all []string) string {
	var b strings.Builder
	for _, i := range issues {
		if i.Severity != Information {
			fmt.Fprintf(&b, "\n  ours:   %s %s: %.200s", i.Severity, i.Expression, i.Text)
		}
	}
	for _, s := range all {
		if strings.HasPrefix(s, "error") || strings.HasPrefix(s, "fatal") {
			fmt.Fprintf(&b, "\n  theirs: %.260s", s)
		}
	}
	return b.String()
}
