package fhir

import (
	"encoding/xml"
	"strings"
)

// plainNarrative says whether a div is certainly without fault: it is written as
// nearly all are, in one namespace and without anything rare. Of one that isn't
// nothing is said. It takes a tenth of the time of reading it as XML.
func plainNarrative(div string) bool {
	for i := range len(div) { // characters that XML does not have
		if c := div[i]; c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0xEF && strings.HasPrefix(div[i:], "\uFFFE") || c == 0xEF && strings.HasPrefix(div[i:], "\uFFFF") {
			return false
		}
	}
	s := scanner{s: div}
	for s.i < len(s.s) {
		if s.s[s.i] != '<' {
			if !s.text() {
				return false
			}
			continue
		}
		if !s.markup() {
			return false
		}
	}
	return s.depth == 0 && s.says && s.closed
}

// scanner reads XHTML that is written plainly.
type scanner struct {
	s      string
	i      int
	open   [MaxDepth]string
	depth  int
	says   bool // there is text, or an image
	closed bool // the outermost element has ended
}

// text reads to the next tag.
func (s *scanner) text() bool {
	for ; s.i < len(s.s); s.i++ {
		switch c := s.s[s.i]; {
		case c == '<':
			return true
		case c == '&':
			if !s.entity() {
				return false
			}
			s.says = true
		case c == '>' || c > ' ' && s.depth == 0:
			return false
		case c > ' ':
			s.says = true
		}
	}
	return true
}

// entity reads &name; to its semicolon.
func (s *scanner) entity() bool {
	end := strings.IndexByte(s.s[s.i:], ';')
	if end < 2 || end > 12 || s.depth == 0 {
		return false
	}
	name := s.s[s.i+1 : s.i+end]
	s.i += end
	switch name {
	case "amp", "lt", "gt", "quot", "apos", "nbsp":
		return true
	}
	_, known := xml.HTMLEntity[name]
	return known
}

func (s *scanner) markup() bool {
	rest := s.s[s.i:]
	if strings.HasPrefix(rest, "<!--") {
		end := strings.Index(rest[4:], "--")
		if end < 0 || !strings.HasPrefix(rest[4+end:], "-->") {
			return false
		}
		s.i += end + 7
		return true
	}
	if strings.HasPrefix(rest, "</") {
		end := strings.IndexByte(rest, '>')
		if end < 0 || s.depth == 0 || rest[2:end] != s.open[s.depth-1] {
			return false
		}
		s.depth--
		s.closed = s.depth == 0
		s.i += end + 1
		return true
	}
	s.i++
	name := s.name()
	allowed := narrativeTable()[name]
	if allowed == nil || s.closed || s.depth == 0 && name != "div" || s.depth == len(s.open) {
		return false
	}
	s.says = s.says || name == "img"
	return s.attributes(name, allowed)
}

// name reads letters and digits.
func (s *scanner) name() string {
	start := s.i
	for s.i < len(s.s) {
		c := s.s[s.i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			break
		}
		s.i++
	}
	return s.s[start:s.i]
}

func (s *scanner) spaces() bool {
	start := s.i
	for s.i < len(s.s) && (s.s[s.i] == ' ' || s.s[s.i] == '\n' || s.s[s.i] == '\t' || s.s[s.i] == '\r') {
		s.i++
	}
	return s.i > start
}

// attributes reads a start tag from behind its name to its end.
func (s *scanner) attributes(element string, allowed map[string]bool) bool {
	var seen [8]string
	inNamespace := s.depth > 0
	for n := 0; ; n++ {
		spaced := s.spaces()
		rest := s.s[s.i:]
		switch {
		case strings.HasPrefix(rest, ">"):
			s.open[s.depth] = element
			s.depth++
			s.i++
			return inNamespace
		case strings.HasPrefix(rest, "/>"):
			s.closed = s.depth == 0
			s.i += 2
			return inNamespace
		}
		name := s.name()
		if !spaced || name == "" || !allowed[name] || n == len(seen) || !strings.HasPrefix(s.s[s.i:], `="`) {
			return false
		}
		for _, other := range seen[:n] {
			if other == name {
				return false
			}
		}
		seen[n] = name
		s.i += 2
		end := strings.IndexByte(s.s[s.i:], '"')
		if end < 0 {
			return false
		}
		value := s.s[s.i : s.i+end]
		if strings.ContainsAny(value, "<&") || name == "xmlns" && value != xhtmlNamespace {
			return false
		}
		inNamespace = inNamespace || name == "xmlns"
		s.i += end + 1
	}
}
