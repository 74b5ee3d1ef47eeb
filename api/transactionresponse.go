package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/ingest"
)

// What a transaction is answered with. https://hl7.org/fhir/R4/http.html#transaction-response

// submit hands the Bundle in, and answers each entry in its place.
func (t *transaction) submit(bundle []byte) error {
	var out ingest.Outcome
	if t.order == nil || len(t.order) > 0 {
		var err error
		if out, err = t.q.submit("POST", bundle, t.q.subject.Source, ""); err != nil {
			return t.placed(err)
		}
	}
	answers := make([]entry, len(t.entries))
	for i := range answers {
		answers[i].status = "204 No Content" // of a deletion of what was not there
	}
	body := strings.Contains(t.q.r.Header.Get("Prefer"), "return=representation")
	for i, e := range byEntry(out.Items) {
		n := i
		if t.order != nil {
			n = t.order[i]
		}
		a := entry{status: "201 Created", etag: e.Version, at: e.At, location: e.Type + "/" + e.ID + "/_history/" + strconv.Itoa(e.Version)}
		switch {
		case e.Deleted || e.ID == "":
			a = entry{status: "204 No Content"}
		case e.Existed:
			a.status = "200 OK"
		}
		if body && a.etag > 0 && t.q.echoed(e.Type) {
			a.full, a.resource = t.q.base+"/"+e.Type+"/"+e.ID, fhir.Dress(e.Body, e.ID, strconv.Itoa(e.Version), e.At)
		}
		a.outcome = t.told[n]
		answers[n] = a
	}
	for _, s := range t.steps {
		switch {
		case s.there != nil:
			version := "1"
			if r, err := fhir.ParseTrusted(s.there.body()); err == nil {
				version = r.Get("meta", "versionId").Text()
			}
			a := entry{status: "200 OK", at: s.there.Updated, location: s.there.Type + "/" + s.there.ID + "/_history/" + version}
			a.etag, _ = strconv.Atoi(version)
			answers[s.entry] = a
		case s.method == "GET" || s.method == "HEAD":
			answers[s.entry] = t.q.singleEntry(t.entries[s.entry])
		}
	}
	b := newBundle("transaction-response")
	for _, a := range answers {
		b.add(a)
	}
	t.q.send(http.StatusOK, b.bytes(-1, nil))
	return nil
}

// placed gives an error the place that its entry had in the Bundle as it came.
func (t *transaction) placed(err error) error {
	place := fault.PlaceOf(err)
	n, ok := entryNumber(place)
	if !ok || t.order == nil || n >= len(t.order) {
		return err
	}
	_, rest, _ := strings.Cut(place, "]")
	return fault.E("api.transaction", fault.KindOf(err), fault.Reason(err), "entry["+strconv.Itoa(t.order[n])+"]"+rest)
}

// byEntry puts items in the order of the entries that they came from.
func byEntry(items []ingest.Item) []ingest.Item {
	var out []ingest.Item
	for _, i := range items {
		n, ok := entryNumber(i.Place)
		if !ok {
			continue
		}
		if n >= len(out) {
			out = append(out, slices.Repeat([]ingest.Item{{}}, n+1-len(out))...)
		}
		out[n] = i
	}
	return out
}

func entryNumber(place string) (int, bool) {
	s, ok := strings.CutPrefix(place, "entry[")
	if !ok {
		return 0, false
	}
	s, _, _ = strings.Cut(s, "]")
	n, err := strconv.Atoi(s)
	return n, err == nil
}
