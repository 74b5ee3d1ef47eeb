package fhirpath

import (
	"selda/fhir"
)

// compiler turns an expression's tree into closures.
type compiler struct {
	manyAs bool // as() is of many items
	scoped bool // somewhere variables are defined, so that scopes must be kept
}

// defines says whether defineVariable is called anywhere.
func defines(n *node) bool {
	if n == nil {
		return false
	}
	if n.op == opCall && n.text == "defineVariable" || defines(n.in) {
		return true
	}
	for _, a := range n.args {
		if defines(a) {
			return true
		}
	}
	return false
}

// scope is a part of an expression of its own: an operand, an argument, the
// whole. What variables it defines are gone at its end.
func (c *compiler) scope(n *node) (eval, error) {
	e, err := c.compile(n)
	if err != nil || !c.scoped {
		return e, err
	}
	return func(r *run) error {
		depth := len(r.vars)
		err := e(r)
		r.vars = r.vars[:depth]
		return err
	}, nil
}

func (c *compiler) scopes(nodes []*node) ([]eval, error) {
	out := make([]eval, len(nodes))
	for i, n := range nodes {
		e, err := c.scope(n)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

func nothing(*run) error { return nil }

func this(r *run) error {
	r.items = append(r.items, r.this...)
	return nil
}

// input is what stands before the dot.
func (c *compiler) input(n *node) (eval, error) {
	if n == nil {
		return this, nil
	}
	return c.compile(n)
}

func (c *compiler) compile(n *node) (eval, error) {
	switch n.op {
	case opEmpty:
		return nothing, nil
	case opLiteral:
		v := n.value
		return func(r *run) error { r.push(v); return nil }, nil
	case opThis:
		return this, nil
	case opIndex:
		return func(r *run) error { r.push(Integer(int64(r.index))); return nil }, nil
	case opTotal:
		return func(r *run) error { r.items = append(r.items, r.total...); return nil }, nil
	case opExternal:
		return external(n), nil
	case opMember:
		return c.path(n)
	case opIndexer:
		return c.indexer(n)
	case opSign:
		return c.sign(n)
	case opBinary:
		return c.binary(n)
	case opType:
		return c.typeOperator(n)
	}
	return c.call(n)
}

// path joins all steps that follow one another.
func (c *compiler) path(n *node) (eval, error) {
	p := &path{}
	for n != nil && n.op == opMember {
		p.steps = append(p.steps, &member{name: n.text, under: "_" + n.text})
		n = n.in
	}
	for i, j := 0, len(p.steps)-1; i < j; i, j = i+1, j-1 {
		p.steps[i], p.steps[j] = p.steps[j], p.steps[i]
	}
	switch {
	case n != nil && n.op == opThis || n == nil && !typeLike(p.steps[0].name):
		return p.run, nil
	case n == nil:
		p.typed = p.steps[0].name
		p.of = fhir.DatatypeOf(p.typed)
		p.steps = p.steps[1:]
		return p.run, nil
	}
	var err error
	p.in, err = c.compile(n)
	return p.run, err
}

// typeLike says whether a name is written as a type's is, which no element's is.
func typeLike(name string) bool { return name != "" && name[0] >= 'A' && name[0] <= 'Z' }

// indexer is in[index].
func (c *compiler) indexer(n *node) (eval, error) {
	in, err := c.input(n.in)
	if err != nil {
		return nil, err
	}
	index, err := c.scope(n.args[0])
	if err != nil {
		return nil, err
	}
	return func(r *run) error {
		lo := len(r.items)
		if err := in(r); err != nil {
			return err
		}
		mid := len(r.items)
		if err := index(r); err != nil {
			return err
		}
		at, ok, err := r.integer(mid, n.pos)
		r.items = r.items[:mid]
		if err != nil || !ok || at < 0 || at >= int64(mid-lo) {
			r.items = r.items[:lo]
			return err
		}
		r.give(lo, r.items[lo+int(at)])
		return nil
	}, nil
}

// integer is the one Integer on the stack from lo on; ok is false of nothing.
func (r *run) integer(lo, pos int) (v int64, ok bool, err error) {
	it, ok, err := r.single(lo, pos)
	if err != nil || !ok {
		return 0, false, err
	}
	if it.kind != IntegerKind {
		return 0, false, invalid(pos, "a whole number is needed here")
	}
	return it.n, true, nil
}

// single is the one value on the stack from lo on; ok is false of nothing.
// http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
func (r *run) single(lo, pos int) (v Item, ok bool, err error) {
	switch len(r.items) - lo {
	case 0:
		return v, false, nil
	case 1:
		it := &r.items[lo]
		if v, ok = it.value(); !ok && it.kind == Element && (it.typ == nil || !it.typ.Primitive()) {
			return *it, true, nil
		}
		return v, ok, nil
	}
	return v, false, invalid(pos, "there is more than one item where one is needed")
}

// truth is what is on the stack from lo on as a Boolean; known is false of
// nothing. Any one item that is no Boolean is true.
func (r *run) truth(lo, pos int) (v, known bool, err error) {
	switch len(r.items) - lo {
	case 0:
		return false, false, nil
	case 1:
		it := &r.items[lo]
		if it.kind == BooleanKind {
			return it.n == 1, true, nil
		}
		if b, ok := it.Bool(); ok {
			return b, true, nil
		}
		return true, it.hasValue(), nil
	}
	return false, false, invalid(pos, "there is more than one item where true or false is needed")
}

// ask evaluates e and takes what it gives off the stack, as a Boolean.
func (r *run) ask(e eval, pos int) (v, known bool, err error) {
	lo := len(r.items)
	if err = e(r); err == nil {
		v, known, err = r.truth(lo, pos)
	}
	r.items = r.items[:lo]
	return v, known, err
}

// external is a variable of the environment.
// http://hl7.org/fhirpath/N1/#environment-variables
func external(n *node) eval {
	name := n.text
	if fixed := systemURL(name); fixed != "" {
		v := String(fixed)
		return func(r *run) error { r.push(v); return nil }
	}
	return func(r *run) error {
		for i := len(r.vars) - 1; i >= 0; i-- {
			if r.vars[i].name == name {
				r.items = append(r.items, r.vars[i].value...)
				return nil
			}
		}
		if v, ok := r.env.Variables[name]; ok {
			r.items = append(r.items, v...)
			return nil
		}
		switch name {
		case "context":
			r.items = append(r.items, r.focus...)
		case "resource":
			r.items = append(r.items, r.resource()...)
		case "rootResource":
			if r.env.RootResource.kind != None {
				r.push(r.env.RootResource)
			} else {
				r.items = append(r.items, r.resource()...)
			}
		default:
			return invalid(n.pos, "there is no variable of this name")
		}
		return nil
	}
}

func (r *run) resource() []Item {
	if r.env.Resource.kind != None {
		return []Item{r.env.Resource}
	}
	return r.focus
}

// systemURL is what the standard's own variables stand for.
// https://hl7.org/fhir/R4/fhirpath.html#vars
func systemURL(name string) string {
	switch name {
	case "ucum":
		return ucumSystem
	case "sct":
		return "http://snomed.info/sct"
	case "loinc":
		return "http://loinc.org"
	}
	if len(name) > 3 && name[:3] == "vs-" {
		return "http://hl7.org/fhir/ValueSet/" + name[3:]
	}
	if len(name) > 4 && name[:4] == "ext-" {
		return "http://hl7.org/fhir/StructureDefinition/" + name[4:]
	}
	return ""
}
