package terminology

import (
	"slices"
	"strings"

	"selda/fault"
	"selda/terminology/ecl"
	"selda/terminology/index"
)

// compiled is a value set ready for look-ups.
type compiled struct {
	def     *ValueSet
	include []*part
	exclude []*part
	weight  int // how many includes and excludes a look-up may come through, those of imports among them
}

// part is one include or exclude of it.
type part struct {
	system  string
	x       *index.Index      // nil where the system is not loaded
	more    []*index.Index    // what adds to x
	listed  []Listed          // the codes it names; nil where it names none
	codes   map[string]int    // where each of them stands in listed
	members *index.Set        // the concepts that pass the filters; nil where there are none
	grammar func(string) bool // of a system that is defined by rules
	sets    []*compiled       // all of these must have the code, too
	unknown error             // why it can't be said what its system has for it
	missing error             // a value set that it imports and that is not there
}

// Bounds of value sets in each other: how deep they nest, and how many includes
// a look-up may come through. A set that is imported by two others is come
// through twice, so that few of them can make very many.
const (
	maxDepth  = 32
	maxWeight = 100_000
)

// compile finds what a value set rests on. Where a part of that is not there,
// the rest still answers.
func (s *Service) compile(v *ValueSet, within []string) (*compiled, error) {
	return (&compilation{s, ecl.MaxWork}).set(v, within)
}

// compilation is the work on one value set and those that it imports.
type compilation struct {
	*Service
	left int // what its filters may still cost, in concepts looked at
}

func (s *compilation) set(v *ValueSet, within []string) (*compiled, error) {
	c := &compiled{def: v}
	for _, list := range []struct {
		from []Include
		to   *[]*part
	}{{v.Include, &c.include}, {v.Exclude, &c.exclude}} {
		for i := range list.from {
			p, err := s.part(v, &list.from[i], within)
			if err != nil {
				return nil, err
			}
			if p.system != "" && s.versions.excludes(p.system, p.x) {
				continue
			}
			*list.to = append(*list.to, p)
			c.weight++
			for _, v := range p.sets {
				c.weight += v.weight
			}
			if c.weight > maxWeight {
				return nil, fault.E("terminology.compile", fault.TooCostly, "the value set and those that it imports have more than 100000 includes: list the codes instead", "ValueSet.compose.include")
			}
		}
	}
	c.weight = max(c.weight, 1)
	return c, nil
}

func (s *compilation) part(of *ValueSet, i *Include, within []string) (*part, error) {
	const op = "terminology.compile"
	p := &part{system: i.System}
	for _, u := range i.ValueSets {
		v, err := s.imported(of, u, within)
		switch {
		case fault.Is(err, fault.NotFound):
			p.missing = err
		case err != nil:
			return nil, err
		default:
			p.sets = append(p.sets, v)
		}
	}
	if i.System == "" {
		if len(i.ValueSets) == 0 {
			return nil, fault.E(op, fault.Invalid, "an include names neither a system nor a value set", "ValueSet.compose.include")
		}
		return p, nil
	}
	var err error
	version := s.versions.choose(i.System, i.Version)
	if p.x, err = s.CodeSystem(i.System, version); err != nil {
		return nil, err
	}
	if err := s.versions.check(i.System, p.x); err != nil {
		return nil, err
	}
	if p.more, err = s.supplements(p.x); err != nil {
		return nil, err
	}
	p.grammar = grammars[i.System]
	switch {
	case len(i.Concepts) > 0:
		p.listed = i.Concepts
		p.codes = make(map[string]int, len(i.Concepts))
		for k, l := range i.Concepts {
			p.codes[p.key(l.Code)] = k
		}
	case p.x == nil:
		if p.grammar == nil || !p.rule(i.Filters) {
			p.unknown = notLoaded(op, i.System, version)
		}
	case len(i.Filters) > 0:
		for _, f := range i.Filters {
			set, err := filtered(p.x, f, &s.left)
			switch {
			case fault.Is(err, fault.NotSupported), fault.Is(err, fault.NotFound):
				p.unknown = err
			case err != nil:
				return nil, err
			case p.members == nil:
				p.members = set
			default:
				p.members.And(set)
			}
		}
	}
	return p, nil
}

// rule narrows a system that is defined by rules by filters; false where one of
// them can't be asked.
func (p *part) rule(filters []Filter) bool {
	for _, f := range filters {
		pass, before := ruled(p.system, f), p.grammar
		if pass == nil {
			return false
		}
		p.grammar = func(code string) bool { return before(code) && pass(code) }
	}
	return true
}

// imported is a value set that another one imports: one that is contained in
// it, or one of the service's.
func (s *compilation) imported(of *ValueSet, u string, within []string) (*compiled, error) {
	const op = "terminology.compile"
	if id, contained := strings.CutPrefix(u, "#"); contained {
		v := of.Contained[id]
		u = of.URL + u
		switch {
		case v == nil:
			return nil, fault.E(op, fault.NotFound, "the value set contains no "+u, "ValueSet.compose.include.valueSet")
		case slices.Contains(within, u) || len(within) > maxDepth:
			return nil, fault.E(op, fault.Invalid, "the value set imports itself", u)
		}
		return s.set(v, append(slices.Clip(within), u))
	}
	if slices.Contains(within, u) || len(within) > maxDepth {
		return nil, fault.E(op, fault.Invalid, "the value set imports itself", u)
	}
	if c, ok := s.sets.Load(u); ok {
		return c.(*compiled), nil
	}
	v, err := s.ValueSet(u)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, fault.E(op, fault.NotFound, "the value set "+u+" is not known", "ValueSet.compose.include.valueSet")
	}
	c, err := s.set(v, append(slices.Clip(within), u))
	if err == nil {
		s.keep(u, c)
	}
	return c, err
}

func (p *part) key(code string) string {
	if p.x != nil && p.x.Meta().IgnoreCase {
		return strings.ToLower(code)
	}
	return code
}

// truth is yes, no, or not known: no < unknown < yes, so that "and" is the
// least and "or" the greatest.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// has says whether a code is in the value set. With active, codes out of use
// are not.
func (c *compiled) has(system, code string, active bool) truth {
	active = active || c.def.ActiveOnly
	in := no
	for _, p := range c.include {
		if in = max(in, p.has(system, code, active)); in == yes {
			break
		}
	}
	for _, p := range c.exclude {
		if in == no {
			break
		}
		in = min(in, yes-p.has(system, code, false))
	}
	return in
}

func (p *part) has(system, code string, active bool) truth {
	in := yes
	if p.system != "" {
		if system != "" && system != p.system {
			return no
		}
		in = p.own(code, active)
	}
	if p.missing != nil {
		in = min(in, unknown)
	}
	for _, v := range p.sets {
		if in == no {
			break
		}
		in = min(in, v.has(system, code, active))
	}
	return in
}

// own says whether a code of the part's own system passes its list or filters.
func (p *part) own(code string, active bool) truth {
	var c index.Concept
	found := false
	if p.x != nil {
		if c, found = p.x.Find(code); found && active && p.x.Inactive(c) {
			return no
		}
	}
	switch {
	case p.codes != nil:
		_, in := p.codes[p.key(code)]
		return truthOf(in)
	case p.unknown != nil:
		return unknown
	case p.x == nil:
		return truthOf(p.grammar(code))
	case !found && whole(p.x):
		return no
	case !found:
		return unknown
	}
	return truthOf(p.members == nil || p.members.Has(c))
}

// size is about what the value set takes in memory, in bytes.
func (c *compiled) size() int64 {
	n := int64(1 << 10)
	for _, list := range [][]*part{c.include, c.exclude} {
		for _, p := range list {
			n += int64(len(p.listed)) * 200
			if p.members != nil {
				n += int64(p.x.Len() / 8)
			}
		}
	}
	return n
}

// whole says that a code system that is loaded has all its codes.
func whole(x *index.Index) bool {
	switch x.Meta().Content {
	case "", "complete":
		return true
	}
	return false
}
