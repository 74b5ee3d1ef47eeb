package policy

import (
	"slices"
	"time"

	"selda/nhs"
)

// This file keeps G20: what counts as a death, what ends with it, and who looks at
// the record of somebody who has died.

// Death is that a source states that somebody has died.
type Death struct {
	By     nhs.Source
	Of     string    // the item that says so, "Patient/id"
	Stated time.Time // when it was recorded here
	At     time.Time // when they died; zero where it does not say
}

// Refuted is that a source's statement of a death was found to be wrong. It holds
// until a day: by then the source has corrected its own.
type Refuted struct {
	By          nhs.Source // who states the death
	From, Until time.Time
}

// Died is when somebody has died, as far as is known: one source's word is enough,
// since what ends with a death must not go on for another day, and is given back
// at once where it was wrong. A statement that was found to be wrong does not count.
func (f *Facts) Died(now time.Time) (at time.Time, dead bool) {
	for _, d := range f.Deaths {
		if f.refuted(d.By, now) {
			continue
		}
		when := d.At
		if when.IsZero() || when.After(now) {
			when = d.Stated
		}
		if !dead || when.Before(at) {
			at, dead = when, true
		}
	}
	return at, dead || f.Deceased
}

// notDead are the sources of whose word of a death it was found that it is wrong.
func (f *Facts) notDead(now time.Time) (out []nhs.Source) {
	for _, d := range f.Deaths {
		if f.refuted(d.By, now) && !slices.Contains(out, d.By) {
			out = append(out, d.By)
		}
	}
	return out
}

// aliveUntil is when the first of the findings ends by which a stated death does not
// count; zero where there is none.
func (f *Facts) aliveUntil(now time.Time) (first time.Time) {
	for _, d := range f.Deaths {
		var last time.Time
		for _, r := range f.Refuted {
			if r.By == d.By && !now.Before(r.From) && now.Before(r.Until) && r.Until.After(last) {
				last = r.Until
			}
		}
		if !last.IsZero() && (first.IsZero() || last.Before(first)) {
			first = last
		}
	}
	return first
}

func (f *Facts) refuted(by nhs.Source, now time.Time) bool {
	for _, r := range f.Refuted {
		if r.By == by && !now.Before(r.From) && now.Before(r.Until) {
			return true
		}
	}
	return false
}

// How long after a death its review may look at the record: a medical examiner
// looks before it is certified; inquests and reviews of children's deaths take longer.
const (
	ExaminedWithin = 90 * 24 * time.Hour
	ReviewedWithin = 3 * 366 * 24 * time.Hour
)

// reviewsDeaths says whether a role looks at records of the dead, and how long after a death.
func reviewsDeaths(r nhs.Role) (within time.Duration, ok bool) {
	switch r {
	case nhs.MedicalExaminer:
		return ExaminedWithin, true
	case nhs.Coroner, nhs.ChildDeathReviewer:
		return ReviewedWithin, true
	}
	return 0, false
}

// decideDeathReview decides for who reviews a death: of somebody who has died, for a
// while, for the case that the user has named, and nothing that was kept private.
func decideDeathReview(r Request, within time.Duration) Decision {
	const rule = "G20 review of a death"
	s := &r.Subject
	no := func(why string) Decision {
		d := deny(rule, why)
		d.MayDeclare = true
		return d
	}
	at, dead := r.Facts.Died(r.Now)
	age, known := Age(r.Facts.BirthDate, at)
	switch {
	case s.Purpose != nhs.DecedentReview:
		return deny(rule, "this role opens records to review a death, and for no other purpose")
	case s.Organisation == "":
		return deny(rule, "the account has no organisation")
	case !dead:
		return no("no source states that this person has died")
	case r.Now.After(at.Add(within)):
		return deny(rule, "the time for reviewing this death is over")
	case s.Role == nhs.ChildDeathReviewer && (!known || age >= 18):
		return deny(rule, "this was not a child's death")
	case !claimed(s, r.Now, r.Facts, false):
		return no("say first which case it is for")
	}
	d := Decision{Permit: true, MayDeclare: true, Predicate: Predicate{Permit: true, Own: s.Organisation, DataSets: clinical}, Rules: []string{rule + ": " + s.Role.Title()}}
	d.Predicate.Hidden, d.Predicate.HiddenOwn = audience(s.Role)
	agreements(&d, &r)
	restrain(&d, &r)
	objections(&d, r, false)
	return d
}
