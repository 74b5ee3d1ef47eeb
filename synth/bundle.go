package synth

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/fhir"
)

// bundles writes the practice's record: a first bundle with all that is known
// at registration, then one for each day on which the record changed.
func (s *story) bundles() {
	x := s.known(s.p.practice)
	src := s.source(s.p.practice, "GP")
	if !s.p.died.IsZero() {
		s.gp.enter(s.p.died.Add(50*time.Hour), isPatient, 0)
	}
	entries := s.gp.entries
	slices.SortStableFunc(entries, func(a, b gpEntry) int { return a.at.Compare(b.at) })
	limit := s.end
	if !s.p.died.IsZero() {
		limit = s.p.died.Add(60 * time.Hour)
	}
	if limit.After(s.r.now) {
		limit = s.r.now
	}
	for i := 0; i < len(entries); {
		at := entries[i].at
		if at.Before(s.start) {
			at = s.start
		}
		if at.After(limit) {
			break
		}
		j := i
		for j < len(entries) && (entries[j].at.Before(s.start) || midnight(entries[j].at).Equal(midnight(at)) || entries[j].at.Before(at)) {
			j++
		}
		made := entries[j-1].at
		if made.Before(at) {
			made = at
		}
		b := s.newBundle(src, x)
		b.record(x, entries[i:j], made)
		b.send(made.Add(4 * time.Minute))
		i = j
	}
}

// record adds the facts that changed, each once, as they stand at a time.
func (b *bundle) record(x *identity, changed []gpEntry, when time.Time) {
	s := b.s
	if s.silent {
		return
	}
	b.patient(x, when)
	seen := map[gpEntry]bool{}
	for _, e := range changed {
		key := gpEntry{kind: e.kind, i: e.i}
		if seen[key] || e.kind == isPatient {
			continue
		}
		seen[key] = true
		switch e.kind {
		case isConsultation:
			b.consultation(e.i)
		case isProblem:
			b.problem(e.i, when)
		case isMedicine:
			b.medicine(e.i, when)
		case isAllergy:
			b.allergy(e.i, when)
		case isReading:
			r := &s.gp.readings[e.i]
			b.put("Observation", b.id("o", e.i), "Observation", r.observation(b.subject(), org(s.p.practice)))
		case isVaccination:
			b.immunization(e.i)
		default:
			b.rest(e)
		}
	}
}

func (b *bundle) consultation(i int) {
	s := b.s
	c := &s.gp.consultations[i]
	o := fhir.Object{"status": "finished", "class": fhir.Coding(hl7Set+"v3-ActCode", "AMB", "ambulatory"), "type": []fhir.Object{coded(&c.kind)}, "subject": b.subject(),
		"participant": []fhir.Object{{"individual": by(clinician(s.p.practice, c.by))}}, "period": fhir.Object{"start": fhirTime(c.at), "end": fhirTime(c.at.Add(12 * time.Minute))},
		"serviceProvider": org(s.p.practice)}
	if c.why != nil && sensitive[c.why] == "" {
		o["reasonCode"] = []fhir.Object{coded(c.why)}
	}
	if c.kind == byPhone {
		o["class"] = fhir.Coding(hl7Set+"v3-ActCode", "VR", "virtual")
	}
	b.put("Encounter", b.id("e", i), "Encounter", o)
	if c.note != "" {
		b.put("ClinicalImpression", b.id("n", i), "", fhir.Object{"status": "completed", "subject": b.subject(), "encounter": fhir.Ref("Encounter/" + b.id("e", i)), "date": fhirTime(c.at),
			"assessor": by(clinician(s.p.practice, c.by)), "summary": c.note})
	}
}

func (b *bundle) problem(i int, when time.Time) {
	s := b.s
	d := s.gp.problems[i]
	status, words := "active", "Active"
	if d.past || d.over(when) {
		status, words = "resolved", "Resolved"
	}
	significance := map[bool]string{false: "major", true: "minor"}[d.minor]
	o := fhir.Object{"clinicalStatus": hl7Coded("condition-clinical", status, words), "verificationStatus": hl7Coded("condition-ver-status", "confirmed", "Confirmed"),
		"category":  []fhir.Object{hl7Coded("condition-category", "problem-list-item", "Problem List Item")},
		"extension": []fhir.Object{{"url": ukCore + "Extension-UKCore-ProblemSignificance", "valueCode": significance}},
		"code":      coded(d.c), "subject": b.subject(), "onsetDateTime": fhirDate(d.onset), "recordedDate": fhirDate(d.onset), "recorder": by(clinician(s.p.practice, i%5))}
	if d.over(when) {
		o["abatementDateTime"] = fhirDate(d.end)
	}
	if !d.wrong.IsZero() && !when.Before(d.wrong) {
		delete(o, "clinicalStatus")
		o["verificationStatus"] = hl7Coded("condition-ver-status", "entered-in-error", "Entered in Error")
	}
	if l := sensitive[d.c]; l != "" {
		o["meta"] = labelled("R", l)
	}
	b.put("Condition", b.id("c", i), "Condition", o)
}

// medicine is a MedicationRequest, and for a repeat the MedicationStatement
// beside it that says when it was last issued. What only a hospital prescribes
// is a statement alone.
func (b *bundle) medicine(i int, when time.Time) {
	m := b.s.gp.medicines[i]
	if !hospitalOnly[m.d] {
		b.medicationRequest(i, m, when)
	}
	if m.repeat {
		b.medicationStatement(i, m, when)
	}
}

// status is a medicine's, as it stands at a time. An acute course is told of
// once, so it is over unless it still runs.
func (b *bundle) status(m *medicine, when time.Time) string {
	switch {
	case !m.repeat && m.end.After(b.s.r.now):
		return "active"
	case !m.repeat:
		return "completed"
	case !m.end.IsZero() && !when.Before(m.end):
		return "stopped"
	}
	return "active"
}

// asTaken is how a medicine is taken: in words, and as far as it can be coded.
func (d *drug) asTaken() fhir.Object {
	dose := fhir.Object{"text": d.dose}
	if d.unit != "puff" && d.unit != "" && !strings.Contains(d.name, "injection") && !strings.Contains(d.name, "infusion") {
		dose["route"] = fhir.Concept("", fhir.Coding(sctSystem, "26643006", "Oral"))
	}
	if d.amount != "" {
		dose["doseAndRate"] = []fhir.Object{{"doseQuantity": dosage(d)}}
	}
	if d.times > 0 {
		dose["timing"] = fhir.Object{"repeat": fhir.Object{"frequency": d.times, "period": fhir.Decimal("1"), "periodUnit": "d"}}
	} else if strings.Contains(d.dose, "when needed") {
		dose["asNeededBoolean"] = true
	}
	return dose
}

func (b *bundle) medicationRequest(i int, m *medicine, when time.Time) {
	course, words := "continuous", "Continuous long term therapy"
	if !m.repeat {
		course, words = "acute", "Short course (acute) therapy"
	}
	status := b.status(m, when)
	req := fhir.Object{"status": status, "intent": "order", "category": []fhir.Object{hl7Coded("medicationrequest-category", "community", "Community")}, "medicationCodeableConcept": m.d.concept(),
		"subject": b.subject(), "authoredOn": fhirDate(m.start), "requester": by(clinician(b.s.p.practice, i%5)), "courseOfTherapyType": hl7Coded("medicationrequest-course-of-therapy", course, words),
		"dosageInstruction": []fhir.Object{m.d.asTaken()}, "substitution": fhir.Object{"allowedBoolean": false}}
	if m.why != nil {
		req["reasonCode"] = []fhir.Object{coded(m.why)}
	}
	if l := sensitive[m.why]; l != "" {
		req["meta"] = labelled("R", l)
	}
	if status == "stopped" && m.stopped != "" {
		req["statusReason"] = fhir.Concept(m.stopped)
	}
	if m.repeat {
		req["extension"] = []fhir.Object{{"url": ukCore + "Extension-UKCore-MedicationRepeatInformation", "extension": []fhir.Object{
			{"url": "numberOfPrescriptionsIssued", "valueUnsignedInt": 1 + int(lastIssued(m, when).Sub(m.start)/(28*day))}, {"url": "authorisationExpiryDate", "valueDateTime": fhirDate(when.AddDate(1, 0, 0))}}}}
	}
	b.put("MedicationRequest", b.id("m", i), "MedicationRequest", req)
}

func (b *bundle) medicationStatement(i int, m *medicine, when time.Time) {
	status := b.status(m, when)
	period := fhir.Object{"start": fhirDate(m.start)}
	if status == "stopped" {
		period["end"] = fhirDate(m.end)
	}
	category := fhir.Concept("Repeat medication", fhir.Coding(hl7Set+"medication-statement-category", "community", "Community"))
	prescribed, words := "prescribed-at-gp-practice", "Prescribed at GP practice"
	ext := []fhir.Object{{"url": ukCore + "Extension-UKCore-MedicationStatementLastIssueDate", "valueDateTime": fhirDate(lastIssued(m, when))}}
	st := fhir.Object{"basedOn": []fhir.Object{fhir.Ref("MedicationRequest/" + b.id("m", i))}}
	if hospitalOnly[m.d] {
		category = fhir.Concept("Hospital only", fhir.Coding(hl7Set+"medication-statement-category", "outpatient", "Outpatient"))
		prescribed, words = "prescribed-by-another-organisation", "Prescribed by another organisation"
		ext, st = nil, fhir.Object{}
	}
	ext = append(ext, fhir.Object{"url": ukCore + "Extension-UKCore-MedicationPrescribingOrganization", "valueCodeableConcept": fhir.Concept("", fhir.Coding(ukCoreSet+"UKCore-MedicationPrescribingOrganization", prescribed, words))})
	st["status"], st["category"], st["medicationCodeableConcept"], st["subject"] = status, category, m.d.concept(), b.subject()
	st["effectivePeriod"], st["dateAsserted"], st["dosage"], st["extension"] = period, fhirDate(when), []fhir.Object{m.d.asTaken()}, ext
	if status == "stopped" && m.stopped != "" {
		st["statusReason"] = []fhir.Object{fhir.Concept(m.stopped)}
	}
	if l := sensitive[m.why]; l != "" {
		st["meta"] = labelled("R", l)
	}
	b.put("MedicationStatement", b.id("s", i), "MedicationStatement", st)
}

// concept is the medicine's words, with its code where it has one.
func (d *drug) concept() fhir.Object {
	if d.code == "" {
		return fhir.Concept(d.name)
	}
	return fhir.Concept(d.name, fhir.Coding(sctSystem, d.code, cmp.Or(d.substance, d.name)))
}

func dosage(d *drug) fhir.Object {
	if d.unit == "mg" || d.unit == "ug" {
		return fhir.Object{"value": fhir.Decimal(d.amount), "unit": map[string]string{"mg": "mg", "ug": "microgram"}[d.unit], "system": ucumSystem, "code": d.unit}
	}
	return fhir.Object{"value": fhir.Decimal(d.amount), "unit": d.unit}
}

// lastIssued is the last of the issues, every 28 days, before when.
func lastIssued(m *medicine, when time.Time) time.Time {
	if !m.end.IsZero() && m.end.Before(when) {
		when = m.end
	}
	if when.Before(m.start) {
		return m.start
	}
	return when.Add(-(when.Sub(m.start) % (28 * day)))
}

func (b *bundle) allergy(i int, when time.Time) {
	a := b.s.gp.allergies[i]
	o := fhir.Object{"clinicalStatus": hl7Coded("allergyintolerance-clinical", "active", "Active"), "verificationStatus": hl7Coded("allergyintolerance-verification", "confirmed", "Confirmed"),
		"patient": b.subject(), "recordedDate": fhirDate(a.since), "recorder": by(clinician(b.s.p.practice, i))}
	if a.a == nil {
		o["code"] = fhir.Concept("No known allergy", fhir.Coding(sctSystem, noKnownAllergy, "No known allergy"))
		b.put("AllergyIntolerance", b.id("a", i), "AllergyIntolerance", o)
		return
	}
	o["type"], o["category"], o["criticality"] = "allergy", []string{a.a.category}, map[bool]string{true: "high", false: "low"}[a.severe]
	o["code"] = fhir.Concept(a.a.term, fhir.Coding(sctSystem, a.a.sct, a.a.term))
	o["onsetDateTime"] = fhirDate(a.since)
	o["reaction"] = []fhir.Object{{"manifestation": []fhir.Object{coded(&a.reaction)}, "severity": map[bool]string{true: "severe", false: "moderate"}[a.severe]}}
	if !a.wrong.IsZero() && !when.Before(a.wrong) {
		delete(o, "clinicalStatus")
		o["verificationStatus"] = hl7Coded("allergyintolerance-verification", "entered-in-error", "Entered in Error")
	}
	b.put("AllergyIntolerance", b.id("a", i), "AllergyIntolerance", o)
}

func (b *bundle) immunization(i int) {
	v := &b.s.gp.vaccinations[i]
	o := fhir.Object{"status": "completed", "vaccineCode": fhir.Concept(v.v.product), "patient": b.subject(), "occurrenceDateTime": fhirDate(v.at), "recorded": fhirDate(v.at), "primarySource": true,
		"extension":       []fhir.Object{{"url": ukCore + "Extension-UKCore-VaccinationProcedure", "valueCodeableConcept": fhir.Concept("", fhir.Coding(sctSystem, v.v.sct, v.v.term))}},
		"protocolApplied": []fhir.Object{{"doseNumberPositiveInt": v.dose}}, "performer": []fhir.Object{{"actor": org(b.s.p.practice)}}}
	if v.given {
		o["lotNumber"] = v.lot
	} else {
		o["status"] = "not-done"
		o["statusReason"] = hl7Coded("v3-ActReason", "PATOBJ", "patient objection")
	}
	b.put("Immunization", b.id("i", i), "Immunization", o)
}

// rest adds a referral, a document, a flag, a plan or a procedure.
func (b *bundle) rest(e gpEntry) {
	s, g := b.s, &b.s.gp
	me := by(clinician(s.p.practice, e.i%5))
	switch e.kind {
	case isReferral:
		r := &g.referrals[e.i]
		o := fhir.Object{"status": "active", "intent": "order", "category": []fhir.Object{fhir.Concept("", fhir.Coding(sctSystem, "3457005", "Patient referral"))}, "code": fhir.Concept("Referral to " + r.service),
			"priority": map[bool]string{true: "urgent", false: "routine"}[r.urgent], "subject": b.subject(), "authoredOn": fhirTime(r.at), "requester": me, "performer": []fhir.Object{org(r.to)}}
		if r.why != nil {
			o["reasonCode"] = []fhir.Object{coded(r.why)}
		}
		b.put("ServiceRequest", b.id("r", e.i), "ServiceRequest", o)
	case isDocument:
		d := &g.documents[e.i]
		b.put("DocumentReference", b.id("d", e.i), "DocumentReference", fhir.Object{"status": "current", "type": fhir.Concept(d.title, fhir.Coding(sctSystem, d.code, d.title)), "subject": b.subject(),
			"date": fhirTime(d.at), "description": d.title + " from " + d.from, "custodian": org(s.p.practice),
			"content": []fhir.Object{{"attachment": fhir.Object{"contentType": "text/plain", "title": d.title, "creation": fhirDate(d.at), "data": base64.StdEncoding.EncodeToString([]byte(d.text))}}}})
	case isFlag:
		f := g.flags[e.i]
		b.flag(b.id("f", e.i), f, org(s.p.practice))
	case isPlan:
		p := &g.plans[e.i]
		var doing []fhir.Object
		for _, t := range p.text {
			doing = append(doing, fhir.Object{"detail": fhir.Object{"status": "in-progress", "description": t}})
		}
		b.put("CarePlan", b.id("p", e.i), "CarePlan", fhir.Object{"status": "active", "intent": "plan", "title": p.title, "category": []fhir.Object{fhir.Concept(p.title, fhir.Coding(sctSystem, p.code, p.title))},
			"subject": b.subject(), "created": fhirDate(p.at), "author": me, "activity": doing})
	case isProcedure:
		p := &g.procedures[e.i]
		b.put("Procedure", b.id("x", e.i), "Procedure", fhir.Object{"status": "completed", "code": coded(p.c), "subject": b.subject(), "performedDateTime": fhirDate(p.at)})
	}
}

func (b *bundle) flag(id string, f *flagFact, author fhir.Object) {
	o := fhir.Object{"status": "active", "category": []fhir.Object{fhir.Concept("", fhir.Coding(hl7Set+"flag-category", f.category, ""))}, "code": fhir.Concept(f.term, fhir.Coding(sctSystem, f.code, f.term)),
		"subject": b.subject(), "period": fhir.Object{"start": fhirDate(f.at)}, "author": author}
	if f.code == "" {
		o["code"] = fhir.Concept(f.term)
	}
	if len(f.labels) > 0 {
		o["meta"] = labelled(f.labels...)
	}
	if !f.end.IsZero() {
		o["status"] = "inactive"
		o["period"] = fhir.Object{"start": fhirDate(f.at), "end": fhirDate(f.end)}
	}
	b.put("Flag", id, "Flag", o)
}

func itoa(n int) string { return strconv.Itoa(n) }
