package search

import (
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// Define reads a SearchParameter that a client has made: one parameter for
// each type that it is of. What the standard defines can't be defined anew.
// Errors are of kind Value and name the element.
// https://hl7.org/fhir/R4/searchparameter.html
func Define(r *fhir.Resource) ([]*Parameter, error) {
	const op = "search.Define"
	code, kind := r.Get("code").Text(), Kind(slices.Index(kinds, r.Get("type").Text()))
	expression := r.Get("expression").Text()
	switch {
	case code == "" || strings.ContainsAny(code, ":.&=?/ ") || code[0] == '_':
		return nil, fault.E(op, fault.Value, "a code is a word that does not begin with _", "SearchParameter.code")
	case kind < Number || kind > URI:
		return nil, fault.E(op, fault.Value, "the type is number, date, string, token, reference, composite, quantity or uri", "SearchParameter.type")
	case expression == "":
		return nil, fault.E(op, fault.Required, "it says by a FHIRPath expression what it looks at", "SearchParameter.expression")
	}
	var out []*Parameter
	for _, b := range r.Root().List("base") {
		base := b.Text()
		if !fhir.IsResourceType(base) {
			return nil, fault.E(op, fault.Value, "a parameter is of resource types", "SearchParameter.base")
		}
		if R4().Lookup(base, code) != nil {
			return nil, fault.E(op, fault.BusinessRule, "the standard has a parameter of this code already", "SearchParameter.code")
		}
		p := &Parameter{Base: base, Code: code, Kind: kind, URL: r.Get("url").Text(), Expression: expression}
		for _, t := range r.Root().List("target") {
			p.Targets = append(p.Targets, t.Text())
		}
		for _, c := range r.Root().List("component") {
			p.Components = append(p.Components, Component{Definition: c.Get("definition").Text(), Expression: c.Get("expression").Text()})
		}
		if kind == Composite && len(p.Components) < 2 {
			return nil, fault.E(op, fault.Value, "a composite has at least two components", "SearchParameter.component")
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, fault.E(op, fault.Required, "it says of which types it is", "SearchParameter.base")
	}
	if _, err := R4().With(out...); err != nil {
		return nil, err
	}
	return out, nil
}

// NeedsIndex says whether the parameter finds resources by tokens that an index
// has only once it has been made with the parameter.
func (p *Parameter) NeedsIndex() bool { return p.indexed(p.Base) }
