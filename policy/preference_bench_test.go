package policy

import (
	"strconv"
	"testing"

	"selda/nhs"
)

// A decision with ten preferences in force, most with exceptions, and what it
// costs to ask its predicate of an item.
func BenchmarkDecidePreferences(b *testing.B) {
	f := Facts{Relationships: []Relationship{{Organisation: "RN7", Kind: "encounter"}}}
	for i := range uint64(10) {
		r := Rule{But: []Rule{{Permit: true, Actors: []Actor{{Organisation: "RJZ"}, {Organisation: "RN7", Role: nhs.HospitalDoctor}}, But: []Rule{{Data: Data{DataSets: SetOf(Documents)}}}}, NoOverride()}}
		switch i % 3 {
		case 1:
			r.Data.Items = []Item{{"Observation", "o" + strconv.FormatUint(i, 10)}}
		case 2:
			r = Rule{Permit: true, But: []Rule{{Actors: []Actor{{Organisation: "RN7"}}, Data: Data{Labels: HIVSTI}}}}
		}
		f.Preferences = append(f.Preferences, Preference{By: "SELDA:ME", N: i, From: now, Rule: r})
	}
	r := Request{Agreed: Whole, Subject: Subject{User: "v", Role: nhs.HospitalDoctor, Organisation: "RN7"}, Now: now, Facts: f}
	c := Columns{Type: "Observation", ID: "x", Source: "RJZ:PAS", DataSet: Observations, Final: true}
	b.Run("decide", func(b *testing.B) {
		for b.Loop() {
			Decide(r)
		}
	})
	b.Run("show", func(b *testing.B) {
		p := Decide(r).Predicate
		for b.Loop() {
			p.Shows(&c)
		}
	})
}
