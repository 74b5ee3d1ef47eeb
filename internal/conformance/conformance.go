// Package conformance holds a suite that others wrote against the exclusions
// that this project admits: docs/conformance/NAME.txt, a line each with the
// case's name and the reason. An excluded case that passes fails the test, so
// that the list only gets shorter, and it may never be longer than 3 % of a suite.
package conformance

import (
	"bufio"
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
	s := &Suite{t: t, name: name, excluded: map[string]string{}, seen: map[string]bool{}}
	_, here, _, _ := runtime.Caller(0)
	f, err := os.Open(filepath.Join(filepath.Dir(here), "../../docs/conformance", name+".txt"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err == nil {
		defer func() { _ = f.Close() }()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			line := strings.TrimSpace(lines.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			id, reason, _ := strings.Cut(line, "  ")
			if strings.TrimSpace(reason) == "" {
				t.Errorf("%s: %s is excluded without a reason", name, id)
			}
			s.excluded[id] = strings.TrimSpace(reason)
		}
	}
	t.Cleanup(s.close)
	return s
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
