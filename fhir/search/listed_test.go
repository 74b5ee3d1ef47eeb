package search

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// colours is a terminology service that knows one value set and one hierarchy.
type colours struct{}

func (colours) InValueSet(url, system, code string) (in, known bool) {
	return code == "red" || code == "pink", strings.HasPrefix(url, "urn:warm")
}

func (colours) Subsumes(_, a, b string) (subsumes, known bool) {
	return a == "red" && (b == "red" || b == "pink"), true
}

func (colours) Codes(url string, most int) ([]string, bool) {
	if url == "urn:warm:many" {
		return make([]string, most+1), true
	}
	return []string{"red", "pink"}, url == "urn:warm"
}

func (colours) CodesBelow(string, string, int) ([]string, bool) { return []string{"red", "pink"}, true }

// A search by a value set of few codes asks the index for these, and reads
// nothing else. https://hl7.org/fhir/R4/search.html#modifiers
func TestCodesOfAValueSetNarrowASearch(t *testing.T) {
	q := &Scope{Parameters: R4(), Now: time.Now(), Terms: colours{}}
	for _, c := range []struct {
		name, value string
		want        []string
	}{
		{"code:in", "urn:warm", []string{"c:RED", "c:PINK"}},
		{"code:below", "urn:colours|red", []string{"c:RED", "c:PINK"}},
		{"code:in", "urn:warm:many", nil},
		{"code:in", "urn:warm:unlisted", nil},
		{"code:not-in", "urn:warm", nil},
	} {
		clause, known, err := q.Clause("Observation", c.name, c.value)
		if err != nil || !known {
			t.Fatal(c.name, err)
		}
		if got, ok := clause.Tokens(); ok != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%s=%s: %v %v", c.name, c.value, got, ok)
		}
	}
}
