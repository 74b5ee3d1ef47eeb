package terminology

import (
	"slices"
	"strconv"
	"strings"

	"selda/terminology/index"
)

// normalForm is what a concept of SNOMED CT means, as an expression: the
// primitive concepts that it is nearest below, and its attributes, those of a
// role group in braces. A primitive concept is nearest to itself. With terms,
// each concept has its name beside it.
// https://hl7.org/fhir/R4/snomedct.html#properties,
// https://confluence.ihtsdotools.org/display/DOCSCG
func normalForm(x *index.Index, c index.Concept, terms bool) string {
	var b strings.Builder
	b.WriteString("=== ")
	named := func(c index.Concept) {
		b.WriteString(x.Code(c))
		if terms {
			b.WriteString("|" + strings.ReplaceAll(x.Display(c), "|", " ") + "|")
		}
	}
	for i, p := range primitives(x, c) {
		if i > 0 {
			b.WriteByte('+')
		}
		named(p)
	}
	open := 0 // the role group that is open
	for i := range x.PropertyCount(c) {
		p := x.Property(c, i)
		switch {
		case i == 0:
			b.WriteByte(':')
		case p.Group != open && open != 0:
			b.WriteString("},")
		default:
			b.WriteByte(',')
		}
		if p.Group != open && p.Group != 0 {
			b.WriteByte('{')
		}
		open = p.Group
		if attribute, ok := x.PropertyConcept(p.Name); ok {
			named(attribute)
		} else {
			b.WriteString(p.Code())
		}
		b.WriteByte('=')
		switch p.Type {
		case index.ConceptValue:
			named(p.Concept)
		case index.DecimalValue, index.IntegerValue:
			b.WriteString("#" + p.Text())
		default:
			b.WriteString(strconv.Quote(p.Text()))
		}
	}
	if open != 0 {
		b.WriteByte('}')
	}
	return b.String()
}

// primitives are the primitive concepts that a concept is nearest below, none
// of them above another; the concept itself where it is one.
func primitives(x *index.Index, c index.Concept) []index.Concept {
	if !x.Defined(c) {
		return []index.Concept{c}
	}
	above := x.NewSet()
	seen := x.NewSet()
	for todo := []index.Concept{c}; len(todo) > 0; todo = todo[1:] {
		for _, p := range x.Parents(todo[0]) {
			switch {
			case seen.Has(p):
			case x.Defined(p):
				todo = append(todo, p)
			default:
				above.Add(p)
			}
			seen.Add(p)
		}
	}
	out := slices.Collect(above.Concepts())
	return slices.DeleteFunc(slices.Clone(out), func(p index.Concept) bool {
		return slices.ContainsFunc(out, func(q index.Concept) bool { return p != q && x.Subsumes(p, q) })
	})
}
