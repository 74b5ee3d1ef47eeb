package record

import (
	"slices"
	"strings"

	"selda/fhir"
)

// Groups of problems and medicines.
const (
	Active      = "active"
	Significant = "significant"
	Past        = "past"
	Acute       = "acute"
	Repeat      = "repeat"
	Stopped     = "stopped"
	Hospital    = "hospital"
)

// Problems are conditions: active, significant past and past.
func (v *View) Problems() []Fact {
	var facts []Fact
	for _, i := range v.Of("Condition") {
		if f := i.Derived(func() any { return problemOf(i) }).(*Fact); f != nil {
			facts = append(facts, *f)
		}
	}
	return mergeProblems(facts)
}

// problemOf is what one item says; nil where it says that there is none.
func problemOf(i Item) *Fact {
	r := i.Res.Root()
	if s := code(r.Get("verificationStatus")); s == "entered-in-error" || s == "refuted" {
		return nil
	}
	f := Fact{Title: Words(r.Get("code")), Status: code(r.Get("clinicalStatus")), When: i.When, WhenText: date(r, "onsetDateTime", "onsetPeriod", "recordedDate"),
		End: date(r, "abatementDateTime", "abatementPeriod"), Items: []Item{i}}
	f.Detail = note(r)
	switch f.Status {
	case "inactive", "remission", "resolved":
		f.Group = Past
		if significant(r) {
			f.Group = Significant
		}
	default:
		f.Group = Active
	}
	f.key = codeKey(r.Get("code"))
	return &f
}

func mergeProblems(facts []Fact) []Fact {
	merged := merge(facts, rules{
		key:  func(f *Fact) string { return f.key },
		open: func(f *Fact) bool { return f.Group == Active },
		says: func(f *Fact) string {
			if f.Group == Active {
				return "active"
			}
			return "past"
		},
	})
	for i := range merged { // a problem began when it was first said to have begun
		f := &merged[i]
		for _, it := range f.Items {
			if d := date(it.Res.Root(), "onsetDateTime", "onsetPeriod"); d != "" && (f.WhenText == "" || d < f.WhenText) {
				f.WhenText, f.When = d, it.When
			}
		}
	}
	return byTime(merged)
}

func groupRank(g string) int {
	return slices.Index([]string{Active, Repeat, Significant, Acute, Hospital, Past, Stopped}, g)
}

func significant(r fhir.Node) bool {
	for _, c := range r.List("category") {
		for _, g := range c.List("coding") {
			if t := strings.ToLower(g.Get("code").Text() + g.Get("display").Text()); strings.Contains(t, "significant") || strings.Contains(t, "major") {
				return true
			}
		}
	}
	for _, x := range r.List("extension") {
		if strings.Contains(x.Get("url").Text(), "ProblemSignificance") && (x.Get("valueCode").Is("major") || x.Get("valueCodeableConcept", "coding", "code").Is("major")) {
			return true
		}
	}
	return false
}

func note(r fhir.Node) string {
	var out []string
	for _, n := range r.List("note") {
		out = append(out, n.Get("text").Text())
	}
	return strings.Join(out, " ")
}
