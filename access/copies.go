package access

import (
	"context"
	"slices"
	"strconv"

	"selda/access/grant"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// This file makes the copy that somebody has asked for: what the controller keeps is put
// before its officer, and goes out when all of it was looked at (G10, G18).

// notInCopy are types that are none of the record: what is stated here of the case itself
// stands in the case.
var notInCopy = []string{"Provenance", "AuditEvent"}

// CopyEntries are what may go into the copy of a case, as it is now, under its Grant.
func (a *Access) CopyEntries(ctx context.Context, c *rights.Case, g grant.Grant) (out []rights.Entry, err error) {
	const op = "access.CopyEntries"
	if c.Asked.Kind != rights.Access || c.State == rights.Closed {
		return nil, nil
	}
	shown, err := a.shownToAsker(ctx, c, g)
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, k := range g.Citizen().Subjects {
		versions, err := a.Store.Compartment(ctx, k.Subject, store.Latest, a.inCopy(ctx, c, k.Source, g))
		if err != nil {
			return nil, fault.E(op, err)
		}
		for _, v := range versions {
			if slices.Contains(notInCopy, v.Type) || !shown(v) {
				continue
			}
			e := rights.Entry{Item: policy.Item{Type: v.Type, ID: v.ID}, Version: v.Version, Source: v.Source, Labels: v.Labels, Recorded: v.Recorded, When: v.When, Body: dressed(v)}
			if v.Version > 1 {
				if err := a.earlier(ctx, &e, shown); err != nil {
					return nil, fault.E(op, err)
				}
			}
			out = append(out, e)
		}
	}
	if a.Unused == nil || c.Asked.By == rights.ByProxy { // nobody has judged what these would show
		return out, nil
	}
	unused, err := a.Unused(ctx, slices.DeleteFunc(slices.Clone(g.Citizen().Subjects), func(k mpi.Known) bool { return k.Source.Organisation() != c.Controller }))
	return append(out, unused...), err
}

// dressed is a version's body with its id and meta.
func dressed(v *store.Version) []byte {
	return fhir.Dress(v.Body, v.ID, strconv.Itoa(v.Version), v.Recorded)
}

// earlier adds the versions of an item that were replaced, as far as they may go to who has
// asked. What is in one of them and is sensitive has the item decided by itself.
func (a *Access) earlier(ctx context.Context, e *rights.Entry, shown func(*store.Version) bool) error {
	all, err := a.Store.History(ctx, e.Item.Type, e.Item.ID, store.Latest, system)
	if err != nil {
		return err
	}
	replaced := e.Recorded
	for _, v := range all {
		if v.Version >= e.Version || v.Source != e.Source {
			continue
		}
		switch {
		case v.Deleted || !shown(v):
		case len(e.Earlier) == rights.MostEarlier:
			e.Older++
		default:
			e.Labels |= v.Labels
			e.Earlier = append(e.Earlier, rights.Earlier{Recorded: v.Recorded, Replaced: replaced, Body: dressed(v)})
		}
		replaced = v.Recorded
	}
	return nil
}

// asker is who has asked for a copy on the person's behalf, as they read the record.
func asker(c *rights.Case, numbers []nhs.Number) policy.Subject {
	return policy.Subject{User: c.Asked.Who.User, Name: c.Asked.Who.Name, Role: nhs.Proxy, Purpose: nhs.PatientRequest, For: numbers}
}

// shownToAsker says what may go to who has asked: all of it to the person; to who acts for
// them what they may see now (G11).
func (a *Access) shownToAsker(ctx context.Context, c *rights.Case, g grant.Grant) (func(*store.Version) bool, error) {
	if c.Asked.By != rights.ByProxy {
		return func(*store.Version) bool { return true }, nil
	}
	facts, _, err := a.facts(ctx, g.Citizen(), store.Latest, &organisations{a: a})
	if err != nil {
		return nil, err
	}
	d, err := a.wouldDecide(ctx, asker(c, facts.NHSNumbers), g.Citizen())
	return func(v *store.Version) bool { return d.Permit && d.Predicate.Shows(&v.Columns) }, err
}

// inCopy is what goes into the copy of a case of a source: the controller's own, and, of
// what is recorded here of the person's own word, all at their practice.
func (a *Access) inCopy(ctx context.Context, c *rights.Case, source nhs.Source, g grant.Grant) *policy.Predicate {
	if !ownOf(source) {
		return g.Predicate()
	}
	facts, _, err := a.facts(ctx, g.Citizen(), store.Latest, &organisations{a: a})
	if err != nil || !slices.ContainsFunc(facts.Relationships, func(r policy.Relationship) bool {
		return r.Kind == "registration" && r.Organisation == c.Controller && r.Holds(a.Now())
	}) {
		return &policy.Predicate{}
	}
	return &policy.Predicate{Permit: true, OnlySource: source, DataSets: policy.AllDataSets}
}

// Copying is one thing that is decided about a copy. One of them is set.
type Copying struct {
	Item    *rights.Reviewed
	TakeOut []string // with Words
	Words   bool
	Rest    bool
}

// ReviewCopy keeps what an officer decides about a copy.
func (a *Access) ReviewCopy(ctx context.Context, s policy.Subject, id string, what Copying) (rights.Case, grant.Grant, error) {
	const op = "access.ReviewCopy"
	c, g, entries, err := a.copying(ctx, op, s, id)
	if err != nil {
		return c, g, err
	}
	next := c
	did := "the rest of it"
	switch {
	case what.Item != nil:
		did = what.Item.Item.Type + "/" + what.Item.Item.ID
		i := slices.IndexFunc(entries, func(e rights.Entry) bool { return e.Item == what.Item.Item })
		if i < 0 {
			return c, g, fault.E(op, fault.NotFound, "there is no such item in this case")
		}
		what.Item.Version, what.Item.By, what.Item.At = entries[i].Version, who(s), a.Now()
		next, err = c.Review(*what.Item)
	case what.Words:
		did = "words to take out"
		next, err = c.TakeOut(what.TakeOut)
	case what.Rest:
		next, err = c.Through(entries)
	}
	if err == nil {
		next, err = next.Act(rights.Step{At: a.Now(), By: who(s), Did: rights.Reviewing, Words: did})
	}
	// How often that is done says how much of it had to be looked at by itself (G8).
	if err := a.enterConcealed(ctx, op, s, audit.Update, c.Asked.Citizen, "looks through a copy", err); err != nil {
		return c, g, err
	}
	if next, err = a.Cases.SaveCase(ctx, next); err != nil {
		return c, g, fault.E(op, err)
	}
	return next, g, nil
}

// copying is a case that a copy is made of, for who works it, with what may go into it.
func (a *Access) copying(ctx context.Context, op string, s policy.Subject, id string) (c rights.Case, g grant.Grant, entries []rights.Entry, err error) {
	c, refused, err := a.caseOf(ctx, s, id)
	if err == nil && refused != nil {
		err = a.enterCase(ctx, op, s, audit.Update, c.Asked.Citizen, "looks through a copy", refused)
	}
	if err == nil {
		g, err = a.grantCase(ctx, s, &c)
	}
	if err == nil {
		entries, err = a.CopyEntries(ctx, &c, g)
	}
	if err != nil {
		err = fault.E(op, err)
	}
	return c, g, entries, err
}

// MakeCopy makes the copy of a case and keeps it. It goes out when the case is decided so.
func (a *Access) MakeCopy(ctx context.Context, s policy.Subject, id string, about func(*rights.Case, grant.Grant, []rights.Entry) (rights.About, error)) (rights.Case, grant.Grant, error) {
	const op = "access.MakeCopy"
	c, g, entries, err := a.copying(ctx, op, s, id)
	if err != nil {
		return c, g, err
	}
	var made rights.Copy
	beside, err := about(&c, g, entries)
	if err == nil {
		beside.Looks, err = a.looksFor(ctx, &c)
	}
	if err != nil {
		return c, g, fault.E(op, err)
	}
	if c.State == rights.Closed {
		err = fault.E(op, fault.Conflict, "the case is closed")
	} else {
		made, err = c.Make(entries, beside, a.Now())
	}
	if err := a.enterCase(ctx, op, s, audit.Export, c.Asked.Citizen, "makes a copy", err); err != nil {
		return c, g, err
	}
	next := c
	next.Files = nil
	for _, f := range []struct {
		name    string
		content []byte
	}{{rights.CopyPage, made.Page}, {rights.CopyBundle, made.Bundle}} {
		if err := a.Cases.SaveFile(ctx, c.ID, f.name, f.content); err != nil {
			return c, g, fault.E(op, err)
		}
		next.Files = append(next.Files, rights.FileOf(f.name, f.content))
	}
	if next, err = a.Cases.SaveCase(ctx, next); err != nil {
		return c, g, fault.E(op, err)
	}
	return next, g, nil
}

// looksFor are who has looked, as the person may see it: the controller's own people (G2).
func (a *Access) looksFor(ctx context.Context, c *rights.Case) (out []rights.Look, err error) {
	person := policy.Subject{Role: nhs.Citizen}
	if c.Asked.By == rights.ByProxy {
		person = policy.Subject{User: c.Asked.Who.User, Name: c.Asked.Who.Name, Role: nhs.Proxy}
	}
	looks, err := a.Looks(ctx, person, c.Asked.Citizen, MaxReviewed)
	if err != nil {
		return nil, err
	}
	for _, e := range looks {
		if e.Organisation != c.Controller || slices.Contains(e.Rules, caseRule) {
			continue
		}
		out = append(out, rights.Look{When: e.At.Format("2 January 2006 15:04"), Who: dash(e.Name, e.Role.Title()), Where: string(e.Organisation), Did: e.Action + " " + e.Outcome, Why: dash(string(e.Purpose), e.Reason)})
	}
	return out, nil
}

func dash(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

// OwnFile is a file of a copy that was released, for the person, or for who acts for them and
// has asked for it: while they may see all that is in it.
func (a *Access) OwnFile(ctx context.Context, s policy.Subject, g grant.Grant, id, name string) ([]byte, error) {
	const op = "access.OwnFile"
	list, err := a.OwnCases(ctx, s, g)
	if err != nil {
		return nil, fault.E(op, err)
	}
	i := slices.IndexFunc(list, func(c rights.Case) bool { return c.ID == id && c.Outcome == "released" })
	var refused error
	switch {
	case i < 0 || s.Role != nhs.Citizen && (s.Role != nhs.Proxy || list[i].Asked.By != rights.ByProxy || list[i].Asked.Who.User != s.User):
		refused = fault.E(op, fault.NotFound, "there is no such copy")
	case s.Role == nhs.Proxy:
		if refused, err = a.stillShown(ctx, &list[i], g); err != nil {
			return nil, fault.E(op, err)
		}
	}
	if err := a.enterCase(ctx, op, s, audit.Export, g.Citizen().ID, "takes the copy", refused); err != nil {
		return nil, err
	}
	return a.caseFile(ctx, &list[i], name)
}

// CaseFile is a file of a case, for who works it.
func (a *Access) CaseFile(ctx context.Context, s policy.Subject, id, name string) ([]byte, error) {
	c, err := a.Case(ctx, s, id)
	if err != nil {
		return nil, err
	}
	return a.caseFile(ctx, &c, name)
}

// caseFile is a file as it was made: by its hash.
func (a *Access) caseFile(ctx context.Context, c *rights.Case, name string) ([]byte, error) {
	const op = "access.caseFile"
	i := slices.IndexFunc(c.Files, func(f rights.File) bool { return f.Name == name })
	if i < 0 {
		return nil, fault.E(op, fault.NotFound, "there is no such file")
	}
	content, err := a.Cases.CaseFile(ctx, c.ID, name)
	if err != nil {
		return nil, fault.E(op, err)
	}
	if len(content) == 0 {
		return nil, fault.E(op, fault.Deleted, "the copy was destroyed, with what it held")
	}
	if rights.FileOf(name, content) != c.Files[i] {
		return nil, fault.E(op, fault.Exception, "the file is not what was given out: its hash differs")
	}
	return content, nil
}

// stillShown says why who acts for the person may not have a copy any more: something in it is
// not shown to them now.
func (a *Access) stillShown(ctx context.Context, c *rights.Case, g grant.Grant) (refused, err error) {
	const op = "access.OwnFile"
	changed := fault.E(op, fault.Conflict, "what you may see has changed since the copy was made: ask for a new one")
	if !seesWhole(g) {
		return changed, nil
	}
	content, err := a.caseFile(ctx, c, rights.CopyBundle)
	if err != nil {
		return err, nil
	}
	items, err := rights.InCopy(content)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		_, err := a.Store.Read(ctx, i.Type, i.ID, store.Latest, g.Predicate())
		if fault.Is(err, fault.NotFound) {
			return changed, nil
		}
		if err != nil && !fault.Is(err, fault.Deleted) {
			return nil, err
		}
	}
	return nil, nil
}

// seesWhole says whether a Grant shows every kind of what is kept.
func seesWhole(g grant.Grant) bool {
	whole := policy.AllDataSets &^ policy.SetOf(policy.Preferences)
	return g.Decision().Predicate.DataSets&whole == whole
}
