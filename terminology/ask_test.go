package terminology

import (
	"os"
	"slices"
	"strings"
	"testing"

	"selda/fault"
	"selda/terminology/index"
	"selda/terminology/rf2"
)

// snomed is the sample release as a library.
type snomed struct {
	*Resources
	x *index.Index
}

func (s snomed) CodeSystem(url, version string) (*index.Index, error) {
	if url == SNOMED && (version == "" || isVersion(s.x.Meta().Version, version)) {
		return s.x, nil
	}
	return s.Resources.CodeSystem(url, version)
}

func sample(t testing.TB, resources ...string) *Service {
	t.Helper()
	b, err := rf2.Read(os.DirFS("../testdata/terminology/snomed"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := b.Index()
	if err != nil {
		t.Fatal(err)
	}
	return New(snomed{library(t, resources...), x}, R4)
}

// https://hl7.org/fhir/R4/snomedct.html#properties
func TestWhatIsKnownOfAConceptOfSNOMEDCT(t *testing.T) {
	s := sample(t)
	for _, c := range []struct{ code, property, want string }{
		{"57054005", "normalFormTerse", "=== 22298006:{363698007=80891009,116676008=55641003},{246112005=24484000}"},
		{"57054005", "moduleId", "900000000000207008"},
		{"57054005", "effectiveTime", "20250101"},
		{"57054005", "sufficientlyDefined", "true"},
		{"57054005", "parent", "22298006"},
		{"22298006", "child", "57054005"},
		{"322236009", "normalFormTerse", "=== 90332006:{127489000=387517004,1142135004=#500}"},
		{"195967001", "normalForm", "=== 195967001|Asthma|:"},
	} {
		l, err := s.Lookup(SNOMED, "", c.code, "", c.property)
		if err != nil || len(l.Properties) == 0 || !strings.HasPrefix(l.Properties[0].Value, c.want) {
			t.Errorf("%s of %s: %v %+v", c.property, c.code, err, l.Properties)
		}
	}
	all, err := s.Lookup(SNOMED, "", "57054005", "")
	if err != nil || slices.ContainsFunc(all.Properties, func(p Property) bool { return p.Code == "normalForm" }) {
		t.Errorf("a normal form that was not asked for: %v", err)
	}
}

// What one version of a code system says of a code is not what another does.
// https://hl7.org/fhir/R4/valueset-operation-expand.html
func TestVersionsThatAreAskedFor(t *testing.T) {
	older := strings.NewReplacer(`"version":"2"`, `"version":"1"`, `"Pale red"`, `"Pink"`).Replace(colours)
	s := New(library(t, colours, older, set("urn:all", `{"include":[{"system":"urn:colours"}]}`), set("urn:two", `{"include":[{"system":"urn:colours","version":"2"}]}`), set("urn:both", `{"include":[{"valueSet":["urn:all"]}]}`)))
	pink := func(s *Service, url string) string {
		e, err := s.Expand(url, ExpandQuery{Count: -1, ExcludeNested: true})
		if err != nil {
			return fault.KindOf(err).String()
		}
		for _, c := range e.Contains {
			if c.Code == "pink" {
				return c.Display
			}
		}
		return ""
	}
	one := map[string]string{"urn:colours": "1"}
	for _, c := range []struct {
		v         Versions
		url, want string
	}{
		{Versions{}, "urn:all", "Pale red"},
		{Versions{Default: one}, "urn:all", "Pink"},
		{Versions{Default: one}, "urn:both", "Pink"},
		{Versions{Default: one}, "urn:two", "Pale red"},
		{Versions{Force: one}, "urn:two", "Pink"},
		{Versions{Check: one}, "urn:two", "conflict"},
		{Versions{Check: one, Default: one}, "urn:all", "Pink"},
		{Versions{Exclude: []string{"urn:colours"}}, "urn:all", ""},
		{Versions{Exclude: []string{"urn:colours|1"}}, "urn:all", "Pale red"},
	} {
		if got := pink(s.WithVersions(c.v), c.url); got != c.want {
			t.Errorf("%+v of %s: %s, want %s", c.v, c.url, got, c.want)
		}
	}
	if got := pink(s, "urn:all"); got != "Pale red" {
		t.Errorf("a question changed what others are told: %s", got)
	}
	for _, c := range []struct {
		coding Coding
		want   bool
	}{{Coding{"urn:colours", "1", "pink", "Pink"}, true}, {Coding{"urn:colours", "9", "pink", ""}, false}} {
		v, err := s.ValidateInSet("urn:all", Question{Codings: []Coding{c.coding}})
		w, errToo := s.ValidateCode("urn:colours", "", Question{Codings: []Coding{c.coding}})
		if err != nil || errToo != nil || v.Result != c.want || w.Result != c.want || !c.want && !strings.Contains(v.Message, "but in version 2") {
			t.Errorf("%+v: %v %+v %v %+v", c.coding, err, v, errToo, w)
		}
	}
}

// A value set may import those that it contains; nobody else can.
func TestContainedValueSets(t *testing.T) {
	s := New(library(t, colours, `{"resourceType":"ValueSet","url":"urn:it","status":"active","contained":[
		{"resourceType":"ValueSet","id":"warm","compose":{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"is-a","value":"red"}]}]}},
		{"resourceType":"ValueSet","id":"self","compose":{"include":[{"valueSet":["#self"]}]}},
		{"resourceType":"ValueSet","id":"pale","compose":{"include":[{"valueSet":["#warm"],"system":"urn:colours","concept":[{"code":"pink"},{"code":"blue"}]}]}}],
		"compose":{"include":[{"valueSet":["#pale"]}]}}`, set("urn:other", `{"include":[{"valueSet":["#warm"]}]}`), set("urn:self", `{"include":[{"valueSet":["#self"]}]}`)))
	e, err := s.Expand("urn:it", ExpandQuery{Count: -1})
	if err != nil || codes(e.Contains) != "pink" {
		t.Errorf("%v %+v", err, e)
	}
	if _, known := s.Member("urn:other", "urn:colours", "red"); known {
		t.Error("another's contained value set is imported")
	}
}

// https://hl7.org/fhir/R4/valueset-operation-expand.html
func TestWhatAnExpansionSaysOfItsCodes(t *testing.T) {
	s := New(library(t, colours, set("urn:it", `{"include":[{"system":"urn:colours"}]}`)))
	flat := func(q ExpandQuery) string {
		q.Count, q.ExcludeNested = -1, true
		e, err := s.Expand("urn:it", q)
		if err != nil || e.Total != len(e.Contains) {
			t.Fatal(err, e)
		}
		return codes(e.Contains)
	}
	for _, c := range []struct {
		q    ExpandQuery
		want string
	}{
		{ExpandQuery{}, "any red pink mauve blue"},
		{ExpandQuery{ExcludeNotForUI: true}, "red pink mauve blue"},
		{ExpandQuery{ActiveOnly: true}, "any red pink blue"},
		{ExpandQuery{Filter: "colour any"}, "any"},
		{ExpandQuery{Filter: "an", ExcludeNotForUI: true}, ""},
		{ExpandQuery{Filter: "red"}, "red pink"},
		{ExpandQuery{Filter: "mauve"}, "mauve"},
	} {
		if got := flat(c.q); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	less := New(library(t, colours, set("urn:less", `{"include":[{"system":"urn:colours"},{"system":"urn:far","concept":[{"code":"RD-40","display":"Dark red"},{"code":"x"}]}],"exclude":[{"system":"urn:colours","concept":[{"code":"pink"}]}]}`)))
	for filter, want := range map[string]string{"red": "red RD-40", "rd 40": "RD-40", "rot": "red", "pale": "", "mau": "mauve", "blood": ""} {
		if e, err := less.Expand("urn:less", ExpandQuery{Filter: filter, Count: 9}); err != nil || codes(e.Contains) != want || e.Total != len(strings.Fields(want)) {
			t.Errorf("%s: %v %+v", filter, err, e)
		}
	}
	e, err := s.Expand("urn:it", ExpandQuery{Filter: "red", Count: 1, Properties: []string{"near", "definition"}})
	if err != nil || e.Total != 2 || len(e.Contains[0].Properties) != 2 || e.Contains[0].Properties[1].Value != "pink" {
		t.Errorf("%v %+v", err, e)
	}
}

// What a supplement adds to a code system is known of its codes; which codes
// there are stays as it was. https://hl7.org/fhir/R4/codesystem.html#supplements
func TestSupplements(t *testing.T) {
	supplement := func(url, of, language, name string) string {
		return `{"resourceType":"CodeSystem","url":"` + url + `","content":"supplement","supplements":"` + of + `","language":"` + language + `","concept":[{"code":"red","display":"` + name + `","property":[{"code":"hex","valueString":"f00"}]},{"code":"green","display":"?"}]}`
	}
	s := New(library(t, supplement("urn:welsh", "urn:colours", "cy", "Coch"), supplement("urn:old", "urn:colours|1", "fr", "Rouge")), library(t, colours, set("urn:it", `{"include":[{"system":"urn:colours"}]}`)))
	l, err := s.Lookup("urn:colours", "", "red", "cy", "hex")
	if err != nil || l.Display != "Coch" || len(l.Properties) != 1 || !slices.ContainsFunc(l.Designations, func(d Designation) bool { return d.Value == "Coch" && d.Language == "cy" }) {
		t.Errorf("%v %+v", err, l)
	}
	if l, err = s.Lookup("urn:colours", "", "red", "fr"); err != nil || l.Display != "Red" {
		t.Errorf("a supplement to another version: %v %s", err, l.Display)
	}
	for _, system := range []string{"urn:colours", "urn:welsh"} {
		if _, err := s.Lookup(system, "", "green", ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("a supplement makes a code of %s: %v", system, err)
		}
	}
	e, err := s.Expand("urn:it", ExpandQuery{Count: -1, ExcludeNested: true, DisplayLanguage: "cy-GB", IncludeDesignations: true})
	if err != nil || e.Total != 5 || e.Contains[1].Display != "Coch" || len(e.Contains[1].Designations) != 2 {
		t.Errorf("%v %+v", err, e.Contains)
	}
	if v, err := s.ValidateInSet("urn:it", Question{Codings: []Coding{{System: "urn:colours", Code: "red", Display: "coch"}}}); err != nil || !v.Result {
		t.Errorf("%v %+v", err, v)
	}
}
