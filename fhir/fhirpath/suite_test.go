package fhirpath

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/fhir"
	"selda/internal/conformance"
)

// The official tests: https://github.com/HL7/FHIRPath/tree/master/tests.

type suite struct {
	Groups []struct {
		Name  string      `xml:"name,attr"`
		Tests []suiteTest `xml:"test"`
	} `xml:"group"`
}

type suiteTest struct {
	Name       string `xml:"name,attr"`
	Input      string `xml:"inputfile,attr"`
	Predicate  bool   `xml:"predicate,attr"`
	Ordered    string `xml:"ordered,attr"`
	CheckOrder bool   `xml:"checkOrderedFunctions,attr"`
	Expression struct {
		Text    string `xml:",chardata"`
		Invalid string `xml:"invalid,attr"`
	} `xml:"expression"`
	Output []struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"output"`
}

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

func TestOfficialSuite(t *testing.T) {
	dir := filepath.Join(conformance.Material(t, "fhir-test-cases-r4"), "r4")
	in, err := os.ReadFile(filepath.Join(dir, "fhirpath", "tests-fhir-r4.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var s suite
	if err := xml.Unmarshal(in, &s); err != nil {
		t.Fatal(err)
	}
	excluded := conformance.Excluded(t, "fhirpath")
	inputs := map[string]*fhir.Resource{}
	count, passed := 0, 0
	for _, g := range s.Groups {
		for _, c := range g.Tests {
			count++
			var focus []Item
			if c.Input != "" {
				if inputs[c.Input] == nil {
					path := filepath.Join(dir, "examples", c.Input)
					if _, err := os.Stat(path); err != nil {
						path = filepath.Join(dir, c.Input)
					}
					inputs[c.Input] = readResource(t, path)
				}
				focus = []Item{Resource(inputs[c.Input].Root())}
			}
			wrong := runSuiteTest(&c, focus)
			_, out := excluded[c.Name]
			switch {
			case wrong == "" && out:
				t.Errorf("%s passes: take it off the list of exclusions", c.Name)
			case wrong == "":
				passed++
			case !out:
				t.Errorf("%s/%s: %s: %s", g.Name, c.Name, strings.Join(strings.Fields(c.Expression.Text), " "), wrong)
			}
		}
	}
	if len(excluded)*100 > count*3 {
		t.Errorf("%d of %d tests are excluded, more than 3 %%", len(excluded), count)
	}
	t.Logf("%d of %d tests pass", passed, count)
}

// runSuiteTest says what is wrong, "" where nothing is.
func runSuiteTest(c *suiteTest, focus []Item) string {
	e, err := Compile(c.Expression.Text)
	var got Collection
	if err == nil && len(focus) > 0 {
		err = e.Check(focus[0].Datatype(), Strict{Order: c.CheckOrder})
	}
	if err == nil {
		got, err = e.Eval(&Env{Now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}, focus...)
	}
	if c.Expression.Invalid != "" {
		if err == nil {
			return "is " + c.Expression.Invalid + " invalid, but gives " + show(got)
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	if c.Predicate {
		v := len(got) > 0
		if len(got) == 1 {
			if b, ok := got[0].Bool(); ok {
				v = b
			}
		}
		got = Collection{Boolean(v)}
	}
	if len(got) != len(c.Output) {
		return "gives " + show(got)
	}
	left := append(Collection(nil), got...)
	for _, want := range c.Output {
		found := false
		for i := range left {
			if matches(&left[i], want.Type, want.Text) {
				left, found = append(left[:i:i], left[i+1:]...), true
				break
			}
			if c.Ordered != "false" {
				break
			}
		}
		if !found {
			return "gives " + show(got) + " where " + want.Type + " " + want.Text + " is due"
		}
	}
	return ""
}

func matches(it *Item, typ, text string) bool {
	if typ != "" && it.TypeInFHIR() != typ {
		return false
	}
	if v, ok := it.Number(); ok && strings.HasPrefix(text, "-0") && v.Sign() == 0 {
		return v.String() == strings.TrimPrefix(text, "-") // zero has no sign
	}
	return it.String() == strings.TrimPrefix(strings.TrimPrefix(text, "@"), "T")
}

func show(c Collection) string {
	var out []string
	for i := range c {
		out = append(out, c[i].Type()+" "+string(c[i].JSON()))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
