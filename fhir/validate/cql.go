package validate

import (
	"encoding/base64"
	"regexp"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// measure holds the criteria of a Measure that are named expressions of CQL
// against the libraries in which they are defined.
// https://hl7.org/fhir/R4/measure-definitions.html#Measure.library
func (x *run) measure(n fhir.Node) {
	l := x.libraries(n)
	check := func(of fhir.Node) {
		x.push("criteria", -1)
		x.criterion(l, of.Member("criteria"))
		x.pop()
	}
	x.eachOf(n, "group", func(group fhir.Node) {
		x.eachOf(group, "population", check)
		x.eachOf(group, "stratifier", func(s fhir.Node) {
			check(s)
			x.eachOf(s, "component", check)
		})
	})
	x.eachOf(n, "supplementalData", check)
}

// logic is what is known of a Measure's libraries.
type logic struct {
	named int                        // libraries that a canonical URL names
	whole bool                       // all of them are known, with what they define
	names map[string]map[string]bool // by the library's name, the expressions that it defines
}

func (x *run) libraries(measure fhir.Node) logic {
	l := logic{whole: true, names: map[string]map[string]bool{}}
	for c := measure.Member("library").Children(); c.Next(); {
		url := c.Node().View()
		if !absolute(url) && !strings.HasPrefix(url, "#") {
			continue
		}
		l.named++
		library, ok := x.canonical(url)
		defines := map[string]bool{}
		if ok {
			ok = expressions(library, defines)
		}
		l.whole = l.whole && ok
		l.names[library.Member("name").View()] = defines
	}
	return l
}

// definition is a named expression in CQL's text, and in its XML as ELM.
var (
	definedInCQL = regexp.MustCompile(`(?m)^\s*define\s+(?:(?:public|private|fluent|function)\s+)*(?:"([^"\n]+)"|([A-Za-z_][A-Za-z0-9_]*))\s*[:(]`)
	definedInELM = regexp.MustCompile(`<def\s(?:[^>]*\s)?name="([^"]+)"`)
	expression   = regexp.MustCompile(`^(?:(?:"([^"]+)"|([A-Za-z_][A-Za-z0-9_]*))\.)?(?:"([^"]+)"|([A-Za-z_][A-Za-z0-9_]*))$`)
)

// expressions takes up what a library defines; it is false where its text is not
// there.
func expressions(library fhir.Node, into map[string]bool) bool {
	found := false
	for c := library.Member("content").Children(); c.Next(); {
		text, err := base64.StdEncoding.DecodeString(c.Node().Member("data").View())
		if err != nil || len(text) == 0 {
			continue
		}
		pattern := definedInCQL
		switch c.Node().Member("contentType").View() {
		case "text/cql":
		case "application/elm+xml":
			pattern = definedInELM
		default:
			continue
		}
		found = true
		for _, m := range pattern.FindAllSubmatch(text, -1) {
			for _, name := range m[1:] {
				into[string(name)] = true
			}
		}
	}
	return found
}

// criterion holds one criterion in CQL that is no more than a name.
func (x *run) criterion(l logic, n fhir.Node) {
	switch n.Member("language").View() {
	case "text/cql", "text/cql.identifier", "text/cql-identifier":
	default:
		return
	}
	m := expression.FindStringSubmatch(n.Member("expression").View())
	if m == nil {
		return
	}
	library, name := m[1]+m[2], m[3]+m[4]
	switch {
	case l.named == 0:
		// A warning: three of the standard's own examples are so.
		x.report(Issue{Severity: Warning, Code: "required", Text: "this names an expression of CQL, and the Measure names no library that defines it by a canonical URL, which is absolute"})
	case !l.whole:
	case library == "":
		for _, defines := range l.names {
			if defines[name] {
				return
			}
		}
		x.say(Error, fault.NotFound, "no library of the Measure defines an expression of this name")
	case l.names[library] == nil:
		x.report(Issue{Severity: Warning, Code: "not-found", Text: "the Measure names no library of the name " + library})
	case !l.names[library][name]:
		x.say(Error, fault.NotFound, "the library "+library+" defines no expression of this name")
	}
}
