package web

import (
	"io"
	"net/http"
	"net/http/httptest"
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
