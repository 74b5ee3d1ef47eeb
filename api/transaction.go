package api

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
)

// Batch and transaction. https://hl7.org/fhir/R4/http.html#transaction
func (q *request) bundle() error {
	body, err := q.body()
	if err != nil {
		return err
	}
	if done, err := q.batch(body); done || err != nil {
		return err
	}
	if err := q.mayWrite(audit.Create, "Bundle"); err != nil {
		return err
	}
	out, err := q.submit("POST", body, q.subject.Source, "")
	if err != nil {
		return err
	}
	b := newBundle("transaction-response")
	for _, e := range byEntry(out.Items) {
		resp := entry{status: "201 Created", etag: e.Version, at: e.At, location: e.Type + "/" + e.ID + "/_history/" + strconv.Itoa(e.Version)}
		switch {
		case e.Deleted:
			resp = entry{status: "204 No Content"}
		case e.Existed:
			resp.status = "200 OK"
		}
		b.add(resp)
	}
	q.send(http.StatusOK, b.bytes(-1, nil))
	return nil
}

// byEntry puts items in the order of the entries that they came from.
func byEntry(items []ingest.Item) []ingest.Item {
	var out []ingest.Item
	for _, i := range items {
		n, ok := entryNumber(i.Place)
		if !ok {
			continue
		}
		for len(out) <= n {
			out = append(out, ingest.Item{})
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

// maxBatch is how many entries a batch may have.
const maxBatch = 1000

// batch carries a batch out: each entry is a request of its own, decided and
// answered as if it had come alone. done is false where the Bundle is no batch.
// https://hl7.org/fhir/R4/http.html#transaction
func (q *request) batch(body []byte) (done bool, err error) {
	compact, err := compactOf(body)
	if err != nil {
		return false, err
	}
	r, err := fhir.ParseTrusted(compact)
	if err != nil || r.Type != "Bundle" || !r.Get("type").Is("batch") {
		return false, err
	}
	entries := r.Root().List("entry")
	if len(entries) > maxBatch {
		return true, fault.E("api.batch", fault.TooLong, "a batch has at most "+strconv.Itoa(maxBatch)+" entries")
	}
	b := newBundle("batch-response")
	b.meta = q.tagged()
	for _, e := range entries {
		a := q.single(e)
		status := strconv.Itoa(a.Code) + " " + http.StatusText(a.Code)
		x := entry{status: status, location: strings.TrimPrefix(a.Header().Get("Location"), q.base+"/")}
		if a.Body.Len() > 0 && strings.Contains(a.Header().Get("Content-Type"), "json") {
			x.resource = a.Body.Bytes()
			if a.Code >= 400 {
				x.outcome, x.resource = x.resource, nil
			}
		}
		x.etag, _ = strconv.Atoi(strings.Trim(a.Header().Get("ETag"), `W/"`))
		b.add(x)
	}
	q.send(http.StatusOK, b.bytes(-1, nil))
	return true, nil
}

// answer is what one entry of a batch is answered with.
type answer struct {
	head http.Header
	Code int
	Body bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.head }
func (a *answer) Write(b []byte) (int, error) { return a.Body.Write(b) }
func (a *answer) WriteHeader(code int)        { a.Code = code }

// single answers one entry of a batch.
func (q *request) single(e fhir.Node) *answer {
	a := &answer{head: http.Header{}, Code: http.StatusOK}
	s := &request{API: q.API, w: a, subject: q.subject, base: q.base}
	request := e.Get("request")
	url := request.Get("url").Text()
	r, err := http.NewRequestWithContext(q.r.Context(), request.Get("method").Text(), q.base+"/"+strings.TrimPrefix(url, q.base+"/"), bytes.NewReader(e.Get("resource").JSON()))
	if err != nil || url == "" {
		s.r = q.r
		s.fail(fault.E("api.batch", fault.Value, "an entry says what is asked: request.method and request.url", "entry.request"))
		return a
	}
	for name, element := range map[string]string{"If-Match": "ifMatch", "If-None-Match": "ifNoneMatch", "If-None-Exist": "ifNoneExist"} {
		if v := request.Get(element).Text(); v != "" {
			r.Header.Set(name, v)
		}
	}
	s.r, s.path = r, strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(pathOf(q.base), "/")), "/"), "/")
	if s.path[0] == "" {
		s.fail(fault.E("api.batch", fault.NotSupported, "a batch does not hold another", "entry.request.url"))
		return a
	}
	if err := s.serve(); err != nil {
		s.fail(err)
	}
	return a
}

// pathOf is the path of the base.
func pathOf(base string) string { return base[strings.LastIndex(base, "/"):] }
