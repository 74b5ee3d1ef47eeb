package fhirpath

import (
	"strings"

	"selda/fault"
)

// node is one piece of an expression's tree.
type node struct {
	op    op
	text  string  // a name, an operator, a variable
	value Item    // of a literal
	in    *node   // what stands before the dot; nil where it is $this
	args  []*node // a function's arguments, an operator's operands
	pos   int
}

type op uint8

const (
	opEmpty op = iota
	opLiteral
	opThis
	opIndex
	opTotal
	opExternal // text is the variable
	opMember   // text is the element
	opCall     // text is the function
	opIndexer  // in[args[0]]
	opSign     // text is + or -
	opBinary   // text is the operator
	opType     // text is is or as; args[0] is the type, as opMember
)

// Bounds of what is compiled: expressions of the standard have some 1,500
// characters at most, and nest 10 deep.
const (
	maxLength = 20_000
	maxDepth  = 100
)

type parser struct {
	tokens []token
	i      int
	depth  int
}

// parse reads an expression by the grammar of http://hl7.org/fhirpath/N1/#formal-specifications.
func parse(s string) (*node, error) {
	if len(s) > maxLength {
		return nil, fault.E("fhirpath.Compile", fault.TooLong, "an expression has at most 20,000 characters")
	}
	tokens, err := lex(s)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != endToken {
		return nil, syntax(t.pos, "an operator is missing here")
	}
	return n, nil
}

func (p *parser) peek() *token { return &p.tokens[p.i] }

func (p *parser) next() *token {
	t := &p.tokens[p.i]
	if t.kind != endToken {
		p.i++
	}
	return t
}

func (p *parser) symbol(text string) bool {
	if t := p.peek(); t.kind == symbolToken && t.text == text {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(text string) error {
	if p.symbol(text) {
		return nil
	}
	return syntax(p.peek().pos, "here "+text+" is missing")
}

// binding says how tightly an operator binds; 0 of what is none.
func binding(t *token) int {
	switch t.kind {
	case symbolToken:
		switch t.text {
		case "*", "/":
			return 10
		case "+", "-", "&":
			return 9
		case "|":
			return 7
		case "<", ">", "<=", ">=":
			return 6
		case "=", "~", "!=", "!~":
			return 5
		}
	case nameToken:
		switch t.text {
		case "div", "mod":
			return 10
		case "is", "as":
			return 8
		case "in", "contains":
			return 4
		case "and":
			return 3
		case "or", "xor":
			return 2
		case "implies":
			return 1
		}
	}
	return 0
}

// expression reads operands and the operators between them that bind tighter
// than least. All operators are grouped from the left.
func (p *parser) expression(least int) (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fault.E("fhirpath.Compile", fault.TooLong, "an expression is nested deeper than 100 levels")
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		t := p.peek()
		tight := binding(t)
		if tight <= least {
			return left, nil
		}
		if n > 20*maxDepth {
			return nil, fault.E("fhirpath.Compile", fault.TooLong, "an expression has too many operators in a row")
		}
		p.next()
		if t.kind == nameToken && (t.text == "is" || t.text == "as") {
			typ, err := p.typeName()
			if err != nil {
				return nil, err
			}
			left = &node{op: opType, text: t.text, in: left, args: []*node{typ}, pos: t.pos}
			continue
		}
		right, err := p.expression(tight)
		if err != nil {
			return nil, err
		}
		left = &node{op: opBinary, text: t.text, args: []*node{left, right}, pos: t.pos}
	}
}

// typeName reads a type: Patient, FHIR.Patient, System.String.
func (p *parser) typeName() (*node, error) {
	n := &node{op: opMember, pos: p.peek().pos}
	for {
		t := p.next()
		if t.kind != nameToken && t.kind != quotedName {
			return nil, syntax(t.pos, "the name of a type is missing here")
		}
		n.text += t.text
		if !p.symbol(".") {
			return n, nil
		}
		n.text += "."
	}
}

// operand is a term with its sign before it and all that follows by dots.
func (p *parser) operand() (*node, error) {
	t := p.peek()
	if t.kind == symbolToken && (t.text == "+" || t.text == "-") {
		p.next()
		if p.depth++; p.depth > maxDepth {
			return nil, fault.E("fhirpath.Compile", fault.TooLong, "an expression is nested deeper than 100 levels")
		}
		defer func() { p.depth-- }()
		in, err := p.operand()
		if err != nil {
			return nil, err
		}
		return &node{op: opSign, text: t.text, in: in, pos: t.pos}, nil
	}
	n, err := p.term()
	for links := 0; err == nil; links++ {
		if links > 20*maxDepth {
			return nil, fault.E("fhirpath.Compile", fault.TooLong, "a path has too many steps")
		}
		at := p.peek().pos
		switch {
		case p.symbol("."):
			n, err = p.invocation(n)
		case p.symbol("["):
			var index *node
			if index, err = p.expression(0); err == nil {
				n, err = &node{op: opIndexer, in: n, args: []*node{index}, pos: at}, p.expect("]")
			}
		default:
			return n, nil
		}
	}
	return n, err
}

func (p *parser) term() (*node, error) {
	t := p.peek()
	switch t.kind {
	case nameToken:
		if t.text == "true" || t.text == "false" {
			p.next()
			return &node{op: opLiteral, value: Boolean(t.text == "true"), pos: t.pos}, nil
		}
		return p.invocation(nil)
	case quotedName:
		return p.invocation(nil)
	case stringToken:
		p.next()
		return &node{op: opLiteral, value: String(t.text), pos: t.pos}, nil
	case numberToken:
		p.next()
		return p.number(t)
	case dateToken, dateTimeToken, timeToken:
		p.next()
		return temporalLiteral(t)
	case externalToken:
		p.next()
		return &node{op: opExternal, text: t.text, pos: t.pos}, nil
	case symbolToken:
		return p.punctuated(t)
	}
	return nil, syntax(t.pos, "the expression ends too early")
}

func (p *parser) punctuated(t *token) (*node, error) {
	switch t.text {
	case "$this", "$index", "$total":
		p.next()
		return &node{op: map[string]op{"$this": opThis, "$index": opIndex, "$total": opTotal}[t.text], pos: t.pos}, nil
	case "(":
		p.next()
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case "{":
		p.next()
		return &node{op: opEmpty, pos: t.pos}, p.expect("}")
	}
	return nil, syntax(t.pos, "a value or a name is missing here")
}

// invocation is an element or a function, of what stands before the dot.
func (p *parser) invocation(in *node) (*node, error) {
	t := p.next()
	switch {
	case t.kind == symbolToken && in != nil && strings.HasPrefix(t.text, "$"):
		return nil, syntax(t.pos, t.text+" does not follow a dot")
	case t.kind != nameToken && t.kind != quotedName:
		return nil, syntax(t.pos, "a name is missing here")
	case t.kind == nameToken && reserved(t.text):
		return nil, syntax(t.pos, t.text+" is an operator; as a name it stands between backticks")
	}
	n := &node{op: opMember, text: t.text, in: in, pos: t.pos}
	if !p.symbol("(") {
		return n, nil
	}
	n.op = opCall
	if p.symbol(")") {
		return n, nil
	}
	for {
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, arg)
		if !p.symbol(",") {
			return n, p.expect(")")
		}
	}
}

func reserved(name string) bool {
	switch name {
	case "and", "or", "xor", "implies", "div", "mod", "true", "false":
		return true
	}
	return false
}

// number is a number or, with a unit behind it, a quantity.
func (p *parser) number(t *token) (*node, error) {
	v, err := numberLiteral(t)
	if err != nil {
		return nil, err
	}
	n := &node{op: opLiteral, value: v, pos: t.pos}
	unit := p.peek()
	switch {
	case unit.kind == stringToken:
		p.next()
		n.value = quantityItem(&Quantity{Value: v.asDecimal(), Unit: unit.text})
	case unit.kind == nameToken && calendarUnits[unit.text] != "":
		p.next()
		n.value = quantityItem(&Quantity{Value: v.asDecimal(), Unit: calendarUnits[unit.text], Calendar: true})
	}
	return n, nil
}
