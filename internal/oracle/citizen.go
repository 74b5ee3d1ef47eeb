package oracle

import (
	"slices"
	"time"
)

// opensOwn is of citizens and of those who act for them.
func (w World) opensOwn(r Reader) (bool, string) {
	if w.dead() {
		return false, "G20: citizen, proxy and attorney access ends"
	}
	if r.Role == "citizen" {
		// G11: "an own account from 13 where competent", "at 16 and 17 people are presumed
		// able". Nobody here was found competent.
		if years, known := w.age(); known && years < 16 && r.Number == w.Number {
			return false, "G11: a child's own account, where they were found competent"
		}
		return r.Number == w.Number, "the own record"
	}
	if !slices.Contains(r.For, w.Number) {
		return false, "G11: acts for somebody else"
	}
	years, known := w.age()
	switch {
	case !known:
		return false, "G11: the age is not known"
	case years >= 16:
		return false, "G11: parents' access ends at 16"
	}
	return true, "G11: a parent"
}

// age is the citizen's: where sources differ, the older, so that none widens what a
// parent sees.
func (w World) age() (years int, known bool) {
	for _, p := range w.latest("Patient") {
		if n, ok := age(text(p.Body, "birthDate"), w.Now); ok && (!known || n > years) {
			years, known = n, true
		}
	}
	return years, known
}

// dead: G20, "from demographics, ADT or a registration; reversible when wrong".
func (w World) dead() bool {
	for _, p := range w.latest("Patient") {
		if yes, is := p.Body["deceasedBoolean"].(bool); is && yes || text(p.Body, "deceasedDateTime") != "" {
			return true
		}
	}
	return false
}

// from11 is what somebody needs to take a child of 11 to 15 to care; the rest is the
// child's.
var from11 = []string{"demographics", "allergies", "immunisations", "appointments"}

// final says whether a result or a letter is finished: one that is not has not been
// checked by who is to answer for it, and does not reach the citizen.
func final(item Sent) bool {
	status := text(item.Body, "status")
	if item.Type == "DocumentReference" {
		status = text(item.Body, "docStatus")
	}
	return !item.Deleted && !slices.Contains([]string{"registered", "partial", "preliminary"}, status)
}

// reported is when a result or a letter was issued, as its author says; else when it
// came. From then on clinicians have had it.
func reported(item Sent) time.Time {
	for _, name := range []string{"issued", "date"} {
		if from, _, ok := span(text(item.Body, name)); ok {
			return earlier(from, item.At)
		}
	}
	return item.At
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// released: G10, "the citizen does not get the record unreviewed. … results after a
// clinician's review or a set delay"; letters too, as the page of the rules says:
// after 7 days. "The same rule covers apps, … and proxies." G11: proxy access
// "narrows at 11".
func (w World) released(r Reader, item Sent) Verdict {
	if r.Role != "citizen" && r.Role != "proxy" {
		return shown("")
	}
	if years, _ := w.age(); r.Role == "proxy" && years >= 11 && !slices.Contains(from11, kind(item)) {
		return hidden("G11: narrows at 11")
	}
	if k := kind(item); k != "results" && k != "documents" {
		return shown("")
	}
	if !final(item) {
		return hidden("G10: not finished")
	}
	if !w.Now.Before(reported(item).Add(7 * 24 * time.Hour)) {
		return shown("")
	}
	for _, seen := range w.Reviewed {
		if seen.Type == item.Type && seen.ID == item.ID && !seen.At.Before(item.At) {
			return shown("")
		}
	}
	return hidden("G10: not yet reviewed")
}
