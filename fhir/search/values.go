package search

import (
	"sync"

	"selda/fhir"
	"selda/fhir/fhirpath"
)

// each calls f for every element of a resource that the parameter finds, until
// f has seen enough and answers true.
func (p *Parameter) each(res *fhir.Resource, f func(element) bool) error {
	return p.eachIn(fhirpath.Resource(res.Root()), f)
}

func (p *Parameter) eachIn(focus fhirpath.Item, f func(element) bool) error {
	path, err := p.compiled()
	if err != nil {
		return err
	}
	return path.Each(&env, focus, func(it fhirpath.Item) bool { return !f(elementOf(it)) })
}

// within is each of a part of a composite, whose expression begins at an element.
func (p *Parameter) within(e element, f func(element) bool) error { return p.eachIn(e.item, f) }

func elementOf(it fhirpath.Item) element {
	if !it.System() {
		return element{item: it, node: it.Node(), typ: it.Type()}
	}
	if v, ok := it.Bool(); ok { // as of Patient.deceased.exists()
		return element{item: it, typ: "boolean", value: map[bool]string{true: "true", false: "false"}[v]}
	}
	s, _ := it.Text()
	return element{item: it, typ: "string", value: s}
}

// env is what a parameter's expression knows: of a reference only of which type
// it says that it is, so that the same resource always has the same values. Clients
// post parameters, too, and each is evaluated of each resource that is written.
var env = fhirpath.Env{Steps: 400_000, Resolve: func(reference string) (fhir.Node, bool) {
	t := ParseReference(reference)
	if t.Type == "" {
		return fhir.Node{}, false
	}
	return stub(t.Type), true
}}

var stubs sync.Map // type to fhir.Node

// stub is a resource of which only the type is known.
func stub(typ string) fhir.Node {
	if n, ok := stubs.Load(typ); ok {
		return n.(fhir.Node)
	}
	r, err := fhir.ParseTrusted(fhir.Marshal(fhir.Object{"resourceType": typ}))
	if err != nil {
		return fhir.Node{}
	}
	stubs.Store(typ, r.Root())
	return r.Root()
}
