package search

import (
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// Target is what a reference names: a resource by type and id, or a URL.
type Target struct{ Type, ID, URL string }

// ParseReference reads a literal reference: Type/id, with a version or without,
// relative or on some server. Anything else is a URL.
// https://hl7.org/fhir/R4/references.html#literal
func ParseReference(ref string) Target {
	rest := ref
	if i := strings.Index(rest, "/_history/"); i >= 0 {
		rest = rest[:i]
	}
	slash := strings.LastIndexByte(rest, '/')
	if slash < 0 {
		return Target{URL: ref}
	}
	id, typ, base := rest[slash+1:], rest[:slash], ""
	if i := strings.LastIndexByte(typ, '/'); i >= 0 {
		typ, base = typ[i+1:], typ[:i]
	}
	if !fhir.IsResourceType(typ) || !fhir.IsID(id) {
		return Target{URL: ref}
	}
	if base != "" {
		return Target{typ, id, base + "/" + typ + "/" + id}
	}
	return Target{Type: typ, ID: id}
}

// References gives what a parameter of kind reference names in a resource.
func (p *Parameter) References(res *fhir.Resource, f func(Target) bool) {
	_ = p.each(res, func(e element) bool {
		if ref, ok := e.reference(); ok {
			return f(ParseReference(ref))
		}
		return false
	})
}

// reference is the literal reference of an element: of a Reference, a canonical, a URI.
func (e element) reference() (string, bool) {
	switch e.typ {
	case "Reference":
		r := e.node.Get("reference")
		return r.Text(), r.IsString()
	case "canonical", "uri", "url":
		return e.text(), true
	}
	return "", false
}

// referenceTest tests a reference: id, Type/id, or a URL; :identifier tests
// the identifier beside it, :Type says what the id is of.
// https://hl7.org/fhir/R4/search.html#reference
func (q *Scope) referenceTest(p *Parameter, value, modifier string) (test, error) {
	const op = "search.reference"
	if modifier == "identifier" {
		token, err := q.tokenTest(value, "")
		if err != nil {
			return nil, err
		}
		return func(e element) bool {
			return e.typ == "Reference" && token(element{node: e.node.Get("identifier"), typ: "Identifier"})
		}, nil
	}
	value = strings.TrimPrefix(value, q.Base+"/")
	if strings.Contains(value, "/") {
		want := ParseReference(value)
		if modifier != "" && want.Type != modifier {
			return nil, fault.E(op, fault.Value, "the value is of another type than the modifier")
		}
		if want.URL != "" {
			return func(e element) bool {
				ref, ok := e.reference()
				return ok && (ref == value || canonicalIs(ref, value))
			}, nil
		}
		return q.isTest(func(t Target) bool { return t.Type == want.Type && t.ID == want.ID }), nil
	}
	if strings.Contains(value, ":") { // urn:uuid:…, urn:oid:…
		return func(e element) bool {
			ref, ok := e.reference()
			return ok && canonicalIs(ref, value)
		}, nil
	}
	return q.isTest(func(t Target) bool {
		return t.ID == value && (modifier == "" && (len(p.Targets) == 0 || slices.Contains(p.Targets, t.Type)) || t.Type == modifier)
	}), nil
}

// canonicalIs compares canonical URLs; a search without a version finds any.
func canonicalIs(have, want string) bool {
	return have == want || !strings.Contains(want, "|") && strings.HasPrefix(have, want+"|")
}

// isTest tests references to resources of this server.
func (q *Scope) isTest(is func(Target) bool) test {
	return func(e element) bool {
		ref, ok := e.reference()
		if !ok {
			return false
		}
		t := ParseReference(strings.TrimPrefix(ref, q.Base+"/"))
		return t.Type != "" && t.URL == "" && is(t)
	}
}
