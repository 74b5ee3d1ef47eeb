package cdatofhir

import (
	"strconv"

	"selda/cda"
	"selda/fhir"
	"selda/ingest/mapped"
)

func itoa(i int) string { return strconv.Itoa(i) }

const (
	snomed         = "http://snomed.info/sct"
	conditionState = "http://terminology.hl7.org/CodeSystem/condition-clinical"
	conditionSure  = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
	conditionKind  = "http://terminology.hl7.org/CodeSystem/condition-category"
)

// anyProblem are codes that mean a problem as such: not having one is having none.
var anyProblem = map[string]bool{"55607006": true, "64572001": true, "404684003": true, "409586006": true, "282291009": true, "": true}

// clinicalStates are the codes by which senders say how a problem or an
// allergy stands: SNOMED CT, and the words of FHIR.
var clinicalStates = map[string]string{"55561003": "active", "73425007": "inactive", "413322009": "resolved", "246455001": "recurrence",
	"263855007": "relapse", "277022003": "remission", "active": "active", "inactive": "inactive", "resolved": "resolved"}

// problem is a Problem Observation, alone or in the act that tracks it.
func (m *mapping) problem(s, act, e *cda.Element) {
	value := e.First("value")
	coded := value
	if e.Is(ukDiagnosis) || value == nil {
		coded = e.First("code") // the NHS's diagnosis is in the code itself
	}
	r := m.resource("Condition", e)
	r.identifiers()
	r.body["category"] = r.category(s, act, e)
	if negated(e) && anyProblem[coded.Attr("code")] {
		r.body["code"] = fhir.Concept("No known problems", fhir.Coding(snomed, "160245001", "No current problems or disability"))
		r.from("code", e.AttrPlace("negationInd"))
	} else {
		r.set("code", r.conceptOr("code", coded))
	}
	if r.body["code"] == nil {
		m.left(e, "a problem without a code or words")
		return
	}
	sure := "confirmed"
	if negated(e) && !anyProblem[coded.Attr("code")] {
		sure = "refuted"
		r.from("verificationStatus", e.AttrPlace("negationInd"))
	}
	r.body["verificationStatus"] = fhir.Concept("", fhir.Coding(conditionSure, sure, ""))
	when := e.First("effectiveTime")
	if !negated(e) && !r.timestamp("onsetDateTime", when.First("low")) {
		r.timestamp("onsetDateTime", when)
	}
	ended := r.timestamp("abatementDateTime", when.First("high"))
	if sure != "refuted" {
		state := r.clinicalState(act, e, ended || when.First("high").Null() == "UNK")
		r.body["clinicalStatus"] = fhir.Concept("", fhir.Coding(conditionState, state, ""))
	}
	if m.visit != "" && act != nil && !act.Is(problemConcern) {
		r.body["encounter"] = mapped.Reference("Encounter", m.visit, "")
	}
	if site := r.concept("bodySite[0]", e.First("targetSiteCode")); site != nil {
		r.body["bodySite"] = []fhir.Object{site}
	}
	for _, rel := range e.All("entryRelationship") {
		if o := rel.First("observation"); o.Is("2.16.840.1.113883.10.20.22.4.8") {
			r.set("severity", r.concept("severity", o.First("value")))
		}
	}
	r.recorded(act, e)
	r.notes()
	r.put()
}

// category is where the problem is told: the list, or a diagnosis of the visit.
func (r *resource) category(s, act, e *cda.Element) []fhir.Object {
	code := "problem-list-item"
	if act != nil && !act.Is(problemConcern) || e.Is(ukDiagnosis) {
		code = "encounter-diagnosis"
	}
	if s.First("code").Attr("code") == "46240-8" {
		code = "encounter-diagnosis"
	}
	return []fhir.Object{fhir.Concept("", fhir.Coding(conditionKind, code, ""))}
}

// clinicalState is what the sender says of it, else whether it has ended, else
// the state of the act that tracks it.
func (r *resource) clinicalState(act, e *cda.Element, ended bool) string {
	for _, rel := range e.All("entryRelationship") {
		o := rel.First("observation")
		code := o.First("code").Attr("code")
		if code != "33999-4" && !o.Is("2.16.840.1.113883.10.20.22.4.6") && !o.Is("2.16.840.1.113883.10.20.22.4.28") {
			continue
		}
		if s := clinicalStates[o.First("value").Attr("code")]; s != "" {
			r.from("clinicalStatus", o.First("value").AttrPlace("code"))
			return s
		}
	}
	if ended {
		r.from("clinicalStatus", e.First("effectiveTime", "high").Place())
		return "resolved"
	}
	if state := act.First("statusCode"); state.Attr("code") == "completed" && act.Is(problemConcern) && act.First("effectiveTime", "high").Attr("value") != "" {
		r.from("clinicalStatus", state.AttrPlace("code"))
		return "inactive"
	}
	return "active"
}

// recorded says when and by whom it was written down.
func (r *resource) recorded(act, e *cda.Element) {
	for _, at := range []*cda.Element{e.First("author"), act.First("author")} {
		if at == nil {
			continue
		}
		r.timestamp("recordedDate", at.First("time"))
		if o := r.actor("recorder", at.First("assignedAuthor")); o != nil {
			r.body["recorder"] = o
		}
		return
	}
}

// ukProblem is the NHS's problem node: words in the narrative, and a reference
// to the finding that it is about, which stands elsewhere.
func (m *mapping) ukProblem(e *cda.Element) {
	r := m.resource("Condition", e)
	r.identifiers()
	r.body["category"] = []fhir.Object{fhir.Concept("", fhir.Coding(conditionKind, "problem-list-item", ""))}
	var concept fhir.Object
	for _, rel := range e.All("entryRelationship") {
		ref := rel.First("observation", "id").Attr("root")
		if at := m.finding(ref); at != nil {
			concept = r.concept("code", at.First("code"))
		}
	}
	if text, place := m.words(e.First("code")); text != "" {
		if concept == nil {
			concept = fhir.Object{}
		}
		concept["text"] = text
		r.from("code.text", place)
	}
	if concept == nil {
		m.left(e, "a problem without a code or words")
		return
	}
	r.body["code"] = concept
	state := "active"
	if code := e.First("statusCode"); code.Attr("code") == "completed" {
		state = "inactive"
		r.from("clinicalStatus", code.AttrPlace("code"))
	}
	r.body["clinicalStatus"] = fhir.Concept("", fhir.Coding(conditionState, state, ""))
	r.timestamp("recordedDate", e.First("effectiveTime"))
	r.put()
}

// finding is the entry with that id.
func (m *mapping) finding(id string) *cda.Element {
	if id == "" {
		return nil
	}
	if m.findings == nil {
		m.findings = map[string]*cda.Element{}
		m.collect(m.root.First("component", "structuredBody"))
	}
	return m.findings[id]
}

func (m *mapping) collect(e *cda.Element) {
	for _, c := range e.Elements() {
		switch c.Name {
		case "component", "section":
			m.collect(c)
		case "entry":
			if o := c.First("observation"); o != nil {
				m.findings[o.First("id").Attr("root")] = o
			}
		}
	}
}
