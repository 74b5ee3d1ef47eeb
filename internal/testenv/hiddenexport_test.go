package testenv

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// jobID is the id of an export, which the server makes.
var jobID = regexp.MustCompile(`[0-9a-f]{32}`)

// exported exports what the reader may in both regions, waits for it, and holds
// the manifests and every file against each other.
func (h *hidden) exported(t *rapid.T, w *written, method, path, body string) {
	if w.reader == "system" && path == "/fhir/Patient/$export" { // of this record: the regions hold others'
		method = "POST"
		body = `{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"reference":"Patient/` + w.key + `-0"}},{"name":"_since","valueInstant":"2026-01-01T00:00:00Z"}]}`
	}
	var told [2]string
	h.inBoth(w, func(e int) {
		ask := func(method, path, body string) *httptest.ResponseRecorder {
			return h.asks(e, w, method, path, body, http.Header{"Prefer": {"respond-async"}})
		}
		a := ask(method, path, body)
		at := strings.TrimPrefix(a.Header().Get("Content-Location"), "http://selda.example")
		told[e] = h.plain(w, e, a)
		if at == "" {
			return
		}
		for until := time.Now().Add(time.Minute); a.Code == http.StatusAccepted && time.Now().Before(until); time.Sleep(time.Millisecond) {
			a = ask("GET", at, "")
		}
		var m struct{ Output, Deleted, Error []struct{ URL string } }
		if err := json.Unmarshal(a.Body.Bytes(), &m); err != nil {
			told[e] += err.Error()
		}
		told[e] += h.plain(w, e, a)
		for _, f := range append(append(m.Output, m.Deleted...), m.Error...) {
			told[e] += h.plain(w, e, ask("GET", strings.TrimPrefix(f.URL, "http://selda.example"), ""))
		}
		ask("DELETE", at, "")
	})
	for e := range told {
		told[e] = jobID.ReplaceAllString(told[e], "{job}")
	}
	h.alike(t, w, "an export: "+method+" "+path, told)
}
