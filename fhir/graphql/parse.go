package graphql

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"selda/fault"
)

// Parse reads a query. Its errors are of kind Structure, or TooLong, and their
// place is the line and column where it went wrong.
func Parse(text string) (*Document, error) {
	if len(text) > maxQuery {
		return nil, fault.E("graphql.Parse", fault.TooLong, "the query is longer than 128 KiB")
	}
	if !utf8.ValidString(text) {
		return nil, fault.E("graphql.Parse", fault.Structure, "the query is not valid UTF-8")
	}
	p := &parser{text: text}
	p.next()
	d := p.document()
	if p.failed == nil && len(d.operations) == 0 {
		p.fail(fault.Structure, "there is no query")
	}
	seen := map[string]bool{}
	for name := range d.fragments {
		if p.failed == nil && d.circular(name, seen) {
			p.fail(fault.Structure, "a fragment spreads itself")
		}
	}
	return d, p.failed
}

// parser reads one token ahead. After a failure every token is the end.
type parser struct {
	text   string
	at     int // after the token
	token  token
	depth  int
	nodes  int
	sets   int // selections, so far
	failed error
}

func (p *parser) fail(k fault.Kind, words string) {
	if p.failed == nil {
		p.failed = fault.E("graphql.Parse", k, words, lineOf(p.text, p.token.from))
	}
	p.token = token{kind: endToken, from: p.token.from}
}

// lineOf is a line and column, from 1.
func lineOf(text string, at int) string {
	before := text[:min(at, len(text))]
	line := strings.Count(before, "\n") + 1
	return "line " + strconv.Itoa(line) + ", column " + strconv.Itoa(len(before)-strings.LastIndexByte(before, '\n'))
}

// is says whether the token is that punctuator, and goes on if it is.
func (p *parser) is(kind byte) bool {
	if p.token.kind != kind {
		return false
	}
	p.next()
	return true
}

func (p *parser) must(kind byte, words string) {
	if !p.is(kind) {
		p.fail(fault.Structure, words)
	}
}

// name reads a name.
func (p *parser) name() string {
	s := p.token.text
	if p.token.kind != nameToken {
		p.fail(fault.Structure, "a name should stand here")
		return ""
	}
	p.next()
	return s
}

// word says whether the token is that name, and goes on if it is.
func (p *parser) word(w string) bool {
	if p.token.kind != nameToken || p.token.text != w {
		return false
	}
	p.next()
	return true
}

// deeper keeps nesting and size within bounds.
func (p *parser) deeper(f func()) {
	if p.depth++; p.depth > 2*maxDepth {
		p.fail(fault.TooLong, "the query is nested too deep")
	}
	f()
	p.depth--
}

func (p *parser) node() {
	if p.nodes++; p.nodes > maxNodes {
		p.fail(fault.TooLong, "the query has too many parts")
	}
}

func (p *parser) document() *Document {
	d := &Document{fragments: map[string]*fragment{}}
	for p.failed == nil && p.token.kind != endToken {
		switch {
		case p.token.kind == '{':
			d.operations = append(d.operations, &operation{kind: "query", set: p.selections()})
		case p.word("fragment"):
			name := p.name()
			f := &fragment{}
			if !p.word("on") {
				p.fail(fault.Structure, "a fragment is on a type")
			}
			f.on = p.name()
			p.directives()
			f.set = p.selections()
			if d.fragments[name] != nil {
				p.fail(fault.Structure, "there are two fragments of one name")
			}
			d.fragments[name] = f
		default:
			d.operations = append(d.operations, p.operation())
		}
	}
	return d
}

func (p *parser) operation() *operation {
	o := &operation{kind: p.name()}
	if o.kind != "query" && o.kind != "mutation" && o.kind != "subscription" {
		p.fail(fault.Structure, "a query, or a fragment, should stand here")
	}
	if p.token.kind == nameToken {
		o.name = p.name()
	}
	if p.is('(') {
		for p.failed == nil && !p.is(')') {
			p.must('$', "a variable should stand here")
			v := variable{name: p.name()}
			p.must(':', "a variable has a type")
			v.typ, v.required = p.typ()
			if p.is('=') {
				x := p.value(true)
				v.value = &x
			}
			o.variables = append(o.variables, v)
			p.node()
		}
	}
	o.directed = p.directives()
	o.set = p.selections()
	return o
}

// typ reads a type, of which its name is enough to know.
func (p *parser) typ() (name string, required bool) {
	if p.is('[') {
		p.deeper(func() { name, _ = p.typ() })
		p.must(']', "a list of a type ends with ]")
	} else {
		name = p.name()
	}
	return name, p.is('!')
}

func (p *parser) selections() (out []selection) {
	p.must('{', "fields are chosen between { and }")
	p.sets++
	within := p.sets
	p.deeper(func() {
		for p.failed == nil && !p.is('}') {
			s := p.selection()
			s.within = within
			out = append(out, s)
		}
	})
	if p.failed == nil && len(out) == 0 {
		p.fail(fault.Structure, "no field is chosen")
	}
	return out
}

func (p *parser) selection() selection {
	p.node()
	s := selection{}
	if p.is(dotsToken) {
		if p.token.kind == nameToken && p.token.text != "on" {
			s.spread = p.name()
			s.directed = p.directives()
			return s
		}
		s.inline = true
		if p.word("on") {
			s.on = p.name()
		}
		s.directed = p.directives()
		s.set = p.selections()
		return s
	}
	s.name = p.name()
	s.alias = s.name
	if p.is(':') {
		s.name = p.name()
	}
	s.arguments = p.arguments(false)
	s.directed = p.directives()
	if p.token.kind == '{' {
		s.set = p.selections()
	}
	return s
}

func (p *parser) arguments(constant bool) (out []argument) {
	if !p.is('(') {
		return nil
	}
	for p.failed == nil && !p.is(')') {
		a := argument{name: p.name()}
		p.must(':', "an argument has a value")
		a.value = p.value(constant)
		out = append(out, a)
	}
	return out
}

func (p *parser) directives() (out []directive) {
	for p.failed == nil && p.is('@') {
		p.node()
		out = append(out, directive{p.name(), p.arguments(false)})
	}
	return out
}

func (p *parser) value(constant bool) (v value) {
	p.node()
	t := p.token
	switch {
	case t.kind == nameToken:
		p.next()
		v = value{kind: enumValue, text: t.text}
		switch t.text {
		case "true", "false":
			v.kind = booleanValue
		case "null":
			v.kind = nullValue
		}
	case t.kind == numberToken:
		p.next()
		v = value{kind: numberValue, text: t.text}
	case t.kind == stringToken:
		p.next()
		v = value{kind: stringValue, text: t.text}
	case t.kind == '$' && !constant:
		p.next()
		v = value{kind: variableValue, text: p.name()}
	case p.is('['):
		v.kind = listValue
		p.deeper(func() {
			for p.failed == nil && !p.is(']') {
				v.list = append(v.list, p.value(constant))
			}
		})
	case p.is('{'):
		v.kind = objectValue
		p.deeper(func() {
			for p.failed == nil && !p.is('}') {
				a := argument{name: p.name()}
				p.must(':', "a field of an object has a value")
				a.value = p.value(constant)
				v.fields = append(v.fields, a)
			}
		})
	default:
		p.fail(fault.Structure, "a value should stand here")
	}
	return v
}

// circular says whether a fragment comes to itself through those it spreads.
// seen holds those that are gone through (true) and those on the way (false).
func (d *Document) circular(name string, seen map[string]bool) bool {
	done, met := seen[name]
	f := d.fragments[name]
	if met || f == nil {
		return met && !done
	}
	seen[name] = false
	if d.spreads(f.set, seen) {
		return true
	}
	seen[name] = true
	return false
}

func (d *Document) spreads(set []selection, seen map[string]bool) bool {
	for i := range set {
		if s := &set[i]; s.spread != "" && d.circular(s.spread, seen) || d.spreads(s.set, seen) {
			return true
		}
	}
	return false
}
