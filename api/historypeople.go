package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"selda/access"
	"selda/access/grant"
	"selda/fault"
	"selda/fhir"
	"selda/policy"
	"selda/store"
)

// This file answers a person's history of a type, or of all: of the own record,
// or of those of the people whom the reader's organisation looks after.
// https://hl7.org/fhir/R4/http.html#history

// told is one version, and the Grant that shows it.
type told struct {
	*store.Version
	g grant.Grant
}

// pastOf is a history of several records on its way.
type pastOf struct {
	q      *request
	typ    string
	params url.Values
	since  time.Time
	found  []told
	cases  map[string]*access.Case // of those of whom there is something, by citizen
}

// look gives the versions of one record that are of the time asked for.
func (p *pastOf) look(ctx context.Context, g grant.Grant) ([]told, error) {
	resources, err := p.q.Records.Versions(ctx, g, p.typ, p.since)
	if err != nil {
		return nil, err
	}
	var out []told
	for _, all := range resources {
		for _, v := range inForce(all, p.params) {
			out = append(out, told{v, g})
		}
	}
	return out, nil
}

func (p *pastOf) take(some []told) error {
	if p.found = append(p.found, some...); len(p.found) > maxFound {
		return fault.E("api.history", fault.TooCostly, "there are more than 10000 versions: say since when, or of which type", "_since")
	}
	return nil
}

// own takes the records of a citizen, or of those for whom a proxy acts.
func (p *pastOf) own(path string, n uint64) error {
	ids, err := p.q.own()
	if err != nil {
		return err
	}
	ctx := p.q.r.Context()
	for _, id := range ids {
		g, err := p.q.Access.Page(ctx, p.q.subject, id, path, n)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
			continue
		}
		if err != nil {
			return err
		}
		some, err := p.look(ctx, g)
		if err == nil {
			err = p.take(some)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ofCaseload takes those of the people whom the reader's organisation looks after.
func (p *pastOf) ofCaseload(path string, n uint64) error {
	ctx := p.q.r.Context()
	people, err := p.q.caseload(path, n)
	if err != nil {
		return err
	}
	hits, err := people.Changed(ctx, p.typ, p.since)
	if err != nil {
		return err
	}
	return people.Each(ctx, hits, func(ctx context.Context, c *access.Case) (any, error) { return p.look(ctx, c.Grant) }, func(c *access.Case, found any) (bool, error) {
		some := found.([]told)
		if len(some) > 0 {
			p.cases[c.Grant.Citizen().ID] = c
		}
		return true, p.take(some)
	})
}

// pastOfPeople answers the history.
func (q *request) pastOfPeople(typ, path string, params url.Values, cur cursor, count int, b *bundle, links []link) error {
	p := &pastOf{q: q, typ: typ, params: params, cases: map[string]*access.Case{}}
	p.since, _ = fhir.Time(params.Get("_since"))
	var err error
	switch {
	case q.theirs():
		err = p.own(path, cur.at())
	case policy.HasCaseload(q.subject.Role):
		err = p.ofCaseload(path, cur.at())
	default:
		return fault.E("api.history", fault.NotSupported, "somebody without a caseload reads the history of one resource: /fhir/Type/id/_history")
	}
	if err != nil {
		return err
	}
	slices.SortFunc(p.found, func(a, b told) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(b.Item, a.Item), cmp.Compare(b.Version.Version, a.Version.Version))
	})
	total := len(p.found)
	start := min(cur.Offset, total)
	end := min(start+count, total)
	onPage := map[string]*access.Case{}
	for _, v := range p.found[start:end] {
		var body []byte
		if !v.Deleted {
			if body, err = q.as(v.g, v.Version); err != nil {
				return err
			}
		}
		if c := p.cases[v.g.Citizen().ID]; c != nil {
			onPage[v.g.Citizen().ID] = c
		}
		b.add(q.versionEntry(v.Version, body))
	}
	shown := p.cases
	if cur.Offset > 0 { // who is counted was counted when the first page was asked for
		shown, total = onPage, cur.Total
	}
	var cases []*access.Case
	for _, id := range slices.Sorted(maps.Keys(shown)) {
		cases = append(cases, shown[id])
	}
	if err := q.Access.Shown(q.r.Context(), path, cases); err != nil {
		return err
	}
	if end < len(p.found) && count > 0 {
		if links, err = q.addNext(links, path, params, cursor{N: cur.N, Offset: end, Total: total}); err != nil {
			return err
		}
	}
	q.send(http.StatusOK, b.bytes(total, links))
	return nil
}
