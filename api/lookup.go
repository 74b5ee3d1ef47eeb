package api

import (
	"cmp"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/terminology"
)

// What is known of a code. https://hl7.org/fhir/R4/codesystem-operation-lookup.html
func (q *request) lookup(_, _ string) error {
	const op = "api.lookup"
	a, s, err := q.terms(op)
	if err != nil {
		return err
	}
	list := a.codings("code", "coding", "")
	if len(list) == 0 || list[0].System == "" {
		return fault.E(op, fault.Required, "say which code: system and code, or coding", "code")
	}
	c := list[0]
	l, err := s.Lookup(c.System, c.Version, c.Code, a.text("displayLanguage"), a.values["property"]...)
	if err != nil {
		return err
	}
	out := []fhir.Object{parameter("name", "String", l.Name), parameter("version", "String", l.Version), parameter("display", "String", cmp.Or(l.Display, l.Code))} // a display is required
	if l.Abstract {
		out = append(out, parameter("abstract", "Boolean", true))
	}
	for _, d := range l.Designations {
		out = append(out, fhir.Object{"name": "designation", "part": designationParts(d)})
	}
	for _, p := range l.Properties {
		out = append(out, propertyPart(p))
	}
	q.sendParameters(present(out))
	return nil
}

// present are the parameters that have a value.
func present(list []fhir.Object) (out []fhir.Object) {
	for _, p := range list {
		some := false
		for name, v := range p {
			some = some || name == "part" || name == "resource" || strings.HasPrefix(name, "value") && v != ""
		}
		if some {
			out = append(out, p)
		}
	}
	return out
}

func designationParts(d terminology.Designation) []fhir.Object {
	parts := []fhir.Object{parameter("language", "Code", d.Language)}
	if d.Use.Code != "" {
		parts = append(parts, parameter("use", "Coding", codingOf(d.Use)))
	}
	return present(append(parts, parameter("value", "String", d.Value)))
}

func propertyPart(p terminology.Property) fhir.Object {
	parts := []fhir.Object{parameter("code", "Code", p.Code), {"name": "value", "value" + p.Type: propertyValue(p)}}
	return fhir.Object{"name": "property", "part": present(append(parts, parameter("description", "String", p.Description)))}
}

// propertyValue is the value in the form that its type has in JSON.
func propertyValue(p terminology.Property) any {
	switch p.Type {
	case "Boolean":
		return p.Value == "true"
	case "Integer":
		if n, err := strconv.Atoi(p.Value); err == nil {
			return n
		}
	case "Decimal":
		if fhir.IsDecimal(p.Value) {
			return fhir.Decimal(p.Value)
		}
	case "Coding":
		return fhir.Object{"system": p.System, "code": p.Value, "display": p.Description}
	}
	return p.Value
}

// How two codes of a system relate. https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
func (q *request) subsumes(typ, id string) error {
	const op = "api.subsumes"
	a, s, err := q.terms(op)
	if err != nil {
		return err
	}
	system := a.text("system")
	if id != "" {
		if s, system, err = q.ofInstance(s, typ, id); err != nil {
			return err
		}
	}
	one, other := a.codings("codeA", "codingA", ""), a.codings("codeB", "codingB", "")
	if len(one) != 1 || len(other) != 1 {
		return fault.E(op, fault.Required, "say which two codes: codeA and codeB, or codingA and codingB", "codeA")
	}
	for _, c := range []terminology.Coding{one[0], other[0]} {
		if system == "" {
			system = c.System
		}
		if c.System != "" && c.System != system {
			return fault.E(op, fault.Invalid, "the two codes are not of one code system", "system")
		}
	}
	if system == "" {
		return fault.E(op, fault.Required, "say of which code system the codes are", "system")
	}
	outcome, err := s.Subsumes(system, a.text("version"), one[0].Code, other[0].Code)
	if err != nil {
		return err
	}
	q.sendParameters([]fhir.Object{parameter("outcome", "Code", outcome)})
	return nil
}

// ofInstance is the service with the code system that an operation is asked of.
func (q *request) ofInstance(s *terminology.Service, typ, id string) (*terminology.Service, string, error) {
	r, url, err := q.definition(typ, id)
	if err != nil || r == nil {
		return s, url, err
	}
	return s.With(terminology.NewResources(r)), url, nil
}
