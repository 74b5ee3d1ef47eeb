package terminology

import (
	"iter"
	"slices"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// MaxExpansion is how many codes an expansion gives where it is not asked for
// in pages.
const MaxExpansion = 20_000

// ExpandQuery is what $expand is asked.
// https://hl7.org/fhir/R4/valueset-operation-expand.html
type ExpandQuery struct {
	Filter              string // words, each the beginning of one in a name
	Offset              int
	Count               int // how many at most; -1: all
	ActiveOnly          bool
	DisplayLanguage     string
	IncludeDesignations bool
	Designations        []string // languages or uses (system|code) of those that are wanted; none: all
	ExcludeNested       bool     // a flat list
	ExcludeNotForUI     bool     // codes alone that can be selected
	Properties          []string // of the codes, by name; * for all
}

// Expansion is the codes of a value set.
type Expansion struct {
	Definition *ValueSet
	Total      int
	Offset     int
	Contains   []Contained
	// Used are the code systems that it rests on, as url|version.
	Used []string
	// Unclosed says that there may be more codes: of a code system only a part is loaded.
	Unclosed bool
}

// Contained is a code of an expansion.
type Contained struct {
	Coding
	Abstract, Inactive bool
	Designations       []Designation
	Properties         []Property
	Contains           []Contained
}

// Bounds of one expansion: what it may cost, in codes looked at, and how far
// into a set it may begin.
const (
	maxWork   = 20_000_000
	maxOffset = 1 << 30
)

// Expand lists the codes of a value set, by its canonical URL.
func (s *Service) Expand(url string, q ExpandQuery) (*Expansion, error) {
	c, err := s.compiled(url)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fault.E("terminology.Expand", fault.NotFound, "the value set "+url+" is not known", "url")
	}
	return c.expand(q)
}

// ExpandDefinition is Expand for a value set that is given itself.
func (s *Service) ExpandDefinition(v *ValueSet, q ExpandQuery) (*Expansion, error) {
	c, err := s.compile(v, nil)
	if err != nil {
		return nil, err
	}
	return c.expand(q)
}

// item is a code of a value set on its way into an expansion.
type item struct {
	p      *part
	c      index.Concept
	known  bool // c is its concept in p.x
	listed int  // where it stands in p.listed; -1 where it does not
}

func (i item) code() string {
	if i.listed >= 0 {
		return i.p.listed[i.listed].Code
	}
	return i.p.x.Code(i.c)
}

func (c *compiled) expand(q ExpandQuery) (*Expansion, error) {
	if err := c.whyUnknown(false); err != nil {
		return nil, err
	}
	if system := c.endless(); system != "" {
		return nil, fault.E("terminology.Expand", fault.NotSupported, "the codes of "+system+" are made by rules: they can be validated, not listed", "url")
	}
	q.Offset = min(q.Offset, maxOffset)
	out := &Expansion{Definition: c.def, Offset: q.Offset}
	words := index.Words(q.Filter)
	if len(words) > index.MaxWords {
		return nil, fault.E("terminology.Expand", fault.TooLong, "the filter has more than 32 words: ask with fewer", "filter")
	}
	paged := q.Offset > 0 || q.Count >= 0
	if one := c.single(); one != nil && len(words) > 0 {
		one.searched(out, words, q, c.def.ActiveOnly)
	} else if err := c.enumerate(out, words, q, paged); err != nil {
		return nil, err
	}
	c.used(out)
	return out, nil
}

// endless is a system that the set has without a list of its codes; "" where
// it has none.
func (c *compiled) endless() string {
	for _, p := range c.include {
		if p.system != "" && p.x == nil && p.codes == nil {
			return p.system
		}
		for _, v := range p.sets {
			if s := v.endless(); s != "" && p.system == "" {
				return s
			}
		}
	}
	return ""
}

// single is the one include of a set that is all a loaded system, or filtered.
func (c *compiled) single() *part {
	if len(c.include) == 1 && len(c.exclude) == 0 {
		if p := c.include[0]; p.x != nil && p.codes == nil && len(p.sets) == 0 {
			return p
		}
	}
	return nil
}

// searched answers a text filter from the words of the index, best first.
func (p *part) searched(out *Expansion, words []string, q ExpandQuery, active bool) {
	within := p.members
	if q.ActiveOnly || active {
		all := p.x.All(false)
		if within != nil {
			all.And(within)
		}
		within = all
	}
	limit := MaxExpansion
	if q.Count >= 0 {
		limit = q.Offset + q.Count
	}
	if q.ExcludeNotForUI {
		within = p.x.Selectable(within)
	}
	var list []index.Concept
	hits, total := p.x.Search(words, within, max(limit, 1))
	if c, ok := p.x.Find(strings.TrimSpace(q.Filter)); ok && (within == nil || within.Has(c)) {
		if list = append(list, c); !p.x.Matches(c, words) { // the code itself was given, and is found by no name
			total++
		}
	}
	for _, h := range hits {
		if len(list) == 0 || h.Concept != list[0] {
			list = append(list, h.Concept)
		}
	}
	out.Total = total
	for _, c := range list[min(q.Offset, len(list)):min(limit, len(list))] {
		out.Contains = append(out.Contains, item{p, c, true, -1}.contained(q))
	}
}

// enumerate goes through the whole set in its order, and keeps the page.
func (c *compiled) enumerate(out *Expansion, words []string, q ExpandQuery, paged bool) error {
	nest := &nesting{out: out, on: !q.ExcludeNested && !paged && len(words) == 0}
	left := maxWork / c.weight
	find := &finder{words: words, sets: map[*index.Index]*index.Set{}}
	for it := range c.items(q.ActiveOnly) {
		if left--; left < 0 {
			return fault.E("terminology.Expand", fault.TooCostly, "the value set would take too long to list: ask with a filter", "filter")
		}
		if len(words) > 0 && !find.matches(it) || q.ExcludeNotForUI && it.known && it.p.x.Abstract(it.c) {
			continue
		}
		out.Total++
		if out.Total <= q.Offset || q.Count >= 0 && out.Total > q.Offset+q.Count {
			continue
		}
		if q.Count < 0 && out.Total-q.Offset > MaxExpansion {
			return fault.E("terminology.Expand", fault.TooCostly, "the value set has more than 20000 codes: ask with count and offset, or with a filter", "count")
		}
		nest.add(it, q)
	}
	nest.end(0)
	return nil
}

// items are the codes of the set, each once: those of the includes in turn that
// no exclude has.
func (c *compiled) items(active bool) iter.Seq[item] {
	active = active || c.def.ActiveOnly
	return func(yield func(item) bool) {
		for k, p := range c.include {
			for it := range p.items(active) {
				if (k > 0 || len(c.exclude) > 0) && c.elsewhere(it, k, active) {
					continue
				}
				if !yield(it) {
					return
				}
			}
		}
	}
}

// elsewhere says whether a code is excluded, or in one of the includes before the k-th.
func (c *compiled) elsewhere(it item, k int, active bool) bool {
	return slices.ContainsFunc(c.exclude, func(e *part) bool { return e.holds(it, false) }) ||
		slices.ContainsFunc(c.include[:k], func(e *part) bool { return e.holds(it, active) })
}

// holds says whether a code is in a part: where both are of one code system, by
// the concept's number alone.
func (p *part) holds(it item, active bool) bool {
	if it.known && p.x == it.p.x && p.codes == nil && p.unknown == nil && p.missing == nil && len(p.sets) == 0 {
		return (p.members == nil || p.members.Has(it.c)) && !(active && p.x.Inactive(it.c))
	}
	return p.has(it.p.system, it.code(), active) == yes
}

// items are the codes of one include.
func (p *part) items(active bool) iter.Seq[item] {
	return func(yield func(item) bool) {
		sets := p.sets
		from := p.owned(active)
		if p.system == "" {
			if len(sets) == 0 {
				return
			}
			from, sets = sets[0].items(active), sets[1:]
		}
		for it := range from {
			code := ""
			if len(sets) > 0 {
				code = it.code()
			}
			if slices.ContainsFunc(sets, func(v *compiled) bool { return v.has(it.p.system, code, active) != yes }) {
				continue
			}
			if !yield(it) {
				return
			}
		}
	}
}

// owned are the codes of the include's own system: as it lists them, or in the
// order of the system.
func (p *part) owned(active bool) iter.Seq[item] {
	return func(yield func(item) bool) {
		if p.codes != nil {
			for k, l := range p.listed {
				it := item{p: p, listed: k}
				if p.x != nil {
					it.c, it.known = p.x.Find(l.Code)
				}
				if p.codes[p.key(l.Code)] != k || active && it.known && p.x.Inactive(it.c) {
					continue
				}
				if !yield(it) {
					return
				}
			}
			return
		}
		if p.x == nil {
			return
		}
		members := p.members
		if members == nil {
			members = p.x.All(true)
		}
		for c := range members.Concepts() {
			if active && p.x.Inactive(c) {
				continue
			}
			if !yield(item{p, c, true, -1}) {
				return
			}
		}
	}
}

// contained is the code as the expansion has it.
func (i item) contained(q ExpandQuery) Contained {
	out := Contained{Coding: Coding{System: i.p.system, Code: i.code()}}
	if i.known {
		x := i.p.x
		out.Abstract, out.Inactive = x.Abstract(i.c), x.Inactive(i.c)
		of := supplemented{x, i.c, i.p.more}
		out.Display = of.display(q.DisplayLanguage)
		if q.IncludeDesignations {
			out.Designations = chosen(of.named(), q.Designations)
		}
		if len(q.Properties) > 0 {
			out.Properties = of.properties(q.DisplayLanguage, q.Properties)
		}
	}
	if i.listed >= 0 {
		i.asListed(&out, q)
	}
	return out
}

// asListed lays what the value set itself says of a code over what the system
// does: its display, unless a name in the language asked for is there.
func (i item) asListed(out *Contained, q ExpandQuery) {
	l := i.p.listed[i.listed]
	if l.Display != "" && (q.DisplayLanguage == "" || out.Display == "" || i.known && out.Display == i.p.x.Display(i.c)) {
		out.Display = l.Display
	}
	for _, d := range l.Designations {
		if q.DisplayLanguage != "" && sameLanguage(d.Language, q.DisplayLanguage) {
			out.Display = d.Value
			break
		}
	}
	if q.IncludeDesignations {
		for _, d := range chosen(l.Designations, q.Designations) {
			if !slices.Contains(out.Designations, d) {
				out.Designations = append(out.Designations, d)
			}
		}
	}
}

// chosen are the designations that were asked for, by language or by use.
func chosen(all []Designation, asked []string) []Designation {
	if len(asked) == 0 {
		return all
	}
	var out []Designation
	for _, d := range all {
		if slices.ContainsFunc(asked, func(a string) bool {
			system, value, token := strings.Cut(a, "|")
			switch {
			case token && system == "urn:ietf:bcp:47":
				return sameLanguage(d.Language, value)
			case token:
				return d.Use.System == system && d.Use.Code == value
			}
			return sameLanguage(d.Language, a)
		}) {
			out = append(out, d)
		}
	}
	return out
}

// used says which code systems the expansion rests on.
func (c *compiled) used(out *Expansion) {
	for _, p := range c.include {
		if p.system != "" {
			u := p.system
			if p.x != nil && p.x.Meta().Version != "" {
				u += "|" + p.x.Meta().Version
			}
			if !slices.Contains(out.Used, u) {
				out.Used = append(out.Used, u)
			}
			out.Unclosed = out.Unclosed || p.x != nil && !whole(p.x) && len(p.listed) == 0
		}
		for _, v := range p.sets {
			v.used(out)
		}
	}
}
