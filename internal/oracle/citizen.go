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
		// able".
		years, known := w.age()
		if able, found := w.assessed(); known && r.Number == w.Number && (years < 13 || years < 16 && !(found && able)) {
			return false, "G11: a child's own account, from 13 where they were found competent"
		}
		return r.Number == w.Number, "the own record"
	}
	why := "G11: acts for somebody else"
	for _, a := range w.actingOf(r) {
		opens, because := w.acts(a)
		if opens {
			return true, because
		}
		why = because
	}
	return false, why
}

// actingOf are as what the reader acts for the citizen: as the practice has said, or, where
// it has said nothing, as the parent for whom their account was made.
func (w World) actingOf(r Reader) (out []Acting) {
	for _, a := range w.Acting {
		if a.User == r.User {
			out = append(out, a)
		}
	}
	if len(out) == 0 && slices.Contains(r.For, w.Number) {
		out = append(out, Acting{User: r.User, As: "parental-responsibility"})
	}
	return out
}

// acts says whether somebody's acting opens the record now. G11: "parents' access ends at
// 16"; "Attorneys: health and welfare, registered, and only while capacity is lacking;
// deputies too."
func (w World) acts(a Acting) (bool, string) {
	years, known := w.age()
	able, found := w.assessed()
	switch {
	case !a.Until.IsZero() && !w.Now.Before(a.Until):
		return false, "G11: it has ended"
	case a.As == "own-wish":
		return true, "G11: as the person wishes"
	case !known:
		return false, "G11: the age is not known"
	case a.As == "parental-responsibility" && years >= 16:
		return false, "G11: parents' access ends at 16"
	case a.As == "parental-responsibility":
		return true, "G11: a parent"
	case years < 16 || !found || able:
		return false, "G11: an attorney or a deputy, only while capacity is lacking"
	}
	return true, "G11: an attorney or a deputy"
}

// assessed is what a clinician found last of whether the citizen can decide, where it is
// not to be looked at again yet.
func (w World) assessed() (able, found bool) {
	for _, a := range w.Assessed { // the latest is last
		able, found = a.Able, w.Now.Before(a.Review)
	}
	return able, found
}

// narrowed says whether a proxy sees but a part: G11, a parent's access "narrows at 11 and
// is decided again": so that it stays whole the practice decides it after that birthday,
// of a child who can't decide.
func (w World) narrowed(r Reader) bool {
	years, _ := w.age()
	for _, a := range w.actingOf(r) {
		if opens, _ := w.acts(a); !opens {
			continue
		}
		able, found := w.assessed()
		again := a.Whole && w.yearsAt(a.At) >= 11 && !(found && able)
		if a.As != "parental-responsibility" || years < 11 || again {
			return false
		}
	}
	return true
}

// yearsAt is the citizen's age at another time.
func (w World) yearsAt(t time.Time) int {
	w.Now = t
	years, _ := w.age()
	return years
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
		if w.refuted(p.Source) {
			continue
		}
		if yes, is := p.Body["deceasedBoolean"].(bool); is && yes || text(p.Body, "deceasedDateTime") != "" {
			return true
		}
	}
	return false
}

// refuted: G20, "reversible when wrong": what the practice found to be wrong does not
// count, whatever its source repeats, for 90 days, in which the source corrects it.
func (w World) refuted(source string) bool {
	return slices.ContainsFunc(w.Refuted, func(f Refuted) bool { return f.Source == source && w.Now.Before(f.At.Add(90*24*time.Hour)) })
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
	if r.Role == "proxy" && w.narrowed(r) && !slices.Contains(from11, kind(item)) {
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
