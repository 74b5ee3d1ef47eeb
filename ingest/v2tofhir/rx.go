package v2tofhir

import (
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

// medicine is a pharmacy segment: RXO and RXE prescribe, RXA in a vaccination
// message says what was given, RXR by which route.
func (w *mapper) medicine(s hl7v2.Segment) {
	w.closeReport()
	switch name := s.Name(); {
	case name == "RXA" && w.typ == "VXU":
		w.immunization(s)
	case name == "RXO" || name == "RXE":
		w.prescription(s)
	case name == "RXR" && w.last != nil && w.route(s):
	default:
		w.unmapped(s, reasonNoPlace)
	}
}

// prescription is RXO, as prescribed, or RXE, as the pharmacy encoded it; of
// one order the latter fills in what the former leaves out.
func (w *mapper) prescription(s hl7v2.Segment) {
	code, low, high, unit, form := s.Field(1), s.Field(2), s.Field(3), s.Field(4), s.Field(7)
	if s.Name() == "RXE" {
		code, low, high, unit, form = s.Field(2), s.Field(3), s.Field(4), s.Field(5), s.Field(7)
	}
	it := w.request
	if it == nil || it.typ != "MedicationRequest" {
		it = w.start("MedicationRequest", "subject", s)
		w.prescriptionHead(it)
	} else if s.Name() == "RXE" && it.o["medicationCodeableConcept"] != nil {
		w.unmapped(s, "the pharmacy's own coding of the order before it")
		return
	}
	if !w.coded(it, "medicationCodeableConcept", code) {
		text := words(form.Rep(1)) // some write the whole prescription there
		if text == "" {
			w.unmapped(s, "it names no medicine")
			return
		}
		it.o["medicationCodeableConcept"] = fhir.Object{"text": text}
		it.from("medicationCodeableConcept.text", form.Rep(1))
	}
	dose := fhir.Object{}
	if text := sentences(form); text != "" {
		it.set(dose, "dosageInstruction[0]", "text", text, form)
	}
	if q := w.dose(it, low, high, unit); q != nil {
		dose["doseAndRate"] = []fhir.Object{q}
	}
	it.list("dosageInstruction", dose)
	w.add(it)
	w.last, w.request = it, it
}

// sentences are the words of a repeated coded field.
func sentences(v hl7v2.Value) string {
	var out []string
	for r := range v.Reps() {
		if t := words(r); t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, " ")
}

func (w *mapper) dose(it *item, low, high, in hl7v2.Value) fhir.Object {
	u := unitOf(in)
	const path = "dosageInstruction[0].doseAndRate[0]."
	a, b := number(low.Comp(1).Text()), number(high.Comp(1).Text())
	switch {
	case a != "" && b != "" && a != b:
		return fhir.Object{"doseRange": fhir.Object{
			"low":  w.measured(it, path+"doseRange.low", a, "", low.Comp(1), &u),
			"high": w.measured(it, path+"doseRange.high", b, "", high.Comp(1), &u)}}
	case a != "":
		return fhir.Object{"doseQuantity": w.measured(it, path+"doseQuantity", a, "", low.Comp(1), &u)}
	}
	return nil
}

func (w *mapper) prescriptionHead(it *item) {
	orc := w.order.orc
	it.key = w.order.placer
	if it.key == "" {
		it.key = w.order.filler
	}
	if it.key != "" {
		it.from("identifier[0].value", firstOf(orc.Field(2), orc.Field(3)).Comp(1).Sub(1))
		it.list("identifier", fhir.Object{"system": mapped.LocalSystem(w.source, "order"), "value": it.key})
	}
	it.key = w.uniqueKey("MedicationRequest", w.own(it.key))
	it.o["intent"] = "order"
	status, from := requestStatus(orc)
	switch status {
	case "revoked":
		status = "cancelled"
		if c := strings.ToUpper(token(orc.Comp(1, 1).Text())); c == "DC" || c == "OD" {
			status = "stopped"
		}
	case "entered-in-error":
		it.action = mapped.Remove
	}
	it.o["status"] = status
	if from.Exists() {
		it.from("status", from)
	}
	it.when("authoredOn", orc.Comp(9, 1))
	if who := w.person(it, "requester", orc.Field(12).Rep(1)); who != nil {
		it.o["requester"] = who
	}
	it.states(w.order.label)
	it.object("encounter", w.encounterRef())
}

func firstOf(vs ...hl7v2.Value) hl7v2.Value {
	for _, v := range vs {
		if v.Exists() {
			return v
		}
	}
	return hl7v2.Value{}
}

// route is RXR of the medicine or vaccine before it.
func (w *mapper) route(s hl7v2.Segment) bool {
	it := w.last
	switch it.typ {
	case "Immunization":
		it.forget("route")
		it.forget("site")
		it.object("route", w.concept(it, "route", s.Field(1)))
		it.object("site", w.concept(it, "site", s.Field(2)))
	case "MedicationRequest":
		list, _ := it.o["dosageInstruction"].([]fhir.Object)
		if len(list) == 0 {
			list = []fhir.Object{{}}
		}
		it.forget("dosageInstruction[0].route")
		c := w.concept(it, "dosageInstruction[0].route", s.Field(1))
		if c == nil {
			return true
		}
		list[0]["route"] = c
		it.o["dosageInstruction"] = list
	default:
		return false
	}
	w.add(it)
	return true
}

// immunization is RXA of VXU^V04.
func (w *mapper) immunization(s hl7v2.Segment) {
	it := w.start("Immunization", "patient", s)
	it.key = w.order.filler
	if it.key == "" {
		it.key = w.order.placer
	}
	if it.key == "" || strings.EqualFold(it.key, "9999") {
		it.key = w.pkey + "/" + codeOf(s.Field(5)) + "/" + token(s.Comp(3, 1).Text())
	}
	it.key = w.uniqueKey("Immunization", w.own(it.key))
	if !w.coded(it, "vaccineCode", s.Field(5)) {
		w.unmapped(s, "it names no vaccine")
		return
	}
	it.o["status"] = "completed"
	switch strings.ToUpper(token(s.Comp(20, 1).Text())) {
	case "RE", "NA":
		it.set(it.o, "", "status", "not-done", s.Comp(20, 1))
	}
	if strings.EqualFold(token(s.Comp(21, 1).Text()), "D") {
		it.set(it.o, "", "status", "entered-in-error", s.Comp(21, 1))
		it.action = mapped.Remove
	}
	if !it.when("occurrenceDateTime", s.Comp(3, 1)) {
		it.o["occurrenceString"] = "unknown"
	}
	if n := number(s.Comp(6, 1).Text()); n != "" && n != "999" {
		u := unitOf(s.Field(7))
		it.o["doseQuantity"] = w.measured(it, "doseQuantity", n, "", s.Comp(6, 1), &u)
	}
	it.put(it.o, "", "lotNumber", s.Comp(15, 1))
	it.date("expirationDate", s.Comp(16, 1))
	if v := s.Field(17).Rep(1); words(v) != "" {
		it.o["manufacturer"] = fhir.Object{"display": words(v)}
		it.from("manufacturer.display", v)
	}
	if who := w.person(it, "performer[0].actor", s.Field(10).Rep(1)); who != nil {
		it.list("performer", fhir.Object{"actor": who})
	}
	if c := w.concept(it, "statusReason", s.Field(18).Rep(1)); c != nil {
		it.o["statusReason"] = c
	}
	if v := s.Field(9).Rep(1); v.Exists() {
		it.o["primarySource"] = token(v.Comp(1).Text()) == "00"
		it.from("primarySource", v.Comp(1))
	}
	it.object("encounter", w.encounterRef())
	w.add(it)
	w.last = it
}
