package fhirpath

// combining is http://hl7.org/fhirpath/N1/#combining, and what
// http://hl7.org/fhirpath/N1/#subsetting has of two collections.
func combining() map[string]function {
	return map[string]function{
		"union":   with(func(r *run, _ *node, lo, _ int) error { return r.distinct(lo) }),
		"combine": with(func(r *run, _ *node, lo, _ int) error { return r.step(len(r.items) - lo) }),
		"intersect": with(func(r *run, _ *node, lo, mid int) error {
			if err := r.among(lo, mid, true); err != nil {
				return err
			}
			return r.distinct(lo)
		}),
		"exclude": with(func(r *run, _ *node, lo, mid int) error { return r.among(lo, mid, false) }),
		"coalesce": {1, 20, func(c *compiler, n *node) (eval, error) {
			args, err := c.scopes(n.args)
			return func(r *run) error {
				lo := len(r.items)
				for _, e := range args {
					if err := e(r); err != nil || len(r.items) > lo {
						return err
					}
				}
				return nil
			}, err
		}},
	}
}

// among keeps, of the items from lo to mid, those that are, or are not, among
// those from mid on.
func (r *run) among(lo, mid int, wanted bool) error {
	outer := r.items[mid:]
	s := newSet(len(outer))
	if s.byHash != nil {
		for i := range outer {
			h := hash(&outer[i])
			s.byHash[h] = append(s.byHash[h], i)
		}
	}
	w := lo
	for i := lo; i < mid; i++ {
		if s.find(outer, &r.items[i]) == wanted {
			r.items[w] = r.items[i]
			w++
		}
	}
	err := r.step(len(r.items) - lo + s.work)
	r.items = r.items[:w]
	return err
}
