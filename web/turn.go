package web

import (
	"bytes"
	"net/http"
	"sync"

	"selda/policy"
)

// turns have pages made in the order in which they were asked for, a few at
// once: sixteen that are all made at once are all late. One more than there are
// processors may be under way, since one waits for the trail to be on disk.
type turns chan struct{}

// inTurn has a page made in its turn; not at all where the caller has gone
// meanwhile.
func (t turns) inTurn(f handler) handler {
	return func(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
		select {
		case t <- struct{}{}:
		case <-r.Context().Done():
			return r.Context().Err()
		}
		defer func() { <-t }()
		return f(w, r, s)
	}
}

// answer is what a page says, kept until it is whole and its turn is over: a
// peer that reads slowly holds up nobody.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// maxKept is the largest buffer, in bytes, that is kept for the next page.
const maxKept = 1 << 20

var answers = sync.Pool{New: func() any { return new(answer) }}

func newAnswer(w http.ResponseWriter) *answer {
	a := answers.Get().(*answer)
	a.header = w.Header()
	a.begin()
	return a
}

// begin forgets what was written so far.
func (a *answer) begin() {
	a.status = 0
	a.body.Reset()
}

// Header is that of the answer.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader keeps the first status that is given.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write keeps the bytes.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// send gives the answer, and ends it.
func (a *answer) send(w http.ResponseWriter) {
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write(a.body.Bytes()) // the caller is gone: nobody is left to tell
	if a.body.Cap() <= maxKept {
		a.header = nil
		answers.Put(a)
	}
}
