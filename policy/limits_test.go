package policy

import (
	"testing"
	"time"

	"selda/nhs"
)

// A seal of an organisation hides what it says from own staff outside its teams and
// roles, and from nobody else; nothing of the author's team; no allergy.
func TestG4ASealIsWithinItsOrganisation(t *testing.T) {
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	kings := &Limits{Teams: []Team{{Name: "GUM", Groups: []string{"655694018104"}}, {Name: "Ward"}},
		Seals: []Seal{{ID: "1", Title: "GUM", Teams: []string{"GUM"}, Roles: []nhs.Role{nhs.Pharmacist}, Of: []string{"GUM"}, From: []nhs.Source{"RJZ:PAS"}, Begins: now.Add(-time.Hour), Ends: now.Add(time.Hour)}}}
	item := func(set DataSet, marks Labels) *Columns {
		return &Columns{Type: "Condition", ID: "1", Source: "RJZ:PAS", DataSet: set, Labels: marks, Final: true}
	}
	sealed := item(Problems, TeamMark(0))
	for name, c := range map[string]struct {
		s    Subject
		at   time.Time
		item *Columns
		want bool
	}{
		"outside the team":                {s: Subject{Role: nhs.HospitalDoctor}, item: sealed},
		"in another team":                 {s: Subject{Role: nhs.Nurse, Teams: []string{"Ward"}}, item: sealed},
		"in the team":                     {s: Subject{Role: nhs.Nurse, Teams: []string{"Ward", "GUM"}}, item: sealed, want: true},
		"by the code of a provider":       {s: Subject{Role: nhs.Nurse, Teams: []string{"655694018104"}}, item: sealed, want: true},
		"in the role":                     {s: Subject{Role: nhs.Pharmacist}, item: sealed, want: true},
		"not of the team":                 {s: Subject{Role: nhs.HospitalDoctor}, item: item(Problems, 0), want: true},
		"of the reader's own team, too":   {s: Subject{Role: nhs.Nurse, Teams: []string{"Ward"}}, item: item(Problems, TeamMark(0)|TeamMark(1)), want: true},
		"an allergy":                      {s: Subject{Role: nhs.HospitalDoctor}, item: item(Allergies, TeamMark(0)), want: true},
		"a plan for a crisis":             {s: Subject{Role: nhs.HospitalDoctor}, item: item(Plans, TeamMark(0)|SafetyPlan), want: true},
		"after its end":                   {s: Subject{Role: nhs.HospitalDoctor}, at: now.Add(2 * time.Hour), item: sealed, want: true},
		"another system":                  {s: Subject{Role: nhs.HospitalDoctor}, item: &Columns{Type: "Condition", Source: "RJZ:LAB", DataSet: Problems, Labels: TeamMark(0)}, want: true},
		"of another organisation's teams": {s: Subject{Role: nhs.HospitalDoctor}, item: &Columns{Type: "Condition", Source: "RJ1:PAS", DataSet: Problems, Labels: TeamMark(0)}, want: true},
	} {
		c.s.User, c.s.Organisation, c.s.Purpose = "u", "RJZ", nhs.Treatment
		if c.at.IsZero() {
			c.at = now
		}
		d := Decide(Request{Subject: c.s, Now: c.at, Agreed: Whole, Limits: kings, Facts: Facts{Relationships: []Relationship{{Organisation: "RJZ", Kind: "registration"}}}})
		if got := d.Predicate.Shows(c.item); !d.Permit || got != c.want {
			t.Errorf("%s: shown %v (%v)", name, got, d.Rules)
		}
		if shown, why := d.Predicate.Why(c.item); shown != c.want || len(why) == 0 {
			t.Errorf("%s: %v", name, why)
		}
	}
}

// Emergency access opens a seal, but for what a statute protects.
func TestG9EmergencyAccessOpensASeal(t *testing.T) {
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	s := Subject{User: "u", Role: nhs.HospitalDoctor, Organisation: "RJZ", Purpose: nhs.Treatment}
	r := Request{Subject: s, Now: now, Agreed: Whole, Limits: &Limits{Seals: []Seal{{ID: "1", Roles: []nhs.Role{nhs.Nurse}, Sets: SetOf(Problems)}}},
		Facts: Facts{Claims: []Claim{{User: "u", Organisation: "RJZ", Emergency: true, From: now, To: now.Add(time.Hour)}}}}
	d := Decide(r)
	open, closed := &Columns{Type: "Condition", Source: "RJZ:PAS", DataSet: Problems}, &Columns{Type: "Condition", Source: "RJZ:PAS", DataSet: Problems, Labels: Fertility}
	if !d.Emergency || !d.Predicate.Shows(open) || d.Predicate.Shows(closed) {
		t.Error(d.Rules, d.Predicate.Shows(open), d.Predicate.Shows(closed))
	}
}
