package hl7v2

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// unescape decodes the escape sequences of HL7 v2.5.1 chapter 2.7. A sequence
// that is none stays as written, so that "C:\temp" survives.
func unescape(s string, d Delimiters) string {
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, d.Escape)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexByte(s[1:], d.Escape)
		if end < 0 {
			b.WriteString(s)
			return b.String()
		}
		if sequence(&b, s[1:1+end], d) {
			s = s[end+2:]
		} else {
			b.WriteByte(d.Escape)
			s = s[1:]
		}
	}
}

// sequence writes what one escape sequence stands for; false where it is none.
func sequence(b *strings.Builder, seq string, d Delimiters) bool {
	if len(seq) == 1 {
		switch seq[0] {
		case 'F':
			return put(b, d.Field)
		case 'S':
			return put(b, d.Component)
		case 'T':
			return put(b, d.Subcomponent)
		case 'R':
			return put(b, d.Repetition)
		case 'E':
			return put(b, d.Escape)
		case 'P': // the truncation character of 2.7
			return put(b, '#')
		case 'H', 'N': // highlighting on and off
			return true
		}
		return false
	}
	if seq == "" {
		return false
	}
	switch seq[0] {
	case 'X':
		return hexText(b, seq[1:])
	case 'C', 'M': // a change of character set inside the text
		return isHex(seq[1:])
	case '.':
		return format(b, seq[1:])
	}
	return false
}

func put(b *strings.Builder, c byte) bool {
	if c != 0 {
		b.WriteByte(c)
	}
	return c != 0
}

// format writes a formatting command of FT data. v2.5.1 section 2.7.6.
func format(b *strings.Builder, cmd string) bool {
	if len(cmd) < 2 {
		return false
	}
	n := 1
	if arg := strings.TrimLeft(strings.TrimSpace(cmd[2:]), "+"); arg != "" {
		var err error
		if n, err = strconv.Atoi(arg); err != nil {
			return false
		}
	}
	n = max(0, min(n, 100))
	switch cmd[:2] {
	case "br", "ce":
		b.WriteByte('\n')
	case "sp":
		b.WriteString(strings.Repeat("\n", n))
	case "sk":
		b.WriteString(strings.Repeat(" ", n))
	case "in", "ti", "fi", "nf":
	default:
		return false
	}
	return true
}

func isHex(s string) bool {
	for i := range len(s) {
		if unhex(s[i]) < 0 {
			return false
		}
	}
	return len(s) >= 2 && len(s)%2 == 0
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// hexText writes bytes given as hexadecimal digits: UTF-8 where they are that,
// else Windows-1252.
func hexText(b *strings.Builder, digits string) bool {
	if !isHex(digits) {
		return false
	}
	raw := make([]byte, len(digits)/2)
	for i := range raw {
		raw[i] = byte(unhex(digits[2*i])<<4 | unhex(digits[2*i+1]))
	}
	if utf8.Valid(raw) {
		b.Write(raw)
		return true
	}
	for _, c := range raw {
		b.WriteRune(charmap.Windows1252.DecodeByte(c))
	}
	return true
}

// Escape writes text so that it can stand in a message with these delimiters.
func Escape(s string, d Delimiters) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		code := byte(0)
		switch {
		case c == d.Field:
			code = 'F'
		case c == d.Component:
			code = 'S'
		case c == d.Subcomponent && c != 0:
			code = 'T'
		case c == d.Repetition && c != 0:
			code = 'R'
		case c == d.Escape && c != 0:
			code = 'E'
		}
		switch {
		case code != 0 && d.Escape != 0:
			b.Write([]byte{d.Escape, code, d.Escape})
		case code != 0 || c == '\r':
			b.WriteByte(' ')
		case c == '\n' && d.Escape != 0:
			b.Write([]byte{d.Escape, '.', 'b', 'r', d.Escape})
		case c == '\n':
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
