package cdatofhir

import (
	"strconv"
	"strings"

	"selda/cda"
	"selda/fhir"
)

// immunization is an Immunization Activity, given or, where it is negated,
// refused or not given.
func (m *mapping) immunization(e *cda.Element) {
	r := m.resource("Immunization", e)
	r.identifiers()
	r.body["status"] = r.status(e, map[string]string{"completed": "completed", "active": "completed", "nullified": "entered-in-error",
		"aborted": "not-done", "cancelled": "not-done"}, "completed")
	if negated(e) {
		r.body["status"] = "not-done"
		r.origins = nil
		r.identifiers()
		r.from("status", e.AttrPlace("negationInd"))
	}
	r.set("vaccineCode", r.product("vaccineCode", e))
	if r.body["vaccineCode"] == nil {
		m.left(e, "an immunisation without a vaccine")
		return
	}
	at := e.First("effectiveTime")
	if !r.timestamp("occurrenceDateTime", at) && !r.timestamp("occurrenceDateTime", at.First("low")) && !r.timestamp("occurrenceDateTime", at.First("center")) {
		r.body["occurrenceString"] = "not stated"
		r.from("occurrenceString", e.Place())
	}
	product := e.First("consumable", "manufacturedProduct")
	if lot := product.First("manufacturedMaterial", "lotNumberText"); lot.Text() != "" {
		r.body["lotNumber"] = lot.Text()
		r.from("lotNumber", lot.Place())
	}
	r.set("manufacturer", r.organisation("manufacturer", product.First("manufacturerOrganization")))
	r.set("route", r.concept("route", e.First("routeCode")))
	r.set("site", r.concept("site", e.First("approachSiteCode")))
	if q := r.quantity("doseQuantity", e.First("doseQuantity")); q != nil {
		r.body["doseQuantity"] = q
	}
	var who []fhir.Object
	for _, p := range e.All("performer") {
		if o := r.actor("performer["+itoa(len(who))+"].actor", p.First("assignedEntity")); o != nil {
			who = append(who, fhir.Object{"actor": o})
		}
	}
	r.body["performer"] = who
	r.because(e)
	r.reacted(e)
	if n := e.First("repeatNumber").Attr("value"); n != "" && strings.Trim(n, "0123456789") == "" {
		if i, err := strconv.Atoi(n); err == nil && i > 0 {
			r.body["protocolApplied"] = []fhir.Object{{"doseNumberPositiveInt": i}}
			r.from("protocolApplied[0].doseNumberPositiveInt", e.First("repeatNumber").AttrPlace("value"))
		}
	}
	r.notes()
	r.put()
}

// because is why it was not given, or why it was.
func (r *resource) because(e *cda.Element) {
	for _, rel := range e.All("entryRelationship") {
		o := rel.First("observation")
		switch {
		case o.Is("2.16.840.1.113883.10.20.22.4.53") && negated(e):
			r.set("statusReason", r.concept("statusReason", o.First("code")))
		case rel.Attr("typeCode") == "RSON" && !negated(e):
			if c := r.concept("reasonCode[0]", o.First("value")); c != nil {
				r.body["reasonCode"] = []fhir.Object{c}
			}
		}
	}
}

// reacted notes a reaction in words; the allergy that it may be is an entry of
// its own.
func (r *resource) reacted(e *cda.Element) {
	for _, rel := range e.All("entryRelationship") {
		o := rel.First("observation")
		if !o.Is("2.16.840.1.113883.10.20.22.4.9") {
			continue
		}
		one := fhir.Object{}
		if t := dateTime(o.First("effectiveTime", "low").Attr("value")); t != "" {
			one["date"] = t
			r.from("reaction[0].date", o.First("effectiveTime", "low").AttrPlace("value"))
		}
		if name := o.First("value").Attr("displayName"); name != "" {
			one["detail"] = fhir.Object{"display": name}
			r.from("reaction[0].detail.display", o.First("value").AttrPlace("displayName"))
		}
		if len(one) > 0 {
			r.body["reaction"] = []fhir.Object{one}
		}
	}
}
