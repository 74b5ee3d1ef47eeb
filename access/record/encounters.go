package record

import (
	"cmp"
	"slices"

	"selda/fhir"
)

// Encounters are contacts: admissions, attendances, consultations.
func (v *View) Encounters() []Fact {
	facts := simple(v.Of("Encounter", "EpisodeOfCare"), func(r fhir.Node) string {
		return cmp.Or(Words(r.Get("type")), r.Get("class", "display").Text(), r.Get("class", "code").Text(), "Contact")
	}, func(r fhir.Node) string {
		return cmp.Or(Words(r.Get("reasonCode")), Words(r.Get("serviceType")))
	}, func(r fhir.Node) string { return Words(r.Get("location", "location")) }, "period")
	for i := range facts {
		facts[i].End = facts[i].Lead().Res.Get("period", "end").Text()
	}
	// A visit of which a source gave no more than the number, as a laboratory
	// does, is only there to be referred to.
	facts = slices.DeleteFunc(facts, func(f Fact) bool { return f.Status == "unknown" && f.WhenText == "" })
	return byTime(merge(facts, rules{key: visitKey, newer: func(a, b *Fact) bool { return fullness(a) > fullness(b) }}))
}

// visitKey is the number that an organisation gave a visit: its systems speak
// of one visit under it.
func visitKey(f *Fact) string {
	i := f.Lead()
	number := i.Res.Get("identifier").Get("0").Get("value").Text()
	if number == "" || i.Type != "Encounter" {
		return ""
	}
	return string(i.Source.Organisation()) + "|" + number
}

// fullness is how much a source says of a visit: a laboratory that only names it
// is not to lead.
func fullness(f *Fact) int {
	r := f.Lead().Res
	n := 0
	for _, element := range []string{"period", "location", "participant", "type"} {
		if r.Get(element).Exists() {
			n++
		}
	}
	if f.Status != "unknown" {
		n += 8
	}
	if kind := r.Get("class", "code").Text(); kind != "" && kind != "UNK" {
		n += 4
	}
	return n
}
