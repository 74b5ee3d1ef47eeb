package search

import (
	"strings"

	"selda/fault"
)

// _filter: expressions over the other parameters.
// https://hl7.org/fhir/R4/search_filter.html

// Comparisons that a filter has and no modifier stands for.
const equals, endsWith, overlaps = "equals", "ends-with", "overlaps"

var comparisons = map[Kind][]string{String: {equals, endsWith}, Date: {overlaps}}

// filterParser reads one expression.
type filterParser struct {
	q     *Scope
	typ   string
	rest  string
	depth int
}

// filter reads an expression. The clauses in it are asked as others are.
func (q *Scope) filter(typ, text string) (*Clause, error) {
	within := *q
	within.filtered = true
	p := &filterParser{q: &within, typ: typ, rest: text}
	f, err := p.or()
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = p.wrong("and, or, or the end")
	}
	if err != nil {
		return nil, err
	}
	return &Clause{Name: "_filter", Values: []string{text}, direct: f.holds, Param: nil, parts: f.clauses}, nil
}

type filter struct {
	holds   func(*Candidate) bool
	clauses []*Clause // that are in it
}

func (p *filterParser) wrong(want string) error {
	return fault.E("search.filter", fault.Value, "the filter is not understood: here stands no "+want, "_filter")
}

func (p *filterParser) or() (filter, error) {
	return p.list("or", p.and, func(a, b func(*Candidate) bool) func(*Candidate) bool {
		return func(c *Candidate) bool { return a(c) || b(c) }
	})
}

func (p *filterParser) and() (filter, error) {
	return p.list("and", p.term, func(a, b func(*Candidate) bool) func(*Candidate) bool {
		return func(c *Candidate) bool { return a(c) && b(c) }
	})
}

func (p *filterParser) list(word string, next func() (filter, error), join func(a, b func(*Candidate) bool) func(*Candidate) bool) (filter, error) {
	f, err := next()
	for err == nil && p.word(word) {
		var g filter
		if g, err = next(); err == nil {
			f = filter{join(f.holds, g.holds), append(f.clauses, g.clauses...)}
		}
	}
	return f, err
}

// term is a comparison, an expression in brackets, or not of one.
func (p *filterParser) term() (filter, error) {
	const deepest = 20
	if p.depth++; p.depth > deepest {
		return filter{}, fault.E("search.filter", fault.TooLong, "the filter is nested too deep", "_filter")
	}
	defer func() { p.depth-- }()
	if p.word("not") {
		f, err := p.brackets()
		inner := f.holds
		f.holds = func(c *Candidate) bool { return !inner(c) }
		return f, err
	}
	if p.rest = strings.TrimLeft(p.rest, " "); strings.HasPrefix(p.rest, "(") {
		return p.brackets()
	}
	return p.comparison()
}

func (p *filterParser) brackets() (filter, error) {
	if p.rest = strings.TrimLeft(p.rest, " "); !strings.HasPrefix(p.rest, "(") {
		return filter{}, p.wrong("opening bracket")
	}
	p.rest = p.rest[1:]
	f, err := p.or()
	if err != nil {
		return f, err
	}
	if p.rest = strings.TrimLeft(p.rest, " "); !strings.HasPrefix(p.rest, ")") {
		return f, p.wrong("closing bracket")
	}
	p.rest = p.rest[1:]
	return f, nil
}

// word takes a word that stands next.
func (p *filterParser) word(w string) bool {
	s := strings.TrimLeft(p.rest, " ")
	if !strings.HasPrefix(s, w) || len(s) > len(w) && s[len(w)] != ' ' && s[len(w)] != '(' {
		return false
	}
	p.rest = s[len(w):]
	return true
}

func (p *filterParser) next() string {
	p.rest = strings.TrimLeft(p.rest, " ")
	if strings.HasPrefix(p.rest, `"`) {
		for i := 1; i < len(p.rest); i++ {
			switch p.rest[i] {
			case '\\':
				i++
			case '"':
				s := p.rest[1:i]
				p.rest = p.rest[i+1:]
				return strings.ReplaceAll(s, `\"`, `"`)
			}
		}
		return ""
	}
	end := strings.IndexAny(p.rest, " )")
	if end < 0 {
		end = len(p.rest)
	}
	s := p.rest[:end]
	p.rest = p.rest[end:]
	return s
}

// comparison reads path op value.
func (p *filterParser) comparison() (filter, error) {
	const op = "search.filter"
	path, how, value := p.next(), p.next(), p.next()
	if path == "" || how == "" || value == "" {
		return filter{}, p.wrong("comparison: name, operator and value")
	}
	param := p.last(path)
	name, text, not := path, escape(value, param), false
	switch {
	case how == "pr":
		name, text = path+":missing", map[string]string{"true": "false", "false": "true"}[value]
	case how == "eq" && param != nil && param.Kind == String:
		name = path + ":" + equals
	case how == "eq":
	case how == "ne":
		not = true
	case how == "co":
		name = path + ":contains"
		if param != nil && param.Kind == Token {
			name = path + ":text"
		}
	case how == "sw":
	case how == "ew" && param != nil && param.Kind == String:
		name = path + ":" + endsWith
	case how == "po" && param != nil && param.Kind == Date:
		name = path + ":" + overlaps
	case how == "in":
		name = path + ":in"
	case how == "ni":
		name = path + ":not-in"
	case how == "ss":
		name = path + ":below"
	case how == "sb":
		name = path + ":above"
	case how == "re":
	case strings.Contains(" gt lt ge le sa eb ap ", " "+how+" "):
		text = how + text
	default:
		return filter{}, fault.E(op, fault.NotSupported, "the operators are eq, ne, co, sw, ew (of strings), gt, lt, ge, le, ap, sa, eb, pr, po (of dates), in, ni, ss, sb and re", "_filter")
	}
	c, known, err := p.q.Clause(p.typ, name, text)
	if err != nil {
		return filter{}, fault.E(op, fault.KindOf(err), fault.Reason(err), "_filter")
	}
	if !known {
		return filter{}, fault.E(op, fault.NotSupported, "there is no parameter "+path+" of "+p.typ, "_filter")
	}
	holds := c.Matches
	if not {
		holds = func(r *Candidate) bool { return !c.Matches(r) }
	}
	return filter{holds, []*Clause{c}}, nil
}

// last is the parameter that a path ends in; nil where it has none.
func (p *filterParser) last(path string) *Parameter {
	types := []string{p.typ}
	for {
		link, rest, more := strings.Cut(path, ".")
		code, only, _ := strings.Cut(link, ":")
		var found *Parameter
		for _, t := range types {
			if found = p.q.Parameters.Lookup(t, code); found != nil {
				break
			}
		}
		if !more || found == nil {
			return found
		}
		if path, types = rest, found.Targets; only != "" {
			types = []string{only}
		}
	}
}

// escape keeps a filter's value one value; the bar of a token stays what it is.
func escape(v string, p *Parameter) string {
	v = strings.ReplaceAll(strings.ReplaceAll(v, `\`, `\\`), ",", `\,`)
	if p != nil && (p.Kind == String || p.Kind == URI) {
		v = strings.ReplaceAll(strings.ReplaceAll(v, "|", `\|`), "$", `\$`)
	}
	return v
}
