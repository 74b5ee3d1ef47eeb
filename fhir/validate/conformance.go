package validate

import (
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// What the standard says of its own conformance and terminology resources in
// words, and no invariant of its does.

// conformance holds a resource that defines something against such rules.
func (x *run) conformance(n fhir.Node, d *fhir.Datatype) {
	if url := n.Member("url"); url.IsString() && !absolute(url.View()) && d.Property([]byte("publisher")) != nil {
		x.push("url", -1)
		x.say(Error, fault.Invalid, "a canonical URL is absolute")
		x.pop()
	}
	switch d.Name() {
	case "CodeSystem":
		x.codeSystem(n)
	case "ValueSet":
		x.valueSet(n)
	case "SearchParameter":
		x.searchParameter(n)
	case "CapabilityStatement":
		x.capabilityStatement(n)
	case "Measure":
		x.measure(n)
	case "StructureDefinition":
		x.structureDefinition(n)
	}
}

// codeSystem: https://hl7.org/fhir/R4/codesystem.html
func (x *run) codeSystem(n fhir.Node) {
	content := n.Member("content")
	concepts := n.Member("concept").Exists()
	x.push("content", -1)
	switch {
	case content.Is("not-present") && concepts:
		x.say(Error, fault.Invalid, "content says that no concepts are present, and there are some")
	case n.Member("supplements").Exists() && !content.Is("supplement"):
		x.say(Error, fault.Invalid, "content of a supplement is supplement")
	}
	x.pop()
	types := map[string]string{}
	uris := map[string]bool{}
	k := 0
	for c := n.Member("property").Children(); c.Next(); k++ {
		p := c.Node()
		code, uri := p.Member("code").View(), p.Member("uri").View()
		x.push("property", k)
		if _, twice := types[code]; twice {
			x.say(Error, fault.Duplicate, "a property of this code is defined before")
		} else {
			types[code] = p.Member("type").View()
		}
		if uri != "" && uris[uri] {
			x.say(Error, fault.Duplicate, "a property of this URI is defined before")
		}
		uris[uri] = true
		x.pop()
	}
	x.concepts(n, types, 0)
}

// concepts holds the properties of concepts against their definitions.
func (x *run) concepts(n fhir.Node, types map[string]string, depth int) {
	if depth > fhir.MaxDepth {
		return
	}
	k := 0
	for c := n.Member("concept").Children(); c.Next(); k++ {
		x.push("concept", k)
		i := 0
		for p := c.Node().Member("property").Children(); p.Next(); i++ {
			want, defined := types[p.Node().Member("code").View()]
			key, v := p.Node().First("value")
			if defined && v.Exists() && !strings.EqualFold(strings.TrimPrefix(key, "value"), want) {
				x.push("property", i)
				x.say(Error, fault.Invalid, "the value is of another type than the property is defined with: "+want)
				x.pop()
			}
		}
		x.concepts(c.Node(), types, depth+1)
		x.pop()
	}
}

// valueSet: https://hl7.org/fhir/R4/valueset.html
func (x *run) valueSet(n fhir.Node) {
	x.push("compose", -1)
	for _, part := range []string{"include", "exclude"} {
		k := 0
		for c := n.Member("compose").Member(part).Children(); c.Next(); k++ {
			x.push(part, k)
			system := c.Node().Member("system")
			if system.IsString() && !absolute(system.View()) {
				x.push("system", -1)
				x.say(Error, fault.Invalid, "a code system is named by an absolute URI")
				x.pop()
			}
			x.listed(c.Node())
			i := 0
			for f := c.Node().Member("filter").Children(); f.Next(); i++ {
				x.push("filter", i)
				x.filter(system.View(), f.Node())
				x.pop()
			}
			x.pop()
		}
	}
	x.pop()
}

// listed says which codes a value set lists that their system does not have.
func (x *run) listed(include fhir.Node) {
	t, ok := x.v.terms.(Concepts)
	if !ok {
		return
	}
	system, version := include.Member("system").View(), include.Member("version").View()
	k := 0
	for c := include.Member("concept").Children(); c.Next(); k++ {
		if _, exists, known := t.Concept(system, version, c.Node().Member("code").View()); known && !exists {
			x.push("concept", k)
			x.say(Error, fault.Value, "the code system "+system+" has no such code")
			x.pop()
		}
	}
}

// filter holds the value of a filter against the type of its property.
// https://hl7.org/fhir/R4/codesystem.html#defined-props
func (x *run) filter(system string, f fhir.Node) {
	switch f.Member("op").View() {
	case "=", "in", "not-in":
	default:
		return
	}
	value := f.Member("value").View()
	switch x.propertyType(system, f.Member("property").View()) {
	case "boolean":
		if value != "true" && value != "false" {
			x.say(Error, fault.Value, "the property is true or false")
		}
	case "Coding":
		of, code, ok := strings.Cut(value, "#")
		of, _, _ = strings.Cut(of, "|")
		if !ok {
			x.say(Error, fault.Value, "the property is a Coding: its value is written system#code")
			return
		}
		if t, can := x.v.terms.(Concepts); can {
			if _, exists, known := t.Concept(of, "", code); known && !exists {
				x.say(Error, fault.Value, "the code system "+of+" has no such code")
			}
		}
	}
}

// propertyType is the type of a code system's property, "" where it is not known.
func (x *run) propertyType(system, property string) string {
	if property == "notSelectable" { // one of the standard's own
		return "boolean"
	}
	if x.v.Canonical == nil {
		return ""
	}
	n, _ := x.v.Canonical(system)
	for c := n.Member("property").Children(); c.Next(); {
		if c.Node().Member("code").Is(property) {
			return c.Node().Member("type").View()
		}
	}
	return ""
}

// searchParameter: https://hl7.org/fhir/R4/searchparameter.html
func (x *run) searchParameter(n fhir.Node) {
	text := n.Member("expression")
	if !text.IsString() {
		return
	}
	x.push("expression", -1)
	defer x.pop()
	e, err := fhirpath.Compile(text.View())
	if err != nil {
		x.say(Error, fault.Invalid, "not a FHIRPath expression: "+fault.Reason(err)+", at "+fault.PlaceOf(err))
		return
	}
	for c := n.Member("base").Children(); c.Next(); {
		d := fhir.DatatypeOf(c.Node().View())
		if d == nil || d.Name() == "Resource" || d.Name() == "DomainResource" {
			continue
		}
		if err := e.Check(d, fhirpath.Strict{}); err != nil {
			x.say(Error, fault.Invalid, "the expression finds nothing in a "+d.Name()+": "+fault.Reason(err)+", at "+fault.PlaceOf(err))
		}
	}
}

// structureDefinition: https://hl7.org/fhir/R4/structuredefinition.html
func (x *run) structureDefinition(n fhir.Node) {
	x.fixedTwice(n)
	for _, part := range []string{"differential", "snapshot"} {
		x.push(part, -1)
		k := 0
		for c := n.Member(part).Member("element").Children(); c.Next(); k++ {
			x.push("element", k)
			i := 0
			for p := c.Node().Member("constraint").Children(); p.Next(); i++ {
				if text := p.Node().Member("expression"); text.IsString() {
					if _, err := fhirpath.Compile(text.View()); err != nil {
						x.push("constraint", i)
						x.say(Error, fault.Invalid, "not a FHIRPath expression: "+fault.Reason(err)+", at "+fault.PlaceOf(err))
						x.pop()
					}
				}
			}
			x.pop()
		}
		x.pop()
	}
}

// fixedTwice says where a profile fixes what its base fixes to another value.
func (x *run) fixedTwice(n fhir.Node) {
	base, err := x.v.tree(n.Member("baseDefinition").View())
	if base == nil || err != nil || !base.Constraint {
		return
	}
	x.push("differential", -1)
	defer x.pop()
	k := 0
	for c := n.Member("differential").Member("element").Children(); c.Next(); k++ {
		_, fixed := c.Node().First("fixed")
		_, path, below := strings.Cut(c.Node().Member("path").View(), ".")
		if !fixed.Exists() || !below || c.Node().Member("sliceName").Exists() || strings.Contains(c.Node().Member("id").View(), ":") {
			continue
		}
		r := base.root
		for step := range strings.SplitSeq(path, ".") {
			if r != nil {
				r = r.kid(strings.TrimSuffix(step, "[x]"))
			}
		}
		if r != nil && r.fixed.Exists() && !equal(fixed, r.fixed) {
			x.push("element", k)
			x.say(Error, fault.Invalid, "the base fixes another value: "+shown(r.fixed))
			x.pop()
		}
	}
}
