package validate

import (
	"slices"

	"selda/fault"
	"selda/fhir"
)

// reported holds a MeasureReport against its Measure, where that is known.
// https://hl7.org/fhir/R4/measurereport.html
func (x *run) reported(r fhir.Node) {
	m, ok := x.canonical(r.Member("measure").View())
	if !ok || !m.Member("resourceType").Is("Measure") {
		return
	}
	scoring := m.Member("scoring").Get("coding", "code").View()
	x.groups(r, m, "group", "the Measure has no group of this code", func(given, defined fhir.Node) {
		if scoring == "cohort" && given.Member("measureScore").Exists() {
			x.push("measureScore", -1)
			x.say(Error, fault.Invalid, "a Measure of a cohort has no score")
			x.pop()
		} else if scoring != "" && scoring != "cohort" && r.Member("status").Is("complete") && !given.Member("measureScore").Exists() && !r.Member("type").Is("data-collection") {
			x.report(Issue{Severity: Warning, Code: "required", Text: "a report of this Measure has a score for each group"})
		}
		x.groups(given, defined, "population", "the Measure has no population of this code", func(fhir.Node, fhir.Node) {})
		x.groups(given, defined, "stratifier", "the Measure has no stratifier of this code", func(fhir.Node, fhir.Node) {})
	})
}

// groups finds, for each part of a report, the part of the Measure whose code it
// has. Where there is but one of both, no code is needed.
func (x *run) groups(r, m fhir.Node, name, words string, f func(given, defined fhir.Node)) {
	given, defined := r.List(name), m.List(name)
	one := len(given) == 1 && len(defined) == 1
	found := map[int]bool{}
	for k, n := range given {
		x.push(name, k)
		at := slices.IndexFunc(defined, func(d fhir.Node) bool {
			return one && !n.Member("code").Exists() || sameConcept(codeOf(n), d.Member("code"))
		})
		if at < 0 {
			x.say(Error, fault.Invalid, words)
		} else {
			found[at] = true
			f(n, defined[at])
		}
		x.pop()
	}
	if len(given) == 0 || len(found) == len(defined) {
		return
	}
	x.say(Error, fault.Required, "the report does not have every "+name+" of the Measure")
}

// codeOf is a part's code: of a stratifier, the first of a list.
func codeOf(n fhir.Node) fhir.Node {
	code := n.Member("code")
	if code.IsArray() {
		return nth(code, 0)
	}
	return code
}

// sameConcept says whether two CodeableConcepts have a coding in common, or
// the same text.
func sameConcept(a, b fhir.Node) bool {
	for c := a.Member("coding").Children(); c.Next(); {
		for d := b.Member("coding").Children(); d.Next(); {
			if c.Node().Member("code").View() == d.Node().Member("code").View() && c.Node().Member("system").View() == d.Node().Member("system").View() {
				return true
			}
		}
	}
	text := a.Member("text")
	return text.IsString() && b.Member("text").View() == text.View()
}
