package terminology

import (
	"fmt"
	"strings"
	"testing"

	"selda/fault"
)

// https://hl7.org/fhir/R4/terminology-service.html#closure
func TestAClosureTableGrowsByWhatRelates(t *testing.T) {
	s := New(library(t, colours), R4)
	c := &Closure{}
	add := func(codes ...string) string {
		t.Helper()
		before := c.Version
		var list []Coding
		for _, code := range codes {
			list = append(list, Coding{System: "urn:colours", Code: code})
		}
		if err := c.Add(s, list); err != nil {
			t.Fatal(err)
		}
		return since(t, s, c, before)
	}
	for _, step := range []struct{ codes, want string }{
		{"pink", ""},
		{"any", "pink<any"},
		{"RED blue pink", "pink<red red<any blue<any"},
		{"red", ""},
		{"mauve", "mauve<any mauve<red mauve<blue"},
	} {
		if got := add(strings.Fields(step.codes)...); got != step.want {
			t.Errorf("%s: %s, want %s", step.codes, got, step.want)
		}
	}
	if c.Version != 5 || len(c.Concepts) != 5 {
		t.Errorf("version %d, %d codes", c.Version, len(c.Concepts))
	}
	if got := since(t, s, c, 0); got != "pink<any pink<red red<any blue<any mauve<any mauve<red mauve<blue" {
		t.Errorf("all: %s", got)
	}
	if got := since(t, s, c, 3); got != "mauve<any mauve<red mauve<blue" {
		t.Errorf("since 3: %s", got)
	}
	if err := c.Add(s, []Coding{{System: "urn:colours", Code: "green"}}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown code: %v", err)
	}
	if _, err := c.Since(s, 99); !fault.Is(err, fault.Value) {
		t.Errorf("a version that never was: %v", err)
	}
	// What was said holds of the version of the code system that it was said of.
	newer := New(library(t, strings.Replace(colours, `"version":"2"`, `"version":"3"`, 1)), R4)
	if _, err := c.Since(newer, 0); !fault.Is(err, fault.BusinessRule) {
		t.Errorf("by another version of the code system: %v", err)
	}
}

func since(t *testing.T, s *Service, c *Closure, version int) string {
	t.Helper()
	list, err := c.Since(s, version)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprintf("%s<%s", r.Source.Code, r.Target.Code))
	}
	return strings.Join(out, " ")
}
