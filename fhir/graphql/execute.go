package graphql

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// Request is one query with what it is given.
type Request struct {
	Operation string         // which of the document's; "" where it has one
	Variables fhir.Node      // an object, or nothing
	Resource  *fhir.Resource // that the query is asked of; nil for searches alone
	Now       time.Time      // for FHIRPath
}

// Execute answers a query. The data is a JSON object. Errors are of kind
// Structure, Value or TooCostly where the query can't be answered, or those of
// the Source; their place is that of the field in the query.
func Execute(d *Document, r Request, from Source) ([]byte, error) {
	op, err := d.choose(r.Operation)
	if err != nil {
		return nil, err
	}
	x := &execution{d: d, r: r, from: from, variables: map[string]value{}, paths: map[string]*fhirpath.Expression{}, steps: maxSteps}
	if err := x.given(op); err != nil {
		return nil, err
	}
	out := &object{}
	if r.Resource == nil {
		err = x.searches(op.set, out)
	} else {
		err = x.object(scope{r.Resource, fhirpath.Resource(r.Resource.Root())}, op.set, out, flat{})
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := out.write(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (d *Document) choose(name string) (*operation, error) {
	const op = "graphql.Execute"
	i := slices.IndexFunc(d.operations, func(o *operation) bool { return o.name == name || name == "" })
	switch {
	case i < 0:
		return nil, fault.E(op, fault.Value, "the document has no operation of this name", "operationName")
	case name == "" && len(d.operations) > 1:
		return nil, fault.E(op, fault.Value, "the document has more than one operation: name the one that is meant", "operationName")
	case d.operations[i].kind != "query":
		return nil, fault.E(op, fault.NotSupported, "only queries are answered: FHIR's own interactions change resources")
	}
	return d.operations[i], nil
}

// execution is a query on its way.
type execution struct {
	d         *Document
	r         Request
	from      Source
	variables map[string]value
	paths     map[string]*fhirpath.Expression

	depth, fields, followed, searched int
	size                              int // of the answer, in bytes
	steps                             int // that FHIRPath may still take
}

// scope is an element, and the resource that it stands in.
type scope struct {
	in *fhir.Resource
	it fhirpath.Item
}

// flat is how an element that is flattened passes on what it was: its fields go
// into the object around it.
type flat struct {
	list   bool   // there may be several: so may be of each field
	suffix string // behind each field's name, by @slice
}

func (x *execution) err(k fault.Kind, s *selection, words string) error {
	return fault.E("graphql.Execute", k, words, s.name)
}

// wanted says whether @skip and @include leave a selection in.
// https://spec.graphql.org/June2018/#sec-Type-System.Directives
func (x *execution) wanted(s *selection) (bool, error) {
	for _, d := range s.directed {
		if d.name != "skip" && d.name != "include" {
			continue
		}
		given, err := x.argument(d.arguments, "if")
		if err != nil {
			return false, err
		}
		if given != "true" && given != "false" {
			return false, x.err(fault.Value, s, "@"+d.name+" has an argument if, which is true or false")
		}
		if (given == "true") == (d.name == "skip") {
			return false, nil
		}
	}
	return true, nil
}

func (s *selection) has(name string) *directive {
	for i := range s.directed {
		if s.directed[i].name == name {
			return &s.directed[i]
		}
	}
	return nil
}

// object answers the fields of an element.
func (x *execution) object(at scope, set []selection, out *object, f flat) error {
	typ := at.it.Datatype()
	is := func(name string) bool {
		t := fhir.DatatypeOf(name)
		return t != nil && typ.Is(t)
	}
	resource := fhir.IsResourceType(typ.Name())
	return x.each(set, is, func(s *selection) error {
		switch {
		case s.name == "__typename", resource && s.name == "resourceType":
			return out.add(s, f, false, text(typ.Name()))
		case typ.Name() == "Reference" && s.name == "resource":
			return x.follow(at, s, out, f)
		case resource && searchField(s.name):
			return x.reverse(at, s, out)
		}
		return x.field(at, s, out, f)
	})
}

// field answers one element.
func (x *execution) field(at scope, s *selection, out *object, f flat) error {
	items, list, primitive, err := x.elements(at, s)
	if err != nil {
		return err
	}
	if items, err = x.filter(at, s, items, list); err != nil {
		return err
	}
	return x.values(at, s, items, list, primitive, out, f)
}

// elements are the elements of a name; those of a primitive's id and extensions
// where the name begins with _.
func (x *execution) elements(at scope, s *selection) (items []fhirpath.Item, list, primitive bool, err error) {
	typ, node := at.it.Datatype(), at.it.Node()
	if typ.Primitive() {
		node = at.it.Under()
	}
	name, aside := strings.CutPrefix(s.name, "_")
	i, of := typ.Find([]byte(name))
	if i < 0 || aside && !of.Primitive() {
		return nil, false, false, x.err(fault.Value, s, "there is no such element of "+typ.Name())
	}
	prop := &typ.Properties()[i]
	value, under := node.Member(name), fhir.Node{}
	if of.Primitive() {
		under = node.Member("_" + name)
	}
	if aside {
		value, under, of = under, fhir.Node{}, fhir.DatatypeOf("Element")
	}
	add := func(v, u fhir.Node) {
		t := of
		if t.Name() == "Resource" {
			if named := fhir.DatatypeOf(v.Member("resourceType").View()); named != nil {
				t = named
			}
		}
		if v.Exists() && !v.IsNull() {
			items = append(items, fhirpath.ElementOf(v, u, t))
		}
	}
	if !prop.List {
		add(value, under)
	} else {
		unders := under.Children()
		for c := value.Children(); c.Next(); {
			u := fhir.Node{}
			if unders.Next() {
				u = unders.Node()
			}
			add(c.Node(), u)
		}
	}
	return items, prop.List, of.Primitive(), nil
}

// values puts the values of a field into the object, or, flattened, its fields.
// https://hl7.org/fhir/R4/graphql.html#flattening
func (x *execution) values(at scope, s *selection, items []fhirpath.Item, list, primitive bool, out *object, f flat) error {
	first, flatten, slice := s.has("first") != nil, s.has("flatten") != nil, s.has("slice")
	if primitive && (flatten || slice != nil || s.set != nil) {
		return x.err(fault.Value, s, "a single value has no fields")
	}
	if !primitive && s.set == nil {
		return x.err(fault.Value, s, "say which of its fields are asked for")
	}
	if first && slice != nil {
		return x.err(fault.Value, s, "@first and @slice don't go together")
	}
	if first && len(items) > 1 {
		items = items[:1]
	}
	for i := range items {
		it := &items[i]
		suffix := f.suffix
		if slice != nil {
			name, err := x.slice(at, s, slice, it, i)
			if err != nil {
				return err
			}
			suffix += name
		}
		if primitive {
			v := raw(it.Node().JSON())
			if err := x.spend(len(v)); err != nil {
				return err
			}
			if err := out.add(s, flat{f.list, suffix}, list && !first, v); err != nil {
				return err
			}
			continue
		}
		if flatten {
			if err := x.object(scope{at.in, *it}, s.set, out, flat{f.list || list && !first, suffix}); err != nil {
				return err
			}
			continue
		}
		inner := &object{}
		if err := x.object(scope{at.in, *it}, s.set, inner, flat{}); err != nil {
			return err
		}
		if err := out.add(s, flat{f.list, suffix}, list && !first, inner); err != nil {
			return err
		}
	}
	return nil
}

// slice is what @slice puts behind the names of fields.
func (x *execution) slice(at scope, s *selection, d *directive, it *fhirpath.Item, i int) (string, error) {
	path, err := x.argument(d.arguments, "path")
	if err != nil {
		return "", err
	}
	if path == "$index" {
		return "." + decimal(i), nil
	}
	e, err := x.path(s, path)
	if err != nil {
		return "", err
	}
	found, err := e.Eval(x.env(at), *it)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return "." + found[0].String(), nil
}

func (x *execution) env(at scope) *fhirpath.Env {
	return &fhirpath.Env{Resource: fhirpath.Resource(at.in.Root()), Now: x.r.Now, Budget: &x.steps}
}

// path compiles an expression once.
func (x *execution) path(s *selection, text string) (*fhirpath.Expression, error) {
	if e := x.paths[text]; e != nil {
		return e, nil
	}
	e, err := fhirpath.Compile(text)
	if err != nil {
		return nil, x.err(fault.Value, s, "not a FHIRPath expression: "+fault.Reason(err))
	}
	x.paths[text] = e
	return e, nil
}
