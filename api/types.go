package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
)

// ofTypes is a search of several types as one: a page is filled type after type,
// or, where it is sorted, out of all of them.
// https://hl7.org/fhir/R4/http.html#search
type ofTypes struct {
	q      *request
	path   string
	types  []string // those that have all the parameters
	params url.Values
	owner  *search.Target
	cur    cursor
	whole  *answers
	seen   map[string]bool // what comes with the page
	by     map[string][]search.Key
	unsure bool // how many there are is not known of every type

	all     bool  // every type is searched
	asked   bool  // one of them, at least
	unasked error // why a type could not be
}

// searchTypes answers a search of several types.
func (q *request) searchTypes(path string, types []string, params url.Values, owner *search.Target) error {
	if len(types) == 1 {
		a, err := q.searched(path, types[0], params, owner)
		if err != nil {
			return err
		}
		return q.answer(path, a)
	}
	all := len(types) == len(fhir.ResourceTypes())
	if q.trailed() { // it is no part of what is searched for with others
		types = slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == "AuditEvent" })
	}
	s := &ofTypes{q: q, path: path, params: without(params, "_type"), owner: owner, all: all, whole: &answers{total: -1}, seen: map[string]bool{}, by: map[string][]search.Key{}}
	query, err := s.read(types)
	if err != nil {
		return err
	}
	s.whole.query, s.whole.self = query, used(params, query.Unknown)
	if s.cur, err = q.cursor(params, path, s.whole.self); err != nil {
		return err
	}
	switch count := pageSize(query); {
	case query.Summary == "count" || count == 0:
		err = s.count()
	case len(query.Sort) > 0:
		err = s.sorted(count)
	default:
		err = s.walk(count)
	}
	if err == nil && !s.asked && s.owner == nil {
		err = s.unasked
	}
	if err != nil {
		return err
	}
	return q.answer(path, s.whole)
}

// read finds the types that have all the parameters, and how the answer shall
// look. What none of them has is not known.
func (s *ofTypes) read(types []string) (*search.Query, error) {
	var queries []*search.Query
	missing := map[string]int{}
	var failed error
	for _, t := range types {
		query, err := s.q.scope().Parse(t, without(s.params, "_page"))
		if fault.Is(err, fault.NotSupported) { // such as a modifier, or an order
			failed = err
			continue
		}
		if err != nil {
			return nil, err
		}
		queries = append(queries, query)
		for _, name := range query.Unknown {
			missing[name]++
		}
	}
	if len(queries) == 0 {
		return nil, failed
	}
	var unknown []string
	for name, n := range missing {
		if n == len(queries) {
			unknown = append(unknown, name)
			delete(s.params, name)
		}
	}
	slices.Sort(unknown)
	if len(unknown) > 0 && strings.Contains(s.q.r.Header.Get("Prefer"), "handling=strict") {
		return nil, fault.E("api.search", fault.NotSupported, "this parameter is known for none of the types: /fhir/metadata says which are", unknown[0])
	}
	out := &search.Query{Type: "any of the types", Count: -1}
	for _, query := range queries {
		if len(query.Unknown) == len(unknown) {
			s.types = append(s.types, query.Type)
			s.by[query.Type] = query.Sort
			out.Count, out.Summary, out.Elements, out.Total, out.Sort = query.Count, query.Summary, query.Elements, query.Total, query.Sort
		}
	}
	out.Unknown = unknown
	return out, nil
}

// part searches one of the types. It gives nil of one that can't be searched so.
func (s *ofTypes) part(typ, count, summary string, at cursor) (*answers, error) {
	sub := without(s.params, "_count", "_page", "_summary")
	sub.Set("_count", count)
	if summary != "" {
		sub.Set("_summary", summary)
	}
	at.N = s.cur.N
	a, err := s.q.searchedFrom(s.path, typ, sub, s.owner, &at)
	switch {
	case fault.Is(err, fault.NotSupported):
		return nil, nil // nothing of this type is in such a compartment
	case fault.Is(err, fault.Required) && (s.owner != nil || s.all):
		s.unasked = err
		return nil, nil // a type that stands in no record, or of which one has to be named
	}
	s.asked = s.asked || err == nil
	return a, err
}

// count finds how many there are.
func (s *ofTypes) count() error {
	s.whole.total = 0
	for _, t := range s.types {
		a, err := s.part(t, "0", "count", cursor{})
		if err != nil {
			return err
		}
		if a != nil {
			s.whole.total += max(a.total, 0)
		}
	}
	return nil
}

// walk fills a page, type after type. It goes on through the others where that
// tells how many there are.
func (s *ofTypes) walk(count int) error {
	types := s.types
	if i := slices.Index(types, s.cur.Part); i > 0 {
		types = types[i:]
	}
	first, total := s.cur.Part == "", 0
	for _, t := range types {
		at := cursor{}
		if t == s.cur.Part {
			at = cursor{Offset: s.cur.Offset, Before: s.cur.Before}
		}
		room := count - len(s.whole.page)
		a, err := s.part(t, strconv.Itoa(max(room, 1)), "", at)
		if err != nil {
			return err
		}
		if a == nil {
			continue
		}
		total += max(a.total, 0)
		s.unsure = s.unsure || a.total < 0
		if room > 0 {
			s.take(a)
		}
		switch {
		case s.whole.next != nil:
		case room == 0 && len(a.page) > 0:
			s.whole.next = &cursor{N: s.cur.N, Part: t}
		case room > 0 && a.next != nil:
			s.whole.next = &cursor{N: s.cur.N, Part: t, Offset: a.next.Offset, Before: a.next.Before}
		}
		if s.whole.next != nil && (s.unsure || !first) {
			break
		}
	}
	return s.totals(first, total)
}

// totals says how many there are: on the first page as far as it has come to
// be known, on others as the first one said it.
func (s *ofTypes) totals(first bool, total int) error {
	switch {
	case !first:
		s.whole.total = s.cur.Total
	case s.whole.next == nil:
		s.whole.total = len(s.whole.page)
	case !s.unsure:
		s.whole.total = total
	case s.whole.query.Total == "accurate":
		if err := s.count(); err != nil {
			return err
		}
	}
	if !first && s.whole.total == 0 {
		s.whole.total = -1
	}
	if s.whole.next != nil {
		s.whole.next.Total = max(s.whole.total, 0)
	}
	return nil
}

// take adds what one type gave to the page.
func (s *ofTypes) take(a *answers) {
	for _, h := range a.page {
		s.seen[h.Type+"/"+h.ID] = true
	}
	s.whole.page = append(s.whole.page, a.page...)
	for _, h := range a.with {
		if ref := h.Type + "/" + h.ID; !s.seen[ref] {
			s.seen[ref] = true
			s.whole.with = append(s.whole.with, h)
		}
	}
	// What is a match of a later type came before with an earlier one.
	s.whole.with = slices.DeleteFunc(s.whole.with, func(h *hit) bool {
		return slices.ContainsFunc(a.page, func(m *hit) bool { return m.Type == h.Type && m.ID == h.ID })
	})
}

// sorted fills a page out of all that there are, in their order.
func (s *ofTypes) sorted(count int) error {
	for _, t := range s.types {
		a, err := s.part(t, strconv.Itoa(maxCount), "", cursor{})
		if err != nil {
			return err
		}
		if a == nil {
			continue
		}
		if a.next != nil || len(s.whole.page)+len(a.page) > maxFound {
			return tooMany()
		}
		s.take(a)
	}
	all := s.whole.page
	search.SortAmong(all, func(h *hit) []search.Key { return s.by[h.Type] }, func(h *hit) *search.Candidate { return &h.Candidate })
	from := min(s.cur.Offset, len(all))
	to := min(from+count, len(all))
	s.whole.page, s.whole.total = all[from:to], len(all)
	if to < len(all) {
		s.whole.next = &cursor{N: s.cur.N, Offset: to}
	}
	return nil
}
