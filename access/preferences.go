package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/consent"
	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// understood reads a Consent of one of a citizen's subjects, as at n.
func understood(v *store.Version, r *fhir.Resource, directory consent.Directory) consent.Statement {
	return consent.Read(r, consent.Version{ID: v.ID, Source: v.Source, N: v.N, Recorded: v.Recorded}, directory)
}

// namedBy finds the organisations that an actor of a Consent names: an
// Organization, or those of the citizen's own CareTeam.
func (a *Access) namedBy(ctx context.Context, found mpi.Found, n uint64, o *organisations, p *policy.Predicate) consent.Directory {
	return func(ref fhir.Node) (out []nhs.ODS) {
		id, ok := strings.CutPrefix(ref.Get("reference").Text(), "CareTeam/")
		if !ok {
			if code := o.of(ctx, ref); code != "" {
				out = append(out, code)
			}
			return out
		}
		v, err := a.Store.Read(ctx, "CareTeam", id, n, p)
		if err != nil || v.Deleted || p.OnlySource == "" && !slices.ContainsFunc(found.Subjects, func(k mpi.Known) bool { return k.Subject == v.Subject }) {
			return nil
		}
		team, err := v.Resource()
		if err != nil {
			return nil
		}
		refs := team.Root().List("managingOrganization")
		for _, p := range team.Root().List("participant") {
			refs = append(refs, p.Get("member"), p.Get("onBehalfOf"))
		}
		for _, ref := range refs {
			if code := o.of(ctx, ref); code != "" && !slices.Contains(out, code) {
				out = append(out, code)
			}
		}
		return out
	}
}

// Understood is a Consent about the citizen of a Grant as it would be read, by
// what its holder may know.
func (a *Access) Understood(ctx context.Context, g grant.Grant, r *fhir.Resource) (consent.Statement, error) {
	if g.Kind() != seal.Record {
		return consent.Statement{}, fault.E("access.Understood", fault.Security, "the Grant does not open a record")
	}
	return consent.Read(r, consent.Version{ID: r.ID, Recorded: a.Now()}, a.namedBy(ctx, g.Citizen(), g.N(), &organisations{a: a}, g.Predicate())), nil
}

// Asserted is a Consent as it would be read that a source system asserts, by what
// that source wrote itself.
func (a *Access) Asserted(ctx context.Context, s policy.Subject, r *fhir.Resource) consent.Statement {
	p := policy.Search(s, nil).Predicate
	return consent.Read(r, consent.Version{ID: r.ID, Source: s.Source, Recorded: a.Now()}, a.namedBy(ctx, mpi.Found{}, store.Latest, &organisations{a: a}, &p))
}

// deleted are the deletions of what a subject had: a history tells of what was there
// before them.
func (a *Access) deleted(ctx context.Context, s store.Subject, n uint64) (out []*store.Version, err error) {
	const some = 1000
	w := store.Walk{N: n, After: store.Key{Subject: s}, Last: s, Since: time.UnixMilli(1), Limit: some} // with a time deletions are given, too
	for more := true; more; {
		var list []*store.Version
		if list, w.After, more, err = a.Store.Walk(ctx, w, system); err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(list, func(v *store.Version) bool { return !v.Deleted })...)
	}
	return out, nil
}

// everSaid are the versions of an item as at n: its history tells of each.
func (a *Access) everSaid(ctx context.Context, v *store.Version, n uint64) ([]*store.Version, error) {
	if v.Version <= 1 {
		return []*store.Version{v}, nil
	}
	all, err := a.Store.History(ctx, v.Type, v.ID, n, system)
	return slices.DeleteFunc(all, func(v *store.Version) bool { return v.Deleted }), err
}

// referred finds what the items refer to that a rule is about with all that they name:
// of one that withholds what they ever named, of one that gives back what they named in
// every version.
func (a *Access) referred(ctx context.Context, c *policy.Content, permit bool, found mpi.Found, n uint64) error {
	for _, i := range c.Related {
		versions, err := a.Store.History(ctx, i.Type, i.ID, n, system)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		named := map[policy.Item]int{}
		said := 0
		for _, v := range versions {
			if v.Deleted || !slices.ContainsFunc(found.Subjects, func(k mpi.Known) bool { return k.Subject == v.Subject }) {
				continue
			}
			r, err := v.Resource()
			if err != nil {
				return err
			}
			said++
			once := map[policy.Item]bool{}
			for _, to := range consent.References(r.Root()) {
				if !once[to] {
					once[to] = true
					named[to]++
				}
			}
		}
		for to, times := range named {
			if !permit || times == said {
				c.Referred = append(c.Referred, to)
			}
		}
	}
	return nil
}

// contents finds the items that preferences are about by what the items say,
// as at n, beside those that were found before.
func (a *Access) contents(ctx context.Context, preferences []policy.Preference, found mpi.Found, n uint64) error {
	type sought struct {
		data   *policy.Data
		permit bool
	}
	var all []sought
	for i := range preferences {
		for _, r := range preferences[i].Rule.Contents() {
			all = append(all, sought{&r.Data, r.Permit})
		}
	}
	if len(all) == 0 {
		return nil
	}
	for _, s := range all {
		if err := a.referred(ctx, s.data.Content, s.permit, found, n); err != nil {
			return err
		}
	}
	for _, k := range found.Subjects {
		versions, err := a.Store.Compartment(ctx, k.Subject, n, system)
		if err != nil {
			return err
		}
		gone, err := a.deleted(ctx, k.Subject, n)
		if err != nil {
			return err
		}
		for _, v := range slices.Concat(versions, gone) {
			said, err := a.everSaid(ctx, v, n)
			if err != nil {
				return err
			}
			item := policy.Item{Type: v.Type, ID: v.ID}
			for _, s := range all {
				holds := func(v *store.Version) bool {
					r, err := v.Resource()
					if err != nil {
						return !s.permit
					}
					return consent.Holds(s.data, s.permit, item, r, v.When)
				}
				about := slices.ContainsFunc(said, holds)
				if s.permit { // what is given back is shown with all that it ever said
					about = !slices.ContainsFunc(said, func(v *store.Version) bool { return !holds(v) })
				}
				if c := s.data.Content; about && !slices.Contains(c.Found, item) {
					c.Found = append(c.Found, item)
				}
			}
		}
	}
	for _, s := range all {
		s.data.Content.Known = true
	}
	return nil
}
