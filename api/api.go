// Package api is FHIR R4 over HTTP: /fhir, its errors as OperationOutcomes, its
// CapabilityStatement from the same tables that serve. It asks access for a
// Grant before it reads, and hands every write to ingest; it knows no store.
// https://hl7.org/fhir/R4/http.html
package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"selda/access"
	"selda/access/record"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 64 << 20

// Writer is the port to the door in.
type Writer interface {
	Submit(ctx context.Context, raw *ingest.Raw) (*ingest.Receipt, error)
}

// API serves /fhir.
type API struct {
	Access  *access.Access
	Records *record.Records
	Ingest  Writer
	Cursors *Cursors
	// Subject says who asks.
	Subject func(*http.Request) (policy.Subject, error)
	Now     func() time.Time
	Version string // of this build, for the CapabilityStatement
}

// request is one request on its way.
type request struct {
	*API
	w       http.ResponseWriter
	r       *http.Request
	subject policy.Subject
	path    []string // below /fhir
	base    string   // https://host/fhir
	status  int      // of the error, where its kind does not say it
}

// ServeHTTP serves everything below /fhir.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{API: a, w: w, r: r, base: baseOf(r)}
	rest := strings.Trim(strings.TrimPrefix(r.URL.Path, "/fhir"), "/")
	if rest != "" {
		q.path = strings.Split(rest, "/")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if f := r.URL.Query().Get("_format"); f != "" && !strings.Contains(f, "json") && !strings.Contains(f, "xml") {
		q.status = http.StatusNotAcceptable
		q.fail(fault.E("api", fault.NotSupported, "the formats are application/fhir+json and application/fhir+xml", "_format"))
		return
	}
	if len(q.path) == 1 && q.path[0] == "metadata" {
		q.metadata()
		return
	}
	var err error
	if q.subject, err = a.Subject(r); err == nil {
		q.notice()
		err = q.serve()
	}
	if err != nil {
		q.fail(err)
	}
}

func baseOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/fhir"
}

// serve dispatches by method and shape of the path: one wildcard, by hand.
func (q *request) serve() error {
	const op = "api"
	n := len(q.path)
	if n > 0 && !fhir.IsResourceType(q.path[0]) {
		return fault.E(op, fault.NotFound, "there is no such resource type or operation")
	}
	switch m := q.r.Method; {
	case m == http.MethodPost && n == 0:
		return q.bundle()
	case m == http.MethodPost && n == 1:
		return q.create(q.path[0])
	case m == http.MethodPost && n == 2 && q.path[1] == "_search":
		return q.search(q.path[0])
	case (m == http.MethodGet || m == http.MethodHead) && n == 1:
		return q.search(q.path[0])
	case (m == http.MethodGet || m == http.MethodHead) && n == 2:
		return q.read(q.path[0], q.path[1])
	case (m == http.MethodGet || m == http.MethodHead) && n == 3 && q.path[2] == "_history":
		return q.history(q.path[0], q.path[1])
	case (m == http.MethodGet || m == http.MethodHead) && n == 3 && q.path[2] == "$everything" && q.path[0] == "Patient":
		return q.everything(q.path[1])
	case (m == http.MethodGet || m == http.MethodHead) && n == 4 && q.path[2] == "_history":
		return q.vread(q.path[0], q.path[1], q.path[3])
	case m == http.MethodPut && n == 2:
		return q.update(q.path[0], q.path[1])
	case m == http.MethodDelete && n == 2:
		return q.delete(q.path[0], q.path[1])
	}
	return q.notAllowed()
}

// notAllowed answers a method that a path does not have.
func (q *request) notAllowed() error {
	allow, n := "", len(q.path)
	switch {
	case n == 0, n == 2 && q.path[1] == "_search":
		allow = "POST"
	case n == 1:
		allow = "GET, HEAD, POST"
	case n == 2:
		allow = "GET, HEAD, PUT, DELETE"
	case n == 3 && (q.path[2] == "_history" || q.path[2] == "$everything" && q.path[0] == "Patient"), n == 4 && q.path[2] == "_history":
		allow = "GET, HEAD"
	default:
		return fault.E("api", fault.NotFound, "there is no such operation: /fhir/metadata says what there is")
	}
	q.w.Header().Set("Allow", allow)
	q.status = http.StatusMethodNotAllowed
	return fault.E("api", fault.NotSupported, "this interaction is not supported: /fhir/metadata says what is")
}

// system says whether a source system asks.
func (q *request) system() bool { return q.subject.Role == nhs.SourceSystem }

var statusOf = map[fault.Kind]int{
	fault.Exception: http.StatusInternalServerError, fault.Invalid: http.StatusBadRequest, fault.Structure: http.StatusBadRequest,
	fault.Required: http.StatusBadRequest, fault.Value: http.StatusUnprocessableEntity, fault.NotSupported: http.StatusBadRequest,
	fault.NotFound: http.StatusNotFound, fault.Deleted: http.StatusGone, fault.Conflict: http.StatusConflict,
	fault.Duplicate: http.StatusConflict, fault.MultipleMatches: http.StatusPreconditionFailed, fault.Security: http.StatusForbidden,
	fault.Login: http.StatusUnauthorized, fault.Expired: http.StatusUnauthorized, fault.TooLong: http.StatusRequestEntityTooLarge,
	fault.Throttled: http.StatusTooManyRequests, fault.NoStore: http.StatusServiceUnavailable, fault.Transient: http.StatusServiceUnavailable,
	fault.TooCostly: http.StatusUnprocessableEntity,
}

// fail answers with the OperationOutcome of an error.
func (q *request) fail(err error) {
	kind := fault.KindOf(err)
	status := statusOf[kind]
	words := fault.Reason(err)
	if kind == fault.Exception {
		words = "something is wrong with this server; nothing was changed"
	}
	switch {
	case q.status != 0:
		status = q.status
	case kind == fault.Login || kind == fault.Expired:
		q.w.Header().Set("WWW-Authenticate", `Bearer realm="selda"`)
	case kind == fault.Conflict && q.r.Header.Get("If-Match") != "":
		status = http.StatusPreconditionFailed
	}
	issue := fhir.Object{"severity": "error", "code": kind.String(), "diagnostics": words}
	if p := fault.PlaceOf(err); p != "" {
		issue["expression"] = []string{p}
	}
	q.send(status, fhir.Marshal(fhir.Object{"resourceType": "OperationOutcome", "issue": []fhir.Object{issue}}))
}

// send answers with a resource, in the format asked for.
func (q *request) send(status int, compact []byte) {
	h := q.w.Header()
	if q.wantsXML() {
		if x, err := fhir.ToXML(compact); err == nil {
			h.Set("Content-Type", "application/fhir+xml; charset=utf-8")
			q.w.WriteHeader(status)
			_, _ = q.w.Write(x)
			return
		}
	}
	h.Set("Content-Type", "application/fhir+json; charset=utf-8")
	q.w.WriteHeader(status)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(compact)
	}
}

func (q *request) wantsXML() bool {
	if f := q.r.URL.Query().Get("_format"); f != "" {
		return strings.Contains(f, "xml")
	}
	a := q.r.Header.Get("Accept")
	return strings.Contains(a, "xml") && !strings.Contains(a, "json")
}
