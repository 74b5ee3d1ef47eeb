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
func (h *hidden) exported(t *rapid.T, w *written) {
	method, path, body := "GET", "/fhir/Patient/$export", ""
	if w.reader == "system" { // of this record: the regions hold others'
		method = "POST"
		body = `{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"reference":"Patient/` + w.key + `-0"}},{"name":"_since","valueInstant":"2026-01-01T00:00:00Z"}]}`
	}
	var told [2]string
	for e := range h.env {
		ask := func(method, path, body string) *httptest.ResponseRecorder {
			req := httptest.NewRequestWithContext(h.Context(), method, "http://selda.example"+path, strings.NewReader(body))
			token := h.token(e, w)
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Prefer", "respond-async")
			a := httptest.NewRecorder()
			h.handler[e].ServeHTTP(a, req)
			return a
		}
		a := ask(method, path, body)
		at := strings.TrimPrefix(a.Header().Get("Content-Location"), "http://selda.example")
		told[e] = h.plain(w, e, a)
		if at == "" {
			continue
		}
		for until := time.Now().Add(time.Minute); a.Code == http.StatusAccepted && time.Now().Before(until); time.Sleep(time.Millisecond) {
			a = ask("GET", at, "")
		}
		var m struct{ Output, Deleted, Error []struct{ URL string } }
		if err := json.Unmarshal(a.Body.Bytes(), &m); err != nil {
			t.Fatalf("%s: %d %s", path, a.Code, a.Body)
		}
		told[e] += h.plain(w, e, a)
		for _, f := range append(append(m.Output, m.Deleted...), m.Error...) {
			told[e] += h.plain(w, e, ask("GET", strings.TrimPrefix(f.URL, "http://selda.example"), ""))
		}
		ask("DELETE", at, "")
	}
	h.compared++
	for e := range told {
		told[e] = jobID.ReplaceAllString(told[e], "{job}")
	}
	if told[0] != told[1] {
		t.Fatalf("an export as %s: what is hidden left a trace\nwith it:\n%s\nwithout it:\n%s", w.reader, told[0], told[1])
	}
}
