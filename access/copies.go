package access

import (
	"context"
	"slices"
	"strconv"

	"selda/access/grant"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
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
	for _, k := range g.Citizen().Subjects {
		versions, err := a.Store.Compartment(ctx, k.Subject, store.Latest, a.inCopy(ctx, c, k.Source, g))
		if err != nil {
			return nil, fault.E(op, err)
		}
		for _, v := range versions {
			if slices.Contains(notInCopy, v.Type) {
				continue
			}
			out = append(out, rights.Entry{Item: policy.Item{Type: v.Type, ID: v.ID}, Version: v.Version, Source: v.Source, Labels: v.Labels, Recorded: v.Recorded, When: v.When,
				Body: fhir.Dress(v.Body, v.ID, strconv.Itoa(v.Version), v.Recorded)})
		}
	}
	return out, nil
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

// OwnFile is a file of a copy that was released, for the person who asked for it.
func (a *Access) OwnFile(ctx context.Context, s policy.Subject, g grant.Grant, id, name string) ([]byte, error) {
	const op = "access.OwnFile"
	list, err := a.OwnCases(ctx, s, g)
	if err != nil {
		return nil, fault.E(op, err)
	}
	i := slices.IndexFunc(list, func(c rights.Case) bool { return c.ID == id && c.Outcome == "released" })
	var refused error
	if i < 0 || s.Role != nhs.Citizen {
		refused = fault.E(op, fault.NotFound, "there is no such copy")
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
