package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/proxy"
	"selda/store"
)

// This file has somebody's practice say who acts for them, and who is told of it
// and may end it (G11).

// actsFor is what the trail says of it. A proxy does not see such an entry.
const actsFor = "who acts for the citizen"

// Filing is what is to be committed, by who decided it here.
type Filing struct {
	Source  nhs.Source
	Call    string
	Body    []byte
	Citizen string
}

// Helper is somebody who acts for a citizen, with how that stands now.
type Helper struct {
	proxy.Person
	policy.Stand
}

// MostActing is the longest that somebody acts before it is decided again.
const MostActing = 5 * 366 * 24 * time.Hour

// MostAssessed is the longest that an assessment of capacity holds.
const MostAssessed = 366 * 24 * time.Hour

// Helpers are those who act for a citizen or did, the latest first, and what was
// found of the citizen's capacity. The citizen and their registered practice are
// told of all; who acts for them of themselves.
func (a *Access) Helpers(ctx context.Context, s policy.Subject, g grant.Grant) ([]Helper, []proxy.Assessment, error) {
	const op = "access.Helpers"
	if g.Kind() != seal.Record {
		return nil, nil, fault.E(op, fault.Security, "the Grant does not open a record")
	}
	all := s.Role == nhs.Citizen || s.Role == nhs.Operator || MayStateFor(s, g)
	if !all && s.Role != nhs.Proxy {
		return nil, nil, fault.E(op, fault.Security, "the registered practice is told who acts for a person: a doctor, a nurse or the front desk there")
	}
	helpers, found, _, err := a.helpers(ctx, g.Citizen())
	if err != nil {
		return nil, nil, fault.E(op, err)
	}
	if !all {
		helpers = slices.DeleteFunc(helpers, func(h Helper) bool { return h.User != s.User })
		found = nil
	}
	return helpers, found, nil
}

func (a *Access) helpers(ctx context.Context, of mpi.Found) (helpers []Helper, found []proxy.Assessment, f policy.Facts, err error) {
	if f, _, err = a.facts(ctx, of, store.Latest, &organisations{a: a}); err != nil {
		return nil, nil, f, err
	}
	now := a.Now()
	for _, k := range of.Subjects {
		versions, err := a.Store.Compartment(ctx, k.Subject, store.Latest, system, "RelatedPerson", "ClinicalImpression")
		if err != nil {
			return nil, nil, f, err
		}
		for _, v := range versions {
			r, err := v.Resource()
			if err != nil {
				return nil, nil, f, err
			}
			if p, ok := proxy.Of(r, v.Source); ok {
				p.ID = v.ID
				helpers = append(helpers, Helper{p, f.Stands(&p.Acting, now)})
			} else if c, ok := proxy.AssessmentOf(r, v.Source); ok {
				found = append(found, c)
			}
		}
	}
	slices.SortStableFunc(helpers, func(a, b Helper) int { return b.From.Compare(a.From) })
	slices.SortStableFunc(found, func(a, b proxy.Assessment) int { return b.Assessed.Compare(a.Assessed) })
	return helpers, found, f, nil
}

// Helped are the citizens for whom an account acts or has acted, by their ids.
// Whether a record may be opened now is asked of each.
func (a *Access) Helped(ctx context.Context, s policy.Subject) ([]string, error) {
	const op = "access.Helped"
	var out []string
	add := func(id string, err error) error {
		if err == nil && !slices.Contains(out, id) {
			out = append(out, id)
		}
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	}
	for _, n := range s.For {
		if err := add(a.ByNumber(ctx, n)); err != nil {
			return nil, fault.E(op, err)
		}
	}
	if s.User == "" {
		return out, nil
	}
	found, err := a.Store.Search(ctx, store.Query{Type: "RelatedPerson", Groups: [][]string{{proxy.Token(s.User)}}, N: store.Latest, Limit: 100, Bodies: true},
		&policy.Predicate{Permit: true, OnlySource: proxy.Source, DataSets: policy.AllDataSets})
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, f := range found {
		r, err := f.Version.Resource()
		if err != nil {
			return nil, fault.E(op, err)
		}
		if p, ok := proxy.Of(r, f.Version.Source); !ok || p.User != s.User {
			continue
		}
		if err := add(a.Index.CitizenID(ctx, f.Subject)); err != nil {
			return nil, fault.E(op, err)
		}
	}
	return out, nil
}

// LetAct has the registered practice, or the operator, say that somebody acts for
// the citizen of a Grant, or decide again about one who does.
func (a *Access) LetAct(ctx context.Context, s policy.Subject, g grant.Grant, p proxy.Person) (Filing, error) {
	const op = "access.LetAct"
	if g.Kind() != seal.Record {
		return Filing{}, fault.E(op, fault.Security, "the Grant does not open a record")
	}
	now := a.Now()
	helpers, _, facts, err := a.helpers(ctx, g.Citizen())
	if err != nil {
		return Filing{}, fault.E(op, err)
	}
	kind, known := proxy.KindOf(string(p.As))
	p.Evidence = strings.TrimSpace(p.Evidence)
	switch age, aged := policy.Age(facts.BirthDate, now); {
	case s.Role != nhs.Operator && !MayStateFor(s, g):
		err = fault.E(op, fault.Security, "the registered practice decides who acts for a person: a doctor, a nurse or the front desk there")
	case !known:
		err = fault.E(op, fault.Value, "choose as what they act", "as")
	case p.User == "":
		err = fault.E(op, fault.Value, "say with which account they sign in", "user")
	case p.User == s.User:
		err = fault.E(op, fault.Security, "nobody lets themselves act for somebody")
	case p.Evidence == "" || len(p.Evidence) > 200:
		err = fault.E(op, fault.Value, "write what you saw or checked, in at most 200 letters", "evidence")
	case !p.To.IsZero() && (!p.To.After(now) || p.To.Sub(now) > MostActing):
		err = fault.E(op, fault.Value, "it ends on a day to come, at most five years away", "until")
	case p.As == policy.Deputy && p.To.IsZero():
		err = fault.E(op, fault.Value, "a court's order has an end: write it down", "until")
	case p.As == policy.Parent && (!aged || age >= 16):
		err = fault.E(op, fault.Conflict, "parental responsibility opens no record from the sixteenth birthday")
	case p.As == policy.Wish && !facts.AbleToDecide(now):
		err = fault.E(op, fault.Conflict, "this is the person's own wish: a clinician has to have found that they can decide")
	}
	if err == nil {
		p.From, p.Ended, p.Stopped = now, false, ""
		if i := slices.IndexFunc(helpers, func(h Helper) bool { return h.ID == p.ID }); p.ID != "" && i < 0 {
			err = fault.E(op, fault.NotFound, "there is nobody such who acts for this person")
		} else if p.ID != "" {
			p.From, p.User, p.Name = helpers[i].From, helpers[i].User, helpers[i].Name
		}
		p.Decided, p.By, p.At = now, s.Name+", "+s.Role.Title(), s.Organisation
	}
	return a.file(ctx, op, acting, s, g.Citizen().ID, "lets somebody act: "+kind.Words, facts, err, func(n nhs.Number) (string, string, fhir.Object) {
		return "RelatedPerson", p.ID, proxy.Build(p, n)
	})
}

// StopActing ends that somebody acts for a citizen, at once: by the citizen, where
// they can decide, by their practice, or by who acts.
func (a *Access) StopActing(ctx context.Context, s policy.Subject, citizen, id string, g grant.Grant) (Filing, error) {
	const op = "access.StopActing"
	of, err := a.Index.Citizen(ctx, citizen, store.Latest)
	if err != nil {
		return Filing{}, fault.E(op, fault.NotFound, "there is nobody such who acts for this person")
	}
	helpers, _, facts, err := a.helpers(ctx, of)
	if err != nil {
		return Filing{}, fault.E(op, err)
	}
	opened := g.Kind() == seal.Record && g.Citizen().ID == of.ID
	i := slices.IndexFunc(helpers, func(h Helper) bool { return h.ID == id })
	by := ""
	switch {
	case i >= 0 && helpers[i].User == s.User:
		by = "by themselves"
	case opened && s.Role == nhs.Citizen && facts.AbleToStop(a.Now()):
		by = "by the person"
	case opened && (s.Role == nhs.Operator || MayStateFor(s, g)):
		by = "by the practice: " + s.Name
		if s.Role == nhs.Operator {
			by = "by the operator"
		}
	}
	switch {
	case by == "":
		err = fault.E(op, fault.Security, "the person, their practice or who acts for them ends it")
	case i < 0 || helpers[i].Ended:
		err = fault.E(op, fault.NotFound, "there is nobody such who acts for this person")
	}
	return a.file(ctx, op, acting, s, of.ID, "ends that somebody acts", facts, err, func(n nhs.Number) (string, string, fhir.Object) {
		p := helpers[i].Person
		p.Ended, p.Stopped = true, by
		if now := a.Now(); p.To.IsZero() || now.Before(p.To) {
			p.To = now
		}
		return "RelatedPerson", p.ID, proxy.Build(p, n)
	})
}

// Assess records what a clinician of the registered practice found of a citizen's
// capacity to decide.
func (a *Access) Assess(ctx context.Context, s policy.Subject, g grant.Grant, found proxy.Assessment) (Filing, error) {
	const op = "access.Assess"
	if g.Kind() != seal.Record {
		return Filing{}, fault.E(op, fault.Security, "the Grant does not open a record")
	}
	_, _, facts, err := a.helpers(ctx, g.Citizen())
	if err != nil {
		return Filing{}, fault.E(op, err)
	}
	now := a.Now()
	found.About = strings.TrimSpace(found.About)
	switch {
	case !s.Role.Clinician() || !MayStateFor(s, g):
		err = fault.E(op, fault.Security, "a clinician of the practice where the person is registered records this")
	case found.About == "" || len(found.About) > 500:
		err = fault.E(op, fault.Value, "write how you found it, in at most 500 letters", "about")
	case !found.Review.After(now) || found.Review.Sub(now) > MostAssessed:
		err = fault.E(op, fault.Value, "it is looked at again on a day to come, at most a year away", "review")
	}
	found.Assessed, found.User, found.By, found.At = now, s.User, s.Name+", "+s.Role.Title(), s.Organisation
	return a.file(ctx, op, acting, s, g.Citizen().ID, "capacity to decide", facts, err, func(n nhs.Number) (string, string, fhir.Object) {
		return "ClinicalImpression", "", proxy.BuildAssessment(found, n)
	})
}

// filed is how something that is decided of a citizen is kept: what the trail calls
// it, under which rule, and as whose.
type filed struct {
	what, rule string
	source     nhs.Source
}

var acting = filed{what: actsFor, rule: "G11 who acts for whom", source: proxy.Source}

// file has the trail say what is decided, or was refused, and gives what is to be committed.
func (a *Access) file(ctx context.Context, op string, as filed, s policy.Subject, citizen, reason string, f policy.Facts, refused error, build func(nhs.Number) (typ, id string, body fhir.Object)) (Filing, error) {
	numbers, err := a.proven(ctx, f.NHSNumbers, citizen)
	if err != nil {
		return Filing{}, fault.E(op, err)
	}
	if refused == nil && len(numbers) == 0 {
		refused = fault.E(op, fault.Conflict, "no NHS number is known of this person: it can't be filed")
	}
	e := audit.From(s, audit.Update, as.what)
	e.Citizen, e.Reason, e.Rules = citizen, reason, []string{as.rule}
	if refused != nil {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return Filing{}, fault.E(op, err)
	}
	if refused != nil {
		return Filing{}, refused
	}
	typ, id, body := build(numbers[0])
	call := "POST " + typ
	if id != "" {
		call = "PUT " + typ + "/" + id
	}
	return Filing{Source: as.source, Call: call, Body: fhir.Marshal(body), Citizen: citizen}, nil
}

// MayDecideProxies says whether somebody is of those who decide at a practice who
// acts for its patients.
func MayDecideProxies(s policy.Subject) bool {
	return slices.Contains(forThem, s.Role) && s.Organisation != ""
}

// AskToAct finds at which practice somebody's request to act for a person is to
// wait; "" where there is none, which who asks is not told. The trail has that they asked.
func (a *Access) AskToAct(ctx context.Context, s policy.Subject, number nhs.Number) (citizen string, practice nhs.ODS, err error) {
	const op = "access.AskToAct"
	e := audit.From(s, audit.Create, "asks to act for somebody")
	e.Rules = []string{"G11 who acts for whom"}
	if citizen, err = a.ByNumber(ctx, number); err == nil {
		var of mpi.Found
		var f policy.Facts
		if of, err = a.Index.Citizen(ctx, citizen, store.Latest); err == nil {
			f, _, err = a.facts(ctx, of, store.Latest, &organisations{a: a})
		}
		for i := range f.Relationships {
			if r := &f.Relationships[i]; r.Kind == "registration" && r.Holds(a.Now()) {
				practice = r.Organisation
			}
		}
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", "", fault.E(op, err)
	}
	e.Citizen = citizen
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return "", "", fault.E(op, err)
	}
	return citizen, practice, nil
}
