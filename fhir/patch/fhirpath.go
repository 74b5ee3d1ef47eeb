package patch

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// mostSteps is how many steps the paths of a patch may take together.
const mostSteps = 5_000_000

// FHIRPath is a FHIRPath Patch. https://hl7.org/fhir/R4/fhirpatch.html
type FHIRPath struct{ ops []step }

type step struct {
	kind, place         string
	path                *fhirpath.Expression
	name                string
	index, source, dest int
	value               fhir.Node // the part named value
}

// ParseFHIRPath reads the Parameters of a patch. Errors are of kind Invalid, and
// their place is that of the parameter.
func ParseFHIRPath(r *fhir.Resource) (*FHIRPath, error) {
	const op = "patch.ParseFHIRPath"
	list := r.Root().List("parameter")
	if len(list) > most {
		return nil, fault.E(op, fault.TooLong, "a patch has at most 1000 operations")
	}
	p := &FHIRPath{}
	for i, o := range list {
		place := "Parameters.parameter[" + strconv.Itoa(i) + "]"
		if !o.Get("name").Is("operation") {
			return nil, fault.E(op, fault.Invalid, "the parameters of a patch are named operation", place+".name")
		}
		s, err := readStep(o, place)
		if err != nil {
			return nil, err
		}
		p.ops = append(p.ops, *s)
	}
	return p, nil
}

// div is the element of a narrative, which patches write without the backticks
// that FHIRPath wants around the name of an operator.
var div = regexp.MustCompile(`\.div\b`)

func readStep(o fhir.Node, place string) (*step, error) {
	const op = "patch.ParseFHIRPath"
	s := &step{place: place, index: -1, source: -1, dest: -1}
	for _, part := range o.List("part") {
		_, v := part.First("value")
		number := func() int {
			n, err := strconv.Atoi(v.Text())
			if err != nil || n < 0 {
				return -1
			}
			return n
		}
		switch name := part.Get("name").Text(); name {
		case "type":
			s.kind = v.Text()
		case "path":
			var err error
			if s.path, err = fhirpath.Compile(div.ReplaceAllString(v.Text(), ".`div`")); err != nil {
				return nil, fault.E(op, fault.Invalid, "the path is no FHIRPath: "+fault.Reason(err), place+".part(path)")
			}
		case "name":
			s.name = v.Text()
		case "value":
			s.value = part
		case "index":
			s.index = number()
		case "source":
			s.source = number()
		case "destination":
			s.dest = number()
		}
	}
	needs := map[string]bool{"add": s.name != "" && s.value.Exists(), "insert": s.index >= 0 && s.value.Exists(), "delete": true,
		"replace": s.value.Exists(), "move": s.source >= 0 && s.dest >= 0}
	whole, known := needs[s.kind]
	switch {
	case !known:
		return nil, fault.E(op, fault.Invalid, "an operation is add, insert, delete, replace or move", place+".part(type)")
	case s.path == nil:
		return nil, fault.E(op, fault.Required, "the operation has no path", place+".part(path)")
	case !whole:
		return nil, fault.E(op, fault.Required, "add has a name and a value, insert an index and a value, replace a value, move a source and a destination", place)
	}
	return s, nil
}

// Apply gives the resource as the patch leaves it. An operation that can't be
// done is an error of kind BusinessRule.
func (p *FHIRPath) Apply(compact []byte) ([]byte, error) {
	left, steps := mostWork, mostSteps
	for i := range p.ops {
		if left -= len(compact); left < 0 {
			return nil, tooCostly
		}
		r, err := fhir.ParseTrusted(compact)
		if err != nil {
			return nil, err
		}
		t := &tree{at: map[fhir.Node]spot{}}
		t.root = t.build(r.Root())
		if err := p.ops[i].apply(t, r, &steps); err != nil {
			return nil, err
		}
		t.root.prune()
		compact = t.root.bytes()
	}
	return compact, nil
}

// tree is a resource that can be changed, with the way to each of its nodes.
type tree struct {
	root *value
	at   map[fhir.Node]spot
}

// spot is where a node stands: under a name of an object, and where in the list
// there, -1 where it is none. value is its own.
type spot struct {
	parent *value
	name   string
	index  int
	value  *value
}

func (t *tree) build(n fhir.Node) *value {
	if !n.IsObject() {
		return &value{raw: n.JSON()}
	}
	v := &value{kind: '{'}
	t.at[n] = spot{index: -1, value: v}
	n.Each(func(name string, child fhir.Node) {
		var c *value
		if child.IsArray() {
			c = &value{kind: '['}
			for i, e := range n.List(name) {
				x := t.build(e)
				t.at[e] = spot{v, name, i, x}
				c.values = append(c.values, x)
			}
		} else {
			c = t.build(child)
			t.at[child] = spot{v, name, -1, c}
		}
		v.names, v.values = append(v.names, name), append(v.values, c)
	})
	return v
}

// prune takes away what has nothing in it any more: FHIR has no empty elements,
// and no lists of nothing but null.
func (v *value) prune() {
	for i := 0; i < len(v.values); i++ {
		c := v.values[i]
		if c.prune(); c.kind != 0 && !slices.ContainsFunc(c.values, func(x *value) bool { return c.kind == '{' || string(x.raw) != "null" }) {
			v.remove(i)
			i--
		}
	}
}

func (s *step) wrong(words string) error {
	return fault.E("patch.Apply", fault.BusinessRule, words, s.place)
}

func (s *step) apply(t *tree, r *fhir.Resource, steps *int) error {
	found, err := s.path.Eval(&fhirpath.Env{Budget: steps}, fhirpath.Resource(r.Root()))
	if err != nil {
		return fault.E("patch.Apply", fault.BusinessRule, "the path can't be followed: "+fault.Reason(err), s.place)
	}
	if len(found) == 0 && s.kind == "delete" {
		return nil // it is not there already
	}
	if len(found) == 0 {
		return s.wrong("there is nothing at the path")
	}
	if len(found) > 1 && (s.kind == "add" || s.kind == "delete" || s.kind == "replace") {
		return s.wrong("more than one element is at the path")
	}
	it := &found[0]
	if it.System() {
		return s.wrong("the path leads to no element of the resource")
	}
	at, ok := t.find(it)
	if !ok {
		return s.wrong("the path leads to no element of the resource")
	}
	if s.kind == "add" {
		return s.add(at.value, it)
	}
	if at.parent == nil {
		return s.wrong("the resource itself can't be replaced or deleted")
	}
	switch s.kind {
	case "delete":
		at.delete()
	case "replace":
		return s.replace(at, it)
	default:
		for i := range found {
			if other, _ := t.find(&found[i]); other.parent != at.parent || other.name != at.name || other.index < 0 {
				return s.wrong("the path does not lead to one list")
			}
		}
		return s.inList(at, it)
	}
	return nil
}

// find is where an element stands. A primitive that has extensions alone stands
// under its name with a _, and yet is the element of its name.
func (t *tree) find(it *fhirpath.Item) (spot, bool) {
	at, ok := t.at[it.Node()]
	if !ok {
		at, ok = t.at[it.Under()]
		at.name = strings.TrimPrefix(at.name, "_")
	}
	return at, ok
}

// delete takes the element away, and what is said of it under its name with a _.
func (at spot) delete() {
	for _, name := range []string{at.name, "_" + at.name} {
		i := at.parent.member(name)
		if i < 0 {
			continue
		}
		list := at.parent.values[i]
		if at.index >= 0 && list.kind == '[' {
			if at.index < len(list.values) {
				list.remove(at.index)
			}
			if len(list.values) > 0 {
				continue
			}
		}
		at.parent.remove(i)
	}
}

func (s *step) replace(at spot, it *fhirpath.Item) error {
	v, kind, err := s.content(it.Datatype())
	if err != nil {
		return err
	}
	if at.index >= 0 {
		list := at.parent.list(at.name)
		for len(list.values) <= at.index {
			list.values = append(list.values, &value{raw: []byte("null")})
		}
		list.values[at.index] = v
		return nil
	}
	name := at.name
	at.parent.set(name, v)
	if i := at.parent.member("_" + name); i >= 0 {
		at.parent.remove(i)
	}
	// A choice takes the name of the type that it has now: valueString for valueQuantity.
	if it.Datatype() != nil && kind != "" {
		if was := it.Datatype().Name(); strings.EqualFold(name[max(0, len(name)-len(was)):], was) && !strings.EqualFold(kind, was) && len(name) > len(was) {
			at.parent.names[at.parent.member(name)] = name[:len(name)-len(was)] + kind
		}
	}
	return nil
}

func (s *step) add(to *value, it *fhirpath.Item) error {
	if to.kind != '{' || it.Datatype() == nil {
		return s.wrong("nothing can be added here: it has no parts")
	}
	p := it.Datatype().Property([]byte(s.name))
	if p == nil {
		return s.wrong("there is no element " + s.name + " in " + it.Type())
	}
	return s.put(to, p, s.value)
}

// put adds the content of a parameter as an element.
func (s *step) put(to *value, p *fhir.Property, part fhir.Node) error {
	typ := p.Types[0]
	name := p.Name
	if p.Choice() {
		key, _ := part.First("value")
		name += strings.TrimPrefix(key, "value")
		if typ = p.Of([]byte(name)); typ == nil {
			return s.wrong("the value is of none of the types that " + p.Name + "[x] may have")
		}
	}
	v, _, err := contentOf(part, typ, s)
	if err != nil {
		return err
	}
	if !p.List {
		if to.get(name) != nil {
			return s.wrong("there is one already, and it is no list: replace it")
		}
		to.set(name, v)
		return nil
	}
	list := to.list(name)
	list.values = append(list.values, v)
	return nil
}

func (s *step) inList(at spot, it *fhirpath.Item) error {
	list := at.parent.list(at.name)
	beside := at.parent.get("_" + at.name)
	if s.kind == "move" {
		if s.source >= len(list.values) || s.dest >= len(list.values) {
			return s.wrong("the list has no such place")
		}
		list.insert(s.dest, list.remove(s.source))
		if beside != nil && s.source < len(beside.values) && s.dest < len(beside.values) {
			beside.insert(s.dest, beside.remove(s.source))
		}
		return nil
	}
	if s.index > len(list.values) {
		return s.wrong("the list has no such place")
	}
	v, _, err := s.content(it.Datatype())
	if err != nil {
		return err
	}
	list.insert(s.index, v)
	if beside != nil && s.index <= len(beside.values) {
		beside.insert(s.index, &value{raw: []byte("null")})
	}
	return nil
}

func (s *step) content(typ *fhir.Datatype) (*value, string, error) {
	return contentOf(s.value, typ, s)
}

// contentOf is what a part holds: a value[x], a resource, or parts of its own
// where the type has no name. kind is the type's name in value[x].
func contentOf(part fhir.Node, typ *fhir.Datatype, s *step) (v *value, kind string, err error) {
	if key, n := part.First("value"); n.Exists() {
		v, err := parse(n.JSON())
		return v, strings.TrimPrefix(key, "value"), err
	}
	if r := part.Get("resource"); r.Exists() {
		v, err := parse(r.JSON())
		return v, "", err
	}
	parts := part.List("part")
	if len(parts) == 0 || typ == nil {
		return nil, "", s.wrong("the operation has no value")
	}
	v = &value{kind: '{'}
	for _, p := range parts {
		prop := typ.Property([]byte(p.Get("name").Text()))
		if prop == nil {
			return nil, "", s.wrong("there is no element " + p.Get("name").Text() + " in " + typ.Name())
		}
		if err := s.put(v, prop, p); err != nil {
			return nil, "", err
		}
	}
	return v, "", nil
}
