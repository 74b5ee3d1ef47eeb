package relationship

import (
	"slices"
	"strings"

	"selda/fhir"
	"selda/policy"
)

// A 999 or 111 call comes in several forms: the encounter that the service itself
// records (by FHIR, by HL7 v2, or around an NHS 111 report), the Task by which a case
// is handed to another service, and the report that is sent to them.

// calls are the codes by which an encounter's type, or the service that it is of,
// says that it is a call: the NHS 111 report's own (vocabulary
// 2.16.840.1.113883.2.1.3.2.4.17.326), and the numbers that were rung.
var calls = map[string]bool{"NHS111Encounter": true, "111": true, "999": true}

// report111 is what a report of NHS 111 has for its type (SNOMED CT).
const report111 = "819551000000100"

// urgent is the kind of relationship that an encounter shows: an ambulance's is an
// incident, and what rang at 111 or 999 a call.
// FLD is "field": https://terminology.hl7.org/CodeSystem-v3-ActCode.html
func urgent(v Version) string {
	class := v.Get("class", "code")
	if class.Is("FLD") {
		return "incident"
	}
	for _, c := range slices.Concat(v.Root().List("type"), []fhir.Node{v.Get("serviceType")}) {
		for _, g := range c.List("coding") {
			if calls[g.Get("code").Text()] {
				return "call"
			}
		}
	}
	switch system := v.Source.System(); {
	case strings.HasPrefix(system, "CAD") && !class.Is("IMP"): // computer-aided dispatch
		return "incident"
	case strings.HasPrefix(system, "111"):
		return "call"
	}
	return "encounter"
}

// report is what 111 sends of a call to whom is to act on it. The call is over: who takes
// over has the time after care, and shows a visit of their own by then.
func report(v Version) (rel policy.Relationship, ok bool) {
	if !v.Get("status").Is("current") {
		return rel, false
	}
	for _, g := range v.Get("type").List("coding") {
		if !g.Get("code").Is(report111) {
			continue
		}
		at, ok := fhir.Time(v.Get("date").Text())
		if !ok {
			at = v.Recorded
		}
		rel.Kind, rel.From, rel.To = "call", at.Add(-clockSkew), at
		return rel, true
	}
	return rel, false
}
