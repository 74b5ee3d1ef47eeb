package search

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/fhir"
	"selda/internal/conformance"
)

var scope = &Scope{Parameters: R4(), Base: "http://x/fhir", Now: time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)}

// Every parameter that R4 defines compiles, composites with their parts.
func TestEveryParameterCompiles(t *testing.T) {
	n := 0
	for _, list := range R4().byType {
		for _, p := range list {
			n++
			if _, err := p.compiled(); err != nil {
				t.Errorf("%s.%s: %s: %v", p.Base, p.Code, p.Expression, err)
			}
			if p.Kind == Composite && len(p.Components) < 2 {
				t.Errorf("%s.%s has %d components", p.Base, p.Code, len(p.Components))
			}
			for _, c := range p.Components {
				if _, err := c.parameter.compiled(); err != nil || R4().byURL[c.Definition] == nil {
					t.Errorf("%s.%s: component %s: %v", p.Base, p.Code, c.Definition, err)
				}
			}
		}
	}
	if n < 1600 {
		t.Errorf("only %d parameters", n)
	}
}

// What a parameter finds in a resource finds the resource, and the index has a
// token for it: an index that lacked one would lose what was searched.
func TestWhatIsThereIsFoundAndIndexed(t *testing.T) {
	names, _ := filepath.Glob(filepath.Join(conformance.Material(t, "fhir-r4-examples"), "*.json"))
	checked, indexed := 0, 0
	for _, name := range names {
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		tokens := R4().Tokens(r)
		c := &Candidate{Type: r.Type, ID: r.ID, Res: r}
		for _, p := range R4().Of(r.Type) {
			if p.Code == "_id" || p.Code == "_lastUpdated" {
				continue
			}
			for _, v := range p.Written(r) {
				clause, known, err := scope.Clause(r.Type, p.Code, v)
				if err != nil || !known {
					t.Errorf("%s: %s=%s: %v", filepath.Base(name), p.Code, v, err)
					continue
				}
				checked++
				if !clause.Matches(c) {
					t.Errorf("%s: not found by %s=%s", filepath.Base(name), p.Code, v)
				}
				_, whole := clause.InRecordOf(r.Type)
				group, narrows := clause.Tokens()
				if narrows && !whole {
					indexed++
					if !slices.ContainsFunc(group, func(x string) bool { return slices.Contains(tokens, x) }) {
						t.Errorf("%s: %s=%s asks the index for %v, which has %v", filepath.Base(name), p.Code, v, group, tokens)
					}
				}
			}
		}
	}
	if checked < 4000 || indexed < 2000 {
		t.Errorf("only %d values, %d by the index", checked, indexed)
	}
}

// Whatever two stretches of time are, eq and ne are opposites, and each way of
// comparing agrees with the others. https://hl7.org/fhir/R4/search.html#prefix
func TestDatesCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) span {
			from := rapid.Int64Range(0, 40).Draw(t, name)
			return span{from, from + rapid.Int64Range(1, 20).Draw(t, name+"'s length")}
		}
		search, have := draw("search"), draw("have")
		is := func(prefix string) bool { return search.compare(prefix, have, 100) }
		if is("eq") == is("ne") {
			t.Error("eq and ne")
		}
		if is("eq") && (!is("ge") || !is("le")) {
			t.Error("what is equal is at least and at most")
		}
		if is("sa") && (!is("gt") || !is("ge") || is("lt") || is("eq")) || is("eb") && (!is("lt") || !is("le") || is("gt") || is("eq")) {
			t.Error("what starts after is greater, what ends before is less")
		}
		if is("gt") && !is("ge") || is("lt") && !is("le") {
			t.Error("what is greater is at least")
		}
		if !is("ge") && !is("le") {
			t.Error("neither at least nor at most")
		}
	})
}

func TestNumbersHaveTheirPrecision(t *testing.T) {
	for _, c := range []struct {
		search string
		value  string
		want   bool
	}{{"100", "100", true}, {"100", "100.4", true}, {"100", "99.5", true}, {"100", "100.5", false}, {"100.00", "100.4", false}, {"100.00", "100.004", true}, {"1e2", "60", true}, {"1e2", "150", false},
		{"ne100", "100.4", false}, {"gt100", "100.4", true}, {"lt100", "100", false}, {"ge100", "100", true}, {"le100", "100.1", false}, {"ap100", "109", true}, {"ap100", "111", false}, {"5.4e-3", "0.0054", true}} {
		test, err := numberTest(c.search)
		if err != nil {
			t.Fatal(c.search, err)
		}
		if got := test(element{typ: "decimal", value: c.value}); got != c.want {
			t.Errorf("%s finds %s: %t", c.search, c.value, got)
		}
	}
}

// Units are compared whatever they are written in; others are not.
func TestQuantities(t *testing.T) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":37.5,"unit":"degrees C","system":"http://unitsofmeasure.org","code":"Cel"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{"37.5": true, "37.5||Cel": true, "37.5||degrees C": true, "99.5|http://unitsofmeasure.org|[degF]": true, "310.65|http://unitsofmeasure.org|K": true, "gt38|http://unitsofmeasure.org|Cel": false,
		"37.5|http://unitsofmeasure.org|mg": false, "37.5|urn:other|Cel": false} {
		c, _, err := scope.Clause("Observation", "value-quantity", value)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Matches(&Candidate{Type: "Observation", Res: r}); got != want {
			t.Errorf("%s: %t", value, got)
		}
	}
}

// Names that sound alike are found by each other.
func TestSounds(t *testing.T) {
	for word, want := range map[string]string{"robert": "R163", "rupert": "R163", "ashcraft": "A261", "tymczak": "T522", "pfister": "P236", "honeyman": "H555", "lee": "L000", "": "", "李": "李"} {
		if got := sound(word); got != want {
			t.Errorf("%s sounds %s, want %s", word, got, want)
		}
	}
	r, err := fhir.Parse([]byte(`{"resourceType":"Patient","name":[{"family":"Smith","given":["Catherine Ann"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{"smyth": true, "Smythe": true, "cathrin": true, "jones": false, "Catherine Smyth": true, "Catherine Jones": false} {
		c, _, err := scope.Clause("Patient", "phonetic", value)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Matches(&Candidate{Type: "Patient", Res: r}); got != want {
			t.Errorf("%s: %t", value, got)
		}
	}
}

func TestEscapes(t *testing.T) {
	for in, want := range map[string][]string{`a,b`: {"a", "b"}, `a\,b`: {`a\,b`}, `a\\,b`: {`a\\`, "b"}, ``: {""}, `,`: {"", ""}} {
		if got := split(in, ','); !slices.Equal(got, want) {
			t.Errorf("%q: %q", in, got)
		}
	}
	for in, want := range map[string]string{`a\,b\|c\$d\\e`: `a,b|c$d\e`, `a\b`: `a\b`, `\`: `\`} {
		if got := unescape(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := split(`a\|b|c`, '|'); !slices.Equal(got, []string{"a|b", "c"}) {
		t.Errorf("a token: %q", got)
	}
}

// Whatever stands in a query, it is read or refused; what is read can be asked
// of a resource, and what is found is indexed.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"code=http://loinc.org|2160-0&date=ge2026-01-01,lt2027", "identifier=https://fhir.nhs.uk/Id/nhs-number|9991234519", "_id=a,b&_count=10&status=|final", "date=eq2026-02-30", "_lastUpdated=sa2026&patient=Patient/x&subject=y",
		`_filter=code eq "x" and (date ge 2026 or not (status eq final))`, "_has:Observation:has-member:code=x", "patient.name=a&_include=Observation:*&_sort=-date", "code-value-quantity=a$gt5||mg", "value-quantity=ge5.40|http://unitsofmeasure.org|mg",
		"_content=a&_text=b&_list=c", "code:in=http://x&code:below=http://snomed.info/sct|1", "%", "combo-code-value-quantity=2160-0$5.4", "code:text=crea&code:not=x&value-quantity:missing=false"} {
		f.Add(s)
	}
	r, err := fhir.Parse([]byte(`{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2160-0"}],"text":"Creatinine"},"effectivePeriod":{"start":"2026-01-01"},"valueQuantity":{"value":5.4,"system":"http://unitsofmeasure.org","code":"mg"},"identifier":[{"value":"1"}],"performer":[{"reference":"Practitioner/d"}]}`))
	if err != nil {
		f.Fatal(err)
	}
	tokens := R4().Tokens(r)
	f.Fuzz(func(t *testing.T, text string) {
		params, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		q, err := scope.Parse("Observation", params)
		if err != nil {
			return
		}
		c := &Candidate{Type: "Observation", ID: "o", Updated: scope.Now, Res: r}
		for _, clause := range q.Clauses {
			if len(clause.Open()) > 0 {
				continue
			}
			group, narrows := clause.Tokens()
			if _, whole := clause.InRecordOf("Observation"); clause.Matches(c) && narrows && !whole && !slices.ContainsFunc(group, func(x string) bool { return slices.Contains(tokens, x) }) {
				t.Errorf("%s: the resource is found by %v, and the index would not give it: %v", clause.Name, group, tokens)
			}
		}
		Sort([]*Candidate{c}, q.Sort, func(c *Candidate) *Candidate { return c })
	})
}
