package web

import (
	"testing"
	"time"

	"selda/access/record"
	"selda/fhir"
)

// A visit of which nobody has recorded the end is not shown as open for ever.
func TestOnlyWhatIsStillGoingOnIsOpen(t *testing.T) {
	s := &sheet{now: time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		class, start, end string
		want              bool
	}{
		{"AMB", "2026-11-05T08:00:00Z", "", true},
		{"EMER", "2026-11-04T20:00:00Z", "", true},
		{"AMB", "2026-11-03T08:00:00Z", "", false},
		{"EMER", "2021-11-03T08:00:00Z", "", false},
		{"IMP", "2026-10-01T08:00:00Z", "", true},
		{"IMP", "2026-10-01T08:00:00Z", "2026-10-09T08:00:00Z", false},
	} {
		r, err := fhir.ParseTrusted([]byte(`{"resourceType":"Encounter","class":{"code":"` + c.class + `"},"period":{"start":"` + c.start + `"}}`))
		if err != nil {
			t.Fatal(err)
		}
		f := record.Fact{End: c.end, Items: []record.Item{{Res: r}}}
		if got := s.isOpen(f); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
