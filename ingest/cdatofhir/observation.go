package cdatofhir

import (
	"strings"

	"selda/cda"
	"selda/fhir"
	"selda/ingest/mapped"
)

const observationKind = "http://terminology.hl7.org/CodeSystem/observation-category"

var observationStates = map[string]string{"completed": "final", "active": "registered", "aborted": "cancelled", "cancelled": "cancelled",
	"held": "registered", "suspended": "registered", "obsolete": "entered-in-error", "nullified": "entered-in-error"}

// observation is an observation of any kind; within an organizer it takes the
// organizer's time where it has none. It gives the resource's key.
func (m *mapping) observation(s, e, organizer *cda.Element) string {
	r := m.resource("Observation", e)
	r.identifiers()
	r.body["status"] = r.status(e, observationStates, "final")
	if kind := observationCategory(s, e); kind != "" {
		r.body["category"] = []fhir.Object{fhir.Concept("", fhir.Coding(observationKind, kind, ""))}
	}
	r.set("code", r.conceptOr("code", e.First("code")))
	if r.body["code"] == nil {
		m.left(e, "an observation without a code or words")
		return ""
	}
	if !r.moment("effective", e.First("effectiveTime")) && organizer != nil {
		r.moment("effective", organizer.First("effectiveTime"))
	}
	r.values(e)
	if negated(e) {
		// What was looked for and not found: the value as it stands would say
		// the contrary.
		for name := range r.body {
			if strings.HasPrefix(name, "value") {
				delete(r.body, name)
			}
		}
		r.body["valueString"] = "No: " + negatedWords(e)
		r.from("valueString", e.AttrPlace("negationInd"))
	}
	r.interpretation(e)
	r.ranges(e)
	r.set("method", r.concept("method", e.First("methodCode")))
	r.set("bodySite", r.concept("bodySite", e.First("targetSiteCode")))
	r.performers(e)
	r.notes()
	return r.put()
}

func negatedWords(e *cda.Element) string {
	for _, c := range []*cda.Element{e.First("value"), e.First("code")} {
		if t := c.Attr("displayName"); t != "" {
			return t
		}
	}
	return "not present"
}

// observationCategory is what kind it is, by template, else by the section.
func observationCategory(s, e *cda.Element) string {
	switch {
	case e.Is(vitalSign):
		return "vital-signs"
	case e.Is(resultObservation):
		return "laboratory"
	case e.Is(smokingStatus), e.Is(tobaccoUse), e.Is(socialHistory), e.Is(pregnancy), e.Is(birthSex):
		return "social-history"
	case e.Is(assessmentScale), e.Is(functionalStatus), e.Is(mentalStatus):
		return "survey"
	}
	switch s.First("code").Attr("code") {
	case "8716-3":
		return "vital-signs"
	case "30954-2":
		return "laboratory"
	case "29762-2":
		return "social-history"
	case "29545-1":
		return "exam"
	}
	return ""
}

// values puts the value, whatever datatype it is. Several values are components.
func (r *resource) values(e *cda.Element) {
	all := e.All("value")
	if len(all) > 1 {
		var list []fhir.Object
		for i, v := range all {
			one := fhir.Object{"code": r.body["code"]}
			r.value("component["+itoa(i)+"].", one, v)
			r.from("component["+itoa(i)+"].code", e.First("code").Place())
			list = append(list, one)
		}
		r.body["component"] = list
		return
	}
	if len(all) == 1 {
		r.value("", r.body, all[0])
	}
}

// value puts one value into o, whose path is prefix.
func (r *resource) value(prefix string, o fhir.Object, v *cda.Element) {
	switch v.Type() {
	case "PQ", "INT", "REAL", "MO", "":
		if q := r.quantity(prefix+"valueQuantity", v); q != nil {
			o["valueQuantity"] = q
			return
		}
	case "CD", "CE", "CV", "CO", "CS":
		if c := r.concept(prefix+"valueCodeableConcept", v); c != nil {
			o["valueCodeableConcept"] = c
			return
		}
	case "BL":
		if b := v.Attr("value"); b == "true" || b == "false" {
			o["valueBoolean"] = b == "true"
			r.from(prefix+"valueBoolean", v.AttrPlace("value"))
			return
		}
	case "TS":
		if t := dateTime(v.Attr("value")); t != "" {
			o["valueDateTime"] = t
			r.from(prefix+"valueDateTime", v.AttrPlace("value"))
			return
		}
	case "IVL_PQ", "IVL_INT", "IVL_REAL":
		if r.interval(prefix, o, v) {
			return
		}
	case "RTO", "RTO_PQ_PQ", "RTO_INT_INT":
		n, d := r.quantity(prefix+"valueRatio.numerator", v.First("numerator")), r.quantity(prefix+"valueRatio.denominator", v.First("denominator"))
		if n != nil && d != nil {
			o["valueRatio"] = fhir.Object{"numerator": n, "denominator": d}
			return
		}
	}
	r.otherwise(prefix, o, v)
}

// otherwise is a value that its datatype does not explain: a translation of a
// quantity, a code without xsi:type, words, or why there is none.
func (r *resource) otherwise(prefix string, o fhir.Object, v *cda.Element) {
	for _, t := range v.All("translation") {
		if q := r.quantity(prefix+"valueQuantity", t); q != nil {
			if unit := t.First("originalText"); q["unit"] == nil && unit.Text() != "" {
				q["unit"] = unit.Text()
				r.from(prefix+"valueQuantity.unit", unit.Place())
			}
			o["valueQuantity"] = q
			return
		}
	}
	if c := r.coding(prefix+"valueCodeableConcept.coding[0]", v); c != nil {
		o["valueCodeableConcept"] = r.concept(prefix+"valueCodeableConcept", v)
		return
	}
	if text, place := r.m.words(v); text != "" {
		o["valueString"] = text
		r.from(prefix+"valueString", place)
		return
	}
	if text, place := r.m.referred(v); text != "" && v.Null() == "" {
		o["valueString"] = text
		r.from(prefix+"valueString", place)
		return
	}
	if null := v.Null(); null != "" {
		const absent = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
		code := absentReason[null]
		if code == "" {
			code = "unknown"
		}
		o["dataAbsentReason"] = fhir.Concept("", fhir.Coding(absent, code, ""))
		r.from(prefix+"dataAbsentReason", v.AttrPlace("nullFlavor"))
	}
}

// absentReason is a nullFlavor as FHIR has it.
// http://hl7.org/fhir/R4/valueset-data-absent-reason.html
var absentReason = map[string]string{"UNK": "unknown", "ASKU": "asked-unknown", "NAV": "temp-unknown", "NASK": "not-asked",
	"MSK": "masked", "NA": "not-applicable", "NINF": "negative-infinity", "PINF": "positive-infinity", "NI": "unknown", "OTH": "unsupported"}

// interval is a range, or, of one end only, a quantity with a comparator.
func (r *resource) interval(prefix string, o fhir.Object, v *cda.Element) bool {
	low, high := v.First("low"), v.First("high")
	hasLow, hasHigh := number(low.Attr("value")) != "", number(high.Attr("value")) != ""
	switch {
	case hasLow && hasHigh:
		o["valueRange"] = fhir.Object{"low": r.quantity(prefix+"valueRange.low", low), "high": r.quantity(prefix+"valueRange.high", high)}
	case hasLow:
		q := r.quantity(prefix+"valueQuantity", low)
		q["comparator"] = ">="
		if low.Attr("inclusive") == "false" {
			q["comparator"] = ">"
		}
		r.from(prefix+"valueQuantity.comparator", low.Place())
		o["valueQuantity"] = q
	case hasHigh:
		q := r.quantity(prefix+"valueQuantity", high)
		q["comparator"] = "<="
		if high.Attr("inclusive") == "false" {
			q["comparator"] = "<"
		}
		r.from(prefix+"valueQuantity.comparator", high.Place())
		o["valueQuantity"] = q
	default:
		return false
	}
	return true
}

func (r *resource) interpretation(e *cda.Element) {
	var list []fhir.Object
	for _, i := range e.All("interpretationCode") {
		if c := r.concept("interpretation["+itoa(len(list))+"]", i); c != nil {
			list = append(list, c)
		}
	}
	r.body["interpretation"] = list
}

func (r *resource) ranges(e *cda.Element) {
	var list []fhir.Object
	for _, rr := range e.All("referenceRange") {
		of := rr.First("observationRange")
		path := "referenceRange[" + itoa(len(list)) + "]"
		one := fhir.Object{}
		if v := of.First("value"); v != nil {
			for _, end := range []string{"low", "high"} {
				if q := r.quantity(path+"."+end, v.First(end)); q != nil {
					one[end] = q
				}
			}
			if one["low"] == nil && one["high"] == nil && v.Text() != "" {
				one["text"] = v.Text()
				r.from(path+".text", v.Place())
			}
		}
		if text, place := r.m.referred(of.First("text")); text != "" {
			one["text"] = text
			r.from(path+".text", place)
		}
		if c := r.concept(path+".appliesTo[0]", of.First("interpretationCode")); c != nil && len(one) > 0 {
			one["appliesTo"] = []fhir.Object{c}
		}
		if len(one) > 0 {
			list = append(list, one)
		}
	}
	r.body["referenceRange"] = list
}

// performers are those who did it, by reference in words.
func (r *resource) performers(e *cda.Element) {
	var list []fhir.Object
	for _, p := range e.All("performer") {
		if o := r.actor("performer["+itoa(len(list))+"]", p.First("assignedEntity")); o != nil {
			list = append(list, o)
		}
	}
	r.body["performer"] = list
}

// report is a Result Organizer: a DiagnosticReport, and an Observation for
// each of its results.
func (m *mapping) report(s, e *cda.Element) {
	r := m.resource("DiagnosticReport", e)
	r.identifiers()
	r.body["status"] = r.status(e, map[string]string{"completed": "final", "active": "partial", "aborted": "cancelled", "cancelled": "cancelled",
		"held": "registered", "suspended": "registered"}, "unknown")
	r.set("code", r.conceptOr("code", e.First("code")))
	if r.body["code"] == nil {
		r.set("code", r.concept("code", s.First("code")))
	}
	when := e.First("effectiveTime")
	var results []fhir.Object
	for _, c := range e.All("component") {
		o := c.First("observation")
		if o == nil {
			if p := c.First("procedure"); p != nil && !p.Is("2.16.840.1.113883.10.20.22.4.415") {
				m.left(p, "a specimen or procedure of a result")
			}
			continue
		}
		if when == nil {
			when = o.First("effectiveTime")
		}
		if key := m.observation(s, o, e); key != "" {
			r.from("result["+itoa(len(results))+"].reference", o.Place())
			results = append(results, mapped.Reference("Observation", key, ""))
		}
	}
	r.moment("effective", when)
	r.body["result"] = results
	r.body["category"] = []fhir.Object{fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory"))}
	r.performers(e)
	if r.body["code"] == nil {
		m.left(e, "a report without a code or words; its results are kept")
		return
	}
	r.put()
}

// panel is the NHS's blood pressure: one Observation with its parts.
func (m *mapping) panel(e *cda.Element) {
	r := m.resource("Observation", e)
	r.identifiers()
	r.body["status"] = r.status(e, observationStates, "final")
	r.body["category"] = []fhir.Object{fhir.Concept("", fhir.Coding(observationKind, "vital-signs", ""))}
	r.set("code", r.conceptOr("code", e.First("code")))
	if r.body["code"] == nil {
		m.left(e, "an observation without a code or words")
		return
	}
	r.moment("effective", e.First("effectiveTime"))
	var list []fhir.Object
	for _, c := range e.All("component") {
		o := c.First("observation")
		path := "component[" + itoa(len(list)) + "]."
		if code := r.concept(path+"code", o.First("code")); code != nil {
			one := fhir.Object{"code": code}
			r.value(path, one, o.First("value"))
			list = append(list, one)
		}
	}
	r.body["component"] = list
	r.put()
}
