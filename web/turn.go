package web

import (
	"bytes"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

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
	quiet  bool // it is to somebody in safety mode
}

// maxKept is the largest buffer, in bytes, that is kept for the next page.
const maxKept = 1 << 20

var answers = sync.Pool{New: func() any { return new(answer) }}

func newAnswer(w http.ResponseWriter) *answer {
	a := answers.Get().(*answer)
	a.header = w.Header()
	a.begin()
	a.quiet = false
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

// minPacked is the smallest page, in bytes, that is worth packing.
const minPacked = 2 << 10

var packers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one that there is
	return z
}}

// send gives the answer, and ends it. A page goes packed to those who take it
// so: on a crew's phone it is there in a tenth of the time.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	packed := a.body.Len() >= minPacked && strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
	if packed {
		a.header.Set("Content-Encoding", "gzip")
		a.header.Set("Vary", "Accept-Encoding")
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	if packed {
		z := packers.Get().(*gzip.Writer)
		z.Reset(w)
		_, _ = z.Write(a.body.Bytes()) // the caller is gone: nobody is left to tell
		_ = z.Close()
		packers.Put(z)
	} else {
		_, _ = w.Write(a.body.Bytes())
	}
	if a.body.Cap() <= maxKept {
		a.header = nil
		answers.Put(a)
	}
}
