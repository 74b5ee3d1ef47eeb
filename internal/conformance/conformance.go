// Package conformance holds a suite that others wrote against the exclusions
// that this project admits: docs/conformance/NAME.txt, a line each with the
// case's name and the reason. An excluded case that passes fails the test, so
// that the list only gets shorter, and it may never be longer than 3 % of a suite.
package conformance

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Suite is one suite as it is run.
type Suite struct {
	t        *testing.T
	name     string
	excluded map[string]string
	seen     map[string]bool
	cases    int
}

// Open reads a suite's exclusions; they are checked when the test ends.
func Open(t *testing.T, name string) *Suite {
	t.Helper()
	s := &Suite{t: t, name: name, excluded: Excluded(t, name), seen: map[string]bool{}}
	t.Cleanup(s.close)
	return s
}

// Excluded reads docs/conformance/NAME.txt: each case with its reason.
func Excluded(t *testing.T, name string) map[string]string {
	t.Helper()
	in, err := os.ReadFile(filepath.Join(root(), "docs/conformance", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(in)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, _ := strings.Cut(line, " ")
		if out[id] = strings.TrimSpace(reason); out[id] == "" {
			t.Errorf("%s: %s is excluded without a reason", name, id)
		}
	}
	return out
}

// Material is a folder of public test data that stands beside the repository.
// Where it is not the test is left out, but in CI, where it fails.
func Material(t testing.TB, set string) string {
	t.Helper()
	dir := filepath.Join(root(), "../shared/material", set)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the public test data is not beside the repository")
		}
		t.Skip("left out: the public test data (../shared/material) is not beside the repository")
	}
	return dir
}

// root is the repository's folder.
func root() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../..")
}

// Run runs a case, which gives what is wrong.
func (s *Suite) Run(id string, f func() []string) {
	s.t.Helper()
	s.cases++
	s.seen[id] = true
	problems := f()
	switch _, excluded := s.excluded[id]; {
	case excluded && len(problems) == 0:
		s.t.Errorf("%s passes: take it out of docs/conformance/%s.txt", id, s.name)
	case !excluded:
		for _, p := range problems {
			s.t.Errorf("%s: %s", id, p)
		}
	}
}

func (s *Suite) close() {
	for id := range s.excluded {
		if !s.seen[id] {
			s.t.Errorf("docs/conformance/%s.txt: there is no case %s", s.name, id)
		}
	}
	if len(s.excluded)*100 > s.cases*3 {
		s.t.Errorf("docs/conformance/%s.txt: %d of %d cases are excluded, more than 3 %%", s.name, len(s.excluded), s.cases)
	}
}
