package terminology

import (
	"slices"
	"strings"
	"testing"
)

func TestCodesOfAValueSet(t *testing.T) {
	s := New(library(t, colours, set("urn:all", `{"include":[{"system":"urn:colours"}]}`), set("urn:far", `{"include":[{"system":"urn:colours"},{"system":"urn:far"}]}`),
		set("urn:less", `{"include":[{"valueSet":["urn:all"]},{"system":"urn:far","concept":[{"code":"x"}]}],"exclude":[{"system":"urn:colours","concept":[{"code":"blue"}]}]}`)), R4)
	for _, c := range []struct {
		url  string
		most int
		want string
		ok   bool
	}{{"urn:all", 5, "any red pink mauve blue", true}, {"urn:all", 4, "", false}, {"urn:less", 9, "any red pink mauve x", true}, {"urn:far", 9, "", false}, {"urn:none", 9, "", false},
		{"http://unitsofmeasure.org/vs", 9, "", false}} {
		if got, ok := s.Codes(c.url, c.most); ok != c.ok || !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %v %v", c.url, got, ok)
		}
	}
	if got, ok := s.CodesBelow("urn:colours", "red", 3); !ok || strings.Join(got, " ") != "red pink mauve" {
		t.Errorf("%v", got)
	}
	if _, ok := s.CodesBelow("urn:colours", "any", 3); ok {
		t.Error("too many")
	}
}

func TestCodesOfAReferenceSet(t *testing.T) {
	s := sample(t)
	if got, ok := s.CodesWithin(SNOMED, "700043003", 3); !ok || len(got) != 3 || !slices.Contains(got, "195967001") {
		t.Errorf("%v %v", got, ok)
	}
	for _, none := range []string{"195967001", "404684003", "1"} { // no reference set, or not there
		if got, ok := s.CodesWithin(SNOMED, none, 4); ok || got != nil {
			t.Errorf("%s: %v", none, got)
		}
	}
	if _, ok := s.CodesWithin(SNOMED, "700043003", 2); ok {
		t.Error("too many")
	}
}
