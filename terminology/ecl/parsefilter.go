package ecl

import (
	"slices"
	"strings"
)

// tokens are the fields of filters whose values are words.
var tokens = []string{"type", "language", "definitionstatus", "active"}

// filters reads the conditions up to }}.
func (p *parser) filters() []filter {
	var out []filter
	for p.err == nil {
		out = append(out, p.filter())
		if p.takes("}}") {
			return out
		}
		p.wants(",")
	}
	return out
}

func (p *parser) filter() filter {
	f := filter{field: strings.ToLower(p.field())}
	f.op = p.comparison()
	p.space()
	switch {
	case p.err != nil:
	case f.field == "dialect" || f.field == "dialectid":
		f.spoken = p.dialects(f.field == "dialectid")
	case p.sees("#"):
		p.at++
		f.values = []search{{exact: true, text: p.decimal()}}
	case p.sees(`"`), p.word() == "MATCH" || p.word() == "WILD" || p.word() == "EXACT", p.sees("(") && p.quotedWithin():
		f.values = p.searches()
	case slices.Contains(tokens, f.field):
		f.values = p.tokenSet()
	default:
		f.sets = p.conceptSet()
	}
	return f
}

// tokenSet reads a word or a number, or several in brackets.
func (p *parser) tokenSet() []search {
	one := func() search { return search{exact: true, text: p.dashed()} }
	if !p.takes("(") {
		return []search{one()}
	}
	var out []search
	for p.err == nil && !p.takes(")") {
		out = append(out, one())
	}
	return out
}

// dialects reads a dialect, or several in brackets, each with how a description
// stands in it; what stands behind the bracket is said of all.
func (p *parser) dialects(byID bool) []spoken {
	one := func() spoken {
		s := spoken{acceptable: true, preferred: true}
		if byID {
			if c, ok := p.concept().(concept); ok {
				s.dialect = c.id
			}
		} else {
			w := p.dashed()
			if s.dialect = aliases[w]; s.dialect == "" && p.err == nil {
				p.at -= len(w)
				p.fail("here should be the alias of a dialect, as en-gb, or its id after dialectId")
			}
		}
		p.acceptability(&s)
		return s
	}
	if !p.takes("(") {
		return []spoken{one()}
	}
	var out []spoken
	for p.err == nil && !p.takes(")") {
		out = append(out, one())
	}
	all := spoken{acceptable: true, preferred: true}
	p.acceptability(&all)
	for i := range out {
		out[i].acceptable, out[i].preferred = out[i].acceptable && all.acceptable, out[i].preferred && all.preferred
	}
	return out
}

// dashed is a word of letters, digits and hyphens, in small letters.
func (p *parser) dashed() string {
	p.space()
	from := p.at
	for p.at < len(p.s) && (letter(p.s[p.at]) || digit(p.s[p.at]) || p.s[p.at] == '-') {
		p.at++
	}
	if from == p.at {
		p.fail("here should be a word")
	}
	return strings.ToLower(p.s[from:p.at])
}

// acceptability reads what may stand behind a dialect: (prefer), (accept) or
// both, as words or as the ids of the two.
func (p *parser) acceptability(s *spoken) {
	if !p.takes("(") {
		return
	}
	s.acceptable, s.preferred = false, false
	for p.err == nil && !p.takes(")") {
		if p.space(); p.at < len(p.s) && digit(p.s[p.at]) {
			c, _ := p.concept().(concept)
			s.acceptable, s.preferred = s.acceptable || c.id == acceptableID, s.preferred || c.id == preferredID
			if p.err == nil && c.id != acceptableID && c.id != preferredID {
				p.fail("this is no acceptability: 900000000000548007 is preferred, 900000000000549004 acceptable")
			}
			continue
		}
		switch w := p.dashed(); w {
		case "prefer", "preferred":
			s.preferred = true
		case "accept", "acceptable":
			s.acceptable = true
		default:
			p.fail("here should be prefer or accept")
		}
	}
}

// The ids of the two acceptabilities.
const (
	preferredID  = "900000000000548007"
	acceptableID = "900000000000549004"
)

// aliases are short names of language reference sets.
// https://confluence.ihtsdotools.org/display/DOCECL/Appendix+C+-+Dialect+Aliases
var aliases = map[string]string{
	"en-au": "32570271000036106", "en-ca": "19491000087109", "en-gb": "900000000000508004", "en-ie": "21000220103", "en-nz": "271000210107", "en-us": "900000000000509007",
	"en-x-nhs-clinical": "999001261000000100", "en-x-nhs-dmd": "999000671000001103", "en-x-nhs-pharmacy": "999000691000001104",
	// As they were called in version 1.
	"en-nhs-clinical": "999001261000000100", "en-nhs-dmd": "999000671000001103", "en-nhs-pharmacy": "999000691000001104",
	"en-uk-drug": "999000681000001101", "en-uk-ext": "999001251000000103",
}

// conceptSet reads an expression, or several concepts in brackets.
func (p *parser) conceptSet() node {
	start := p.at
	if p.takes("(") {
		var parts []node
		for p.err == nil && !p.takes(")") {
			parts = append(parts, p.concept())
		}
		if p.err == nil && len(parts) > 0 {
			return compound{"OR", parts}
		}
		p.err, p.at = nil, start // no list, but an expression
	}
	return p.sub()
}
