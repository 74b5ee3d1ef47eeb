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
	since, err := strconv.ParseUint(l.get("effectiveTime"), 10, 32)
	if err != nil {
		return fault.E("rf2.concept", fault.Structure, "the effective time is no date")
	}
	r.modules[l.get("moduleId")]++
	if n, again := r.b.Find(id); again { // of a concept in two packages the newer row holds
		if r.since[n] < uint32(since) {
			r.since[n] = uint32(since)
			r.b.SetInactive(n, !l.active())
		}
		return nil
	}
	n := r.b.Concept(id)
	r.since = append(r.since, uint32(since))
	r.b.SetInactive(n, !l.active())
	if l.get("definitionStatusId") == defined {
		r.b.Defined(n)
	}
	return nil
}

func (r *release) dependency(l row) error {
	if l.active() {
		r.top[l.get("moduleId")] = true
		r.needed[l.get("referencedComponentId")] = true
	}
	return nil
}

// language notes the descriptions that a language prefers.
func (r *release) language(l row) error {
	rank := slices.Index(Languages, l.get("refsetId"))
	if rank < 0 || !l.active() || l.get("acceptabilityId") != preferred {
		return nil
	}
	id, err := number(l.get("referencedComponentId"))
	if err == nil {
		r.terms = append(r.terms, id<<4|uint64(rank))
	}
	return err
}

const unranked = 15

// rank is a description's place among those that languages prefer, lower the better.
func (r *release) rank(id uint64) uint8 {
	i, _ := slices.BinarySearch(r.terms, id<<4)
	if i < len(r.terms) && r.terms[i]>>4 == id {
		return uint8(r.terms[i] & 15)
	}
	return unranked
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
	return r.b.Describe(n, k, text)
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
