package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"selda/fault"
)

// A file is fetched from an address that an operator allows, from a byte on; an
// answer that leads elsewhere is not followed.
func TestInputsOverHTTPS(t *testing.T) {
	led := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/out/a.ndjson":
			_, _ = io.WriteString(w, "0123456789")
		case "/out/away.ndjson":
			http.Redirect(w, r, "/inside", http.StatusFound)
		case "/inside":
			led = true
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	before := fetches.Transport
	fetches.Transport = server.Client().Transport
	defer func() { fetches.Transport = before }()
	in, err := NewInputs([]string{server.URL + "/out/"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := in.find(server.URL + "/out/a.ndjson?sig=1")
	if err != nil {
		t.Fatal(err)
	}
	body, err := f.open(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	if b, err := io.ReadAll(body); err != nil || string(b) != "456789" {
		t.Errorf("from byte 4 on: %q %v", b, err)
	}
	for _, name := range []string{"/out/away.ndjson", "/out/none.ndjson"} {
		f, err := in.find(server.URL + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.open(t.Context(), 0); !fault.Is(err, fault.NotFound) || led {
			t.Errorf("%s: %v, led away: %t", name, err, led)
		}
	}
	for _, name := range []string{server.URL + "/inside", server.URL + "/out/../inside", server.URL + "/out/%2e%2e/inside", strings.Replace(server.URL, "https", "http", 1) + "/out/a.ndjson", "https://127.0.0.1/out/a.ndjson", "//out/a.ndjson"} {
		if _, err := in.find(name); !fault.Is(err, fault.Security) {
			t.Errorf("%s is allowed: %v", name, err)
		}
	}
	for _, bad := range []string{"http://files.example/", "https://files.example/out", "relative/folder", "https://u:p@files.example/"} {
		if _, err := NewInputs([]string{bad}); err == nil {
			t.Errorf("an operator may not allow %s", bad)
		}
	}
}
