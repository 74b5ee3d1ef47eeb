package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/validate"
)

var statusOf = map[fault.Kind]int{
	fault.Exception: http.StatusInternalServerError, fault.Invalid: http.StatusBadRequest, fault.Structure: http.StatusBadRequest,
	fault.Required: http.StatusBadRequest, fault.Value: http.StatusUnprocessableEntity, fault.NotSupported: http.StatusBadRequest,
	fault.NotFound: http.StatusNotFound, fault.Deleted: http.StatusGone, fault.Conflict: http.StatusConflict,
	fault.Duplicate: http.StatusConflict, fault.MultipleMatches: http.StatusPreconditionFailed, fault.Security: http.StatusForbidden,
	fault.Login: http.StatusUnauthorized, fault.Expired: http.StatusUnauthorized, fault.TooLong: http.StatusRequestEntityTooLarge,
	fault.Throttled: http.StatusTooManyRequests, fault.NoStore: http.StatusServiceUnavailable, fault.Transient: http.StatusServiceUnavailable,
	fault.BusinessRule: http.StatusUnprocessableEntity,
	fault.TooCostly:    http.StatusUnprocessableEntity,
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
		q.w.Header().Set("WWW-Authenticate", challenge(q.r))
	case kind == fault.Conflict && (q.r.Header.Get("If-Match") != "" || q.r.Header.Get("If-None-Match") != ""):
		status = http.StatusPreconditionFailed
	case kind == fault.Value && q.asks():
		status = http.StatusBadRequest
	}
	if status == http.StatusNotFound || status == http.StatusGone {
		q.lack()
	}
	if issues := refused(err); issues != nil {
		q.send(status, fhir.Marshal(validate.Outcome(issues)))
		return
	}
	issue := fhir.Object{"severity": "error", "code": kind.String(), "diagnostics": words}
	if p := fault.PlaceOf(err); p != "" {
		issue["expression"] = []string{p}
	}
	q.send(status, fhir.Marshal(fhir.Object{"resourceType": "OperationOutcome", "issue": []fhir.Object{issue}}))
}

// asks says whether a request only asks: what is wrong in it is a parameter, and
// no resource that can't be kept. https://hl7.org/fhir/R4/http.html#search
func (q *request) asks() bool {
	last := ""
	if n := len(q.path); n > 0 {
		last = q.path[n-1]
	}
	return q.r.Method == http.MethodGet || q.r.Method == http.MethodHead || last == "_search" || strings.HasPrefix(last, "$")
}

// send answers with a resource, in the format asked for.
func (q *request) send(status int, compact []byte) {
	h := q.w.Header()
	body, kind := compact, "application/fhir+json; charset=utf-8"
	switch {
	case q.xml:
		if x, err := fhir.ToXML(compact); err == nil {
			body, kind = x, "application/fhir+xml; charset=utf-8"
		}
	case q.query().Get("_pretty") == "true":
		var b bytes.Buffer
		if json.Indent(&b, compact, "", "  ") == nil {
			body = b.Bytes()
		}
	}
	h.Set("Content-Type", kind)
	h.Add("Vary", "Accept, Accept-Encoding")
	if len(body) >= minPacked && strings.Contains(q.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		q.w.WriteHeader(status)
		if q.r.Method != http.MethodHead {
			z := packers.Get().(*gzip.Writer)
			z.Reset(q.w)
			_, _ = z.Write(body)
			_ = z.Close()
			packers.Put(z)
		}
		return
	}
	q.w.WriteHeader(status)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(body)
	}
}

// minPacked is from how many bytes an answer is packed.
const minPacked = 1 << 10

var packers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one that there is
	return z
}}

// challenge asks for a token. Who brought one is told that it does not hold, so that a
// client knows to get another. https://www.rfc-editor.org/rfc/rfc6750#section-3.1
func challenge(r *http.Request) string {
	if r.Header.Get("Authorization") != "" {
		return `Bearer realm="selda", error="invalid_token"`
	}
	return `Bearer realm="selda"`
}
