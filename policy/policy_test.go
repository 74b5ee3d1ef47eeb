package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"selda/nhs"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func number(t *testing.T, s string) nhs.Number {
	n, err := nhs.ParseNumber(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestZeroValuesRefuse(t *testing.T) {
	if d := Decide(Request{}); d.Permit || d.Predicate.Permit {
		t.Error("nobody was let in")
	}
	if (&Predicate{}).Shows(&Columns{DataSet: Problems}) {
		t.Error("the zero predicate shows something")
	}
	if d := Search(Subject{}, Whole); d.Permit {
		t.Error("nobody may search")
	}
	nameless := Subject{User: "system", Role: nhs.SourceSystem, Organisation: "RJ1"}
	if Decide(Request{Agreed: Whole, Subject: nameless}).Permit || Search(nameless, Whole).Permit {
		t.Error("a system without a source has every source's")
	}
}

// G7: a relationship is registration, an open encounter, … and lasts 28 days after discharge.
func TestG7Relationship(t *testing.T) {
	gp := Subject{User: "gp", Role: nhs.GP, Organisation: "G85001"}
	for name, c := range map[string]struct {
		facts Facts
		want  bool
	}{
		"none":                {Facts{}, false},
		"registered":          {Facts{Relationships: []Relationship{{Organisation: "G85001", Kind: "registration"}}}, true},
		"registered earlier":  {Facts{Relationships: []Relationship{{Organisation: "G85001", Kind: "registration", To: now.AddDate(0, 0, -1)}}}, false},
		"another's":           {Facts{Relationships: []Relationship{{Organisation: "G85002", Kind: "registration"}}}, false},
		"27 days after":       {Facts{Relationships: []Relationship{{Organisation: "G85001", Kind: "encounter", To: now.AddDate(0, 0, -27)}}}, true},
		"29 days after":       {Facts{Relationships: []Relationship{{Organisation: "G85001", Kind: "encounter", To: now.AddDate(0, 0, -29)}}}, false},
		"27 days, unsigned":   {Facts{Relationships: []Relationship{{Organisation: "G85001", Kind: "encounter", To: now.AddDate(0, 0, -27), Unsigned: true}}}, true},
		"90 days, unsigned":   {Facts{Relationships: []Relationship{{Organisation: "G85001", Kind: "encounter", To: now.AddDate(0, 0, -90), Unsigned: true}}}, true},
		"unsigned, forgotten": {Facts{Relationships: []Relationship{{Organisation: "G85001", Kind: "encounter", To: now.AddDate(0, 0, -366), Unsigned: true}}}, false},
		"declared":            {Facts{Claims: []Claim{{User: "gp", Organisation: "G85001", From: now, To: now.Add(time.Hour)}}}, true},
		"declared by another": {Facts{Claims: []Claim{{User: "gp2", Organisation: "G85001", From: now, To: now.Add(time.Hour)}}}, false},
		"declared, over":      {Facts{Claims: []Claim{{User: "gp", Organisation: "G85001", From: now.Add(-2 * time.Hour), To: now}}}, false},
	} {
		if d := Decide(Request{Agreed: Whole, Subject: gp, Now: now, Facts: c.facts}); d.Permit != c.want || len(d.Rules) == 0 {
			t.Errorf("%s: %s", name, d.Explain())
		}
	}
}

// G4: an objection hides all but the own organisation's items and demographics; break-glass opens it, unless it says not (G5).
func TestG4Objection(t *testing.T) {
	s := Subject{User: "v", Role: nhs.HospitalDoctor, Organisation: "RN7"}
	f := Facts{Relationships: []Relationship{{Organisation: "RN7", Kind: "encounter"}}, Preferences: []Preference{{From: now.Add(-time.Hour)}}}
	shows := func(d Decision, source nhs.Source, set DataSet) bool {
		return d.Predicate.Shows(&Columns{Source: source, DataSet: set, Final: true})
	}
	d := Decide(Request{Agreed: Whole, Subject: s, Now: now, Facts: f})
	if !d.Permit || shows(d, "RJZ:PAS", Observations) || !shows(d, "RN7:PAS", Observations) || !shows(d, "RJZ:PAS", Demographics) {
		t.Error(d.Explain())
	}
	f.Claims = []Claim{{User: "v", Organisation: "RN7", Emergency: true, Reason: "unconscious", From: now, To: now.Add(time.Hour)}}
	if d := Decide(Request{Agreed: Whole, Subject: s, Now: now, Facts: f}); !d.Emergency || !shows(d, "RJZ:PAS", Observations) {
		t.Error("break-glass does not open an objection", d.Explain())
	}
}

// G4: nothing that was sent to the reader's organisation is hidden from it by
// what the citizen withholds; a label still does.
func TestG4Addressee(t *testing.T) {
	referral := Item{"ServiceRequest", "r1"}
	f := Facts{Relationships: []Relationship{{Organisation: "RN7", Kind: "encounter"}}, Addressed: []Addressed{{"RN7", referral}, {"RJ2", Item{"ServiceRequest", "r2"}}}}
	for name, p := range map[string]Preference{"all": {}, "a kind of data": {Rule: Rule{Data: Data{DataSets: SetOf(Referrals)}}}, "the item": {Rule: Rule{Data: Data{Items: []Item{referral}}}}, "the reader": {Rule: Rule{Actors: []Actor{{Organisation: "RN7"}}}}} {
		f.Preferences = []Preference{p}
		d := Decide(Request{Agreed: Whole, Subject: Subject{User: "v", Role: nhs.HospitalDoctor, Organisation: "RN7"}, Now: now, Facts: f})
		col := Columns{Type: "ServiceRequest", ID: "r1", Source: "G85001:GP", DataSet: Referrals, Final: true}
		if !d.Predicate.Shows(&col) {
			t.Errorf("%s withheld: a referral is hidden from whom it was sent to: %s", name, d.Explain())
		}
		col.Labels = HIVSTI
		if d.Predicate.Shows(&col) {
			t.Errorf("%s withheld: a label is not kept", name)
		}
		col.ID, col.Labels = "r2", 0
		if name != "the item" && d.Predicate.Shows(&col) {
			t.Errorf("%s withheld: a referral to another is shown", name)
		}
	}
}

// G5: "no emergency override" yields to a court order, a safeguarding enquiry
// and serious risk to others, and to nothing else.
func TestG5NoOverrideYieldsToStatedGrounds(t *testing.T) {
	s := Subject{User: "v", Role: nhs.HospitalDoctor, Organisation: "RN7"}
	for _, overrules := range []bool{false, true} {
		f := Facts{Preferences: []Preference{{Rule: Rule{But: []Rule{NoOverride()}}}}, Claims: []Claim{{User: "v", Organisation: "RN7", Emergency: true, Overrules: overrules, From: now, To: now.Add(time.Hour)}}}
		d := Decide(Request{Agreed: Whole, Subject: s, Now: now, Facts: f})
		if got := d.Predicate.Shows(&Columns{Source: "RJZ:PAS", DataSet: Observations, Final: true}); got != overrules || !d.Emergency {
			t.Errorf("a ground that overrules: %t, opened: %t: %s", overrules, got, d.Explain())
		}
		if overrules != strings.Contains(d.Explain(), "G5") {
			t.Errorf("the decision does not say why: %s", d.Explain())
		}
	}
}

// G1: records are opened for direct care; other purposes have their own ways.
func TestG1DirectCareOnly(t *testing.T) {
	f := Facts{Relationships: []Relationship{{Organisation: "RN7", Kind: "encounter"}}}
	for p, want := range map[nhs.Purpose]bool{nhs.Treatment: true, nhs.Emergency: true, nhs.RecordAdmin: true, nhs.PublicHealthUse: false, nhs.Operations: false, nhs.PrivacyReview: false} {
		s := Subject{User: "v", Role: nhs.HospitalDoctor, Organisation: "RN7", Purpose: p}
		if d := Decide(Request{Agreed: Whole, Subject: s, Now: now, Facts: f}); d.Permit != want || Search(s, Whole).Permit != want {
			t.Errorf("%s: %s", p, d.Explain())
		}
	}
	if d := Decide(Request{Agreed: Whole, Subject: Subject{User: "v", Role: nhs.HospitalDoctor, Organisation: "RN7", Purpose: nhs.Emergency}, Now: now}); d.Permit {
		t.Error("a purpose alone is no break-glass")
	}
}

// G9: break-glass is of one user, for a time; it opens no label that a law
// protects, and says in the decision that it was used.
func TestG9BreakGlass(t *testing.T) {
	s := Subject{User: "v", Role: nhs.HospitalDoctor, Organisation: "RN7"}
	claim := Claim{User: "v", Organisation: "RN7", Emergency: true, From: now.Add(-time.Hour), To: now.Add(time.Hour)}
	decide := func(s Subject, c Claim) Decision {
		return Decide(Request{Agreed: Whole, Subject: s, Now: now, Facts: Facts{Claims: []Claim{c}}})
	}
	d := decide(s, claim)
	if !d.Permit || !d.Emergency || !strings.Contains(d.Explain(), "G9") {
		t.Fatal(d.Explain())
	}
	for label, want := range map[Labels]bool{HIVSTI: true, SexualHealth: true, Convictions: true, Fertility: false, Adoption: false, GenderRecognition: false} {
		if got := d.Predicate.Shows(&Columns{Source: "RJZ:PAS", DataSet: Problems, Labels: label, Final: true}); got != want {
			t.Errorf("%s: %t", label, got)
		}
	}
	over, other, elsewhere := claim, s, s
	over.To = now
	other.User, elsewhere.Organisation = "w", "RJZ"
	for name, d := range map[string]Decision{"its time is over": decide(s, over), "another user": decide(other, claim), "another organisation": decide(elsewhere, claim)} {
		if d.Permit {
			t.Errorf("%s: %s", name, d.Explain())
		}
	}
	for _, role := range []nhs.Role{nhs.Receptionist, nhs.SocialWorker, nhs.Handler111} {
		if Decide(Request{Agreed: Whole, Subject: Subject{User: "u", Role: role, Organisation: "X"}, Now: now}).MayBreakGlass {
			t.Errorf("%s may break glass", role)
		}
	}
}

// G8: each label states its audience.
func TestG8Labels(t *testing.T) {
	rel := func(org nhs.ODS) Facts {
		return Facts{Relationships: []Relationship{{Organisation: org, Kind: "registration"}}, NHSNumbers: []nhs.Number{number(t, "9991234519")}}
	}
	for _, c := range []struct {
		role   nhs.Role
		org    nhs.ODS
		label  Labels
		source nhs.Source
		want   bool
	}{
		{nhs.GP, "G85001", SexualHealth, "RJ1:GUM", false},
		{nhs.HospitalDoctor, "RJ1", SexualHealth, "RJ1:GUM", true},
		{nhs.GP, "G85001", Safeguarding, "RJ1:PAS", true},
		{nhs.SocialWorker, "LAM", DomesticAbuse, "RJ1:PAS", true},
		{nhs.Citizen, "", Safeguarding, "RJ1:PAS", false},
		{nhs.Citizen, "", ThirdParty, "RJ1:PAS", false},
		{nhs.Citizen, "", NotVisibleOnline, "RJ1:PAS", false},
		{nhs.Citizen, "", SexualHealth, "RJ1:PAS", true},
		{nhs.Pharmacist, "P1", MentalHealthDetail, "RV5:EPR", false},
		{nhs.Paramedic, "RRU", MentalHealthDetail | SafetyPlan, "RV5:EPR", true},
		{nhs.Paramedic, "RRU", Convictions | SafetyPlan, "RV5:EPR", true},
		{nhs.Paramedic, "RRU", Convictions, "RV5:EPR", false},
		{nhs.GP, "G85001", VeryRestricted, "RRU:EPR", true},
		{nhs.SocialWorker, "LAM", VeryRestricted, "RRU:EPR", false},
	} {
		s := Subject{User: "u", Role: c.role, Organisation: c.org, NHSNumber: number(t, "9991234519")}
		d := Decide(Request{Agreed: Whole, Subject: s, Now: now, Facts: rel(c.org)})
		if got := d.Predicate.Shows(&Columns{Source: c.source, DataSet: Plans, Labels: c.label, Final: true}); got != c.want {
			t.Errorf("%s at %s, %s of %s: %t (%s)", c.role, c.org, c.label, c.source, got, d.Explain())
		}
	}
}

// G10: results reach the citizen when reviewed, or after the delay.
func TestG10Release(t *testing.T) {
	n := number(t, "9991234519")
	d := Decide(Request{Agreed: Whole, Subject: Subject{User: "c", Role: nhs.Citizen, NHSNumber: n}, Now: now, Facts: Facts{NHSNumbers: []nhs.Number{n}}})
	for name, c := range map[string]struct {
		col  Columns
		want bool
	}{
		"fresh result":      {Columns{DataSet: Results, Final: true, Recorded: now}, false},
		"reviewed":          {Columns{DataSet: Results, Final: true, Recorded: now, Labels: Reviewed}, true},
		"after the delay":   {Columns{DataSet: Results, Final: true, Recorded: now.Add(-ReleaseDelay)}, true},
		"issued long ago":   {Columns{DataSet: Results, Final: true, Recorded: now, Reported: now.AddDate(-1, 0, 0)}, true},
		"issued tomorrow":   {Columns{DataSet: Results, Final: true, Recorded: now, Reported: now.AddDate(0, 0, 1)}, false},
		"never preliminary": {Columns{DataSet: Results, Recorded: now.AddDate(-1, 0, 0)}, false},
		"a problem":         {Columns{DataSet: Problems, Final: true, Recorded: now}, true},
	} {
		if got := d.Predicate.Shows(&c.col); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// G11: a parent's access narrows at 11 and ends at 16. G20: death ends access.
func TestG11ProxyAndG20Death(t *testing.T) {
	n := number(t, "9991234519")
	p := Subject{User: "p", Role: nhs.Proxy, For: []nhs.Number{n}}
	at := func(years int) Facts {
		return Facts{NHSNumbers: []nhs.Number{n}, BirthDate: now.AddDate(-years, 0, 0)}
	}
	if d := Decide(Request{Agreed: Whole, Subject: p, Now: now, Facts: at(5)}); !d.Predicate.DataSets.Has(Problems) {
		t.Error(d.Explain())
	}
	if d := Decide(Request{Agreed: Whole, Subject: p, Now: now, Facts: at(11)}); !d.Permit || d.Predicate.DataSets.Has(Problems) {
		t.Error(d.Explain())
	}
	if d := Decide(Request{Agreed: Whole, Subject: p, Now: now, Facts: at(16)}); d.Permit {
		t.Error(d.Explain())
	}
	f := at(50)
	f.Deceased = true
	if d := Decide(Request{Agreed: Whole, Subject: Subject{User: "c", Role: nhs.Citizen, NHSNumber: n}, Now: now, Facts: f}); d.Permit || !strings.Contains(d.Explain(), "G20") {
		t.Error(d.Explain())
	}
}

// G12: a handler is no clinician, a receptionist sees appointments.
func TestG12Roles(t *testing.T) {
	for role, want := range map[nhs.Role][2]DataSet{nhs.Handler111: {Alerts, Problems}, nhs.Receptionist: {Appointments, Alerts}, nhs.Advisor111: {Plans, Results}} {
		d := Decide(Request{Agreed: Whole, Subject: Subject{User: "u", Role: role, Organisation: "X"}, Now: now, Facts: Facts{Relationships: []Relationship{{Organisation: "X", Kind: "encounter"}}}})
		if !d.Predicate.DataSets.Has(want[0]) || d.Predicate.DataSets.Has(want[1]) {
			t.Errorf("%s: %s", role, d.Explain())
		}
	}
	for _, role := range []nhs.Role{nhs.Engineer, nhs.PrivacyOfficer, nhs.Administrator, nhs.Analyst, nhs.GovernanceLead, nhs.CaldicottGuardian} {
		s := Subject{User: "u", Role: role, Organisation: "X"}
		if Decide(Request{Agreed: Whole, Subject: s, Now: now, Facts: Facts{Relationships: []Relationship{{Organisation: "X", Kind: "encounter"}}}}).Permit || Search(s, Whole).Permit {
			t.Errorf("%s opens records", role)
		}
	}
}

// G12: an advisor sees the last three visits of those that nothing hides.
func TestG12TheLastThreeVisits(t *testing.T) {
	f := Facts{Relationships: []Relationship{{Organisation: "RRU", Kind: "encounter"}}}
	visit := func(id string, source nhs.Source, days int, l Labels) {
		f.Visits = append(f.Visits, Visit{Columns{Type: "Encounter", ID: id, Source: source, DataSet: Encounters, Labels: l, Final: true}, now.AddDate(0, 0, -days)})
	}
	visit("a", "RJZ:PAS", 9, 0)
	visit("b", "RJZ:PAS", 1, HIVSTI)
	visit("c", "RJZ:PAS", 3, 0)
	visit("d", "RJ1:PAS", 2, 0)
	visit("e", "RJ1:PAS", 30, 0)
	visit("own", "RRU:CAD", 300, 0)
	for role, want := range map[nhs.Role]string{nhs.Advisor111: "acd own", nhs.GP: "acde own"} {
		d := Decide(Request{Agreed: Whole, Subject: Subject{User: "u", Role: role, Organisation: "RRU"}, Now: now, Facts: f})
		got := ""
		for _, v := range f.Visits {
			if d.Predicate.Shows(&v.Columns) {
				got += map[bool]string{true: " "}[v.ID == "own"] + v.ID
			}
		}
		if got != want {
			t.Errorf("%s sees %q, want %q", role, got, want)
		}
	}
	if d := Decide(Request{Agreed: Whole, Subject: Subject{User: "u", Role: nhs.Advisor111, Organisation: "RRU"}, Now: now, Facts: Facts{Relationships: f.Relationships}}); d.Predicate.Shows(&f.Visits[0].Columns) {
		t.Error("a visit that is not among the facts is shown")
	}
}

// Invariant 7: every decision names its rules, and the same facts give it again.
func TestInvariant7DecisionsExplainThemselvesAndReplay(t *testing.T) {
	n := number(t, "9991234519")
	facts := []Facts{
		{},
		{NHSNumbers: []nhs.Number{n}, BirthDate: now.AddDate(-40, 0, 0)},
		{NHSNumbers: []nhs.Number{n}, Deceased: true},
		{Relationships: []Relationship{{Organisation: "RJZ", Kind: "encounter"}}, Preferences: []Preference{{From: now}, {From: now, Rule: Rule{Data: Data{DataSets: SetOf(Results)}}}}},
		{Claims: []Claim{{User: "u", Organisation: "RJZ", Emergency: true, Reason: "r", From: now, To: now.Add(time.Hour)}}},
	}
	roles := []nhs.Role{"", nhs.GP, nhs.HospitalDoctor, nhs.Nurse, nhs.Pharmacist, nhs.SocialWorker, nhs.Handler111, nhs.Advisor111, nhs.Paramedic, nhs.Receptionist,
		nhs.HospiceNurse, nhs.PrivacyOfficer, nhs.CaldicottGuardian, nhs.GovernanceLead, nhs.Analyst, nhs.Administrator, nhs.Engineer, nhs.SourceSystem, nhs.Citizen, nhs.Proxy}
	for _, role := range roles {
		for i, f := range facts {
			r := Request{Agreed: Whole, Subject: Subject{User: "u", Role: role, Organisation: "RJZ", NHSNumber: n, For: []nhs.Number{n}, Source: "RJZ:API"}, Now: now, Facts: f}
			d := Decide(r)
			if len(d.Rules) == 0 || !d.Permit && (d.Reason == "" || d.Predicate.Permit) {
				t.Errorf("%s, facts %d: it does not explain itself: %+v", role, i, d)
			}
			if again := Decide(r); !reflect.DeepEqual(d, again) {
				t.Errorf("%s, facts %d: %+v, and then %+v", role, i, d, again)
			}
		}
	}
}
