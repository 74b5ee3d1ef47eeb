package subscription

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A name of outside that stands for an address inside, by the time it is called, is not
// called; nor is where an answer sends the caller on.
func TestHostileNamesThatLeadInside(t *testing.T) {
	called := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called++
		http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "LocalHost", "0.0.0.0"} {
		_, err := newHook(&Calls{Hosts: []string{"elsewhere.example", "10.0.0.0/8"}}).client.Get("http://" + host + ":" + port)
		if !errors.Is(err, errInside) || called > 0 {
			t.Errorf("%s is called: %v", host, err)
		}
	}
	resp, err := newHook(&Calls{Hosts: []string{"localhost"}}).client.Get("http://localhost:" + port)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if called != 1 {
		t.Errorf("an endpoint that sends on is called %d times", called)
	}
}
