package fhirpath

// existence is http://hl7.org/fhirpath/N1/#existence.
func existence() map[string]function {
	return map[string]function{
		"empty": whole(func(r *run, _ *node, lo int) error {
			r.give(lo, Boolean(len(r.items) == lo))
			return nil
		}),
		"exists":     lambda(0, exists),
		"all":        lambda(1, all),
		"allTrue":    whole(everyTruth(true, true)),
		"anyTrue":    whole(everyTruth(false, true)),
		"allFalse":   whole(everyTruth(true, false)),
		"anyFalse":   whole(everyTruth(false, false)),
		"subsetOf":   with(func(r *run, _ *node, lo, mid int) error { return r.contained(lo, r.items[lo:mid], r.items[mid:]) }),
		"supersetOf": with(func(r *run, _ *node, lo, mid int) error { return r.contained(lo, r.items[mid:], r.items[lo:mid]) }),
		"count": whole(func(r *run, _ *node, lo int) error {
			r.give(lo, Integer(int64(len(r.items)-lo)))
			return nil
		}),
		"distinct": whole(func(r *run, _ *node, lo int) error { return r.distinct(lo) }),
		"isDistinct": whole(func(r *run, _ *node, lo int) error {
			n := len(r.items)
			if err := r.distinct(lo); err != nil {
				return err
			}
			r.give(lo, Boolean(len(r.items) == n))
			return nil
		}),
		"not": whole(func(r *run, n *node, lo int) error {
			v, known, err := r.truth(lo, n.pos)
			if r.items = r.items[:lo]; known && err == nil {
				r.push(Boolean(!v))
			}
			return err
		}),
	}
}

// exists says whether there is an item, or one of which e holds.
func exists(r *run, n *node, lo int, e eval) error {
	found := len(r.items) > lo && e == nil
	if e != nil {
		var err error
		if found, err = r.any(lo, e, n.pos, true); err != nil {
			return err
		}
	}
	r.give(lo, Boolean(found))
	return nil
}

// any says whether e is v, and nothing else, of one of the items from lo on.
func (r *run) any(lo int, e eval, pos int, v bool) (bool, error) {
	this, index := r.this, r.index
	defer func() { r.this, r.index = this, index }()
	for i, hi := lo, len(r.items); i < hi; i++ {
		if err := r.step(1); err != nil {
			return false, err
		}
		r.this, r.index = r.items[i:i+1:i+1], i-lo
		holds, known, err := r.ask(e, pos)
		if err != nil {
			return false, err
		}
		if (holds && known) == v {
			return true, nil
		}
	}
	return false, nil
}

func all(r *run, n *node, lo int, e eval) error {
	failed, err := r.any(lo, e, n.pos, false)
	if err != nil {
		return err
	}
	r.give(lo, Boolean(!failed))
	return nil
}

// everyTruth says whether all, or any, of the input's Booleans are v.
func everyTruth(all, v bool) func(r *run, n *node, lo int) error {
	return func(r *run, n *node, lo int) error {
		result := all
		for i := lo; i < len(r.items); i++ {
			b, ok := r.items[i].Bool()
			if !ok {
				return invalid(n.pos, n.text+"() is of true and false only")
			}
			if (b == v) != all {
				result = !all
			}
		}
		r.give(lo, Boolean(result))
		return nil
	}
}

// contained says whether each of the inner items is among the outer ones.
func (r *run) contained(lo int, inner, outer []Item) error {
	if err := r.step(len(inner) + len(outer)); err != nil {
		return err
	}
	s := newSet(len(outer))
	if s.byHash != nil {
		for i := range outer {
			h := hash(&outer[i])
			s.byHash[h] = append(s.byHash[h], i)
		}
	}
	result := true
	for i := range inner {
		if result = s.find(outer, &inner[i]); !result {
			break
		}
	}
	r.give(lo, Boolean(result))
	return r.step(s.work)
}
