package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
)

// How many matches a page holds, and how far a search goes.
const (
	defaultCount = 50
	maxCount     = 1000
	maxFound     = 10_000 // that are sorted, counted or linked by a chain before a search must be narrowed
	maxIncluded  = 5_000  // that come with a page
)

// answers is what a search found.
type answers struct {
	query *search.Query
	cur   cursor
	page  []*hit
	total int        // -1 where it is not known
	next  *cursor    // nil on the last page
	with  []*hit     // included
	self  url.Values // what was used of the parameters
}

// scope is what queries are read within.
func (q *request) scope() *search.Scope {
	return &search.Scope{Parameters: q.parameters(), Base: q.base, Now: q.Now(), Terms: q.Terms}
}

// find answers a query from a field.
func (q *request) find(f field, query *search.Query, cur cursor) (*answers, error) {
	for _, c := range query.Clauses {
		for _, open := range c.Open() {
			if err := q.know(f, query.Type, open); err != nil {
				return nil, err
			}
		}
	}
	a := &answers{query: query, cur: cur, total: -1}
	count := pageSize(query)
	own, isOwn := f.(*systemField)
	counting := query.Summary == "count" || count == 0
	if isOwn {
		if r := own.order(query, q.scope()); r != nil && (counting || query.Total == "accurate" && len(query.Sort) == 0) {
			n, err := own.counted(query, r)
			if err == nil && !counting {
				err = q.walk(f, a, count)
			}
			a.total = n
			return a, err
		}
	}
	all := !f.endless(query.Type, query.Clauses) || len(query.Sort) > 0 || query.Total == "accurate" || counting
	if !all {
		return a, q.walk(f, a, count)
	}
	if isOwn && len(query.Clauses) == 0 && counting {
		n, err := own.count(query.Type)
		a.total = n
		return a, err
	}
	var found []*hit
	seen := map[string]bool{}
	err := f.each(query.Type, query.Clauses, 0, func(h *hit) bool {
		if h.meets(query) && !seen[h.Type+"/"+h.ID] {
			seen[h.Type+"/"+h.ID] = true
			found = append(found, h)
		}
		return len(found) <= maxFound || query.Summary == "count"
	})
	if err != nil {
		return nil, err
	}
	if len(found) > maxFound && query.Summary != "count" {
		return nil, tooMany()
	}
	a.turn(found)
	return a, q.include(f, a)
}

// pageSize is how many matches a page of a query holds.
func pageSize(query *search.Query) int {
	if query.Count < 0 {
		return defaultCount
	}
	return min(query.Count, maxCount)
}

// turn sorts and counts all that was found, and takes the page out of it.
func (a *answers) turn(found []*hit) {
	search.Sort(found, a.query.Sort, func(h *hit) *search.Candidate { return &h.Candidate })
	count := pageSize(a.query)
	a.total = len(found)
	from := min(a.cur.Offset, len(found))
	to := min(from+count, len(found))
	if a.query.Summary == "count" {
		to = from
	}
	a.page = found[from:to]
	if to < len(found) && count > 0 && a.query.Summary != "count" {
		a.next = &cursor{N: a.cur.N, Offset: to}
	}
}

// walk finds one page among so many that they are not counted. Only where the
// first page holds all is it said how many there are.
func (q *request) walk(f field, a *answers, count int) error {
	seen := map[string]bool{}
	more := false
	f.expect(count + 1)
	err := f.each(a.query.Type, a.query.Clauses, a.cur.Before, func(h *hit) bool {
		if !h.meets(a.query) || seen[h.ID] {
			return true
		}
		seen[h.ID] = true
		if len(a.page) == count {
			more = true
			return false
		}
		a.page = append(a.page, h)
		return true
	})
	if err != nil {
		return err
	}
	switch {
	case more:
		a.next = &cursor{N: a.cur.N, Before: a.page[len(a.page)-1].item}
	case a.cur.Before == 0:
		a.total = len(a.page)
	}
	return q.include(f, a)
}

func tooMany() error {
	return fault.E("api.search", fault.TooCostly, "more than "+strconv.Itoa(maxFound)+" resources would have to be looked through: say more of what is looked for")
}

func tooManyIncluded() error {
	return fault.E("api.include", fault.TooCostly, "more than "+strconv.Itoa(maxIncluded)+" resources would come with this page: ask for fewer", "_include")
}

// know finds which resources a chain, a reverse chain or a list names.
func (q *request) know(f field, typ string, c *search.Clause) error {
	note := func(ref string) bool {
		c.Known[ref] = true
		return len(c.Known) <= maxFound
	}
	met := func(h *hit) bool {
		c.Note(&h.Candidate)
		return len(c.Known) <= maxFound
	}
	switch {
	case c.Chain != nil:
		for i, t := range c.Chain.Types {
			on := c.Chain.On[i]
			err := f.each(t, []*search.Clause{on}, 0, func(h *hit) bool {
				return !on.Matches(&h.Candidate) || met(h)
			})
			if err != nil {
				return err
			}
		}
	case c.Has.Type == "List" && c.Has.On == nil:
		for _, id := range c.Values {
			h, err := f.get("List", id)
			if err != nil {
				return err
			}
			if h == nil {
				continue
			}
			for _, e := range h.Res.Root().List("entry") {
				if ref := search.ParseReference(e.Get("item", "reference").Text()); ref.Type == typ && !e.Get("deleted").Bool() {
					note(ref.Type + "/" + ref.ID)
				}
			}
		}
	default:
		canonical := q.parameters().Lookup(typ, "url") != nil // the searched go by URLs, too
		err := f.each(c.Has.Type, []*search.Clause{c.Has.On}, 0, func(h *hit) bool {
			if c.Has.On.Matches(&h.Candidate) {
				c.Has.By.References(h.Res, func(t search.Target) bool {
					if q.ours(t) {
						return !note(t.Type + "/" + t.ID)
					}
					return canonical && t.URL != "" && !note(t.URL)
				})
			}
			return len(c.Known) <= maxFound
		})
		if err != nil {
			return err
		}
	}
	if len(c.Known) > maxFound {
		return tooMany()
	}
	return nil
}

// include adds what shall come with the page.
// https://hl7.org/fhir/R4/search.html#include
func (q *request) include(f field, a *answers) error {
	if len(a.query.Include) == 0 {
		return nil
	}
	have := map[string]bool{}
	for _, h := range a.page {
		have[h.Type+"/"+h.ID] = true
	}
	add := func(next *[]*hit, h *hit) error {
		if ref := h.Type + "/" + h.ID; !have[ref] {
			have[ref] = true
			if len(a.with) == maxIncluded {
				return tooManyIncluded()
			}
			i := *h
			i.mode = "include"
			a.with, *next = append(a.with, &i), append(*next, &i)
		}
		return nil
	}
	from := a.page
	for round := 0; len(from) > 0; round++ {
		var next []*hit
		for _, i := range a.query.Include {
			if round > 0 && !i.Iterate {
				continue
			}
			var err error
			if i.Reverse {
				err = q.includeReferring(f, i, from, func(h *hit) error { return add(&next, h) })
			} else {
				err = q.includeReferred(f, i, from, func(h *hit) error { return add(&next, h) })
			}
			if err != nil {
				return err
			}
		}
		from = next
	}
	return nil
}

// includeReferred gives what the resources of a page refer to.
func (q *request) includeReferred(f field, i search.Include, from []*hit, add func(*hit) error) error {
	for _, h := range from {
		if i.Type != "" && h.Type != i.Type {
			continue
		}
		for _, p := range q.references(h.Type, i.By) {
			var err error
			p.References(h.Res, func(t search.Target) bool {
				if t.URL != "" && !q.ours(t) {
					err = q.includeCanonical(f, i, p, t.URL, add)
					return err != nil
				}
				if i.Target != "" && t.Type != i.Target {
					return false
				}
				var found *hit
				if found, err = f.get(t.Type, t.ID); err == nil && found != nil {
					err = add(found)
				}
				return err != nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// ours says whether a target is a resource of this server.
func (q *request) ours(t search.Target) bool {
	return t.Type != "" && (t.URL == "" || strings.HasPrefix(t.URL, q.base+"/"))
}

// includeCanonical gives the definition that a canonical URL names.
func (q *request) includeCanonical(f field, i search.Include, p *search.Parameter, url string, add func(*hit) error) error {
	for _, typ := range p.Targets {
		if i.Target != "" && typ != i.Target || q.parameters().Lookup(typ, "url") == nil {
			continue
		}
		bare, _, _ := strings.Cut(url, "|")
		c, _, err := q.scope().Clause(typ, "url", search.Escaped(bare))
		if err != nil {
			continue // it is no URL
		}
		var failed error
		err = f.each(typ, []*search.Clause{c}, 0, func(h *hit) bool {
			if slices.Contains(search.Canonicals(h.Res), url) {
				failed = add(h)
			}
			return failed == nil
		})
		if err != nil || failed != nil {
			return errors.Join(err, failed)
		}
	}
	return nil
}

// references are the parameters that an include goes by.
func (q *request) references(typ string, by *search.Parameter) []*search.Parameter {
	if by != nil {
		return []*search.Parameter{by}
	}
	return slices.DeleteFunc(slices.Clone(q.parameters().Of(typ)), func(p *search.Parameter) bool { return p.Kind != search.Reference })
}

// includeReferring gives what refers to the resources of a page.
func (q *request) includeReferring(f field, i search.Include, from []*hit, add func(*hit) error) error {
	to := map[string]bool{}
	var targets []search.Target
	for _, h := range from {
		if i.Target != "" && h.Type != i.Target {
			continue
		}
		for _, t := range h.targets() {
			to[t.Type+"/"+t.ID] = true
			targets = append(targets, t)
		}
		for _, url := range search.Canonicals(h.Res) {
			to[url] = true
			targets = append(targets, search.Target{URL: url})
		}
	}
	if len(targets) == 0 {
		return nil
	}
	types := []string{i.Type}
	if i.Type == "" {
		types = fhir.ResourceTypes()
	}
	for _, typ := range types {
		var failed error
		err := f.referring(typ, i.By, targets, func(h *hit) bool {
			hit := false
			for _, p := range q.references(h.Type, i.By) {
				p.References(h.Res, func(t search.Target) bool {
					hit = hit || q.ours(t) && to[t.Type+"/"+t.ID] || to[t.URL]
					return hit
				})
			}
			if hit {
				failed = add(h)
			}
			return failed == nil
		})
		if err != nil || failed != nil {
			if err == nil {
				err = failed
			}
			return err
		}
	}
	return nil
}

// targets are the references by which a resource is known: a citizen's merged
// Patient by those of its sources, too.
func (h *hit) targets() []search.Target {
	out := []search.Target{{Type: h.Type, ID: h.ID}}
	if h.Type == "Patient" {
		for _, l := range h.Res.Root().List("link") {
			if t := search.ParseReference(l.Get("other", "reference").Text()); t.Type == "Patient" && l.Get("type").Is("seealso") {
				out = append(out, t)
			}
		}
	}
	return out
}

// answer sends a page. https://hl7.org/fhir/R4/search.html#return
func (q *request) answer(path string, a *answers) error {
	b := newBundle("searchset")
	b.meta = q.tagged()
	for _, list := range [][]*hit{a.page, a.with} {
		for _, h := range list {
			b.add(entry{full: q.base + "/" + h.Type + "/" + h.ID, resource: q.subset(a.query, h), mode: h.mode})
		}
	}
	warn := func(words string, expression ...string) {
		issue := fhir.Object{"severity": "warning", "code": "not-supported", "diagnostics": words}
		if len(expression) > 0 {
			issue["expression"] = expression
		}
		b.add(entry{full: nameless("warning " + words + strings.Join(expression, "")), resource: fhir.Marshal(fhir.Object{"resourceType": "OperationOutcome", "issue": []fhir.Object{issue}}), mode: "outcome"})
	}
	for _, name := range a.query.Unknown {
		warn("the parameter was not used: it is not known for "+a.query.Type, name)
	}
	if q.Published != nil && slices.Contains(published, a.query.Type) && !namesPublished(a.query) {
		warn("the definitions of the standard and of packages are found by url and by _id alone, and are not among these")
	}
	links := q.selfLink(path, a.self)
	if a.next != nil {
		var err error
		if links, err = q.addNext(links, path, a.self, *a.next); err != nil {
			return err
		}
	}
	total := a.total
	if a.query.Total == "none" && a.query.Summary != "count" {
		total = -1
	}
	q.send(http.StatusOK, b.bytes(total, links))
	return nil
}

// used are the parameters that made a search: the unknown ones are not among them.
func used(params url.Values, unknown []string) url.Values {
	self := url.Values{}
	for k, v := range params {
		if !slices.Contains(unknown, k) && k != "_page" {
			self[k] = v
		}
	}
	return self
}

// subset is a resource as _summary and _elements ask for it.
func (q *request) subset(query *search.Query, h *hit) []byte {
	if len(query.Elements) > 0 {
		return fhir.Subset(h.body(), h.Type, "elements", elementsOf(query.Elements, h.Type)...)
	}
	return fhir.Subset(h.body(), h.Type, query.Summary)
}

// elementsOf are the names that are meant of a type: all, or those with the type before them.
func elementsOf(names []string, typ string) (out []string) {
	for _, n := range names {
		if t, name, ok := strings.Cut(n, "."); !ok {
			out = append(out, n)
		} else if t == typ {
			out = append(out, name)
		}
	}
	return out
}
