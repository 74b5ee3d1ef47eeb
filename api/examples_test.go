package api_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/fhir/search"
	"selda/internal/conformance"
)

// examples are the official examples of R4.
func examples(t *testing.T) map[string]*fhir.Resource {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(conformance.Material(t, "fhir-r4-examples"), "*.json"))
	out := map[string]*fhir.Resource{}
	for _, name := range names {
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out[strings.TrimSuffix(filepath.Base(name), ".json")] = r
	}
	return out
}

// Each official example is stored, reads back as it was given, also by way of
// XML, and is found by each value in it that a search parameter looks at.
func TestOfficialExamples(t *testing.T) {
	a := open(t)
	all := examples(t)
	suite := conformance.Open(t, "r4-examples")
	a.strangers(all)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	searched := 0
	for _, name := range names {
		r := all[name]
		suite.Run(name, func() (problems []string) {
			n, problems := a.example(r)
			searched += n
			return problems
		})
	}
	if searched < 2500 {
		t.Errorf("only %d values were searched", searched)
	}
}

// strangers makes the Patients that examples speak of and none is.
func (a *asker) strangers(all map[string]*fhir.Resource) {
	a.Helper()
	have, put := map[string]bool{}, []string{}
	for _, r := range all {
		have[r.Type+"/"+r.ID] = true
	}
	for _, r := range all {
		fhir.RewriteReferences(r.JSON, func(ref string) string {
			if id, ok := strings.CutPrefix(ref, "Patient/"); ok && fhir.IsID(id) && !have[ref] {
				have[ref] = true
				put = append(put, id)
			}
			return ref
		})
	}
	for _, r := range all {
		if r.Type == "Patient" {
			a.do(201, "system", "PUT", "/fhir/Patient/"+r.ID, string(r.JSON))
		}
	}
	for _, id := range put {
		a.do(201, "system", "PUT", "/fhir/Patient/"+id, `{"resourceType":"Patient","id":"`+id+`"}`)
	}
}

func (a *asker) example(r *fhir.Resource) (searched int, problems []string) {
	ask := func(method, path string, body []byte, headers ...string) (int, []byte) {
		ans, err := a.env.Do(a.Context(), "system", method, path, body, headers...)
		if err != nil {
			a.Fatal(err)
		}
		return ans.Status, ans.Body
	}
	path := "/fhir/" + r.Type + "/" + r.ID
	if status, body := ask("PUT", path, r.JSON); status != 201 && status != 200 {
		return 0, []string{"it is not stored: " + string(body)}
	}
	_, got := ask("GET", path, nil)
	if !sameMembers(fhir.Bare(got), fhir.Bare(r.JSON)) {
		problems = append(problems, "it reads back as something else")
	}
	status, x := ask("GET", path, nil, "Accept: application/fhir+xml")
	if back, err := fhir.FromXML(x); status != 200 || err != nil {
		problems = append(problems, "XML: "+string(x[:min(len(x), 200)]))
	} else if status, body := ask("PUT", path, back); status != 200 {
		problems = append(problems, "from XML: "+string(body))
	}
	for _, p := range search.R4().Of(r.Type) {
		values := p.Written(r)
		if p.Code == "_id" || p.Code == "_lastUpdated" || len(values) == 0 {
			continue
		}
		for _, v := range values[:min(len(values), 2)] {
			searched++
			q := url.Values{p.Code: {v}, "_count": {"1000"}, "_elements": {"id"}}
			status, body := ask("GET", "/fhir/"+r.Type+"?"+q.Encode(), nil, "Prefer: handling=strict")
			if status != 200 || !bytes.Contains(body, []byte(`"id":"`+r.ID+`"`)) {
				problems = append(problems, "not found by "+p.Code+"="+v+": "+string(body[:min(len(body), 300)]))
			}
		}
	}
	return searched, problems
}

// sameMembers compares resources to the byte, but for the order of their elements.
func sameMembers(a, b []byte) bool {
	have := map[string]string{}
	for name, value := range fhir.Members(a) {
		have[name] = string(value)
	}
	n := 0
	for name, value := range fhir.Members(b) {
		if n++; have[name] != string(value) {
			return false
		}
	}
	return n == len(have)
}
