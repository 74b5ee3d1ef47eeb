// Package arch holds the architecture to its word: it reads the table of rooms
// in ARCHITECTURE.md and the source of the module, in process, and says where
// they differ. It is not a style checker. Its test runs it on this module and
// on copies in which each rule is broken once.
package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Room is one row of the table.
type Room struct {
	Name string
	Pure bool
	May  []string
}

// Table reads the rooms from ARCHITECTURE.md.
func Table(markdown string) (map[string]Room, error) {
	rooms := map[string]Room{}
	for line := range strings.SplitSeq(markdown, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		name := strings.Trim(strings.TrimSpace(cells[1]), "`")
		if _, twice := rooms[name]; twice {
			return nil, fmt.Errorf("ARCHITECTURE.md lists room %s twice", name)
		}
		rooms[name] = Room{name, strings.TrimSpace(cells[2]) == "yes", strings.Fields(cells[3])}
	}
	if len(rooms) == 0 {
		return nil, fmt.Errorf("ARCHITECTURE.md has no table of rooms")
	}
	return rooms, nil
}

// impure are the imports that a pure room may not have.
var impure = []string{"context", "os", "net", "math/rand", "crypto/rand", "log", "log/slog", "syscall", "time/tzdata", "database/sql", "io/ioutil", "bufio/os"}

// clock are the functions of package time that read a clock or wait.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local"}

// Check compares the module in fsys with its table. Each finding is a
// sentence that says what is wrong and where.
func Check(fsys fs.FS) ([]string, error) {
	md, err := fs.ReadFile(fsys, "ARCHITECTURE.md")
	if err != nil {
		return nil, err
	}
	rooms, err := Table(string(md))
	if err != nil {
		return nil, err
	}
	var found []string
	say := func(format string, a ...any) { found = append(found, fmt.Sprintf(format, a...)) }
	seen, commented := map[string]bool{}, map[string]bool{}
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" || p == "bin" || p == "var") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(p)
		room, listed := rooms[dir]
		seen[dir] = true
		if !listed {
			say("%s: room %s is not listed in ARCHITECTURE.md", p, dir)
			return nil
		}
		test := strings.HasSuffix(p, "_test.go")
		if !test && f.Doc != nil && strings.TrimSpace(f.Doc.Text()) != "" {
			commented[dir] = true
		}
		if test {
			return nil
		}
		for _, im := range f.Imports {
			to := strings.Trim(im.Path.Value, `"`)
			if room.Pure && slices.ContainsFunc(impure, func(bad string) bool { return to == bad || strings.HasPrefix(to, bad+"/") && to != "net/url" }) {
				say("%s: pure room %s imports %s", p, dir, to)
			}
			to, own := strings.CutPrefix(to, "selda/")
			if !own {
				continue
			}
			if !allowed(room.May, to) {
				say("%s: room %s may not import %s", p, dir, to)
			}
			if room.Pure && !rooms[to].Pure {
				say("%s: pure room %s imports %s, which is not pure", p, dir, to)
			}
		}
		if room.Pure {
			ast.Inspect(f, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, sel.Sel.Name) {
						say("%s: pure room %s uses time.%s", p, dir, sel.Sel.Name)
					}
				}
				return true
			})
		}
		return nil
	})
	for dir := range seen {
		if _, listed := rooms[dir]; listed && !commented[dir] {
			say("%s: the package has no comment", dir)
		}
	}
	for name := range rooms {
		if !seen[name] {
			say("ARCHITECTURE.md lists room %s, which does not exist", name)
		}
	}
	slices.Sort(found)
	return found, err
}

func allowed(may []string, to string) bool {
	for _, m := range may {
		if m == "…" || m == to {
			return true
		}
		if below, ok := strings.CutSuffix(m, "/…"); ok && (to == below || strings.HasPrefix(to, below+"/")) {
			return true
		}
	}
	return false
}
