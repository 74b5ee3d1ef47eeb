package safety

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the lists of tests in docs/safety/rules.md")

const papers = "docs/safety"

var module = os.DirFS("../..")

func paper(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(module, papers+"/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func tests(t *testing.T) []Test {
	t.Helper()
	all, err := Tests(module)
	if err != nil || len(all) < 500 {
		t.Fatalf("%d tests: %v", len(all), err)
	}
	return all
}

// Whoever reads a paper finds what it names: each test with its file, each file, each paper.
func TestWhatThePapersNameExists(t *testing.T) {
	exists := map[[2]string]bool{}
	for _, one := range tests(t) {
		exists[[2]string{one.File, one.Name}] = true
	}
	files, err := fs.Glob(module, papers+"/*.md")
	if err != nil || len(files) < 6 {
		t.Fatalf("%v: %v", files, err)
	}
	place := regexp.MustCompile("`((?:[\\w-]+/)+[\\w.-]+\\.(?:go|md|templ|txt|yaml|scss))[` ]")
	count := 0
	for _, file := range files {
		b, err := fs.ReadFile(module, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range Named(string(b)) {
			count++
			if !exists[[2]string{n.File, n.Name}] {
				t.Errorf("%s names %s %s, which does not exist", file, n.File, n.Name)
			}
		}
		for _, m := range place.FindAllStringSubmatch(string(b), -1) {
			if _, err := fs.Stat(module, m[1]); err != nil {
				t.Errorf("%s names %s, which does not exist", file, m[1])
			}
		}
	}
	if count < 300 {
		t.Errorf("only %d tests are named", count)
	}
	readme, err := fs.ReadFile(module, "README.md")
	if err != nil || !strings.Contains(string(readme), "](docs/safety)") {
		t.Errorf("README.md does not lead to %s: %v", papers, err)
	}
}

// Every hazard has its fields, a risk by the matrix before and after, and controls that
// each name a test; the ids are in order.
func TestHazardsHaveControls(t *testing.T) {
	log := paper(t, "hazards.md")
	hazards := Sections(log, "### ")
	if len(hazards) < 30 {
		t.Fatalf("%d hazards", len(hazards))
	}
	for i, h := range hazards {
		if want := fmt.Sprintf("H%02d ", i+1); !strings.HasPrefix(h.Title, want) {
			t.Errorf("%q is not %s", h.Title, want)
		}
		for _, f := range h.Faults() {
			t.Error(f)
		}
	}
	rows := Tables(log)
	for i, l := range likelihoods { // the matrix as it is printed is the one that holds
		at := slices.IndexFunc(rows, func(r Row) bool { return len(r) == 6 && strings.HasPrefix(r[0], l+" (") })
		if at < 0 || strings.Join(rows[at][1:], " ") != strings.Trim(fmt.Sprint(matrix[i]), "[]") {
			t.Errorf("the matrix printed for %s is not %v", l, matrix[i])
		}
	}
}

// Every element of the data flow has the threats of its kind, each with its control.
func TestEveryElementHasItsThreats(t *testing.T) {
	for _, f := range Threats(Tables(paper(t, "threats.md"))) {
		t.Error(f)
	}
}

// Every requirement of levels 1 and 2 is answered once, and the sums at the top are those of the rows.
func TestEveryRequirementIsAnswered(t *testing.T) {
	if ids, level := Requirements(); len(ids) != 253 || len(level) != 253 {
		t.Fatalf("ASVS 5.0.0 has 253 requirements of levels 1 and 2, and %d are listed", len(ids))
	}
	list := paper(t, "asvs.md")
	counts, faults := Checklist(Tables(list))
	for _, f := range faults {
		t.Error(f)
	}
	for _, v := range verdicts {
		if want := fmt.Sprintf("| %s | %d |", v, counts[v]); !strings.Contains(list, want) {
			t.Errorf("the sum is not %q", want)
		}
	}
}

// Every rule G1 to G26 says where it is kept, and has a test under its number or says
// why there can be none yet; one that says so and has a test says what is not so. Of a
// rule the list of tests is whole: go test ./internal/safety -update rewrites it.
func TestEveryRuleHasTestsUnderItsNumber(t *testing.T) {
	of := map[int][]Test{}
	for _, one := range tests(t) {
		for _, n := range one.Of() {
			of[n] = append(of[n], one)
		}
	}
	text := paper(t, "rules.md")
	rules := Sections(text, "## G")
	if len(rules) != Rules {
		t.Fatalf("%d rules", len(rules))
	}
	var out strings.Builder
	before, _, _ := strings.Cut(text, "\n## G")
	out.WriteString(before)
	for i, r := range rules {
		n := i + 1
		if !strings.HasPrefix(r.Title, fmt.Sprintf("%d ", n)) {
			t.Errorf("G%d is not in its place: %s", n, r.Title)
		}
		said, list, _ := strings.Cut(r.Text, "\n- ")
		none := strings.Contains(said, "No test under its number:")
		switch {
		case !strings.Contains(said, "Kept in"):
			t.Errorf("G%d does not say where it is kept", n)
		case none && len(of[n]) > 0 && !testing.Short():
			t.Errorf("G%d says that it has no test, and has %s", n, of[n][0].Name)
		case !none && len(of[n]) == 0:
			t.Errorf("G%d has no test under its number", n)
		}
		var now strings.Builder
		for _, one := range of[n] {
			fmt.Fprintf(&now, "- `%s %s`", one.File, one.Name)
			if one.Says != "" {
				now.WriteString(": " + one.Says)
			}
			now.WriteString("\n")
		}
		fmt.Fprintf(&out, "\n## G%s\n%s\n%s", r.Title, strings.TrimRight(said, "\n"), strings.TrimSuffix("\n"+now.String(), "\n"))
		if len(of[n]) > 0 {
			out.WriteString("\n")
		}
		// A test that was added since is told by the long run alone: who adds one need
		// not wait for this paper.
		if was := strings.TrimSpace("- " + list); !*update && !testing.Short() && len(of[n]) > 0 && was != strings.TrimSpace(now.String()) {
			t.Errorf("the tests of G%d are not those that there are: go test ./internal/safety -update", n)
		}
	}
	if *update {
		if err := os.WriteFile("../../"+papers+"/rules.md", []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Each thing that can be wrong with a paper is found.
func TestWhatIsWrongIsFound(t *testing.T) {
	good := "| description | d |\n| effect | e |\n| causes | c |\n| initial risk | Major × Medium = 3 |\n| control | c `a/b_test.go TestB` |\n| residual risk | Major × Very low = 2 |\n| further controls | f |\n| owner | o |\n| status | Open |\n"
	if f := (Section{"H01", good}).Faults(); f != nil {
		t.Error(f)
	}
	for old, bad := range map[string]string{
		"| effect | e |\n": "", "Medium = 3": "Medium = 4", "Very low = 2": "High = 4", "c `a/b_test.go TestB`": "c", "Open": "Done", "| causes | c |": "| causes | |",
	} {
		if f := (Section{"H01", strings.Replace(good, old, bad, 1)}).Faults(); len(f) == 0 {
			t.Errorf("%q for %q is not found", bad, old)
		}
	}
	threats := "| E1 | a system |\n| E1 | SR | t | c | `a/b_test.go TestB` | none |\n"
	if f := Threats(Tables(threats)); f != nil {
		t.Error(f)
	}
	for old, bad := range map[string]string{"SR": "S", "`a/b_test.go TestB`": "believed", "| E1 | a system |\n": "", "| none |": "| |"} {
		if f := Threats(Tables(strings.Replace(threats, old, bad, 1))); len(f) == 0 {
			t.Errorf("%q for %q is not found", bad, old)
		}
	}
	ids, level := Requirements()
	var list strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&list, "| %s | %d | w | met | `x` |\n", id, level[id])
	}
	if _, f := Checklist(Tables(list.String())); f != nil {
		t.Error(f)
	}
	for old, bad := range map[string]string{"| 1.1.1 | 2 |": "| 1.1.1 | 1 |", "| 1.1.2 | 2 | w | met | `x` |\n": "", "w | met | `x`": "w | done | `x`", "w | met | `x` |": "w | met | yes |"} {
		if _, f := Checklist(Tables(strings.Replace(list.String(), old, bad, 1))); len(f) == 0 {
			t.Errorf("%q for %q is not found", bad, old)
		}
	}
	if n := (Test{Name: "TestG11ProxyAndG20Death"}).Of(); !slices.Equal(n, []int{11, 20}) {
		t.Error(n)
	}
	if s := sentence("G8, G9: the trail that\nthe person sees. More."); s != "the trail that the person sees." {
		t.Errorf("%q", s)
	}
}
