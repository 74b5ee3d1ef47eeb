package ecl

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"selda/fault"
)

// Bounds on an expression from outside.
const (
	maxLength = 64 << 10
	maxDepth  = 64
)

// Parse reads an expression. An error's place is the character where it stands.
func Parse(s string) (*Expression, error) {
	const op = "ecl.Parse"
	if len(s) > maxLength {
		return nil, fault.E(op, fault.TooLong, "the expression is longer than 64 KiB")
	}
	if !utf8.ValidString(s) {
		return nil, fault.E(op, fault.Structure, "the expression is no valid UTF-8")
	}
	p := &parser{s: s}
	n := p.expression()
	p.space()
	if p.err == nil && p.at < len(p.s) {
		p.fail("the expression should end here")
	}
	if p.err != nil {
		return nil, fault.E(op, fault.Invalid, p.err.Error(), fmt.Sprintf("character %d of the expression", utf8.RuneCountInString(s[:p.at])+1))
	}
	return &Expression{n}, nil
}

type parser struct {
	s     string
	at    int
	depth int
	err   error
}

// fail notes the first thing that is wrong; what is read afterwards is nothing.
func (p *parser) fail(words string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s", words)
	}
}

// space skips white space and comments.
func (p *parser) space() {
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			p.at++
		case strings.HasPrefix(p.s[p.at:], "/*"):
			end := strings.Index(p.s[p.at+2:], "*/")
			if end < 0 {
				p.fail("the comment does not end")
				p.at = len(p.s)
				return
			}
			p.at += end + 4
		default:
			return
		}
	}
}

// sees says whether a mark comes next.
func (p *parser) sees(mark string) bool {
	return p.err == nil && strings.HasPrefix(p.s[p.at:], mark)
}

// takes skips space and a mark, where it comes next.
func (p *parser) takes(mark string) bool {
	p.space()
	if !p.sees(mark) {
		return false
	}
	p.at += len(mark)
	return true
}

func (p *parser) wants(mark string) {
	if !p.takes(mark) {
		p.fail("here should be " + mark)
	}
}

// word is the word that comes next, in capitals; it is not taken.
func (p *parser) word() string {
	p.space()
	end := p.at
	for end < len(p.s) && (letter(p.s[end]) || digit(p.s[end]) && end > p.at || p.s[end] == '-' && end > p.at) {
		end++
	}
	if p.err != nil {
		return ""
	}
	return strings.ToUpper(p.s[p.at:end])
}

// takesWord takes a word, where it is the one that comes next.
func (p *parser) takesWord(w string) bool {
	if p.word() != strings.ToUpper(w) {
		return false
	}
	p.at += len(w)
	return true
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

func (p *parser) deeper() bool {
	if p.depth++; p.depth > maxDepth {
		p.fail("the expression is nested deeper than 64 levels")
	}
	return p.err == nil
}

// expression reads a refined, compound or dotted expression, or a simple one.
func (p *parser) expression() node {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return nil
	}
	n := p.sub()
	for p.err == nil && p.dotted() {
		p.at++
		n = dotted{n, p.sub()}
	}
	switch p.space(); {
	case p.takes(":"):
		return refined{n, p.refinement()}
	case p.word() == "MINUS":
		p.takesWord("MINUS")
		return compound{"MINUS", []node{n, p.sub()}}
	}
	for _, op := range []string{"AND", "OR"} {
		if !p.joins(op) {
			continue
		}
		parts := []node{n}
		for p.joins(op) {
			p.join(op)
			parts = append(parts, p.sub())
		}
		if w := p.word(); w == "AND" || w == "OR" || w == "MINUS" {
			p.fail("AND, OR and MINUS are not mixed without brackets")
		}
		return compound{op, parts}
	}
	return n
}

func (p *parser) dotted() bool {
	p.space()
	return p.sees(".")
}

func (p *parser) joins(op string) bool { return p.word() == op || op == "AND" && p.sees(",") }

func (p *parser) join(op string) {
	if op == "AND" && p.takes(",") {
		return
	}
	p.takesWord(op)
}

// operators as they are written, the longest first; then their long names.
var operators = []operator{childOrSelf, parentOrSelf, top, bottom, descendantOrSelf, children, ancestorOrSelf, parents, descendants, ancestors}

var longNames = map[string]operator{"DESCENDANTOF": descendants, "DESCENDANTORSELFOF": descendantOrSelf, "CHILDOF": children, "CHILDORSELFOF": childOrSelf,
	"ANCESTOROF": ancestors, "ANCESTORORSELFOF": ancestorOrSelf, "PARENTOF": parents, "PARENTORSELFOF": parentOrSelf}

func (p *parser) operator() operator {
	p.space()
	if op, ok := longNames[p.word()]; ok {
		p.at += len(p.word())
		return op
	}
	for _, op := range operators {
		if p.sees(string(op)) {
			p.at += len(op)
			// Some write << with a space within.
			if op == descendants && p.takes("<") {
				op = descendantOrSelf
			} else if op == ancestors && p.takes(">") {
				op = ancestorOrSelf
			}
			return op
		}
	}
	return ""
}

// sub reads a sub-expression: an operator, a focus, and what filters it.
func (p *parser) sub() node {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return nil
	}
	op := p.operator()
	var n node
	if p.takes("^") || p.takesWord("memberOf") {
		n = p.memberOf()
	} else {
		n = p.focus()
	}
	if op != "" {
		n = related{op, n}
	}
	for p.err == nil && p.takes("{{") {
		n = p.braces(n)
	}
	return n
}

// braces reads what stands between {{ and }} behind a focus.
func (p *parser) braces(n node) node {
	if p.takes("+") {
		return p.history(n)
	}
	kind := byte('D')
	switch w := p.word(); w {
	case "D", "C", "M":
		kind = w[0]
		p.at++
	}
	list := p.filters()
	if kind == 'M' {
		return p.memberFilters(n, list)
	}
	return filtered{n, kind, list}
}

// memberFilters hands filters on members to the reference sets that they are of.
func (p *parser) memberFilters(n node, list []filter) node {
	switch n := n.(type) {
	case memberOf:
		n.filters = append(n.filters, list...)
		return n
	case related:
		if m, ok := n.of.(memberOf); ok {
			m.filters = append(m.filters, list...)
			return related{n.op, m}
		}
	}
	p.fail("filters on members stand behind a reference set (^)")
	return n
}

func (p *parser) memberOf() node {
	var m memberOf
	if p.takes("[") {
		if !p.takes("*") {
			for {
				w := p.field()
				m.fields = append(m.fields, w)
				if !p.takes(",") {
					break
				}
			}
		}
		p.wants("]")
	}
	m.of = p.focus()
	return m
}

// field is a name of a field, as it is written.
func (p *parser) field() string {
	w := p.word()
	if w == "" {
		p.fail("here should be the name of a field")
		return ""
	}
	name := p.s[p.at : p.at+len(w)]
	p.at += len(w)
	return name
}

// focus reads a concept, the wildcard, or an expression in brackets.
func (p *parser) focus() node {
	p.space()
	switch {
	case p.takes("("):
		n := p.expression()
		p.wants(")")
		return n
	case p.takes("*"):
		return wildcard{}
	case p.takesWord("ANY"):
		return wildcard{}
	}
	return p.concept()
}

// concept reads an id of 6 to 18 digits, and the term that may stand behind it.
func (p *parser) concept() node {
	p.space()
	from := p.at
	for p.at < len(p.s) && digit(p.s[p.at]) {
		p.at++
	}
	id := p.s[from:p.at]
	if p.err != nil || len(id) < 6 || len(id) > 18 || id[0] == '0' {
		p.at = from
		p.fail("here should be a concept: its id has 6 to 18 digits")
		return nil
	}
	if p.takes("|") {
		end := strings.IndexByte(p.s[p.at:], '|')
		if end < 0 {
			p.fail("the term does not end: it stands between two |")
			return nil
		}
		p.at += end + 1
	}
	return concept{id}
}

func (p *parser) history(n node) node {
	h := history{of: n}
	switch w := p.word(); w {
	case "HISTORY":
		h.profile = "MAX"
		p.takesWord(w)
		if p.takes("(") {
			h.profile, h.refsets = "", p.expression()
			p.wants(")")
		}
	case "HISTORY-MIN", "HISTORY-MOD", "HISTORY-MAX":
		h.profile = w[len("HISTORY-"):]
		p.takesWord(w)
	default:
		p.fail("here should be HISTORY, HISTORY-MIN, HISTORY-MOD or HISTORY-MAX")
	}
	p.wants("}}")
	return h
}

// number reads a whole number, as of a cardinality.
func (p *parser) number() int {
	p.space()
	from := p.at
	for p.at < len(p.s) && digit(p.s[p.at]) {
		p.at++
	}
	n, err := strconv.Atoi(p.s[from:p.at])
	if err != nil || n > 1<<20 {
		p.fail("here should be a number")
	}
	return n
}
