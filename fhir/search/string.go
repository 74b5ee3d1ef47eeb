package search

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// folded is a text as strings are compared: lower case, accents and
// punctuation away, one space between words.
// https://hl7.org/fhir/R4/search.html#string
func folded(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	space := false
	for _, r := range norm.NFD.String(s) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			space = false
			b.WriteRune(unicode.ToLower(r))
		case unicode.IsSpace(r):
			space = true
		}
	}
	return b.String()
}

// texts gives the strings of an element: each part of a name or an address.
func texts(e element, f func(s string, words bool) bool) bool {
	switch e.typ {
	case "HumanName":
		return parts(e, f, "family", "given", "prefix", "suffix", "text")
	case "Address":
		return parts(e, f, "line", "city", "district", "state", "postalCode", "country", "text")
	case "CodeableConcept":
		if f(e.node.Get("text").Text(), true) {
			return true
		}
		for _, c := range e.node.List("coding") {
			if f(c.Get("display").Text(), true) {
				return true
			}
		}
		return false
	case "Extension":
		_, v := e.node.First("value")
		return v.IsString() && f(v.Text(), false)
	}
	return f(e.text(), false)
}

func parts(e element, f func(string, bool) bool, names ...string) bool {
	for _, name := range names {
		for _, n := range e.node.List(name) {
			if f(n.Text(), true) {
				return true
			}
		}
	}
	return false
}

// begins says whether a folded text begins with another, or, where its words
// count, a word of it does.
func begins(text, with string, words bool) bool {
	if strings.HasPrefix(text, with) {
		return true
	}
	return words && strings.Contains(text, " "+with)
}

// stringTest tests whether a string begins with, has (:contains) or is (:exact) a value.
func stringTest(value, modifier string) test {
	if modifier == "exact" {
		return func(e element) bool {
			return texts(e, func(s string, _ bool) bool { return s == value })
		}
	}
	want := folded(value)
	switch modifier {
	case equals:
		return func(e element) bool {
			return texts(e, func(s string, _ bool) bool { return s != "" && folded(s) == want })
		}
	case endsWith:
		return func(e element) bool {
			return texts(e, func(s string, _ bool) bool { return s != "" && strings.HasSuffix(folded(s), want) })
		}
	}
	if modifier == "contains" {
		return func(e element) bool {
			return texts(e, func(s string, _ bool) bool { return s != "" && strings.Contains(folded(s), want) })
		}
	}
	return func(e element) bool {
		return texts(e, func(s string, words bool) bool { return s != "" && begins(folded(s), want, words) })
	}
}

// uriTest tests a URI: the same, or above or below it by its path.
// https://hl7.org/fhir/R4/search.html#uri
func uriTest(value, modifier string) test {
	under := func(a, b string) bool { return a == b || strings.HasPrefix(a, strings.TrimSuffix(b, "/")+"/") }
	return func(e element) bool {
		have := e.text()
		switch modifier {
		case "above":
			return have != "" && under(value, have)
		case "below":
			return under(have, value)
		case "contains":
			return have != "" && strings.Contains(have, value)
		}
		return have == value || !strings.Contains(value, "|") && strings.HasPrefix(have, value+"|")
	}
}

// Folded is a text as strings are compared: without case, accents and punctuation.
func Folded(s string) string { return folded(s) }
