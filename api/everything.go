package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/policy"
	"selda/store"
)

// Everything of a patient or of an encounter, as one Bundle, or page by page where
// _count says so. https://hl7.org/fhir/R4/patient-operation-everything.html,
// https://hl7.org/fhir/R4/encounter-operation-everything.html
func (q *request) everything(typ, id string) error {
	args, err := q.arguments()
	if err != nil {
		return err
	}
	if id == "" {
		if id, err = q.theirOwn(); err != nil {
			return err
		}
	}
	path := typ + "/" + id + "/$everything"
	wanted, err := everythingOf(args)
	if err != nil {
		return err
	}
	cur, err := q.cursor(args.values, path, used(args.values, nil))
	if err != nil {
		return err
	}
	b := newBundle("searchset")
	total, skip, count := 0, cur.Offset, -1
	if c := args.text("_count"); c != "" {
		if count, err = strconv.Atoi(c); err != nil || count < 0 {
			return fault.E("api.everything", fault.Value, "_count is a number", "_count")
		}
	}
	add := func(typ, id, mode string, body func() []byte) {
		if total++; total <= skip || count >= 0 && total > skip+count {
			return
		}
		b.add(entry{full: q.base + "/" + typ + "/" + id, resource: body(), mode: mode})
	}
	with := newSupport()
	each := q.eachOf
	switch typ {
	case "Encounter":
		each = q.eachOfEncounter
	case "Group":
		each = q.eachOfGroup
	}
	f, err := each(id, path, cur.at(), wanted, b, with, add)
	if err != nil {
		return err
	}
	matches := total
	if err := with.each(f, wanted, func(h *hit) { add(h.Type, h.ID, "include", h.body) }); err != nil {
		return err
	}
	links := q.selfLink(path, args.values)
	if count > 0 && total > skip+count {
		if links, err = q.addNext(links, path, args.values, cursor{N: cur.N, Offset: skip + count}); err != nil {
			return err
		}
	}
	q.send(http.StatusOK, b.bytes(matches, links))
	return nil
}

// theirOwn is the one patient whose own everything is asked for.
func (q *request) theirOwn() (string, error) {
	if q.theirs() {
		ids, err := q.own()
		if err != nil || len(ids) == 1 {
			return strings.Join(ids, ""), err
		}
	}
	return "", fault.E("api.everything", fault.Required, "say whose: /fhir/Patient/ID/$everything", "id")
}

// eachOfEncounter gives what is in the compartment of an encounter, itself first.
func (q *request) eachOfEncounter(id, path string, n uint64, wanted func(*store.Version) bool, b *bundle, with *support, add adding) (field, error) {
	f, err := q.fieldFor("Encounter", id, n)
	if err != nil {
		return nil, err
	}
	first, err := f.get("Encounter", id)
	if err != nil {
		return nil, err
	}
	if first == nil {
		return nil, fault.E("api.everything", fault.NotFound, "there is no such resource")
	}
	b.meta = q.tagged()
	take := func(h *hit) bool {
		if wanted(h.version()) {
			with.own[h.Type+"/"+h.ID] = true
			with.note(h.Res.JSON, true)
			add(h.Type, h.ID, "match", h.body)
		}
		return true
	}
	take(first)
	for _, typ := range fhir.ResourceTypes() {
		c, ok, err := q.scope().Compartment(search.Target{Type: "Encounter", ID: id}, typ)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		err = f.each(typ, []*search.Clause{c}, 0, func(h *hit) bool {
			return h.Type == "Encounter" && h.ID == id || !c.Matches(&h.Candidate) || take(h)
		})
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// version is what is known of a hit's version.
func (h *hit) version() *store.Version {
	return &store.Version{Columns: policy.Columns{Type: h.Type, ID: h.ID, Recorded: h.Updated}}
}

// adding puts a resource into the answer, where its page is the one that is asked for.
type adding func(typ, id, mode string, body func() []byte)

// eachOf gives all that is a patient's: what a source system wrote of its own,
// or the record of a citizen, the merged Patient first. It notes what that refers
// to, and says where this can be looked up.
func (q *request) eachOf(id, path string, n uint64, wanted func(*store.Version) bool, b *bundle, with *support, add adding) (field, error) {
	ctx := q.r.Context()
	if q.system() {
		g, err := q.Access.System(ctx, q.subject, audit.Read, path)
		if err != nil {
			return nil, err
		}
		versions, _, err := q.Records.Around(ctx, g, "Patient", id, n, map[store.Subject]bool{})
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			if wanted(v) {
				with.has(v.Type, v.ID)
				with.note(v.Body, false)
				add(v.Type, v.ID, "match", func() []byte { return dressed(v) })
			}
		}
		return &systemField{q: q, g: g, n: n}, nil
	}
	g, err := q.Access.Page(ctx, q.subject, id, path, n)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) { // a source's own Patient, or nobody of whom the reader may know
		g, err = q.Access.ItemPage(ctx, q.subject, "Patient", id, audit.Read, n)
	}
	if err != nil {
		return nil, err
	}
	v, err := q.Records.Open(ctx, g)
	if err != nil {
		return nil, err
	}
	b.meta = q.tagged()
	if wanted(&store.Version{}) && v.ShowsType("Patient") {
		add("Patient", v.Citizen, "match", func() []byte { body, _, _ := Citizen(v); return body })
	}
	for _, i := range v.Items {
		if wanted(i.Version) {
			with.has(i.Type, i.ID)
			with.note(i.Body, false)
			add(i.Type, i.ID, "match", func() []byte { return q.told(i.Version, seen(v, i.Version)) })
		}
	}
	return q.inRecord(v), nil
}

// support is what the resources of a record refer to that is of no person: the
// practitioners, organisations, locations and medicines that they speak of.
type support struct {
	refs []search.Target // in the order in which they were met
	seen map[string]bool
	own  map[string]bool // of no person by its type, and in the record nevertheless: a Binary
}

func newSupport() *support { return &support{seen: map[string]bool{}, own: map[string]bool{}} }

// has says that a resource is in the answer anyway.
func (s *support) has(typ, id string) {
	if !search.OwnRecord(typ) {
		s.own[typ+"/"+id] = true
	}
}

// again goes on with what was noted before a restart.
func (s *support) again(refs []search.Target) {
	for _, t := range refs {
		s.seen[t.Type+"/"+t.ID] = true
	}
	s.refs = slices.Clone(refs)
}

// note finds what a resource refers to: what is of no person, or all.
func (s *support) note(body []byte, all bool) {
	fhir.RewriteReferences(body, func(ref string) string {
		if !s.seen[ref] {
			s.seen[ref] = true
			t := search.ParseReference(ref)
			plain := t.Type + "/" + t.ID // without a version
			if t.URL == "" && t.Type != "" && (all || !search.OwnRecord(t.Type)) && (plain == ref || !s.seen[plain]) {
				s.seen[plain] = true
				s.refs = append(s.refs, t)
			}
		}
		return ref
	})
}

// each adds what was noted, and what that refers to in its turn.
func (s *support) each(f field, wanted func(*store.Version) bool, add func(*hit)) error {
	for i := 0; i < len(s.refs) && i < maxIncluded; i++ {
		if s.own[s.refs[i].Type+"/"+s.refs[i].ID] {
			continue
		}
		h, err := f.get(s.refs[i].Type, s.refs[i].ID)
		if err != nil {
			return err
		}
		if h == nil {
			continue
		}
		s.note(h.Res.JSON, false)
		if wanted(h.version()) {
			add(h)
		}
	}
	return nil
}

// everythingOf says what of a patient's is wanted: of some types, changed since,
// and of some time of care. What has no date is of all times.
func everythingOf(args *arguments) (func(*store.Version) bool, error) {
	const op = "api.everything"
	types := list(args.values, "_type")
	for _, t := range types {
		if !fhir.IsResourceType(t) {
			return nil, fault.E(op, fault.Value, "there is no such resource type", "_type")
		}
	}
	var since, start, end time.Time
	if s := args.text("_since"); s != "" {
		var ok bool
		if since, ok = fhir.Time(s); !ok {
			return nil, fault.E(op, fault.Value, "an instant is written as 2026-11-05T09:00:00Z", "_since")
		}
	}
	for name, to := range map[string]*time.Time{"start": &start, "end": &end} {
		if s := args.text(name); s != "" {
			from, until, ok := search.ParseDate(s)
			if !ok {
				return nil, fault.E(op, fault.Value, "a date is written as 2026, 2026-11 or 2026-11-05", name)
			}
			if *to = from; name == "end" {
				*to = until
			}
		}
	}
	return func(v *store.Version) bool {
		typ := v.Type
		if v.ID == "" { // the merged Patient
			return len(types) == 0 || slices.Contains(types, "Patient")
		}
		return (len(types) == 0 || slices.Contains(types, typ)) && !v.Recorded.Before(since) &&
			(v.When.IsZero() || !v.When.Before(start) && (end.IsZero() || v.When.Before(end)))
	}, nil
}
