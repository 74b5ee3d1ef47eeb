package record

import (
	"slices"
	"strings"

	"selda/fhir"
	"selda/mpi/fold"
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
	Visit       = "visit"
)

// Problems are conditions: active, significant past, past, and what was
// diagnosed at a stay or visit without being on a problem list.
func (v *View) Problems() []Fact {
	items := v.Of("Condition")
	facts := make([]Fact, 0, len(items))
	for _, i := range items {
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
	f.Extra = ofList(i)
	switch f.Status {
	case "inactive", "remission", "resolved":
		f.Group = Past
		if significant(r) {
			f.Group = Significant
		}
	default:
		f.Group = Active
		if f.Extra == unsure {
			f.Group = Visit
		}
	}
	f.key, f.words = codeKey(r.Get("code")), fold.Name(f.Title)
	return &f
}

// How much a source stands by a condition: it is on the list that it keeps, it
// was diagnosed at a stay or visit, or it is not confirmed.
const (
	onList  = "list"
	ofVisit = "visit"
	unsure  = "not confirmed"
)

var standing = []string{onList, ofVisit, unsure}

// ofList says which of these a condition is. What a practice holds is its
// problem list.
// https://hl7.org/fhir/R4/valueset-condition-category.html
func ofList(i Item) string {
	r := i.Res.Root()
	switch code(r.Get("verificationStatus")) {
	case "unconfirmed", "provisional", "differential":
		return unsure
	}
	if strings.HasPrefix(i.Source.System(), "GP") {
		return onList
	}
	for _, c := range r.List("category") {
		if code(c) == "encounter-diagnosis" {
			return ofVisit
		}
	}
	return onList
}

// mergeProblems puts what is one problem together. Where a problem list has
// it, the lists say whether it is active, and stays and visits only bear
// witness. What no list has was diagnosed at a stay or visit; but where nobody
// whom the reader may see keeps a list, that is all there is, and counts.
func mergeProblems(facts []Fact) []Fact {
	listed := false
	byWords := map[string]string{} // one is coded in ICD-10, another in SNOMED CT: the words tell that they are the same
	for i := range facts {
		f := &facts[i]
		listed = listed || f.Extra == onList
		if f.words == "" {
			continue
		}
		if k, known := byWords[f.words]; known {
			f.key = k
		} else {
			byWords[f.words] = f.key
		}
	}
	merged := merge(facts, rules{
		key:  func(f *Fact) string { return f.key },
		open: func(f *Fact) bool { return f.Group == Active },
		weak: func(f *Fact) int { return slices.Index(standing, f.Extra) },
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
		if f.Extra == ofVisit && listed && f.Group == Active {
			f.Group = Visit
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
