package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"selda/access/grant"
	"selda/access/record"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/store"
)

// dressed is a version as the outside sees it. A Patient's links to its
// citizen are added where a person asks.
func dressed(v *store.Version) []byte {
	return fhir.Dress(v.Body, v.ID, strconv.Itoa(v.Version), v.Recorded)
}

func (q *request) headers(version string, at time.Time) {
	q.at = at
	q.w.Header().Set("ETag", `W/"`+version+`"`)
	q.w.Header().Set("Last-Modified", at.UTC().Format(http.TimeFormat))
}

// unchanged says whether the reader has the version that would be sent, and
// answers so. https://hl7.org/fhir/R4/http.html#cread
func (q *request) unchanged() bool {
	etag := q.w.Header().Get("ETag")
	if since, err := http.ParseTime(q.r.Header.Get("If-Modified-Since")); err == nil && q.r.Header.Get("If-None-Match") == "" {
		if at, err := http.ParseTime(q.w.Header().Get("Last-Modified")); err == nil && !at.After(since) {
			q.w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	for _, m := range q.r.Header.Values("If-None-Match") {
		for _, v := range strings.Split(m, ",") {
			if v = strings.TrimSpace(v); v == etag || v == "*" {
				q.w.WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}

// grantFor asks for what a resource belongs to. To people, the id of a
// Patient may be a citizen's: then the View is given.
func (q *request) grantFor(typ, id string) (grant.Grant, *record.View, error) {
	ctx := q.r.Context()
	if typ == "Patient" && !q.system() {
		g, err := q.Access.Record(ctx, q.subject, id, "Patient/"+id)
		if err == nil {
			v, err := q.Records.Open(ctx, g, "Patient", "Consent")
			return g, v, err
		}
		if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Security) {
			return g, nil, err
		}
	}
	g, err := q.Access.Item(ctx, q.subject, typ, id, audit.Read)
	return g, nil, err
}

// Read. https://hl7.org/fhir/R4/http.html#read
func (q *request) read(typ, id string) error {
	if q.isSelf(typ, id) {
		return q.readSelf(typ, id)
	}
	g, view, err := q.grantFor(typ, id)
	if err != nil {
		return q.readPublished(typ, id, err)
	}
	if view != nil {
		body, version, at := Citizen(view)
		if q.headers(version, at); !q.unchanged() {
			q.send(http.StatusOK, q.part("Patient", body))
		}
		return nil
	}
	v, err := q.Records.Read(q.r.Context(), g, typ, id)
	if err != nil {
		return q.readPublished(typ, id, err)
	}
	if v.Deleted {
		return fault.E("api.read", fault.Deleted, "the resource was deleted")
	}
	body, err := q.as(g, v)
	if err != nil {
		return err
	}
	if q.headers(strconv.Itoa(v.Version), v.Recorded); !q.unchanged() && !(typ == "Binary" && q.sendBare(body)) {
		q.send(http.StatusOK, q.part(typ, body))
	}
	return nil
}

// part is a resource that was read, as _summary and _elements ask for it.
func (q *request) part(typ string, body []byte) []byte {
	if e := list(q.query(), "_elements"); len(e) > 0 {
		return fhir.Subset(body, typ, "elements", elementsOf(e, typ)...)
	}
	return fhir.Subset(body, typ, q.query().Get("_summary"))
}

// as is a version as the one who asks may see it: of somebody whose address is
// withheld without it.
func (q *request) as(g grant.Grant, v *store.Version) ([]byte, error) {
	if q.system() || !record.TellsPlaces(v.Type) {
		return q.told(v, dressed(v)), nil
	}
	view, err := q.Records.Open(q.r.Context(), g, "Patient")
	if err != nil {
		return nil, err
	}
	return q.told(v, seen(view, v)), nil
}

// seen is a version as a View shows it.
func seen(view *record.View, v *store.Version) []byte { return placed(view.Person.Restricted, v) }

// placed is a version of somebody, without where they live where that is withheld.
func placed(withheld bool, v *store.Version) []byte {
	if withheld {
		return record.Placeless(v.Type, dressed(v))
	}
	return dressed(v)
}

// Version read. https://hl7.org/fhir/R4/http.html#vread
func (q *request) vread(typ, id, version string) error {
	v, body, err := q.version(typ, id, version)
	if err != nil {
		return err
	}
	q.headers(strconv.Itoa(v.Version), v.Recorded)
	if typ != "Binary" || !q.sendBare(body) {
		q.send(http.StatusOK, body)
	}
	return nil
}

// version is one version of a resource, and its body as the one who asks may read it.
func (q *request) version(typ, id, version string) (*store.Version, []byte, error) {
	g, view, err := q.grantFor(typ, id)
	if err != nil {
		return nil, nil, err
	}
	if view != nil {
		return nil, nil, fault.E("api.vread", fault.NotSupported, "a citizen's merged Patient has no versions: its links have")
	}
	all, err := q.Records.History(q.r.Context(), g, typ, id)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range all {
		if strconv.Itoa(v.Version) == version {
			if v.Deleted {
				return nil, nil, fault.E("api.vread", fault.Deleted, "this version is a deletion")
			}
			body, err := q.as(g, v)
			return v, body, err
		}
	}
	return nil, nil, fault.E("api.vread", fault.NotFound, "there is no such version")
}
