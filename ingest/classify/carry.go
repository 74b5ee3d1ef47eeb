package classify

import (
	"selda/fhir"
	"selda/policy"
)

// This file says what of a label goes on to what belongs together. A report is as
// sensitive as its results, and they as it; a document as what it encloses; a
// prescription as its medicine and its reason; what was done or found at a
// sensitive clinic as the visit. Nothing goes on to a person, to an allergy, or
// from an item to the visit at which it was one of many.

// Sensitive are the labels of G8's classes: those that go on. How a source marks
// one item (R, V, not for the patient) is said of that item alone.
const Sensitive = policy.SexualHealth | policy.HIVSTI | policy.Termination | policy.Fertility | policy.GenderRecognition | policy.Adoption | policy.FGM |
	policy.SubstanceMisuse | policy.DomesticAbuse | policy.Convictions | policy.MentalHealthDetail | policy.ThirdParty | policy.Safeguarding

// up are the members that name what an item takes its labels from; both also give
// theirs to what they name.
var (
	up   = []string{"medicationReference", "reasonReference", "basedOn", "authorizingPrescription", "content", "partOf", "focus"}
	both = []string{"result", "hasMember", "derivedFrom"}
)

// Visit is the encounter that an item is of, as its reference; "" for none.
func Visit(r *fhir.Resource) string {
	switch r.Type {
	case "DocumentReference":
		return r.Get("context", "encounter", "reference").View()
	case "Encounter", "Patient":
		return ""
	}
	if v := r.Get("encounter", "reference").View(); v != "" {
		return v
	}
	return r.Get("context", "reference").View()
}

// OfVisit are the labels of a visit that go on to what is of it. A medicine is not
// hidden from a pharmacist since a psychologist prescribed it.
func OfVisit(typ string, visit policy.Labels) policy.Labels {
	if !looked[typ] || typ == "Encounter" {
		return 0
	}
	team := visit & policy.TeamMarks // whose visit it was, they wrote what is of it
	visit &= Sensitive
	switch typ {
	case "MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration", "Condition", "Procedure", "Immunization", "CarePlan", "Flag":
		visit &^= policy.MentalHealthDetail
	}
	return visit | team
}

// Said is one resource among those that belong together.
type Said struct {
	Names    []string // as the others refer to it: "Observation/1"
	Resource *fhir.Resource
	Labels   policy.Labels // of its own
	Whole    bool          // a document that encloses all the others
}

// Carry gives the labels of each with what goes on to it from the others, and the mark
// Carried where something that is another's own does; what a visit gives needs none, since
// the visit is named.
func Carry(all []Said) []policy.Labels {
	out := make([]policy.Labels, len(all))
	at := make(map[string]int, len(all))
	for i := range all {
		out[i] = all[i].Labels
		for _, name := range all[i].Names {
			at[name] = i
		}
	}
	takes := func(i int) bool { return looked[all[i].Resource.Type] && all[i].Resource.Type != "Encounter" }
	own := make([]policy.Labels, len(all))
	to := make([][]int, len(all)) // whom each gives what it has
	for i := range all {
		r := all[i].Resource
		own[i] = all[i].Labels & Sensitive
		if j, ok := at[Visit(r)]; ok && all[j].Resource.Type == "Encounter" {
			if l := OfVisit(r.Type, all[j].Labels) & Sensitive; takes(i) {
				own[i] |= l
				out[i] |= l
			}
		}
		named(r, func(ref string, too bool) {
			if j, ok := at[ref]; ok && j != i {
				if to[j] = append(to[j], i); too {
					to[i] = append(to[i], j)
				}
			}
		})
		for j := range all {
			if all[i].Whole && j != i {
				to[j] = append(to[j], i)
			}
		}
	}
	// Each gives what is its own, and nobody is given their own again.
	reached, next := make([]int, len(all)), make([]int, 0, len(all))
	for i := range all {
		if own[i] == 0 {
			continue
		}
		for next = append(next[:0], i); len(next) > 0; {
			from := next[len(next)-1]
			next = next[:len(next)-1]
			for _, j := range to[from] {
				if j != i && reached[j] != i+1 && takes(j) {
					reached[j] = i + 1
					out[j] |= own[i] | policy.Carried
					next = append(next, j)
				}
			}
		}
	}
	return out
}

// sections calls f with the entries of each section, and of those within it.
func sections(list []fhir.Node, depth int, f func([]fhir.Node)) {
	for _, s := range list {
		f(s.List("entry"))
		if depth < deepest {
			sections(s.List("section"), depth+1, f)
		}
	}
}

// named calls f with what a resource refers to among those that it takes labels
// from; too says whether it gives them its own.
func named(r *fhir.Resource, f func(ref string, too bool)) {
	if r.Type == "Encounter" {
		return
	}
	each := func(list []fhir.Node, too bool) {
		for _, n := range list {
			if ref := n.Get("reference").View(); ref != "" {
				f(ref, too)
			}
		}
	}
	for _, name := range up {
		each(r.Root().List(name), false)
	}
	for _, name := range both {
		each(r.Root().List(name), true)
	}
	switch r.Type {
	case "Composition":
		sections(r.Root().List("section"), 0, func(entries []fhir.Node) { each(entries, false) })
	case "DocumentReference":
		each(r.Root().List("context", "related"), false)
	case "List":
		for _, e := range r.Root().List("entry") {
			each(e.List("item"), false)
		}
	}
}
