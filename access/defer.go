package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// This file keeps what G9 says of telling: the citizen is told of an emergency access
// by default. A privacy officer may put it off on a ground, until a review date, and
// another person agrees; and where there is a ground of safety, "who looked" shows
// role and organisation instead of a name. Both are entries of the trail, concealed
// ones, and what is in force is read from them: there is no other record of it.

// Ground is one on which telling is put off, or a name is kept.
type Ground struct{ Code, Words string }

// Grounds are those of G9.
var Grounds = []Ground{
	{"serious-harm", "Telling them now may seriously harm them or somebody else"},
	{"safeguarding", "A safeguarding enquiry"},
	{"crime", "It would get in the way of preventing or finding out a crime"},
	{"court-order", "A court has ordered it"},
}

func groundOf(code string) (Ground, bool) {
	i := slices.IndexFunc(Grounds, func(g Ground) bool { return g.Code == code })
	if i < 0 {
		return Ground{}, false
	}
	return Grounds[i], true
}

const (
	// Provisional is how long telling is put off before another person has agreed:
	// nobody puts it off alone.
	Provisional = 72 * time.Hour
	// MostDeferred is the latest review date: then it is decided again.
	MostDeferred = 90 * 24 * time.Hour
)

const (
	untilWords  = "until "
	agreedWords = "agreed"
	endedWords  = "ended"
	dayForm     = "2006-01-02"
)

// Deferral is the telling of one emergency access, put off.
type Deferral struct {
	Seq      uint64 // of the entry that asked for it
	About    uint64 // the emergency access
	By, Name string
	At       time.Time
	Ground   string // in words
	Review   time.Time
	Agreed   string    // who agreed; "" while nobody has
	Ended    time.Time // before its time; zero where it was not
}

// Until is when the citizen is told.
func (d *Deferral) Until() time.Time {
	if !d.Ended.IsZero() {
		return d.Ended
	}
	if d.Agreed == "" && d.At.Add(Provisional).Before(d.Review) {
		return d.At.Add(Provisional)
	}
	return d.Review
}

// InForce says whether the citizen is not told yet.
func (d *Deferral) InForce(now time.Time) bool { return now.Before(d.Until()) }

// Kept is what is not told to a citizen now: whose accesses, and whose names.
type Kept struct {
	now       time.Time
	Deferrals []Deferral
	deferred  []audit.Entry // the emergency accesses of deferrals in force
	shielded  map[string]bool
}

// Kept reads what is kept from a citizen now.
func (a *Access) Kept(ctx context.Context, citizen string) (*Kept, error) {
	const op = "access.Kept"
	k := &Kept{now: a.Now(), shielded: map[string]bool{}}
	q, err := a.of(ctx, citizen)
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, action := range []string{audit.Defer, audit.Shield} {
		q.Action, q.Limit = action, MaxReviewed
		found, err := a.Trail.Find(ctx, q)
		if err != nil {
			return nil, fault.E(op, err)
		}
		slices.Reverse(found) // the first comes first
		for _, e := range found {
			if e.Outcome != audit.Permit {
				continue
			}
			if action == audit.Defer {
				k.defers(e)
				continue
			}
			subject, err := a.Trail.Entry(ctx, e.About)
			if err != nil {
				return nil, fault.E(op, err)
			}
			until, err := time.Parse(dayForm, strings.TrimPrefix(e.What, untilWords))
			k.shielded[subject.User] = err == nil && k.now.Before(until)
		}
	}
	for i := range k.Deferrals {
		if d := &k.Deferrals[i]; d.InForce(k.now) {
			e, err := a.Trail.Entry(ctx, d.About)
			if err != nil {
				return nil, fault.E(op, err)
			}
			k.deferred = append(k.deferred, e)
		}
	}
	return k, nil
}

// defers takes up an entry about a deferral.
func (k *Kept) defers(e audit.Entry) {
	if day, ok := strings.CutPrefix(e.What, untilWords); ok {
		review, _ := time.Parse(dayForm, day)
		k.Deferrals = append(k.Deferrals, Deferral{Seq: e.Seq, About: e.About, By: e.User, Name: e.Name, At: e.At, Ground: e.Reason, Review: review})
		return
	}
	for i := range k.Deferrals {
		if d := &k.Deferrals[i]; d.Seq == e.About {
			switch e.What {
			case agreedWords:
				d.Agreed = e.Name
			case endedWords:
				d.Ended = e.At
			}
		}
	}
}

// Seen is an entry as the citizen may see it now; false where they may not know of
// it, or not yet. With an emergency access all is put off that its user did meanwhile.
func (k *Kept) Seen(s policy.Subject, e audit.Entry) (audit.Entry, bool) {
	for _, d := range k.deferred {
		if e.User == d.User && e.Seq >= d.Seq && !e.At.After(d.At.Add(policy.ClaimLasts)) {
			return audit.Entry{}, false
		}
	}
	shielded := k.shielded[e.User]
	e, ok := Seen(s, e)
	if shielded {
		e.Name = ""
	}
	return e, ok
}

// Emergencies are the emergency accesses to a record of which its citizen was told
// since a time: as they happened, or when putting it off ended.
func (a *Access) Emergencies(ctx context.Context, s policy.Subject, citizen string, since time.Time) (out []audit.Entry, err error) {
	const op = "access.Emergencies"
	q, err := a.of(ctx, citizen)
	if err != nil {
		return nil, fault.E(op, err)
	}
	q.Action, q.From = audit.BreakGlass, since.Add(-MostDeferred)
	found, err := a.Trail.Find(ctx, q)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	kept, err := a.Kept(ctx, citizen)
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, e := range found {
		told := e.At
		for i := range kept.Deferrals {
			if d := &kept.Deferrals[i]; d.About == e.Seq && d.Until().After(told) {
				told = d.Until()
			}
		}
		if seen, ok := kept.Seen(s, e); ok && e.Outcome == audit.Permit && !told.Before(since) {
			out = append(out, seen)
		}
	}
	return out, nil
}

// DeferTelling puts off that a citizen is told of an emergency access. It holds at
// once, and longer than Provisional only where another person agrees.
func (a *Access) DeferTelling(ctx context.Context, s policy.Subject, seq uint64, ground string, review time.Time) error {
	const op = "access.DeferTelling"
	g, ok := groundOf(ground)
	day := review.UTC().Truncate(24 * time.Hour)
	switch now := a.Now(); {
	case !ok:
		return fault.E(op, fault.Value, "choose one of the grounds in the list", "ground")
	case !day.After(now):
		return fault.E(op, fault.Value, "the review date is in the future", "review")
	case day.Sub(now) > MostDeferred:
		return fault.E(op, fault.Value, "the review date is at most 90 days away", "review")
	}
	return a.keep(ctx, op, s, seq, audit.Defer, untilWords+day.Format(dayForm), g.Words, func(e audit.Entry) error {
		if e.Action != audit.BreakGlass || e.Outcome != audit.Permit {
			return fault.E(op, fault.Value, "only the telling of an emergency access is put off")
		}
		return nil
	})
}

// AgreeToDefer has a second person agree that telling is put off, or end it.
func (a *Access) AgreeToDefer(ctx context.Context, s policy.Subject, seq uint64, agree bool) error {
	const op = "access.AgreeToDefer"
	what := agreedWords
	if !agree {
		what = endedWords
	}
	return a.keep(ctx, op, s, seq, audit.Defer, what, "", func(e audit.Entry) error {
		switch {
		case e.Action != audit.Defer || !strings.HasPrefix(e.What, untilWords):
			return fault.E(op, fault.NotFound, "there is no such deferral")
		case agree && e.User == s.User:
			return fault.E(op, fault.Security, "another person than who asked for it agrees")
		}
		about, err := a.Trail.Entry(ctx, e.About)
		if err == nil && about.User == s.User {
			err = fault.E(op, fault.Security, "nobody decides about what they did themselves")
		}
		return err
	})
}

// ShieldName has "who looked" show role and organisation instead of the name of the
// user of an entry, in that citizen's trail, until a day.
func (a *Access) ShieldName(ctx context.Context, s policy.Subject, seq uint64, ground string, until time.Time) error {
	const op = "access.ShieldName"
	g, ok := groundOf(ground)
	if !ok {
		return fault.E(op, fault.Value, "choose one of the grounds in the list", "ground")
	}
	return a.keep(ctx, op, s, seq, audit.Shield, untilWords+until.UTC().Format(dayForm), g.Words, func(audit.Entry) error { return nil })
}

// keep enters into the trail what is decided about an entry of the own organisation.
func (a *Access) keep(ctx context.Context, op string, s policy.Subject, seq uint64, action, what, reason string, fits func(audit.Entry) error) error {
	e := audit.From(s, action, what)
	e.About, e.Reason, e.Concealed, e.Rules = seq, reason, true, []string{"G9 telling the citizen"}
	about, err := a.Trail.Entry(ctx, seq)
	switch {
	case s.Role != nhs.PrivacyOfficer && s.Role != nhs.CaldicottGuardian || s.Organisation == "":
		err = fault.E(op, fault.Security, "only a privacy officer or Caldicott guardian may do this")
	case err != nil || about.Organisation != s.Organisation || about.Citizen == "":
		err = fault.E(op, fault.NotFound, "there is no such entry in this trail")
	case about.User == s.User && action != audit.Defer, about.User == s.User && about.Action == audit.BreakGlass:
		err = fault.E(op, fault.Security, "nobody decides about what they did themselves")
	default:
		e.Citizen = about.Citizen
		err = fits(about)
	}
	if err != nil {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	return err
}
