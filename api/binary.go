package api

import (
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// A Binary is written and read as what it holds, or as a resource.
// https://hl7.org/fhir/R4/binary.html#rest

// bare says whether the body of a Binary is the content itself.
func (q *request) bare(typ string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(q.r.Header.Get("Content-Type")), ";")
	kind = strings.TrimSpace(kind)
	return typ == "Binary" && kind != "" && !strings.HasSuffix(kind, "json") && !strings.HasSuffix(kind, "xml")
}

// wrapped reads the content of a Binary as a resource.
func (q *request) wrapped() ([]byte, error) {
	kind := q.r.Header.Get("Content-Type")
	if _, _, err := mime.ParseMediaType(kind); err != nil {
		return nil, fault.E("api.binary", fault.Value, "the content type is none", "Content-Type")
	}
	b, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, MaxBody/2))
	if err != nil {
		return nil, broken(err, "32 MiB")
	}
	o := fhir.Object{"resourceType": "Binary", "contentType": kind, "data": base64.StdEncoding.EncodeToString(b)}
	if len(q.path) == 2 && q.r.Method == http.MethodPut {
		o["id"] = q.path[1]
	}
	if about := q.r.Header.Get("X-Security-Context"); about != "" {
		o["securityContext"] = fhir.Ref(about)
	}
	return fhir.Marshal(o), nil
}

// sendBare answers with the content of a Binary where that is asked for. What it
// holds is somebody else's: a browser is told to keep it, and not to run it.
func (q *request) sendBare(body []byte) bool {
	accept := strings.ToLower(q.r.Header.Get("Accept"))
	if accept == "" || q.query().Get("_format") != "" || strings.Contains(accept, "json") || strings.Contains(accept, "fhir") || strings.Contains(accept, "*/*") {
		return false
	}
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return false
	}
	content, err := base64.StdEncoding.DecodeString(r.Get("data").Text())
	kind := r.Get("contentType").Text()
	if _, _, bad := mime.ParseMediaType(kind); err != nil || bad != nil {
		return false
	}
	h := q.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", "attachment")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	if about := r.Get("securityContext", "reference").Text(); about != "" {
		h.Set("X-Security-Context", about)
	}
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(content)
	}
	return true
}
