package v2tofhir

import (
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

const (
	conditionClinical = hl7 + "condition-clinical"
	conditionVerified = hl7 + "condition-ver-status"
	conditionCategory = hl7 + "condition-category"
)

// scope is what names a thing of this visit, or of this patient outside one.
func (w *mapper) scope() string {
	if w.encounter != "" {
		return w.encounter
	}
	return w.pkey
}

// described is a code field with the words of another field where it has none.
func (w *mapper) described(it *item, name string, code, words hl7v2.Value) bool {
	c := w.concept(it, name, code)
	if c == nil {
		c = fhir.Object{}
	}
	if c["text"] == nil {
		it.put(c, name, "text", words)
	}
	it.object(name, c)
	return len(c) > 0
}

// diagnosis is DG1: a condition as an episode of care states it.
func (w *mapper) diagnosis(s hl7v2.Segment) {
	w.closeReport()
	it := w.start("Condition", "subject", s)
	if !w.described(it, "code", s.Field(3), s.Field(4)) {
		w.unmapped(s, "it names no diagnosis")
		return
	}
	it.key = w.own(entity(s.Field(20)))
	if it.key == "" {
		code := codeOf(s.Field(3))
		if code == "" {
			code = strings.ToLower(clean(s.Field(4).Text()))
		}
		it.key = w.scope() + "/" + code
	}
	it.key = w.uniqueKey("Condition", it.key)
	it.list("category", fhir.Concept("", fhir.Coding(conditionCategory, "encounter-diagnosis", "Encounter Diagnosis")))
	kind := s.Comp(6, 1)
	switch strings.ToUpper(token(kind.Text())) {
	case "A", "W", "P":
		w.verified(it, "provisional", kind)
	case "F":
		w.verified(it, "confirmed", kind)
	}
	if strings.EqualFold(token(s.Comp(21, 1).Text()), "D") {
		w.wrong(it, s.Comp(21, 1))
	} else {
		it.o["clinicalStatus"] = fhir.Concept("", fhir.Coding(conditionClinical, "active", "Active"))
	}
	if !it.when("recordedDate", s.Comp(5, 1)) {
		it.when("recordedDate", s.Comp(19, 1))
	}
	if who := w.person(it, "asserter", s.Field(16).Rep(1)); who != nil {
		it.o["asserter"] = who
	}
	it.flag(s.Field(18)) // DG1-18, confidential
	it.object("encounter", w.encounterRef())
	w.add(it)
	w.last = it
}

func (w *mapper) verified(it *item, code string, from hl7v2.Value) {
	it.o["verificationStatus"] = fhir.Concept("", fhir.Coding(conditionVerified, code, ""))
	it.from("verificationStatus.coding[0].code", from)
}

// wrong marks a condition that the source takes back.
func (w *mapper) wrong(it *item, from hl7v2.Value) {
	it.action = mapped.Remove
	w.verified(it, "entered-in-error", from)
}

// problem is PRB: a condition of the problem list, with its own number.
func (w *mapper) problem(s hl7v2.Segment) {
	w.closeReport()
	it := w.start("Condition", "subject", s)
	if !w.coded(it, "code", s.Field(3)) {
		w.unmapped(s, "it names no problem")
		return
	}
	it.key = w.own(entity(s.Field(4)))
	if it.key == "" {
		it.key = w.pkey + "/problem/" + codeOf(s.Field(3))
	}
	it.key = w.uniqueKey("Condition", it.key)
	it.list("category", fhir.Concept("", fhir.Coding(conditionCategory, "problem-list-item", "Problem List Item")))
	status, life := "active", strings.ToUpper(words(s.Field(14)))
	switch {
	case s.Comp(9, 1).Exists() || strings.HasPrefix(life, "RESOLV"):
		status = "resolved"
	case strings.HasPrefix(life, "INACTIV") || strings.HasPrefix(life, "CLOSED"):
		status = "inactive"
	}
	if strings.EqualFold(token(s.Comp(1, 1).Text()), "DE") {
		w.wrong(it, s.Comp(1, 1))
	} else {
		it.o["clinicalStatus"] = fhir.Concept("", fhir.Coding(conditionClinical, status, ""))
		switch strings.ToUpper(token(s.Comp(13, 1).Text())) {
		case "C", "CONFIRMED":
			w.verified(it, "confirmed", s.Comp(13, 1))
		case "P", "PROVISIONAL", "PROBABLE":
			w.verified(it, "provisional", s.Comp(13, 1))
		case "D", "DIFFERENTIAL":
			w.verified(it, "differential", s.Comp(13, 1))
		}
	}
	if !it.when("onsetDateTime", s.Comp(16, 1)) {
		it.put(it.o, "", "onsetString", s.Comp(17, 1))
	}
	it.when("abatementDateTime", s.Comp(9, 1))
	if !it.when("recordedDate", s.Comp(7, 1)) {
		it.when("recordedDate", s.Comp(2, 1))
	}
	if v := s.Field(26).Rep(1); v.Exists() {
		it.object("severity", w.concept(it, "severity", v))
	}
	it.states(confidentiality(s.Field(25)))
	it.object("encounter", w.encounterRef())
	w.add(it)
	w.last = it
}

// procedure is PR1.
func (w *mapper) procedure(s hl7v2.Segment) {
	w.closeReport()
	it := w.start("Procedure", "subject", s)
	if !w.described(it, "code", s.Field(3), s.Field(4)) {
		w.unmapped(s, "it names no procedure")
		return
	}
	it.key = w.own(entity(s.Field(19)))
	if it.key == "" {
		code := codeOf(s.Field(3))
		if code == "" {
			code = strings.ToLower(clean(s.Field(4).Text()))
		}
		it.key = w.scope() + "/" + code + "/" + token(s.Comp(5, 1).Text())
	}
	it.key = w.uniqueKey("Procedure", it.key)
	it.o["status"] = "completed"
	if strings.EqualFold(token(s.Comp(20, 1).Text()), "D") {
		it.set(it.o, "", "status", "entered-in-error", s.Comp(20, 1))
		it.action = mapped.Remove
	}
	it.when("performedDateTime", s.Comp(5, 1))
	var people []fhir.Object
	for _, n := range []int{11, 12, 8} { // surgeon, other practitioners, anaesthetist
		for r := range s.Field(n).Reps() {
			if who := w.person(it, index("performer", len(people))+".actor", r); who != nil {
				people = append(people, fhir.Object{"actor": who})
			}
		}
	}
	it.list("performer", people...)
	if c := w.concept(it, "reasonCode[0]", s.Field(15).Rep(1)); c != nil {
		it.list("reasonCode", c)
	}
	it.object("encounter", w.encounterRef())
	w.add(it)
	w.last = it
}
