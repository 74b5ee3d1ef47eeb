package testenv

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"

	"pgregory.net/rapid"

	"selda/fhir"
)

// This file asks both regions, and holds what they answer against each other.

// pages walks through every page of a search in both regions.
func (h *hidden) pages(t *rapid.T, w *written, path string) {
	next := [2]string{path, path}
	for round := range 12 {
		answers := h.both(t, w, "GET", next, "")
		for i, a := range answers {
			next[i] = ""
			if r, err := fhir.ParseTrusted(a.Body.Bytes()); err == nil {
				for _, l := range r.Root().List("link") {
					if l.Get("relation").Is("next") {
						next[i] = strings.TrimPrefix(l.Get("url").Text(), "http://selda.example")
					}
				}
			}
		}
		if round == 0 {
			h.sealed(t, w, path, next)
		}
		if next[0] == "" {
			return
		}
	}
}

func (h *hidden) same(t *rapid.T, w *written, method, path, body string) {
	h.both(t, w, method, [2]string{path, path}, body)
}

// both asks in both regions at once, and holds the answers against each other.
func (h *hidden) both(t *rapid.T, w *written, method string, path [2]string, body string) (answers [2]*httptest.ResponseRecorder) {
	header := http.Header{}
	if strings.HasSuffix(path[0], "/search") || strings.HasSuffix(path[0], "/_search") {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	var told [2]string
	h.inBoth(w, func(e int) {
		answers[e] = h.asks(e, w, method, strings.ReplaceAll(path[e], "{citizen}", w.citizen[e]), strings.ReplaceAll(body, "{citizen}", w.citizen[e]), header)
		told[e] = h.plain(w, e, answers[e])
	})
	h.alike(t, w, method+" "+path[0], told)
	return answers
}

// inBoth does something in both regions at once, whose tokens are at hand.
func (h *hidden) inBoth(w *written, do func(e int)) {
	var other sync.WaitGroup
	for e := range h.env {
		h.token(e, w)
	}
	other.Go(func() { do(1) })
	do(0)
	other.Wait()
}

// alike holds what two regions told against each other: one case of the test.
func (h *hidden) alike(t *rapid.T, w *written, asked string, told [2]string) {
	h.compared++
	if told[0] == told[1] {
		return
	}
	at := 0
	for at < min(len(told[0]), len(told[1])) && told[0][at] == told[1][at] {
		at++
	}
	around := func(s string) string { return s[max(0, at-300):min(len(s), at+1500)] }
	t.Fatalf("%s as %s %v: what is hidden left a trace\nwith it:\n… %s …\nwithout it:\n… %s …", asked, w.reader, w.scopes, around(told[0]), around(told[1]))
}

// What may differ: numbers of versions and of the trail, times, sealed cursors.
var mayDiffer = []*regexp.Regexp{
	regexp.MustCompile(`"versionId":"[0-9a-f]+"`), regexp.MustCompile(`versionId value="[0-9a-f]+"`), regexp.MustCompile(`W/\\?"[0-9a-f]+\\?"`), regexp.MustCompile(`_page=[A-Za-z0-9_-]+`),
	regexp.MustCompile(`"request":{"method":"(PUT|POST)"`), regexp.MustCompile(`selda\.example/trail/[0-9a-f]+`),
	regexp.MustCompile(`--key [^<]*`), regexp.MustCompile(`\b[A-Z2-7]{26}\b`), regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), // the trail's key; ids of applications, and of answers
	// How often it was asked how an export stands is in the trail: its numbers differ by that.
	regexp.MustCompile(`AuditEvent/[0-9]+`), regexp.MustCompile(`"id":"[0-9]+"`), regexp.MustCompile(`/proof/[0-9]+`), regexp.MustCompile(`/ask/[0-9]+`),
}

// plain is an answer with what may differ made alike.
func (h *hidden) plain(w *written, e int, a *httptest.ResponseRecorder) string {
	var b bytes.Buffer
	fmt.Fprintln(&b, a.Code)
	_ = a.Header().Write(&b)
	b.Write(a.Body.Bytes())
	s := strings.ReplaceAll(b.String(), w.citizen[e], "{citizen}")
	if w.told[e] != "" {
		s = strings.ReplaceAll(s, w.told[e], "{subscription}")
	}
	for _, r := range mayDiffer {
		s = r.ReplaceAllString(s, "…")
	}
	names := map[string]string{}
	return serverID.ReplaceAllStringFunc(s, func(id string) string {
		if names[id] == "" {
			names[id] = fmt.Sprintf("<%d>", len(names)+1)
		}
		return names[id]
	})
}
