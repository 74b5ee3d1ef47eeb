package api

import (
	"selda/fault"
	"selda/fhir"
	"selda/terminology"
)

// Whether a code is in a code system. https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
func (q *request) validateCode(typ, id string) error {
	const op = "api.validateCode"
	a, s, err := q.terms(op)
	if err != nil {
		return err
	}
	question, err := a.question(op)
	if err != nil {
		return err
	}
	system := a.text("url")
	switch given, e := a.resource("codeSystem"); {
	case e != nil:
		return e
	case id != "":
		if s, system, err = q.ofInstance(s, typ, id); err != nil {
			return err
		}
	case given != nil:
		s, system = s.With(terminology.NewResources(given)), given.Get("url").Text()
	case system == "":
		system = question.Codings[0].System
	}
	if system == "" {
		return fault.E(op, fault.Required, "say of which code system: url", "url")
	}
	v, err := s.ValidateCode(system, a.text("version"), question)
	if err != nil {
		return err
	}
	q.sendValidation(v)
	return nil
}

// question reads which codes are to be validated.
func (a *arguments) question(op string) (terminology.Question, error) {
	out := terminology.Question{Codings: a.codings("code", "coding", "codeableConcept"), DisplayLanguage: a.text("displayLanguage"), Abstract: a.flag("abstract")}
	if len(out.Codings) == 0 {
		return out, fault.E(op, fault.Required, "say which code: code, coding or codeableConcept", "code")
	}
	return out, nil
}

// Whether a code is in a value set. https://hl7.org/fhir/R4/valueset-operation-validate-code.html
func (q *request) validateInSet(typ, id string) error {
	const op = "api.validateInSet"
	a, s, err := q.terms(op)
	if err != nil {
		return err
	}
	question, err := a.question(op)
	if err != nil {
		return err
	}
	url, set, err := q.valueSet(a, op, typ, id)
	if err != nil {
		return err
	}
	var v *terminology.Validation
	if set != nil {
		v, err = s.ValidateInDefinition(set, question)
	} else {
		v, err = s.ValidateInSet(url, question)
	}
	if err != nil {
		return err
	}
	q.sendValidation(v)
	return nil
}

// valueSet is the value set that an operation is asked of: by its URL, given as
// a resource, or by its id.
func (q *request) valueSet(a *arguments, op, typ, id string) (url string, set *terminology.ValueSet, err error) {
	if id != "" {
		r, url, err := q.definition(typ, id)
		if err != nil || r == nil {
			return url, nil, err
		}
		return url, terminology.ParseValueSet(r), nil
	}
	r, err := a.resource("valueSet")
	if err != nil {
		return "", nil, err
	}
	if r != nil {
		if r.Type != "ValueSet" {
			return "", nil, fault.E(op, fault.Invalid, "a ValueSet should be given, not a "+r.Type, "valueSet")
		}
		return r.Get("url").Text(), terminology.ParseValueSet(r), nil
	}
	if url = a.text("url"); url == "" && a.text("context") != "" {
		url, err = q.boundAt(a.text("context"))
		return url, nil, err
	}
	if url == "" {
		return "", nil, fault.E(op, fault.Required, "say which value set: url, valueSet, context, or by its id", "url")
	}
	if v := a.text("valueSetVersion"); v != "" {
		url += "|" + v
	}
	return url, nil, nil
}

func (q *request) sendValidation(v *terminology.Validation) {
	q.sendParameters(present([]fhir.Object{parameter("result", "Boolean", v.Result), parameter("message", "String", v.Message), parameter("display", "String", v.Display),
		parameter("code", "Code", v.Code), parameter("system", "Uri", v.System), parameter("version", "String", v.Version)}))
}
