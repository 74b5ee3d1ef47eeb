// Package consent reads and writes what citizens decided about sharing, as
// FHIR Consent. What a citizen states is an objection or a preference, not the
// basis on which care is given (G1). It is pure.
//
// Shapes that are read: policyRule OPTOUT with provision.type deny and no
// actor (object to sharing with everyone, G4); the same with actors (those
// organisations only), with provision.class or code (those data sets only), with
// provision.data (those items only); a nested deny for purpose BTG means no
// emergency override (G5). policyRule OPTIN, or a permit, decides nothing: it
// is what holds where there is no objection.
// https://hl7.org/fhir/R4/consent.html
package consent

import (
	"strings"
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
)

// Read gives the preference that a Consent states; false where it states none
// that narrows anything: a permit, a draft, one that was withdrawn.
func Read(r *fhir.Resource, id string, recorded time.Time) (policy.Preference, bool) {
	p := policy.Preference{ID: id, From: recorded}
	if r.Type != "Consent" || !r.Get("status").Is("active") || elsewhere(r) {
		return p, false
	}
	provision := r.Get("provision")
	optOut := false
	for _, c := range r.Root().List("policyRule", "coding") {
		optOut = optOut || strings.HasPrefix(c.Get("code").Text(), "OPTOUT")
	}
	if t := provision.Get("type"); !t.Is("deny") && (t.Exists() || !optOut) {
		return p, false
	}
	if t, ok := fhir.Time(r.Get("dateTime").Text()); ok && t.Before(recorded) {
		p.From = t
	}
	if t, ok := fhir.Time(provision.Get("period", "start").Text()); ok {
		p.From = t
	}
	if t, ok := fhir.Time(provision.Get("period", "end").Text()); ok {
		p.To = t
	}
	for _, nested := range provision.List("provision") {
		if nested.Get("type").Is("deny") && nested.Get("purpose", "code").Is(string(nhs.Emergency)) {
			p.NoOverride = true
		}
	}
	for _, class := range append(provision.List("class"), provision.List("code")...) {
		if d := dataSet(class); d != policy.NoDataSet {
			p.DataSets |= policy.SetOf(d)
		}
	}
	for _, d := range provision.List("data") {
		if typ, item, ok := strings.Cut(d.Get("reference", "reference").Text(), "/"); ok {
			p.Items = append(p.Items, policy.Item{Type: typ, ID: item})
		}
	}
	// An actor that can't be told fails safe: it is withheld from everyone.
	for _, a := range provision.List("actor") {
		ref := a.Get("reference")
		if !ref.Get("identifier", "system").Is(nhs.ODSSystem) {
			p.Organisations = nil
			break
		}
		o, err := nhs.ParseODS(ref.Get("identifier", "value").Text())
		if err != nil {
			p.Organisations = nil
			break
		}
		p.Organisations = append(p.Organisations, o)
	}
	return p, true
}

// elsewhere says whether a Consent is about something else than sharing for
// care: research, treatment, advance decisions, or a secondary use alone. Such
// an opt-out does not touch individual care (G3).
func elsewhere(r *fhir.Resource) bool {
	for _, c := range r.Root().List("scope", "coding") {
		switch c.Get("code").Text() {
		case "research", "treatment", "adr":
			return true
		}
	}
	purposes := r.Root().List("provision", "purpose")
	for _, p := range purposes {
		switch p.Get("code").Text() {
		case "TREAT", "CAREMGT", "COC", "ETREAT", "HPAYMT", "PATRQT", "PATADMIN", string(nhs.Emergency):
			return false
		}
	}
	return len(purposes) > 0
}

// dataSet reads a class (a resource type or one of SELDA's data sets).
func dataSet(n fhir.Node) policy.DataSet {
	codes := append([]fhir.Node{n}, n.List("coding")...)
	for _, c := range codes {
		code := c.Get("code").Text()
		if d := policy.ParseDataSet(code); d != policy.NoDataSet {
			return d
		}
	}
	return policy.NoDataSet
}

// Build makes the Consent of a preference. subject is the citizen's own
// number; the caller checks who may state it.
func Build(p policy.Preference, subject nhs.Number, at time.Time) fhir.Object {
	provision := fhir.Object{"type": "deny"}
	var actors []fhir.Object
	for _, o := range p.Organisations {
		actors = append(actors, fhir.Object{"role": fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "IRCP", "information recipient")),
			"reference": fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(o)}}})
	}
	provision["actor"] = actors
	var classes []fhir.Object
	for d := policy.Demographics; d <= policy.Other; d++ {
		if p.DataSets != 0 && p.DataSets.Has(d) {
			classes = append(classes, fhir.Coding(policy.DataSetSystem, d.String(), ""))
		}
	}
	provision["class"] = classes
	var data []fhir.Object
	for _, i := range p.Items {
		data = append(data, fhir.Object{"meaning": "instance", "reference": fhir.Ref(i.Type + "/" + i.ID)})
	}
	provision["data"] = data
	if p.NoOverride {
		provision["provision"] = []fhir.Object{{"type": "deny", "purpose": []fhir.Object{fhir.Coding(ActReason, string(nhs.Emergency), "break the glass")}}}
	}
	return fhir.Object{
		"resourceType": "Consent", "status": "active",
		"scope":      fhir.Concept("", fhir.Coding(scope, "patient-privacy", "Privacy Consent")),
		"category":   []fhir.Object{fhir.Concept("", fhir.Coding(category, "59284-0", "Consent Document"))},
		"patient":    fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": subject.Digits()}},
		"dateTime":   fhir.Instant(at),
		"policyRule": fhir.Concept("", fhir.Coding(ActCode, "OPTOUT", "opt-out")),
		"provision":  provision,
	}
}
