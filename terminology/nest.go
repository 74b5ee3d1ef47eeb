package terminology

// nesting puts each code below the last one before it that is above it in the
// hierarchy of its system, where nesting is on.
type nesting struct {
	out  *Expansion
	on   bool
	open []nested
}

type nested struct {
	item
	Contained
}

func (n *nesting) add(it item, q ExpandQuery) {
	if !n.on || it.listed >= 0 {
		n.end(0)
		n.out.Contains = append(n.out.Contains, it.contained(q))
		return
	}
	keep := len(n.open)
	for keep > 0 && (n.open[keep-1].p != it.p || !it.p.x.Subsumes(n.open[keep-1].c, it.c)) {
		keep--
	}
	n.end(keep)
	n.open = append(n.open, nested{it, it.contained(q)})
}

// end closes the codes that nothing more comes below, down to a depth.
func (n *nesting) end(depth int) {
	for len(n.open) > depth {
		last := n.open[len(n.open)-1]
		n.open = n.open[:len(n.open)-1]
		if k := len(n.open); k > 0 {
			n.open[k-1].Contains = append(n.open[k-1].Contains, last.Contained)
		} else {
			n.out.Contains = append(n.out.Contains, last.Contained)
		}
	}
}
