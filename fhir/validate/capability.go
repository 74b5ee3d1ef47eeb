package validate

import (
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
)

// capabilityStatement holds the search parameters of a server against their
// definitions. https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchParam.type
func (x *run) capabilityStatement(n fhir.Node) {
	x.eachOf(n, "rest", func(rest fhir.Node) {
		x.searchParams(rest)
		x.eachOf(rest, "resource", x.searchParams)
	})
}

func (x *run) searchParams(n fhir.Node) {
	x.eachOf(n, "searchParam", func(p fhir.Node) {
		says, url := p.Member("type"), p.Member("definition").View()
		is := x.parameterType(url)
		if is == "" || !says.IsString() || says.Is(is) {
			return
		}
		words := "the type is not that of the definition " + url + ": there it is " + is
		if asText[is] && asText[says.View()] {
			x.doubt("type", words)
			return
		}
		x.push("type", -1)
		x.say(Error, fault.Invalid, words)
		x.pop()
	})
}

// asText are the types whose values are searched for as they are written. A
// client that takes one for another is answered, if not as it expects; the
// standard's own examples mix them up. One that takes them for a date, number or
// quantity sends prefixes that are refused.
var asText = map[string]bool{"string": true, "token": true, "uri": true, "reference": true}

// parameterType is the type of a search parameter that is known, "" of others.
func (x *run) parameterType(url string) string {
	if n, ok := x.canonical(url); ok {
		if n.Member("resourceType").Is("SearchParameter") {
			return n.Member("type").View()
		}
		return ""
	}
	bare, _, _ := strings.Cut(url, "|")
	if p := search.R4().Defined(bare); p != nil {
		return p.Kind.String()
	}
	return ""
}

// eachOf calls f for each of the elements of a name, at its place.
func (x *run) eachOf(n fhir.Node, name string, f func(fhir.Node)) {
	k := 0
	for c := n.Member(name).Children(); c.Next(); k++ {
		x.push(name, k)
		f(c.Node())
		x.pop()
	}
}
