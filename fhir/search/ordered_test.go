package search

import (
	"os"
	"path/filepath"
	"testing"

	"selda/fhir"
	"selda/internal/conformance"
)

// What the index of ordered values says of a resource is what the resource
// itself says, of every range around every value of every official example.
func TestOrderedValuesSayWhatTheResourceSays(t *testing.T) {
	names, _ := filepath.Glob(filepath.Join(conformance.Material(t, "fhir-r4-examples"), "*.json"))
	asked, met, read := 0, 0, 0
	for _, name := range names {
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(in)
		if err != nil || !HasOrder(r.Type) {
			continue
		}
		for _, query := range rangesAround(r) {
			q := &Query{Type: r.Type}
			for k := range query {
				c, known, err := scope.Clause(r.Type, query[k][0], query[k][1])
				if err != nil || !known {
					t.Fatalf("%s: %v: %v", filepath.Base(name), query[k], err)
				}
				q.Clauses = append(q.Clauses, c)
			}
			ranged := scope.Ranged(q)
			if ranged == nil {
				t.Fatalf("%s: %v is not one of ordered values", filepath.Base(name), query)
			}
			want := q.Matches(&Candidate{Type: r.Type, ID: r.ID, Res: r})
			got := No
			for _, o := range R4().Ordered(r) {
				for _, k := range ranged.Keys {
					if k == o.Key() {
						got = max(got, ranged.Meets(&o)) // Perhaps is the largest
					}
				}
			}
			asked++
			switch {
			case got == Perhaps:
				read++
			case want != (got == Yes):
				t.Errorf("%s: %v: the resource says %t, the index %d", filepath.Base(name), query, want, got)
			case want:
				met++
			}
		}
	}
	if asked < 4000 || met < 800 || read*20 > asked {
		t.Errorf("asked %d, met %d, to be read %d", asked, met, read)
	}
}

// rangesAround are queries of each code of a resource, alone and with each of
// its dates and amounts by every prefix.
func rangesAround(r *fhir.Resource) (out [][][2]string) {
	by := orders[r.Type]
	written := func(code string) []string {
		if p := R4().Lookup(r.Type, code); p != nil {
			return p.Written(r)
		}
		return nil
	}
	prefixes := []string{"", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"}
	for _, code := range append(written(by.code), "http://loinc.org|nothing") {
		out = append(out, [][2]string{{by.code, code}})
		for _, name := range []string{by.dates[0], by.dates[1], by.amount} {
			for _, v := range append(written(name), map[string]string{by.amount: "7.2", by.dates[0]: "2012", by.dates[1]: "2013-06"}[name]) {
				_, v = cutPrefix(v)
				for _, p := range prefixes {
					if name != "" && v != "" {
						out = append(out, [][2]string{{by.code, code}, {name, p + v}})
					}
				}
			}
		}
	}
	for _, name := range []string{by.whole, by.part, by.either} {
		for _, v := range written(name) {
			for _, p := range prefixes {
				halves := split(v, '$')
				if len(halves) == 2 && name != "" {
					_, amount := cutPrefix(halves[1])
					out = append(out, [][2]string{{name, halves[0] + "$" + p + amount}})
				}
			}
		}
	}
	return out
}

// A resource that says more than an entry holds has to be read.
func TestOrderedValuesThatDoNotFit(t *testing.T) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},
		"effectiveTiming":{"event":["2019-01-01","2021-01-01"]},"valueQuantity":{"value":72}}`))
	if err != nil {
		t.Fatal(err)
	}
	q := &Query{Type: r.Type}
	for _, c := range [][2]string{{"code", "8867-4"}, {"date", "2020"}} {
		clause, _, err := scope.Clause(r.Type, c[0], c[1])
		if err != nil {
			t.Fatal(err)
		}
		q.Clauses = append(q.Clauses, clause)
	}
	list := R4().Ordered(r)
	if len(list) != 1 || scope.Ranged(q).Meets(&list[0]) != Perhaps {
		t.Errorf("%+v: an entry of one stretch of time stands for two", list)
	}
	if c, _, _ := scope.Clause(r.Type, "performer", "Practitioner/1"); scope.Ranged(&Query{Type: r.Type, Clauses: append(q.Clauses, c)}) != nil {
		t.Error("what else is asked for has tokens, and may be rarer")
	}
}

// A value set is looked up among the ordered values by its codes, also where
// they are too many for the index of tokens.
func TestOrderedValuesOfAValueSet(t *testing.T) {
	q := &Scope{Parameters: R4(), Terms: colours{}}
	for _, c := range [][2]string{{"code:in", "urn:warm"}, {"code:below", "urn:colours|red"}} {
		clause, _, err := q.Clause("Observation", c[0], c[1])
		if err != nil {
			t.Fatal(err)
		}
		r := q.Ranged(&Query{Type: "Observation", Clauses: []*Clause{clause}})
		if r == nil || len(r.Keys) != 2 || r.Narrow {
			t.Fatalf("%v: %+v", c, r)
		}
		for code, want := range map[string]Verdict{"pink": Yes, "blue": No} {
			if got := r.Meets(&Ordered{Code: code, System: "urn:colours"}); got != want {
				t.Errorf("%v: %s is %d, not %d", c, code, got, want)
			}
		}
		if r.Meets(&Ordered{Code: "pink", System: "urn:colours", Part: true}) != No {
			t.Errorf("%v: the code of a component is taken for that of the resource", c)
		}
	}
}
