package access

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// This file has people ask for what is theirs by right, and the controllers of what is
// kept work the cases (G18). A case is one controller's (G2): another reads it once it
// was handed over.

// Cases is the port to where cases are kept.
type Cases interface {
	// Cases are those that a question asks for, the oldest first.
	Cases(ctx context.Context, q CaseQuery) ([]rights.Case, error)
	// SaveCase keeps a case in place of the version that was loaded, or as a new one
	// where that is 0. The fault is Conflict where another version is there by now.
	SaveCase(ctx context.Context, c rights.Case) (rights.Case, error)
	// SaveFile keeps what is given out in a case.
	SaveFile(ctx context.Context, id, name string, content []byte) error
	// CaseFile gives it; the fault is NotFound where there is none.
	CaseFile(ctx context.Context, id, name string) ([]byte, error)
}

// CaseQuery asks for cases. What is zero does not narrow.
type CaseQuery struct {
	ID         string
	Citizens   []string // the ids that a citizen has had
	Controller nhs.ODS
	Open       bool
	Limit      int
}

// MaxCases is how many cases are listed.
const MaxCases = 500

// aCase is what the trail says of a case. Who acts for a citizen does not see such an entry.
const aCase = "a case of rights"

const caseRule = "G18 rights as cases"

// worksCases says whether somebody works the cases of their organisation.
func worksCases(s policy.Subject) bool {
	return s.Role == nhs.Operator || (s.Role == nhs.PrivacyOfficer || s.Role == nhs.CaldicottGuardian) && s.Organisation != ""
}

// enterCase has the trail say what is done to a case, or was refused.
func (a *Access) enterCase(ctx context.Context, op string, s policy.Subject, action, citizen, reason string, refused error) error {
	return a.enterIn(ctx, op, s, audit.From(s, action, aCase), citizen, reason, refused)
}

// enterConcealed is enterCase, of what the citizen is not told.
func (a *Access) enterConcealed(ctx context.Context, op string, s policy.Subject, action, citizen, reason string, refused error) error {
	e := audit.From(s, action, aCase)
	e.Concealed = true
	return a.enterIn(ctx, op, s, e, citizen, reason, refused)
}

func (a *Access) enterIn(ctx context.Context, op string, s policy.Subject, e audit.Entry, citizen, reason string, refused error) error {
	e.Citizen, e.Reason, e.Rules = citizen, reason, []string{caseRule}
	if refused != nil {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if s.User == "" {
		return fault.E(op, fault.Login, "nobody is signed in")
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	return refused
}

func who(s policy.Subject) rights.Who {
	return rights.Who{User: s.User, Name: s.Name, Role: s.Role, Organisation: s.Organisation}
}

// AskFor opens the cases of a request, one for each controller concerned, by the citizen
// on their page, by who acts for them, or by their practice. The Grant is for the record.
func (a *Access) AskFor(ctx context.Context, s policy.Subject, g grant.Grant, ask rights.Asked) ([]rights.Case, error) {
	const op = "access.AskFor"
	if g.Kind() != seal.Record {
		return nil, fault.E(op, fault.Security, "the Grant does not open a record")
	}
	ask.Citizen, ask.Who = g.Citizen().ID, who(s)
	kind, known := rights.WordsOf(ask.Kind)
	var refused error
	switch {
	case !known || ask.Kind == rights.Disposal:
		refused = fault.E(op, fault.Value, "choose what is asked for", "kind")
	case s.Role == nhs.Citizen:
		ask.By, ask.Asker, ask.Identity = rights.ByPerson, "", "signed in to their own account"
	case s.Role == nhs.Proxy:
		ask.By, ask.Asker, ask.Identity = rights.ByProxy, s.Name, "signed in; acts for the person"
		if !seesWhole(g) && (ask.Kind == rights.Access || ask.Item.ID == "") {
			refused = fault.E(op, fault.Security, "you see a part of the record alone: ask about something in it, or have the person ask")
		}
	case MayStateFor(s, g):
		ask.By = rights.ByStaff
	default:
		refused = fault.E(op, fault.Security, "the person, who acts for them, their practice or a privacy officer asks for this")
	}
	if ask.Item.ID != "" && refused == nil {
		v, err := a.Store.Read(ctx, ask.Item.Type, ask.Item.ID, store.Latest, g.Predicate())
		if err != nil || v.Deleted || !slices.ContainsFunc(g.Citizen().Subjects, func(k mpi.Known) bool { return k.Subject == v.Subject }) {
			refused = fault.E(op, fault.NotFound, "there is no such item in the record")
		} else {
			ask.Source, ask.Said = v.Source, rights.Said(v.Body)
		}
	}
	if refused == nil {
		refused = a.askedBefore(ctx, g, &ask)
	}
	var controllers []nhs.ODS
	if refused == nil {
		if controllers, refused = a.controllers(ctx, g, &ask); refused == nil && len(controllers) == 0 {
			refused = fault.E(op, fault.Conflict, "no organisation keeps anything of this person here")
		}
	}
	if err := a.enterCase(ctx, op, s, audit.Create, ask.Citizen, "asks: "+kind.Title, refused); err != nil {
		return nil, err
	}
	return a.openCases(ctx, op, ask, controllers)
}

// askedBefore refuses what the same person has asked for already, in the same words, where
// it waits for an answer: a form that is sent twice is one request, and one clock.
func (a *Access) askedBefore(ctx context.Context, g grant.Grant, ask *rights.Asked) error {
	const op = "access.askedBefore"
	former, err := a.Index.Former(ctx, g.Citizen())
	if err != nil {
		return fault.E(op, err)
	}
	list, err := a.Cases.Cases(ctx, CaseQuery{Citizens: append(former, g.Citizen().ID), Open: true, Limit: MaxCases})
	if err != nil {
		return fault.E(op, err)
	}
	for i := range list {
		if x := &list[i].Asked; x.Kind == ask.Kind && x.Item == ask.Item && x.Who.User == ask.Who.User && x.By == ask.By && x.Words == strings.TrimSpace(ask.Words) {
			return fault.E(op, fault.Conflict, "this was asked for already, and waits for an answer", "words")
		}
	}
	return nil
}

func (a *Access) openCases(ctx context.Context, op string, ask rights.Asked, controllers []nhs.ODS) (out []rights.Case, err error) {
	request := newCaseID()
	for _, o := range controllers {
		c, err := rights.Open(newCaseID(), request, o, ask, a.Now())
		if err != nil {
			return nil, fault.E(op, err)
		}
		out = append(out, c)
	}
	for i := range out {
		if out[i], err = a.Cases.SaveCase(ctx, out[i]); err != nil {
			return nil, fault.E(op, err)
		}
	}
	return out, nil
}

// newCaseID is a number that nobody can guess: people write it in letters.
func newCaseID() string {
	t := strings.ToLower(rand.Text())
	return t[:4] + "-" + t[4:8] + "-" + t[8:12]
}

// controllers are whom a request concerns: the one that wrote the item or runs the source,
// else all that have sent anything of the citizen, the registered practice first.
func (a *Access) controllers(ctx context.Context, g grant.Grant, ask *rights.Asked) (out []nhs.ODS, err error) {
	if ask.Source != "" && !ownOf(ask.Source) {
		if !slices.ContainsFunc(g.Citizen().Subjects, func(k mpi.Known) bool { return k.Source == ask.Source }) {
			return nil, fault.E("access.controllers", fault.NotFound, "that source keeps nothing of this person here")
		}
		return []nhs.ODS{ask.Source.Organisation()}, nil
	}
	facts, _, err := a.facts(ctx, g.Citizen(), store.Latest, &organisations{a: a})
	if err != nil {
		return nil, err
	}
	for i := range facts.Relationships {
		if r := &facts.Relationships[i]; r.Kind == "registration" && r.Holds(a.Now()) && !slices.Contains(out, r.Organisation) {
			out = append(out, r.Organisation)
		}
	}
	if ask.Source != "" { // what is kept here of the citizen's own word is answered for by their practice
		return out[:min(len(out), 1)], nil
	}
	for _, k := range g.Citizen().Subjects {
		if o := k.Source.Organisation(); !ownOf(k.Source) && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out, nil
}

// ownOf says whether a source is what is recorded here itself.
func ownOf(s nhs.Source) bool { return s.Organisation() == "SELDA" }

// AskForNumber opens a case for the own organisation of a request that came to a privacy
// officer, of somebody with an NHS number, or by an order of a court.
func (a *Access) AskForNumber(ctx context.Context, s policy.Subject, n nhs.Number, ask rights.Asked) (rights.Case, error) {
	const op = "access.AskForNumber"
	kind, known := rights.WordsOf(ask.Kind)
	ask.Who = who(s)
	if ask.By != rights.ByCourt {
		ask.By = rights.ByStaff
	}
	var refused error
	citizen, err := a.ByNumber(ctx, n)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return rights.Case{}, fault.E(op, err)
	}
	nobody := fault.E(op, fault.NotFound, "your organisation keeps nothing here of a person with this number")
	switch {
	case !worksCases(s) || s.Organisation == "":
		refused = fault.E(op, fault.Security, "a privacy officer writes down a request that came to the organisation")
	case !known || ask.Kind == rights.Disposal:
		refused = fault.E(op, fault.Value, "choose what is asked for", "kind")
	case ask.Item != (policy.Item{}) && !(fhir.IsResourceType(ask.Item.Type) && fhir.IsID(ask.Item.ID)):
		refused = fault.E(op, fault.Value, "write the item as its type and id, such as Condition/abc", "item")
	case err != nil:
		refused = nobody
	default:
		of, err := a.Index.Citizen(ctx, citizen, store.Latest)
		if err != nil {
			return rights.Case{}, fault.E(op, err)
		}
		if !slices.ContainsFunc(of.Subjects, func(k mpi.Known) bool { return k.Source.Organisation() == s.Organisation }) {
			citizen, refused = "", nobody
		}
	}
	if refused == nil && ask.Item.ID != "" {
		var v *store.Version
		if v, refused = a.itemOf(ctx, s.Organisation, citizen, ask.Item); refused == nil {
			ask.Source, ask.Said = v.Source, rights.Said(v.Body)
		}
	}
	ask.Citizen = citizen
	if err := a.enterCase(ctx, op, s, audit.Create, citizen, "writes down a request: "+kind.Title, refused); err != nil {
		return rights.Case{}, err
	}
	out, err := a.openCases(ctx, op, ask, []nhs.ODS{s.Organisation})
	if err != nil {
		return rights.Case{}, err
	}
	return out[0], nil
}

// ofOrganisation shows all that one organisation wrote, and nothing of others.
func ofOrganisation(o nhs.ODS) *policy.Predicate {
	return &policy.Predicate{Permit: true, Own: o, DataSets: policy.AllDataSets}
}

// CasesOf are the cases of the own organisation, those first that have least time left.
func (a *Access) CasesOf(ctx context.Context, s policy.Subject, open bool) ([]rights.Case, error) {
	const op = "access.CasesOf"
	var refused error
	if !worksCases(s) {
		refused = fault.E(op, fault.Security, "only a privacy officer or a Caldicott guardian works the cases of an organisation")
	}
	if err := a.enterCase(ctx, op, s, audit.Read, "", "the cases of the organisation", refused); err != nil {
		return nil, err
	}
	list, err := a.Cases.Cases(ctx, CaseQuery{Controller: s.Organisation, Open: open, Limit: MaxCases})
	if err == nil {
		err = a.settle(ctx, list)
	}
	if err != nil {
		return nil, fault.E(op, err)
	}
	rights.Sort(list, a.Now())
	return list, nil
}

// OwnCases are a citizen's cases, or those that somebody who acts for them has opened.
// The Grant for the record entitles to it.
func (a *Access) OwnCases(ctx context.Context, s policy.Subject, g grant.Grant) ([]rights.Case, error) {
	const op = "access.OwnCases"
	if g.Kind() != seal.Record || s.Role != nhs.Citizen && s.Role != nhs.Proxy {
		return nil, fault.E(op, fault.Security, "these are the person's own")
	}
	former, err := a.Index.Former(ctx, g.Citizen())
	if err != nil {
		return nil, fault.E(op, err)
	}
	list, err := a.Cases.Cases(ctx, CaseQuery{Citizens: append(former, g.Citizen().ID), Limit: MaxCases})
	if err == nil {
		err = a.settle(ctx, list)
	}
	if err != nil {
		return nil, fault.E(op, err)
	}
	return slices.DeleteFunc(list, func(c rights.Case) bool {
		return c.Asked.Kind == rights.Disposal || s.Role == nhs.Proxy && c.Asked.Who.User != s.User
	}), nil
}

// Case is one case, for who works it.
func (a *Access) Case(ctx context.Context, s policy.Subject, id string) (rights.Case, error) {
	const op = "access.Case"
	c, refused, err := a.caseOf(ctx, s, id)
	if err != nil {
		return c, fault.E(op, err)
	}
	return c, a.enterCase(ctx, op, s, audit.Read, c.Asked.Citizen, "reads a case", refused)
}

// caseOf finds a case that somebody works; of another's they are not told that it is one.
func (a *Access) caseOf(ctx context.Context, s policy.Subject, id string) (c rights.Case, refused, err error) {
	unknown := fault.E("access.caseOf", fault.NotFound, "your organisation has no such case")
	if !worksCases(s) {
		return c, fault.E("access.caseOf", fault.Security, "only a privacy officer or a Caldicott guardian works the cases of an organisation"), nil
	}
	if id == "" {
		return c, unknown, nil
	}
	list, err := a.Cases.Cases(ctx, CaseQuery{ID: id, Limit: 1})
	if err != nil {
		return c, nil, err
	}
	if len(list) == 0 || s.Role != nhs.Operator && list[0].Controller != s.Organisation {
		return c, unknown, nil
	}
	return list[0], nil, a.settle(ctx, list[:1])
}

// ActOnCase moves a case of the own organisation on. What the step brings about in the
// record is done before the case says that it was.
func (a *Access) ActOnCase(ctx context.Context, s policy.Subject, id string, step rights.Step) (rights.Case, error) {
	const op = "access.ActOnCase"
	c, refused, err := a.caseOf(ctx, s, id)
	if err != nil {
		return c, fault.E(op, err)
	}
	var next rights.Case
	if refused == nil {
		step.At, step.By = a.Now(), who(s)
		next, refused = c.Act(step)
	}
	if refused == nil && step.Did == rights.Destroyed {
		refused = fault.E(op, fault.Security, "that something was destroyed is told by who carried it out")
	}
	if refused == nil && step.Did == rights.Lifted {
		refused = fault.E(op, fault.Conflict, "the person is told at least seven days before a restriction ends: choose a day")
	}
	if refused == nil && step.Did == rights.HandedOver && (a.TakesPart == nil || !a.TakesPart(step.To)) {
		refused = fault.E(op, fault.Value, "no organisation that takes part here has the code "+string(step.To)+": the case stays with you", "to")
	}
	if refused == nil && step.Did == rights.Restrained {
		refused = a.ofPerson(ctx, &c, step)
	}
	if refused == nil && c.Asked.Who.User == s.User && step.Did == rights.Decided {
		refused = fault.E(op, fault.Security, "another person decides what you have asked for")
	}
	if err := a.enterCase(ctx, op, s, audit.Update, c.Asked.Citizen, rights.DidWords(step.Did), refused); err != nil {
		return c, err
	}
	if err := a.effect(ctx, &c, step); err != nil {
		return c, fault.E(op, err)
	}
	if next, err = a.Cases.SaveCase(ctx, next); err != nil {
		return c, fault.E(op, err)
	}
	return next, nil
}

// ofPerson says what is wrong where a step restricts what is not the person's, or not of
// the organisation that works the case.
func (a *Access) ofPerson(ctx context.Context, c *rights.Case, step rights.Step) error {
	scope, err := c.Scope(step)
	if err != nil {
		return err
	}
	for _, i := range scope.Items {
		if i == c.Asked.Item {
			continue // it was looked at when the case was opened
		}
		if _, err := a.itemOf(ctx, c.Controller, c.Asked.Citizen, i); err != nil {
			return err
		}
	}
	return nil
}

// itemOf is an item of a person that an organisation wrote. Of anything else it says that
// there is none.
func (a *Access) itemOf(ctx context.Context, o nhs.ODS, citizen string, i policy.Item) (*store.Version, error) {
	none := fault.E("access.itemOf", fault.NotFound, "your organisation has no such item of this person", "item")
	v, err := a.Store.Read(ctx, i.Type, i.ID, store.Latest, ofOrganisation(o))
	if err != nil || v.Deleted {
		return nil, none
	}
	if id, err := a.Index.CitizenID(ctx, v.Subject); err != nil || id != citizen {
		return nil, none
	}
	return v, nil
}

// WithdrawCase has somebody take back what they have asked for.
func (a *Access) WithdrawCase(ctx context.Context, s policy.Subject, g grant.Grant, id string) error {
	return a.ownAct(ctx, s, g, id, rights.Step{Did: rights.Withdrawn})
}

// ownAct is what somebody does in a case of their own.
func (a *Access) ownAct(ctx context.Context, s policy.Subject, g grant.Grant, id string, step rights.Step) error {
	const op = "access.ownAct"
	list, err := a.OwnCases(ctx, s, g)
	if err != nil {
		return fault.E(op, err)
	}
	i := slices.IndexFunc(list, func(c rights.Case) bool { return c.ID == id })
	var refused error
	var next rights.Case
	if i < 0 {
		refused = fault.E(op, fault.NotFound, "there is no such request")
	} else {
		step.At, step.By = a.Now(), who(s)
		next = list[i]
		if step.Did == rights.Withdrawn && next.Restricting() { // who takes it back need not be told that it ends
			next, refused = next.Act(rights.Step{At: step.At, By: step.By, Did: rights.Lifted})
		}
		if refused == nil {
			next, refused = next.Act(step)
		}
	}
	if err := a.enterCase(ctx, op, s, audit.Update, g.Citizen().ID, rights.DidWords(step.Did), refused); err != nil {
		return err
	}
	if step.Did == rights.Withdrawn && list[i].Restricting() {
		if err := a.effect(ctx, &list[i], rights.Step{At: step.At, By: step.By, Did: rights.Lifted}); err != nil {
			return fault.E(op, err)
		}
	}
	_, err = a.Cases.SaveCase(ctx, next)
	return err
}

// AnswerCase has the person answer what they were asked about their request.
func (a *Access) AnswerCase(ctx context.Context, s policy.Subject, g grant.Grant, id, words string) error {
	return a.ownAct(ctx, s, g, id, rights.Step{Did: rights.Clarified, Words: words})
}
