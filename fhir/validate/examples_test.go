package validate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/internal/conformance"
	"selda/terminology"
)

func readResource(t testing.TB, path string) *fhir.Resource {
	t.Helper()
	in, err := os.ReadFile(path)
	if err == nil && fhir.IsXML(in) {
		in, err = fhir.FromXML(in)
	}
	if err != nil {
		t.Fatal(path, err)
	}
	r, err := fhir.Parse(in)
	if err != nil {
		t.Fatal(path, err)
	}
	return r
}

func r4() *Validator { return New(definition.R4, terminology.New(terminology.R4)) }

// examples calls f for each of the official examples.
func examples(t testing.TB, f func(name string, r *fhir.Resource)) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(conformance.Material(t, "fhir-r4-examples"), "*.json"))
	for _, file := range files {
		f(strings.TrimSuffix(filepath.Base(file), ".json"), readResource(t, file))
	}
}

// The official examples of R4 are valid: in their structure, and in full.
func TestOfficialExamplesAreValid(t *testing.T) {
	v := r4()
	excluded := conformance.Excluded(t, "r4-examples-valid")
	count := 0
	examples(t, func(name string, r *fhir.Resource) {
		count++
		issues := v.Profiles(r)
		if structure := v.Structure(r); Errors(structure) && !Errors(issues) {
			t.Errorf("%s: the structure is wrong, and the whole right: %v", name, structure)
		}
		_, out := excluded[name]
		if out && !Errors(issues) {
			t.Errorf("%s is valid: take it off the list of exclusions", name)
		}
		for _, i := range issues {
			if i.Severity == Error && !out {
				t.Errorf("%s: %s: %s", name, i.Expression, i.Text)
			}
		}
	})
	if len(excluded)*100 > count*3 {
		t.Errorf("%d of %d examples are excluded, more than 3 %%", len(excluded), count)
	}
	t.Logf("%d examples, %d excluded", count, len(excluded))
}
