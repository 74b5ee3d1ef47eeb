package terminology

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"selda/fault"
)

// Whatever a client asks is answered, or refused with a reason, and soon.
func TestQuestionsAreBounded(t *testing.T) {
	within := func(f func()) {
		t.Helper()
		done := make(chan bool)
		go func() { defer close(done); f() }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("no answer in 20 s")
		}
	}
	resources := []string{colours, set("urn:it", `{"include":[{"system":"urn:colours"}]}`)}
	for i := range 30 { // each imports the next twice: 2^30 ways to the last
		resources = append(resources, set(fmt.Sprintf("urn:set%d", i), fmt.Sprintf(`{"include":[{"valueSet":["urn:set%d"]},{"valueSet":["urn:set%d"]}]}`, i+1, i+1)))
		resources = append(resources, fmt.Sprintf(`{"resourceType":"ConceptMap","url":"urn:map%d","group":[{"source":"urn:a","target":"urn:b","unmapped":{"mode":"other-map","url":"urn:map%d"}},
			{"source":"urn:a","target":"urn:c","unmapped":{"mode":"other-map","url":"urn:map%d"}}]}`, i, i+1, i+1))
	}
	resources = append(resources, set("urn:set30", `{"include":[{"system":"urn:colours","concept":[{"code":"red"}]}]}`),
		`{"resourceType":"ConceptMap","url":"urn:map30","group":[{"source":"urn:a","target":"urn:b","unmapped":{"mode":"other-map","url":"urn:map0"}},{"source":"urn:a","target":"urn:b","element":[{"code":"x","target":[{"code":"y","equivalence":"equal"}]}]}]}`)
	s := New(library(t, resources...))
	within(func() {
		if _, err := s.ValidateInSet("urn:set0", Question{Codings: []Coding{{System: "urn:colours", Code: "blue"}}}); !fault.Is(err, fault.TooCostly) {
			t.Errorf("value sets that import each other: %v", err)
		}
		if tr, err := s.Translate(TranslateQuery{URL: "urn:map0", Codings: []Coding{{System: "urn:a", Code: "x"}}}); err != nil || len(tr.Matches) != 1 {
			t.Errorf("concept maps that refer to each other: %v %+v", err, tr)
		}
		if _, err := s.Expand("urn:it", ExpandQuery{Count: -1, Filter: strings.Repeat("a b c ", 100_000)}); !fault.Is(err, fault.TooLong) {
			t.Errorf("a filter of many words: %v", err)
		}
		for _, filter := range []string{"", "red"} {
			if e, err := s.Expand("urn:it", ExpandQuery{Filter: filter, Offset: math.MaxInt, Count: 20}); err != nil || len(e.Contains) != 0 {
				t.Errorf("an offset beyond the end: %v", err)
			}
		}
	})
}

// The filters of a value set are bounded together, not each by itself.
func TestFiltersAreBoundedTogether(t *testing.T) {
	filters := func(n int, filter string) string {
		return fmt.Sprintf(`{"include":[{"system":%q,"filter":[%s]}]}`, SNOMED, strings.TrimSuffix(strings.Repeat(filter+",", n), ","))
	}
	regex := `{"property":"display","op":"regex","value":"` + strings.Repeat("(a|b|c)*d", 800) + `"}`
	constraint := `{"property":"constraint","op":"=","value":"* {{ term = wild:\"*` + strings.Repeat("a", 1000) + `\" }}"}`
	s := sample(t, set("urn:regex", filters(300, regex)), set("urn:ecl", filters(10_000, constraint)), set("urn:few", filters(3, regex)))
	for _, url := range []string{"urn:regex", "urn:ecl"} {
		if _, err := s.Expand(url, ExpandQuery{Count: -1}); !fault.Is(err, fault.TooCostly) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := s.Expand("urn:few", ExpandQuery{Count: -1}); err != nil {
		t.Error(err)
	}
}
