package rights

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"selda/fault"
	"selda/nhs"
)

// Did is what is done to a case.
type Did string

// What is done.
const (
	Received           Did = "received"
	AskedIdentity      Did = "asked-identity"
	ShownIdentity      Did = "shown-identity"
	AskedClarification Did = "asked-clarification"
	Clarified          Did = "clarified"
	Extended           Did = "extended"
	HandedOver         Did = "handed-over"
	SentToSource       Did = "sent-to-source"
	Restrained         Did = "restrained" // for as long as the case, or as its outcome
	Announced          Did = "announced"  // that the restriction ends, and when (Art 18(3))
	Lifted             Did = "lifted"
	NoteTaken          Did = "note-taken-out"
	Reviewing          Did = "reviewed" // an item of a copy, or the rest
	Noted              Did = "noted"
	Destroyed          Did = "destroyed"    // what was approved; the exchange says so itself
	Approved           Did = "approved"     // a disposal, by another person than who proposed it
	AskedLetIn         Did = "asked-let-in" // that what was destroyed may come in again
	LetIn              Did = "let-in"       // by another person
	Withdrawn          Did = "withdrawn"
	Decided            Did = "decided"
)

// Outcome is what a case came to.
type Outcome struct {
	Kind        Kind
	Code, Words string
	Plain       string // to the person
	Reason      bool   // needs a reason, or an exemption, in words
}

// Outcomes are those of each kind.
var Outcomes = []Outcome{
	{Access, "released", "Released", "Your copy is ready.", false},
	{Access, "nothing", "Nothing is kept", "This organisation keeps nothing about you here.", false},
	{Access, "refused", "Refused: plainly unfounded or excessive (Art 12(5))", "Your request was refused.", true},
	{Correction, "corrected", "Corrected by its source", "It has been corrected.", false},
	{Correction, "disputed", "Not changed: a note of dispute stands beside it", "It was not changed. A note now stands beside it, that says that you disagree.", true},
	{Correction, "refused", "Not changed, and no note", "It was not changed.", true},
	{Restriction, "restricted", "Restricted", "It is kept, and not used.", false},
	{Restriction, "refused", "Not restricted", "It is used as before.", true},
	{Erasure, "removed", "Removed", "It has been removed.", false},
	{Erasure, "refused", "Kept: an exemption applies", "It is kept, since the law says so.", true},
	{Objection, "upheld", "Upheld", "Your objection was accepted.", true},
	{Objection, "refused", "Not upheld: compelling grounds", "Your objection was not accepted.", true},
	{Disposal, "destroyed", "Destroyed", "It was kept long enough, and has been destroyed.", false},
	{Disposal, "kept", "Kept on", "It is kept on.", true},
}

// OutcomeOf finds an outcome of a kind.
func OutcomeOf(k Kind, code string) (Outcome, bool) {
	i := slices.IndexFunc(Outcomes, func(o Outcome) bool { return o.Kind == k && o.Code == code })
	if i < 0 {
		return Outcome{}, false
	}
	return Outcomes[i], true
}

// OutcomesOf are those of a kind.
func OutcomesOf(k Kind) (out []Outcome) {
	for _, o := range Outcomes {
		if o.Kind == k {
			out = append(out, o)
		}
	}
	return out
}

// Lifts is how many days before it ends a restriction's end is told, at least.
const Lifts = 7

// Act moves a case on. It says what is wrong where that can't be done, and changes
// nothing then.
func (c Case) Act(s Step) (Case, error) {
	const op = "rights.Act"
	s.Words = strings.TrimSpace(s.Words)
	if len(s.Words) > maxWords || !utf8.ValidString(s.Words) {
		return c, fault.E(op, fault.Value, "write it in at most 2,000 letters", "words")
	}
	if c.State == Closed && !slices.Contains([]Did{Announced, Lifted, Noted, NoteTaken, AskedLetIn, LetIn}, s.Did) {
		return c, fault.E(op, fault.Conflict, "the case is closed")
	}
	if n := len(c.Steps); n > 0 && s.At.Before(c.Steps[n-1].At) {
		return c, fault.E(op, fault.Conflict, "somebody else has done something meanwhile: look again")
	}
	next, err := c.moved(s)
	if err != nil {
		return c, err
	}
	next.Steps = append(slices.Clone(c.Steps), s)
	return next, nil
}

// needs are the words that a step can't go without.
var needs = map[Did]string{
	AskedIdentity: "write what they are asked to show", ShownIdentity: "write how they have shown who they are",
	AskedClarification: "write what they are asked", Clarified: "write what they have answered",
	Extended: "write why it takes longer: the person is told", HandedOver: "write why it is handed over",
	Announced: "write why the restriction ends: the person is told", Restrained: "write why", Noted: "write the note", AskedLetIn: "write why it may come in again", NoteTaken: "write why the note is taken out",
}

func (c Case) moved(s Step) (Case, error) {
	const op = "rights.Act"
	bad := func(k fault.Kind, words string) (Case, error) { return c, fault.E(op, k, words) }
	if words, ok := needs[s.Did]; ok && s.Words == "" {
		return c, fault.E(op, fault.Value, words, "words")
	}
	switch s.Did {
	case AskedIdentity:
		if c.State != Working || c.Asked.By == ByPerson {
			return bad(fault.Conflict, "who asks is known, or is asked already")
		}
		c.State = AwaitingIdentity
	case ShownIdentity:
		if c.State != AwaitingIdentity {
			return bad(fault.Conflict, "nobody has been asked to show who they are")
		}
		c.State = Working
	case AskedClarification:
		if c.State != Working {
			return bad(fault.Conflict, "something is awaited already")
		}
		c.State = AwaitingClarification
	case Clarified:
		if c.State != AwaitingClarification {
			return bad(fault.Conflict, "nothing was asked")
		}
		c.State = Working
	case Extended:
		return c.extended(s)
	case HandedOver:
		if _, err := nhs.ParseODS(string(s.To)); err != nil || s.To == c.Controller {
			return c, fault.E(op, fault.Value, "say to which other organisation, by its code", "to")
		}
		c.Controller = s.To
	case SentToSource:
		if c.Asked.Kind != Correction || c.State != Working {
			return bad(fault.Conflict, "only a correction goes to the source")
		}
		c.State = WithSource
	case Restrained, Announced, Lifted:
		return c.restraint(s)
	case NoteTaken:
		if _, gone := c.Last(NoteTaken); c.Outcome != "disputed" || gone {
			return bad(fault.Conflict, "no note of dispute stands there")
		}
	case Approved:
		switch _, done := c.Last(Approved); {
		case c.Asked.Kind != Disposal:
			return bad(fault.Conflict, "a disposal is approved, and nothing else")
		case s.By.User == c.Asked.Who.User:
			return bad(fault.Security, "another person approves what you have proposed")
		case done:
			return bad(fault.Conflict, "it is approved already")
		}
	case AskedLetIn, LetIn:
		return c.letIn(s)
	case Destroyed:
		if c.Asked.Kind != Disposal && c.Asked.Kind != Erasure || s.By.Role != nhs.Operator {
			return bad(fault.Security, "that something was destroyed is told by who carried it out")
		}
	case Reviewing, Noted:
	case Withdrawn:
		c.State, c.Outcome = Closed, "withdrawn"
	case Decided:
		return c.decided(s)
	default:
		return bad(fault.Value, "nothing such can be done")
	}
	return c, nil
}

func (c Case) extended(s Step) (Case, error) {
	const op = "rights.Act"
	first := c.FirstMonth(s.At)
	switch {
	case !c.clocked() || first.IsZero():
		return c, fault.E(op, fault.Conflict, "the clock does not run")
	case c.Extended:
		return c, fault.E(op, fault.Conflict, "it has been extended once: it can't be again")
	case day(s.At).After(first):
		return c, fault.E(op, fault.Conflict, "the first month is over: it can't be extended any more")
	}
	c.Extended = true
	return c, nil
}

func (c Case) restraint(s Step) (Case, error) {
	const op = "rights.Act"
	on := c.Restricting()
	switch {
	case s.Did == Restrained && on:
		return c, fault.E(op, fault.Conflict, "it is restricted already")
	case s.Did == Restrained && (c.Asked.Kind == Access || c.Asked.Kind == Disposal):
		return c, fault.E(op, fault.Conflict, "a case of this kind restricts nothing")
	case s.Did != Restrained && !on:
		return c, fault.E(op, fault.Conflict, "nothing is restricted")
	case s.Did == Restrained:
		if _, err := c.Scope(s); err != nil {
			return c, err
		}
	case s.Did == Announced:
		on, err := time.Parse(time.DateOnly, s.On)
		if err != nil || on.Sub(day(s.At)) < Lifts*24*time.Hour {
			return c, fault.E(op, fault.Value, "the person is told at least seven days before it ends: choose a later day", "on")
		}
	}
	return c, nil
}

func (c Case) decided(s Step) (Case, error) {
	const op = "rights.Act"
	o, ok := OutcomeOf(c.Asked.Kind, s.Code)
	switch {
	case !ok:
		return c, fault.E(op, fault.Value, "choose what it came to", "outcome")
	case c.State == AwaitingIdentity && s.Code != "refused":
		return c, fault.E(op, fault.Conflict, "it has yet to be shown who asks")
	case o.Reason && s.Words == "":
		return c, fault.E(op, fault.Value, "write the reason: the person is told", "words")
	case s.Code == "released" && len(c.Files) == 0:
		return c, fault.E(op, fault.Conflict, "there is no copy yet")
	case (s.Code == "destroyed" || s.Code == "removed") && !c.destroyed():
		return c, fault.E(op, fault.Conflict, "nothing has been destroyed yet: it is proposed, approved by another person, and carried out")
	case s.Code == "restricted" && !c.Restricting():
		return c, fault.E(op, fault.Conflict, "nothing is restricted yet")
	}
	c.State, c.Outcome = Closed, s.Code
	return c, nil
}
