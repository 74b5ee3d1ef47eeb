package synth

import "time"

// The named people: they are in every region, under the same numbers, so that
// demonstrations and tests can speak of them.
const (
	named        = 3 // Folake, Grace and Kofi come first
	folakeNumber = "9991234519"
	parentNumber = "9992048166"
	childNumber  = "9992048174"
)

// namedHousehold is household h where it is one of named people, else nil.
func (r *Region) namedHousehold(h int) []*person {
	southwark := len(boroughs) - 1
	practice := r.orgs.byCode[gpPractice]
	d := newDice(r.seed, uint64(h)*2+1)
	born := func(years, months, days int) time.Time { return midnight(r.now).AddDate(-years, -months, -days) }
	switch h {
	case 0:
		at := &home{borough: southwark, line: "Flat 14, 208 Old Kent Road", postcode: "SE1 5TY", decile: 2, phone: "02079460114"}
		return []*person{{nhs: folakeNumber, family: "Adeyemi", given: "Folake", middle: "Abimbola", preferred: "Folly", title: "Miss", sex: 'F', ethnic: 'N', naming: nigerian,
			born: time.Date(1951, 11, 5, 0, 0, 0, 0, time.UTC), home: at, practice: practice, mobile: "07700900451", language: "yo", alone: true}}
	case 1:
		at := &home{borough: southwark, line: "31 Southampton Way", postcode: "SE5 7SW", decile: 3, phone: "02079460131"}
		grace := &person{nhs: parentNumber, family: "Mensah", given: "Grace", title: "Ms", sex: 'F', ethnic: 'N', naming: ghanaian, born: born(34, 4, 11), home: at, practice: practice, mobile: "07700900131"}
		kofi := &person{nhs: childNumber, family: "Mensah", given: "Kofi", middle: oneOf(d, []string{"Isaac", "Samuel"}), title: "Master", sex: 'M', ethnic: 'N', naming: ghanaian, born: born(6, 7, 3), home: at, practice: practice,
			mobile: "07700900131", mother: grace}
		grace.children = []*person{kofi}
		return []*person{grace, kofi}
	}
	return nil
}

// folake is the story of the account citizen: heart failure, atrial
// fibrillation and failing kidneys; a penicillin anaphylaxis that her hospital
// does not know of; an admission at which ramipril was stopped, and another
// that goes on. Dartford holds nothing of her.
func (s *story) folake() {
	kings := s.r.orgs.byCode["RJZ"]
	s.trust, s.site = kings, &kings.sites[0]
	s.body.height, s.body.weight = 161, 78
	s.conditions = []string{"hypertension", "af", "heartfailure", "ckd"}
	s.gp.enter(s.start, isPatient, 0)
	s.known(s.p.practice)
	s.smoking(s.start)
	since := time.Date(1987, 6, 10, 9, 0, 0, 0, time.UTC)
	s.gp.allergies = append(s.gp.allergies, &allergyFact{a: aPenicillin, reaction: rAnaphylaxis, severe: true, since: since})
	s.gp.enter(since, isAllergy, 0)
	s.flag("204241000000105", "Yoruba language interpreter needed", "admin", s.start)
	// The hospital asked, without an interpreter, and wrote that none is known.
	s.known(kings).asked = true
	ramipril := s.folakeIllnesses()
	s.folakeCare()
	s.folakeAdmissions(ramipril)
	s.lastIssue()
}

// on is a morning of a day.
func on(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 10, 20, 0, 0, time.UTC) }

// ago is a time of a day before now.
func (r *Region) ago(days, hour, minute int) time.Time {
	return midnight(r.now).AddDate(0, 0, -days).Add(time.Duration(hour*60+minute) * time.Minute)
}

// folakeIllnesses are her problems and medicines; it gives her ramipril.
func (s *story) folakeIllnesses() *medicine {
	bp := s.problem(cHypertension, on(2005, 3, 14))
	hf := s.problem(cHF, on(2019, 6, 24))
	af := s.problem(cAF, on(2019, 11, 4))
	ckd := s.problem(cCKD3a, on(2021, 2, 8))
	s.endProblem(ckd, on(2023, 5, 15))
	s.problem(cCKD3b, on(2023, 5, 15))
	s.problem(cKneeOA, on(2014, 9, 2))
	s.stop(s.repeatOf(dAmlodipine, on(2005, 4, 2), bp.c), on(2019, 6, 24), "Ankle swelling")
	ramipril := s.repeatOf(dRamipril5, on(2019, 7, 1), hf.c)
	s.repeatOf(dFurosemide, on(2019, 6, 24), hf.c)
	s.repeatOf(dBisoprolol, on(2019, 7, 15), hf.c)
	s.repeatOf(dApixaban, on(2019, 11, 11), af.c)
	s.repeatOf(dAtorva20, on(2019, 9, 9), bp.c)
	s.repeatOf(dDapa, on(2022, 9, 19), hf.c)
	s.repeatOf(dParacetamol, on(2014, 9, 2), cKneeOA)
	s.set(tSystolic, 138, 0, s.start)
	s.set(tNTproBNP, 2100, 100, on(2019, 6, 1))
	s.set(tHb, 113, -.5, on(2021, 2, 8))
	return ramipril
}

// folakeCare is what practice, laboratory, council and community do over the years.
func (s *story) folakeCare() {
	ago := s.r.ago
	s.admit(stay{reason: cAcuteHF, at: on(2019, 6, 14).Add(11 * time.Hour), days: 8, emergency: true, ambulance: true, specialty: "320", ward: "Byron", panels: []*panel{pUE, pFBC, pBNP}})
	s.adultVaccines()
	s.attend(on(2022, 1, 19).Add(6*time.Hour), cFall, true)
	s.yearly(on(2019, 8, 1), 6, func(when time.Time) {
		if when.After(ago(70, 0, 0)) {
			return
		}
		s.see(when, review, cHF, "Heart failure review, with a Yoruba interpreter. Weight and fluid balance checked.")
		s.bloodPressure(when)
		s.weigh(when)
	})
	// The practice's own tests go to the laboratory at Guy's.
	for _, r := range []struct {
		at         time.Time
		creatinine float64
	}{{on(2019, 8, 5), 86}, {on(2021, 2, 2), 101}, {on(2022, 3, 7), 108}, {on(2023, 5, 9), 121}, {on(2024, 5, 13), 124}, {on(2025, 5, 12), 126}, {ago(103, 9, 10), 128}} {
		if s.within(r.at) {
			s.orders = append(s.orders, order{trust: s.r.orgs.byCode["RJ1"], at: r.at, panels: []*panel{pUE, pFBC}, exact: map[*assay]float64{tCreatinine: r.creatinine}})
		}
	}
	respect := time.Date(s.r.now.Year(), 3, 12, 14, 0, 0, 0, time.UTC)
	if respect.After(s.r.now) {
		respect = respect.AddDate(-1, 0, 0)
	}
	s.see(respect, faceToFace, cHF, "ReSPECT conversation, with a Yoruba interpreter and her niece.")
	s.respect(respect, "Treatment on the ward, and at home where it can be. Not for intensive care. CPR attempts not recommended.")
	s.care(ago(420, 9, 0), 1, "Home care")
	s.community(ago(300, 9, 0), "Heart failure nursing", cHF)
	s.call111(ago(61, 20, 15), cDyspnoea, "Speak to a clinician within 2 hours")
	s.clinic(on(2020, 2, 3), "320", "Heart failure", cHF, 4, 7)
}

// folakeAdmissions are the stay at which ramipril was stopped, the appointment
// that it led to, and the stay that goes on.
func (s *story) folakeAdmissions(ramipril *medicine) {
	ago := s.r.ago
	s.admit(stay{reason: cAcuteHF, also: []*concept{cAKI}, at: ago(17, 3, 40), days: 8, emergency: true, ambulance: true, specialty: "320", ward: "Sam Oram",
		panels: []*panel{pUE, pFBC, pBNP, pCRP}, stops: []*medicine{ramipril}, stopWhy: "Acute kidney injury"})
	s.exactly(ago(17, 0, 0), 178, 163, 142)
	s.appointment(ago(6, 11, 0), s.working(s.r.now.AddDate(0, 0, 24)), "320", "Heart failure", cHF)
	s.admit(stay{reason: cDyspnoea, also: []*concept{cAcuteHF}, at: ago(1, 7, 25), days: 9, emergency: true, ambulance: true, specialty: "320", ward: "Byron", panels: []*panel{pUE, pFBC, pBNP}})
	s.exactly(ago(1, 0, 0), 149, 151, 150)
}

// exactly gives the hospital's orders from a day on their creatinine.
func (s *story) exactly(from time.Time, creatinine ...float64) {
	for i := range s.orders {
		o := &s.orders[i]
		if o.v != nil && !o.at.Before(from) && len(creatinine) > 0 {
			o.exact, o.raise = map[*assay]float64{tCreatinine: creatinine[0]}, 0
			creatinine = creatinine[1:]
		}
	}
}
