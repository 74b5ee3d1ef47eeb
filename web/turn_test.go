package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"selda/policy"
)

// stuck is a peer that reads nothing until it is let go.
type stuck struct {
	*httptest.ResponseRecorder
	begun, free chan struct{}
}

func (s stuck) Write(b []byte) (int, error) {
	s.begun <- struct{}{}
	<-s.free
	return s.ResponseRecorder.Write(b)
}

// However many peers read slowly, the next page is made.
func TestSlowReadersHoldUpNobody(t *testing.T) {
	h := &Web{turns: make(turns, 2)}
	h.Subject = func(*http.Request) (policy.Subject, error) { return policy.Subject{}, nil }
	page := h.page(h.turns.inTurn(func(w http.ResponseWriter, _ *http.Request, _ policy.Subject) error {
		_, err := io.WriteString(w, "a page")
		return err
	}))
	begun, free := make(chan struct{}), make(chan struct{})
	done := make(chan *httptest.ResponseRecorder)
	for range 5 {
		go func() {
			s := stuck{httptest.NewRecorder(), begun, free}
			page(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
			done <- s.ResponseRecorder
		}()
	}
	for range 5 {
		<-begun
	}
	w := httptest.NewRecorder()
	page(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusOK || w.Body.String() != "a page" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	close(free)
	for range 5 {
		if r := <-done; r.Body.String() != "a page" {
			t.Errorf("a slow reader got %q", r.Body)
		}
	}
}

// A page goes packed to who takes it so, and plain to who does not.
func TestPagesArePacked(t *testing.T) {
	h := &Web{turns: make(turns, 1)}
	h.Subject = func(*http.Request) (policy.Subject, error) { return policy.Subject{}, nil }
	want := strings.Repeat("<p>a page</p>", 1000)
	page := h.page(func(w http.ResponseWriter, _ *http.Request, _ policy.Subject) error {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, err := io.WriteString(w, want)
		return err
	})
	for _, accepts := range []string{"", "gzip, br"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", accepts)
		page(w, r)
		var body io.Reader = w.Body
		if accepts != "" {
			if w.Body.Len() > len(want)/10 {
				t.Errorf("%d bytes of %d were sent", w.Body.Len(), len(want))
			}
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != want {
			t.Errorf("%q: %v, %d bytes", accepts, err, len(got))
		}
	}
}
