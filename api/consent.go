package api

import (
	"net/http"
	"strings"

	"selda/access/grant"
	"selda/audit"
	"selda/consent"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/validate"
	"selda/nhs"
)

// citizenSource is the source of what citizens state themselves.
const citizenSource = consent.Statements

// consent takes a citizen's own preference: in force for the next query.
func (q *request) consent(body []byte) error {
	return q.state("POST Consent", "Consent", body, http.StatusCreated)
}

// restate takes what a citizen says instead of what they have stated before:
// that it is inactive takes it back.
func (q *request) restate(id, call string, body []byte) error {
	ctx := q.r.Context()
	g, err := q.Access.Item(ctx, q.subject, "Consent", id, audit.Update)
	if err != nil {
		return err
	}
	v, err := q.Records.Read(ctx, g, "Consent", id)
	if err != nil {
		return err
	}
	if v.Source != citizenSource || v.Deleted {
		return fault.E("api.consent", fault.Security, "only what you have stated here yourself can be changed here")
	}
	return q.state(call, "Consent/"+id, body, http.StatusOK)
}

func (q *request) state(call, what string, body []byte, status int) error {
	ctx := q.r.Context()
	own, err := q.Access.Own(ctx, q.subject)
	if err != nil {
		return err
	}
	g, err := q.Access.Record(ctx, q.subject, own, what)
	if err != nil {
		return err
	}
	compact, err := compactOf(body)
	if err != nil {
		return err
	}
	about, err := Own(compact, own, q.subject.NHSNumber)
	if err != nil {
		return err
	}
	if err := q.understood(g, about); err != nil {
		return err
	}
	out, err := q.submit(call, about, citizenSource, own)
	if err != nil {
		return err
	}
	return q.written(out, "Consent", status)
}

// understood tells who states a Consent how it was understood, and refuses one
// that can't be honoured. Who wants to be told prefers an OperationOutcome.
func (q *request) understood(g grant.Grant, body []byte) error {
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return err
	}
	s, err := q.Access.Understood(q.r.Context(), g, r)
	if err != nil {
		return err
	}
	if s.Refusal.Words != "" {
		return fault.E("api.consent", fault.BusinessRule, s.Refusal.Words, s.Refusal.Place)
	}
	q.tell(s)
	return nil
}

// asserted tells a source system how a Consent that it sends is understood. Its
// word is taken as it is, and what can't be honoured is told as a warning.
func (q *request) asserted(r *fhir.Resource) {
	if r.Type != "Consent" || q.subject.Role != nhs.SourceSystem {
		return
	}
	s := q.Access.Asserted(q.r.Context(), q.subject, r)
	if s.Refusal.Words != "" {
		s.Doubts = append(s.Doubts, s.Refusal)
	}
	q.tell(s)
}

// tell says how a Consent was understood, to who prefers an OperationOutcome.
func (q *request) tell(s consent.Statement) {
	for _, d := range s.Doubts {
		q.found = append(q.found, validate.Issue{Severity: validate.Warning, Code: "business-rule", Expression: d.Place, Text: d.Words})
	}
	if s.Decides {
		severity := validate.Information
		if len(s.Doubts) > 0 {
			severity = validate.Warning
		}
		q.found = append(q.found, validate.Issue{Severity: severity, Code: "informational", Text: "understood: " + consent.Words(s.Preference, q.Now(), consent.Names{Organisation: q.Organisation})})
	}
}

// Own makes a Consent speak of the citizen who states it, by NHS number. It
// refuses one that speaks of another.
func Own(compact []byte, own string, number nhs.Number) ([]byte, error) {
	r, err := fhir.ParseTrusted(compact)
	if err != nil {
		return nil, err
	}
	if r.Type != "Consent" {
		return nil, fault.E("api.consent", fault.Invalid, "this is not a Consent", "resourceType")
	}
	if p := r.Get("patient"); p.Exists() {
		ref, id := p.Get("reference").Text(), p.Get("identifier", "value").Text()
		if ref != "" && !strings.HasSuffix(ref, "Patient/"+own) || id != "" && strings.ReplaceAll(id, " ", "") != number.Digits() {
			return nil, fault.E("api.consent", fault.Security, "you can state your own choices only", "Consent.patient")
		}
	}
	patient := fhir.Marshal(fhir.Object{"patient": fhir.Object{"type": "Patient", "identifier": fhir.Object{"system": nhs.NumberSystem, "value": number.Digits()}}})
	return fhir.Overlay(compact, patient), nil
}
