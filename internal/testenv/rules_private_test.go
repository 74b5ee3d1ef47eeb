package testenv

import (
	"strings"
	"testing"

	"selda/auth"
	"selda/nhs"
)

// G11: what a child keeps private by their own word is hidden from who acts for
// them, by every way, and that they do is hidden, too; what was decided for the
// child is not hidden from those who decide.
func TestG11WhatAChildKeepsPrivate(t *testing.T) {
	o := known(t)
	o.child("2013-04-19") // 13: a parent sees what a child needs to be taken to care
	s, err := o.Subject("parent")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Region.Auth.Accounts.Put(auth.Account{User: "kofi", Name: "Kofi Mensah", Role: nhs.Citizen, NHSNumber: s.For[0]}); err != nil {
		t.Fatal(err)
	}
	about := `"patient":{"reference":"Patient/kofi"}`
	o.writes("G85915:GP", "Immunization", "c1", `"status":"completed","vaccineCode":{"text":"PRIVATETHING"},"occurrenceDateTime":"2026-01-01",`+about)
	o.writes("G85915:GP", "Immunization", "c2", `"status":"completed","vaccineCode":{"text":"MMR"},"occurrenceDateTime":"2020-01-01",`+about)
	paths := []string{"/for/{citizen}", "/for/{citizen}/record", "/for/{citizen}/looked", "/fhir/Immunization?patient={citizen}", "/fhir/Immunization/c1", "/fhir/Patient/{citizen}/$everything", "/fhir/Consent?patient={citizen}"}
	if where := o.sees("parent", "PRIVATETHING", paths...); len(where) < 3 {
		t.Fatal("the parent does not see it to begin with", where)
	}
	// The practice states for the parent that services are not to see it: the parent still does.
	form := "choice=object&authority=parent&evidence=birth+certificate+seen&save=yes"
	if status, page := o.posts("gp", "/record/"+o.citizen+"/sharing", form); status != 200 || !strings.Contains(page, "Saved.") {
		t.Fatal(status, page)
	}
	if n := o.total("parent", "/fhir/Immunization?patient={citizen}"); n != 2 {
		t.Errorf("decided by the parent, and the parent finds %d", n)
	}
	// The practice finds that the child is competent: they have their own account.
	if status, _ := o.asks("kofi", "GET", "/me", ""); status != 403 {
		t.Errorf("a child of thirteen, whom nobody has found competent, opens their own account: %d", status)
	}
	if status, page := o.posts("gp", "/record/"+o.citizen+"/people", "assess=able&about=talked+with+him+alone&review=2027-05-05"); status != 200 || !strings.Contains(page, "Saved.") {
		t.Fatal(status, page)
	}
	// The child keeps one thing private.
	if status, page := o.posts("kofi", "/me/sharing", "choice=item&item=Immunization%2Fc1&save=yes"); status != 200 || !strings.Contains(page, "Saved.") {
		t.Fatal(status, page)
	}
	if where := o.sees("parent", "PRIVATETHING", paths...); len(where) > 0 {
		t.Errorf("the parent sees it at %v", where)
	}
	if n := o.total("parent", "/fhir/Immunization?patient={citizen}"); n != 1 {
		t.Errorf("the parent finds %d", n)
	}
	if where := o.sees("parent", `"resourceType":"Consent"`, paths...); len(where) > 0 {
		t.Errorf("the parent reads what was stated at %v", where)
	}
	if where := o.sees("parent", "Kofi Mensah, citizen", "/for/{citizen}/looked"); len(where) > 0 {
		t.Error("the parent is told what the child does with their record")
	}
	if status, _ := o.posts("gp", "/record/"+o.citizen+"/sharing", strings.Replace(form, "parent", "in-person", 1)); status != 200 {
		t.Fatal(status)
	}
	if where := o.sees("parent", "face to face", "/for/{citizen}/looked", "/fhir/AuditEvent?patient={citizen}"); len(where) > 0 {
		t.Errorf("the parent is told at %v what the child said at the practice", where)
	}
	if n := o.total("kofi", "/fhir/Immunization?patient={citizen}"); n != 2 {
		t.Errorf("the child finds %d", n)
	}
}
