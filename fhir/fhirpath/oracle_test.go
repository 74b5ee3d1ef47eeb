package fhirpath

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/internal/conformance"
)

// definitions are the expressions that R4 itself has: of its search parameters
// by the type of resource, and of its invariants by the type of element.
type definitions struct {
	search     map[string][]string
	invariants map[string][]string
}

func readDefinitions(t testing.TB) definitions {
	t.Helper()
	d := definitions{map[string][]string{}, map[string][]string{}}
	files, _ := filepath.Glob(filepath.Join(conformance.Material(t, "fhir-r4-core-defs"), "SearchParameter-*.json"))
	for _, f := range files {
		p := readResource(t, f)
		expression := p.Get("expression").Text()
		for _, base := range p.Get("base").List() {
			if expression != "" && !slices.Contains(d.search[base.Text()], expression) {
				d.search[base.Text()] = append(d.search[base.Text()], expression)
			}
		}
	}
	files, _ = filepath.Glob(filepath.Join(conformance.Material(t, "fhir-r4-structuredefs"), "StructureDefinition-*.json"))
	for _, f := range files {
		for _, e := range readResource(t, f).Get("snapshot", "element").List() {
			path := e.Get("path").Text()
			for _, c := range e.Get("constraint").List() {
				if x := c.Get("expression").Text(); x != "" && !slices.Contains(d.invariants[path], x) {
					d.invariants[path] = append(d.invariants[path], x)
				}
			}
		}
	}
	return d
}

// Every expression of R4 compiles, and names elements that there are.
func TestExpressionsOfR4(t *testing.T) {
	d := readDefinitions(t)
	count := 0
	try := func(typ, expression string) {
		count++
		e, err := Compile(expression)
		if err == nil {
			err = e.Check(fhir.DatatypeOf(typ), Strict{})
		}
		if err != nil && !knownFaults[expression] {
			t.Errorf("%s: %s: %v", typ, expression, err)
		}
	}
	for typ, all := range d.search {
		for _, x := range all {
			try(typ, x)
		}
	}
	for path, all := range d.invariants {
		for _, x := range all {
			try(path, x)
		}
	}
	t.Logf("%d expressions", count)
}

// knownFaults are expressions of R4 that are wrong in the standard itself.
var knownFaults = map[string]bool{
	// An example of an extension's search parameter, whose base is another type.
	"DocumentReference.extension('http://example.org/fhir/StructureDefinition/participation-agreement')": true,
	// ChargeItemDefinition has the invariant of resources with a name, and no name.
	"name.matches('[A-Z]([A-Za-z0-9_]){0,254}')": true,
}

type task struct {
	Base       string          `json:"base,omitempty"`
	Part       json.RawMessage `json:"part,omitempty"`
	Expression string          `json:"expression"`
	ours       string
	item       Item
}

// asOperator is "as" as R4's search parameters have it: of many items, where
// fhirpath.js takes one only.
var asOperator = regexp.MustCompile(`\(([\w.]+) as (\w+)\)`)

// beyond are functions that fhirpath.js does not have, or only with a server.
var beyond = regexp.MustCompile(`resolve\(\)|htmlChecks|memberOf|hasExtension`)

// What this engine finds in the official examples by all expressions of R4 is
// what fhirpath.js finds.
func TestAgainstFHIRPathJS(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs tens of thousands of evaluations in Node")
	}
	if _, err := os.Stat(filepath.Join("..", "..", "node_modules", "fhirpath")); err != nil {
		t.Skip("left out: fhirpath.js is not installed: npm ci --ignore-scripts")
	}
	d := readDefinitions(t)
	files, _ := filepath.Glob(filepath.Join(conformance.Material(t, "fhir-r4-examples"), "*.json"))
	var in bytes.Buffer
	var resources []*fhir.Resource
	var tasks [][]task
	for _, f := range files {
		r := readResource(t, f)
		these := tasksOf(d, r)
		line, err := json.Marshal(map[string]any{"resource": json.RawMessage(r.JSON), "tasks": these})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
		resources, tasks = append(resources, r), append(tasks, these)
	}
	cmd := exec.Command("node", filepath.Join("testdata", "oracle.cjs"))
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	count, differ := 0, map[string]bool{}
	for i := 0; lines.Scan(); i++ {
		var answers []any
		if err := json.Unmarshal(lines.Bytes(), &answers); err != nil {
			t.Fatal(err)
		}
		for k, task := range tasks[i] {
			count++
			if why := compareWith(answers[k], resources[i], task); why != "" && !differ[task.Expression] {
				differ[task.Expression] = true
				t.Errorf("%s/%s: %s %s: %s", resources[i].Type, resources[i].ID, task.Base, task.Expression, why)
			}
		}
	}
	t.Logf("%d evaluations of %d resources", count, len(resources))
}

// tasksOf are a resource's search parameters, its invariants, and those of the
// elements in it.
func tasksOf(d definitions, r *fhir.Resource) []task {
	var out []task
	root := Resource(r.Root())
	add := func(base string, it Item, expressions []string) {
		for _, x := range expressions {
			if !beyond.MatchString(x) {
				t := task{Base: base, Expression: asOperator.ReplaceAllString(x, "$1.ofType($2)"), ours: x, item: it}
				if base != "" {
					t.Part = it.Node().JSON()
				}
				out = append(out, t)
			}
		}
	}
	for _, base := range []string{r.Type, "DomainResource", "Resource"} {
		add("", root, d.search[base])
	}
	add("", root, d.invariants[r.Type])
	seen := 0
	all, _ := Compile("descendants()")
	_ = all.Each(nil, root, func(it Item) bool {
		if seen++; it.Datatype() != nil && it.Node().IsObject() && !it.Datatype().Is(fhir.DatatypeOf("Resource")) {
			add(it.Type(), it, d.invariants[it.Type()])
		}
		return seen < 300
	})
	return out
}

func compareWith(answer any, r *fhir.Resource, k task) string {
	e, err := CompileDefinition(k.ours)
	if err != nil {
		return err.Error()
	}
	root := Resource(r.Root())
	got, err := e.Eval(&Env{Resource: root, RootResource: root}, k.item)
	if failed, ok := answer.(map[string]any); ok {
		why := failed["error"].(string)
		many := strings.Contains(why, "Expected singleton on left side of 'as'") && strings.Contains(k.ours, ".as(") // as R4 means it
		if err == nil && !many && !strings.Contains(why, "comparator") {                                             // a union need not make a number of "more than 60"
			return "gives " + show(got) + ", fhirpath.js says " + why
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	ours := []any{}
	for i := range got {
		var v any
		if err := json.Unmarshal(got[i].JSON(), &v); err != nil {
			return err.Error()
		}
		ours = append(ours, v)
	}
	if !reflect.DeepEqual(ours, answer) {
		theirs, _ := json.Marshal(answer)
		return "gives " + show(got) + ", fhirpath.js " + string(theirs)
	}
	return ""
}
