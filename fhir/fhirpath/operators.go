package fhirpath

import (
	"math"

	"selda/fhir/decimal"
)

// binary compiles an operator and its operands.
func (c *compiler) binary(n *node) (eval, error) {
	args, err := c.scopes(n.args)
	if err != nil {
		return nil, err
	}
	a, b := args[0], args[1]
	switch n.text {
	case "and", "or", "xor", "implies":
		return logic(n, a, b), nil
	case "|":
		return func(r *run) error {
			lo := len(r.items)
			if err := a(r); err != nil {
				return err
			}
			if err := b(r); err != nil {
				return err
			}
			return r.distinct(lo)
		}, nil
	case "=", "!=", "~", "!~":
		if e := equalsText(n, a); e != nil {
			return e, nil
		}
		return equality(n.text, a, b), nil
	case "<", "<=", ">", ">=":
		return comparison(n, a, b), nil
	case "in":
		return membership(n, a, b), nil
	case "contains":
		return membership(n, b, a), nil
	}
	return arithmetic(n, a, b), nil
}

// equalsText is the comparison with a literal string, the most frequent there
// is, without making a value of an element.
func equalsText(n *node, a eval) eval {
	lit := n.args[1]
	if lit.op != opLiteral || lit.value.kind != StringKind || n.text != "=" && n.text != "!=" {
		return nil
	}
	text, negate := lit.value.string(), n.text == "!="
	return func(r *run) error {
		lo := len(r.items)
		if err := a(r); err != nil {
			return err
		}
		if len(r.items) == lo {
			return nil
		}
		same := false
		if len(r.items) == lo+1 {
			it := &r.items[lo]
			if it.kind == Element && it.node.IsString() && (it.typ == nil || kindOfForm[it.typ.Form()] == StringKind) {
				same = it.node.Is(text)
			} else {
				v, ok := it.value()
				if !ok && !it.hasValue() {
					r.items = r.items[:lo]
					return nil
				}
				same = ok && v.kind == StringKind && v.string() == text
			}
		}
		r.give(lo, Boolean(same != negate))
		return nil
	}
}

// logic is three-valued. http://hl7.org/fhirpath/N1/#boolean-logic
func logic(n *node, a, b eval) eval {
	// decided says what the left side alone decides.
	decided := func(v, known bool) (result, ok bool) {
		switch {
		case !known:
		case n.text == "and" && !v:
			return false, true
		case n.text == "or" && v, n.text == "implies" && !v:
			return true, true
		}
		return false, false
	}
	return func(r *run) error {
		v, known, err := r.ask(a, n.pos)
		if err != nil {
			return err
		}
		if result, ok := decided(v, known); ok {
			r.push(Boolean(result))
			return nil
		}
		w, also, err := r.ask(b, n.pos)
		if err != nil {
			return err
		}
		switch n.text {
		case "and":
			if also && !w {
				r.push(Boolean(false))
			} else if known && also {
				r.push(Boolean(true))
			}
		case "or":
			if also && w {
				r.push(Boolean(true))
			} else if known && also {
				r.push(Boolean(false))
			}
		case "xor":
			if known && also {
				r.push(Boolean(v != w))
			}
		case "implies":
			if also && w {
				r.push(Boolean(true))
			} else if known && also {
				r.push(Boolean(false))
			}
		}
		return nil
	}
}

// membership is "one in many". http://hl7.org/fhirpath/N1/#collections-2
func membership(n *node, one, many eval) eval {
	return func(r *run) error {
		lo := len(r.items)
		if err := one(r); err != nil {
			return err
		}
		switch len(r.items) - lo {
		case 0:
			return nil
		case 1:
		default:
			return invalid(n.pos, "there is more than one item where one is needed")
		}
		mid := len(r.items)
		if err := many(r); err != nil {
			return err
		}
		found := false
		for i := mid; i < len(r.items) && !found; i++ {
			same, known := equalItems(&r.items[lo], &r.items[i])
			found = known && same
		}
		err := r.step(len(r.items) - lo)
		r.give(lo, Boolean(found))
		return err
	}
}

// operands evaluates both sides as single values; ok is false where one of them
// is empty.
func (r *run) operands(a, b eval, pos int) (x, y Item, ok bool, err error) {
	lo := len(r.items)
	defer func() { r.items = r.items[:lo] }()
	if err = a(r); err != nil {
		return
	}
	mid := len(r.items)
	if err = b(r); err != nil {
		return
	}
	// The right side is looked at first, while the left one still ends where
	// it begins.
	y, okY, err := r.single(mid, pos)
	if err != nil {
		return
	}
	r.items = r.items[:mid]
	x, okX, err := r.single(lo, pos)
	return x, y, okX && okY, err
}

// arithmetic is + - * / div mod &. http://hl7.org/fhirpath/N1/#math
func arithmetic(n *node, a, b eval) eval {
	if n.text == "&" {
		return concatenation(n, a, b)
	}
	return func(r *run) error {
		x, y, ok, err := r.operands(a, b, n.pos)
		if err != nil || !ok {
			return err
		}
		v, ok, err := calculate(n, x, y)
		if ok && v.kind == StringKind {
			return r.pushText(v.string(), n.pos)
		}
		if ok {
			r.push(v)
		}
		return err
	}
}

func concatenation(n *node, a, b eval) eval {
	text := func(r *run, e eval) (string, error) {
		lo := len(r.items)
		defer func() { r.items = r.items[:lo] }()
		if err := e(r); err != nil {
			return "", err
		}
		v, ok, err := r.single(lo, n.pos)
		if err != nil || !ok {
			return "", err
		}
		s, ok := v.letters()
		if !ok {
			return "", invalid(n.pos, "& joins strings only")
		}
		return s, nil
	}
	return func(r *run) error {
		x, err := text(r, a)
		if err != nil {
			return err
		}
		y, err := text(r, b)
		if err != nil {
			return err
		}
		return r.pushText(x+y, n.pos)
	}
}

// pushText is push of a computed string, whose length is bounded.
func (r *run) pushText(s string, pos int) error {
	if len(s) > maxText {
		return invalid(pos, "a computed string is too long")
	}
	if err := r.bytes(bytesAStep + len(s)); err != nil {
		return err
	}
	r.push(String(s))
	return nil
}

// calculate is one operation; ok is false where it gives nothing, as a division
// by zero does.
func calculate(n *node, x, y Item) (v Item, ok bool, err error) {
	switch {
	case x.kind == IntegerKind && y.kind == IntegerKind:
		return wholeNumbers(n, x.n, y.n)
	case x.numeric() && y.numeric():
		v, ok = decimals(n.text, x.asDecimal(), y.asDecimal())
		return v, ok, nil
	case x.kind == StringKind && y.kind == StringKind && n.text == "+":
		s := x.string() + y.string()
		if len(s) > maxText {
			return v, false, invalid(n.pos, "a computed string is too long")
		}
		return String(s), true, nil
	case x.isTemporal() && y.kind == QuantityKind && (n.text == "+" || n.text == "-"):
		return moved(n, x.temporal(), y.quantity())
	}
	p, ok1 := x.toQuantity()
	q, ok2 := y.toQuantity()
	if !ok1 || !ok2 || x.kind != QuantityKind && y.kind != QuantityKind {
		return v, false, invalid(n.pos, n.text+" can't be applied to values of these types")
	}
	var out *Quantity
	switch n.text {
	case "+":
		out, ok = p.combine(q, 1)
	case "-":
		out, ok = p.combine(q, -1)
	case "*":
		out, ok = p.scaled(q, false)
	case "/":
		out, ok = p.scaled(q, true)
	default:
		return v, false, invalid(n.pos, n.text+" can't be applied to quantities")
	}
	if !ok {
		return v, false, nil
	}
	return quantityItem(out), true, nil
}

// toQuantity is the implicit conversion of a number.
// http://hl7.org/fhirpath/N1/#conversion
func (it *Item) toQuantity() (*Quantity, bool) {
	switch {
	case it.kind == QuantityKind:
		return it.quantity(), true
	case it.numeric():
		return &Quantity{Value: it.asDecimal(), Unit: "1"}, true
	}
	return nil, false
}

func wholeNumbers(n *node, a, b int64) (Item, bool, error) {
	result, fits := int64(0), true
	switch n.text {
	case "+":
		result = a + b
		fits = (result > a) == (b > 0)
	case "-":
		result = a - b
		fits = (result < a) == (b > 0)
	case "*":
		d := decimal.Int(a).Mul(decimal.Int(b))
		result, fits = d.Int64()
	case "/":
		if b == 0 {
			return Item{}, false, nil
		}
		return Decimal(quotient(decimal.Int(a), decimal.Int(b))), true, nil
	default: // div and mod
		if b == 0 || a == math.MinInt64 && b == -1 {
			return Item{}, false, nil
		}
		if result = a / b; n.text == "mod" {
			result = a % b
		}
	}
	return Integer(result), fits, nil // nothing where it overflows
}

// maxScale bounds the digits that repeated multiplication makes.
const maxScale = 60

func decimals(operator string, a, b decimal.Decimal) (Item, bool) {
	switch operator {
	case "+":
		return Decimal(a.Add(b)), true
	case "-":
		return Decimal(a.Sub(b)), true
	case "*":
		return bounded(a.Mul(b))
	}
	if b.Sign() == 0 {
		return Item{}, false
	}
	switch operator {
	case "/":
		return bounded(quotient(a, b))
	case "div":
		whole, _ := a.Div(b)
		if n, ok := whole.Int64(); ok {
			return Integer(n), true
		}
		return Decimal(whole), true
	}
	_, rest := a.Div(b)
	return Decimal(rest), true
}

// bounded is a product or quotient as a value, nothing where it is larger than
// any number that is measured.
func bounded(d decimal.Decimal) (Item, bool) {
	if d.Scale() > maxScale {
		d = d.Round(maxScale, decimal.HalfAway)
	}
	return Decimal(d), d.Digits() <= 4*maxScale
}

// moved is a date or time plus or minus a duration.
// http://hl7.org/fhirpath/N1/#datetime-arithmetic
func moved(n *node, t *Temporal, q *Quantity) (Item, bool, error) {
	unit := q.Unit
	if word := definite[unit]; word != "" && !q.Calendar {
		unit = word
	} else if word := calendarUnits[unit]; word != "" {
		unit = word
	}
	if _, _, ok := calendarStep(unit); !ok {
		return Item{}, false, invalid(n.pos, "only a duration of the calendar can be added to a date")
	}
	amount := q.Value
	if n.text == "-" {
		amount = amount.Neg()
	}
	out, ok := t.plus(amount, unit)
	if !ok {
		return Item{}, false, nil
	}
	return temporalItem(out), true, nil
}

// sign is + or - before a number or a quantity.
func (c *compiler) sign(n *node) (eval, error) {
	in, err := c.compile(n.in)
	if err != nil {
		return nil, err
	}
	return func(r *run) error {
		lo := len(r.items)
		if err := in(r); err != nil {
			return err
		}
		v, ok, err := r.single(lo, n.pos)
		if err != nil || !ok {
			r.items = r.items[:lo]
			return err
		}
		if v, err = negated(n, v); err != nil {
			return err
		}
		r.give(lo, v)
		return nil
	}, nil
}

func negated(n *node, v Item) (Item, error) {
	if !v.numeric() && v.kind != QuantityKind {
		return v, invalid(n.pos, n.text+" can't be put before a value of this type")
	}
	if n.text == "+" {
		return v, nil
	}
	switch v.kind {
	case IntegerKind:
		v.n = -v.n
		return v, nil
	case DecimalKind:
		return Decimal(v.asDecimal().Neg()), nil
	}
	q := *v.quantity()
	q.Value = q.Value.Neg()
	return quantityItem(&q), nil
}
