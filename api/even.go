package api

import (
	"context"
	"net/http"
	"time"
)

// Something that is hidden takes longer not to find than something that never was: of the
// one it is decided who may see it, and the trail says of whom it was. Told apart by a
// watch, many times over, it would not be hidden. So an answer that lacks what was named
// leaves at a whole number of steps after its request came, of which either takes less
// than one.

// EvenStep is how long such an answer takes at least: several times what a decision takes.
const EvenStep = 10 * time.Millisecond

type evenKey struct{}

// Evened has answers that lack what was named leave at whole steps. It stands outside of
// all that is done for an answer, the trail's part included.
func Evened(next http.Handler, step time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &evenWriter{ResponseWriter: w, r: r, began: time.Now(), step: step}
		next.ServeHTTP(e, r.WithContext(context.WithValue(r.Context(), evenKey{}, e)))
	})
}

type evenWriter struct {
	http.ResponseWriter
	r     *http.Request
	began time.Time
	step  time.Duration
	lacks bool
}

// lack notes that something that was named is not in the answer: it is not there, or hidden.
func (q *request) lack() {
	if e, ok := q.r.Context().Value(evenKey{}).(*evenWriter); ok {
		e.lacks = true
	}
}

// even waits, once, until the answer may leave.
func (w *evenWriter) even() {
	if !w.lacks {
		return
	}
	w.lacks = false
	end := time.Since(w.began).Truncate(w.step) + w.step
	// Go's timers are late by up to a millisecond, more or less by when they were set: what was
	// to be hidden would be in that. The last of it the operating system waits for.
	t := time.NewTimer(end - time.Since(w.began) - coarse)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.r.Context().Done():
		return
	}
	for left := end - time.Since(w.began); left > 0; left = end - time.Since(w.began) {
		pause(left)
	}
}

// coarse is more than how late a timer of Go is.
const coarse = 3 * time.Millisecond

func (w *evenWriter) WriteHeader(status int) {
	w.even()
	w.ResponseWriter.WriteHeader(status)
}

func (w *evenWriter) Write(b []byte) (int, error) {
	w.even()
	return w.ResponseWriter.Write(b)
}

// FlushError sends what was written; the header, where nothing was.
func (w *evenWriter) FlushError() error {
	w.even()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *evenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
