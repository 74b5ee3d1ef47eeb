package access

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/audit"
	"selda/fault"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/relationship"
	"selda/store"
)

// Caseload is the people whom the reader's organisation looks after, to be
// looked through (G3, G7). Who they may be, the index says; each is decided by
// policy before anything of theirs is read, and nothing tells the reader of one
// who was refused. It is of one reader and one request.
type Caseload struct {
	a    *Access
	s    policy.Subject
	wide policy.Predicate // what the role is shown of anybody at most
	n    uint64           // what is read is as at n, what decides is as of now

	subjects map[store.Subject]bool // those with a sign of a relationship
	decided  map[store.Citizen]*Case
	latest   bool // n is that of now
	names    organisations
}

// Case is one of them whose record the reader may open.
type Case struct {
	Grant grant.Grant
	entry audit.Entry
}

// Caseload asks to look through the people whom the reader's organisation looks
// after. The trail has one entry of that; those of whom something is shown or
// counted get one each, by Shown.
func (a *Access) Caseload(ctx context.Context, s policy.Subject, what string, n uint64) (*Caseload, error) {
	const op = "access.Caseload"
	d := policy.Caseload(s, a.widest(&s))
	if a.Downtime != 0 {
		d = policy.Decision{Rules: []string{"G21 downtime copy"}, Reason: "one record at a time is opened of a downtime copy"}
	}
	if _, err := a.simple(ctx, op, s, audit.Search, what, seal.None, d); err != nil {
		return nil, err
	}
	c := &Caseload{a: a, s: s, wide: d.Predicate, n: n, subjects: map[store.Subject]bool{}, decided: map[store.Citizen]*Case{}, names: organisations{a: a}}
	now, err := a.Store.N(ctx)
	if err != nil {
		return nil, fault.E(op, err)
	}
	c.latest = n >= now
	tokens, err := a.caseloadTokens(ctx, s.Organisation)
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, t := range relationship.Types {
		err := a.eachFound(ctx, store.Query{Type: t, Groups: [][]string{tokens}, N: store.Latest}, system, func(f *store.Found) bool {
			if f.Subject != store.Shared {
				c.subjects[f.Subject] = true
			}
			return true
		})
		if err != nil {
			return nil, fault.E(op, err)
		}
	}
	return c, nil
}

// caseloadTokens are those of the index under which an organisation's relationships are.
func (a *Access) caseloadTokens(ctx context.Context, o nhs.ODS) ([]string, error) {
	var ids []string
	err := a.eachFound(ctx, store.Query{Type: "Organization", Groups: [][]string{{"id:" + nhs.ODSSystem + "|" + string(o)}}, N: store.Latest}, system, func(f *store.Found) bool {
		ids = append(ids, f.ID)
		return true
	})
	after, limited := a.AfterCare(o)
	return relationship.Asked(o, ids, a.Now(), after-policy.AfterCare), cmp.Or(err, limited)
}

// foundStep is how many hits of the index are read at a time.
const foundStep = 10_000

// eachFound gives what answers a query, until f wants no more.
func (a *Access) eachFound(ctx context.Context, q store.Query, p *policy.Predicate, f func(*store.Found) bool) error {
	for q.Limit = foundStep; ; {
		found, err := a.Store.Search(ctx, q, p)
		if err != nil {
			return err
		}
		for i := range found {
			if !f(&found[i]) {
				return nil
			}
		}
		if len(found) < q.Limit {
			return nil
		}
		q.Before = found[len(found)-1].Item
	}
}

// Hits are the subjects that have something which a search may find: who has
// nothing need not be decided.
type Hits map[store.Subject]bool

const (
	// fewPeople are decided sooner than it is looked up who has hits.
	fewPeople = 200
	// mostHits of the index are gone through; who looks for what more have is
	// answered from the records.
	mostHits = 50_000
)

// Having finds the subjects that have something of a type with a token of every
// group; nil where everybody is to be asked, which gives the same answer in more
// time.
func (c *Caseload) Having(ctx context.Context, typ string, groups [][]string) (Hits, error) {
	if len(c.subjects) <= fewPeople || len(groups) == 0 {
		return nil, nil
	}
	hits, n := Hits{}, 0
	err := c.a.eachFound(ctx, store.Query{Type: typ, Groups: groups, N: c.n}, &c.wide, func(f *store.Found) bool {
		hits[f.Subject] = true
		n++
		return n < mostHits
	})
	if n >= mostHits {
		hits = nil
	}
	return hits, err
}

// Ranging is Having by ordered values.
func (c *Caseload) Ranging(ctx context.Context, r store.Range) (Hits, error) {
	if len(c.subjects) <= fewPeople {
		return nil, nil
	}
	r.N, r.Limit = c.n, mostHits
	found, err := c.a.Store.Ranged(ctx, r, &c.wide)
	if err != nil || len(found.Items) >= mostHits {
		return nil, err
	}
	hits := Hits{}
	for list := found.Items; len(list) > 0; {
		some := list[:min(len(list), foundStep)]
		list = list[len(some):]
		owners, err := c.a.Owners.OwnersOf(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, s := range owners {
			hits[s] = true
		}
	}
	return hits, nil
}

// Changed is Having of what was changed since a time, of a type or of all.
func (c *Caseload) Changed(ctx context.Context, typ string, since time.Time) (Hits, error) {
	if len(c.subjects) <= fewPeople || since.IsZero() {
		return nil, nil
	}
	l := store.Log{Until: c.n, Newest: true, Limit: 1000}
	if typ != "" {
		l.Types = []string{typ}
	}
	hits := Hits{}
	for n := 0; n < mostHits; {
		versions, last, err := c.a.Store.Changes(ctx, l, &c.wide)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			if v.Recorded.Before(since) {
				return hits, nil
			}
			hits[v.Subject] = true
		}
		if len(versions) < l.Limit || last <= 1 {
			return hits, nil
		}
		n, l.Until = n+len(versions), last-1
	}
	return nil, nil
}

// People are decided so many at once, by so many for each processor: where the
// store is elsewhere most of the time goes by on the way.
const (
	decidedAtOnce = 64
	perCore       = 4
)

// Each gives those of the caseload, with hits where they are not nil, whose
// records the reader may open, in an order that stays the same. look is called
// for several of them at once; take for one after the other, with what look
// gave, until it wants no more.
func (c *Caseload) Each(ctx context.Context, hits Hits, look func(context.Context, *Case) (any, error), take func(*Case, any) (more bool, err error)) error {
	const op = "access.Caseload.Each"
	people, err := c.people(ctx, hits)
	if err != nil {
		return fault.E(op, err)
	}
	type one struct {
		c   *Case
		any any
		err error
	}
	for len(people) > 0 {
		some := people[:min(decidedAtOnce, len(people))]
		people = people[len(some):]
		found := make([]one, len(some))
		var wg sync.WaitGroup
		together := min(len(some), perCore*runtime.GOMAXPROCS(0))
		for w := range together {
			wg.Go(func() {
				for i := w; i < len(some); i += together {
					f := &found[i]
					if f.c, f.err = c.decide(ctx, some[i]); f.err == nil && f.c != nil {
						f.any, f.err = look(ctx, f.c)
					}
				}
			})
		}
		wg.Wait()
		for i, f := range found {
			if f.err != nil {
				return f.err
			}
			c.decided[some[i].Citizen] = f.c
			if f.c == nil {
				continue
			}
			if more, err := take(f.c, f.any); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// people are the citizens of the caseload who have hits.
func (c *Caseload) people(ctx context.Context, hits Hits) ([]mpi.Found, error) {
	of := hits
	if hits == nil {
		of = c.subjects
	}
	var out []mpi.Found
	seen := map[store.Citizen]bool{}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(of)), foundStep) {
		found, err := c.a.Index.Citizens(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !seen[f.Citizen] && slices.ContainsFunc(f.Subjects, func(k mpi.Known) bool { return c.subjects[k.Subject] }) {
				seen[f.Citizen] = true
				out = append(out, f)
			}
		}
	}
	slices.SortFunc(out, func(a, b mpi.Found) int { return cmp.Compare(a.Citizen, b.Citizen) })
	return out, nil
}

// decide says whether the reader may open somebody's record; nil where not. What
// users have stated is not among the facts: that the patient is in front of them
// (G7), or an emergency (G9), opens the one record that it was stated of, by name.
func (c *Caseload) decide(ctx context.Context, now mpi.Found) (*Case, error) {
	if known, ok := c.decided[now.Citizen]; ok {
		return known, nil
	}
	found := now
	if !c.latest {
		var err error
		if found, err = c.a.Index.Citizen(ctx, now.ID, c.n); fault.Is(err, fault.NotFound) {
			return nil, nil // not there yet
		} else if err != nil {
			return nil, err
		}
		found = stillLinked(found, now)
	}
	facts, who, err := c.a.facts(ctx, now, store.Latest, &c.names)
	if err == nil && !c.latest {
		err = c.a.contents(ctx, facts.Preferences, found, c.n)
	}
	if err != nil {
		return nil, err
	}
	at := c.a.Now()
	r, err := c.a.request(ctx, c.s, found.ID, now, store.Latest, facts, at)
	if err != nil {
		return nil, err
	}
	d := policy.Decide(r)
	if !d.Permit {
		return nil, nil
	}
	// It is no reading of a record: a practice that is counted is not so many records opened.
	e := audit.From(c.s, audit.Search, "")
	e.Citizen, e.Signs = found.ID, c.a.signs(ctx, &who, c.s, facts, found.ID)
	decidedBy(&e, d.Rules)
	return &Case{seal.Make(seal.Fields{Kind: seal.Record, Subject: c.s, Citizen: found, N: c.n, At: at, Predicate: d.Predicate, Decision: d}), e}, nil
}

// Shown records of whom something is shown or counted, in each one's own trail.
func (a *Access) Shown(ctx context.Context, what string, cases []*Case) error {
	for _, c := range cases {
		e := c.entry
		e.What = what
		if err := a.Trail.Enter(ctx, e); err != nil {
			return fault.E("access.Shown", err)
		}
	}
	return nil
}
