package fhirpath

import (
	"strconv"
	"strings"

	"selda/fhir/decimal"
)

// conversion is http://hl7.org/fhirpath/N1/#conversion.
func conversion() map[string]function {
	m := map[string]function{"iif": {2, 3, iif}}
	for name, to := range map[string]func(Item) (Item, bool){"Boolean": toBoolean, "Integer": toInteger, "Long": toInteger,
		"Decimal": toDecimal, "String": toText, "Date": toDate, "DateTime": toDateTime, "Time": toTime} {
		m["to"+name] = on(0, 0, func(_ *run, _ *node, v Item, _ []Item) (Item, bool, error) {
			out, ok := to(v)
			return out, ok, nil
		})
		m["convertsTo"+name] = on(0, 0, func(_ *run, _ *node, v Item, _ []Item) (Item, bool, error) {
			_, ok := to(v)
			return Boolean(ok), true, nil
		})
	}
	m["toQuantity"] = on(0, 1, func(_ *run, n *node, v Item, args []Item) (Item, bool, error) {
		q, ok, err := asQuantity(n, v, args)
		if !ok || err != nil {
			return Item{}, false, err
		}
		return quantityItem(q), true, nil
	})
	m["convertsToQuantity"] = on(0, 1, func(_ *run, n *node, v Item, args []Item) (Item, bool, error) {
		_, ok, err := asQuantity(n, v, args)
		return Boolean(ok), true, err
	})
	return m
}

// iif evaluates one of its results only.
// http://hl7.org/fhirpath/N1/#iifcriterion-expression-true-result-collection-otherwise-result-collection--collection
func iif(c *compiler, n *node) (eval, error) {
	in, err := c.input(n.in)
	if err != nil {
		return nil, err
	}
	args, err := c.scopes(n.args)
	if err != nil {
		return nil, err
	}
	return func(r *run) error {
		lo := len(r.items)
		if n.in != nil {
			if err := in(r); err != nil {
				return err
			}
			if len(r.items)-lo > 1 {
				return invalid(n.pos, "iif() is of one item only")
			}
			before := r.this
			defer func() { r.this = before }()
			r.this = r.items[lo:len(r.items):len(r.items)]
		}
		hi := len(r.items)
		holds, _, err := r.ask(args[0], n.pos)
		if err != nil {
			return err
		}
		if holds {
			err = args[1](r)
		} else if len(args) > 2 {
			err = args[2](r)
		}
		r.keep(lo, hi)
		return err
	}, nil
}

func toBoolean(v Item) (Item, bool) {
	switch v.kind {
	case BooleanKind:
		return v, true
	case IntegerKind, DecimalKind:
		d := v.asDecimal()
		one := d.Cmp(decimal.Int(1)) == 0
		return Boolean(one), one || d.Sign() == 0
	case StringKind:
		switch strings.ToLower(v.string()) {
		case "true", "t", "yes", "y", "1", "1.0":
			return Boolean(true), true
		case "false", "f", "no", "n", "0", "0.0":
			return Boolean(false), true
		}
	}
	return v, false
}

func toInteger(v Item) (Item, bool) {
	switch v.kind {
	case IntegerKind:
		return v, true
	case BooleanKind:
		return Integer(v.n), true
	case StringKind:
		n, err := strconv.ParseInt(v.string(), 10, 64)
		return Integer(n), err == nil
	}
	return v, false
}

func toDecimal(v Item) (Item, bool) {
	switch v.kind {
	case DecimalKind:
		return v, true
	case IntegerKind, BooleanKind:
		return Decimal(decimal.Int(v.n)), true
	case StringKind:
		d, ok := decimal.Parse(v.string())
		return Decimal(d), ok && !strings.ContainsAny(v.string(), "eE")
	}
	return v, false
}

func toText(v Item) (Item, bool) {
	switch v.kind {
	case None, Element, typeKind:
		return v, false
	case StringKind:
		return v, true
	}
	return String(v.String()), true
}

func toDate(v Item) (Item, bool) {
	switch v.kind {
	case Date:
		return v, true
	case DateTime:
		t := *v.temporal()
		t.cut(dayLevel)
		t.kind = Date
		return temporalItem(&t), true
	case StringKind:
		t, ok := temporal(v.string(), DateTime)
		t.cut(dayLevel)
		t.kind = Date
		return temporalItem(&t), ok
	}
	return v, false
}

func toDateTime(v Item) (Item, bool) {
	switch v.kind {
	case DateTime:
		return v, true
	case Date:
		t := *v.temporal()
		t.kind = DateTime
		return temporalItem(&t), true
	case StringKind:
		t, ok := temporal(v.string(), DateTime)
		return temporalItem(&t), ok
	}
	return v, false
}

func toTime(v Item) (Item, bool) {
	switch v.kind {
	case Time:
		return v, true
	case StringKind:
		t, ok := temporal(strings.TrimPrefix(v.string(), "T"), Time)
		return temporalItem(&t), ok
	}
	return v, false
}

// asQuantity is a value as a quantity, in a unit where one is asked for.
func asQuantity(n *node, v Item, args []Item) (*Quantity, bool, error) {
	var q *Quantity
	ok := true
	switch v.kind {
	case QuantityKind:
		q = v.quantity()
	case IntegerKind, DecimalKind, BooleanKind:
		q = &Quantity{Value: v.asDecimal(), Unit: "1"}
	case StringKind:
		q, ok = parseQuantity(v.string())
	default:
		ok = false
	}
	if !ok || args[0].kind == None {
		return q, ok, nil
	}
	if args[0].kind != StringKind {
		return nil, false, invalid(n.pos, "a unit is a string")
	}
	q, ok = q.in(args[0].string())
	return q, ok, nil
}
