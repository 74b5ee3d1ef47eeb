package fhirpath

import (
	"selda/fhir/decimal"
)

// utility is http://hl7.org/fhirpath/N1/#tree-navigation,
// http://hl7.org/fhirpath/N1/#utility-functions, and what later releases have of
// boundaries, precision, parts of dates and variables.
func utility() map[string]function {
	return map[string]function{
		"children": whole(func(r *run, _ *node, lo int) error {
			hi := len(r.items)
			r.children(lo, hi)
			r.keep(lo, hi)
			return r.step(len(r.items) - lo)
		}),
		"descendants": whole(func(r *run, _ *node, lo int) error {
			hi := len(r.items)
			for from, to := lo, hi; from < to; {
				r.children(from, to)
				if err := r.step(len(r.items) - to); err != nil {
					return err
				}
				from, to = to, len(r.items)
			}
			r.keep(lo, hi)
			return nil
		}),
		"trace":          of(1, 2, trace),
		"defineVariable": of(1, 2, defineVariable),
		"now":            clock(func(r *run) *Temporal { return at(r.env.Now) }),
		"today": clock(func(r *run) *Temporal {
			t := at(r.env.Now)
			t.cut(dayLevel)
			t.kind = Date
			return t
		}),
		"timeOfDay": clock(func(r *run) *Temporal {
			t := at(r.env.Now)
			t.kind, t.zone = Time, noZone
			return t
		}),
		"lowBoundary":  on(0, 1, func(_ *run, n *node, v Item, args []Item) (Item, bool, error) { return boundary(n, v, args[0], false) }),
		"highBoundary": on(0, 1, func(_ *run, n *node, v Item, args []Item) (Item, bool, error) { return boundary(n, v, args[0], true) }),
		"precision": on(0, 0, func(_ *run, n *node, v Item, _ []Item) (Item, bool, error) {
			switch {
			case v.numeric():
				return Integer(int64(v.asDecimal().Scale())), true, nil
			case v.isTemporal():
				return Integer(int64(v.temporal().precision())), true, nil
			}
			return v, false, invalid(n.pos, "precision() is of numbers, dates and times only")
		}),
		"comparable": on(1, 1, func(_ *run, n *node, v Item, args []Item) (Item, bool, error) {
			if v.kind != QuantityKind || args[0].kind != QuantityKind {
				return v, false, invalid(n.pos, "comparable() is of quantities only")
			}
			_, known, _ := v.quantity().compare(args[0].quantity())
			return Boolean(known), true, nil
		}),
		"yearOf":           component(yearLevel, func(t *Temporal) int { return t.year }),
		"monthOf":          component(monthLevel, func(t *Temporal) int { return t.month }),
		"dayOf":            component(dayLevel, func(t *Temporal) int { return t.day }),
		"hourOf":           component(hourLevel, func(t *Temporal) int { return t.hour }),
		"minuteOf":         component(minuteLevel, func(t *Temporal) int { return t.minute }),
		"secondOf":         component(secondLevel, func(t *Temporal) int { return t.second }),
		"millisecondOf":    component(fractionLevel, func(t *Temporal) int { return t.nanos / 1_000_000 }),
		"timezoneOffsetOf": on(0, 0, timezoneOffset),
		"dateOf": on(0, 0, func(_ *run, _ *node, v Item, _ []Item) (Item, bool, error) {
			if v.kind != Date && v.kind != DateTime {
				return v, false, nil
			}
			out, ok := toDate(v)
			return out, ok, nil
		}),
		"timeOf": on(0, 0, func(_ *run, _ *node, v Item, _ []Item) (Item, bool, error) {
			if v.kind != DateTime || v.temporal().level < hourLevel {
				return v, false, nil
			}
			t := *v.temporal()
			t.kind, t.zone = Time, noZone
			return temporalItem(&t), true, nil
		}),
	}
}

// children puts on the stack what stands directly in the items from lo to hi.
func (r *run) children(lo, hi int) {
	for i := lo; i < hi; i++ {
		it := r.items[i]
		eachChild(&it, func(_ []byte, child *Item) { r.push(*child) })
	}
}

// clock is a function of the time that the environment says it is.
func clock(f func(r *run) *Temporal) function {
	return function{0, 0, func(*compiler, *node) (eval, error) {
		return func(r *run) error { r.push(temporalItem(f(r))); return nil }, nil
	}}
}

// component is a part of a date or time, nothing where it is not known.
func component(l level, f func(t *Temporal) int) function {
	return on(0, 0, func(_ *run, n *node, v Item, _ []Item) (Item, bool, error) {
		if !v.isTemporal() {
			return v, false, invalid(n.pos, n.text+"() is of dates and times only")
		}
		t := v.temporal()
		return Integer(int64(f(t))), t.level >= l && (t.kind != Time || l >= hourLevel), nil
	})
}

func timezoneOffset(_ *run, n *node, v Item, _ []Item) (Item, bool, error) {
	if v.kind != DateTime {
		return v, false, invalid(n.pos, "timezoneOffsetOf() is of dates with times only")
	}
	t := v.temporal()
	return Decimal(quotient(decimal.Int(int64(t.minutes)), decimal.Int(60))), t.zone != noZone, nil
}

// trace shows its input, or what its second argument makes of it.
func trace(r *run, n *node, lo int, args []eval) error {
	hi := len(r.items)
	if err := args[0](r); err != nil {
		return err
	}
	name, _, err := r.single(hi, n.pos)
	r.items = r.items[:hi]
	if err != nil || r.env.Trace == nil {
		return err
	}
	seen := r.items[lo:hi]
	if len(args) == 2 {
		if err := r.project(lo, hi, args[1]); err != nil {
			return err
		}
		seen = r.items[hi:]
	}
	r.env.Trace(name.String(), append(Collection(nil), seen...))
	r.items = r.items[:hi]
	return nil
}

// defineVariable names its input, or what its second argument makes of it, for
// what follows.
// https://build.fhir.org/ig/HL7/FHIRPath/#definevariablename-string-expr-expression
func defineVariable(r *run, n *node, lo int, args []eval) error {
	hi := len(r.items)
	if err := args[0](r); err != nil {
		return err
	}
	name, ok, err := r.single(hi, n.pos)
	r.items = r.items[:hi]
	if err != nil {
		return err
	}
	if !ok || name.kind != StringKind {
		return invalid(n.pos, "defineVariable() takes a name")
	}
	if err := r.mayDefine(name.string(), n.pos); err != nil {
		return err
	}
	value := r.items[lo:hi]
	if len(args) == 2 {
		before := r.this
		r.this = r.items[lo:hi:hi]
		err := args[1](r)
		if r.this = before; err != nil {
			return err
		}
		value = r.items[hi:]
	}
	r.vars = append(r.vars, variable{name.string(), append(Collection(nil), value...)})
	r.items = r.items[:hi]
	return nil
}

// mayDefine refuses a name that is taken already.
func (r *run) mayDefine(name string, pos int) error {
	_, given := r.env.Variables[name]
	for _, v := range r.vars {
		given = given || v.name == name
	}
	switch name {
	case "context", "resource", "rootResource", "ucum", "sct", "loinc":
		given = true
	}
	if given {
		return invalid(pos, "a variable of this name is there already")
	}
	return nil
}

// boundary is the least, or the greatest, that a value may be in the precision
// in which it is known.
func boundary(n *node, v, digits Item, high bool) (Item, bool, error) {
	want := int64(-1)
	if digits.kind != None {
		if want = digits.n; digits.kind != IntegerKind {
			return v, false, invalid(n.pos, n.text+"() takes a whole number")
		}
		if want < 0 {
			return v, false, nil
		}
	}
	switch {
	case v.numeric(), v.kind == QuantityKind:
		if want < 0 {
			want = 8
		}
		if want > 28 {
			return v, false, nil
		}
		if v.kind == QuantityKind {
			q := *v.quantity()
			q.Value = bound(q.Value, int(want), high)
			return quantityItem(&q), true, nil
		}
		return Decimal(bound(v.asDecimal(), int(want), high)), true, nil
	case v.isTemporal():
		if want < 0 {
			want = map[Kind]int64{Date: 8, DateTime: 17, Time: 9}[v.kind]
		}
		t := v.temporal().bound(int(want), high)
		if t == nil {
			return v, false, nil
		}
		return temporalItem(t), true, nil
	}
	return v, false, invalid(n.pos, n.text+"() is of numbers, quantities, dates and times only")
}

// bound is d less or more half of its last digit. Of a negative number it is the
// other bound of the positive one.
func bound(d decimal.Decimal, digits int, high bool) decimal.Decimal {
	if d.Sign() < 0 {
		return bound(d.Neg(), digits, !high).Neg()
	}
	half := decimal.Int(5).Shift(-d.Scale() - 1)
	if high {
		return d.Add(half).Round(digits, decimal.HalfAway)
	}
	return d.Sub(half).Round(digits, decimal.Down)
}
