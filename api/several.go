package api

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"selda/access"
	"selda/access/grant"
	"selda/access/record"
	"selda/fault"
	"selda/fhir/search"
	"selda/store"
)

// This file answers one search from several records: of the people whom it
// names, or of those whom the reader's organisation looks after. Each record is
// asked by itself, under its own Grant: a reference leads to the same record, or
// to what is of no person. What of one may not be opened is in no total and on no page.

// maxPeople is of how many people a search that names none may show or count
// something. Only they count towards it: who is hidden changes no answer.
const maxPeople = 10_000

// several is a search of several records on its way.
type several struct {
	q       *request
	query   *search.Query
	who     *search.Query // what is asked of whose record it is, as of a Patient
	sources bool          // of Patients, those of the sources are meant
	types   []string      // that are read
	open    []opened
	mu      sync.Mutex // of what the clauses know

	found  []*hit
	counts int                     // how many there are, where no more is asked
	grants map[string]grant.Grant  // of those of whom something was found, by citizen
	cases  map[string]*access.Case // of a caseload's
}

// opened is a clause that asks of other resources, with what is known of those of
// no person.
type opened struct {
	*search.Clause
	typ  string
	seed map[string]bool
}

func (q *request) several(query *search.Query, who []*search.Clause, sources bool) (*several, error) {
	s := &several{q: q, query: query, who: &search.Query{Type: "Patient", Clauses: who}, sources: sources, grants: map[string]grant.Grant{}, cases: map[string]*access.Case{}}
	s.types = typesOf(query, s.who)
	for _, of := range []*search.Query{query, s.who} {
		for _, c := range of.Clauses {
			for _, o := range c.Open() {
				if err := q.know(&directoryOnly{q: q}, of.Type, o); err != nil {
					return nil, err
				}
				s.open = append(s.open, opened{o, of.Type, o.Known})
			}
		}
	}
	return s, nil
}

// typesOf are the types of a record that queries look at.
func typesOf(queries ...*search.Query) []string {
	types := []string{"Patient"} // it says whether where people live is withheld
	for _, query := range queries {
		types = append(types, query.Type)
		for _, c := range query.Clauses {
			for _, o := range c.Open() {
				if o.Has != nil {
					types = append(types, o.Has.Type)
				}
				if o.Chain != nil {
					types = append(types, o.Chain.Types...)
				}
			}
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// match gives what of one record answers.
func (s *several) match(v *record.View) (out []*hit, err error) {
	f := s.q.inRecord(v)
	f.bare = true
	query := *s.query
	query.Clauses = s.q.ofAll(slices.Clone(query.Clauses), v.Citizen)
	if len(s.open) > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, o := range s.open {
			o.Known = maps.Clone(o.seed)
			if err := s.q.know(f, o.typ, o.Clause); err != nil {
				return nil, err
			}
		}
	}
	if len(s.who.Clauses) > 0 && !(&personField{f, s.who}).citizen().meets(s.who) {
		return nil, nil
	}
	var in field = f
	if query.Type == "Patient" && !s.sources {
		in = &personField{f, &query}
	}
	seen := map[string]bool{}
	err = in.each(query.Type, query.Clauses, 0, func(h *hit) bool {
		if h.meets(&query) && !seen[h.ID] {
			seen[h.ID] = true
			h.citizen = v.Citizen
			out = append(out, h)
		}
		return true
	})
	return out, err
}

// look opens a record and gives what of it answers. Several may be looked at at once.
func (s *several) look(ctx context.Context, g grant.Grant) ([]*hit, error) {
	v, err := s.q.Records.Open(ctx, g, s.types...)
	if err != nil {
		return nil, err
	}
	return s.match(v)
}

// take adds what was found in one record.
func (s *several) take(g grant.Grant, hits []*hit) error {
	id := g.Citizen().ID
	if _, again := s.grants[id]; again || len(hits) == 0 {
		return nil // somebody named twice is found once
	}
	s.grants[id] = g
	if s.counts += len(hits); s.query.Summary == "count" {
		return nil
	}
	if s.found = append(s.found, hits...); len(s.found) > maxFound {
		return tooMany()
	}
	return nil
}

// answers makes a page of what was found, and gives who is on it.
func (s *several) answers(cur cursor) (a *answers, onPage []string, err error) {
	a = &answers{query: s.query, cur: cur}
	a.turn(s.found)
	a.total = s.counts
	byCitizen := map[string][]*hit{}
	for _, h := range a.page {
		if byCitizen[h.citizen] == nil {
			onPage = append(onPage, h.citizen)
		}
		byCitizen[h.citizen] = append(byCitizen[h.citizen], h)
	}
	if len(s.query.Include) == 0 || len(onPage) == 0 {
		return a, onPage, nil
	}
	have := map[string]bool{}
	for _, h := range a.page {
		have[h.Type+"/"+h.ID] = true
	}
	for _, id := range onPage {
		v, err := s.q.Records.Open(s.q.r.Context(), s.grants[id])
		if err != nil {
			return nil, nil, err
		}
		one := &answers{query: s.query, page: byCitizen[id]}
		var f field = s.q.inRecord(v)
		if s.query.Type == "Patient" && !s.sources {
			f = &personField{s.q.inRecord(v), s.query}
		}
		if err := s.q.include(f, one); err != nil {
			return nil, nil, err
		}
		for _, h := range one.with {
			if ref := h.Type + "/" + h.ID; !have[ref] {
				have[ref] = true
				a.with = append(a.with, h)
			}
		}
		if len(a.with) > maxIncluded {
			return nil, nil, tooManyIncluded()
		}
	}
	return a, onPage, nil
}

// searchNamed answers a search that names several people: each one's record is
// opened as by a read, which the trail of each says.
func (q *request) searchNamed(query *search.Query, who []*search.Clause, ids []string, cur cursor) (*answers, error) {
	s, err := q.several(query, who, false)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		v, err := q.openPage(id, query.Type+" search", cur.at(), s.types...)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
			continue // as one who does not exist
		}
		if err != nil {
			return nil, err
		}
		hits, err := s.match(v)
		if err == nil {
			err = s.take(v.Grant, hits)
		}
		if err != nil {
			return nil, err
		}
	}
	a, _, err := s.answers(cur)
	return a, err
}

// caseload are the people whom the reader's organisation looks after, asked for
// once in a request.
func (q *request) caseload(what string, n uint64) (*access.Caseload, error) {
	if q.people == nil || q.peopleAt != n {
		c, err := q.Access.Caseload(q.r.Context(), q.subject, what+" of the caseload", n)
		if err != nil {
			return nil, err
		}
		q.people, q.peopleAt = c, n
	}
	return q.people, nil
}

// searchCaseload answers a search that names nobody from the records of the
// people whom the reader's organisation looks after.
func (q *request) searchCaseload(query *search.Query, who []*search.Clause, sources bool, cur cursor) (*answers, error) {
	ctx := q.r.Context()
	people, err := q.caseload("search", cur.at())
	if err != nil {
		return nil, err
	}
	s, err := q.several(query, who, sources)
	if err != nil {
		return nil, err
	}
	hits, err := s.having(ctx, people)
	if err != nil {
		return nil, err
	}
	err = people.Each(ctx, hits, func(ctx context.Context, c *access.Case) (any, error) { return s.look(ctx, c.Grant) }, func(c *access.Case, found any) (bool, error) {
		if err := s.take(c.Grant, found.([]*hit)); err != nil {
			return false, err
		}
		if s.cases[c.Grant.Citizen().ID] = c; len(s.grants) > maxPeople {
			return false, tooManyPeople()
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	a, onPage, err := s.answers(cur)
	if err != nil {
		return nil, err
	}
	shown := onPage
	switch {
	case cur.Offset > 0: // who is counted was counted when the first page was asked for
		a.total = cur.Total
	case query.Total != "none":
		shown = slices.Sorted(maps.Keys(s.grants))
	}
	if a.next != nil {
		a.next.Total = a.total
	}
	var cases []*access.Case
	for _, id := range shown {
		cases = append(cases, s.cases[id])
	}
	return a, q.Access.Shown(ctx, query.Type+" search", cases)
}

func tooManyPeople() error {
	return fault.E("api.search", fault.TooCostly, "more than "+strconv.Itoa(maxPeople)+" of the people whom your organisation looks after have what is looked for: say more of it (a code, a date, a value), or whose records are meant: patient=ID,ID")
}

// having finds who of a caseload has what the search may find, as far as the
// index can say it.
func (s *several) having(ctx context.Context, people *access.Caseload) (access.Hits, error) {
	if s.query.Type != "Patient" {
		if r := s.q.scope().Ranged(s.query); r != nil && r.Narrow {
			return people.Ranging(ctx, rangeOf(s.query.Type, r))
		}
		return people.Having(ctx, s.query.Type, narrowing(s.query.Type, s.query.Clauses))
	}
	for _, c := range s.query.Clauses {
		if c.Has != nil && c.Has.On != nil && search.OwnRecord(c.Has.Type) {
			if groups := narrowing(c.Has.Type, []*search.Clause{c.Has.On}); groups != nil {
				return people.Having(ctx, c.Has.Type, groups)
			}
		}
	}
	return nil, nil
}

// narrowing are the tokens by which the index narrows a search wherever in a
// record the matches stand.
func narrowing(typ string, clauses []*search.Clause) [][]string {
	return groupsOf(slices.DeleteFunc(slices.Clone(clauses), func(c *search.Clause) bool {
		records, _ := c.InRecordOf(typ)
		return len(c.Open()) > 0 || len(records) > 0
	}))
}

// directoryOnly is what is of no person, as chains of a search of several
// records look at it: once, and not within each.
type directoryOnly struct{ q *request }

func (f *directoryOnly) each(typ string, clauses []*search.Clause, before store.ItemID, yield func(*hit) bool) error {
	if !directory[typ] {
		return nil
	}
	own, err := f.q.directoryField(typ)
	if err != nil {
		return err
	}
	return own.each(typ, clauses, before, yield)
}

func (f *directoryOnly) get(string, string) (*hit, error) { return nil, nil }
func (f *directoryOnly) referring(string, *search.Parameter, []search.Target, func(*hit) bool) error {
	return nil
}
func (f *directoryOnly) endless(string, []*search.Clause) bool { return false }
func (f *directoryOnly) expect(int)                            {}
