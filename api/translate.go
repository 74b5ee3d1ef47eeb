package api

import (
	"selda/fault"
	"selda/fhir"
	"selda/terminology"
)

// A code in another system. https://hl7.org/fhir/R4/conceptmap-operation-translate.html
func (q *request) translate(typ, id string) error {
	const op = "api.translate"
	a, s, err := q.terms(op, "dependency")
	if err != nil {
		return err
	}
	named := (&searchTerms{q: q}).named // a value set may be named by its id, too
	t := terminology.TranslateQuery{URL: a.text("url"), Codings: a.codings("code", "coding", "codeableConcept"), Source: named(a.text("source")), Target: named(a.text("target")),
		TargetSystem: a.text("targetsystem"), Reverse: a.flag("reverse")}
	if len(t.Codings) == 0 {
		return fault.E(op, fault.Required, "say which code: code and system, coding or codeableConcept", "code")
	}
	if v := a.text("conceptMapVersion"); v != "" && t.URL != "" {
		t.URL += "|" + v
	}
	given, err := a.resource("conceptMap")
	if err != nil {
		return err
	}
	if id != "" {
		if given, t.URL, err = q.definition(typ, id); err != nil {
			return err
		}
	}
	if given != nil {
		if given.Type != "ConceptMap" {
			return fault.E(op, fault.Invalid, "a ConceptMap should be given, not a "+given.Type, "conceptMap")
		}
		t.Map = terminology.ParseConceptMap(given)
	}
	answer, err := s.Translate(t)
	if err != nil {
		return err
	}
	out := []fhir.Object{parameter("result", "Boolean", answer.Result), parameter("message", "String", answer.Message)}
	for _, m := range answer.Matches {
		parts := []fhir.Object{parameter("equivalence", "Code", m.Equivalence)}
		if m.Code != "" {
			parts = append(parts, parameter("concept", "Coding", codingOf(m.Coding)))
		}
		for _, p := range m.Product {
			parts = append(parts, fhir.Object{"name": "product", "part": []fhir.Object{parameter("element", "Uri", p.Property),
				parameter("concept", "Coding", fhir.Object{"system": p.System, "code": p.Value, "display": p.Display})}})
		}
		out = append(out, fhir.Object{"name": "match", "part": present(append(parts, parameter("source", "Uri", m.Map)))})
	}
	q.sendParameters(present(out))
	return nil
}
