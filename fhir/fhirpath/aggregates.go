package fhirpath

import "slices"

// aggregates is http://hl7.org/fhirpath/N1/#aggregates, and the sums and extremes
// of later releases.
func aggregates() map[string]function {
	return map[string]function{
		"aggregate": of(1, 2, aggregate),
		"sum":       whole(func(r *run, n *node, lo int) error { return r.fold(lo, n, plus(n)) }),
		"min":       whole(func(r *run, n *node, lo int) error { return r.fold(lo, n, lesser(n, 1)) }),
		"max":       whole(func(r *run, n *node, lo int) error { return r.fold(lo, n, lesser(n, -1)) }),
		"avg": whole(func(r *run, n *node, lo int) error {
			count := len(r.items) - lo
			if err := r.fold(lo, n, plus(n)); err != nil || count == 0 || len(r.items) == lo {
				return err
			}
			sum := r.items[lo]
			r.items = r.items[:lo]
			v, ok, err := calculate(&node{text: "/", pos: n.pos}, sum, Integer(int64(count)))
			if ok {
				r.push(v)
			}
			return err
		}),
	}
}

// aggregate is http://hl7.org/fhirpath/N1/#aggregates.
func aggregate(r *run, _ *node, lo int, args []eval) error {
	total := r.total
	defer func() { r.total = total }()
	hi := len(r.items)
	r.total = nil
	if len(args) > 1 {
		if err := args[1](r); err != nil {
			return err
		}
		r.total = slices.Clone(r.items[hi:])
		r.items = r.items[:hi]
	}
	err := r.each(lo, args[0], func(_, mid int) error {
		r.total = slices.Clone(r.items[mid:])
		r.items = r.items[:mid]
		return r.step(len(r.total))
	})
	r.items = append(r.items[:lo], r.total...)
	return err
}

// fold puts in the place of the items from lo on what f makes of them, two at a
// time: nothing of nothing.
// https://build.fhir.org/ig/HL7/FHIRPath/#aggregates
func (r *run) fold(lo int, n *node, f func(a, b Item) (Item, bool, error)) error {
	if len(r.items) == lo {
		return nil
	}
	total, ok := r.items[lo].value()
	if !ok {
		return invalid(n.pos, n.text+"() is of values only")
	}
	for i := lo + 1; i < len(r.items); i++ {
		v, ok := r.items[i].value()
		if !ok {
			return invalid(n.pos, n.text+"() is of values only")
		}
		var err error
		if total, ok, err = f(total, v); err != nil || !ok {
			r.items = r.items[:lo]
			return err
		}
	}
	err := r.step(len(r.items) - lo)
	r.give(lo, total)
	return err
}

func plus(n *node) func(a, b Item) (Item, bool, error) {
	add := &node{text: "+", pos: n.pos}
	return func(a, b Item) (Item, bool, error) { return calculate(add, a, b) }
}

// lesser gives the lesser of two values, or with sign -1 the greater.
func lesser(n *node, sign int) func(a, b Item) (Item, bool, error) {
	return func(a, b Item) (Item, bool, error) {
		o, known, ok := order(&a, &b)
		if !ok {
			return a, false, invalid(n.pos, n.text+"() can't compare values of these types")
		}
		if o*sign > 0 {
			return b, known, nil
		}
		return a, known, nil
	}
}
