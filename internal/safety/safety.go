// Package safety holds the papers of docs/safety to what they say: every test that they
// name exists, each hazard has a control and a risk of the matrix, each rule of care has
// tests under its number, each threat and each requirement is answered once. It judges no
// control: what a control is worth its own test says.
package safety

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Test names a test function of the module.
type Test struct {
	File, Name string
	Says       string // the first sentence of its comment
}

// named is how a paper names a test: its file and its function.
var named = regexp.MustCompile("`([\\w./-]+_test\\.go) ((?:Test|Fuzz)\\w+)`")

// Named are the tests that a text names.
func Named(text string) (out []Test) {
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		out = append(out, Test{File: m[1], Name: m[2]})
	}
	return out
}

// Tests are those of a module, in the order of their files.
func Tests(fsys fs.FS) (out []Test, err error) {
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "testdata", "bin", "var"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, "_test.go"):
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
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Recv == nil && (strings.HasPrefix(fn.Name.Name, "Test") || strings.HasPrefix(fn.Name.Name, "Fuzz")) && fn.Name.Name != "TestMain" {
				out = append(out, Test{path.Clean(p), fn.Name.Name, sentence(fn.Doc.Text())})
			}
		}
		return nil
	})
	return out, err
}

// sentence is the first sentence of a comment, in one line, without the number of the
// rule that it begins with.
func sentence(comment string) string {
	s := strings.Join(strings.Fields(comment), " ")
	for i := range s {
		if s[i] == '.' && (i+1 == len(s) || s[i+1] == ' ') {
			s = s[:i+1]
			break
		}
	}
	return leadingRules.ReplaceAllString(s, "")
}

var leadingRules = regexp.MustCompile(`^(?:[GR]\d+(?:,? and |, )?)+: `)

// Rules is how many rules of care and confidentiality there are, G1 to G26.
const Rules = 26

var numbered = regexp.MustCompile(`(?:^Test|And)G(\d{1,2})[A-Z]`)

// Of are the numbers of the rules that a test is under.
func (t Test) Of() (numbers []int) {
	for _, m := range numbered.FindAllStringSubmatch(t.Name, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && n >= 1 && n <= Rules {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// Row is a row of a table, by its cells.
type Row []string

// Tables are the rows of a text's tables, without heads and rules.
func Tables(text string) (out []Row) {
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if strings.Join(cells, "") != "" { // a head without words
			out = append(out, cells)
		}
	}
	return out
}

// Section is a heading with what stands below it.
type Section struct{ Title, Text string }

// Sections are those of a text, by the mark of their level: "## ".
func Sections(text, mark string) (out []Section) {
	for _, part := range strings.Split("\n"+text, "\n"+mark)[1:] {
		title, below, _ := strings.Cut(part, "\n")
		out = append(out, Section{title, below})
	}
	return out
}
