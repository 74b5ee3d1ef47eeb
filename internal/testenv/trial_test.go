package testenv

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"selda/agreement"
	"selda/cmd/selda/region"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// A trial says what comes true: the items that a reader sees, before and after an
// agreement is put in force, differ by what was said.
func TestG1ATrialComesTrue(t *testing.T) {
	o := known(t)
	for i := range 3 {
		o.writes("G85915:GP", "Condition", fmt.Sprint("c", i), `"code":{"text":"Asthma"},`+atGP)
	}
	o.writes("RJZ:PAS", "Condition", "k", `"code":{"text":"Fracture"},`+atKings)
	o.writes("RJZ:PAS", "AllergyIntolerance", "a", `"code":{"text":"Penicillin"},"patient":{"reference":"Patient/p-rjz"}`)
	o.writes("G85915:GP", "Condition", "private", `"meta":{"security":[{"system":"`+policy.LabelSystem+`","code":"hiv-sti"}]},"code":{"text":"HIV"},`+atGP)
	o.writes("RJZ:PAS", "Encounter", "e", `"status":"in-progress","class":{"code":"IMP"},"period":{"start":"`+o.Now().Format("2006-01-02")+`"},`+atKings)
	count := func(user string) map[string]int {
		out := map[string]int{}
		for _, typ := range []string{"Condition", "AllergyIntolerance"} {
			out[typ] = o.total(user, "/fhir/"+typ+"?patient={citizen}")
		}
		return out
	}
	file := []byte(strings.ReplaceAll(fmt.Sprintf(narrow, 1), "agreement: falls", "agreement: "+direct))
	s, err := o.Subject("governance")
	o.agreed("governance", err)
	_, trial, err := o.Region.TryAgreement(t.Context(), s, []byte(strings.ReplaceAll(string(file), "with: [RN7]", "with: [RJZ]")), 0)
	o.agreed("try", err)
	before := count("doctor")
	find := func(reader nhs.ODS, role nhs.Role, kind policy.DataSet) (more, fewer int) {
		for _, x := range trial.Changes {
			if x.Reader == reader && x.Role == role && x.Kind == kind {
				more, fewer = more+x.More, fewer+x.Fewer
			}
		}
		return more, fewer
	}
	if more, fewer := find("RJZ", nhs.HospitalDoctor, policy.Problems); more != 0 || fewer != 0 {
		t.Errorf("the doctor goes on seeing the practice's problems: %d more, %d fewer", more, fewer)
	}
	if _, fewer := find("G85915", nhs.GP, policy.Allergies); fewer != 1 {
		t.Errorf("the practice would lose an allergy: %d", fewer)
	}
	if _, fewer := find("", nhs.Citizen, policy.Problems); fewer != 5 { // her own record, all of it
		t.Errorf("the citizen would lose what she sees: %d", fewer)
	}
	if !slices.ContainsFunc(trial.Paths, func(p agreement.Path) bool { return strings.Contains(p.Pathway, "Citizens read") }) {
		t.Errorf("a pathway that breaks is not told: %+v", trial.Paths)
	}
	if after := count("doctor"); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Error("a trial has changed what is in force")
	}
	gp := count("gp")
	_, err = o.Region.PutAgreement(t.Context(), region.OperatorSubject(), []byte(strings.ReplaceAll(string(file), "with: [RN7]", "with: [RJZ]")))
	o.agreed("put", err)
	if after := count("doctor"); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the doctor sees %v, not %v as was said", after, before)
	}
	if after := count("gp"); after["AllergyIntolerance"] != gp["AllergyIntolerance"]-1 || after["Condition"] != gp["Condition"]-1 {
		t.Errorf("the practice sees %v, before %v", after, gp)
	}
	for _, user := range []string{"gp", "engineer", "analyst", "citizen"} {
		s, err := o.Subject(user)
		o.agreed(user, err)
		if _, _, err := o.Region.TryAgreement(t.Context(), s, file, 0); err == nil {
			t.Errorf("%s may try agreements", user)
		}
	}
}

// G4, G7: a trial looks as each organisation's own staff would, by what its controller has set
// within it: who still looks after somebody by the days after care that it has set would lose
// what they see, and nobody gains or loses what a seal keeps from them.
func TestG4ATrialLooksByTheReadersOwnLimits(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "asthma", `"code":{"text":"Asthma"},`+atGP)
	o.writes("G85915:GP", "AllergyIntolerance", "latex", `"code":{"text":"Latex"},"patient":{"reference":"Patient/p-g85915"}`)
	o.writes("RJZ:PAS", "Condition", "own", `"code":{"text":"Panic"},`+atKings)
	discharged := o.Now().AddDate(0, 0, -46)
	o.writes("RJZ:PAS", "Encounter", "past", `"status":"finished","class":{"code":"IMP"},"period":{"start":"`+discharged.AddDate(0, 0, -2).Format("2006-01-02")+`","end":"`+discharged.Format("2006-01-02")+`"},`+atKings)
	file := strings.ReplaceAll(fmt.Sprintf(narrow, 1), "agreement: falls", "agreement: "+direct)
	tries := func() (fewer int, own int) {
		s, err := o.Subject("governance")
		o.agreed("governance", err)
		_, trial, err := o.Region.TryAgreement(t.Context(), s, []byte(file), 0)
		o.agreed("try", err)
		for _, x := range trial.Changes {
			if x.Reader == "RJZ" && x.Role == nhs.HospitalDoctor && x.Source == "G85915:GP" && x.Kind == policy.Problems {
				fewer += x.Fewer
			}
			if x.Reader == "RJZ" && x.Source.Organisation() == "RJZ" {
				own += x.More + x.Fewer
			}
		}
		return fewer, own
	}
	if fewer, _ := tries(); fewer != 0 {
		t.Errorf("%d items would be lost by who sees none now: they were discharged 46 days ago", fewer)
	}
	o.seals("RJZ", "after-care-days: 60\nseals:\n  - {id: problems, title: Problems, roles: [nurse], data-sets: [problems], reason: agreed}\n")
	if n := o.total("doctor", "/fhir/Condition?patient={citizen}"); n != 1 {
		t.Fatalf("the doctor sees %d problems, the practice's and not the sealed one", n)
	}
	fewer, own := tries()
	if fewer != 1 {
		t.Errorf("the doctor, who sees the practice's problem for 60 days after care, would lose %d", fewer)
	}
	if own != 0 {
		t.Errorf("of what the own organisation wrote %d would change: an agreement never does that", own)
	}
	_, err := o.Region.PutAgreement(t.Context(), region.OperatorSubject(), []byte(file))
	o.agreed("put", err)
	if n := o.total("doctor", "/fhir/Condition?patient={citizen}"); n != 0 {
		t.Errorf("it does not come true: the doctor sees %d problems", n)
	}
}

// Why somebody sees an item or does not is told to those who may ask: the officer
// of the own users' organisation, and the reader of what they see.
func TestInvariant7WhyIsToldToWhoMayAsk(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("G85915:GP", "Condition", "c2", `"meta":{"security":[{"system":"`+policy.LabelSystem+`","code":"hiv-sti"}]},"code":{"text":"HIV"},`+atGP)
	privacy, err := o.Subject("privacy") // of King's
	o.agreed("privacy", err)
	why := func(user, item string) string {
		t.Helper()
		w, err := o.Region.Why(t.Context(), privacy, user, item)
		if err != nil {
			return "refused"
		}
		return fmt.Sprint(w.Opens, w.Shown, w.Record, w.Rules)
	}
	for _, c := range []struct{ user, item, want string }{
		{"doctor", "Condition/c1", "false false [G7 no legitimate relationship"},
		{"gp", "Condition/c1", "refused"}, // neither the own user's nor the own item
		{"doctor", "Condition/none", "refused"},
	} {
		if got := why(c.user, c.item); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s, %s: %s", c.user, c.item, got)
		}
	}
	o.declares("doctor")
	if got := why("doctor", "Condition/c1"); !strings.HasPrefix(got, "true true") || !strings.Contains(got, "G7 declared by the user") || !strings.Contains(got, "G1 agreement "+direct+" shares problems of G85915:GP") {
		t.Error(got)
	}
	if got := why("doctor", "Condition/c2"); !strings.HasPrefix(got, "true false") || !strings.Contains(got, "G8 the label hiv-sti is for the organisation that wrote it") {
		t.Error(got)
	}
	o.objects("")
	if got := why("doctor", "Condition/c1"); !strings.HasPrefix(got, "true false") || !strings.Contains(got, "G4 the citizen objects to sharing") {
		t.Error(got)
	}
	doctor, err := o.Subject("doctor")
	o.agreed("doctor", err)
	if _, err := o.Region.Why(t.Context(), doctor, "gp", "Condition/c1"); err == nil {
		t.Error("a doctor may ask of others")
	}
	hidden, err1 := o.Region.Access.MyWhy(t.Context(), doctor, o.citizen, "Condition", "c1")
	absent, err2 := o.Region.Access.MyWhy(t.Context(), doctor, o.citizen, "Condition", "none")
	if err1 == nil || err2 == nil || fault.Reason(err1) != fault.Reason(err2) || hidden.Item != absent.Item {
		t.Errorf("what is hidden is told apart: %v, %v", err1, err2)
	}
	gp, err := o.Subject("gp")
	o.agreed("gp", err)
	if w, err := o.Region.Access.MyWhy(t.Context(), gp, o.citizen, "Condition", "c2"); err != nil || !w.Shown || !strings.Contains(fmt.Sprint(w.Rules), "G4 own organisation") {
		t.Error(w, err)
	}
}
