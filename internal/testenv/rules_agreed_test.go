package testenv

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/access/record"
	"selda/agreement"
	"selda/audit"
	"selda/cmd/selda/region"
	"selda/ingest"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

const direct = "sel-direct-care"

// narrow is an agreement under which one trust sees what a practice says of the
// problems of its own older patients.
const narrow = `agreement: falls
title: Falls clinic
purposes: [direct-care]
begins: 2026-01-01
basis: {data-protection: UK GDPR Art 6(1)(e) and 9(2)(h), confidentiality: implied consent}
contact: the falls clinic
shares:
  - from: ["G85915:GP"]
    kinds: [problems, demographics]
    with: [RN7]
    roles: [hospital-doctor]
    citizens: {registered: [G85915], from-age: %d}
signed:
  - {organisation: G85915, name: Dr A Okafor, office: partner, signed: 2026-01-01}
`

func (o *outside) agreed(what string, err error) {
	o.Helper()
	if err != nil {
		o.Fatal(what, err)
	}
}

// G1: what others wrote is shown under an agreement, and not without one; what
// was sent to somebody, and what they wrote themselves, is theirs all the same.
func TestG1NothingFlowsWithoutAnAgreement(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("RJZ:PAS", "Condition", "c2", `"code":{"text":"Fracture"},`+atKings)
	o.writes("G85915:GP", "MedicationRequest", "m1", `"status":"active","intent":"order","medicationCodeableConcept":{"text":"Salbutamol"},`+atGP)
	o.writes("G85915:GP", "ServiceRequest", "referral", `"status":"active","intent":"order","code":{"text":"Falls"},"performer":[{"identifier":{"system":"`+nhs.ODSSystem+`","value":"RN7"}}],`+atGP)
	o.declares("visitor")
	o.declares("doctor")
	sees := func(user, item string) bool {
		status, _ := o.asks(user, "GET", "/fhir/"+item, "")
		return status == 200
	}
	check := func(when string, want map[string]bool) {
		t.Helper()
		for who, yes := range want {
			user, item, _ := strings.Cut(who, " ")
			if sees(user, item) != yes {
				t.Errorf("%s: %s: %t", when, who, !yes)
			}
		}
		total := 0
		for _, item := range []string{"Condition/c1", "Condition/c2"} {
			if want["visitor "+item] {
				total++
			}
		}
		if n := o.total("visitor", "/fhir/Condition?patient={citizen}"); n != total {
			t.Errorf("%s: the total tells of %d", when, n)
		}
		if got := len(o.sees("visitor", "Asthma", "/record/{citizen}", "/fhir/Patient/{citizen}/$everything")) == 2; got != want["visitor Condition/c1"] {
			t.Errorf("%s: the page or $everything: %t", when, got)
		}
	}
	check("agreed", map[string]bool{"visitor Condition/c1": true, "visitor Condition/c2": true, "visitor MedicationRequest/m1": true, "visitor ServiceRequest/referral": true, "citizen Condition/c1": true})
	n, err := o.Region.Store.N(t.Context())
	o.agreed("n", err)
	os := region.OperatorSubject()
	_, err = o.Region.WithdrawAgreement(t.Context(), os, direct)
	o.agreed("withdraw", err)
	check("withdrawn", map[string]bool{"visitor Condition/c1": false, "visitor MedicationRequest/m1": false, "visitor ServiceRequest/referral": true,
		"gp Condition/c1": true, "gp Condition/c2": false, "doctor Condition/c2": true, "doctor Condition/c1": false, "citizen Condition/c1": false})
	if got := o.total("visitor", "/fhir/Patient?family=Adeyemi"); got != 0 {
		t.Errorf("found by name: %d", got)
	}
	for age, yes := range map[int]bool{75: true, 76: false} { // she is 75
		_, err = o.Region.PutAgreement(t.Context(), os, fmt.Appendf(nil, narrow, age))
		o.agreed("narrow", err)
		check(fmt.Sprint("from ", age), map[string]bool{"visitor Condition/c1": yes, "visitor Condition/c2": false, "visitor MedicationRequest/m1": false, "visitor ServiceRequest/referral": true, "doctor Condition/c1": false})
	}
	s, err := o.Subject("visitor")
	o.agreed("visitor", err)
	g, err := o.Region.Access.RecordAt(t.Context(), s, o.citizen, "then", n)
	o.agreed("then", err)
	list, err := o.Region.Records.Open(t.Context(), g)
	o.agreed("then", err)
	if !slices.ContainsFunc(list.Of("Condition"), func(i record.Item) bool { return i.ID == "c1" }) {
		t.Error("what was agreed then is not in force as at then")
	}
}

// G17: an agreement for care that has run out goes on, and is escalated once a day.
func TestG17CareGoesOnAndIsEscalated(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	a, err := o.Region.RenewAgreement(t.Context(), region.OperatorSubject(), direct, o.Now().AddDate(0, 1, 0).Format(time.DateOnly))
	o.agreed("renew", err)
	o.Advance(a.Ends.Sub(o.Now()) + time.Hour)
	o.declares("visitor")
	if status, _ := o.asks("visitor", "GET", "/fhir/Condition/c1", ""); status != 200 {
		t.Errorf("care has stopped at the end of an agreement: %d", status)
	}
	escalated := func() (out []audit.Entry) {
		t.Helper()
		o.agreed("escalate", o.Region.Escalate(t.Context()))
		found, err := o.Region.Trail.Find(t.Context(), audit.Query{User: "selda:agreements", Limit: 100})
		o.agreed("trail", err)
		return found
	}
	escalated()
	if got := escalated(); len(got) != 1 || !strings.Contains(got[0].What, direct) || !strings.Contains(got[0].Reason, "section 251B") {
		t.Fatalf("not escalated once: %+v", got)
	}
	o.Advance(24 * time.Hour)
	if got := escalated(); len(got) != 2 {
		t.Errorf("not escalated again the next day: %d", len(got))
	}
	s, err := o.Subject("governance")
	o.agreed("governance", err)
	_, err = o.Region.RenewAgreement(t.Context(), s, direct, o.Now().AddDate(1, 0, 0).Format(time.DateOnly))
	o.agreed("renew", err)
	o.Advance(24 * time.Hour)
	if got := escalated(); len(got) != 2 {
		t.Errorf("renewed, and escalated: %d", len(got))
	}
}

// G17: a controller suspends its own data, at once and for nobody else's.
func TestG17AControllerSuspendsItsOwn(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("RJZ:PAS", "Condition", "c2", `"code":{"text":"Fracture"},`+atKings)
	o.declares("visitor")
	guardian, err := o.Subject("guardian") // of King's
	o.agreed("guardian", err)
	for p, yes := range map[agreement.Party]bool{"G85915": false, agreement.All: false, "RJZ": true} {
		_, err := o.Region.SuspendAgreement(t.Context(), guardian, direct, agreement.Suspension{From: []agreement.Party{p}, Since: o.Now(), Reason: "a feed that mixes people up", By: "guardian"})
		if (err == nil) != yes {
			t.Errorf("%s: %v", p, err)
		}
	}
	for item, want := range map[string]int{"Condition/c1": 200, "Condition/c2": 404} {
		if status, _ := o.asks("visitor", "GET", "/fhir/"+item, ""); status != want {
			t.Errorf("%s: %d", item, status)
		}
	}
	for _, user := range []string{"gp", "privacy", "engineer", "citizen", "analyst"} {
		s, err := o.Subject(user)
		o.agreed(user, err)
		if _, err := o.Region.ResumeAgreement(t.Context(), s, direct, "RJZ"); err == nil {
			t.Errorf("%s changes what is agreed", user)
		}
	}
	_, err = o.Region.ResumeAgreement(t.Context(), guardian, direct, "RJZ")
	o.agreed("resume", err)
	if status, _ := o.asks("visitor", "GET", "/fhir/Condition/c2", ""); status != 200 {
		t.Errorf("it does not flow again: %d", status)
	}
	if at := o.Region.Agreements.At(store.Latest); at.Find(direct) == nil {
		t.Error("gone")
	}
}

// R14: who looked at somebody before two identities were found to be one person is
// told of the one person, and what was put off or kept then still is; an undone merge
// parts them again.
func TestR14WhoLookedBeforeAMerge(t *testing.T) {
	o := known(t)
	o.writes("RN7:PAS", "Patient", "p-rn7", `"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`)
	apart, err := o.Region.Store.Search(t.Context(), store.Query{Type: "Patient", Groups: [][]string{{"born:1951-11-05"}}, N: store.Latest, Limit: 10}, &policy.Predicate{Permit: true, Everything: true})
	o.agreed("search", err)
	var ids []store.Subject
	for _, f := range apart {
		if f.ID == "p-rn7" {
			ids = append(ids, f.Subject)
		}
	}
	other, err := o.Region.Store.CitizenID(t.Context(), ids[0])
	o.agreed("citizen", err)
	visitor, err := o.Subject("visitor")
	o.agreed("visitor", err)
	o.agreed("declare", o.Region.Access.Declare(t.Context(), visitor, other, ""))
	if status, _ := o.asks("visitor", "GET", "/record/"+other, ""); status != 200 {
		t.Fatal(status)
	}
	if where := o.sees("citizen", "Priya", "/me/looked"); len(where) > 0 {
		t.Fatal("another person's looks are told")
	}
	o.Advance(time.Minute)
	o.agreed("merge", o.Region.Store.Commit(t.Context(), func(tx ingest.Tx) error {
		if _, err := tx.Begin(o.Now(), "RJZ:PAS", 0); err != nil {
			return err
		}
		keep, err := o.Region.Store.Citizen(t.Context(), o.citizen, store.Latest)
		if err != nil {
			return err
		}
		return mpi.Merge(tx, keep.Subjects[0].Subject, ids[0], "merge", "A40", "they are one person", o.Now(), 0)
	}))
	if where := o.sees("citizen", "Priya", "/me/looked", "/fhir/AuditEvent?patient="+o.citizen); len(where) != 2 {
		t.Errorf("who looked before the merge is told at %v", where)
	}
	events, err := o.Region.Store.Events(t.Context(), 1)
	o.agreed("events", err)
	o.agreed("undo", o.Region.Store.Commit(t.Context(), func(tx ingest.Tx) error {
		if _, err := tx.Begin(o.Now(), "RJZ:PAS", 0); err != nil {
			return err
		}
		return mpi.Undo(tx, events[0].ID, o.Now())
	}))
	if where := o.sees("citizen", "Priya", "/me/looked", "/fhir/AuditEvent?patient="+o.citizen); len(where) > 0 {
		t.Errorf("another person's looks are told at %v once they are parted again", where)
	}
}
