package policy

import (
	"math/rand/v2"
	"testing"
	"time"

	"selda/nhs"
)

// Invariant 7: what Why says of any item is what Shows says, with a rule.
func TestInvariant7WhyAgreesWithShows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	sets := func() DataSets { return DataSets(r.Uint64()) & AllDataSets }
	labels := func() Labels { return Labels(r.Uint64()&r.Uint64()) & (1<<18 - 1) }
	sources := []nhs.Source{"RJZ:PAS", "RJZ:LIMS", "RJ1:PAS", "G85915:GP"}
	types := []string{"Encounter", "Observation", "Patient"}
	items := func() (out []Item) {
		for range r.IntN(3) {
			out = append(out, Item{types[r.IntN(3)], string(rune('a' + r.IntN(3)))})
		}
		return out
	}
	shown := 0
	for range 20_000 {
		p := &Predicate{Permit: r.IntN(20) > 0, Everything: r.IntN(20) == 0, DataSets: sets() | sets(), Hidden: labels() & labels(), HiddenOwn: labels() & labels() & labels(),
			ShowSafety: r.IntN(2) == 0, Objected: r.IntN(4) == 0, NotDataSets: sets() & sets() & sets(), Sealed: items(), Addressed: items(), Own: []nhs.ODS{"", "RJZ", "RJ1"}[r.IntN(3)]}
		switch r.IntN(4) {
		case 0:
			p.Agreed = &Agreed{Default: sets(), Of: []AgreedWith{{"RJ1:PAS", sets()}, {"RJZ", sets()}}}
		case 1, 2:
			p.Agreed = Whole
		}
		if r.IntN(8) == 0 {
			p.OnlySource = sources[r.IntN(4)]
		}
		if r.IntN(8) == 0 {
			p.OnlyTypes = types[:1+r.IntN(3)]
		}
		if r.IntN(4) == 0 {
			p.Withheld = []Withholding{{{Data: Data{DataSets: sets() & sets()}, But: []Rule{{Permit: true, Data: Data{Items: items()}}}}}}
		}
		if r.IntN(8) == 0 {
			p.Only = []Kinds{{Type: types[r.IntN(3)], Marks: labels() & labels()}}
		}
		if r.IntN(4) == 0 {
			p.VisitsOnly = items()
		}
		if r.IntN(4) == 0 {
			p.Release = &Release{Now: now, Delay: ReleaseDelay, Held: heldForReview}
		}
		c := &Columns{Type: types[r.IntN(3)], ID: string(rune('a' + r.IntN(3))), Source: sources[r.IntN(4)], DataSet: DataSet(1 + r.IntN(int(Other))), Labels: labels() & labels(),
			Recorded: now.Add(-time.Duration(r.IntN(20)) * 24 * time.Hour), Final: r.IntN(2) == 0}
		got, rules := p.Why(c)
		if got != p.Shows(c) || len(rules) == 0 {
			t.Fatalf("Why says %t, %q; Shows says %t\n%+v\n%+v", got, rules, p.Shows(c), p, c)
		}
		if got {
			shown++
		}
	}
	if shown < 1000 {
		t.Errorf("only %d of the cases show anything", shown)
	}
}
