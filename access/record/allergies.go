package record

import (
	"slices"
	"strings"

	"selda/fhir"
)

// Allergy states (G6).
const (
	AllergiesRecorded    = "recorded"
	AllergiesNoneKnown   = "none known"
	AllergiesNotRecorded = "nothing recorded"
	AllergiesUnavailable = "source unavailable"
)

// noKnown are the codes that positively say that there is no known allergy.
var noKnown = map[string]bool{"716186003": true, "409137002": true, "428607008": true, "428197003": true, "429625007": true, "160244002": true}

// Allergies gives the state and the allergies. Where one source records an
// allergy and another says that none is known, the state is recorded and the
// allergy carries the conflict.
func (v *View) Allergies() (state string, facts []Fact) {
	var none []Item
	for _, i := range v.Of("AllergyIntolerance") {
		r := i.Res.Root()
		if s := code(r.Get("verificationStatus")); s == "entered-in-error" || s == "refuted" {
			continue
		}
		if isNoKnown(r.Get("code")) {
			none = append(none, i)
			continue
		}
		f := Fact{Title: Words(r.Get("code")), Detail: reaction(r), Status: code(r.Get("clinicalStatus")), Extra: r.Get("criticality").Text(),
			When: i.When, WhenText: date(r, "onsetDateTime", "recordedDate"), Items: []Item{i}, Group: Active}
		if f.Status == "inactive" || f.Status == "resolved" {
			f.Group = Past
		}
		facts = append(facts, f)
	}
	facts = byTime(merge(facts, rules{
		key:  func(f *Fact) string { return codeKey(f.Lead().Res.Get("code")) },
		open: func(f *Fact) bool { return f.Group == Active },
		says: func(f *Fact) string {
			if f.Group == Past {
				return "no longer allergic"
			}
			return "allergic"
		},
	}))
	held := false
	for i := range facts {
		f := &facts[i]
		if f.Group != Active {
			continue
		}
		held = true
		for _, n := range none {
			if !slices.Contains(f.Sources(), n.Source) {
				if len(f.Conflict) == 0 {
					f.Conflict = []Said{{f.Lead().Source, f.Title}}
				}
				f.Conflict = append(f.Conflict, Said{n.Source, "no known allergies"})
				f.Items = append(f.Items, n)
			}
		}
	}
	switch {
	case held:
		return AllergiesRecorded, facts
	case len(none) > 0:
		return AllergiesNoneKnown, append([]Fact{{Title: "No known allergies", Items: none, When: none[0].When, WhenText: date(none[0].Res.Root(), "recordedDate")}}, facts...)
	}
	return AllergiesNotRecorded, facts
}

func isNoKnown(c fhir.Node) bool {
	for _, g := range c.List("coding") {
		if noKnown[g.Get("code").Text()] {
			return true
		}
	}
	t := strings.ToLower(Words(c))
	return strings.HasPrefix(t, "no known") || t == "nkda"
}

func reaction(r fhir.Node) string {
	var out []string
	for _, x := range r.List("reaction") {
		for _, m := range x.List("manifestation") {
			w := Words(m)
			if s := x.Get("severity").Text(); s != "" {
				w += " (" + s + ")"
			}
			out = append(out, w)
		}
	}
	return strings.Join(out, ", ")
}
