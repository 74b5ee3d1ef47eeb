package policy

import (
	"testing"

	"selda/nhs"
)

// G8: each sensitive label states its audience, and it holds. Written from the rule,
// not from the table.
func TestG8EachLabelStatesItsAudience(t *testing.T) {
	one := map[Labels]Audience{}
	for _, a := range Audiences() {
		if _, twice := one[a.Label]; twice {
			t.Errorf("%s has two audiences", a.Label)
		}
		one[a.Label] = a
	}
	for l := SexualHealth; l <= VeryRestricted; l <<= 1 {
		if _, ok := one[l]; !ok {
			t.Errorf("%s has no audience", l)
		}
	}
	shows := func(r nhs.Role, own nhs.ODS, emergency bool, labels Labels) bool {
		p := roleWide(&Subject{User: "u", Role: r, Organisation: own}, Whole)
		if emergency {
			p.Hidden &= statutory
		}
		return p.Shows(&Columns{Type: "Condition", ID: "c", Source: "RJZ:EPR", DataSet: Problems, Labels: labels, Final: true})
	}
	for _, c := range []struct {
		words          string
		role           nhs.Role
		labels         Labels
		own, elsewhere bool
		emergency      bool // elsewhere, in an emergency
	}{
		{"sexual health is of who wrote it", nhs.HospitalDoctor, SexualHealth, true, false, true},
		{"a termination too", nhs.GP, Termination, true, false, true},
		{"fertility treatment has its statute", nhs.HospitalDoctor, Fertility, true, false, false},
		{"gender recognition too", nhs.Nurse, GenderRecognition, true, false, false},
		{"adoption too", nhs.Paramedic, Adoption, true, false, false},
		{"treating clinicians see FGM", nhs.GP, FGM, true, true, true},
		{"a social worker does not, from elsewhere", nhs.SocialWorker, SubstanceMisuse, true, false, false},
		{"safeguarding is for treating professionals", nhs.GP, Safeguarding, true, true, true},
		{"and for social workers", nhs.SocialWorker, DomesticAbuse, true, true, true},
		{"not for the desk", nhs.Receptionist, Safeguarding, false, false, false},
		{"a crisis plan is never hidden from urgent care", nhs.Paramedic, SafetyPlan | SexualHealth, true, true, true},
		{"nor from a GP", nhs.GP, SafetyPlan | MentalHealthDetail, true, true, true},
	} {
		problems := roleDataSets(c.role).Has(Problems)
		if got := shows(c.role, "RJZ", false, c.labels); got != (c.own && problems) {
			t.Errorf("%s: own organisation %v", c.words, got)
		}
		if got := shows(c.role, "RN7", false, c.labels); got != (c.elsewhere && problems) {
			t.Errorf("%s: elsewhere %v", c.words, got)
		}
		if got := shows(c.role, "RN7", true, c.labels); c.role.Clinician() && got != (c.emergency && problems) {
			t.Errorf("%s: in an emergency %v", c.words, got)
		}
	}
	for _, l := range []Labels{DomesticAbuse, ThirdParty, Safeguarding, NotVisibleOnline} {
		for _, r := range []nhs.Role{nhs.Citizen, nhs.Proxy} {
			if hidden, own := audience(r); hidden&l == 0 || own&l == 0 {
				t.Errorf("%s reaches a %s", l, r)
			}
		}
	}
}
