package graphql

import (
	"slices"

	"selda/fault"
)

// each calls f for every field of a selection, those of fragments included. A
// field that is asked for more than once, as two fragments may, is answered
// once, with all that was chosen of it.
// https://spec.graphql.org/June2018/#sec-Field-Collection
func (x *execution) each(set []selection, is func(typ string) bool, f func(*selection) error) error {
	c := &collection{x: x, is: is, at: map[string]int{}, spread: map[string]bool{}}
	if err := c.take(set); err != nil {
		return err
	}
	if x.depth++; x.depth > 4*maxDepth {
		return errDeep
	}
	defer func() { x.depth-- }()
	for _, s := range c.fields {
		if err := x.spend(len(s.alias)); err != nil {
			return err
		}
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

var errDeep = fault.E("graphql.Execute", fault.TooCostly, "the query is nested too deep")

// spend counts what an answer has in bytes.
func (x *execution) spend(bytes int) error {
	if x.size += bytes; x.size > maxAnswer {
		return fault.E("graphql.Execute", fault.TooCostly, "the answer is larger than 64 MiB: ask for less at a time")
	}
	return nil
}

// collection is the fields of one selection.
type collection struct {
	x      *execution
	is     func(typ string) bool // whether the object is of a type
	fields []*selection
	at     map[string]int  // where the field of a name in the answer stands
	spread map[string]bool // fragments that were taken
}

func (c *collection) take(set []selection) error {
	x := c.x
	if x.depth++; x.depth > 4*maxDepth {
		return errDeep
	}
	defer func() { x.depth-- }()
	for i := range set {
		s := &set[i]
		if x.fields++; x.fields > maxFields {
			return fault.E("graphql.Execute", fault.TooCostly, "the answer is too large: ask for less at a time")
		}
		ok, err := x.wanted(s)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		inner, on := s.set, s.on
		if s.spread != "" {
			if c.spread[s.spread] {
				continue
			}
			c.spread[s.spread] = true
			frag := x.d.fragments[s.spread]
			if frag == nil {
				return fault.E("graphql.Execute", fault.Value, "there is no fragment of this name", s.spread)
			}
			inner, on = frag.set, frag.on
		}
		switch {
		case s.spread == "" && !s.inline:
			err = c.field(s)
		case on == "" || c.is(on):
			err = c.take(inner)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// field takes one field in, or what is chosen of it into the one before of its
// name. Two objects of one name that are written side by side, or are shaped in
// different ways, are answered one after the other: FHIR's own cases of
// GraphQL have it so.
func (c *collection) field(s *selection) error {
	i, again := c.at[s.alias]
	if !again {
		c.at[s.alias] = len(c.fields)
		c.fields = append(c.fields, s)
		return nil
	}
	have := c.fields[i]
	switch {
	case have.name != s.name || !slices.EqualFunc(have.arguments, s.arguments, argument.equal):
		return c.x.err(fault.Value, s, "two fields have the same name in the answer, "+s.alias+": give one an alias")
	case !slices.EqualFunc(have.shaping(), s.shaping(), directive.equal), have.within == s.within && s.set != nil:
		c.fields = append(c.fields, s)
		return nil
	case len(s.set) == 0 || len(have.set) > 0 && &have.set[0] == &s.set[0]:
		return nil
	}
	c.x.fields += len(have.set) + len(s.set)
	both := *have
	both.set = slices.Concat(have.set, s.set)
	c.fields[i] = &both
	return nil
}

// shaping are the directives that shape an answer, rather than say whether it is wanted.
func (s *selection) shaping() []directive {
	return slices.DeleteFunc(slices.Clone(s.directed), func(d directive) bool { return d.name == "skip" || d.name == "include" })
}

func (a argument) equal(b argument) bool { return a.name == b.name && a.value.equal(b.value) }

func (d directive) equal(e directive) bool {
	return d.name == e.name && slices.EqualFunc(d.arguments, e.arguments, argument.equal)
}

func (v value) equal(w value) bool {
	return v.kind == w.kind && v.text == w.text && slices.EqualFunc(v.list, w.list, value.equal) && slices.EqualFunc(v.fields, w.fields, argument.equal)
}
