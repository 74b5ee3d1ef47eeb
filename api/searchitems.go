package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"selda/access/record"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/store"
)

// searchRecord finds items in one citizen's record.
func (q *request) searchRecord(typ string, params url.Values, cur cursor) ([]result, error) {
	ctx := q.r.Context()
	id, err := patientParam(params)
	if err != nil {
		return nil, err
	}
	switch {
	case id != "":
	case q.subject.Role == nhs.Citizen:
		if id, err = q.Access.Own(ctx, q.subject); err != nil {
			return nil, err
		}
	case params.Get("_id") != "":
		return q.searchIDs(typ, params)
	case directory[typ]:
		return q.searchDirectory(typ, params, cur)
	default:
		return nil, fault.E("api.search", fault.Required, "say whose record: patient=ID", "patient")
	}
	g, err := q.Access.Page(ctx, q.subject, id, typ+" search", cur.at())
	if fault.Is(err, fault.NotFound) {
		g, err = q.Access.ItemPage(ctx, q.subject, "Patient", id, audit.Search, cur.at())
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
		return nil, nil // nobody of whom the reader may know anything
	}
	if err != nil {
		return nil, err
	}
	types := []string{typ}
	if typ == "RelatedPerson" {
		types = append(types, "Patient") // says whether where people live is withheld
	}
	v, err := q.Records.Open(ctx, g, types...)
	if err != nil {
		return nil, err
	}
	var out []result
	for _, i := range v.Of(typ) {
		ok, err := matches(i, params)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, result{id: i.ID, typ: typ, body: seen(v, i.Version), mode: "match", when: i.When, recorded: i.Recorded})
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

// maxIDs is how many ids one search may name.
const maxIDs = 100

// searchIDs finds resources by their ids alone: each in the record that it
// belongs to, as a read would.
func (q *request) searchIDs(typ string, params url.Values) ([]result, error) {
	ctx := q.r.Context()
	ids := strings.Split(params.Get("_id"), ",")
	if len(ids) > maxIDs {
		return nil, fault.E("api.search", fault.TooLong, "a search names at most "+strconv.Itoa(maxIDs)+" ids", "_id")
	}
	var out []result
	for _, id := range ids {
		g, err := q.Access.Item(ctx, q.subject, typ, id, audit.Search)
		if err == nil {
			var v *store.Version
			if v, err = q.Records.Read(ctx, g, typ, id); err == nil && !v.Deleted {
				err = q.hit(&out, v, params, func() ([]byte, error) { return q.as(g, v) })
			}
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

// hit adds a version to what was found, if it matches.
func (q *request) hit(out *[]result, v *store.Version, params url.Values, body func() ([]byte, error)) error {
	res, err := v.Resource()
	if err != nil {
		return err
	}
	ok, err := matches(record.Item{Version: v, Res: res}, params)
	if err != nil || !ok || slices.ContainsFunc(*out, func(r result) bool { return r.id == v.ID }) {
		return err
	}
	b, err := body()
	*out = append(*out, result{id: v.ID, typ: v.Type, body: b, mode: "match", when: v.When, recorded: v.Recorded})
	return err
}

// directory are the types that are of no person: anyone who has signed in may
// search them.
var directory = map[string]bool{"Organization": true, "Practitioner": true, "PractitionerRole": true, "Location": true, "HealthcareService": true, "Endpoint": true}

func (q *request) searchDirectory(typ string, params url.Values, cur cursor) ([]result, error) {
	ctx := q.r.Context()
	g, err := q.Access.Directory(ctx, q.subject, typ+" search")
	if err != nil {
		return nil, err
	}
	versions, err := q.Records.All(ctx, g, store.Query{Type: typ, Groups: codeGroups(params), N: cur.at(), Limit: maxFound + 1})
	if err != nil {
		return nil, err
	}
	if err := tooMany(len(versions)); err != nil {
		return nil, err
	}
	var out []result
	for _, v := range versions {
		if err := q.hit(&out, v, params, func() ([]byte, error) { return dressed(v), nil }); err != nil {
			return nil, err
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

// tooMany refuses a search that finds more than it can count.
func tooMany(n int) error {
	if n <= maxFound {
		return nil
	}
	return fault.E("api.search", fault.NotSupported, "more than "+strconv.Itoa(maxFound)+" match: say more of what is looked for")
}

// patientParams are the ids that patient and subject name, each once.
func patientParams(params url.Values) ([]string, error) {
	var ids []string
	for _, name := range []string{"patient", "subject"} {
		for _, v := range params[name] {
			if v == "" {
				continue
			}
			parts := strings.Split(v, "/")
			id := parts[len(parts)-1]
			if len(parts) > 1 && parts[len(parts)-2] != "Patient" || !fhir.IsID(id) {
				return nil, fault.E("api.search", fault.Value, "a patient is an id or Patient/id", name)
			}
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// patientParam is the one patient whose record is searched; "" where none is named.
func patientParam(params url.Values) (string, error) {
	ids, err := patientParams(params)
	switch {
	case err != nil || len(ids) == 0:
		return "", err
	case len(ids) > 1:
		return "", fault.E("api.search", fault.NotSupported, "one record is searched at a time", "patient")
	}
	return ids[0], nil
}

// searchOwn finds what a source system wrote.
func (q *request) searchOwn(typ string, params url.Values, cur cursor) ([]result, error) {
	ctx := q.r.Context()
	id, err := patientParam(params)
	if err != nil {
		return nil, err
	}
	g, err := q.Access.System(ctx, q.subject, audit.Search, typ)
	if err != nil {
		return nil, err
	}
	var versions []*store.Version
	if id != "" {
		versions, err = q.Records.OfPatient(ctx, g, id, cur.at(), typ)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
	} else {
		var groups [][]string
		if groups, err = patientGroups(params); err == nil {
			versions, err = q.Records.All(ctx, g, store.Query{Type: typ, Groups: append(groups, codeGroups(params)...), N: cur.at(), Limit: maxFound + 1})
		}
		if err == nil {
			err = tooMany(len(versions))
		}
	}
	if err != nil {
		return nil, err
	}
	var out []result
	for _, v := range versions {
		res, err := v.Resource()
		if err != nil {
			return nil, err
		}
		ok := typ != "Patient" || matchesPatient(res, params)
		if ok && typ != "Patient" {
			if ok, err = matches(record.Item{Version: v, Res: res}, params); err != nil {
				return nil, err
			}
		}
		if ok {
			out = append(out, result{id: v.ID, typ: typ, body: dressed(v), mode: "match", when: v.When, recorded: v.Recorded})
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

// codeGroups are the token groups of codes and identifiers.
func codeGroups(params url.Values) [][]string {
	var groups [][]string
	for _, value := range params["code"] {
		var g []string
		for _, v := range strings.Split(value, ",") {
			_, code, ok := strings.Cut(v, "|")
			if !ok {
				code = v
			}
			if code == "" {
				g = nil
				break
			}
			g = append(g, "code:"+code)
		}
		if len(g) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}
