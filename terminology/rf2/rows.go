package rf2

import (
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// number reads an identifier of SNOMED CT: 6 to 18 digits.
func number(id string) (uint64, error) {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil || len(id) < 6 || len(id) > 18 || id[0] == '0' {
		return 0, fault.E("rf2.number", fault.Structure, "an identifier is not 6 to 18 digits")
	}
	return n, nil
}

func (r *release) concept(l row) error {
	id := l.get("id")
	if _, err := number(id); err != nil {
		return err
	}
	stamp, err := r.stamp(l)
	if err != nil {
		return err
	}
	r.modules[l.get("moduleId")]++
	n, again := r.b.Find(id)
	switch {
	case !again:
		n = r.b.Concept(id)
		r.rows = append(r.rows, has{})
	case r.rows[n].since >= stamp.Since: // of a concept in two packages the newer row holds
		return nil
	}
	r.rows[n].since, r.rows[n].active = stamp.Since, l.active()
	r.b.Stamp(n, stamp)
	r.b.SetInactive(n, !l.active())
	r.b.SetDefined(n, l.get("definitionStatusId") == defined)
	return nil
}

func (r *release) dependency(l row) error {
	if l.active() {
		r.top[l.get("moduleId")] = true
		r.needed[l.get("referencedComponentId")] = true
	}
	return nil
}

// language notes the descriptions that a language accepts.
func (r *release) language(l row) error {
	accepted, isPreferred := l.get("acceptabilityId"), false
	switch {
	case !l.active():
		return nil
	case accepted == preferred:
		isPreferred = true
	case accepted != acceptable:
		return nil
	}
	code := l.get("refsetId")
	i := slices.IndexFunc(r.dialects, func(d *dialect) bool { return d.code == code })
	if i < 0 {
		number, err := r.b.Dialect(strings.Clone(code))
		if err != nil {
			return err
		}
		rank := slices.Index(Languages, code)
		if rank < 0 {
			rank = unranked
		}
		i = len(r.dialects)
		r.dialects = append(r.dialects, &dialect{code: strings.Clone(code), number: number, rank: uint8(rank)})
	}
	id, err := number(l.get("referencedComponentId"))
	if err != nil {
		return err
	}
	id <<= 1
	if isPreferred {
		id |= 1
	}
	r.dialects[i].terms = append(r.dialects[i].terms, id)
	return nil
}

const unranked = 15

// rank is a description's place among those that languages prefer, lower the better.
func (r *release) rank(id uint64) uint8 {
	best := uint8(unranked)
	for _, d := range r.dialects {
		if _, found := slices.BinarySearch(d.terms, id<<1|1); found {
			best = min(best, d.rank)
		}
	}
	return best
}

// stamp is what the release says of a row.
func (r *release) stamp(l row) (index.Stamp, error) {
	since, err := strconv.ParseUint(l.get("effectiveTime"), 10, 32)
	if err != nil {
		return index.Stamp{}, fault.E("rf2.stamp", fault.Structure, "the effective time is no date")
	}
	return index.Stamp{Module: r.b.Module(l.get("moduleId")), Since: uint32(since)}, nil
}

// dialectsOf puts into a stamp which dialects accept a description.
func (r *release) dialectsOf(id uint64, s *index.Stamp) {
	for _, d := range r.dialects {
		for _, isPreferred := range []bool{false, true} {
			key := id << 1
			if isPreferred {
				key |= 1
			}
			if _, found := slices.BinarySearch(d.terms, key); found {
				s.Put(d.number, isPreferred)
			}
		}
	}
}

// choose finds the term under which each concept is shown.
func (r *release) choose(l row) error {
	if !l.active() || l.get("typeId") != synonym {
		return nil
	}
	id, err := number(l.get("id"))
	if err != nil {
		return err
	}
	n, ok := r.b.Find(l.get("conceptId"))
	if !ok {
		return nil
	}
	if rank := r.rank(id); r.best[n].id == 0 || rank < r.best[n].rank {
		r.best[n] = term{id, rank}
	}
	return nil
}

const useSystem = System

// describe takes a description in.
func (r *release) describe(l row) error {
	if !l.active() {
		return nil
	}
	n, ok := r.b.Find(l.get("conceptId"))
	if !ok {
		return nil
	}
	id, err := number(l.get("id"))
	if err != nil {
		return err
	}
	stamp, err := r.stamp(l)
	if err != nil {
		return err
	}
	r.dialectsOf(id, &stamp)
	r.rows[n].described = true
	text := l.get("term")
	k := index.Kind{Language: l.get("languageCode"), UseSystem: useSystem, Use: l.get("typeId")}
	switch k.Use {
	case synonym:
		k.Role, k.UseName = index.Synonym, "Synonym"
		if r.best[n].id == id {
			k.Role = index.Display
		}
	case fullySpecified:
		k.Role, k.UseName = index.FullName, "Fully specified name"
		if r.best[n].id == 0 { // a concept without a synonym is shown by its full name, without the tag
			r.best[n] = term{id, unranked}
			if err := r.b.Describe(n, index.Kind{Role: index.Display, Language: k.Language}, untagged(text)); err != nil {
				return err
			}
		}
	case textDefinition:
		k.Role, k.UseName = index.Definition, "Definition"
	default:
		k.Role = index.Other
	}
	return r.b.DescribeRow(n, k, text, id, stamp)
}

// untagged is a fully specified name without its semantic tag.
func untagged(s string) string {
	if i := strings.LastIndex(s, " ("); i > 0 && strings.HasSuffix(s, ")") {
		return s[:i]
	}
	return s
}

func (r *release) relate(l row) error {
	if !l.active() || l.get("characteristicTypeId") != inferred {
		return nil
	}
	from, known := r.b.Find(l.get("sourceId"))
	to, there := r.b.Find(l.get("destinationId"))
	if !known || !there {
		return nil // of a module that the release does not have
	}
	typ := l.get("typeId")
	if typ == isA {
		r.b.Parent(from, to)
		r.rows[from].parent = true
		return nil
	}
	group, err := group(l)
	if err == nil {
		r.b.Relate(from, r.b.Name(index.PropertyName{Code: typ}), group, to)
	}
	return err
}

func group(l row) (int, error) {
	g, err := strconv.ParseUint(l.get("relationshipGroup"), 10, 16)
	if err != nil {
		return 0, fault.E("rf2.group", fault.Structure, "the relationship group is no number")
	}
	return int(g), nil
}

// concrete takes a value in that is no concept: a number (#5) or a text ("x").
func (r *release) concrete(l row) error {
	from, known := r.b.Find(l.get("sourceId"))
	if !l.active() || !known || l.get("characteristicTypeId") != inferred {
		return nil
	}
	g, err := group(l)
	if err != nil {
		return err
	}
	value, typ := l.get("value"), index.TextValue
	switch {
	case strings.HasPrefix(value, "#"):
		value, typ = value[1:], index.DecimalValue
	case len(value) > 1 && value[0] == '"':
		value = strings.TrimSuffix(value[1:], `"`)
	case value == "true" || value == "false":
		typ = index.BooleanValue
	}
	r.b.Property(from, r.b.Name(index.PropertyName{Code: l.get("typeId")}), g, typ, value)
	return nil
}

// member finds a reference set and the concept that a row of it is about.
func (r *release) member(l row) (set, member index.Node, ok bool) {
	if !l.active() {
		return 0, 0, false
	}
	set, ok = r.b.Find(l.get("refsetId"))
	if !ok {
		return 0, 0, false
	}
	member, ok = r.b.Find(l.get("referencedComponentId"))
	return set, member, ok
}

func (r *release) simple(l row) error {
	if set, member, ok := r.member(l); ok {
		r.b.Member(set, member)
	}
	return nil
}

func (r *release) associate(l row) error {
	set, member, ok := r.member(l)
	if !ok {
		return nil
	}
	if target, there := r.b.Find(l.get("targetComponentId")); there {
		r.b.Associate(set, member, target)
	}
	return nil
}

func (r *release) mapped(l row) error {
	set, member, ok := r.member(l)
	if !ok {
		return nil
	}
	order := [2]int{}
	for i, c := range []string{"mapGroup", "mapPriority"} {
		if text := l.get(c); text != "" {
			n, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return fault.E("rf2.mapped", fault.Structure, c+" is no number")
			}
			order[i] = int(n)
		}
	}
	r.b.Map(set, member, l.get("mapTarget"), order[0], order[1], l.get("mapRule"), l.get("mapAdvice"))
	return nil
}
