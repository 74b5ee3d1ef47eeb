package policy

import (
	"testing"

	"pgregory.net/rapid"
)

// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
func TestScopesAreReadAsSMARTWritesThem(t *testing.T) {
	for word, want := range map[string]string{
		"patient/Observation.rs": "patient/Observation.rs", "user/*.cruds": "user/*.cruds", "system/Patient.s": "system/Patient.s",
		"patient/Observation.read": "patient/Observation.rs", "user/*.write": "user/*.cud", "patient/*.*": "patient/*.cruds",
		"patient/Observation.rs?category=laboratory":                                                             "patient/Observation.rs?category=laboratory",
		"patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs": "patient/Observation.rs?category=vital-signs",
		"user/Condition.r?category=encounter-diagnosis,problem-list-item":                                        "user/Condition.r?category=problem-list-item,encounter-diagnosis",
	} {
		if s, ok := ParseScope(word); !ok || s.String() != want {
			t.Errorf("%s is read as %q, %t", word, s, ok)
		}
	}
	for _, word := range []string{"", "openid", "patient/", "patient/Observation", "patient/Observation.", "patient/Observation.sr", "patient/Observation.rr", "patient/Observation.x",
		"patient/observation.r", "clinic/Observation.r", "patient/Observation.rs?code=1234", "patient/Observation.rs?category=other", "patient/Observation.rs?category=laboratory&category=exam",
		"patient/*.rs?category=laboratory", "patient/Observation.cruds?category=laboratory", "patient/Observation.rs?category=http://elsewhere|laboratory", "patient/Obs*.rs", "patient/Observation.rs/x"} {
		if s, ok := ParseScope(word); ok {
			t.Errorf("%q is read as %q", word, s)
		}
	}
}

func TestWhatIsGrantedIsAskedForAndPermitted(t *testing.T) {
	parse := func(words ...string) (out []Scope) {
		for _, w := range words {
			s, ok := ParseScope(w)
			if !ok {
				t.Fatal(w)
			}
			out = append(out, s)
		}
		return out
	}
	for _, c := range []struct{ asked, most, want []string }{
		{[]string{"patient/*.cruds"}, []string{"patient/Observation.rs", "patient/Condition.r"}, []string{"patient/Observation.rs", "patient/Condition.r"}},
		{[]string{"patient/Observation.rs"}, []string{"patient/*.rs"}, []string{"patient/Observation.rs"}},
		{[]string{"user/Observation.rs"}, []string{"patient/*.rs"}, nil},
		{[]string{"patient/Observation.cruds"}, []string{"patient/Observation.rs?category=laboratory"}, []string{"patient/Observation.rs?category=laboratory"}},
		{[]string{"patient/Observation.rs?category=laboratory,exam"}, []string{"patient/Observation.rs?category=exam,survey"}, []string{"patient/Observation.rs?category=exam"}},
		{[]string{"patient/Observation.rs?category=laboratory"}, []string{"patient/Observation.rs?category=survey"}, nil},
		{[]string{"patient/Observation.rs", "patient/Observation.r"}, []string{"patient/*.rs"}, []string{"patient/Observation.rs"}},
	} {
		got := Narrowed(parse(c.asked...), parse(c.most...))
		if len(got) != len(c.want) {
			t.Errorf("%v of %v: %v", c.asked, c.most, got)
			continue
		}
		for i := range got {
			if got[i].String() != c.want[i] {
				t.Errorf("%v of %v: %v", c.asked, c.most, got)
			}
		}
	}
}

// A category's mark is no label: however many labels there come to be.
func TestCategoriesAreNoLabels(t *testing.T) {
	if len(labels) > firstCategory {
		t.Fatal("a label stands where a category's mark is: give the marks other bits, and have what is stored labelled anew")
	}
	for _, typ := range CategoryTypes() {
		for _, c := range Categories(typ) {
			if m := CategoryMark(typ, "", c); m == 0 || len(m.Codes()) > 0 {
				t.Errorf("%s of %s is told as the labels %v", c, typ, m.Codes())
			}
		}
	}
}

// Whatever the scopes, an application is shown nothing that the user is not.
func TestScopesNeverWiden(t *testing.T) {
	scope := rapid.Custom(func(t *rapid.T) Scope {
		s := Scope{Level: rapid.SampledFrom([]Level{PatientLevel, UserLevel, SystemLevel}).Draw(t, "level"), Type: rapid.SampledFrom([]string{AnyType, "Observation", "Condition", "Patient"}).Draw(t, "type"),
			Do: Interactions(rapid.IntRange(1, 31).Draw(t, "do"))}
		if s.Type == "Observation" {
			s.Marks = rapid.SampledFrom([]Labels{0, CategoryMark("Observation", "", "laboratory")}).Draw(t, "marks")
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		p := Predicate{Permit: rapid.Bool().Draw(t, "permit"), Everything: rapid.Bool().Draw(t, "everything"), DataSets: SetOf(Results, Observations), Hidden: SexualHealth}
		s := &Scopes{Patient: "a", List: rapid.SliceOf(scope).Draw(t, "scopes"), Doing: Interactions(rapid.IntRange(0, 31).Draw(t, "doing"))}
		citizen := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "citizen")
		c := Columns{Type: rapid.SampledFrom([]string{"Observation", "Condition", "Patient"}).Draw(t, "of"), DataSet: rapid.SampledFrom([]DataSet{Results, Problems}).Draw(t, "set"),
			Labels: rapid.SampledFrom([]Labels{0, SexualHealth, CategoryMark("Observation", "", "laboratory"), CategoryMark("Observation", "", "exam")}).Draw(t, "labels")}
		n := s.Narrow(p, citizen, false)
		if n.Shows(&c) && !p.Shows(&c) {
			t.Fatalf("%v shows more to an application than to the user", s.List)
		}
		permitted := false
		for _, x := range s.List {
			permitted = permitted || (x.Level != PatientLevel || citizen == "a") && x.Do&s.doing() == s.doing() && (x.Type == AnyType || x.Type == c.Type) && (x.Marks == 0 || x.Marks&c.Labels != 0)
		}
		if n.Shows(&c) && !permitted {
			t.Fatalf("%v show %v", s.List, c)
		}
		if p.Shows(&c) && permitted && !n.Shows(&c) {
			t.Fatalf("%v hide %v, which they permit", s.List, c)
		}
	})
}

func FuzzParseScope(f *testing.F) {
	for _, s := range []string{"patient/Observation.rs?category=laboratory", "user/*.cruds", "launch/patient", "system/Patient.read", "patient/Observation.rs?category=%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		s, ok := ParseScope(word)
		if !ok {
			return
		}
		if again, ok := ParseScope(s.String()); !ok || again != s {
			t.Errorf("%q is %q, which is read otherwise", word, s)
		}
	})
}

func BenchmarkShowsUnderScopes(b *testing.B) {
	p := Predicate{Permit: true, DataSets: AllDataSets, Own: "RJZ"}
	s := &Scopes{Patient: "a"}
	for _, w := range []string{"patient/Patient.rs", "patient/Condition.rs", "patient/AllergyIntolerance.rs", "patient/MedicationRequest.rs", "patient/Observation.rs?category=laboratory"} {
		x, _ := ParseScope(w)
		s.List = append(s.List, x)
	}
	c := Columns{Type: "Observation", Source: "RJZ:LAB", DataSet: Results, Labels: CategoryMark("Observation", "", "laboratory"), Final: true}
	for name, p := range map[string]Predicate{"none": p, "five": s.Narrow(p, "a", false)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if !p.Shows(&c) {
					b.Fatal("hidden")
				}
			}
		})
	}
}
