package testenv

import (
	"strings"
	"testing"
	"time"
)

// G20: with a death what would remind somebody stops: neither they nor who acts for them
// is told of a booking, a repeat, an invitation or a result; who looks after them is told
// still. Where the death was wrong it goes on.
func TestG20NothingIsSentToTheDead(t *testing.T) {
	o := known(t)
	theirs, staff := listens(t), listens(t)
	o.helper("bola", "Bola Adeyemi")
	if status, page := o.lets("bola", "own-wish"); status != 200 {
		t.Fatal(status, page)
	}
	topics := map[string]string{"appointment": "Appointment", "medication": "MedicationRequest", "referral": "ServiceRequest", "result": "Observation"}
	for topic, typ := range topics {
		for user, h := range map[string]*heard{"citizen": theirs, "bola": theirs, "gp": staff} {
			o.subscribes(user, h.URL, topic, typ+"?patient="+o.citizen)
		}
	}
	settle := func() {
		t.Helper()
		if err := o.Region.Subscriptions.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	n := 0
	happens := func() (told, told2 int) {
		t.Helper()
		n++
		before, before2 := strings.Count(theirs.all(), "REMINDER"), strings.Count(staff.all(), "REMINDER")
		id := string(rune('a' + n))
		o.writes(ownGP, "Appointment", "ap-"+id, `"status":"booked","description":"REMINDER","start":"2026-12-06T09:00:00Z","end":"2026-12-06T09:10:00Z","participant":[{"actor":{"reference":"Patient/p-g85915"},"status":"accepted"}]`)
		o.writes(ownGP, "MedicationRequest", "mr-"+id, `"status":"active","intent":"order","medicationCodeableConcept":{"text":"REMINDER"},`+atGP)
		o.writes(ownGP, "ServiceRequest", "sr-"+id, `"status":"active","intent":"order","code":{"text":"REMINDER screening"},`+atGP)
		o.writes(ownGP, "Observation", "ob-"+id, `"status":"final","code":{"text":"REMINDER"},`+atGP)
		settle()
		return strings.Count(theirs.all(), "REMINDER") - before, strings.Count(staff.all(), "REMINDER") - before2
	}
	if told, told2 := happens(); told < 8 || told2 < 4 {
		t.Fatal("before the death they are told of", told, "and the practice of", told2)
	}
	o.dies(`,"deceasedDateTime":"2026-11-04"`)
	if told, told2 := happens(); told != 0 || told2 < 4 {
		t.Error("after the death they are told of", told, "and the practice of", told2)
	}
	for _, user := range []string{"citizen", "bola"} {
		if status, _ := o.asks(user, "POST", "/fhir/Appointment", `{"resourceType":"Appointment","status":"proposed","participant":[{"actor":{"reference":"Patient/`+o.citizen+`"},"status":"accepted"}]}`); status < 400 {
			t.Errorf("%s books: %d", user, status)
		}
	}
	o.posts("gp", "/record/"+o.citizen+"/death", "by=RJZ:PAS&reason=she+was+here")
	if told, _ := happens(); told < 8 {
		t.Error("the death was wrong, and they are told of", told)
	}
}

// G20: a finding that somebody is alive does not end in silence: a month before it ends the
// practice is asked to say it again, and the person is told to ask.
func TestG20AFindingDoesNotEndInSilence(t *testing.T) {
	o := known(t)
	o.dies(`,"deceasedDateTime":"2026-11-04"`)
	again := func() {
		t.Helper()
		if status, page := o.posts("gp", "/record/"+o.citizen+"/death", "by=RJZ:PAS&reason=she+was+here"); status != 200 {
			t.Fatal(status, page)
		}
	}
	again()
	asked := func(user, path string) bool {
		t.Helper()
		status, body := o.asks(user, "GET", path, "")
		if status != 200 {
			t.Fatal(user, path, status)
		}
		return strings.Contains(body, "so again before") || strings.Contains(body, "Ask the practice to do it again")
	}
	if asked("gp", "/record/{citizen}") || asked("citizen", "/me") {
		t.Error("it is asked 90 days before")
	}
	o.Advance(61 * 24 * time.Hour)
	if !asked("gp", "/record/{citizen}") || !asked("gp", "/record/{citizen}/problems") || !asked("citizen", "/me") {
		t.Error("it is not asked in the last month")
	}
	o.declares("doctor")
	if asked("doctor", "/record/{citizen}") {
		t.Error("who can't say it is asked")
	}
	again()
	if asked("gp", "/record/{citizen}") || asked("citizen", "/me") {
		t.Error("it was said again, and it is asked still")
	}
	o.Advance(90 * 24 * time.Hour)
	if status, _ := o.asks("citizen", "GET", "/me", ""); status == 200 {
		t.Error("nobody said it again, and the death does not count")
	}
}

// G20: the page of somebody who has died, and that on which it is said that they have
// not, as they look.
func TestG20ThePagesOfADeath(t *testing.T) {
	h := attacked(t)
	h.dies(`,"deceasedDateTime":"2026-11-04"`)
	b := looks(t, h, "gp")
	look := func(name, path string) {
		t.Helper()
		b.Go(h.HTTP + path)
		for width, how := range map[int64]string{1280: "wide", 360: "narrow"} {
			b.Width(width)
			if !strings.Contains(b.Eval(`document.querySelector(".s-banner").innerText`), "Died") {
				t.Error(name, how, "does not say that they have died")
			}
			b.Look("death-" + name + "-" + how)
		}
	}
	look("record", "/record/"+h.citizen)
	look("stated", "/record/"+h.citizen+"/death")
}
