package policy

import (
	"fmt"
	"testing"

	"selda/nhs"
)

// What a predicate costs an item, with no agreement that tells sources apart, with
// those of a borough, and of a region of 220 practices.
func BenchmarkShows(b *testing.B) {
	for _, n := range []int{0, 11, 230} {
		a := &Agreed{Default: AllDataSets}
		for i := range n {
			a.Of = append(a.Of, AgreedWith{nhs.Source(fmt.Sprintf("G%05d", i)), AllDataSets &^ SetOf(SocialCare)})
		}
		a = a.Indexed()
		p := Predicate{Permit: true, DataSets: clinical, Agreed: a, Own: "RJZ", Hidden: SexualHealth | HIVSTI, ShowSafety: true}
		c := Columns{Type: "Observation", ID: "x", Source: "G00007:GP", DataSet: Observations, Final: true}
		b.Run(fmt.Sprintf("%d sources", n), func(b *testing.B) {
			for b.Loop() {
				if !p.Shows(&c) {
					b.Fatal("hidden")
				}
			}
		})
	}
}
