package cdatofhir

import (
	"selda/cda"
	"selda/fhir"
)

// procedure is a Procedure Activity of any class, done; one that is planned is
// a request.
func (m *mapping) procedure(e *cda.Element) {
	if planned(e) {
		m.request(e)
		return
	}
	r := m.resource("Procedure", e)
	r.identifiers()
	r.body["status"] = r.status(e, map[string]string{"completed": "completed", "active": "in-progress", "aborted": "stopped",
		"cancelled": "not-done", "nullified": "entered-in-error"}, "unknown")
	if negated(e) {
		r.body["status"] = "not-done"
		r.from("status", e.AttrPlace("negationInd"))
	}
	r.set("code", r.conceptOr("code", e.First("code")))
	if r.body["code"] == nil {
		m.left(e, "a procedure without a code or words")
		return
	}
	r.moment("performed", e.First("effectiveTime"))
	if site := r.concept("bodySite[0]", e.First("targetSiteCode")); site != nil {
		r.body["bodySite"] = []fhir.Object{site}
	}
	var who []fhir.Object
	for _, p := range e.All("performer") {
		if o := r.actor("performer["+itoa(len(who))+"].actor", p.First("assignedEntity")); o != nil {
			who = append(who, fhir.Object{"actor": o})
		}
	}
	r.body["performer"] = who
	for _, p := range e.All("participant") {
		if name := p.First("participantRole", "playingEntity", "name"); p.Attr("typeCode") == "LOC" && name.Text() != "" {
			r.body["location"] = fhir.Object{"display": name.Text()}
			r.from("location.display", name.Place())
		}
	}
	r.reason(e)
	r.notes()
	r.put()
}

// request is what is planned: a procedure, an act, an observation to be made.
func (m *mapping) request(e *cda.Element) {
	r := m.resource("ServiceRequest", e)
	r.identifiers()
	r.body["status"] = r.status(e, map[string]string{"active": "active", "completed": "completed", "cancelled": "revoked",
		"aborted": "revoked", "held": "on-hold", "suspended": "on-hold", "new": "active"}, "active")
	r.body["intent"] = intent(e)
	r.from("intent", e.AttrPlace("moodCode"))
	if negated(e) {
		r.body["doNotPerform"] = true
		r.from("doNotPerform", e.AttrPlace("negationInd"))
	}
	r.set("code", r.conceptOr("code", e.First("code")))
	if r.body["code"] == nil {
		m.left(e, "a plan without a code or words")
		return
	}
	at := e.First("effectiveTime")
	if !r.moment("occurrence", at) {
		r.timestamp("occurrenceDateTime", at.First("center"))
	}
	if a := e.First("author"); a != nil {
		r.timestamp("authoredOn", a.First("time"))
		if o := r.actor("requester", a.First("assignedAuthor")); o != nil {
			r.body["requester"] = o
		}
	}
	var who []fhir.Object
	for _, p := range e.All("performer") {
		if o := r.actor("performer["+itoa(len(who))+"]", p.First("assignedEntity")); o != nil {
			who = append(who, o)
		}
	}
	r.body["performer"] = who
	r.reason(e)
	r.notes()
	r.put()
}

// goal is a Goal Observation.
func (m *mapping) goal(e *cda.Element) {
	r := m.resource("Goal", e)
	r.identifiers()
	r.body["lifecycleStatus"] = "active"
	r.set("description", r.conceptOr("description", e.First("code")))
	if text, place := m.referred(e.First("value")); text != "" {
		r.body["description"] = fhir.Object{"text": text}
		r.from("description.text", place)
	}
	if r.body["description"] == nil {
		m.left(e, "a goal without a code or words")
		return
	}
	at := e.First("effectiveTime")
	for _, c := range []*cda.Element{at, at.First("low")} {
		if t := dateTime(c.Attr("value")); t != "" && r.body["startDate"] == nil {
			r.body["startDate"] = t[:min(len(t), 10)]
			r.from("startDate", c.AttrPlace("value"))
		}
	}
	if q := r.quantity("target[0].detailQuantity", e.First("value")); q != nil {
		target := fhir.Object{"detailQuantity": q}
		if c := r.concept("target[0].measure", e.First("code")); c != nil {
			target["measure"] = c
		}
		r.body["target"] = []fhir.Object{target}
	}
	r.notes()
	r.put()
}

// encounterEntry is a visit told of in the body, and the diagnoses made in it.
func (m *mapping) encounterEntry(s, e *cda.Element) {
	r := m.resource("Encounter", e)
	r.identifiers()
	r.body["status"] = r.status(e, map[string]string{"completed": "finished", "active": "in-progress", "cancelled": "cancelled", "aborted": "cancelled"}, "finished")
	if planned(e) {
		r.body["status"] = "planned"
		r.from("status", e.AttrPlace("moodCode"))
	}
	r.body["class"] = encounterClass(r, e.First("code"))
	if c := r.conceptOr("type[0]", e.First("code")); c != nil {
		r.body["type"] = []fhir.Object{c}
	}
	if p := r.wholePeriod("period", e.First("effectiveTime")); p != nil {
		r.body["period"] = p
	}
	if c := r.concept("hospitalization.dischargeDisposition", e.First("dischargeDispositionCode")); c != nil {
		r.body["hospitalization"] = fhir.Object{"dischargeDisposition": c}
	}
	var people []fhir.Object
	for _, p := range e.All("performer") {
		if o := r.actor("participant["+itoa(len(people))+"].individual", p.First("assignedEntity")); o != nil {
			people = append(people, fhir.Object{"individual": o})
		}
	}
	r.body["participant"] = people
	for _, p := range e.All("participant") {
		role := p.First("participantRole")
		name := role.First("playingEntity", "name")
		place, text := name.Place(), name.Text()
		if text == "" {
			text, place = role.First("code").Attr("displayName"), role.First("code").AttrPlace("displayName")
		}
		if p.Attr("typeCode") == "LOC" && text != "" {
			r.body["location"] = []fhir.Object{{"location": fhir.Object{"display": text}}}
			r.from("location[0].location.display", place)
		}
	}
	r.reason(e)
	r.put()
	for _, rel := range e.All("entryRelationship") {
		if act := rel.First("act"); act.Is(encounterDiagnosis) {
			m.act(s, act)
		}
	}
}
