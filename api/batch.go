package api

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
)

// maxBatch is how many entries a batch may have.
const maxBatch = 1000

// batch carries a batch out: each entry is a request of its own, decided and
// answered as if it had come alone.
// https://hl7.org/fhir/R4/http.html#transaction
func (q *request) batch(r *fhir.Resource) error {
	entries := r.Root().List("entry")
	if len(entries) > maxBatch {
		return fault.E("api.batch", fault.TooLong, "a batch has at most "+strconv.Itoa(maxBatch)+" entries")
	}
	b := newBundle("batch-response")
	b.meta = q.tagged()
	for _, e := range entries {
		b.add(q.singleEntry(e))
	}
	q.send(http.StatusOK, b.bytes(-1, nil))
	return nil
}

// singleEntry is the answer to one entry, as it stands in the Bundle of answers.
func (q *request) singleEntry(e fhir.Node) entry {
	a := q.single(e)
	x := entry{status: strconv.Itoa(a.Code) + " " + http.StatusText(a.Code), location: strings.TrimPrefix(a.Header().Get("Location"), q.base+"/")}
	if a.Body.Len() > 0 && strings.Contains(a.Header().Get("Content-Type"), "json") {
		x.resource = a.Body.Bytes()
		n, err := fhir.ParseTree(x.resource)
		if err == nil && n.Get("id").Exists() && a.Header().Get("ETag") != "" {
			x.full = q.base + "/" + n.Get("resourceType").Text() + "/" + n.Get("id").Text()
		}
		if a.Code >= 400 || err == nil && n.Get("resourceType").Is("OperationOutcome") && e.Get("request", "method").Text() != http.MethodGet {
			x.outcome, x.resource = x.resource, nil
		}
	}
	x.etag, _ = strconv.Atoi(strings.Trim(a.Header().Get("ETag"), `W/"`))
	x.at = a.at // to the millisecond, as in meta; the header has seconds
	return x
}

// answer is what one entry of a batch is answered with.
type answer struct {
	head http.Header
	Code int
	Body bytes.Buffer
	at   time.Time
}

func (a *answer) Header() http.Header         { return a.head }
func (a *answer) Write(b []byte) (int, error) { return a.Body.Write(b) }
func (a *answer) WriteHeader(code int)        { a.Code = code }

// single answers one entry of a batch.
func (q *request) single(e fhir.Node) *answer {
	a := &answer{head: http.Header{}, Code: http.StatusOK}
	s := &request{API: q.API, w: a, subject: q.subject, base: q.base}
	s.Terms = &searchTerms{q: s}
	request := e.Get("request")
	url := request.Get("url").Text()
	method, kind, body := request.Get("method").Text(), "application/fhir+json", e.Get("resource").JSON()
	var err error
	if method == http.MethodPatch {
		kind, body, err = patchOf(e.Get("resource"))
	}
	r, err2 := http.NewRequestWithContext(q.r.Context(), method, q.base+"/"+strings.TrimPrefix(url, q.base+"/"), bytes.NewReader(body))
	if err != nil || err2 != nil || url == "" {
		s.r = q.r
		s.fail(fault.E("api.batch", fault.Invalid, "an entry says what is asked: request.method and request.url", "entry.request"))
		return a
	}
	r.Header.Set("Content-Type", kind)
	if p := q.r.Header.Get("Prefer"); p != "" {
		r.Header.Set("Prefer", p)
	}
	for name, element := range map[string]string{"If-Match": "ifMatch", "If-None-Match": "ifNoneMatch", "If-None-Exist": "ifNoneExist", "If-Modified-Since": "ifModifiedSince"} {
		if v := request.Get(element).Text(); v != "" {
			r.Header.Set(name, v)
		}
	}
	s.r, s.path = r, strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(pathOf(q.base), "/")), "/"), "/")
	if s.path[0] == "" {
		s.path = nil
	}
	if s.path == nil && method != http.MethodGet {
		s.fail(fault.E("api.batch", fault.NotSupported, "a batch does not hold another", "entry.request.url"))
		return a
	}
	if err := s.serve(); err != nil {
		s.fail(err)
	}
	a.at = s.at
	return a
}

// pathOf is the path of the base.
func pathOf(base string) string { return base[strings.LastIndex(base, "/"):] }
