package v2tofhir

import (
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
	"selda/nhs"
)

// controls are what ORC-1, HL7 table 0119, makes of an order.
var controls = map[string]string{"NW": "active", "SN": "active", "PA": "active", "CH": "active", "OK": "active", "RL": "active", "OR": "active",
	"XO": "active", "XX": "active", "RO": "active", "RR": "active", "AF": "active", "CA": "revoked", "UC": "active", "OC": "revoked", "CR": "revoked",
	"DC": "revoked", "OD": "revoked", "DR": "revoked", "RP": "revoked", "RU": "revoked", "UA": "revoked", "HD": "on-hold", "OH": "on-hold",
	"HR": "on-hold", "RE": "completed", "ER": "entered-in-error"}

// orderStatus is ORC-5, HL7 table 0038, which tells more than ORC-1 where an
// order only changes its state.
var orderStatus = map[string]string{"A": "active", "CA": "revoked", "CM": "completed", "DC": "revoked", "ER": "active", "HD": "on-hold",
	"IP": "active", "RP": "revoked", "SC": "active"}

// requestStatus is the status of an order, and where it stands. What ends an
// order wins over the state that the sender knew before.
func requestStatus(orc hl7v2.Segment) (string, hl7v2.Value) {
	control, state := orc.Comp(1, 1), orc.Comp(5, 1)
	c, s := strings.ToUpper(token(control.Text())), orderStatus[strings.ToUpper(token(state.Text()))]
	switch {
	case controls[c] == "revoked" || controls[c] == "on-hold" || controls[c] == "entered-in-error":
		return controls[c], control
	case s != "":
		return s, state
	case controls[c] != "":
		return controls[c], control
	}
	return "unknown", control
}

// serviceRequest is an ORC with its OBR; an order that is called off may come
// without one. A cancelled order stays, as cancelled: someone may be waiting
// for its result.
func (w *mapper) serviceRequest(orc, obr hl7v2.Segment) {
	it := w.start("ServiceRequest", "subject", orc)
	if !orc.Exists() {
		it.place = obr.Place()
	}
	numbers := []struct {
		name  string
		value hl7v2.Value
	}{{"placer", orc.Field(2)}, {"filler", orc.Field(3)}}
	for i := range numbers {
		if v := obr.Field(2 + i); !numbers[i].value.Exists() && v.Exists() {
			numbers[i].value = v
		}
	}
	var ids []fhir.Object
	for _, n := range numbers {
		if id := entity(n.value); id != "" {
			it.from(index("identifier", len(ids))+".value", n.value.Comp(1).Sub(1))
			ids = append(ids, fhir.Object{"system": mapped.LocalSystem(w.source, n.name), "value": id})
			if it.key == "" {
				it.key = w.own(id)
			}
		}
	}
	it.list("identifier", ids...)
	it.key = w.uniqueKey("ServiceRequest", it.key)
	status, from := requestStatus(orc)
	it.o["intent"] = "order"
	it.set(it.o, "", "status", status, from)
	if c := strings.ToUpper(token(orc.Comp(1, 1).Text())); c != "NW" && c != "RP" && c != "XO" && c != "" {
		it.action = mapped.Patch
	}
	if status == "entered-in-error" {
		it.action = mapped.Remove
	}
	w.coded(it, "code", obr.Field(4))
	w.requestDetail(it, orc, obr)
	it.states(w.order.label)
	it.object("encounter", w.encounterRef())
	w.add(it)
	w.last, w.request = it, it
}

// requestDetail is who asked, when, for when, why and how urgently.
func (w *mapper) requestDetail(it *item, orc, obr hl7v2.Segment) {
	it.when("authoredOn", orc.Comp(9, 1))
	for _, v := range []hl7v2.Value{obr.Comp(36, 1), orc.Comp(7, 4), obr.Comp(27, 4), obr.Comp(6, 1)} {
		if it.when("occurrenceDateTime", v) {
			break
		}
	}
	for _, v := range []hl7v2.Value{orc.Comp(7, 6), obr.Comp(27, 6), obr.Comp(5, 1)} {
		if it.set(it.o, "", "priority", priorities[strings.ToUpper(token(v.Text()))], v) {
			break
		}
	}
	for _, v := range []hl7v2.Value{orc.Field(12).Rep(1), obr.Field(16).Rep(1)} {
		if who := w.person(it, "requester", v); who != nil {
			it.o["requester"] = who
			break
		}
	}
	var reasons []fhir.Object
	for _, v := range []hl7v2.Value{obr.Field(31), orc.Field(16)} {
		reasons = each("reasonCode", v, reasons, func(p string, v hl7v2.Value) fhir.Object { return w.concept(it, p, v) })
	}
	if text := plain(obr.Field(13)); len(reasons) == 0 && text != "" { // relevant clinical information
		it.from("reasonCode[0].text", obr.Field(13))
		reasons = []fhir.Object{{"text": text}}
	}
	it.list("reasonCode", reasons...)
	if v := obr.Comp(24, 1); v.Exists() {
		it.from("category[0].coding[0].code", v)
		it.list("category", fhir.Concept("", fhir.Coding(hl7+"v2-0074", token(v.Text()), "")))
	}
}

// timing is TQ1: when and how urgently the order before it is wanted.
func (w *mapper) timing(s hl7v2.Segment) {
	if w.typ == "SIU" {
		return // the appointment reads it
	}
	it := w.request
	if it == nil || it.typ != "ServiceRequest" {
		w.unmapped(s, reasonNoPlace)
		return
	}
	if it.o["occurrenceDateTime"] == nil {
		it.when("occurrenceDateTime", s.Comp(7, 1))
	}
	if it.o["priority"] == nil {
		it.set(it.o, "", "priority", priorities[strings.ToUpper(token(s.Comp(9, 1).Text()))], s.Comp(9, 1))
	}
	w.add(it)
}

// referral is RF1 with its PRD: one care provider asks another to see the
// patient. REF^I12 asks, I13 changes it, I14 calls it off, I15 asks its state.
func (w *mapper) referral(s hl7v2.Segment) {
	if w.typ != "REF" && w.typ != "RRI" {
		w.unmapped(s, reasonNoPlace)
		return
	}
	if w.patient < 0 {
		// RF1 stands before PID: it is mapped once the patient is known.
		w.pendingReferral = s
		return
	}
	it := w.start("ServiceRequest", "subject", s)
	var ids []fhir.Object
	for _, n := range []int{6, 11} {
		if id := entity(s.Field(n)); id != "" {
			it.from(index("identifier", len(ids))+".value", s.Field(n).Comp(1).Sub(1))
			ids = append(ids, fhir.Object{"system": mapped.LocalSystem(w.source, "referral"), "value": id})
			if it.key == "" {
				it.key = plainKey("referral/" + w.own(id))
			}
		}
	}
	it.list("identifier", ids...)
	it.o["intent"], it.o["status"] = "order", "active"
	state := s.Comp(1, 1)
	switch strings.ToUpper(token(state.Text())) {
	case "R":
		it.set(it.o, "", "status", "revoked", state)
	case "E", "C":
		it.set(it.o, "", "status", "completed", state)
	case "A", "P", "O":
		it.set(it.o, "", "status", "active", state)
	}
	if w.trigger == "I14" {
		it.set(it.o, "", "status", "revoked", w.eventCode())
	}
	it.set(it.o, "", "priority", priorities[strings.ToUpper(token(s.Comp(2, 1).Text()))], s.Comp(2, 1))
	w.coded(it, "code", s.Field(3).Rep(1))
	c := fhir.Concept("", fhir.Coding(systemSnomed, "3457005", "Patient referral"))
	if own := w.conceptIn(it, "category[1]", s.Field(5).Rep(1), mapped.LocalSystem(w.source, "referral-category")); own != nil {
		it.list("category", c, own)
	} else {
		it.list("category", c)
	}
	if !it.when("authoredOn", s.Comp(9, 1)) {
		if t, v := w.eventTime(); t != "" {
			it.set(it.o, "", "authoredOn", t, v)
		}
	}
	it.when("occurrenceDateTime", s.Comp(7, 1))
	it.list("reasonCode", each("reasonCode", s.Field(10), nil, func(p string, v hl7v2.Value) fhir.Object { return w.concept(it, p, v) })...)
	w.providers(it)
	w.add(it)
	w.last, w.request = it, it
}

// providers are the PRD segments: who refers and to whom.
func (w *mapper) providers(it *item) {
	var to []fhir.Object
	for s := range w.m.All("PRD") {
		role := strings.ToUpper(token(s.Comp(1, 1).Text()))
		switch {
		case role == "RT":
			if who := w.provided(it, index("performer", len(to)), s); who != nil {
				to = append(to, who)
			}
		case role == "RP" && it.o["requester"] == nil:
			it.object("requester", w.provided(it, "requester", s))
		default:
			w.unmapped(s, "a provider with another part in the referral")
		}
	}
	it.list("performer", to...)
}

// provided is a PRD as a Reference: a person by name, an organisation by the
// code of PRD-7.
func (w *mapper) provided(it *item, path string, s hl7v2.Segment) fhir.Object {
	name, id := s.Field(2).Rep(1), token(s.Field(7).Rep(1).Comp(1).Text())
	words := strings.Join(strings.Fields(clean(name.Comp(5).Text())+" "+clean(name.Comp(2).Text())+" "+clean(name.Comp(1).Sub(1).Text())), " ")
	o := fhir.Object{}
	from := name
	if words == "" {
		from = s.Field(4).Rep(1) // the provider's location
		words = placeWords(from)
	}
	it.set(o, path, "display", words, from)
	if odsLike(id) {
		o["identifier"] = fhir.Object{"system": nhs.ODSSystem, "value": strings.ToUpper(id)}
	} else if id != "" {
		o["identifier"] = fhir.Object{"system": w.professional(id, token(s.Field(7).Rep(1).Comp(2).Text()), ""), "value": id}
	}
	if len(o) == 0 {
		return nil
	}
	return o
}
