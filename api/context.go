package api

import (
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// What is entered where: the context parameter of $expand and $validate-code names
// an element of a definition, as StructureDefinition-URL#Patient.gender, and means
// the value set that is bound to it.
// https://hl7.org/fhir/R4/valueset-operation-expand.html

// maxBases is how many definitions one context is looked for in.
const maxBases = 20

// boundAt is the canonical URL of the value set of a context.
func (q *request) boundAt(context string) (string, error) {
	const op = "api.context"
	url, element, ok := strings.Cut(context, "#")
	if !ok || url == "" || element == "" {
		return "", fault.E(op, fault.Value, "a context is written as the URL of a StructureDefinition, # and the path of an element", "context")
	}
	for range maxBases {
		r, err := q.structure(url)
		if err != nil {
			return "", err
		}
		if r == nil {
			return "", fault.E(op, fault.NotFound, "there is no such StructureDefinition: "+url, "context")
		}
		bound, typ, rest := elementIn(r, element)
		switch base := r.Get("baseDefinition").Text(); {
		case bound != "":
			return bound, nil
		case r.Get("derivation").Is("constraint") && base != "":
			url = base
		case typ != "":
			url, element = "http://hl7.org/fhir/StructureDefinition/"+typ, typ+rest
		case base != "": // what all types have is said of the type that they are made from
			_, rest, _ := strings.Cut(element, ".")
			url, element = base, base[strings.LastIndexByte(base, '/')+1:]+"."+rest
		default:
			return "", fault.E(op, fault.NotFound, "no value set is bound to this element", "context")
		}
	}
	return "", fault.E(op, fault.TooCostly, "the definitions of this element lead through too many others", "context")
}

// elementIn is the value set that a definition binds to an element, named by its id
// or path; or else the type that the element is of or in, with the path from there.
func elementIn(r *fhir.Resource, name string) (bound, typ, rest string) {
	nearest := 0 // the length of the longest path that leads to the element
	for _, view := range []string{"differential", "snapshot"} {
		for _, e := range r.Root().List(view, "element") {
			path := e.Get("path").Text()
			if path == name || e.Get("id").Is(name) {
				if set := e.Get("binding", "valueSet").Text(); set != "" {
					return set, "", ""
				}
			}
			below, inside := strings.CutPrefix(name, path+".")
			if types := e.List("type"); inside && len(types) == 1 && len(path) > nearest {
				nearest, typ, rest = len(path), types[0].Get("code").Text(), "."+below
			}
		}
	}
	return "", typ, rest
}

// structure finds a StructureDefinition: one that the source system has written, or
// that is published.
func (q *request) structure(url string) (*fhir.Resource, error) {
	if q.system() {
		if r, err := (&written{q: q}).resource("StructureDefinition", url, ""); r != nil || err != nil {
			return r, err
		}
	}
	return q.publishedOne("StructureDefinition", "", url), nil
}

// directed refuses a direction that there is not: either is answered alike.
func (a *arguments) directed(op string) error {
	if d := a.text("contextDirection"); !slices.Contains([]string{"", "incoming", "outgoing"}, d) {
		return fault.E(op, fault.Value, "the directions are incoming and outgoing", "contextDirection")
	}
	return nil
}
