package validate

import (
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
	"selda/fhir/ucum"
)

// What the standard says of datatypes in words, and no invariant of its does.

// datatype holds a value of a complex type against such rules.
func (x *run) datatype(it *fhirpath.Item) {
	n := it.Node()
	switch it.Datatype().Name() {
	case "Coding":
		x.coding(n)
	case "Identifier":
		x.identifier(n)
	case "Narrative":
		x.narrative(n)
	default:
		if it.Datatype().Form() == fhir.QuantityForm {
			x.quantity(n)
		}
	}
}

// absolute says whether a URI names its scheme.
func absolute(uri string) bool { return strings.IndexByte(uri, ':') > 0 }

// coding: https://hl7.org/fhir/R4/datatypes.html#Coding
func (x *run) coding(n fhir.Node) {
	system, code := n.Member("system").View(), n.Member("code").View()
	if system == "" {
		return
	}
	x.push("system", -1)
	switch {
	case !absolute(system):
		x.say(Error, fault.Invalid, "a code system is named by an absolute URI")
	case strings.HasPrefix(system, "http://hl7.org/fhir/ValueSet/"):
		x.say(Error, fault.Invalid, "this is the URL of a value set: a code comes from a code system")
	case x.supplement(system):
		x.say(Error, fault.Invalid, "this code system is a supplement: a code comes from the system that it adds to")
	}
	x.pop()
	t, ok := x.v.terms.(Concepts)
	if !ok || code == "" {
		return
	}
	display, exists, known := t.Concept(system, n.Member("version").View(), code)
	switch {
	case !known:
	case !exists:
		x.push("code", -1)
		x.say(Error, fault.Value, "the code system "+system+" has no such code")
		x.pop()
	case display != "" && n.Member("display").Exists() && !t.Named(system, code, n.Member("display").View()):
		x.doubt("display", "the code system "+system+" has no such name for this code: there it is "+display)
	}
}

// quantity: https://hl7.org/fhir/R4/datatypes.html#Quantity
func (x *run) quantity(n fhir.Node) {
	system, code := n.Member("system").View(), n.Member("code").View()
	if system != "" && !absolute(system) {
		x.push("system", -1)
		x.say(Error, fault.Invalid, "a code system is named by an absolute URI")
		x.pop()
	}
	if code == "" || system == "" {
		return
	}
	if system == "http://unitsofmeasure.org" {
		if _, err := ucum.Parse(code); err != nil {
			x.doubt("code", "not a unit of UCUM")
		}
		return
	}
	if t, ok := x.v.terms.(Concepts); ok {
		if _, exists, known := t.Concept(system, "", code); known && !exists {
			x.doubt("code", "the code system "+system+" has no such code")
		}
	}
}

// doubt is a warning at a child element: of what even the standard's own examples
// do not keep to.
func (x *run) doubt(name, words string) {
	x.push(name, -1)
	x.report(Issue{Severity: Warning, Code: fault.Value.String(), Text: words})
	x.pop()
}

// supplement says whether a code system only adds to another.
func (x *run) supplement(system string) bool {
	if x.v.Canonical == nil {
		return false
	}
	n, ok := x.v.Canonical(system)
	return ok && (n.Member("content").Is("supplement") || n.Member("supplements").Exists())
}

// Concepts is what terminology can tell of codes beside value sets, where it can.
type Concepts interface {
	// Concept is the name of a code, and whether the code system has it; known is
	// false where the whole of the system is not there.
	Concept(system, version, code string) (display string, exists, known bool)
	// Named says whether a text is one of the names of a code.
	Named(system, code, display string) bool
}

// identifier: https://hl7.org/fhir/R4/datatypes.html#Identifier
func (x *run) identifier(n fhir.Node) {
	system := n.Member("system").View()
	if system != "" && !absolute(system) {
		x.push("system", -1)
		x.say(Error, fault.Invalid, "the system of an identifier is an absolute URI")
		x.pop()
	}
	if value := n.Member("value"); system == "urn:ietf:rfc:3986" && value.Exists() && !absolute(value.View()) {
		x.push("value", -1)
		x.say(Error, fault.Invalid, "an identifier of the system urn:ietf:rfc:3986 is an absolute URI")
		x.pop()
	}
}
