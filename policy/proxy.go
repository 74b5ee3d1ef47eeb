package policy

import (
	"slices"
	"time"

	"selda/nhs"
)

// This file keeps G11: who acts for a citizen, as what, and how far that goes at
// each age. What is known of it comes as facts with a source and an end.

// ActingAs is as what somebody acts for another.
type ActingAs string

// The kinds of G11.
const (
	Parent   ActingAs = "parental-responsibility"
	Wish     ActingAs = "own-wish"
	Attorney ActingAs = "attorney" // for health and welfare
	Deputy   ActingAs = "deputy"   // appointed by the Court of Protection
)

// Acting is that somebody acts for a citizen.
type Acting struct {
	ID       string // of the RelatedPerson that says so
	User     string // the account that acts
	As       ActingAs
	From, To time.Time // a zero To is for as long as its kind lasts
	Ended    bool      // before its time
	Evidence string    // what was seen; "" where nothing was
	Decided  time.Time // when the practice decided last
	// Whole: it was decided for a child of 11 or more that the parent sees all,
	// since the child can't decide.
	Whole bool
	// DataSets are what a person chose to show, or a court named; 0 is all.
	DataSets DataSets
}

// Capacity is what a clinician found when they assessed whether somebody can
// decide for themselves; of a child, whether they are competent. It holds until
// it is to be looked at again.
type Capacity struct {
	Able     bool
	Assessed time.Time
	Review   time.Time
}

// Ages that the rule names.
const (
	narrowsAt    = 11
	ownAccountAt = 13
	adultAt      = 16
)

// lacking says whether somebody was found not to be able to decide, and that holds.
func (f *Facts) lacking(now time.Time) bool { c, ok := f.assessed(now); return ok && !c.Able }

// competent says whether a child was found to be able to decide.
func (f *Facts) competent(now time.Time) bool { c, ok := f.assessed(now); return ok && c.Able }

// assessed is the last assessment, where it still holds.
func (f *Facts) assessed(now time.Time) (last Capacity, ok bool) {
	for _, c := range f.Capacity {
		if !c.Assessed.After(now) && !c.Assessed.Before(last.Assessed) {
			last, ok = c, true
		}
	}
	return last, ok && now.Before(last.Review)
}

// AbleToDecide says whether somebody decides for themselves who acts for them:
// from 16 unless they were found not to be able (Mental Capacity Act, s. 1(2));
// before, where they were found competent.
func (f *Facts) AbleToDecide(now time.Time) bool {
	if age, known := Age(f.BirthDate, now); known && age < adultAt {
		return f.competent(now)
	}
	return !f.lacking(now)
}

// AbleToStop says whether somebody may end that another acts for them: unless they
// were found not to be able to decide. A child who signs in to their own account was
// found competent.
func (f *Facts) AbleToStop(now time.Time) bool { return !f.lacking(now) }

// Stand is how somebody's acting stands at a time.
type Stand struct {
	Holds bool
	Rule  string // of the decision, where it holds
	Why   string // it does not hold, in words
	Until time.Time
	Sees  DataSets
}

// Stands says whether an acting holds at a time, and what it shows.
func (f *Facts) Stands(a *Acting, now time.Time) Stand {
	no := func(why string) Stand { return Stand{Why: why} }
	sees := AllDataSets &^ SetOf(Preferences)
	if a.DataSets != 0 {
		sees &= a.DataSets | SetOf(Demographics, Directory)
	}
	age, known := Age(f.BirthDate, now)
	switch {
	case now.Before(a.From):
		return no("it has not begun")
	case a.Ended || !a.To.IsZero() && !now.Before(a.To):
		return no("it has ended")
	case a.Evidence == "":
		return no("no evidence of it was seen")
	}
	yes := Stand{Holds: true, Sees: sees, Until: a.To}
	switch a.As {
	case Parent:
		return f.parent(a, yes, age, known, now)
	case Wish:
		yes.Rule = "G11 proxy by the person's own wish"
	case Attorney, Deputy:
		yes.Rule = "G11 attorney for health and welfare, capacity is lacking"
		if a.As == Deputy {
			yes.Rule = "G11 deputy, capacity is lacking"
		}
		c, _ := f.assessed(now)
		switch {
		case !known || age < adultAt:
			return no("nobody is attorney or deputy for a child")
		case !f.lacking(now):
			return no("it holds only while the person can't decide for themselves, as a clinician has found")
		case yes.Until.IsZero() || c.Review.Before(yes.Until):
			yes.Until = c.Review
		}
	default:
		return no("it is not known as what they act")
	}
	return yes
}

// parent is how far parental responsibility goes: it narrows at 11, is decided
// again, and ends at 16.
func (f *Facts) parent(a *Acting, yes Stand, age int, known bool, now time.Time) Stand {
	if !known || age >= adultAt {
		return Stand{Why: "a parent's access ends at 16"}
	}
	birthday := func(years int) time.Time { return f.BirthDate.AddDate(years, 0, 0) }
	until := birthday(adultAt)
	yes.Rule = "G11 proxy of a child under 11"
	if age >= narrowsAt {
		yes.Rule = "G11 proxy of a child of 11 to 15: narrowed"
		if a.Whole && !a.Decided.Before(birthday(narrowsAt)) && !f.competent(now) {
			yes.Rule = "G11 proxy of a child of 11 to 15 who can't decide: the practice has decided again"
		} else {
			yes.Sees &= SetOf(Demographics, Allergies, Immunisations, Appointments, Directory)
		}
	} else {
		until = birthday(narrowsAt)
	}
	if yes.Until.IsZero() || until.Before(yes.Until) {
		yes.Until = until
	}
	return yes
}

// actingFor are those of the facts that are about a subject. An account that
// names the person, of whom the record says nothing, counts as parental
// responsibility that the operator saw; what the record says goes before it.
func actingFor(r *Request) (out []Acting) {
	for _, a := range r.Facts.Acting {
		if a.User == r.Subject.User && a.User != "" {
			out = append(out, a)
		}
	}
	if out == nil && slices.ContainsFunc(r.Subject.For, func(n nhs.Number) bool { return has(r.Facts.NHSNumbers, n) }) {
		out = append(out, Acting{User: r.Subject.User, As: Parent, Evidence: "the account names the person"})
	}
	return out
}

// decideProxy decides for who acts for a citizen. What the citizen keeps private
// by their own word stays hidden from them, whatever the age.
func decideProxy(r Request, p Predicate) Decision {
	why := "you are not recorded as acting for this person"
	best := Stand{}
	for _, a := range actingFor(&r) {
		s := r.Facts.Stands(&a, r.Now)
		switch {
		case !s.Holds:
			why = s.Why
		case !best.Holds:
			best = s
		default: // of two the wider counts, where one is
			if best.Sees&^s.Sees == 0 {
				best = s
			}
		}
	}
	if !best.Holds {
		return deny("G11 proxy", why)
	}
	p.DataSets = best.Sees
	d := Decision{Permit: true, Predicate: p, Rules: []string{best.Rule}}
	restrain(&d, &r)
	return keptPrivate(d, r)
}
