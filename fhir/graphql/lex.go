package graphql

import (
	"strconv"
	"strings"

	"selda/fault"
)

type token struct {
	kind byte // a punctuator; n name, 0 number, " string, 3 for "...", 4 for the end
	text string
	from int
}

const (
	nameToken   = 'n'
	numberToken = '0'
	stringToken = '"'
	dotsToken   = 3
	endToken    = 4
)

// next reads the next token. https://spec.graphql.org/June2018/#sec-Source-Text
func (p *parser) next() {
	if p.failed != nil {
		return
	}
	s := p.text
	for p.at < len(s) {
		switch c := s[p.at]; {
		case c == ' ', c == '\t', c == '\n', c == '\r', c == ',':
			p.at++
		case strings.HasPrefix(s[p.at:], "\ufeff"):
			p.at += len("\ufeff")
		case c == '#':
			for p.at < len(s) && s[p.at] != '\n' && s[p.at] != '\r' {
				p.at++
			}
		default:
			p.take()
			return
		}
	}
	p.token = token{kind: endToken, from: p.at}
}

func (p *parser) take() {
	s, from := p.text, p.at
	p.token = token{kind: s[from], from: from}
	switch c := s[from]; {
	case letter(c):
		for p.at < len(s) && (letter(s[p.at]) || digit(s[p.at])) {
			p.at++
		}
		p.token = token{nameToken, s[from:p.at], from}
	case digit(c), c == '-':
		p.number()
	case c == '"':
		p.string()
	case strings.HasPrefix(s[from:], "..."):
		p.at += 3
		p.token = token{dotsToken, "...", from}
	case strings.IndexByte("!$()[]{}:=@|", c) >= 0:
		p.at++
		p.token.text = s[from:p.at]
	default:
		p.fail(fault.Structure, "this character is not one of GraphQL's")
	}
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

func (p *parser) number() {
	s, from := p.text, p.at
	digits := func() bool {
		start := p.at
		for p.at < len(s) && digit(s[p.at]) {
			p.at++
		}
		return p.at > start
	}
	if s[p.at] == '-' {
		p.at++
	}
	start := p.at
	ok := digits() && !(s[start] == '0' && p.at > start+1)
	if ok && p.at < len(s) && s[p.at] == '.' {
		p.at++
		ok = digits()
	}
	if ok && p.at < len(s) && s[p.at]|0x20 == 'e' {
		p.at++
		if p.at < len(s) && (s[p.at] == '+' || s[p.at] == '-') {
			p.at++
		}
		ok = digits()
	}
	if !ok || p.at < len(s) && (letter(s[p.at]) || s[p.at] == '.') {
		p.fail(fault.Structure, "not a number")
		return
	}
	p.token = token{numberToken, s[from:p.at], from}
}

// string reads a string, or a block of text between three quotes.
func (p *parser) string() {
	s, from := p.text, p.at
	if strings.HasPrefix(s[from:], `"""`) {
		end := from + 3
		for {
			i := strings.Index(s[end:], `"""`)
			if i < 0 {
				p.fail(fault.Structure, "a text does not end")
				return
			}
			if end += i; s[end-1] != '\\' {
				break
			}
			end += 3
		}
		p.at = end + 3
		p.token = token{stringToken, block(strings.ReplaceAll(s[from+3:end], `\"""`, `"""`)), from}
		return
	}
	var b strings.Builder
	for p.at++; p.at < len(s); p.at++ {
		switch c := s[p.at]; c {
		case '"':
			p.at++
			p.token = token{stringToken, b.String(), from}
			return
		case '\n', '\r':
			p.fail(fault.Structure, "a text does not end on its line")
			return
		case '\\':
			if !p.escape(&b) {
				p.fail(fault.Structure, "a backslash stands before what it can't")
				return
			}
		default:
			b.WriteByte(c)
		}
	}
	p.fail(fault.Structure, "a text does not end")
}

// escape reads what follows a backslash, up to its last character.
func (p *parser) escape(b *strings.Builder) bool {
	s := p.text
	if p.at++; p.at >= len(s) {
		return false
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[p.at]); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		return true
	}
	if s[p.at] != 'u' || p.at+4 >= len(s) {
		return false
	}
	n, err := strconv.ParseUint(s[p.at+1:p.at+5], 16, 16)
	p.at += 4
	b.WriteRune(rune(n)) // half of a pair becomes the mark of what can't be read
	return err == nil
}

// block is a block of text without the indentation that its lines have in common.
func block(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	common := -1
	for i, l := range lines {
		if indent := len(l) - len(strings.TrimLeft(l, " \t")); i > 0 && indent < len(l) && (common < 0 || indent < common) {
			common = indent
		}
	}
	for i := 1; i < len(lines) && common > 0; i++ {
		lines[i] = lines[i][min(common, len(lines[i])):]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}
