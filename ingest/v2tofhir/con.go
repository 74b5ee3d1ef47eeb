package v2tofhir

import (
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

// The types of consent that are about sharing the record, of HL7 table 0496, and the one
// that is about research. All others are about a treatment, or about whom else is told.
const (
	release  = "001" // of information
	restrict = "110" // a request to restrict access: it is granted, or refused
	research = "109"
)

// consentStates are the states of table 0498: of a procedure what was refused is
// rejected, as HL7's guide to FHIR has it.
// https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-table-hl70498-to-consent-state-codes.html
var consentStates = map[string]string{"A": "active", "L": "active", "R": "rejected", "P": "proposed", "B": "proposed", "X": "inactive"}

// consent is CON: what somebody agreed to or refused. A release of information and a request
// to restrict access are decisions about sharing, and act as such (G4): a refusal of the one
// and a grant of the other are objections. What was agreed with limits, which stand in words,
// is taken as one, too: what can't be told fails safe. All other types change nothing about
// who sees the record.
func (w *mapper) consent(s hl7v2.Segment) {
	it := w.start("Consent", "patient", s)
	state := strings.ToUpper(token(s.Comp(11, 1).Text()))
	status := consentStates[state]
	kind := w.conceptIn(it, "category[0]", s.Field(2), hl7+"v2-0496")
	if status == "" || kind == nil {
		w.unmapped(s, "it does not say of what kind the consent is, or whether it was given")
		return
	}
	number := s.Field(4)
	it.key = w.pkey + "/consent/" + codeOf(s.Field(2))
	if id := entity(number); id != "" {
		it.key = w.pkey + "/consent/" + id
		o := fhir.Object{"system": mapped.LocalSystem(w.source, "consent")}
		it.put(o, "identifier[0]", "value", number.Comp(1))
		it.list("identifier", o)
	}
	it.key = w.uniqueKey("Consent", it.key)
	scope, rule := "treatment", "OPTIN"
	refused, limited := state == "R", state == "L"
	switch token(s.Comp(2, 1).Text()) {
	case release:
		scope = "patient-privacy"
		if refused {
			status = "active"
		}
		refused = refused || limited
	case restrict:
		scope, refused = "patient-privacy", true
	case research:
		scope = "research"
	}
	if refused {
		rule = "OPTOUT"
	}
	it.o["scope"] = fhir.Concept("", fhir.Coding(hl7+"consentscope", scope, ""))
	it.o["category"] = []fhir.Object{kind}
	it.o["policyRule"] = fhir.Concept("", fhir.Coding(systemActCode, rule, ""))
	it.o["status"] = status
	it.from("status", s.Field(11))
	w.consented(it, s, rule)
	w.add(it)
}

// consented says who decided, when, and from when to when it holds.
func (w *mapper) consented(it *item, s hl7v2.Segment, rule string) {
	if !it.when("dateTime", s.Comp(13, 1)) {
		it.when("dateTime", s.Comp(12, 1))
	}
	provision, period := fhir.Object{"type": "permit"}, fhir.Object{}
	if rule == "OPTOUT" {
		provision["type"] = "deny"
	}
	for name, at := range map[string]int{"start": 14, "end": 15} {
		t, _ := hl7v2.DateTime(s.Comp(at, 1).Text())
		it.set(period, "provision.period", name, t, s.Comp(at, 1))
	}
	if len(period) > 0 {
		provision["period"] = period
	}
	it.o["provision"] = provision
	who := s.Field(24).Rep(1)
	name := strings.TrimSpace(clean(who.Comp(2).Text()) + " " + clean(who.Comp(1).Sub(1).Text()))
	if name != "" {
		it.from("performer[0].display", who)
		it.list("performer", fhir.Object{"display": name})
	}
}
