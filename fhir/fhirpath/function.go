package fhirpath

import (
	"sync"
)

// function is one function of the standard: how many arguments it takes, and
// how a call of it is compiled.
type function struct {
	least, most int
	compile     func(c *compiler, n *node) (eval, error)
}

// table is every function by its name, made when the first is called.
var table struct {
	once   sync.Once
	byName map[string]function
}

func functions() map[string]function {
	table.once.Do(func() {
		all := map[string]function{}
		for _, group := range []map[string]function{existence(), filtering(), aggregates(), combining(), conversion(), manipulation(), mathematics(),
			utility(), ofTypes(), ofFHIR()} {
			for name, f := range group {
				all[name] = f
			}
		}
		table.byName = all
	})
	return table.byName
}

// call compiles a function's call.
func (c *compiler) call(n *node) (eval, error) {
	f, ok := functions()[n.text]
	if !ok {
		return nil, syntax(n.pos, "there is no function of this name")
	}
	if len(n.args) < f.least || len(n.args) > f.most {
		return nil, syntax(n.pos, "the function takes another number of arguments")
	}
	return f.compile(c, n)
}

// of is a function of its input, which lies on the stack from lo on when f is
// called; what its arguments are evaluated of is f's own matter.
func of(least, most int, f func(r *run, n *node, lo int, args []eval) error) function {
	return function{least, most, func(c *compiler, n *node) (eval, error) {
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
			if err := in(r); err != nil {
				return err
			}
			return f(r, n, lo, args)
		}, nil
	}}
}

// whole is a function of the whole input, without arguments.
func whole(f func(r *run, n *node, lo int) error) function {
	return of(0, 0, func(r *run, n *node, lo int, _ []eval) error { return f(r, n, lo) })
}

// with is a function of the input and of one collection: the input lies on the
// stack from lo on, the collection from mid on.
func with(f func(r *run, n *node, lo, mid int) error) function {
	return of(1, 1, func(r *run, n *node, lo int, args []eval) error {
		mid := len(r.items)
		if err := args[0](r); err != nil {
			return err
		}
		return f(r, n, lo, mid)
	})
}

// lambda is a function that evaluates its argument for each item of the input;
// e is nil where there is none.
func lambda(least int, f func(r *run, n *node, lo int, e eval) error) function {
	return of(least, 1, func(r *run, n *node, lo int, args []eval) error {
		if len(args) == 0 {
			return f(r, n, lo, nil)
		}
		return f(r, n, lo, args[0])
	})
}

// on is a function of one value, which gives nothing of nothing. Arguments are
// single values, too: f gets a value of kind None for one that is left out,
// and is not called where one that was given is empty.
func on(least, most int, f func(r *run, n *node, v Item, args []Item) (Item, bool, error)) function {
	return of(least, most, func(r *run, n *node, lo int, given []eval) error {
		v, ok, err := r.single(lo, n.pos)
		if err != nil {
			return err
		}
		var args [3]Item
		for i, e := range given {
			mid := len(r.items)
			if err := e(r); err != nil {
				return err
			}
			a, there, err := r.single(mid, n.pos)
			if err != nil {
				return err
			}
			args[i], ok = a, ok && there
		}
		r.items = r.items[:lo]
		if !ok {
			return nil
		}
		out, ok, err := f(r, n, v, args[:])
		if ok && err == nil {
			r.push(out)
		}
		return err
	})
}

// each evaluates e with every item from lo on as $this, and calls f after each
// with what it gave, which lies on the stack from mid on. f may take it off.
func (r *run) each(lo int, e eval, f func(i, mid int) error) error {
	this, index := r.this, r.index
	defer func() { r.this, r.index = this, index }()
	hi := len(r.items)
	for i := lo; i < hi; i++ {
		if err := r.step(1); err != nil {
			return err
		}
		r.this, r.index = r.items[i:i+1:i+1], i-lo
		mid := len(r.items)
		if err := e(r); err != nil {
			return err
		}
		if err := f(i, mid); err != nil {
			return err
		}
	}
	return nil
}
