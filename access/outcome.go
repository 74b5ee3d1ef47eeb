package access

import (
	"context"
	"slices"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Outcome is what a review of an access came to. One that does not close
// leaves the case where it is, with the outcome beside it.
type Outcome struct {
	Code, Words string
	Closes      bool
}

// Outcomes are those that a privacy officer chooses from.
var Outcomes = []Outcome{
	{"justified", "Justified: the access was right", true},
	{"unjustified", "Not justified: taken up with the user and their manager", true},
	{"asked", "The user was asked, and has yet to answer", false},
	{"guardian", "Handed to the Caldicott guardian", false},
}

// OutcomeOf finds the outcome that an entry of a review records, by its words.
func OutcomeOf(e audit.Entry) Outcome {
	for _, o := range Outcomes {
		if o.Words == e.Reason {
			return o
		}
	}
	return Outcome{Words: e.Reason}
}

const (
	// ReviewSpan is how far back accesses are looked at for review.
	ReviewSpan = 30 * 24 * time.Hour
	// MaxReviewed is how many entries of an action are looked through.
	MaxReviewed = 5000
)

// Reviewed are the entries of an organisation's users that a review is about,
// of each action the latest first: questions about them, emergency accesses,
// declarations, reads, and searches with a sign; and what reviews came to.
func (a *Access) Reviewed(ctx context.Context, o nhs.ODS) (accesses, reviews []audit.Entry, err error) {
	const op = "access.Reviewed"
	if o == "" {
		return nil, nil, fault.E(op, fault.Security, "the account has no organisation")
	}
	for _, action := range []string{audit.Ask, audit.BreakGlass, audit.Declare, audit.Read, audit.Search, audit.Review} {
		found, err := a.Trail.Find(ctx, audit.Query{Organisation: o, Action: action, From: a.Now().Add(-ReviewSpan), Limit: MaxReviewed})
		if err != nil {
			return nil, nil, fault.E(op, err)
		}
		switch action {
		case audit.Review:
			reviews = found
		case audit.Search: // whom one has found is reviewed where there is a sign to look at
			accesses = append(accesses, slices.DeleteFunc(found, func(e audit.Entry) bool { return len(e.Signs) == 0 })...)
		default:
			accesses = append(accesses, found...)
		}
	}
	return accesses, reviews, nil
}

// RecordOutcome records what the review of an access came to: an entry of its
// own in the trail, which refers to the entry that was looked at. Reviews are
// of the own organisation's users (G2), and of nobody's own doing.
func (a *Access) RecordOutcome(ctx context.Context, s policy.Subject, seq uint64, code string) error {
	const op = "access.RecordOutcome"
	var outcome Outcome
	for _, o := range Outcomes {
		if o.Code == code {
			outcome = o
		}
	}
	if outcome.Code == "" {
		return fault.E(op, fault.Value, "choose what the review came to")
	}
	e := audit.From(s, audit.Review, "an access")
	e.About, e.Reason, e.Rules = seq, outcome.Words, []string{"G2 own organisation's trail"}
	err := a.mayReview(ctx, s, seq)
	if err != nil {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if err != nil {
		return fault.E(op, err)
	}
	return nil
}

// mayReview says whether somebody may record what the review of an entry came to.
func (a *Access) mayReview(ctx context.Context, s policy.Subject, seq uint64) error {
	const op = "access.mayReview"
	if s.Role != nhs.PrivacyOfficer && s.Role != nhs.CaldicottGuardian || s.Organisation == "" {
		return fault.E(op, fault.Security, "only a privacy officer may do this")
	}
	accesses, reviews, err := a.Reviewed(ctx, s.Organisation)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(accesses, func(e audit.Entry) bool { return e.Seq == seq })
	switch {
	case i < 0:
		return fault.E(op, fault.NotFound, "there is no such entry in this trail")
	case accesses[i].User == s.User:
		return fault.E(op, fault.Security, "nobody reviews what they did themselves")
	}
	for _, e := range reviews {
		if e.About == seq && e.Outcome == audit.Permit && OutcomeOf(e).Closes {
			return fault.E(op, fault.Conflict, "this has been reviewed already")
		}
	}
	return nil
}
