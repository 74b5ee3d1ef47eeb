package synth

import (
	"time"

	"selda/fhir"
)

// mentalTrust is the mental health trust of the person's borough.
func (s *story) mentalTrust() *Organisation {
	switch boroughs[s.p.home.borough].Name {
	case "Lambeth", "Lewisham", "Southwark":
		return s.r.orgs.byCode["RV5"]
	}
	return s.r.orgs.byCode["RPG"]
}

// mentalHealth is an episode of care: referral, perhaps a stay, a crisis plan,
// and a letter to the practice.
func (s *story) mentalHealth(c *concept, when time.Time, stays bool) {
	o := s.mentalTrust()
	letter := when.AddDate(0, 0, 12)
	until := when.AddDate(0, 0, s.between(18, 70))
	if stays {
		letter = until.AddDate(0, 0, 1)
	}
	if !s.within(when) || !s.within(letter) {
		return
	}
	x := s.known(o)
	src := s.source(o, "EPR")
	s.visits++
	b := s.newBundle(src, x)
	me := clinician(o, s.between(1, 8))
	enc := b.id("e", s.visits)
	class := fhir.Coding(hl7Set+"v3-ActCode", "AMB", "ambulatory")
	kind := "Community mental health team assessment"
	end := when.Add(time.Hour)
	if stays {
		class, kind, end = fhir.Coding(hl7Set+"v3-ActCode", "IMP", "inpatient encounter"), "Mental health inpatient stay", until
	}
	plan := []string{"Warning signs: poor sleep, withdrawing from others, not eating.", "What helps: calling my sister, a quiet room, my usual medicine at night.",
		"In a crisis: ring the 24-hour line of the trust; if there is danger, 999.", "Please do not: restrain me unless there is no other way."}
	if !s.silent {
		b.patient(x, letter)
		b.put("Encounter", enc, "Encounter", fhir.Object{"meta": labelled("mental-health-detail"), "status": "finished", "class": class, "type": []fhir.Object{fhir.Concept(kind)}, "subject": b.subject(), "participant": []fhir.Object{{"individual": by(me)}},
			"period": fhir.Object{"start": fhirTime(when), "end": fhirTime(end)}, "reasonCode": []fhir.Object{coded(c)}, "serviceProvider": org(o)})
		b.put("Condition", b.id("c", s.visits), "Condition", fhir.Object{"clinicalStatus": hl7Coded("condition-clinical", "active", "Active"), "verificationStatus": hl7Coded("condition-ver-status", "confirmed", "Confirmed"),
			"category": []fhir.Object{hl7Coded("condition-category", "encounter-diagnosis", "Encounter Diagnosis")}, "code": coded(c), "subject": b.subject(), "encounter": fhir.Ref("Encounter/" + enc), "recordedDate": fhirDate(when)})
		var doing []fhir.Object
		for _, t := range plan {
			doing = append(doing, fhir.Object{"detail": fhir.Object{"status": "in-progress", "description": t}})
		}
		b.put("CarePlan", b.id("p", 1), "CarePlan", fhir.Object{"meta": labelled("safety-plan"), "status": "active", "intent": "plan", "title": "Mental health crisis plan", "category": []fhir.Object{fhir.Concept("Mental health crisis plan", fhir.Coding(sctSystem, "736253002", "Mental health crisis plan"))},
			"subject": b.subject(), "created": fhirDate(letter), "author": by(me), "activity": doing})
		if c == cSevereDep || stays {
			b.flag(b.id("f", 1), &flagFact{code: "401206008", term: "At risk for deliberate self harm", category: "safety", at: when}, org(o))
		}
	}
	b.send(letter)
	v := &visit{x: x, number: enc, from: when, to: end}
	s.plainLetter(x, clinicalDocument{messageType: "POCD_MT150001UK06", id: s.uuid(3), code: "823681000000100", title: "Mental health letter", made: letter.Add(2 * time.Hour), x: x, author: me, role: "Psychiatrist",
		visit: v, visitCode: "308335008", visitTerm: kind}, []string{"Diagnosis", "Progress", "Plan"},
		[]string{c.term, "Seen by the team and has improved. No present plan to self-harm.", "Continue medicine. Crisis plan agreed with the patient and shared. Care coordinator will visit every two weeks."})
	if filed := s.working(letter.AddDate(0, 0, 2)); s.within(filed) {
		s.letter(document{code: "823681000000100", title: "Mental health letter", at: filed, from: o.Name, text: "Diagnosis: " + c.term + ". Crisis plan shared."})
	}
}

// memoryClinic is the assessment at which a dementia is found.
func (s *story) memoryClinic(c *concept, when time.Time) {
	o := s.mentalTrust()
	x := s.known(o)
	if !s.within(when.Add(30 * time.Hour)) {
		return
	}
	s.visits++
	me := clinician(o, s.between(1, 8))
	v := &visit{x: x, number: "MC" + pad(s.p.index, 7) + pad(s.visits, 3), from: when, to: when.Add(time.Hour)}
	s.plainLetter(x, clinicalDocument{messageType: "POCD_MT150001UK06", id: s.uuid(4), code: "823681000000100", title: "Memory clinic letter", made: when.Add(26 * time.Hour), x: x, author: me, role: "Psychiatrist",
		visit: v, visitCode: "308335008", visitTerm: "Memory clinic"}, []string{"Diagnosis", "Findings", "Plan"},
		[]string{c.term, "Addenbrooke's Cognitive Examination 68 of 100. Scan shows change in keeping with the diagnosis.", "Diagnosis shared with the patient and the family. Driving and lasting power of attorney discussed."})
}

// safeguarding flags are rare: a child protection plan for about four in a
// thousand children (Department for Education, Characteristics of children in
// need), more where families are poorer; looked-after children likewise.
func (s *story) safeguarding() {
	age := s.p.age(s.end)
	if age >= 18 {
		if s.frail && s.chance(.012) {
			s.flag("766561000000109", "Adult safeguarding concern", "behavioral", s.end.AddDate(0, -s.between(1, 30), 0), "safeguarding")
		}
		return
	}
	p := .0075 - .0006*float64(s.p.home.decile)
	code, term := "", ""
	switch x := s.Float64(); {
	case x < p:
		code, term = "375211000000108", "Child on protection plan"
	case x < p*1.7:
		code, term = "764841000000100", "Looked after child"
	default:
		return
	}
	span := s.end.Sub(s.p.born)
	when := s.working(s.end.Add(-time.Duration(s.Float64() * .5 * float64(span))))
	if !s.within(when) {
		return
	}
	s.flag(code, term, "behavioral", when, "safeguarding")
	o := s.r.orgs.byCode[s.council()]
	x := s.known(o)
	b := s.newBundle(s.source(o, "CSC"), x)
	if !s.silent {
		b.patient(x, when)
		b.flag(b.id("f", 1), &flagFact{code: code, term: term, category: "behavioral", at: when, labels: []string{"safeguarding"}}, org(o))
	}
	b.send(when.Add(30 * time.Minute))
}
