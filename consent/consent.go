// Package consent reads and writes what citizens decided about sharing, as
// FHIR Consent, and says it in plain words. What a citizen states is an objection
// or a preference, not the basis on which care is given (G1). It is pure.
//
// A Consent is read as a rule with exceptions (policy.Rule): the base policy in
// policyRule (OPTOUT, OPTIN and their kin), the root provision as an exception to
// it, nested provisions as exceptions to those around them. The innermost that
// applies decides; of two side by side the one that denies. A provision names
// actors (organisations by ODS code or by reference, care teams, roles, users),
// classes, codes, security labels, a period, a period of the data, purposes and
// data. A deny for the purpose BTG or ETREAT means no emergency override (G5). An
// opt-out of research, or of another secondary use alone, decides nothing here (G3).
//
// What can't be told fails safe: a deny is then wider, a permit is left out, and
// Statement.Doubts says so to the one who states it. What can't be honoured at
// all has a Refusal.
//
// Several Consents: R4 has no rule by which one replaces another but its status
// (inactive: "terminated or replaced"). So all that are active are in force
// together, and what any of them withholds is withheld. One thing is told apart: an
// OPTIN that is about everything and everyone states the whole choice anew, and
// takes back what the same source has stated before (docs/adr/0018).
// https://hl7.org/fhir/R4/consent.html
package consent

import (
	"time"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// Systems of codes in a Consent.
const (
	ActCode   = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	ActReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	scope     = "http://terminology.hl7.org/CodeSystem/consentscope"
	category  = "http://loinc.org"

	participation = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	resourceTypes = "http://hl7.org/fhir/resource-types"
)

// Statements is the source of what citizens state here themselves, and of what
// is stated here for them.
const Statements = nhs.Source("SELDA:ME")

// Build makes the Consent of a preference. subject is the citizen's own
// number; the caller checks who may state it.
func Build(p policy.Preference, subject nhs.Number, at time.Time) fhir.Object {
	rule, code, display := p.Rule, "OPTOUT", "opt-out"
	if rule.Permit {
		code, display = "OPTIN", "opt-in"
	}
	rule.From, rule.To = p.From, p.To
	return fhir.Object{
		"resourceType": "Consent", "status": "active",
		"scope":      fhir.Concept("", fhir.Coding(scope, "patient-privacy", "Privacy Consent")),
		"category":   []fhir.Object{fhir.Concept("", fhir.Coding(category, "59284-0", "Consent Document"))},
		"patient":    fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": subject.Digits()}},
		"dateTime":   fhir.Instant(at),
		"policyRule": fhir.Concept("", fhir.Coding(ActCode, code, display)),
		"provision":  provision(&rule),
	}
}

func provision(r *policy.Rule) fhir.Object {
	p := fhir.Object{"type": "deny"}
	if r.Permit {
		p["type"] = "permit"
	}
	if o := period(r.From, r.To); o != nil {
		p["period"] = o
	}
	actors := actors(r.Actors)
	for _, o := range r.Data.Sources {
		actors = append(actors, actor("CST", "custodian", policy.Actor{Organisation: o}))
	}
	p["actor"] = actors
	var purposes []fhir.Object
	if r.Uses&policy.InCare != 0 {
		purposes = append(purposes, fhir.Coding(ActReason, string(nhs.Treatment), "treatment"))
	}
	if r.Uses&policy.InEmergency != 0 {
		purposes = append(purposes, fhir.Coding(ActReason, string(nhs.Emergency), "break the glass"))
	}
	p["purpose"] = purposes
	data(p, &r.Data)
	var nested []fhir.Object
	for i := range r.But {
		nested = append(nested, provision(&r.But[i]))
	}
	p["provision"] = nested
	return p
}

func actors(all []policy.Actor) (out []fhir.Object) {
	for _, a := range all {
		out = append(out, actor("IRCP", "information recipient", a))
	}
	return out
}

// actor writes one actor; of a role it says which, of others how they are involved.
func actor(code, display string, a policy.Actor) fhir.Object {
	role := fhir.Concept("", fhir.Coding(participation, code, display))
	if a.Role != "" {
		role = fhir.Concept("", fhir.Coding(RoleSystem, string(a.Role), a.Role.Title()))
	}
	ref := fhir.Object{"display": a.Role.Title()}
	switch {
	case a.User != "":
		ref = fhir.Object{"identifier": fhir.Object{"system": UserSystem, "value": a.User}}
	case a.Organisation != "":
		ref = fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(a.Organisation)}}
	}
	return fhir.Object{"role": role, "reference": ref}
}

func data(p fhir.Object, d *policy.Data) {
	var classes, labels, items, codes []fhir.Object
	for k := policy.Demographics; k <= policy.Other; k++ {
		if d.DataSets != 0 && d.DataSets.Has(k) {
			classes = append(classes, fhir.Coding(policy.DataSetSystem, k.String(), ""))
		}
	}
	for _, t := range d.Types {
		classes = append(classes, fhir.Coding(resourceTypes, t, ""))
	}
	for _, l := range d.Labels.Codes() {
		labels = append(labels, fhir.Coding(policy.LabelSystem, l, ""))
	}
	switch {
	case d.Without&policy.Restricted != 0:
		labels = append(labels, fhir.Coding(policy.ConfidentialitySystem, "N", "normal"))
	case d.Without != 0:
		labels = append(labels, fhir.Coding(policy.ConfidentialitySystem, "R", "restricted"))
	}
	for _, i := range d.Items {
		items = append(items, fhir.Object{"meaning": "instance", "reference": fhir.Ref(i.Type + "/" + i.ID)})
	}
	if c := d.Content; c != nil {
		for _, i := range c.Related {
			items = append(items, fhir.Object{"meaning": "related", "reference": fhir.Ref(i.Type + "/" + i.ID)})
		}
		for _, i := range c.Dependents {
			items = append(items, fhir.Object{"meaning": "dependents", "reference": fhir.Ref(i.Type + "/" + i.ID)})
		}
		for _, x := range c.Codes {
			codes = append(codes, fhir.Concept("", fhir.Coding(x.System, x.Code, "")))
		}
		if o := period(c.From, c.To); o != nil {
			p["dataPeriod"] = o
		}
	}
	p["class"], p["securityLabel"], p["data"], p["code"] = classes, labels, items, codes
}

func period(from, to time.Time) fhir.Object {
	o := fhir.Object{}
	if !from.IsZero() {
		o["start"] = fhir.Instant(from)
	}
	if !to.IsZero() {
		o["end"] = fhir.Instant(to)
	}
	if len(o) == 0 {
		return nil
	}
	return o
}
