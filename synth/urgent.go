package synth

import (
	"time"

	"selda/fhir"
)

// complaint is what brings people to an emergency department, or to call 111.
type complaint struct {
	c        *concept
	from, to int
	weight   float64
	admit    float64 // the chance of staying
	days     int
	call     float64 // the chance that an ambulance is called
	treat    string  // treatment function
}

var complaints = []complaint{
	{cBronchiolitis, 0, 1, 3, .3, 3, .3, "420"}, {cCroup, 0, 5, 2, .15, 1, .2, "420"}, {cGastro, 0, 110, 2, .08, 2, .1, "300"},
	{cSprain, 6, 70, 4, 0, 0, .05, ""}, {cFracture, 3, 110, 3, .12, 3, .2, "110"}, {cAbdominalPain, 5, 110, 4, .18, 2, .25, "100"},
	{cChestPain, 30, 110, 3.5, .2, 2, .45, "300"}, {cSyncope, 16, 110, 1.5, .25, 2, .6, "300"}, {cHeadache, 12, 80, 1, .06, 1, .2, "300"},
	{cAppendicitis, 6, 45, .5, 1, 3, .1, "100"}, {cPneumonia, 40, 110, 1.5, .85, 7, .6, "340"}, {cUTI, 65, 110, 1.5, .6, 5, .5, "430"},
	{cSepsis, 60, 110, .7, 1, 9, .8, "300"}, {cFall, 65, 110, 3, .3, 6, .75, "430"}, {cDyspnoea, 50, 110, 1, .5, 4, .6, "340"}, {cCellulitis, 30, 110, .8, .4, 4, .1, "300"},
}

// urgentCare are attendances, emergency admissions and calls of 111 that no
// long-term condition accounts for.
func (s *story) urgentCare() {
	s.attacks(s.start, s.urgency(), func(when time.Time) {
		age := s.p.age(when)
		weights := make([]float64, len(complaints))
		for i, c := range complaints {
			if age >= c.from && age <= c.to {
				weights[i] = c.weight
			}
		}
		c := complaints[s.weighted(weights)]
		stay1 := stay{reason: c.c, at: when, days: max(1, s.between(c.days/2, c.days*2)), emergency: true, ambulance: s.chance(c.call), specialty: c.treat, panels: []*panel{pUE, pFBC, pCRP}}
		if c.c == cAppendicitis {
			stay1.procedures = []*concept{cAppendicectomy}
		}
		switch x := s.Float64(); {
		case c.treat != "" && s.chance(c.admit):
			s.admit(stay1)
		case x < .25:
			s.call111(when, c.c, oneOf(s.dice, []string{"Speak to a clinician within 6 hours", "Contact own GP practice within 24 hours", "Self-care advice"}))
		case x < .33:
			s.ambulanceCall(when, c.c, nil)
		default:
			s.attend(when, c.c, stay1.ambulance)
		}
	})
}

// urgency is the rate of attendances a year: about half of what England sees.
func (s *story) urgency() float64 {
	age := s.p.age(s.start.Add(s.end.Sub(s.start) / 2))
	rate := .18
	switch {
	case age < 5:
		rate = .32
	case age >= 80:
		rate = .38
	case age >= 65:
		rate = .22
	}
	return rate * (1.25 - .055*float64(s.p.home.decile-1))
}

// ambulanceCall is a 999 call and the crew's record: to hospital where there
// is one, else left at home. The crew does not always have the NHS number.
func (s *story) ambulanceCall(when time.Time, c *concept, to *site) {
	if !s.within(when) {
		return
	}
	o := s.r.orgs.byCode["RRU"]
	x := s.known(o)
	src := s.source(o, "CAD")
	s.visits++
	b := s.newBundle(src, x)
	id := b.id("inc", s.visits)
	readings := make([]reading, 0, 5)
	for _, t := range []*assay{tResp, tSats, tPulse, tTemp} {
		v := s.value(t, when)
		if c == cPneumonia || c == cSepsis || c == cAcuteHF || c == cCOPDAttack {
			v = map[*assay]float64{tResp: v + 7, tSats: v - 5, tPulse: v + 25, tTemp: v + 1}[t]
		}
		readings = append(readings, reading{t: t, at: when.Add(14 * time.Minute), v: v})
	}
	systolic := s.value(tSystolic, when)
	readings = append(readings, reading{t: tSystolic, at: when.Add(15 * time.Minute), v: systolic, with: systolic * .6})
	end := when.Add(time.Duration(s.between(40, 68)) * time.Minute)
	if !s.silent {
		b.patient(x, when)
		e := fhir.Object{"status": "finished", "class": fhir.Coding(hl7Set+"v3-ActCode", "FLD", "field"), "type": []fhir.Object{fhir.Concept("Emergency ambulance call", fhir.Coding(sctSystem, "239441000000103", "Emergency ambulance call"))},
			"subject": b.subject(), "period": fhir.Object{"start": fhirTime(when), "end": fhirTime(end)}, "reasonCode": []fhir.Object{coded(c)}, "serviceProvider": org(o)}
		if to != nil {
			e["hospitalization"] = fhir.Object{"destination": fhir.Object{"display": to.name, "identifier": fhir.Object{"system": "https://fhir.nhs.uk/Id/ods-site-code", "value": to.code}}}
		} else {
			e["hospitalization"] = fhir.Object{"dischargeDisposition": fhir.Concept("Seen and treated at home, not conveyed")}
		}
		b.put("Encounter", id, "Encounter", e)
		for i := range readings {
			r := readings[i].observation(b.subject(), org(o))
			r["encounter"] = fhir.Ref("Encounter/" + id)
			b.put("Observation", id+"-"+itoa(i+1), "Observation", r)
		}
	}
	b.send(end)
}

// call111 is a call, its report to the practice, and, where a clinician was to
// ring back, the out-of-hours service's own record.
func (s *story) call111(when time.Time, c *concept, outcome string) {
	if !s.within(when.Add(2 * time.Hour)) {
		return
	}
	o := s.r.orgs.byCode["RRU"]
	x := s.known(o)
	s.visits++
	v := &visit{x: x, number: "111-" + pad(s.p.index, 7) + pad(s.visits, 3), from: when, to: when.Add(time.Duration(s.between(8, 25)) * time.Minute)}
	code := map[string]string{"Speak to a clinician within 6 hours": "Dx08", "Speak to a clinician within 2 hours": "Dx06", "Contact own GP practice within 24 hours": "Dx10", "Self-care advice": "Dx09"}[outcome]
	s.plainLetter(x, clinicalDocument{messageType: "POCD_MT200001GB02", id: s.uuid(2), code: "819551000000100", title: "NHS 111 Report", made: v.to, x: x, author: clinician(o, s.between(1, 9)), role: "Call operator",
		visit: v, visitCode: "NHS111Encounter", visitTerm: "NHS111 Encounter", outcome: code, outcomeTerm: outcome},
		[]string{"Patient's Reported Condition", "Pathways Disposition", "Consultation Summary", "Advice Given"},
		[]string{c.term, outcome + " (" + code + ")", "Main symptom: " + c.term + ". No life-threatening symptoms found.", "If there are new symptoms, or if the condition gets worse, call us back."})
	if code != "Dx06" && code != "Dx08" {
		return
	}
	ooh := s.r.orgs.byCode["NSD"]
	y := s.known(ooh)
	b := s.newBundle(s.source(ooh, "OOH"), y)
	rang := when.Add(70 * time.Minute)
	if !s.silent {
		b.patient(y, rang)
		id := b.id("e", s.visits)
		b.put("Encounter", id, "Encounter", fhir.Object{"status": "finished", "class": fhir.Coding(hl7Set+"v3-ActCode", "VR", "virtual"), "type": []fhir.Object{coded(&byPhone)}, "subject": b.subject(),
			"period": fhir.Object{"start": fhirTime(rang), "end": fhirTime(rang.Add(9 * time.Minute))}, "reasonCode": []fhir.Object{coded(c)}, "serviceProvider": org(ooh)})
		b.put("ClinicalImpression", b.id("n", s.visits), "", fhir.Object{"status": "completed", "subject": b.subject(), "encounter": fhir.Ref("Encounter/" + id), "date": fhirTime(rang),
			"summary": "Rang back: " + c.term + ". Advice given, to see own practice if no better."})
	}
	b.send(rang.Add(10 * time.Minute))
}

// planned is elective work: day surgery, endoscopy, and the clinics that
// referrals for passing trouble lead to.
func (s *story) planned() {
	s.attacks(s.start.AddDate(0, 4, 0), .045, func(when time.Time) {
		age := s.p.age(when)
		if age < 18 {
			return
		}
		e := stay{at: s.working(when), days: 0, specialty: "100"}
		switch x := s.Float64(); {
		case age >= 65 && x < .4:
			e.reason, e.procedures, e.specialty = cCataract, []*concept{cCataractOp}, "130"
		case x < .6:
			e.reason, e.procedures, e.specialty = cAbdominalPain, []*concept{cColonoscopy}, "301"
		case x < .8:
			e.reason, e.procedures, e.panels = cGallstones, []*concept{cCholecystectomy}, []*panel{pUE, pFBC, pLFT}
		default:
			e.reason, e.procedures = cHernia, []*concept{cHerniaRepair}
		}
		s.admit(e)
	})
	s.attacks(s.start.AddDate(0, 2, 0), .13, func(when time.Time) {
		c := oneOf(s.dice, []struct {
			code, service string
			why           *concept
		}{{"330", "Dermatology", cRash}, {"120", "Ear, nose and throat", cOtitis}, {"301", "Gastroenterology", cDyspepsia}, {"110", "Trauma and orthopaedics", cBackPain}, {"320", "Cardiology", cChestPain}, {"400", "Neurology", cHeadache}}[:outpatients(s.p.age(when))])
		s.clinic(when, c.code, c.service, c.why, s.between(1, 2), 4)
	})
}

// outpatients is how many of the clinics are for somebody's age: children go
// to the first two.
func outpatients(age int) int {
	if age < 16 {
		return 2
	}
	return 6
}
