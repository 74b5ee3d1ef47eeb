package record

import (
	"testing"

	"selda/fhir"
)

// G20: a death that was found to be wrong is told as a conflict and does not count;
// another source's does.
func TestG20AWrongDeathDoesNotCount(t *testing.T) {
	item := func(about string) Item {
		r, err := fhir.ParseTrusted([]byte(`{"resourceType":"Patient"` + about + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return Item{Res: r}
	}
	var p Person
	p.died(item(`,"deceasedDateTime":"2026-11-04"`), true)
	if p.Deceased || p.DeceasedAt != "" || len(p.Conflicts) != 1 {
		t.Errorf("%+v", p)
	}
	p.died(item(`,"deceasedBoolean":true`), false)
	if !p.Deceased {
		t.Error("another source's word does not count")
	}
}
