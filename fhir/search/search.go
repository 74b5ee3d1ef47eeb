// Package search is FHIR search without a store: the parameters that R4
// defines, compiled from their definitions; a query parsed from a URL; and
// whether a resource matches it. What a parameter finds in a resource is said
// once, in Values; matching, sorting and the tokens of an index follow from it.
// It does not read, and knows nobody's rights.
// https://hl7.org/fhir/R4/search.html
package search

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"selda/fault"
	"selda/fhir/fhirpath"
)

// Kind is the type of a search parameter.
// https://hl7.org/fhir/R4/search.html#ptypes
type Kind uint8

// The kinds of parameters.
const (
	None Kind = iota
	Number
	Date
	String
	Token
	Reference
	Composite
	Quantity
	URI
	Special
)

var kinds = []string{"", "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"}

func (k Kind) String() string { return kinds[k] }

// Parameter is one search parameter of one type.
type Parameter struct {
	Base       string // the resource type; Resource and DomainResource hold for all
	Code       string
	Kind       Kind
	URL        string
	Expression string
	Targets    []string // of a reference; nil where any type may be
	Components []Component

	once sync.Once
	path *fhirpath.Expression
	err  error
}

// Component is one part of a composite parameter.
type Component struct {
	Definition string // URL of the parameter whose kind it has
	Expression string
	parameter  *Parameter
}

// compiled gives the parameter's expression.
func (p *Parameter) compiled() (*fhirpath.Expression, error) {
	p.once.Do(func() { p.path, p.err = fhirpath.CompileDefinition(p.Expression) })
	return p.path, p.err
}

//go:embed r4.tsv
var r4 string

// Parameters are those that a server knows: R4's, and what was added to them.
// They may be used by many goroutines at once.
type Parameters struct {
	byType map[string][]*Parameter // in order of code
	byURL  map[string]*Parameter
}

// R4 are the parameters that the standard defines.
var R4 = sync.OnceValue(func() *Parameters {
	ps := &Parameters{byType: map[string][]*Parameter{}, byURL: map[string]*Parameter{}}
	for line := range strings.Lines(r4) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		p := &Parameter{Base: f[0], Code: f[1], Kind: Kind(slices.Index(kinds, f[2])), URL: f[3], Expression: f[4]}
		if f[5] != "" && f[5] != "*" {
			p.Targets = strings.Split(f[5], " ")
		}
		if f[6] != "" {
			for _, c := range strings.Split(f[6], " || ") {
				definition, expression, _ := strings.Cut(c, " ")
				p.Components = append(p.Components, Component{Definition: definition, Expression: expression})
			}
		}
		ps.byType[p.Base] = append(ps.byType[p.Base], p)
		ps.byURL[p.URL] = p
	}
	ps.join()
	return ps
})

// join gives each component of a composite its kind.
func (ps *Parameters) join() {
	for _, list := range ps.byType {
		for _, p := range list {
			for i := range p.Components {
				c := &p.Components[i]
				if c.parameter != nil {
					continue
				}
				kind := String
				if d := ps.byURL[c.Definition]; d != nil {
					kind = d.Kind
				}
				c.parameter = &Parameter{Base: p.Base, Code: p.Code, Kind: kind, Expression: c.Expression}
			}
		}
	}
}

// With gives the parameters and more of them; one of the same type and code is replaced.
func (ps *Parameters) With(more ...*Parameter) (*Parameters, error) {
	out := &Parameters{byType: map[string][]*Parameter{}, byURL: map[string]*Parameter{}}
	for t, list := range ps.byType {
		out.byType[t] = slices.Clone(list)
	}
	for u, p := range ps.byURL {
		out.byURL[u] = p
	}
	for _, p := range more {
		if _, err := p.compiled(); err != nil {
			return nil, fault.E("search.With", fault.Value, "the expression does not compile: "+fault.Reason(err), "SearchParameter.expression")
		}
		out.byType[p.Base] = slices.DeleteFunc(out.byType[p.Base], func(q *Parameter) bool { return q.Code == p.Code })
		out.byType[p.Base] = append(out.byType[p.Base], p)
		slices.SortStableFunc(out.byType[p.Base], func(a, b *Parameter) int { return strings.Compare(a.Code, b.Code) })
		out.byURL[p.URL] = p
	}
	out.join()
	return out, nil
}

// Same says whether two sets have the same parameters.
func Same(a, b *Parameters) bool {
	if a == nil || b == nil || len(a.byType) != len(b.byType) {
		return a == b
	}
	for t, list := range a.byType {
		if !slices.EqualFunc(list, b.byType[t], func(p, q *Parameter) bool {
			return p == q || p.Code == q.Code && p.Kind == q.Kind && p.URL == q.URL && p.Expression == q.Expression && slices.Equal(p.Targets, q.Targets)
		}) {
			return false
		}
	}
	return true
}

// Of are the parameters of a resource type, those of every resource last.
func (ps *Parameters) Of(typ string) []*Parameter {
	return slices.Concat(ps.byType[typ], ps.byType["DomainResource"], ps.byType["Resource"])
}

// Defined finds the parameter of a definition's URL, of one of the types that it
// is of; nil where none is known.
func (ps *Parameters) Defined(url string) *Parameter { return ps.byURL[url] }

// Lookup finds a parameter by its code; nil where the type has none such.
func (ps *Parameters) Lookup(typ, code string) *Parameter {
	for _, base := range []string{typ, "DomainResource", "Resource"} {
		for _, p := range ps.byType[base] {
			if p.Code == code {
				return p
			}
		}
	}
	return nil
}
