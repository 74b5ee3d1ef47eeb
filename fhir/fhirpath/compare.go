package fhirpath

import (
	"cmp"
	"strings"
)

// comparison is < <= > >=. http://hl7.org/fhirpath/N1/#comparison
func comparison(n *node, a, b eval) eval {
	return func(r *run) error {
		x, y, ok, err := r.operands(a, b, n.pos)
		if err != nil || !ok {
			return err
		}
		order, known, ok := order(&x, &y)
		if !ok {
			return invalid(n.pos, n.text+" can't compare values of these types")
		}
		if !known {
			return nil
		}
		var v bool
		switch n.text {
		case "<":
			v = order < 0
		case "<=":
			v = order <= 0
		case ">":
			v = order > 0
		default:
			v = order >= 0
		}
		r.push(Boolean(v))
		return nil
	}
}

// order compares two values; ok is false where their types have no order
// between them.
func order(x, y *Item) (order int, known, ok bool) {
	switch {
	case x.kind == IntegerKind && y.kind == IntegerKind:
		return cmp.Compare(x.n, y.n), true, true
	case x.numeric() && y.numeric():
		return x.asDecimal().Cmp(y.asDecimal()), true, true
	case x.kind == StringKind && y.kind == StringKind:
		return strings.Compare(x.string(), y.string()), true, true
	case x.isTemporal() && y.isTemporal() && (x.kind == Time) == (y.kind == Time):
		order, known := x.temporal().compare(y.temporal())
		return order, known, true
	}
	p, ok1 := x.toQuantity()
	q, ok2 := y.toQuantity()
	if !ok1 || !ok2 {
		return 0, false, false
	}
	order, known, _ = p.compare(q)
	return order, known, true
}
