package arch

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func TestArchitecture(t *testing.T) {
	found, err := Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// The tests that ARCHITECTURE.md names for the invariants exist.
func TestInvariantsAreShown(t *testing.T) {
	md, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9/]+_test\\.go) (Test\\w+)`").FindAllStringSubmatch(string(md), -1)
	if len(named) < 8 {
		t.Fatalf("ARCHITECTURE.md names %d tests for eight invariants", len(named))
	}
	for _, n := range named {
		src, err := os.ReadFile("../../" + n[1])
		if err != nil || !strings.Contains(string(src), "func "+n[2]+"(") {
			t.Errorf("%s has no %s", n[1], n[2])
		}
	}
}

// Each rule, broken once.
func TestEachRuleBroken(t *testing.T) {
	const table = "| `a` | yes | b | x |\n| `b` | yes | | x |\n| `c` | | a d/… | x |\n"
	good := map[string]string{
		"a/a.go": "// Package a is.\npackage a\nimport _ \"selda/b\"\n",
		"b/b.go": "// Package b is.\npackage b\n",
		"c/c.go": "// Package c is.\npackage c\nimport _ \"selda/a\"\n",
	}
	for name, c := range map[string]struct{ file, src, want string }{
		"whole":            {"", "", ""},
		"unlisted room":    {"x/x.go", "// Package x is.\npackage x\n", "x is not listed"},
		"missing room":     {"b/b.go", "", "lists room b, which does not exist"},
		"forbidden import": {"b/b.go", "// Package b is.\npackage b\nimport _ \"selda/a\"\n", "b may not import a"},
		"impure import":    {"a/a.go", "// Package a is.\npackage a\nimport _ \"net/http\"\n", "pure room a imports net/http"},
		"clock":            {"a/a.go", "// Package a is.\npackage a\nimport \"time\"\nvar x = time.Now\n", "uses time.Now"},
		"no comment":       {"a/a.go", "package a\n", "a: the package has no comment"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{"ARCHITECTURE.md": {Data: []byte(table)}}
			for p, src := range good {
				fsys[p] = &fstest.MapFile{Data: []byte(src)}
			}
			if c.file != "" {
				fsys[c.file] = &fstest.MapFile{Data: []byte(c.src)}
				if c.src == "" {
					delete(fsys, c.file)
				}
			}
			found, err := Check(fsys)
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(found, "\n")
			if c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
	impureDep := fstest.MapFS{
		"ARCHITECTURE.md": {Data: []byte("| `a` | yes | c | x |\n| `c` | | | x |\n")},
		"a/a.go":          {Data: []byte("// Package a is.\npackage a\nimport _ \"selda/c\"\n")},
		"c/c.go":          {Data: []byte("// Package c is.\npackage c\n")},
	}
	found, _ := Check(impureDep)
	if len(found) != 1 || !strings.Contains(found[0], "which is not pure") {
		t.Error(found)
	}
}

// The oracle of the rules shares nothing with what it judges: its row admits no
// import, and a row that did would be a change of this test.
func TestTheOracleImportsNothing(t *testing.T) {
	md, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil || !regexp.MustCompile(`(?m)^\| .internal/oracle. \| yes \| \| `).Match(md) {
		t.Error("the row of internal/oracle admits an import, or is not pure:", err)
	}
}
