package fhirpath

import (
	"math"

	"selda/fhir/decimal"
)

// numeric is a function of a number, and of numbers.
func numeric(least, most int, f func(n *node, v Item, args []Item) (Item, bool, error)) function {
	return on(least, most, func(_ *run, n *node, v Item, args []Item) (Item, bool, error) {
		if !v.numeric() && v.kind != QuantityKind {
			return v, false, invalid(n.pos, n.text+"() is of numbers only")
		}
		for _, a := range args {
			if a.kind != None && !a.numeric() {
				return v, false, invalid(n.pos, n.text+"() takes a number")
			}
		}
		return f(n, v, args)
	})
}

// real is a function that is worked out in binary numbers.
func real(f func(v float64) float64) function {
	return numeric(0, 0, func(n *node, v Item, _ []Item) (Item, bool, error) {
		if v.kind == QuantityKind {
			return v, false, invalid(n.pos, n.text+"() is of numbers only")
		}
		d, ok := decimal.FromFloat(f(v.asDecimal().Float()), 28)
		return Decimal(d), ok, nil
	})
}

// toWhole is a function that gives a whole number.
func toWhole(mode decimal.Mode) function {
	return numeric(0, 0, func(n *node, v Item, _ []Item) (Item, bool, error) {
		if v.kind == QuantityKind {
			q := *v.quantity()
			q.Value = q.Value.Round(0, mode)
			return quantityItem(&q), true, nil
		}
		d := v.asDecimal().Round(0, mode)
		if i, ok := d.Int64(); ok {
			return Integer(i), true, nil
		}
		return Decimal(d), true, nil
	})
}

// mathematics is http://hl7.org/fhirpath/N1/#math.
func mathematics() map[string]function {
	return map[string]function{
		"abs": numeric(0, 0, func(_ *node, v Item, _ []Item) (Item, bool, error) {
			switch v.kind {
			case IntegerKind:
				return Integer(max(v.n, -v.n)), true, nil
			case DecimalKind:
				return Decimal(v.asDecimal().Abs()), true, nil
			}
			q := *v.quantity()
			q.Value = q.Value.Abs()
			return quantityItem(&q), true, nil
		}),
		"ceiling":  toWhole(decimal.Ceiling),
		"floor":    toWhole(decimal.Floor),
		"truncate": toWhole(decimal.Down),
		"exp":      real(math.Exp),
		"ln":       real(math.Log),
		"sqrt":     real(math.Sqrt),
		"log": numeric(1, 1, func(n *node, v Item, args []Item) (Item, bool, error) {
			if v.kind == QuantityKind {
				return v, false, invalid(n.pos, "log() is of numbers only")
			}
			base := args[0].asDecimal().Float()
			value := v.asDecimal().Float()
			result := math.Log(value) / math.Log(base)
			if whole := math.Round(result); math.Pow(base, whole) == value { // the quotient of two logarithms is rarely exact
				result = whole
			}
			d, ok := decimal.FromFloat(result, 28)
			return Decimal(d), ok, nil
		}),
		"power": numeric(1, 1, power),
		"round": numeric(0, 1, func(n *node, v Item, args []Item) (Item, bool, error) {
			digits := int64(0)
			if args[0].kind != None {
				if digits = args[0].n; args[0].kind != IntegerKind || digits < 0 || digits > maxScale {
					return v, false, invalid(n.pos, "round() takes a number of digits from 0 to 60")
				}
			}
			if v.kind == QuantityKind {
				q := *v.quantity()
				q.Value = q.Value.Round(int(digits), decimal.HalfAway)
				return quantityItem(&q), true, nil
			}
			d := v.asDecimal()
			if d.Scale() > int(digits) {
				d = d.Round(int(digits), decimal.HalfAway)
			}
			return Decimal(d), true, nil
		}),
	}
}

// power is exact of whole exponents that are small, and binary of others.
func power(n *node, v Item, args []Item) (Item, bool, error) {
	if v.kind == QuantityKind {
		return v, false, invalid(n.pos, "power() is of numbers only")
	}
	base, exponent := v.asDecimal(), args[0].asDecimal()
	if e, ok := exponent.Int64(); ok && e >= 0 && e <= 64 {
		out := decimal.Int(1)
		for range e {
			out = out.Mul(base)
		}
		if v.kind == IntegerKind && args[0].kind == IntegerKind {
			if i, ok := out.Int64(); ok {
				return Integer(i), true, nil
			}
		}
		d, ok := bounded(out)
		return d, ok, nil
	}
	d, ok := decimal.FromFloat(math.Pow(base.Float(), exponent.Float()), 28)
	return Decimal(d), ok, nil
}
