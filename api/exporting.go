package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/access/grant"
	"selda/audit"
	"selda/bulk"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// exporting is an export that is carried out.
type exporting struct {
	a       *API
	q       *request // as the one who asked would ask now
	j       *bulk.Job
	ask     exportAsk
	filters map[string][]*search.Query
	deleted []fhir.Object // entries of the next Bundle of deletions
	with    *support      // what the records speak of; nil where it is not asked for
}

// exportPlace is how far an export is: as at N, after Key.
type exportPlace struct {
	N    uint64          `json:"n"`
	Key  store.Key       `json:"key"`
	With []search.Target `json:"with,omitempty"` // what was spoken of until then
}

// runExport carries an export out, from where it was when it was broken off. It
// is decided again first.
func (a *API) runExport(ctx context.Context, j *bulk.Job) error {
	by, err := j.By()
	if err != nil {
		return err
	}
	x := &exporting{a: a, j: j}
	if err := j.Ask(&x.ask); err != nil {
		return err
	}
	x.q = &request{API: a, r: (&http.Request{Header: http.Header{}, URL: &url.URL{}}).WithContext(ctx), subject: by, base: x.ask.Base}
	x.q.Terms = &searchTerms{q: x.q}
	if x.filters, err = x.ask.compile(x.q.scope()); err != nil {
		return err
	}
	if x.ask.Level != "system" && (len(x.ask.Types) == 0 || slices.ContainsFunc(x.ask.Types, func(t string) bool { return !search.OwnRecord(t) })) {
		x.with = newSupport()
	}
	if by.Role == nhs.Citizen {
		return x.own(ctx, by)
	}
	g, err := a.Access.System(ctx, by, audit.Export, "$export of "+x.ask.Level)
	if err != nil {
		return err
	}
	var at exportPlace
	begun, err := j.Place(&at)
	if err != nil {
		return err
	}
	if !begun {
		if at.N, err = x.settled(ctx); err != nil {
			return err
		}
		if err := x.ignored(); err != nil {
			return err
		}
		if err := x.checkpoint(at); err != nil {
			return err
		}
	}
	if x.with != nil {
		x.with.again(at.With)
	}
	spans, err := x.spans(ctx, g, at.N)
	if err != nil {
		return err
	}
	return x.walk(ctx, g, at, spans)
}

// settled is the n of the export: all that came before it was asked for is
// committed by then, so that the next export since this one misses nothing.
func (x *exporting) settled(ctx context.Context) (uint64, error) {
	if x.a.Settled != nil {
		if err := x.a.Settled(ctx); err != nil {
			return 0, err
		}
	}
	return x.a.Records.N(ctx)
}

// ignored tells which parameters were.
func (x *exporting) ignored() error {
	for _, name := range x.ask.Ignored {
		if err := x.j.Line(partError, "OperationOutcome", outcome("warning", "not-supported", "this is not supported, and was ignored: "+name)); err != nil {
			return err
		}
	}
	return nil
}

// span is a part of the store: after a key, up to a subject.
type span struct {
	after store.Key
	last  store.Subject
}

// spans are the parts of the store that the export reads, in order.
func (x *exporting) spans(ctx context.Context, g grant.Grant, n uint64) ([]span, error) {
	patients, named := x.ask.Patients, len(x.ask.Patients) > 0
	switch typ, id, _ := strings.Cut(x.ask.Level, "/"); {
	case typ == "system":
		return []span{{}}, nil
	case typ == "Group":
		members, err := x.members(ctx, g, id, n)
		if err != nil {
			return nil, err
		}
		if named {
			members = slices.DeleteFunc(members, func(m string) bool { return !slices.Contains(patients, m) })
		}
		patients, named = members, true
	}
	if !named {
		return []span{{after: store.Key{Subject: store.Shared + 1}}}, nil
	}
	var subjects []store.Subject
	for _, id := range patients {
		v, err := x.a.Records.ReadAt(ctx, g, "Patient", id, n)
		if fault.Is(err, fault.NotFound) {
			continue // nobody whom the asker may export
		}
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, v.Subject)
	}
	slices.Sort(subjects)
	var out []span
	for _, s := range slices.Compact(subjects) {
		out = append(out, span{store.Key{Subject: s}, s})
	}
	return out, nil
}

// members are the Patients of a Group.
func (x *exporting) members(ctx context.Context, g grant.Grant, id string, n uint64) ([]string, error) {
	v, err := x.a.Records.ReadAt(ctx, g, "Group", id, n)
	if err != nil {
		return nil, err
	}
	r, err := v.Resource()
	if err != nil {
		return nil, err
	}
	return membersOf(r), nil
}

// How many versions a piece of the walk looks at, and how often what was
// written is made durable.
const (
	exportPiece = 4000
	exportKeeps = 2 * time.Second
)

// piece is a part of the walk, read ahead of its writing.
type piece struct {
	versions []*store.Version
	next     store.Key
	err      error
}

// walk writes what the spans hold.
func (x *exporting) walk(ctx context.Context, g grant.Grant, at exportPlace, spans []span) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces := make(chan piece, 1)
	go x.read(ctx, g, at, spans, pieces)
	kept := time.Now()
	for p := range pieces {
		if p.err != nil {
			return p.err
		}
		for _, v := range p.versions {
			if err := x.version(v); err != nil {
				return err
			}
		}
		at.Key = p.next
		if time.Since(kept) > exportKeeps {
			if err := x.checkpoint(at); err != nil {
				return err
			}
			kept = time.Now()
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := x.support(ctx, g, at.N); err != nil {
		return err
	}
	return x.deletions()
}

// mostSupport is how many resources an export has beside the records.
const mostSupport = 100_000

// support writes what the records speak of and what that speaks of in its turn:
// the organisations, practitioners, places and medicines without which they can't be
// understood. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#endpoint---all-patients
func (x *exporting) support(ctx context.Context, g grant.Grant, n uint64) error {
	for i := 0; x.with != nil && i < len(x.with.refs); i++ {
		if i == mostSupport {
			return x.j.Line(partError, "OperationOutcome", outcome("warning", "incomplete", "more organisations, practitioners, places and medicines are spoken of than come with an export of patients: the export of the system has them all"))
		}
		v, err := x.a.Records.ReadAt(ctx, g, x.with.refs[i].Type, x.with.refs[i].ID, n)
		if fault.Is(err, fault.NotFound) {
			continue // another source's, or nobody's
		}
		if err == nil && v.Subject == store.Shared && !v.Deleted && !v.Recorded.Before(x.ask.Since.Truncate(time.Millisecond)) {
			err = x.version(v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads the spans, a piece ahead of the one that is written.
func (x *exporting) read(ctx context.Context, g grant.Grant, at exportPlace, spans []span, to chan<- piece) {
	defer close(to)
	for _, s := range spans {
		if s.last != 0 && s.last < at.Key.Subject {
			continue // done before the restart
		}
		w := store.Walk{N: at.N, After: s.after, Last: s.last, Since: x.ask.Since, Limit: exportPiece}
		if x.with == nil {
			w.Types = x.ask.Types // otherwise others say what is spoken of
		}
		if w.After.Less(at.Key) {
			w.After = at.Key
		}
		for more := true; more; {
			var p piece
			p.versions, p.next, more, p.err = x.a.Records.Walk(ctx, g, w)
			w.After = p.next
			select {
			case to <- p:
			case <-ctx.Done():
				return
			}
			if p.err != nil {
				return
			}
		}
	}
}

// version writes one version, if it is asked for.
func (x *exporting) version(v *store.Version) error {
	if !x.ask.Until.IsZero() && v.Recorded.After(x.ask.Until) {
		return nil
	}
	if v.Deleted {
		if len(x.ask.Types) > 0 && !slices.Contains(x.ask.Types, v.Type) {
			return nil
		}
		x.deleted = append(x.deleted, fhir.Object{"request": fhir.Object{"method": "DELETE", "url": v.Type + "/" + v.ID}})
		if len(x.deleted) >= deletedInOne {
			return x.deletions()
		}
		return nil
	}
	if x.with != nil {
		x.with.note(v.Body, false)
		if len(x.ask.Types) > 0 && !slices.Contains(x.ask.Types, v.Type) {
			return nil
		}
	}
	if x.filters[v.Type] != nil {
		res, err := v.Resource()
		if found := x.q.foundIn(v); err == nil && found != 0 {
			res, err = fhir.ParseTrusted(classify.Tell(v.Body, found))
		}
		if err != nil {
			return err
		}
		if !x.meets(&search.Candidate{Type: v.Type, ID: v.ID, Updated: v.Recorded, Res: res}) {
			return nil
		}
	}
	return x.line(v.Type, x.q.told(v, dressed(v)))
}

// meets says whether a resource meets one of the filters of its type.
func (x *exporting) meets(c *search.Candidate) bool {
	filters := x.filters[c.Type]
	return filters == nil || slices.ContainsFunc(filters, func(query *search.Query) bool { return query.Matches(c) })
}

func (x *exporting) line(typ string, body []byte) error {
	if len(x.ask.Elements) > 0 {
		body = fhir.Subset(body, typ, "elements", elementsOf(x.ask.Elements, typ)...)
	}
	return x.j.Line(partOutput, typ, body)
}

// deletedInOne is how many deletions one Bundle tells of.
const deletedInOne = 100

// deletions writes the Bundle of what was deleted.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest
func (x *exporting) deletions() error {
	if len(x.deleted) == 0 {
		return nil
	}
	b := fhir.Marshal(fhir.Object{"resourceType": "Bundle", "type": "transaction", "entry": x.deleted})
	x.deleted = nil
	return x.j.Line(partDeleted, "Bundle", b)
}

func (x *exporting) checkpoint(at exportPlace) error {
	if err := x.deletions(); err != nil {
		return err
	}
	if x.with != nil {
		at.With = x.with.refs
	}
	return x.j.Checkpoint(at, nil)
}

// own writes a citizen's own record. It is small: broken off, it begins again.
func (x *exporting) own(ctx context.Context, by policy.Subject) error {
	own, err := x.a.Access.Own(ctx, by)
	if err != nil {
		return err
	}
	if len(x.ask.Patients) > 0 && !slices.Equal(x.ask.Patients, []string{own}) {
		return fault.E("api.export", fault.Security, "a citizen may export the own record, and nobody else's")
	}
	if _, err := x.settled(ctx); err != nil {
		return err
	}
	g, err := x.a.Access.Record(ctx, by, own, "$export of Patient")
	if err != nil {
		return err
	}
	v, err := x.a.Records.Open(ctx, g)
	if err != nil {
		return err
	}
	var hits []*hit
	if v.ShowsType("Patient") {
		hits = append(hits, x.q.citizenHit(v))
	}
	f := x.q.inRecord(v)
	for _, i := range v.Items {
		hits = append(hits, f.hit(i))
	}
	if x.with != nil {
		if hits, err = x.spokenOf(f, hits); err != nil {
			return err
		}
	}
	for _, h := range hits {
		switch {
		case len(x.ask.Types) > 0 && !slices.Contains(x.ask.Types, h.Type), h.Updated.Before(x.ask.Since.Truncate(time.Millisecond)), !x.ask.Until.IsZero() && h.Updated.After(x.ask.Until), !x.meets(&h.Candidate):
			continue
		}
		if err := x.line(h.Type, h.body()); err != nil {
			return err
		}
	}
	return x.ignored()
}

// spokenOf adds to a record's hits what they speak of and the citizen may look up.
func (x *exporting) spokenOf(f field, hits []*hit) ([]*hit, error) {
	for _, h := range hits {
		x.with.has(h.Type, h.ID)
		x.with.note(h.Res.JSON, false)
	}
	err := x.with.each(f, func(*store.Version) bool { return true }, func(h *hit) { hits = append(hits, h) })
	return hits, err
}
