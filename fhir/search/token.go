package search

import (
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// Terms is the port to a terminology service. known is false where it does
// not have the value set or code system.
type Terms interface {
	// InValueSet says whether a code is in a value set.
	InValueSet(url, system, code string) (in, known bool)
	// Subsumes says whether a is b, or above it in its system's hierarchy.
	Subsumes(system, a, b string) (subsumes, known bool)
	// Codes are those that may be in a value set, or that are at and below a
	// code; ok is false where there are more than most, or they can't be listed.
	Codes(url string, most int) (codes []string, ok bool)
	CodesBelow(system, code string, most int) (codes []string, ok bool)
}

// Explaining are Terms that say why a value set can't be used: an expression in its
// URL that is wrong, or a code system that is not loaded. nil where it can be.
type Explaining interface {
	Unusable(url string) error
}

// mostListed is how many codes of a value set are asked of the index: more are
// found by looking at every resource of the type.
const mostListed = 1000

// listed are the codes of which a resource has one that meets the clause; nil
// where that can't be said.
func (q *Scope) listed(c *Clause, most int) (codes []string) {
	if c.Param.Kind != Token || q.Terms == nil {
		return nil
	}
	for _, v := range c.Values {
		var some []string
		ok := false
		switch c.Modifier {
		case "in":
			some, ok = q.Terms.Codes(v, most)
		case "below":
			if parts := split(v, '|'); len(parts) == 2 {
				some, ok = q.Terms.CodesBelow(parts[0], parts[1], most)
			}
		}
		if codes = append(codes, some...); !ok || len(codes) > most {
			return nil
		}
	}
	if slices.Contains(codes, "true") || slices.Contains(codes, "false") {
		return nil // the index does not keep these
	}
	return codes
}

// tokens gives the codes of an element: system, code and words. anySystem is
// true of a plain code, whose system only its definition knows.
// https://hl7.org/fhir/R4/search.html#token
func tokens(e element, f func(system, code, words string, anySystem bool) bool) bool {
	switch e.typ {
	case "Coding":
		return f(e.node.Get("system").Text(), e.node.Get("code").Text(), e.node.Get("display").Text(), false)
	case "CodeableConcept":
		text := e.node.Get("text").Text()
		none := true
		for _, c := range e.node.List("coding") {
			none = false
			if f(c.Get("system").Text(), c.Get("code").Text(), c.Get("display").Text(), false) {
				return true
			}
		}
		return (text != "" || none) && f("", "", text, false)
	case "Identifier":
		return f(e.node.Get("system").Text(), e.node.Get("value").Text(), e.node.Get("type", "text").Text(), false)
	case "ContactPoint":
		return f("", e.node.Get("value").Text(), "", true)
	case "Quantity", "Money", "SimpleQuantity":
		return f(e.node.Get("system").Text(), e.node.Get("code").Text(), e.node.Get("unit").Text(), false)
	case "code", "boolean", "id", "string", "uri", "canonical", "url", "oid", "uuid", "date", "dateTime":
		t := e.text()
		return f("", t, t, true)
	case "Extension":
		_, v := e.node.First("value")
		return v.IsString() && f("", v.Text(), v.Text(), true)
	}
	return false
}

// tokenTest tests a token: code, system|code, |code or system|.
func (q *Scope) tokenTest(value, modifier string) (test, error) {
	const op = "search.token"
	parts := split(value, '|')
	switch modifier {
	case "text":
		want := folded(value)
		return func(e element) bool {
			return tokens(e, func(_, _, words string, _ bool) bool { return words != "" && begins(folded(words), want, true) })
		}, nil
	case "of-type":
		if len(parts) != 3 {
			return nil, fault.E(op, fault.Value, "an identifier of a type is written as system|code|value")
		}
		return func(e element) bool { return e.typ == "Identifier" && ofType(e.node, parts) }, nil
	case "in", "not-in":
		return q.inTest(value)
	case "above", "below":
		return q.underTest(parts, modifier)
	}
	if len(parts) > 2 {
		return nil, fault.E(op, fault.Value, "a token is written as code, system|code, |code or system|")
	}
	if len(parts) == 1 {
		code := parts[0]
		return func(e element) bool {
			return tokens(e, func(_, c, _ string, _ bool) bool { return same(e, c, code) })
		}, nil
	}
	system, code := parts[0], parts[1]
	return func(e element) bool {
		return tokens(e, func(s, c, _ string, anySystem bool) bool {
			return (code == "" || same(e, c, code)) && (s == system || anySystem && s == "") && (code != "" || c != "")
		})
	}, nil
}

// same compares codes; numbers that people write in groups are compared without the spaces.
func same(e element, have, want string) bool {
	if have == want {
		return want != ""
	}
	if e.typ != "Identifier" && e.typ != "ContactPoint" {
		return false
	}
	return strings.EqualFold(unspaced(have), unspaced(want))
}

func unspaced(s string) string {
	if strings.IndexByte(s, ' ') < 0 {
		return s
	}
	return strings.ReplaceAll(s, " ", "")
}

func ofType(id fhir.Node, parts []string) bool {
	if !strings.EqualFold(unspaced(id.Get("value").Text()), unspaced(parts[2])) {
		return false
	}
	for _, c := range id.List("type", "coding") {
		if c.Get("system").Is(parts[0]) && c.Get("code").Is(parts[1]) {
			return true
		}
	}
	return false
}

// inTest tests whether a code is in a value set. One that nobody knows is an
// error, not an empty answer. https://hl7.org/fhir/R4/search.html#modifiers
func (q *Scope) inTest(url string) (test, error) {
	in, err := q.codeIn(url)
	if err != nil {
		return nil, err
	}
	return func(e element) bool {
		return tokens(e, func(s, c, _ string, _ bool) bool { return in(s, c) })
	}, nil
}

// codeIn is inTest of a code.
func (q *Scope) codeIn(url string) (func(system, code string) bool, error) {
	if q.Terms == nil {
		return nil, fault.E("search.in", fault.NotSupported, "there is no terminology service to ask")
	}
	if _, known := q.Terms.InValueSet(url, "", ""); !known {
		if terms, ok := q.Terms.(Explaining); ok {
			if err := terms.Unusable(url); err != nil {
				return nil, fault.E("search.in", fault.KindOf(err), strings.TrimSuffix(fault.Reason(err)+" ("+fault.PlaceOf(err)+")", " ()"))
			}
		}
		return nil, fault.E("search.in", fault.NotFound, "this value set is not known here")
	}
	return func(s, c string) bool {
		in, known := q.Terms.InValueSet(url, s, c)
		return in && known && c != ""
	}, nil
}

// underTest tests whether a code is above or below another in its system.
func (q *Scope) underTest(parts []string, modifier string) (test, error) {
	under, err := q.codeUnder(parts, modifier)
	if err != nil {
		return nil, err
	}
	return func(e element) bool {
		return tokens(e, func(s, c, _ string, _ bool) bool { return under(s, c) })
	}, nil
}

// codeUnder is underTest of a code.
func (q *Scope) codeUnder(parts []string, modifier string) (func(system, code string) bool, error) {
	const op = "search.below"
	if len(parts) != 2 || parts[0] == "" {
		return nil, fault.E(op, fault.Value, "a code above or below another is written as system|code")
	}
	if q.Terms == nil {
		return nil, fault.E(op, fault.NotSupported, "there is no terminology service to ask")
	}
	if _, known := q.Terms.Subsumes(parts[0], parts[1], parts[1]); !known {
		return nil, fault.E(op, fault.NotFound, "this code system, or the code, is not known here")
	}
	return func(s, c string) bool {
		if s != parts[0] || c == "" {
			return false
		}
		a, b := parts[1], c
		if modifier == "above" {
			a, b = b, a
		}
		yes, _ := q.Terms.Subsumes(s, a, b)
		return yes
	}, nil
}
