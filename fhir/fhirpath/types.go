package fhirpath

import (
	"strings"

	"selda/fhir"
)

// typeInfo is what type() gives. http://hl7.org/fhirpath/N1/#reflection
type typeInfo struct{ space, name string }

// wanted is a type as an expression names it.
type wanted struct {
	fhir   *fhir.Datatype // nil where FHIR has none of this name, or System is asked for
	system Kind           // None where FHIRPath has none of this name, or FHIR is asked for
}

var systemTypes = map[string]Kind{"Boolean": BooleanKind, "String": StringKind, "Integer": IntegerKind, "Decimal": DecimalKind,
	"Date": Date, "DateTime": DateTime, "Time": Time, "Quantity": QuantityKind, "Long": IntegerKind}

// typeNamed finds a type; ok is false where there is none of that name.
func typeNamed(name string) (w wanted, ok bool) {
	space, local, qualified := strings.Cut(name, ".")
	switch {
	case !qualified:
		local = name
		w.fhir, w.system = fhir.DatatypeOf(local), systemTypes[local]
	case space == "FHIR":
		w.fhir = fhir.DatatypeOf(local)
	case space == "System":
		w.system = systemTypes[local]
		return w, true // System.Patient is no type, and nothing is of it
	}
	if local == "SimpleQuantity" || local == "MoneyQuantity" { // profiles that R4's definitions name as types
		w.fhir = fhir.DatatypeOf("Quantity")
	}
	return w, w.fhir != nil || w.system != None
}

// is says whether the item is of the type, or of one that specialises it.
func (w wanted) is(it *Item) bool {
	switch {
	case it.typ != nil:
		return w.fhir != nil && it.typ.Is(w.fhir)
	case it.kind == Element:
		v, ok := it.value()
		return ok && w.system == v.kind
	}
	return w.system != None && it.kind == w.system
}

// exactly says whether the item is of the type itself: a code is not taken for a
// string where one asks for strings. Types that are not of values may be
// specialised. https://hl7.org/fhir/R4/fhirpath.html#types
func (w wanted) exactly(it *Item) bool {
	if it.typ != nil && w.fhir != nil && it.typ.Primitive() {
		return it.typ == w.fhir
	}
	return w.is(it)
}

// typeArgument is the argument of is(), as() and ofType().
func typeArgument(n *node) (wanted, error) {
	a := n.args[0]
	name := ""
	for m := a; m != nil; m = m.in {
		if m.op == opLiteral && m.value.kind == StringKind && m == a { // as('string') is an old form
			return named(m.value.string(), n.pos)
		}
		if m.op != opMember {
			return wanted{}, syntax(a.pos, "the name of a type is missing here")
		}
		if name = m.text + "." + name; m.in == nil {
			break
		}
	}
	return named(strings.TrimSuffix(name, "."), n.pos)
}

func named(name string, pos int) (wanted, error) {
	w, ok := typeNamed(name)
	if !ok {
		return w, syntax(pos, "there is no type of this name")
	}
	return w, nil
}

// typeOperator is "is" and "as".
func (c *compiler) typeOperator(n *node) (eval, error) {
	w, err := named(n.args[0].text, n.pos)
	if err != nil {
		return nil, err
	}
	return c.typed(n, n.text, w)
}

// ofTypes is http://hl7.org/fhirpath/N1/#types.
func ofTypes() map[string]function {
	return map[string]function{
		"is":     {1, 1, typeFunction},
		"as":     {1, 1, typeFunction},
		"ofType": {1, 1, typeFunction},
		"type": whole(func(r *run, _ *node, lo int) error {
			for i := lo; i < len(r.items); i++ {
				it := &r.items[i]
				t := typeInfo{"System", it.Type()}
				if it.typ != nil {
					if t.space = "FHIR"; strings.Contains(t.name, ".") {
						t.name = it.typ.Base().Name()
					}
				}
				r.items[i] = Item{kind: typeKind, v: t}
			}
			return nil
		}),
	}
}

func typeFunction(c *compiler, n *node) (eval, error) {
	w, err := typeArgument(n)
	if err != nil {
		return nil, err
	}
	return c.typed(n, n.text, w)
}

// typed compiles a question about types. What a reference leads to need not be
// there to say of which type it is.
func (c *compiler) typed(n *node, name string, w wanted) (eval, error) {
	in, err := c.input(n.in)
	if err == nil && name != "as" && n.in != nil && n.in.op == opCall && n.in.text == "resolve" {
		in, err = c.resolving(n.in, true)
	}
	if err != nil {
		return nil, err
	}
	// R4's search parameters ask "as" of many items where they mean ofType().
	strict := name == "is" || name == "as" && n.op == opCall && !c.manyAs
	return func(r *run) error {
		lo := len(r.items)
		if err := in(r); err != nil {
			return err
		}
		if strict && len(r.items)-lo > 1 {
			return invalid(n.pos, "there is more than one item where one is needed")
		}
		if name == "is" {
			if len(r.items) > lo {
				r.give(lo, Boolean(w.is(&r.items[lo])))
			}
			return nil
		}
		k := lo
		for i := lo; i < len(r.items); i++ {
			if w.exactly(&r.items[i]) {
				r.items[k] = r.items[i]
				k++
			}
		}
		r.items = r.items[:k]
		return nil
	}, nil
}
