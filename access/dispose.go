package access

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// This file finds what has been kept long enough, and has one person propose and another
// approve that it is destroyed (G18). Nothing here destroys anything.

// Leaves is the port that names all that belongs to one subject, deleted items too.
type Leaves interface {
	Leaves(ctx context.Context, s store.Subject) ([]store.ItemRef, error)
}

// Retention is what decides about disposal.
type Retention struct {
	Schedule *rights.Schedule
	Holds    []rights.Hold
}

// Due lists what of an organisation has been kept long enough in a class, of so many
// people at most. It is a dry run: who works the organisation's cases may ask.
func (a *Access) Due(ctx context.Context, s policy.Subject, o nhs.ODS, class string, r Retention) (rights.List, error) {
	const op = "access.Due"
	var refused error
	i := slices.IndexFunc(r.Schedule.Rules, func(x rights.Rule) bool { return x.Class == class })
	switch {
	case !worksCases(s) || s.Role != nhs.Operator && s.Organisation != o:
		refused = fault.E(op, fault.Security, "a privacy officer or a Caldicott guardian of the organisation looks through what may be destroyed")
	case i < 0:
		refused = fault.E(op, fault.Value, "the schedule has no such class", "class")
	}
	if err := a.enterCase(ctx, op, s, audit.Search, "", "what has been kept long enough", refused); err != nil {
		return rights.List{}, err
	}
	list := rights.List{Class: class, Rule: r.Schedule.Rules[i].Words(), Organisation: o}
	err := a.eachOf(ctx, o, func(of mpi.Found) (bool, error) {
		people, err := a.due(ctx, of, o, class, r)
		if err != nil {
			return false, err
		}
		n := 0
		for _, p := range append(slices.Clone(list.People), people...) {
			n += len(p.Items)
		}
		if len(list.People)+len(people) > rights.MostPeople || n > rights.MostListed {
			list.More = true
			return false, nil
		}
		list.People = append(list.People, people...)
		return true, nil
	})
	if err != nil {
		return list, fault.E(op, err)
	}
	return list, nil
}

// eachOf gives the citizens of whom an organisation keeps something, until f says no.
func (a *Access) eachOf(ctx context.Context, o nhs.ODS, f func(mpi.Found) (bool, error)) error {
	seen := map[store.Citizen]bool{}
	for w := (store.Walk{N: store.Latest, Types: []string{"Patient"}, Limit: foundStep}); ; {
		versions, next, more, err := a.Store.Walk(ctx, w, ofOrganisation(o))
		if err != nil {
			return err
		}
		var subjects []store.Subject
		for _, v := range versions {
			if v.Subject != store.Shared {
				subjects = append(subjects, v.Subject)
			}
		}
		found, err := a.Index.Citizens(ctx, subjects)
		if err != nil {
			return err
		}
		for _, c := range found {
			if seen[c.Citizen] {
				continue
			}
			seen[c.Citizen] = true
			if on, err := f(c); err != nil || !on {
				return err
			}
		}
		if !more {
			return nil
		}
		w.After = next
	}
}

// due is what of one citizen is due in a class, of an organisation.
func (a *Access) due(ctx context.Context, of mpi.Found, o nhs.ODS, class string, r Retention) (out []rights.OfPerson, err error) {
	now := a.Now()
	life, err := a.life(ctx, of, o)
	if err != nil {
		return nil, err
	}
	for _, k := range of.Subjects {
		if k.Source.Organisation() != o || slices.ContainsFunc(r.Holds, func(h rights.Hold) bool { return h.Stops(of.ID, "", k.Source, now) }) {
			continue
		}
		p := rights.OfPerson{Citizen: of.ID, Subject: int64(k.Subject), Source: k.Source}
		versions, err := a.Store.Compartment(ctx, k.Subject, store.Latest, system)
		if err != nil {
			return nil, err
		}
		known := map[policy.Item]bool{}
		var patient []rights.Listed
		kept := 0
		for _, v := range versions {
			known[policy.Item{Type: v.Type, ID: v.ID}] = true
			one := rights.Listed{Type: v.Type, ID: v.ID, Version: v.Version}
			if v.Type == "Patient" {
				patient = append(patient, one)
				continue
			}
			rule := r.Schedule.Of(&v.Columns)
			on, ok := time.Time{}, false
			if rule != nil && rule.Class == class {
				on, ok = rule.Due(life)
			}
			if !ok || now.Before(on) {
				kept++
				continue
			}
			p.Items, p.Due = append(p.Items, one), on.Format(time.DateOnly)
		}
		if kept == 0 && len(p.Items) > 0 { // what they are known by goes with the last
			if err := a.whole(ctx, &p, patient, known); err != nil {
				return nil, err
			}
		}
		if len(p.Items) > 0 {
			out = append(out, p)
		}
	}
	return out, nil
}

// whole adds what is left of somebody there: who they are, and what was deleted before.
func (a *Access) whole(ctx context.Context, p *rights.OfPerson, patient []rights.Listed, known map[policy.Item]bool) error {
	if a.Leaves == nil {
		return nil
	}
	all, err := a.Leaves.Leaves(ctx, store.Subject(p.Subject))
	if err != nil {
		return err
	}
	p.Whole = true
	p.Items = append(p.Items, patient...)
	for _, l := range all {
		if !known[policy.Item{Type: l.Type, ID: l.ID}] {
			p.Items = append(p.Items, rights.Listed{Type: l.Type, ID: l.ID, Version: l.Version})
		}
	}
	return nil
}

// life is what of a person decides how long what an organisation wrote is kept: when it
// last wrote that it saw them, by what its items say, not by when they came here.
func (a *Access) life(ctx context.Context, of mpi.Found, o nhs.ODS) (l rights.Life, err error) {
	facts, _, err := a.facts(ctx, of, store.Latest, &organisations{a: a})
	if err != nil {
		return l, err
	}
	l.Born = facts.BirthDate
	l.Died, l.Dead = facts.Died(a.Now())
	for _, k := range of.Subjects {
		if k.Source.Organisation() != o {
			continue
		}
		versions, err := a.Store.Compartment(ctx, k.Subject, store.Latest, system)
		if err != nil {
			return l, err
		}
		for _, v := range versions {
			if v.Type == "Patient" {
				continue
			}
			seen := v.When
			if seen.IsZero() {
				seen = v.Recorded // what has no time of its own is as young as it can be
			}
			if seen.After(l.LastSeen) {
				l.LastSeen = seen
			}
		}
	}
	return l, nil
}

// Propose opens the case of a disposal with the list that another person is to approve.
func (a *Access) Propose(ctx context.Context, s policy.Subject, list rights.List) (rights.Case, error) {
	const op = "access.Propose"
	var refused error
	switch {
	case !worksCases(s) || s.Role != nhs.Operator && s.Organisation != list.Organisation:
		refused = fault.E(op, fault.Security, "a privacy officer or a Caldicott guardian of the organisation proposes what is to be destroyed")
	case len(list.People) == 0:
		refused = fault.E(op, fault.Conflict, "nothing is due in this class")
	}
	if err := a.enterCase(ctx, op, s, audit.Create, "", "proposes a disposal", refused); err != nil {
		return rights.Case{}, err
	}
	c, err := rights.Open(newCaseID(), list.Case, list.Organisation, rights.Asked{Kind: rights.Disposal, By: rights.ByStaff, Who: who(s), Asker: s.Name, Identity: "signed in", Words: list.Words(), Order: list.Order}, a.Now())
	if err != nil {
		return c, fault.E(op, err)
	}
	b, err := json.Marshal(list)
	if err != nil {
		return c, fault.E(op, err)
	}
	if err := a.Cases.SaveFile(ctx, c.ID, rights.ListFile, b); err != nil {
		return c, fault.E(op, err)
	}
	c.Files = []rights.File{rights.FileOf(rights.ListFile, b)}
	return a.Cases.SaveCase(ctx, c)
}

// ProposeRemoval proposes that the item of a case of erasure is destroyed.
func (a *Access) ProposeRemoval(ctx context.Context, s policy.Subject, id string) (rights.Case, error) {
	const op = "access.ProposeRemoval"
	c, refused, err := a.caseOf(ctx, s, id)
	if err == nil && refused == nil && (c.Asked.Kind != rights.Erasure || c.Asked.Item.ID == "" || c.State == rights.Closed) {
		refused = fault.E(op, fault.Conflict, "only an open case of a removal names an item to be destroyed")
	}
	if err == nil && refused != nil {
		err = a.enterCase(ctx, op, s, audit.Create, c.Asked.Citizen, "proposes a removal", refused)
	}
	if err != nil {
		return c, fault.E(op, err)
	}
	v, err := a.Store.Read(ctx, c.Asked.Item.Type, c.Asked.Item.ID, store.Latest, system)
	if err != nil {
		return c, fault.E(op, err)
	}
	rule := "Removal under UK GDPR Art 17"
	if c.Asked.Order != "" {
		rule = "Removal by order of a court"
	}
	return a.Propose(ctx, s, rights.List{Class: rights.RemovalClass, Rule: rule, Organisation: c.Controller, Order: c.Asked.Order, Case: c.ID,
		People: []rights.OfPerson{{Citizen: c.Asked.Citizen, Subject: int64(v.Subject), Source: v.Source, Items: []rights.Listed{{Type: v.Type, ID: v.ID, Version: v.Version}}}}})
}

// Disposal is a disposal that is to be carried out: its case, its list, who has approved it.
// It is held once more against what is kept and held now: what has changed stops it.
func (a *Access) Disposal(ctx context.Context, s policy.Subject, id string, r Retention) (c rights.Case, list rights.List, err error) {
	const op = "access.Disposal"
	if s.Role != nhs.Operator {
		return c, list, fault.E(op, fault.Security, "the operator carries out what was approved")
	}
	if c, _, err = a.caseOf(ctx, s, id); err != nil {
		return c, list, fault.E(op, err)
	}
	b, err := a.caseFile(ctx, &c, rights.ListFile)
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		return c, list, fault.E(op, err)
	}
	var refused error
	if _, approved := c.Approval(); !approved {
		refused = fault.E(op, fault.Conflict, "nobody has approved it: another person than who proposed it does")
	}
	if c.State == rights.Closed {
		refused = fault.E(op, fault.Conflict, "the case is closed")
	}
	if refused == nil {
		refused = a.stillDue(ctx, &list, r)
	}
	return c, list, a.enterCase(ctx, op, s, audit.Delete, "", "carries out a disposal", refused)
}

// stillDue says why a list may not be carried out.
func (a *Access) stillDue(ctx context.Context, list *rights.List, r Retention) error {
	const op = "access.stillDue"
	for _, p := range list.People {
		for _, h := range r.Holds {
			if h.Stops(p.Citizen, list.Case, p.Source, a.Now()) {
				return fault.E(op, fault.Conflict, "a hold stops it: "+h.ID)
			}
		}
		if list.Class == rights.RemovalClass {
			continue
		}
		of, err := a.Index.Citizen(ctx, p.Citizen, store.Latest)
		if fault.Is(err, fault.NotFound) {
			continue // a part of it was carried out before
		}
		if err != nil {
			return err
		}
		now, err := a.due(ctx, of, list.Organisation, list.Class, r)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(now, func(x rights.OfPerson) bool { return x.Subject == p.Subject })
		if i < 0 || now[i].Whole != p.Whole || !slices.EqualFunc(now[i].Items, p.Items, func(x, y rights.Listed) bool { return x == y }) {
			return fault.E(op, fault.Conflict, "what is kept of somebody has changed since it was approved: propose it again")
		}
	}
	return nil
}

// FinishDisposal closes the case of a disposal that was carried out, and the case of the
// removal that it was for.
func (a *Access) FinishDisposal(ctx context.Context, s policy.Subject, c rights.Case, statement []byte) error {
	const op = "access.FinishDisposal"
	if err := a.Cases.SaveFile(ctx, c.ID, rights.StatementFile, statement); err != nil {
		return fault.E(op, err)
	}
	c.Files = append(c.Files, rights.FileOf(rights.StatementFile, statement))
	next, err := a.destroyed(c, s, "destroyed")
	if err == nil {
		_, err = a.Cases.SaveCase(ctx, next)
	}
	if err != nil || c.Request == "" {
		return err
	}
	list, err := a.Cases.Cases(ctx, CaseQuery{ID: c.Request, Limit: 1})
	if err != nil || len(list) == 0 || list[0].State == rights.Closed {
		return err
	}
	if next, err = a.destroyed(list[0], s, "removed"); err == nil {
		_, err = a.Cases.SaveCase(ctx, next)
	}
	return err
}

func (a *Access) destroyed(c rights.Case, s policy.Subject, outcome string) (rights.Case, error) {
	next, err := c.Act(rights.Step{At: a.Now(), By: who(s), Did: rights.Destroyed})
	if err != nil {
		return next, err
	}
	return next.Act(rights.Step{At: a.Now(), By: who(s), Did: rights.Decided, Code: outcome})
}

// HoldsDisposal asks to see or change what stops disposal: the operator may, and who works
// the cases of an organisation.
func (a *Access) HoldsDisposal(ctx context.Context, s policy.Subject, what, citizen string) error {
	var refused error
	if !worksCases(s) {
		refused = fault.E("access.HoldsDisposal", fault.Security, "a privacy officer or a Caldicott guardian decides what is held")
	}
	return a.enterConcealed(ctx, "access.HoldsDisposal", s, audit.Administer, citizen, what, refused)
}
