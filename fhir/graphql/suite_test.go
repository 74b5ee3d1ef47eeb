package graphql

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"selda/fhir"
)

// material is a folder of test data that stands beside the repository.
func material(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "material", "fhir-test-cases-r4", "r4")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the test material is not beside the repository")
		}
		t.Skip("left out: the test material (../shared/material) is not beside the repository")
	}
	return dir
}

// suite is a Source over the files of the official test cases: what their own
// engine is given.
type suite struct {
	t   testing.TB
	dir string
}

func (s *suite) read(name string) *fhir.Resource {
	s.t.Helper()
	in, err := os.ReadFile(filepath.Join(s.dir, "examples", name+".xml"))
	if err != nil {
		return nil
	}
	if in, err = fhir.FromXML(in); err != nil {
		s.t.Fatal(name, err)
	}
	r, err := fhir.Parse(in)
	if err != nil {
		s.t.Fatal(name, err)
	}
	return r
}

// Get is Source's.
func (s *suite) Get(typ, id string) (*fhir.Resource, error) {
	return s.read(strings.ToLower(typ) + "-" + id), nil
}

// Search is Source's: it finds the same always.
func (s *suite) Search(typ string, params url.Values) (*Page, error) {
	switch typ + "?" + params.Encode() {
	case "Condition?patient=Patient%2Fexample":
		return &Page{Count: 1, PageSize: 50, Edges: []Edge{{Resource: s.read("condition-example")}}}, nil
	case "Patient?active=true":
		return &Page{Count: 50, PageSize: 50, Next: "77c97e03-8a6c-415f-a63d-11c80cf73f:50",
			Edges: []Edge{{Resource: s.read("patient-example")}, {Mode: "match", Score: "0.5", Resource: s.read("patient-example-xds")}}}, nil
	}
	return nil, fmt.Errorf("an unexpected search: %s %v", typ, params)
}

// exclusions reads docs/conformance/graphql.txt.
func exclusions(t *testing.T) map[string]bool {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "conformance", "graphql.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			id, reason, _ := strings.Cut(line, "  ")
			if strings.TrimSpace(reason) == "" {
				t.Errorf("%s is excluded without a reason", id)
			}
			out[id] = true
		}
	}
	return out
}

// The official cases for GraphQL.
func TestOfficialSuite(t *testing.T) {
	dir := material(t)
	in, err := os.ReadFile(filepath.Join(dir, "graphql", "manifest.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Tests []struct {
			Name      string `xml:"name,attr"`
			Source    string `xml:"source,attr"`
			Output    string `xml:"output,attr"`
			Context   string `xml:"context,attr"`
			Resource  string `xml:"resource,attr"`
			Operation string `xml:"operation,attr"`
		} `xml:"test"`
	}
	if err := xml.Unmarshal(in, &list); err != nil || len(list.Tests) < 29 {
		t.Fatal(err, len(list.Tests))
	}
	s := &suite{t, dir}
	excluded := exclusions(t)
	for _, c := range list.Tests {
		query, err := os.ReadFile(filepath.Join(dir, "graphql", c.Source))
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Operation: c.Operation}
		if c.Operation != "" {
			if r.Variables, err = fhir.ParseTree([]byte(`{"var":true}`)); err != nil {
				t.Fatal(err)
			}
		}
		if c.Context != "" {
			name := c.Resource
			if name == "" {
				typ, id, _ := strings.Cut(strings.TrimSuffix(c.Context, "/$graphql"), "/")
				name = strings.ToLower(typ) + "-" + id
			}
			if r.Resource = s.read(name); r.Resource == nil {
				t.Fatal(name)
			}
		}
		var got []byte
		d, err := Parse(string(query))
		if err == nil {
			got, err = Execute(d, r, s)
		}
		wrong := ""
		if c.Output == "$error" {
			if err == nil {
				wrong = fmt.Sprintf("no error: %s", got)
			}
		} else {
			b, e := os.ReadFile(filepath.Join(dir, "graphql", c.Output))
			if e != nil {
				t.Fatal(e)
			}
			var is, want any
			if e := json.Unmarshal(b, &want); e != nil {
				t.Fatal(c.Output, e)
			}
			if err != nil || json.Unmarshal(got, &is) != nil || !reflect.DeepEqual(is, want) {
				wrong = fmt.Sprintf("%v\ngot  %s\nwant %s", err, got, b)
			}
		}
		if wrong != "" && !excluded[c.Name] {
			t.Errorf("%s: %s", c.Name, wrong)
		}
		if wrong == "" && excluded[c.Name] {
			t.Errorf("%s passes: take it out of docs/conformance/graphql.txt", c.Name)
		}
	}
}

// The official texts that a parser has to read.
func TestOfficialTextsAreRead(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(material(t), "graphql", "parser-tests.gql"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, one := range strings.Split(string(b), "####")[1:] {
		name, text, _ := strings.Cut(one, "\n")
		n++
		if _, err := Parse(text); err != nil {
			t.Errorf("%s: %v", strings.TrimSpace(name), err)
		}
	}
	t.Logf("%d texts", n)
}
