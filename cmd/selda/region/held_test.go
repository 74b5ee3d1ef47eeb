package region

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"selda/audit"
)

// slowChain is a trail whose entries are on disk when the test says so.
type slowChain struct {
	audit.Chain
	disk chan error
}

func (c slowChain) Append(context.Context, audit.Entry) (func() (uint64, error), error) {
	return func() (uint64, error) { return 1, <-c.disk }, nil
}

func (slowChain) Err() error   { return nil }
func (slowChain) Sync()        {}
func (slowChain) Close() error { return nil }

// Invariant 2: not a byte of an answer leaves before what was decided for it is
// on disk; where it can't be, nothing of the answer leaves at all.
func TestNothingLeavesBeforeTheTrailHasIt(t *testing.T) {
	trail := func(c slowChain) *audit.Trail {
		tr := audit.New(c, nil, nil, time.Now)
		t.Cleanup(func() { _ = tr.Close() })
		return tr
	}
	const secret = "Asthma"
	for name, answer := range map[string]http.HandlerFunc{
		"a body":           func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, secret) },
		"a status":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"nothing written":  func(http.ResponseWriter, *http.Request) {},
		"a header flushed": func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
		"the connection taken": func(w http.ResponseWriter, _ *http.Request) {
			c, rw, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				_ = errors.Join(rw.Flush(), c.Close())
			}
		},
	} {
		for _, failing := range []error{nil, errors.New("the disk is full")} {
			chain := slowChain{disk: make(chan error)}
			tr := trail(chain)
			made := make(chan struct{})
			server := httptest.NewServer(held(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := tr.Enter(r.Context(), audit.Entry{Action: audit.Read}); err != nil {
					t.Error(name, err)
				}
				w.Header().Set("ETag", secret)
				close(made)
				answer(w, r)
			})))
			type reply struct {
				status int
				text   string
			}
			got := make(chan reply, 1)
			go func() {
				resp, err := server.Client().Get(server.URL + "/fhir/Condition/c1")
				if err != nil {
					got <- reply{0, err.Error()}
					return
				}
				b, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				got <- reply{resp.StatusCode, string(b) + resp.Header.Get("ETag")}
			}()
			<-made // the answer is made beside the disk
			select {
			case r := <-got:
				t.Errorf("%s left before the disk had it: %+v", name, r)
			case <-time.After(20 * time.Millisecond):
			}
			chain.disk <- failing
			r := <-got
			if failing == nil && r.status != http.StatusOK && r.status != http.StatusNoContent {
				t.Errorf("%s: %+v", name, r)
			}
			if failing != nil && (r.status != http.StatusServiceUnavailable || strings.Contains(r.text, secret) || !strings.Contains(r.text, `"no-store"`)) {
				t.Errorf("%s, and the trail can't be written: %+v", name, r)
			}
			server.Close()
		}
	}
}

// What is entered after the first byte holds the rest back; what is entered when
// the answer is over is waited for by who enters it.
func TestTheRestOfAnAnswerWaitsToo(t *testing.T) {
	chain := slowChain{disk: make(chan error, 1)}
	tr := audit.New(chain, nil, nil, time.Now)
	defer func() { _ = tr.Close() }()
	w := httptest.NewRecorder()
	var later context.Context
	held(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		later = r.Context()
		_, _ = io.WriteString(w, "one ")
		if err := tr.Enter(r.Context(), audit.Entry{}); err != nil {
			t.Error(err)
		}
		chain.disk <- errors.New("the disk is full")
		if _, err := io.WriteString(w, "two"); err == nil {
			t.Error("what can't be recorded was written")
		}
	})).ServeHTTP(w, httptest.NewRequest("GET", "/record", nil))
	if w.Body.String() != "one " {
		t.Errorf("left: %q", w.Body)
	}
	chain.disk <- errors.New("the disk is full")
	if err := tr.Enter(later, audit.Entry{}); err == nil {
		t.Error("an entry after the answer is not waited for")
	}
}
