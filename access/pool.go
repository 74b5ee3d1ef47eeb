package access

import (
	"context"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/agreement"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/optout"
	"selda/policy"
	"selda/store"
)

// Pool is everybody of whom an agreement for secondary use shows something: each
// comes with a Grant for what it shows of them (G3). It is for the door that leaves
// names out, and no other.
type Pool struct {
	Agreement *agreement.Agreement
	a         *Access
	s         policy.Subject
}

// OfPool is one of them.
type OfPool struct {
	Grant   grant.Grant
	Numbers []nhs.Number
	Born    time.Time // zero where it is not known
	Dissent Dissent
}

// Dissent is what decides whether somebody may be in a release, whatever the agreement
// shows of it.
type Dissent struct {
	Consents []*fhir.Resource
	TypeOne  []optout.Coded
}

// SecondaryUse asks to use data under an agreement. What is released is in the trail
// before anything is read; the agreement has to be in force then, and all the while.
func (a *Access) SecondaryUse(ctx context.Context, s policy.Subject, id, what string) (*Pool, error) {
	const op = "access.SecondaryUse"
	if s.Purpose != nhs.Research {
		s.Purpose = nhs.PublicHealthUse
	}
	p := &Pool{a: a, s: s}
	refused := ""
	if a.Agreements != nil {
		p.Agreement = a.Agreements.At(store.Latest).Find(id)
	}
	d := policy.SecondaryUse(s, nil)
	switch reader := p.reader(); {
	case !d.Permit:
		refused = d.Reason
	case p.Agreement == nil || !p.Agreement.SharedWith(reader):
		refused = "no agreement of that name shares anything with your organisation for secondary use"
	case !p.Agreement.Flows(agreement.SecondaryUse, a.Now()):
		refused = "the agreement is not in force: nothing is released under it"
	}
	e := audit.From(s, audit.Export, what)
	e.Rules = append(d.Rules, "G1 agreement "+id)
	if refused != "" {
		e.Outcome = audit.Deny
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return nil, fault.E(op, err)
	}
	if refused != "" {
		return nil, fault.E(op, fault.Security, refused)
	}
	return p, nil
}

func (p *Pool) reader() agreement.Reader {
	return agreement.Reader{Organisation: p.s.Organisation, Role: nhs.Analyst, Purpose: agreement.SecondaryUse}
}

// Each gives everybody of whom something is shown, until f fails. It stops with the
// agreement, that very minute (G17).
func (p *Pool) Each(ctx context.Context, f func(OfPool) error) error {
	const op = "access.Pool.Each"
	seen := map[store.Citizen]bool{}
	names := &organisations{a: p.a}
	for w := (store.Walk{N: store.Latest, Types: []string{"Patient"}, Limit: foundStep}); ; {
		versions, next, more, err := p.a.Store.Walk(ctx, w, system)
		if err != nil {
			return fault.E(op, err)
		}
		var subjects []store.Subject
		for _, v := range versions {
			if v.Subject != store.Shared {
				subjects = append(subjects, v.Subject)
			}
		}
		found, err := p.a.Index.Citizens(ctx, subjects)
		if err != nil {
			return fault.E(op, err)
		}
		for _, c := range found {
			if seen[c.Citizen] {
				continue
			}
			seen[c.Citizen] = true
			if err := p.one(ctx, c, names, f); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		w.After = next
	}
}

func (p *Pool) one(ctx context.Context, c mpi.Found, names *organisations, f func(OfPool) error) error {
	const op = "access.Pool.Each"
	now := p.a.Now()
	latest := p.a.Agreements.At(store.Latest).Find(p.Agreement.ID)
	if latest == nil || !latest.Flows(agreement.SecondaryUse, now) {
		return fault.E(op, fault.Security, "the agreement has come to its end: the release stops")
	}
	facts, _, err := p.a.facts(ctx, c, store.Latest, names)
	if err != nil {
		return fault.E(op, err)
	}
	restrained := facts.Restrained(now)
	agreed := agreement.NewSet(latest).Of(p.reader(), personOf(&facts, now), now)
	d := policy.SecondaryUse(p.s, agreed)
	d.Predicate.Restrained = restrained
	if agreed.Default == 0 && len(agreed.Of) == 0 {
		return nil
	}
	dissent, err := p.dissent(ctx, c)
	if err != nil {
		return fault.E(op, err)
	}
	return f(OfPool{Dissent: dissent, Numbers: facts.NHSNumbers, Born: facts.BirthDate,
		Grant: seal.Make(seal.Fields{Kind: seal.Record, Subject: p.s, Citizen: c, N: store.Latest, At: now, Predicate: d.Predicate, Decision: d})})
}

// dissent reads what somebody, or their practice for them, has stated of such uses.
func (p *Pool) dissent(ctx context.Context, c mpi.Found) (out Dissent, err error) {
	for _, k := range c.Subjects {
		versions, err := p.a.Store.Compartment(ctx, k.Subject, store.Latest, system, "Consent", "Observation", "Condition", "Procedure", "Flag")
		if err != nil {
			return out, err
		}
		for _, v := range versions {
			if v.Deleted {
				continue
			}
			r, err := v.Resource()
			if err != nil {
				return out, err
			}
			if v.Type == "Consent" {
				out.Consents = append(out.Consents, r)
			} else if e, ok := optout.TypeOneOf(r, v.When); ok {
				out.TypeOne = append(out.TypeOne, e)
			}
		}
	}
	return out, nil
}
