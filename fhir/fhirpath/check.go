package fhirpath

import (
	"slices"

	"selda/fhir"
)

// Strict says what Check refuses beside elements that do not exist.
type Strict struct {
	Order bool // first(), skip() and their like on children() and descendants(), which have no order
}

// Check says where an expression can't mean anything in a resource, or an
// element, of that type: it names an element that the type does not have, is
// about another type, or asks of text what only an object has. Evaluation
// passes over all of these and finds nothing there.
// http://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation
func (e *Expression) Check(t *fhir.Datatype, s Strict) error {
	if t == nil {
		return nil
	}
	_, err := (&checker{Strict: s}).infer(e.root, kinds{types: []*fhir.Datatype{t}})
	return err
}

// kinds is what is known of the items that a part of an expression gives: the
// types they may be of, where those are known.
type kinds struct {
	types     []*fhir.Datatype // none: anything
	unordered bool
	elsewhere bool // a path about another type than the one at hand
}

func (k kinds) with(o kinds) kinds {
	switch {
	case k.elsewhere:
		return o
	case o.elsewhere:
		return k
	case len(k.types) == 0 || len(o.types) == 0:
		return kinds{}
	}
	for _, t := range o.types {
		if !slices.Contains(k.types, t) {
			k.types = append(k.types[:len(k.types):len(k.types)], t)
		}
	}
	return k
}

type checker struct{ Strict }

func (c *checker) infer(n *node, this kinds) (kinds, error) {
	k, err := c.part(n, this)
	if err == nil && k.elsewhere {
		err = syntax(n.pos, "the expression is about another type of resource")
	}
	return k, err
}

// part is infer of what may be one side of a union: the other may fit.
func (c *checker) part(n *node, this kinds) (kinds, error) {
	switch n.op {
	case opThis:
		return this, nil
	case opMember:
		return c.member(n, this)
	case opIndexer:
		if _, err := c.infer(n.args[0], this); err != nil {
			return kinds{}, err
		}
		in, err := c.before(n, this)
		if err == nil && in.unordered && c.Order {
			err = syntax(n.pos, "the items before [ have no order")
		}
		return in, err
	case opSign:
		return c.infer(n.in, this)
	case opBinary:
		a, err := c.part(n.args[0], this)
		if err != nil {
			return a, err
		}
		b, err := c.part(n.args[1], this)
		switch {
		case err != nil:
			return b, err
		case n.text == "|":
			return a.with(b), nil
		case a.elsewhere && b.elsewhere:
			return a, nil
		}
		return kinds{}, nil
	case opType:
		in, err := c.part(n.in, this)
		if err != nil || in.elsewhere || n.text == "is" {
			return kinds{elsewhere: in.elsewhere}, err
		}
		return only(n.args[0].text), nil
	case opCall:
		return c.function(n, this)
	}
	return kinds{}, nil
}

func (c *checker) before(n *node, this kinds) (kinds, error) {
	if n.in == nil {
		return this, nil
	}
	return c.part(n.in, this)
}

// only is the one type of that name.
func only(name string) kinds {
	if w, ok := typeNamed(name); ok && w.fhir != nil {
		return kinds{types: []*fhir.Datatype{w.fhir}}
	}
	return kinds{}
}

func (c *checker) member(n *node, this kinds) (kinds, error) {
	in, err := c.before(n, this)
	if err != nil || in.elsewhere || len(in.types) == 0 {
		return kinds{elsewhere: in.elsewhere}, err
	}
	if n.in == nil && typeLike(n.text) {
		return rootOf(n.text, in), nil
	}
	out, found := kinds{elsewhere: true}, false
	for _, t := range in.types {
		if open(t) || t.Primitive() && n.text == "value" {
			return kinds{}, nil
		}
		prop := t.Property([]byte(n.text))
		if prop == nil {
			continue
		}
		if prop.Name != n.text {
			return out, syntax(n.pos, "this is an element's name in JSON: in FHIRPath it is "+prop.Name+", and its type is asked for with ofType()")
		}
		found = true
		out = out.with(kinds{types: prop.Types})
	}
	if !found {
		return out, syntax(n.pos, in.types[0].Name()+" has no element of this name")
	}
	return out, nil
}

// open says whether an item of the type may have elements that the type does not
// declare, since it is of a type that specialises it.
func open(t *fhir.Datatype) bool {
	switch t.Name() {
	case "Resource", "DomainResource", "Element", "BackboneElement":
		return true
	}
	return false
}

// rootOf is what a type's name at the beginning of a path leaves of what is
// there.
func rootOf(name string, in kinds) kinds {
	w := fhir.DatatypeOf(name)
	out := kinds{elsewhere: true}
	for _, t := range in.types {
		if open(t) {
			return kinds{}
		}
		if w != nil && t.Is(w) {
			out = out.with(kinds{types: []*fhir.Datatype{t}})
		}
	}
	return out
}

func (c *checker) function(n *node, this kinds) (kinds, error) {
	in, err := c.before(n, this)
	if err != nil || in.elsewhere {
		return in, err
	}
	switch n.text {
	case "is", "as", "ofType":
		w, err := typeArgument(n)
		if err != nil || w.fhir == nil || n.text == "is" {
			return kinds{}, err
		}
		return kinds{types: []*fhir.Datatype{w.fhir}}, nil
	case "where", "select", "all", "exists", "sort", "repeat", "repeatAll", "iif", "trace":
		return c.lambda(n, in)
	case "children", "descendants":
		return kinds{unordered: true}, nil
	case "aggregate", "defineVariable":
		return kinds{}, nil // what $total and the variables are is not followed
	}
	for _, a := range n.args {
		k, err := c.infer(a, this)
		if err != nil {
			return k, err
		}
		if n.text == "union" || n.text == "combine" {
			return in.with(k), nil
		}
	}
	return c.result(n, in)
}

func (c *checker) lambda(n *node, in kinds) (kinds, error) {
	out := in
	for i, a := range n.args {
		if n.text == "iif" && i == 0 && a.op == opLiteral && a.value.kind != BooleanKind {
			return in, syntax(a.pos, "iif() asks whether something is true")
		}
		k, err := c.infer(a, in)
		if err != nil {
			return k, err
		}
		switch {
		case n.text == "select" || n.text == "iif" && i == 1:
			out = k
		case n.text == "iif" && i == 2:
			out = out.with(k)
		case n.text == "repeat" || n.text == "repeatAll":
			if out, err = c.infer(a, k); err != nil { // the last round finds nothing
				out = kinds{}
			}
			out = out.with(k)
		}
	}
	if n.text == "exists" || n.text == "all" {
		return kinds{}, nil
	}
	return out, nil
}

// result is what a function gives of what it is given.
func (c *checker) result(n *node, in kinds) (kinds, error) {
	switch n.text {
	case "first", "last", "tail", "skip", "take":
		if in.unordered && c.Order {
			return in, syntax(n.pos, n.text+"() needs an order, and the items before it have none")
		}
		return in, nil
	case "single", "distinct", "intersect", "exclude":
		return in, nil
	case "extension":
		return only("Extension"), nil
	case "startsWith", "endsWith", "contains", "matches", "matchesFull", "indexOf", "lastIndexOf", "substring", "replace",
		"replaceMatches", "upper", "lower", "toChars", "split", "trim":
		if len(in.types) > 0 && !slices.ContainsFunc(in.types, func(t *fhir.Datatype) bool { return t.Form() == fhir.StringForm || open(t) }) {
			return in, syntax(n.pos, n.text+"() is of strings, and this is "+in.types[0].Name())
		}
	}
	return kinds{}, nil
}
