// Package documenttest is the one suite for whatever keeps documents.
package documenttest

import (
	"bytes"
	"slices"
	"testing"

	"selda/fault"
	"selda/internal/document"
)

// Run runs the suite on a store that is empty.
func Run(t *testing.T, s document.Store) {
	t.Helper()
	load := func(name, want string) int64 {
		t.Helper()
		b, version, err := s.Load(name)
		if err != nil || string(b) != want {
			t.Fatalf("%s is %q, want %q: %v", name, b, want, err)
		}
		return version
	}
	save := func(name, content string, version int64) {
		t.Helper()
		if err := s.Save(name, []byte(content), version); err != nil {
			t.Fatal(err)
		}
	}
	if v := load("a/one", ""); v != 0 {
		t.Errorf("what is not there has version %d", v)
	}
	save("a/one", "1", 0)
	if err := s.Save("a/one", []byte("x"), 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("made twice: %v", err)
	}
	save("a/one", "2", load("a/one", "1"))
	load("a/one", "2")
	odd := string(bytes.Repeat([]byte{0, 255, '\n'}, 1000))
	save("a/one", odd, document.Any)
	load("a/one", odd)
	save("a/two.yaml", "", document.Any)
	save("ab", "b", document.Any)
	for prefix, want := range map[string][]string{"a/": {"a/one", "a/two.yaml"}, "a": {"a/one", "a/two.yaml", "ab"}, "a/t": {"a/two.yaml"}, "nothing/": nil, "": {"a/one", "a/two.yaml", "ab"}} {
		if got, err := s.List(prefix); err != nil || !slices.Equal(got, want) {
			t.Errorf("names that begin with %q: %q, want %q: %v", prefix, got, want, err)
		}
	}
	for range 2 { // the second time nothing is there
		if err := s.Remove("a/one"); err != nil {
			t.Fatal(err)
		}
	}
	load("a/one", "")
	save("a/one", "again", 0)
	load("a/two.yaml", "")
}
