package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/store"
)

// Everything of a patient, as one Bundle, or page by page where _count says so.
// https://hl7.org/fhir/R4/patient-operation-everything.html
func (q *request) everything(_, id string) error {
	args, err := q.arguments()
	if err != nil {
		return err
	}
	path := "Patient/" + id + "/$everything"
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
	add := func(typ, id string, body func() []byte) {
		if total++; total <= skip || count >= 0 && total > skip+count {
			return
		}
		b.add(entry{full: q.base + "/" + typ + "/" + id, resource: body(), mode: "match"})
	}
	if err := q.eachOf(id, path, cur.at(), wanted, b, add); err != nil {
		return err
	}
	links := []link{{"self", q.base + "/" + path}}
	if count > 0 && total > skip+count {
		if links, err = q.addNext(links, path, args.values, cursor{N: cur.N, Offset: skip + count}); err != nil {
			return err
		}
	}
	q.send(http.StatusOK, b.bytes(total, links))
	return nil
}

// eachOf gives all that is a patient's: what a source system wrote of its own,
// or the record of a citizen, the merged Patient first.
func (q *request) eachOf(id, path string, n uint64, wanted func(*store.Version) bool, b *bundle, add func(typ, id string, body func() []byte)) error {
	ctx := q.r.Context()
	if q.system() {
		g, err := q.Access.System(ctx, q.subject, audit.Read, path)
		if err != nil {
			return err
		}
		versions, _, err := q.Records.Around(ctx, g, "Patient", id, n, map[store.Subject]bool{})
		if err != nil {
			return err
		}
		for _, v := range versions {
			if wanted(v) {
				add(v.Type, v.ID, func() []byte { return dressed(v) })
			}
		}
		return nil
	}
	g, err := q.Access.Page(ctx, q.subject, id, path, n)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) { // a source's own Patient, or nobody of whom the reader may know
		g, err = q.Access.ItemPage(ctx, q.subject, "Patient", id, audit.Read, n)
	}
	if err != nil {
		return err
	}
	v, err := q.Records.Open(ctx, g)
	if err != nil {
		return err
	}
	b.meta = q.tagged()
	if wanted(&store.Version{}) {
		add("Patient", v.Citizen, func() []byte { body, _, _ := Citizen(v); return body })
	}
	for _, i := range v.Items {
		if wanted(i.Version) {
			add(i.Type, i.ID, func() []byte { return seen(v, i.Version) })
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
