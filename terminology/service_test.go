package terminology

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"selda/fault"
	"selda/fhir"
)

const act = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

func library(t testing.TB, resources ...string) *Resources {
	t.Helper()
	var list []*fhir.Resource
	for _, s := range resources {
		r, err := fhir.Parse([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return NewResources(list...)
}

const colours = `{"resourceType":"CodeSystem","url":"urn:colours","version":"2","language":"en","content":"complete","caseSensitive":false,"property":[{"code":"warm","type":"boolean"},{"code":"near","type":"code"}],
"concept":[{"code":"any","display":"Any colour","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
 {"code":"red","display":"Red","definition":"As blood is","designation":[{"language":"de","value":"Rot"}],"property":[{"code":"warm","valueBoolean":true},{"code":"near","valueCode":"pink"}],"concept":[{"code":"pink","display":"Pale red"}]},
 {"code":"blue","display":"Blue","designation":[{"language":"de-CH","value":"Blau"}]},
 {"code":"mauve","display":"Mauve","property":[{"code":"inactive","valueBoolean":true},{"code":"parent","valueCode":"red"},{"code":"parent","valueCode":"blue"}]}]}]}`

func set(url, compose string) string {
	return fmt.Sprintf(`{"resourceType":"ValueSet","url":%q,"status":"active","compose":%s}`, url, compose)
}

func codes(list []Contained) string {
	var b strings.Builder
	for i, c := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Code)
		if len(c.Contains) > 0 {
			b.WriteString("(" + codes(c.Contains) + ")")
		}
	}
	return b.String()
}

func TestComposition(t *testing.T) {
	for _, c := range []struct{ compose, want string }{
		{`{"include":[{"system":"urn:colours"}]}`, "any(red(pink mauve) blue)"},
		{`{"include":[{"system":"urn:colours"}],"inactive":false}`, "any(red(pink) blue)"},
		{`{"include":[{"system":"urn:colours","concept":[{"code":"blue"},{"code":"red"}]}]}`, "blue red"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"is-a","value":"RED"}]}]}`, "red(pink mauve)"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"descendent-of","value":"red"}]}]}`, "pink mauve"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"is-not-a","value":"red"}]}]}`, "any(blue)"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"generalizes","value":"mauve"}]}]}`, "any(red(mauve) blue)"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"code","op":"regex","value":"[rb].*"}]}]}`, "red blue"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"code","op":"in","value":"red, blue"}]}]}`, "red blue"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"code","op":"not-in","value":"red,blue"}]}]}`, "any(pink mauve)"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"warm","op":"exists","value":"true"}]}]}`, "red"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"warm","op":"exists","value":"false"},{"property":"concept","op":"is-a","value":"red"}]}]}`, "pink mauve"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"near","op":"=","value":"pink"}]}]}`, "red"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"parent","op":"=","value":"blue"}]}]}`, "mauve"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"inactive","op":"=","value":"false"}]}]}`, "any(red(pink) blue)"},
		{`{"include":[{"system":"urn:colours"}],"exclude":[{"system":"urn:colours","filter":[{"property":"concept","op":"is-a","value":"blue"}]}]}`, "any(red(pink))"},
		{`{"include":[{"valueSet":["urn:warm"]},{"system":"urn:colours","concept":[{"code":"red"},{"code":"blue"}]}]}`, "red(pink mauve) blue"},
		{`{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"is-a","value":"blue"}],"valueSet":["urn:warm"]}]}`, "mauve"},
	} {
		s := New(library(t, colours, set("urn:warm", `{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"is-a","value":"red"}]}]}`), set("urn:it", c.compose)))
		e, err := s.Expand("urn:it", ExpandQuery{Count: -1})
		if err != nil {
			t.Errorf("%s: %v", c.compose, err)
			continue
		}
		if got := codes(e.Contains); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.compose, got, c.want)
		}
		// What is listed, and nothing else, is a member.
		flat, err := s.Expand("urn:it", ExpandQuery{Count: -1, ExcludeNested: true, ExcludeNotForUI: true})
		if err != nil || flat.Total != len(flat.Contains) {
			t.Fatal(err, flat)
		}
		for _, code := range []string{"any", "red", "pink", "blue", "mauve"} {
			want := slices.ContainsFunc(flat.Contains, func(x Contained) bool { return x.Code == code }) || code == "any" && strings.HasPrefix(c.want, "any") // which can't be selected
			if in, known := s.Member("urn:it", "urn:colours", code); in != want || !known {
				t.Errorf("%s: member %s is %v", c.compose, code, in)
			}
		}
	}
}

func TestWhatIsNotLoadedIsNotKnown(t *testing.T) {
	s := New(library(t, colours,
		set("urn:mixed", `{"include":[{"system":"urn:colours","concept":[{"code":"red"}]},{"system":"urn:far","filter":[{"property":"concept","op":"is-a","value":"x"}]}]}`),
		set("urn:less", `{"include":[{"system":"urn:colours"}],"exclude":[{"valueSet":["urn:gone"]}]}`),
		set("urn:named", `{"include":[{"system":"urn:far","concept":[{"code":"a","display":"A"}]}]}`),
		set("urn:self", `{"include":[{"valueSet":["urn:self"]}]}`)))
	for _, c := range []struct {
		set, system, code string
		in, known         bool
	}{
		{"urn:mixed", "urn:colours", "red", true, true},
		{"urn:mixed", "urn:colours", "blue", false, true},
		{"urn:mixed", "urn:far", "a", false, false},
		{"urn:less", "urn:colours", "red", false, false}, // it may be excluded
		{"urn:less", "urn:colours", "green", false, true},
		{"urn:named", "urn:far", "a", true, true}, // a listed code needs no system
		{"urn:self", "urn:far", "a", false, false},
	} {
		if in, known := s.Member(c.set, c.system, c.code); in != c.in || known != c.known {
			t.Errorf("%s %s: in %v known %v", c.set, c.code, in, known)
		}
	}
	if _, err := s.Expand("urn:mixed", ExpandQuery{Count: -1}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an expansion that can't be whole: %v", err)
	}
	if _, err := s.ValidateInSet("urn:mixed", Question{Codings: []Coding{{System: "urn:far", Code: "a"}}}); !fault.Is(err, fault.NotFound) {
		t.Errorf("validated by guess: %v", err)
	}
}

func TestExpandInPagesAndByWords(t *testing.T) {
	s := New(library(t, colours, set("urn:it", `{"include":[{"system":"urn:colours"}]}`)))
	e, err := s.Expand("urn:it", ExpandQuery{Offset: 1, Count: 2})
	if err != nil || codes(e.Contains) != "red pink" || e.Total != 5 {
		t.Errorf("%v %s of %d", err, codes(e.Contains), e.Total)
	}
	if e, err = s.Expand("urn:it", ExpandQuery{Count: 0}); err != nil || e.Total != 5 || len(e.Contains) != 0 {
		t.Errorf("only the total: %v %+v", err, e)
	}
	if e, err = s.Expand("urn:it", ExpandQuery{Count: -1, Filter: "re"}); err != nil || codes(e.Contains) != "red pink" {
		t.Errorf("by words: %v %s", err, codes(e.Contains))
	}
	e, err = s.Expand("urn:it", ExpandQuery{Count: -1, DisplayLanguage: "de", IncludeDesignations: true, ActiveOnly: true})
	if err != nil || e.Contains[0].Contains[0].Display != "Rot" || e.Contains[0].Contains[1].Display != "Blau" || e.Contains[0].Display != "Any colour" || len(e.Contains[0].Contains[0].Designations) != 1 {
		t.Errorf("in German: %v %+v", err, e.Contains)
	}
}

func TestLookupValidateSubsumes(t *testing.T) {
	s := New(library(t, colours), R4)
	l, err := s.Lookup("urn:colours", "", "RED", "")
	if err != nil || l.Code != "red" || l.Definition != "As blood is" || l.Version != "2" || len(l.Properties) != 7 {
		t.Errorf("%v %+v", err, l)
	}
	if l, err = s.Lookup(act, "", "IMP", "", "parent"); err != nil || l.Display != "inpatient encounter" || len(l.Properties) != 1 || l.Properties[0].Value != "_ActEncounterCode" {
		t.Errorf("%v %+v", err, l)
	}
	for _, c := range []struct{ system, code string }{{act, "no such"}, {"urn:none", "a"}} {
		if _, err := s.Lookup(c.system, "", c.code, ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v: %v", c, err)
		}
	}
	for _, c := range []struct {
		a, b, want string
	}{{"any", "pink", Subsumes}, {"mauve", "blue", SubsumedBy}, {"red", "red", Equivalent}, {"pink", "blue", NotSubsumed}} {
		if got, err := s.Subsumes("urn:colours", "", c.a, c.b); err != nil || got != c.want {
			t.Errorf("%s and %s: %s %v", c.a, c.b, got, err)
		}
	}
	gender := "http://hl7.org/fhir/ValueSet/administrative-gender"
	for _, c := range []struct {
		coding Coding
		want   bool
		says   string
	}{
		{Coding{"http://hl7.org/fhir/administrative-gender", "", "male", "MALE"}, true, ""},
		{Coding{"", "", "male", ""}, true, ""},
		{Coding{"http://hl7.org/fhir/administrative-gender", "", "male", "Man"}, false, "it is Male"},
		{Coding{"http://hl7.org/fhir/administrative-gender", "", "m", ""}, false, "not in the value set"},
	} {
		v, err := s.ValidateInSet(gender, Question{Codings: []Coding{c.coding}})
		if err != nil || v.Result != c.want || !strings.Contains(v.Message, c.says) || v.Result && v.Display != "Male" {
			t.Errorf("%v: %v %+v", c.coding, err, v)
		}
	}
	if v, err := s.ValidateCode("urn:colours", "", Question{Codings: []Coding{{Code: "mauve"}}}); err != nil || !v.Result || v.Message == "" {
		t.Errorf("a code out of use: %v %+v", err, v)
	}
}

func TestTranslate(t *testing.T) {
	s := New(library(t, `{"resourceType":"ConceptMap","url":"urn:map","group":[{"source":"urn:colours","target":"urn:light","element":[
	 {"code":"red","target":[{"code":"long","equivalence":"wider","comment":"about 700 nm"}]},{"code":"blue","target":[{"code":"short","equivalence":"equivalent"}]},{"code":"any","target":[{"equivalence":"unmatched"}]}],
	 "unmapped":{"mode":"fixed","code":"odd"}}]}`), R4)
	one := func(q TranslateQuery, c Coding) string {
		q.Codings = []Coding{c}
		tr, err := s.Translate(q)
		if err != nil {
			return err.Error()
		}
		out := fmt.Sprint(tr.Result)
		for _, m := range tr.Matches {
			out += " " + m.Equivalence + ":" + m.Code
		}
		return out
	}
	for _, c := range []struct {
		q    TranslateQuery
		c    Coding
		want string
	}{
		{TranslateQuery{}, Coding{System: "urn:colours", Code: "red"}, "true wider:long"},
		{TranslateQuery{URL: "urn:map"}, Coding{System: "urn:colours", Code: "pink"}, "true inexact:odd"},
		{TranslateQuery{URL: "urn:map"}, Coding{System: "urn:colours", Code: "any"}, "false unmatched:"},
		{TranslateQuery{URL: "urn:map", Reverse: true}, Coding{System: "urn:light", Code: "long"}, "true narrower:red"},
		{TranslateQuery{URL: "urn:map", TargetSystem: "urn:else"}, Coding{System: "urn:colours", Code: "red"}, "false"},
		{TranslateQuery{URL: "http://hl7.org/fhir/ConceptMap/cm-address-use-v2"}, Coding{System: "http://hl7.org/fhir/address-use", Code: "home"}, "true equivalent:H"},
	} {
		if got := one(c.q, c.c); got != c.want {
			t.Errorf("%+v: %s, want %s", c.c, got, c.want)
		}
	}
	if _, err := s.Translate(TranslateQuery{URL: "urn:none", Codings: []Coding{{Code: "x"}}}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

// An extension of a service uses what the service knows, and what it has itself before that.
func TestAServiceIsExtended(t *testing.T) {
	base := New(library(t, colours, set("urn:base", `{"include":[{"system":"urn:colours"}]}`), set("urn:lacks", `{"include":[{"valueSet":["urn:own"]}]}`)))
	if _, known := base.Member("urn:lacks", "urn:x", "a"); known {
		t.Error("what is missing is known")
	}
	own := base.With(library(t, set("urn:own", `{"include":[{"system":"urn:x","concept":[{"code":"a"}]}]}`), set("urn:base", `{"include":[{"system":"urn:colours","concept":[{"code":"red"}]}]}`)))
	for _, c := range []struct {
		s         *Service
		set, code string
		want      bool
	}{{own, "urn:lacks", "a", true}, {own, "urn:base", "blue", false}, {base, "urn:base", "blue", true}} {
		if in, known := c.s.Member(c.set, "", c.code); in != c.want || !known {
			t.Errorf("%s %s: %v %v", c.set, c.code, in, known)
		}
	}
}

// What nobody asks again does not stay in memory for ever.
func TestKeptValueSetsAreBounded(t *testing.T) {
	s := New(R4)
	big := &compiled{def: &ValueSet{}, include: []*part{{listed: make([]Listed, 100_000)}}}
	for i := range 10 {
		s.keep(fmt.Sprint(i), big)
	}
	kept := 0
	s.sets.Range(func(any, any) bool { kept++; return true })
	if kept > 4 || kept == 0 {
		t.Errorf("%d are kept", kept)
	}
}
