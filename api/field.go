package api

import (
	"slices"
	"strings"
	"time"

	"selda/access/grant"
	"selda/access/record"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/ingest/classify"
	"selda/store"
)

// hit is one resource that may be an answer, as the reader would see it.
type hit struct {
	search.Candidate
	item store.ItemID
	body func() []byte
	mode string // match, include
	sure bool   // it meets the query by what it stands for

	citizen string // whose record it is of, in a search of several
}

// meets says whether the resource is an answer to a query.
func (h *hit) meets(query *search.Query) bool { return h.sure || query.Matches(&h.Candidate) }

// field is what one search is asked of: the resources that one Grant shows,
// as at one n. Chains, reverse chains and includes look in the same field, and
// so does everything that the search names: what the Grant hides is in none of them.
type field interface {
	// each gives the resources of a type that can meet the clauses, until f
	// wants no more. They have to be asked whether they do.
	each(typ string, clauses []*search.Clause, before store.ItemID, f func(*hit) bool) error
	// get gives one resource; nil where there is none.
	get(typ, id string) (*hit, error)
	// referring gives resources of a type that may refer to one of some others
	// by a parameter; by any where it is nil.
	referring(typ string, by *search.Parameter, to []search.Target, f func(*hit) bool) error
	// endless says of a search that it may find more than a page should count:
	// then it goes on before the last item of a page.
	endless(typ string, clauses []*search.Clause) bool
	// expect says how many hits will be taken, so that no more are read.
	expect(n int)
}

// recordField is one citizen's record.
type recordField struct {
	q    *request
	view *record.View
	hits map[string][]*hit // by type
	bare bool              // without what is of no person
}

func (q *request) inRecord(v *record.View) *recordField {
	return &recordField{q: q, view: v, hits: map[string][]*hit{}}
}

// of gives the hits of a type, made once.
func (f *recordField) of(typ string) []*hit {
	list, ok := f.hits[typ]
	if ok {
		return list
	}
	for _, i := range f.view.Of(typ) {
		list = append(list, f.hit(i))
	}
	f.hits[typ] = list
	return list
}

func (f *recordField) hit(i record.Item) *hit {
	q, v, restricted := f.q, i.Version, f.view.Person.Restricted // and not the whole view: of many people hits are kept longer than records
	h := &hit{Candidate: search.Candidate{Type: i.Type, ID: i.ID, Updated: i.Recorded, Res: i.Res}, item: i.Item, body: func() []byte { return q.told(v, placed(restricted, v)) }, mode: "match"}
	if restricted && (i.Type == "Patient" || i.Type == "RelatedPerson") {
		// What is not shown is not found either (G13).
		if r, err := fhir.ParseTrusted(record.Placeless(i.Type, i.Body)); err == nil {
			h.Res = r
		}
	}
	if found := q.foundIn(v); found != 0 { // what is told is found: _security
		if r, err := fhir.ParseTrusted(classify.Tell(h.Res.JSON, found)); err == nil {
			h.Res = r
		}
	}
	return h
}

func (f *recordField) each(typ string, _ []*search.Clause, _ store.ItemID, yield func(*hit) bool) error {
	for _, h := range f.of(typ) {
		if !yield(h) {
			return nil
		}
	}
	if directory[typ] && !f.bare {
		return f.directory().each(typ, nil, 0, yield)
	}
	return nil
}

func (f *recordField) get(typ, id string) (*hit, error) {
	for _, h := range f.of(typ) {
		if h.ID == id {
			return h, nil
		}
	}
	if typ == "Patient" && id == f.view.Citizen && f.view.ShowsType("Patient") {
		return f.q.citizenHit(f.view), nil
	}
	if directory[typ] || shown[typ] {
		return f.directory().get(typ, id)
	}
	return nil, nil
}

// directory is what everybody may look up, beside the record.
func (f *recordField) directory() *sharedField { return &sharedField{q: f.q, g: f.view.Grant} }

func (f *recordField) referring(typ string, _ *search.Parameter, _ []search.Target, yield func(*hit) bool) error {
	for _, h := range f.of(typ) {
		if !yield(h) {
			return nil
		}
	}
	return nil
}

func (f *recordField) endless(string, []*search.Clause) bool { return false }
func (f *recordField) expect(int)                            {}

// shown are types of no person that an item of a record may refer to.
var shown = map[string]bool{"Medication": true, "Substance": true}

// sharedField is what is of no person, looked up from within a record.
type sharedField struct {
	q *request
	g grant.Grant
}

func (f *sharedField) each(typ string, clauses []*search.Clause, before store.ItemID, yield func(*hit) bool) error {
	own, err := f.q.directoryField(typ)
	if err != nil {
		return err
	}
	return own.each(typ, clauses, before, yield)
}

func (f *sharedField) get(typ, id string) (*hit, error) {
	v, err := f.q.Records.DirectoryVersion(f.q.r.Context(), f.g, typ, id)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return versionHit(v)
}

// systemField is what a source system wrote, or what is of no person.
type systemField struct {
	q       *request
	g       grant.Grant
	n       uint64
	ofTypes map[string]bool // nil for all
	page    int             // how many hits will be taken; 0 where it is not known

	ordered     *search.Ranged // what is searched, where the ordered values narrow it
	orderedType string
}

// versionHit is a version as it is.
func versionHit(v *store.Version) (*hit, error) {
	res, err := v.Resource()
	if err != nil {
		return nil, err
	}
	return &hit{Candidate: search.Candidate{Type: v.Type, ID: v.ID, Updated: v.Recorded, Res: res}, item: v.Item, body: func() []byte { return dressed(v) }, mode: "match"}, nil
}

// eachHit gives versions as they are, until f wants no more.
func eachHit(versions []*store.Version, f func(*hit) bool) (more bool, err error) {
	for _, v := range versions {
		h, err := versionHit(v)
		if err != nil || !f(h) {
			return false, err
		}
	}
	return true, nil
}

// chunk is how many candidates are read at a time.
const chunk = 200

func (f *systemField) each(typ string, clauses []*search.Clause, before store.ItemID, yield func(*hit) bool) error {
	if f.ofTypes != nil && !f.ofTypes[typ] {
		return nil
	}
	ids := named(clauses)
	if ids == nil {
		ids = pointedAt(typ, clauses)
	}
	if ids != nil {
		for _, id := range ids {
			h, err := f.get(typ, id)
			if err != nil {
				return err
			}
			if h != nil && !yield(h) {
				return nil
			}
		}
		return nil
	}
	for _, c := range clauses {
		if c.Within.Type != "" && search.OwnRecord(c.Within.Type) {
			_, err := f.around(typ, []search.Target{c.Within}, yield)
			return err
		}
		records, whole := c.InRecordOf(typ)
		if len(records) == 0 {
			continue
		}
		more := true
		_, err := f.around(typ, records, func(h *hit) bool {
			more = yield(h)
			return more
		})
		if err != nil || whole || !more {
			return err
		}
		break // what is not there is found by its tokens
	}
	if f.ordered != nil && typ == f.orderedType {
		return f.ranged(before, yield)
	}
	groups := groupsOf(clauses)
	if from, ok := since(clauses); ok && len(groups) == 0 && f.ofTypes == nil { // the log is a source system's own
		return f.changed(typ, from, yield)
	}
	return f.search(typ, groups, before, yield)
}

// since is the time from which on an answer must have been changed.
func since(clauses []*search.Clause) (from time.Time, ok bool) {
	for _, c := range clauses {
		if from, ok = c.Since(); ok {
			return from, ok
		}
	}
	return from, false
}

// changed gives the resources of a type that were changed since, by the log.
func (f *systemField) changed(typ string, from time.Time, yield func(*hit) bool) error {
	seen := map[store.ItemID]bool{}
	for l := (store.Log{Until: f.n, Newest: true, Types: []string{typ}, Limit: chunk}); ; {
		versions, last, err := f.q.Records.Changes(f.q.r.Context(), f.g, l)
		if err != nil {
			return err
		}
		for _, v := range versions {
			if v.Recorded.Before(from) {
				return nil
			}
			if seen[v.Item] {
				continue
			}
			seen[v.Item] = true
			if v.Deleted {
				continue
			}
			h, err := versionHit(v)
			if err != nil {
				return err
			}
			if !yield(h) {
				return nil
			}
		}
		if len(versions) < l.Limit || last <= 1 {
			return nil
		}
		l.Until = last - 1
	}
}

// pointedAt are the ids that a reverse chain or a list has found: an answer is
// one of them. nil where there is no such condition.
func pointedAt(typ string, clauses []*search.Clause) []string {
	for _, c := range clauses {
		if c.Has == nil {
			continue
		}
		ids := []string{}
		for ref := range c.Known {
			if id, ok := strings.CutPrefix(ref, typ+"/"); ok {
				ids = append(ids, id)
			} else if strings.Contains(ref, ":") {
				return nil // a canonical URL, which says no id
			}
		}
		slices.Sort(ids)
		return ids
	}
	return nil
}

// named are the ids that a search names; nil where it names none.
func named(clauses []*search.Clause) []string {
	for _, c := range clauses {
		if c.Name == "_id" {
			var out []string
			for _, id := range c.Values {
				if !slices.Contains(out, id) {
					out = append(out, id)
				}
			}
			return out
		}
	}
	return nil
}

// around gives what stands in the records that some resources belong to. done
// is false where one of them is of no person.
func (f *systemField) around(typ string, to []search.Target, yield func(*hit) bool) (done bool, err error) {
	seen := map[store.Subject]bool{}
	for _, t := range to {
		versions, subject, err := f.q.Records.Around(f.q.r.Context(), f.g, t.Type, t.ID, f.n, seen, typ)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return true, err
		}
		if subject == store.Shared {
			return false, nil
		}
		if more, err := eachHit(versions, yield); err != nil || !more {
			return true, err
		}
	}
	return true, nil
}

// groupsOf are the tokens by which the index narrows a search.
func groupsOf(clauses []*search.Clause) [][]string {
	var out [][]string
	for _, c := range clauses {
		if c.Has != nil {
			continue
		}
		if g, ok := c.Tokens(); ok {
			out = append(out, g)
		}
	}
	return out
}

func (f *systemField) search(typ string, groups [][]string, before store.ItemID, yield func(*hit) bool) error {
	size := chunk
	if f.page > 0 {
		size = min(f.page, chunk)
	}
	for ; ; size = chunk {
		versions, last, err := f.q.Records.All(f.q.r.Context(), f.g, store.Query{Type: typ, Groups: groups, N: f.n, Before: before, Limit: size})
		if err != nil {
			return err
		}
		if more, err := eachHit(versions, yield); err != nil || !more {
			return err
		}
		if last == 0 {
			return nil
		}
		before = last
	}
}

// count is how many resources of a type there are: none has to be read for it.
func (f *systemField) count(typ string) (n int, err error) {
	const step = 10_000
	for before := store.ItemID(0); ; {
		found, err := f.q.Records.Search(f.q.r.Context(), f.g, store.Query{Type: typ, N: f.n, Before: before, Limit: step})
		if err != nil {
			return n, err
		}
		if n += len(found); len(found) < step {
			return n, nil
		}
		before = found[len(found)-1].Item
	}
}

func (f *systemField) get(typ, id string) (*hit, error) {
	if f.ofTypes != nil && !f.ofTypes[typ] {
		return nil, nil
	}
	v, err := f.q.Records.ReadAt(f.q.r.Context(), f.g, typ, id, f.n)
	if fault.Is(err, fault.NotFound) || err == nil && v.Deleted {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return versionHit(v)
}

func (f *systemField) referring(typ string, by *search.Parameter, to []search.Target, yield func(*hit) bool) error {
	var records []search.Target
	var tokens []string
	for _, t := range to {
		if search.OwnRecord(typ) && t.URL == "" && search.OwnRecord(t.Type) {
			records = append(records, t)
		}
		tokens = append(tokens, t.Token())
	}
	if len(records) > 0 {
		if _, err := f.around(typ, records, yield); err != nil {
			return err
		}
	}
	return f.search(typ, [][]string{tokens}, 0, yield)
}

func (f *systemField) endless(typ string, clauses []*search.Clause) bool {
	if _, ok := since(clauses); ok && len(groupsOf(clauses)) == 0 && f.ofTypes == nil {
		return false
	}
	return named(clauses) == nil && pointedAt(typ, clauses) == nil && !slices.ContainsFunc(clauses, func(c *search.Clause) bool {
		records, _ := c.InRecordOf(typ)
		return len(records) > 0 || c.Within.Type != "" && search.OwnRecord(c.Within.Type)
	})
}

func (f *systemField) expect(n int) { f.page = n }

// directoryField is what is of no person, of one type that everybody may search.
func (q *request) directoryField(typ string) (*systemField, error) {
	g, err := q.Access.Directory(q.r.Context(), q.subject, typ+" search")
	if err != nil {
		return nil, err
	}
	return &systemField{q: q, g: g, n: store.Latest, ofTypes: directory}, nil
}

// ownField is what a source system wrote.
func (q *request) ownField(what string, n uint64) (*systemField, error) {
	g, err := q.Access.System(q.r.Context(), q.subject, audit.Search, what)
	if err != nil {
		return nil, err
	}
	return &systemField{q: q, g: g, n: n}, nil
}
