package policy

import (
	"testing"
	"time"

	"selda/nhs"
)

// G18: what is restricted is shown to nobody, the own organisation neither, but in a
// stated emergency, to a coroner and to the person; before and after it, to all.
func TestG18WhoIsShownWhatIsRestricted(t *testing.T) {
	now := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	n, _ := nhs.ParseNumber("9991234519")
	item := &Columns{Type: "Condition", ID: "x", Source: "RJZ:PAS", DataSet: Problems, Final: true}
	who := &Columns{Type: "Patient", ID: "p", Source: "RJZ:PAS", DataSet: Demographics, Final: true}
	facts := Facts{NHSNumbers: []nhs.Number{n}, BirthDate: now.AddDate(-40, 0, 0), Acting: []Acting{{User: "p", As: Wish, Evidence: "seen"}},
		Relationships: []Relationship{{Organisation: "RJZ", Kind: "encounter"}}}
	dead := facts
	dead.Deaths = []Death{{By: "RJZ:PAS", Stated: now, At: now.AddDate(0, 0, -3)}}
	claim := Claim{User: "u", Organisation: "RJZ", From: now, To: now.Add(time.Hour)}
	dead.Claims = []Claim{claim}
	urgent := facts
	claim.Emergency = true
	urgent.Claims = []Claim{claim}
	for _, r := range []Restraint{{From: now, Items: []Item{{"Condition", "x"}}}, {From: now, Source: "RJZ:PAS"}, {From: now, Organisation: "RJZ"}} {
		for name, x := range map[string]struct {
			s     Subject
			f     Facts
			shown bool
		}{
			"doctor":       {Subject{User: "u", Role: nhs.HospitalDoctor, Organisation: "RJZ"}, facts, false},
			"in emergency": {Subject{User: "u", Role: nhs.HospitalDoctor, Organisation: "RJZ"}, urgent, true},
			"proxy":        {Subject{User: "p", Role: nhs.Proxy}, facts, false},
			"citizen":      {Subject{User: "c", Role: nhs.Citizen, NHSNumber: n}, facts, true},
			"examiner":     {Subject{User: "u", Role: nhs.MedicalExaminer, Organisation: "RJZ", Purpose: nhs.DecedentReview}, dead, false},
			"coroner":      {Subject{User: "u", Role: nhs.Coroner, Organisation: "RJZ", Purpose: nhs.DecedentReview}, dead, true},
		} {
			for at, held := range map[time.Duration]bool{-time.Hour: false, 0: true, 48 * time.Hour: false} {
				r := r
				r.From, r.To = now.Add(-at), now.Add(24*time.Hour-at)
				f := x.f
				f.Restraints = []Restraint{r}
				d := Decide(Request{Subject: x.s, Citizen: "c", Now: now, Facts: f, Agreed: Whole})
				if want := x.shown || !held; !d.Permit || d.Predicate.Shows(item) != want {
					t.Errorf("%s, %v, held %v: %s", name, r, held, d.Explain())
				}
				if shown, rules := d.Predicate.Why(item); shown != d.Predicate.Shows(item) {
					t.Error("why differs", rules)
				}
				if !d.Predicate.Shows(who) {
					t.Error(name, "who the person is is restricted too")
				}
			}
		}
	}
}
