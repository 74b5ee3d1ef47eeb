package testenv

import (
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/nhs"
)

// G1: a purpose that somebody chooses holds for every way of reading, shows no more than it
// needs, and stands in the trail and in the AuditEvents of it.
func TestG1APurposeNarrowsEveryAnswer(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "AllergyIntolerance", "a1", `"patient":{"reference":"Patient/p-g85915"},"code":{"text":"Penicillin"}`)
	o.writes("G85915:GP", "Appointment", "b1", `"status":"booked","start":"2026-11-30T09:00:00Z","end":"2026-11-30T09:10:00Z","description":"Blood pressure check","participant":[{"actor":{"reference":"Patient/p-g85915"},"status":"accepted"}]`)
	ways := []string{"/record/{citizen}", "/fhir/AllergyIntolerance?patient={citizen}", "/fhir/Patient/{citizen}/$everything", "/fhir/Appointment?patient={citizen}&_revinclude=AllergyIntolerance:patient"}
	if where := o.sees("gp", "Penicillin", ways[:3]...); len(where) != 3 {
		t.Fatal("for care they see", where)
	}
	token, err := o.Region.Auth.Token(t.Context(), "gp", nhs.RecordAdmin, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	o.tokens["gp"] = token
	if where := o.sees("gp", "Penicillin", ways...); len(where) != 0 {
		t.Error("for booking they see", where)
	}
	if where := o.sees("gp", "Blood pressure check", "/fhir/Appointment?patient={citizen}"); len(where) != 1 {
		t.Error("for booking they see no appointment")
	}
	if n := o.total("gp", "/fhir/AllergyIntolerance?patient="+o.citizen); n != 0 {
		t.Error("a total tells of", n)
	}
	if status, page := o.asks("gp", "GET", "/record/{citizen}", ""); status != 200 || !strings.Contains(page, "You act for") || !strings.Contains(page, `aria-current="true">booking and registration`) {
		t.Error(status, page)
	}
	if status, _ := o.posts("gp", "/record/"+o.citizen+"/emergency", "reason=emergency"); status != 403 {
		t.Error("booking opens an emergency:", status)
	}
	if status, _ := o.asks("gp", "GET", "/record/{citizen}/still?as=gp.G85915.TREAT", ""); status != 409 {
		t.Error("a page of before is not told:", status)
	}
	if status, _ := o.asks("gp", "GET", "/record/{citizen}/still?as=gp.G85915.PATADMIN", ""); status != 204 {
		t.Error("a page of now is told that it is of before:", status)
	}
	entries, err := o.Trail(t.Context(), audit.Query{User: "gp", Citizen: o.citizen, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	of := map[nhs.Purpose]int{}
	for _, e := range entries {
		of[e.Purpose]++
	}
	if of[nhs.Treatment] == 0 || of[nhs.RecordAdmin] == 0 {
		t.Error("the trail says", of)
	}
	if _, events := o.asks("citizen", "GET", "/fhir/AuditEvent?patient={citizen}", ""); !strings.Contains(events, `"PATADMIN"`) || !strings.Contains(events, `"patient administration"`) {
		t.Error("no AuditEvent says it:", events)
	}
	// Other purposes open no record, whatever the role sees for care.
	for _, p := range []nhs.Purpose{nhs.Complaint, nhs.Safeguarding, nhs.Research, nhs.PrivacyReview} {
		if o.tokens["gp"], err = o.Region.Auth.Token(t.Context(), "gp", p, time.Hour); err != nil {
			t.Fatal(err)
		}
		if status, _ := o.asks("gp", "GET", "/record/{citizen}", ""); status != 403 {
			t.Errorf("%s opens a record: %d", p, status)
		}
	}
}

// A page that is open when its user chooses another purpose says so; the purpose is one tap
// away on every page.
func TestG1AnOpenPageSaysThatThePurposeChanged(t *testing.T) {
	h := attacked(t)
	b := looks(t, h, "gp")
	b.Go(h.HTTP + "/record/" + h.citizen)
	b.Look("purpose-care-wide")
	b.Width(360)
	b.Look("purpose-care-narrow")
	b.Width(1280)
	b.Wait(`document.getElementById("ended").hidden`)
	// In another window.
	b.Eval(`fetch("/login/purpose", {method: "POST", redirect: "manual", body: new URLSearchParams({purpose: "PATADMIN"})}); ""`)
	b.Wait(`!document.getElementById("ended").hidden`)
	if text := b.Eval(`document.getElementById("ended").innerText`); !strings.Contains(text, "for another purpose, than when you opened this page") || strings.Contains(text, "signed out") {
		t.Error("the page says:", text)
	}
	b.Look("purpose-changed-wide")
	b.Go(h.HTTP + "/record/" + h.citizen)
	if text := b.Eval(`document.querySelector(".s-purpose").innerText`); !strings.Contains(text, "booking and registration") || !strings.Contains(text, "recorded for that") {
		t.Error("the page says:", text)
	}
	b.Look("purpose-booking-wide")
	b.Width(360)
	b.Look("purpose-booking-narrow")
	b.Press(`.s-purpose__other[value="TREAT"]`)
	if text := b.Eval(`location.pathname + " " + document.querySelector(".s-purpose strong").innerText`); text != "/record/"+h.citizen+" direct care" {
		t.Error("one tap leads to", text)
	}
	entries, err := h.Trail(t.Context(), audit.Query{User: "gp", Action: "purpose-change", Limit: 10})
	if err != nil || len(entries) != 2 || entries[0].Purpose != nhs.Treatment || entries[1].Purpose != nhs.RecordAdmin {
		t.Errorf("%+v %v", entries, err)
	}
}
