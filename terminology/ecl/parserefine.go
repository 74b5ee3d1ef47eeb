package ecl

import (
	"strconv"
	"strings"

	"selda/terminology/index"
)

// refinement reads what stands behind a colon: attributes, groups of them, and
// brackets, joined by commas, AND or OR.
func (p *parser) refinement() refinement {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return nil
	}
	first := p.oneRefinement()
	for _, op := range []string{"AND", "OR"} {
		if !p.joins(op) {
			continue
		}
		parts := []refinement{first}
		for p.err == nil && p.joins(op) {
			p.join(op)
			parts = append(parts, p.oneRefinement())
		}
		all := joined{op == "OR", parts}
		// A comma binds what OR has joined, as the grammar's sets within sets do.
		if other := map[string]string{"AND": "OR", "OR": "AND"}[op]; p.joins(other) {
			p.join(other)
			return joined{other == "OR", []refinement{all, p.refinement()}}
		}
		return all
	}
	return first
}

func (p *parser) oneRefinement() refinement {
	p.space()
	many, said := atLeastOnce, false
	if p.sees("[") {
		many, said = p.cardinality(), true
	}
	switch {
	case p.sees("{{"):
		p.fail("here should be an attribute")
	case p.takes("{"):
		g := group{many, p.refinement()}
		p.wants("}")
		return g
	case p.sees("(") && !said && p.bracketed():
		p.takes("(")
		r := p.refinement()
		p.wants(")")
		return r
	}
	return p.attribute(many)
}

// bracketed says whether the bracket that comes next holds refinements: then
// the one that closes it is not followed by a comparison.
func (p *parser) bracketed() bool {
	depth := 0
	for i := p.at; i < len(p.s); i++ {
		switch p.s[i] {
		case '|', '"':
			end := strings.IndexByte(p.s[i+1:], p.s[i])
			if end < 0 {
				return false
			}
			i += end + 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				rest := &parser{s: p.s, at: i + 1}
				rest.space()
				for rest.takes("{{") { // filters behind the name of an attribute
					end := strings.Index(rest.s[rest.at:], "}}")
					if end < 0 {
						return false
					}
					rest.at += end + 2
					rest.space()
				}
				return !(rest.sees("=") || rest.sees("!=") || rest.sees("<=") || rest.sees(">=") || rest.sees("<") || rest.sees(">"))
			}
		}
	}
	return false
}

// cardinality reads [1..3] or [0..*].
func (p *parser) cardinality() cardinality {
	p.wants("[")
	c := cardinality{min: p.number(), max: -1}
	if !p.takesWord("to") {
		p.wants("..")
	}
	if !p.takes("*") && !p.takesWord("many") {
		c.max = p.number()
		if c.max < c.min {
			p.fail("the most is less than the least")
		}
	}
	p.wants("]")
	return c
}

// comparisons, the longest first.
var comparisons = []string{"!=", "<=", ">=", "=", "<", ">"}

func (p *parser) comparison() string {
	p.space()
	if p.takes("<>") {
		return "!="
	}
	for _, c := range comparisons {
		if p.takes(c) {
			return c
		}
	}
	p.fail("here should be a comparison: =, !=, <, <=, > or >=")
	return ""
}

func (p *parser) attribute(many cardinality) refinement {
	a := attribute{cardinality: many}
	if w := p.word(); w == "R" || w == "REVERSEOF" {
		p.takesWord(w)
		a.reverse = true
	}
	a.name = p.sub()
	a.op = p.comparison()
	p.space()
	switch w := p.word(); {
	case p.err != nil:
	case p.sees("#"):
		p.at++
		a.number, a.literal = true, []string{p.decimal()}
	case p.sees(`"`) || w == "MATCH" || w == "WILD" || p.sees("(") && p.quotedWithin():
		for _, s := range p.searches() {
			a.literal = append(a.literal, s.text)
		}
	case w == "TRUE" || w == "FALSE":
		p.takesWord(w)
		a.literal = []string{strings.ToLower(w)}
	default:
		a.value = p.sub()
	}
	switch {
	case p.err == nil && a.value != nil && a.op != "=" && a.op != "!=":
		p.fail("concepts are compared by = or != alone")
	case p.err == nil && a.reverse && a.value == nil:
		p.fail("an attribute that is reversed has concepts as its values")
	}
	return a
}

// quotedWithin says whether a bracket holds texts rather than concepts.
func (p *parser) quotedWithin() bool {
	rest := &parser{s: p.s, at: p.at + 1}
	rest.space()
	w := rest.word()
	return rest.sees(`"`) || w == "MATCH" || w == "WILD" || w == "EXACT"
}

// decimal reads a number as it is written.
func (p *parser) decimal() string {
	from := p.at
	for p.at < len(p.s) && (digit(p.s[p.at]) || strings.IndexByte("+-.", p.s[p.at]) >= 0) {
		p.at++
	}
	s := p.s[from:p.at]
	if _, err := strconv.ParseFloat(s, 64); err != nil {
		p.fail("here should be a number")
	}
	return s
}

// searches reads one text, or several in brackets.
func (p *parser) searches() []search {
	if !p.takes("(") {
		return []search{p.search()}
	}
	var out []search
	for p.err == nil && !p.takes(")") {
		out = append(out, p.search())
		if p.space(); p.at >= len(p.s) {
			p.fail("here should be )")
		}
	}
	return out
}

func (p *parser) search() search {
	var s search
	switch w := p.word(); w {
	case "MATCH", "WILD", "EXACT":
		p.takesWord(w)
		p.wants(":")
		s.wild, s.exact = w == "WILD", w == "EXACT"
	}
	s.text = p.quoted()
	if s.words = index.Words(s.text); len(s.words) > index.MaxWords && !s.wild && !s.exact {
		p.fail("a text that is searched has at most 32 words")
	}
	return s
}

// quoted reads a text in quotation marks.
func (p *parser) quoted() string {
	p.wants(`"`)
	var b strings.Builder
	for p.err == nil {
		if p.at >= len(p.s) {
			p.fail("the text does not end")
			break
		}
		c := p.s[p.at]
		p.at++
		switch {
		case c == '"':
			return b.String()
		case c == '\\' && p.at < len(p.s):
			b.WriteByte(p.s[p.at])
			p.at++
		default:
			b.WriteByte(c)
		}
	}
	return ""
}
