package fhirpath

import (
	"slices"
)

// filtering is http://hl7.org/fhirpath/N1/#filtering-and-projection and
// http://hl7.org/fhirpath/N1/#subsetting.
func filtering() map[string]function {
	return map[string]function{
		"where":     lambda(1, where),
		"select":    lambda(1, selects),
		"repeat":    lambda(1, func(r *run, n *node, lo int, e eval) error { return repeat(r, lo, e, true) }),
		"repeatAll": lambda(1, func(r *run, n *node, lo int, e eval) error { return repeat(r, lo, e, false) }),
		"sort":      {0, 10, sorted},
		"single": whole(func(r *run, n *node, lo int) error {
			if len(r.items)-lo > 1 {
				return invalid(n.pos, "single() found more than one item")
			}
			return nil
		}),
		"first": whole(func(r *run, _ *node, lo int) error {
			r.items = r.items[:min(len(r.items), lo+1)]
			return nil
		}),
		"last": whole(func(r *run, _ *node, lo int) error {
			if len(r.items) > lo {
				r.keep(lo, len(r.items)-1)
			}
			return nil
		}),
		"tail": whole(func(r *run, _ *node, lo int) error {
			if len(r.items) > lo {
				r.keep(lo, lo+1)
			}
			return nil
		}),
		"skip": with(func(r *run, n *node, lo, mid int) error {
			k, ok, err := r.integer(mid, n.pos)
			r.items = r.items[:mid]
			if err != nil || !ok {
				r.items = r.items[:lo]
				return err
			}
			r.keep(lo, lo+int(min(max(k, 0), int64(mid-lo))))
			return nil
		}),
		"take": with(func(r *run, n *node, lo, mid int) error {
			k, _, err := r.integer(mid, n.pos)
			r.items = r.items[:lo+int(min(max(k, 0), int64(mid-lo)))]
			return err
		}),
	}
}

// where keeps the items of which e holds.
func where(r *run, n *node, lo int, e eval) error {
	this, index := r.this, r.index
	defer func() { r.this, r.index = this, index }()
	w, hi := lo, len(r.items)
	for i := lo; i < hi; i++ {
		if err := r.step(1); err != nil {
			return err
		}
		r.this, r.index = r.items[i:i+1:i+1], i-lo
		holds, _, err := r.ask(e, n.pos)
		if err != nil {
			return err
		}
		if holds {
			r.items[w] = r.items[i]
			w++
		}
	}
	r.items = r.items[:w]
	return nil
}

func selects(r *run, _ *node, lo int, e eval) error {
	hi := len(r.items)
	if err := r.project(lo, hi, e); err != nil {
		return err
	}
	r.keep(lo, hi)
	return nil
}

// repeat applies e to the input, to what that gave, and so on; where unique, an
// item that was there before is not taken again.
func repeat(r *run, lo int, e eval, unique bool) error {
	hi := len(r.items)
	queue := lo // what e has yet to be applied to, from here to next
	s := newSet(fewItems + 1)
	for next := hi; queue < next; {
		if err := r.project(queue, next, e); err != nil {
			return err
		}
		queue = next
		if unique {
			w := next
			for i := next; i < len(r.items); i++ {
				if s.add(r.items[hi:], w-hi, &r.items[i]) {
					r.items[w] = r.items[i]
					w++
				}
			}
			r.items = r.items[:w]
		}
		if err := r.step(s.work + 16*(len(r.items)-next)); err != nil { // each costs more than a step elsewhere
			return err
		}
		s.work = 0
		next = len(r.items)
	}
	r.keep(lo, hi)
	return nil
}

// project puts on the stack what e gives of each of the items from lo to hi.
func (r *run) project(lo, hi int, e eval) error {
	this, index := r.this, r.index
	defer func() { r.this, r.index = this, index }()
	for i := lo; i < hi; i++ {
		if err := r.step(1); err != nil {
			return err
		}
		r.this, r.index = r.items[i:i+1:i+1], i-lo
		if err := e(r); err != nil {
			return err
		}
	}
	return nil
}

// sorted is sort(): by the items themselves, or by what each of the arguments
// gives of them; - before an argument turns its order round.
// https://build.fhir.org/ig/HL7/FHIRPath/#sortcriteria--expression-asc--desc--
func sorted(c *compiler, n *node) (eval, error) {
	in, err := c.input(n.in)
	if err != nil {
		return nil, err
	}
	keys, down := n.args, make([]bool, max(1, len(n.args)))
	if len(keys) == 0 {
		keys = []*node{{op: opThis, pos: n.pos}}
	}
	var by []eval
	for i, k := range keys {
		if k.op == opSign && k.text == "-" {
			down[i], k = true, k.in
		}
		e, err := c.scope(k)
		if err != nil {
			return nil, err
		}
		by = append(by, e)
	}
	return func(r *run) error {
		lo := len(r.items)
		if err := in(r); err != nil {
			return err
		}
		rows, err := r.rows(lo, n.pos, by)
		if err != nil {
			return err
		}
		var bad error
		slices.SortStableFunc(rows, func(a, b row) int {
			for i := range by {
				x, y := &a.keys[i], &b.keys[i]
				v := 0
				switch {
				case x.kind == None || y.kind == None: // what is empty comes first, in either order
					if x.kind != y.kind {
						return boolOrder(x.kind != None, y.kind != None)
					}
				default:
					o, _, ok := order(x, y)
					if v = o; !ok {
						bad = invalid(n.pos, "sort() can't compare values of these types")
					}
				}
				if v != 0 {
					if down[i] {
						return -v
					}
					return v
				}
			}
			return 0
		})
		for i := range rows {
			r.items[lo+i] = rows[i].item
		}
		return bad
	}, nil
}

type row struct {
	item Item
	keys []Item
}

// rows are the items from lo on with the keys by which they are sorted.
func (r *run) rows(lo, pos int, by []eval) ([]row, error) {
	rows := make([]row, len(r.items)-lo)
	for i := range rows {
		rows[i].item = r.items[lo+i]
	}
	for _, e := range by {
		err := r.each(lo, e, func(i, mid int) error {
			v, _, err := r.single(mid, pos)
			r.items = r.items[:mid]
			rows[i-lo].keys = append(rows[i-lo].keys, v)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, r.step(8 * len(rows))
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
