package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// G4, G7: what a controller has set is a file at the command line, which comes back as
// it was put; what does not hold is refused in words, and changes nothing.
func TestLimitsAtTheCommandLine(t *testing.T) {
	data, away := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(away, name) }
	s := start(t, data, "serve")
	good := "teams:\n    - name: GUM\n      groups: [\"655694018104\"]\nseals:\n    - id: gum\n      title: What GUM wrote\n      teams: [GUM]\n      of: [GUM]\n      reason: agreed\nafter-care-days: 60\n"
	write(t, at("good.yaml"), good)
	write(t, at("less.yaml"), "after-care-days: 7\n")
	if r := selda(t, data, "limits", "show", "RJZ"); r.code != 0 || !strings.Contains(r.err, "28 days") {
		t.Errorf("before anything was set: %+v", r)
	}
	ok(t, data, "limits", "put", "RJZ", at("good.yaml"))
	if r := selda(t, data, "limits", "put", "RJZ", at("less.yaml")); r.code != 1 || !strings.Contains(r.err, "at least 28 days") {
		t.Errorf("%+v", r)
	}
	shown := ok(t, data, "limits", "show", "RJZ")
	for _, w := range []string{"after-care-days: 60", "name: GUM", "title: What GUM wrote", "by: ", "begins: "} {
		if !strings.Contains(shown, w) {
			t.Errorf("%q is not in\n%s", w, shown)
		}
	}
	write(t, at("again.yaml"), shown)
	ok(t, data, "limits", "put", "RJZ", at("again.yaml"))
	if again := ok(t, data, "limits", "show", "RJZ"); again != shown {
		t.Errorf("put again, it is another:\n%s", again)
	}
	if r := selda(t, data, "limits", "teams", "nobody", "GUM"); r.code != 1 || !strings.Contains(r.err, "nobody has that user name") {
		t.Errorf("%+v", r)
	}
	if code := s.stop(t); code != 0 {
		t.Fatal(code, s.errs)
	}
}
