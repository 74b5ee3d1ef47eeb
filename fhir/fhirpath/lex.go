package fhirpath

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"selda/fault"
)

// A token is one word of an expression.
type token struct {
	kind tokenKind
	text string // identifiers and strings without their quotes and escapes
	pos  int    // where it begins, in bytes
}

type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	quotedName // `name`: never a keyword
	stringToken
	numberToken
	dateToken
	dateTimeToken
	timeToken
	symbolToken // operators and punctuation; also $this and its like
	externalToken
)

// syntax is an error of the expression itself.
func syntax(pos int, words string) error {
	return fault.E("fhirpath.Compile", fault.Invalid, words, "character "+strconv.Itoa(pos+1))
}

// lex takes an expression apart.
// http://hl7.org/fhirpath/N1/#tokens
func lex(s string) ([]token, error) {
	tokens := make([]token, 0, len(s)/4+2)
	for i := 0; ; {
		next, err := skip(s, i)
		if err != nil {
			return nil, err
		}
		if i = next; i >= len(s) {
			return append(tokens, token{pos: i}), nil
		}
		t, end, err := lexOne(s, i)
		if err != nil {
			return nil, err
		}
		t.pos = i
		tokens = append(tokens, t)
		i = end
	}
}

// skip passes over white space and comments.
func skip(s string, i int) (int, error) {
	for i < len(s) {
		switch {
		case s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r':
			i++
		case strings.HasPrefix(s[i:], "//"):
			end := strings.IndexAny(s[i:], "\r\n")
			if end < 0 {
				return len(s), nil
			}
			i += end
		case strings.HasPrefix(s[i:], "/*"):
			end := strings.Index(s[i+2:], "*/")
			if end < 0 {
				return i, syntax(i, "a comment does not end")
			}
			i += end + 4
		default:
			return i, nil
		}
	}
	return i, nil
}

func lexOne(s string, i int) (t token, end int, err error) {
	switch c := s[i]; {
	case letter(c):
		end := nameEnd(s, i)
		return token{kind: nameToken, text: s[i:end]}, end, nil
	case digit(c):
		return lexNumber(s, i)
	case c == '\'':
		text, end, err := lexQuoted(s, i)
		return token{kind: stringToken, text: text}, end, err
	case c == '`':
		text, end, err := lexQuoted(s, i)
		return token{kind: quotedName, text: text}, end, err
	case c == '@':
		return lexTemporal(s, i)
	case c == '%':
		return lexExternal(s, i)
	case c == '$':
		end := nameEnd(s, i+1)
		switch s[i:end] {
		case "$this", "$index", "$total":
			return token{kind: symbolToken, text: s[i:end]}, end, nil
		}
		return t, i, syntax(i, "only $this, $index and $total begin with $")
	}
	for _, two := range [...]string{"<=", ">=", "!=", "!~"} {
		if strings.HasPrefix(s[i:], two) {
			return token{kind: symbolToken, text: two}, i + 2, nil
		}
	}
	if strings.IndexByte("+-*/&|<>=~()[]{}.,", s[i]) < 0 {
		return t, i, syntax(i, "a character that has no meaning here")
	}
	return token{kind: symbolToken, text: s[i : i+1]}, i + 1, nil
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

func nameEnd(s string, i int) int {
	for i < len(s) && (letter(s[i]) || digit(s[i])) {
		i++
	}
	return i
}

func digitsEnd(s string, i int) int {
	for i < len(s) && digit(s[i]) {
		i++
	}
	return i
}

func lexNumber(s string, i int) (token, int, error) {
	end := digitsEnd(s, i)
	if end+1 < len(s) && s[end] == '.' && digit(s[end+1]) {
		end = digitsEnd(s, end+1)
	}
	if end < len(s) && letter(s[end]) {
		return token{}, i, syntax(end, "a number is followed by a letter")
	}
	return token{kind: numberToken, text: s[i:end]}, end, nil
}

func lexExternal(s string, i int) (token, int, error) {
	if i+1 < len(s) && (s[i+1] == '\'' || s[i+1] == '`') {
		text, end, err := lexQuoted(s, i+1)
		return token{kind: externalToken, text: text}, end, err
	}
	end := nameEnd(s, i+1)
	for end+1 < len(s) && s[end] == '-' && letter(s[end+1]) { // FHIR writes %vs-name and %ext-name, too
		if name := s[i+1 : end]; !strings.HasPrefix(name, "vs") && !strings.HasPrefix(name, "ext") {
			break
		}
		end = nameEnd(s, end+1)
	}
	if end == i+1 {
		return token{}, i, syntax(i, "% is not followed by a name")
	}
	return token{kind: externalToken, text: s[i+1 : end]}, end, nil
}

// lexQuoted reads what stands between two of the same quotes.
// http://hl7.org/fhirpath/N1/#string
func lexQuoted(s string, i int) (string, int, error) {
	quote := s[i]
	rest := s[i+1:]
	if end := strings.IndexAny(rest, string(quote)+`\`); end >= 0 && rest[end] == quote {
		return rest[:end], i + end + 2, nil
	}
	var out []byte
	for j := i + 1; j < len(s); j++ {
		c := s[j]
		if c == quote {
			return string(out), j + 1, nil
		}
		if c != '\\' {
			out = append(out, c)
			continue
		}
		if j++; j >= len(s) {
			break
		}
		switch s[j] {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'f':
			out = append(out, '\f')
		case 'u':
			if j+4 >= len(s) {
				return "", i, syntax(j, `\u is not followed by four digits`)
			}
			n, err := strconv.ParseUint(s[j+1:j+5], 16, 32)
			if err != nil {
				return "", i, syntax(j, `\u is not followed by four digits`)
			}
			out = utf8.AppendRune(out, rune(n))
			j += 4
		case '\\', '/', '\'', '"', '`':
			out = append(out, s[j])
		default: // the grammar has no others; what is written of regular expressions often does
			out = append(out, '\\', s[j])
		}
	}
	return "", i, syntax(i, "a string does not end")
}

// lexTemporal reads @2015-02-04T14:34:28.123+10:00, of which all but the year,
// or of @T14:34 the hour, may be left out from the right.
// http://hl7.org/fhirpath/N1/#date
func lexTemporal(s string, i int) (token, int, error) {
	end, kind := i+1, dateToken
	if end < len(s) && s[end] == 'T' {
		kind = timeToken
		end = timeEnd(s, end+1)
	} else {
		for end < len(s) && (digit(s[end]) || s[end] == '-' && end+1 < len(s) && digit(s[end+1]) && end-i < 9) {
			end++
		}
		if end < len(s) && s[end] == 'T' {
			kind = dateTimeToken
			end = timeEnd(s, end+1)
			if end < len(s) && s[end] == 'Z' {
				end++
			} else if end+5 < len(s) && (s[end] == '+' || s[end] == '-') && digit(s[end+1]) && digit(s[end+2]) && s[end+3] == ':' {
				end = digitsEnd(s, end+4)
			}
		}
	}
	if end < len(s) && letter(s[end]) {
		return token{}, i, syntax(end, "a date or time is followed by a letter")
	}
	return token{kind: kind, text: s[i+1 : end]}, end, nil
}

func timeEnd(s string, i int) int {
	for i < len(s) && (digit(s[i]) || (s[i] == ':' || s[i] == '.') && i+1 < len(s) && digit(s[i+1])) {
		i++
	}
	return i
}
