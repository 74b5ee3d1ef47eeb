package cdatofhir

import (
	"strings"

	"selda/cda"
	"selda/fhir"
	"selda/ingest/mapped"
)

// substance is a substanceAdministration: an immunisation or a medicine, done,
// taken or to be given.
func (m *mapping) substance(e *cda.Element) {
	switch {
	case e.Is(immunizationEvent) && planned(e), e.Is(plannedImmunization):
		m.left(e, "an immunisation that is planned")
	case e.Is(immunizationEvent):
		m.immunization(e)
	case e.Is(ukAdministration):
		m.administration(e)
	default:
		m.medication(e)
	}
}

// product is the medicine of a consumable, by its code or its name.
func (r *resource) product(path string, e *cda.Element) fhir.Object {
	product := e.First("consumable", "manufacturedProduct")
	material := product.First("manufacturedMaterial")
	if material == nil {
		material = product.First("manufacturedLabeledDrug")
	}
	if c := r.concept(path, material.First("code")); c != nil {
		return c
	}
	if name := material.First("name"); name.Text() != "" {
		r.from(path+".text", name.Place())
		return fhir.Object{"text": name.Text()}
	}
	return r.conceptOr(path, nil)
}

var medicationStates = map[string]string{"completed": "completed", "active": "active", "aborted": "stopped", "suspended": "on-hold",
	"cancelled": "stopped", "held": "on-hold", "nullified": "entered-in-error", "new": "active"}

// medication is a Medication Activity: a statement where it tells what is or
// was taken, a request where it tells what is to be.
func (m *mapping) medication(e *cda.Element) {
	typ := "MedicationStatement"
	if planned(e) {
		typ = "MedicationRequest"
	}
	r := m.resource(typ, e)
	r.identifiers()
	r.body["status"] = r.status(e, medicationStates, "unknown")
	name := "medicationCodeableConcept"
	material := e.First("consumable", "manufacturedProduct", "manufacturedMaterial", "code")
	if negated(e) && typ == "MedicationStatement" && anySubstance[material.Attr("code")] {
		r.body[name] = fhir.Concept("No known medications", fhir.Coding(snomed, "787481004", "No known medications"))
		r.body["status"] = "active"
		r.from(name, e.AttrPlace("negationInd"))
	} else {
		r.set(name, r.product(name, e))
		if negated(e) {
			r.body["status"] = "not-taken"
			if typ == "MedicationRequest" {
				r.body["status"], r.body["doNotPerform"] = "active", true
			}
			r.from("status", e.AttrPlace("negationInd"))
		}
	}
	if r.body[name] == nil {
		m.left(e, "a medicine without a code or a name")
		return
	}
	r.course(e)
	var dosage []fhir.Object
	if d := r.dosage(typ, e); d != nil {
		dosage = []fhir.Object{d}
	}
	if typ == "MedicationRequest" {
		r.body["intent"] = intent(e)
		r.from("intent", e.AttrPlace("moodCode"))
		r.body["dosageInstruction"] = dosage
		r.dispense(e)
		r.ordered(e)
	} else {
		r.body["dosage"] = dosage
		r.taken(e)
	}
	r.reason(e)
	r.notes()
	r.put()
}

// when gives the two effectiveTimes of a medicine: how long, and how often.
func when(e *cda.Element) (span, often *cda.Element) {
	for _, t := range e.All("effectiveTime") {
		switch t.Type() {
		case "PIVL_TS", "EIVL_TS", "PIVL", "EIVL", "SXPR_TS":
			if often == nil {
				often = t
			}
		default:
			if t.Attr("operator") != "A" && span == nil {
				span = t
			}
		}
	}
	return span, often
}

func (r *resource) taken(e *cda.Element) {
	span, _ := when(e)
	r.moment("effective", span)
	if a := e.First("author"); a != nil {
		r.timestamp("dateAsserted", a.First("time"))
		if o := r.actor("informationSource", a.First("assignedAuthor")); o != nil {
			r.body["informationSource"] = o
		}
	}
	if r.body["dateAsserted"] == nil { // what names no author of its own is said when the document is
		r.timestamp("dateAsserted", r.m.root.First("effectiveTime"))
	}
}

// course sets right what "completed" means: of a medicine with a beginning and
// no end only the writing down is completed, and to take it for ended would
// hide a medicine that is taken.
func (r *resource) course(e *cda.Element) {
	span, _ := when(e)
	if r.body["status"] == "completed" && span.First("low").Attr("value") != "" && span.First("high").Attr("value") == "" {
		r.body["status"] = "active"
		r.from("status", span.Place())
	}
}

func (r *resource) ordered(e *cda.Element) {
	a := e.First("author")
	if a == nil {
		return
	}
	r.timestamp("authoredOn", a.First("time"))
	if o := r.actor("requester", a.First("assignedAuthor")); o != nil {
		r.body["requester"] = o
	}
}

// dosage is dose, route, site, timing and words.
func (r *resource) dosage(typ string, e *cda.Element) fhir.Object {
	list := "dosage[0]"
	if typ == "MedicationRequest" {
		list = "dosageInstruction[0]"
	}
	d := fhir.Object{}
	if text, place := r.m.referred(e.First("text")); text != "" {
		d["text"] = text
		r.from(list+".text", place)
	}
	for _, rel := range e.All("entryRelationship") {
		for _, o := range []*cda.Element{rel.First("act"), rel.First("substanceAdministration")} {
			if !o.Is("2.16.840.1.113883.10.20.22.4.20") && !o.Is("2.16.840.1.113883.10.20.22.4.147") {
				continue
			}
			if text, place := r.m.referred(o.First("text")); text != "" {
				d["patientInstruction"] = text
				r.from(list+".patientInstruction", place)
			}
		}
	}
	if c := r.concept(list+".route", e.First("routeCode")); c != nil {
		d["route"] = c
	}
	if c := r.concept(list+".site", e.First("approachSiteCode")); c != nil {
		d["site"] = c
	}
	if dose := r.dose(list+".doseAndRate[0]", e); dose != nil {
		d["doseAndRate"] = []fhir.Object{dose}
	}
	if p := e.First("precondition"); p != nil {
		if c := r.concept(list+".asNeededCodeableConcept", p.First("criterion", "value")); c != nil {
			d["asNeededCodeableConcept"] = c
		} else {
			d["asNeededBoolean"] = true
			r.from(list+".asNeededBoolean", p.Place())
		}
	}
	if max := e.First("maxDoseQuantity"); max != nil {
		n, of := r.quantity(list+".maxDosePerPeriod.numerator", max.First("numerator")), r.quantity(list+".maxDosePerPeriod.denominator", max.First("denominator"))
		if n != nil && of != nil {
			d["maxDosePerPeriod"] = fhir.Object{"numerator": n, "denominator": of}
		}
	}
	span, often := when(e)
	if t := r.timing(list+".timing", span, often, typ == "MedicationRequest"); t != nil {
		d["timing"] = t
	}
	if len(d) == 0 {
		return nil
	}
	return d
}

// dose is a quantity or a range. Where the product's code says the strength
// the dose has no unit: it counts what the administration unit names.
func (r *resource) dose(path string, e *cda.Element) fhir.Object {
	o := fhir.Object{}
	q := e.First("doseQuantity")
	low, high := r.quantity(path+".doseRange.low", q.First("low")), r.quantity(path+".doseRange.high", q.First("high"))
	if dose := r.quantity(path+".doseQuantity", q); dose != nil {
		if unit := e.First("administrationUnitCode"); dose["unit"] == nil && unit.Attr("displayName") != "" {
			dose["unit"] = unit.Attr("displayName")
			r.from(path+".doseQuantity.unit", unit.AttrPlace("displayName"))
		}
		o["doseQuantity"] = dose
	} else if low != nil || high != nil {
		o["doseRange"] = fhir.Object{"low": low, "high": high}
	}
	if rate := r.quantity(path+".rateQuantity", e.First("rateQuantity")); rate != nil {
		o["rateQuantity"] = rate
	}
	if len(o) == 0 {
		return nil
	}
	return o
}

// eventTimes are the events of EIVL_TS that FHIR knows by the same code.
const eventTimes = " HS WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV "

// timing is how often, and, of a request, for how long.
func (r *resource) timing(path string, span, often *cda.Element, bounds bool) fhir.Object {
	repeat := fhir.Object{}
	if bounds {
		if p := r.period(path+".repeat.boundsPeriod", span); p != nil {
			repeat["boundsPeriod"] = p
		}
	}
	switch often.Type() {
	case "PIVL_TS", "PIVL":
		r.periodic(path, repeat, often.First("period"))
	case "EIVL_TS", "EIVL":
		if code := often.First("event").Attr("code"); strings.Contains(eventTimes, " "+code+" ") {
			repeat["when"] = []string{code}
			r.from(path+".repeat.when[0]", often.First("event").AttrPlace("code"))
		}
	}
	if len(repeat) == 0 {
		return nil
	}
	return fhir.Object{"repeat": repeat}
}

// periods are the units of time that Timing.repeat has.
const periods = " s min h d wk mo a "

// periodic is "every so often": a period, or between two.
func (r *resource) periodic(path string, repeat fhir.Object, p *cda.Element) {
	low, high := p, (*cda.Element)(nil)
	if p.First("low") != nil {
		low, high = p.First("low"), p.First("high")
	}
	value, unit := number(low.Attr("value")), low.Attr("unit")
	if value == "" || !strings.Contains(periods, " "+unit+" ") || unit == "" {
		return
	}
	repeat["frequency"], repeat["period"], repeat["periodUnit"] = 1, fhir.Decimal(value), unit
	for _, name := range []string{"frequency", "period"} {
		r.from(path+".repeat."+name, low.AttrPlace("value"))
	}
	r.from(path+".repeat.periodUnit", low.AttrPlace("unit"))
	if most := number(high.Attr("value")); most != "" {
		repeat["periodMax"] = fhir.Decimal(most)
		r.from(path+".repeat.periodMax", high.AttrPlace("value"))
	}
}

// dispense is what a Medication Supply Order in the entry allows.
func (r *resource) dispense(e *cda.Element) {
	o := fhir.Object{}
	if n := number(e.First("repeatNumber").Attr("value")); n != "" && !strings.ContainsAny(n, ".eE-") {
		o["numberOfRepeatsAllowed"] = fhir.Decimal(n)
		r.from("dispenseRequest.numberOfRepeatsAllowed", e.First("repeatNumber").AttrPlace("value"))
	}
	for _, rel := range e.All("entryRelationship") {
		s := rel.First("supply")
		if s.Attr("moodCode") != "INT" && s.Attr("moodCode") != "RQO" {
			continue
		}
		if q := r.quantity("dispenseRequest.quantity", s.First("quantity")); q != nil {
			o["quantity"] = q
		}
	}
	if len(o) > 0 {
		r.body["dispenseRequest"] = o
	}
}

// reason is the indication: an observation in the entry.
func (r *resource) reason(e *cda.Element) {
	for _, rel := range e.All("entryRelationship") {
		o := rel.First("observation")
		if rel.Attr("typeCode") != "RSON" || o == nil {
			continue
		}
		if c := r.concept("reasonCode[0]", o.First("value")); c != nil {
			r.body["reasonCode"] = []fhir.Object{c}
			return
		}
	}
}

// administration is the NHS's record of a dose given.
func (m *mapping) administration(e *cda.Element) {
	r := m.resource("MedicationAdministration", e)
	r.identifiers()
	r.body["status"] = r.status(e, map[string]string{"completed": "completed", "active": "in-progress", "aborted": "stopped"}, "unknown")
	r.set("medicationCodeableConcept", r.product("medicationCodeableConcept", e))
	if r.body["medicationCodeableConcept"] == nil {
		m.left(e, "a medicine without a code or a name")
		return
	}
	if !r.moment("effective", e.First("effectiveTime")) {
		m.left(e, "a dose without a time")
		return
	}
	dosage := fhir.Object{}
	if c := r.concept("dosage.method", e.First("code")); c != nil {
		dosage["method"] = c
	}
	if c := r.concept("dosage.route", e.First("routeCode")); c != nil {
		dosage["route"] = c
	}
	for _, rel := range e.All("entryRelationship") {
		if o := rel.First("observation"); o.Is("COCD_TP146029UK04#administrationDetails") {
			if text := o.First("value"); text.Text() != "" {
				dosage["text"] = text.Text()
				r.from("dosage.text", text.Place())
			}
		}
		if s := rel.First("supply"); s != nil {
			if q := r.quantity("dosage.dose", s.First("quantity")); q != nil {
				dosage["dose"] = q
			}
		}
	}
	r.body["dosage"] = dosage
	if m.visit != "" {
		r.body["context"] = mapped.Reference("Encounter", m.visit, "")
	}
	r.put()
}
