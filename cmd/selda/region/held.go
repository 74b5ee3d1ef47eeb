package region

import (
	"bufio"
	"cmp"
	"net"
	"net/http"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/validate"
)

// held has every answer of next wait, before its first byte leaves, until the
// trail has on disk what was decided for it. Where that can't be, nothing of the
// answer leaves.
func held(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			from = r.RemoteAddr
		}
		ctx, entries := audit.Hold(audit.With(r.Context(), audit.Caller{Address: from, Request: r.Header.Get("X-Request-Id")}))
		h := &heldWriter{ResponseWriter: w, entries: entries, fhir: strings.HasPrefix(r.URL.Path, "/fhir")}
		defer func() {
			err := entries.End()
			_ = h.durable(func() error { return err })
		}()
		next.ServeHTTP(h, r.WithContext(ctx))
	})
}

// heldWriter is the way out of an answer.
type heldWriter struct {
	http.ResponseWriter
	entries *audit.Held
	fhir    bool
	begun   bool
	status  int // with which it begins
	failed  error
}

// durable waits for the entries so far. Where one can't be on disk and nothing has
// left yet, it answers instead.
func (w *heldWriter) durable(wait func() error) error {
	if w.failed != nil {
		return w.failed
	}
	if !w.begun {
		w.failed = w.entries.Begin(cmp.Or(w.status, http.StatusOK))
	}
	if w.failed == nil {
		w.failed = wait()
	}
	if w.failed == nil || w.begun {
		return w.failed
	}
	w.begun = true
	clear(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	const text = "the trail can't be written, so nothing can be read: try again later"
	if !w.fhir {
		http.Error(w.ResponseWriter, text, http.StatusServiceUnavailable)
		return w.failed
	}
	w.Header().Set("Content-Type", "application/fhir+json")
	w.ResponseWriter.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.ResponseWriter.Write(fhir.Marshal(validate.Outcome([]validate.Issue{{Severity: validate.Error, Code: fault.NoStore.String(), Text: text}})))
	return w.failed
}

func (w *heldWriter) WriteHeader(status int) {
	if !w.begun {
		w.status = status
	}
	if w.durable(w.entries.Durable) != nil {
		return
	}
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *heldWriter) Write(b []byte) (int, error) {
	if err := w.durable(w.entries.Durable); err != nil {
		return 0, err
	}
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// FlushError sends what was written; the header, where nothing was.
func (w *heldWriter) FlushError() error {
	if err := w.durable(w.entries.Durable); err != nil {
		return err
	}
	w.begun = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack gives the connection away, of which nothing is known from then on:
// whoever enters something under its context waits for it.
func (w *heldWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	if err := w.durable(w.entries.End); err != nil {
		return nil, nil, err
	}
	w.begun = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap lets http.ResponseController reach the connection for its deadlines.
func (w *heldWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
