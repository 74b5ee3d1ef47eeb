package synth

import "time"

func (s *story) diabetes2(d *diagnosis) {
	s.set(tHbA1c, s.normal(56, 7), s.normal(.8, .8), d.onset)
	s.repeatOf(dMetformin, d.onset.AddDate(0, s.between(0, 8), 0), d.c)
	s.statin(dAtorva20, d.onset.AddDate(0, 1, 0), d.c)
	if s.chance(.3) {
		s.repeatOf(dDapa, d.onset.AddDate(s.between(1, 5), 0, 0), d.c)
	}
	if s.chance(.14) {
		s.repeatOf(dGlargine, d.onset.AddDate(s.between(4, 9), 0, 0), d.c)
	}
	s.diabetic(d)
}

func (s *story) diabetes1(d *diagnosis) {
	s.set(tHbA1c, s.normal(66, 9), 0, d.onset)
	s.repeatOf(dGlargine, d.onset, d.c)
	s.clinic(d.onset, "307", "Diabetic medicine", d.c, 6, 8)
	s.attacks(d.onset, .07, func(at time.Time) {
		s.admit(stay{reason: cDKA, at: at, days: s.between(2, 4), emergency: true, ambulance: s.chance(.6), specialty: "307", panels: []*panel{pUE, pFBC, pHbA1c}})
	})
	s.diabetic(d)
}

func (s *story) diabetic(d *diagnosis) {
	s.yearly(d.onset, 6, func(at time.Time) { s.ask(at, pHbA1c) })
	s.yearly(d.onset, 12, func(at time.Time) {
		s.see(at, review, d.c, "Diabetes annual review. Foot check done.")
		s.bloodPressure(at)
		s.weigh(at)
		s.ask(at, pUE, pLipids, pACR)
	})
	if s.chance(.25) {
		if at := d.onset.AddDate(s.between(3, 10), 0, 0); at.Before(s.end) {
			s.problem(cRetinopathy, at)
		}
	}
}

func (s *story) asthma(d *diagnosis) {
	s.repeatOf(dSalbutamol, d.onset, d.c)
	if s.chance(.7) {
		s.repeatOf(dClenil, d.onset.AddDate(0, s.between(0, 12), 0), d.c)
	}
	s.yearly(d.onset, 12, func(at time.Time) { s.see(at, review, d.c, "Asthma review. Inhaler technique checked.") })
	s.attacks(d.onset, .09, func(at time.Time) {
		switch x := s.Float64(); {
		case x < .55:
			s.see(s.working(at), faceToFace, cAsthmaAttack, "Wheeze for two days. Peak flow reduced. Speaking in sentences.")
			s.prescribe(dPrednisolon, s.working(at), cAsthmaAttack, false, 5)
		case x < .85:
			s.attend(at, cAsthmaAttack, s.chance(.3))
		default:
			s.admit(stay{reason: cAsthmaAttack, at: at, days: s.between(1, 3), emergency: true, ambulance: s.chance(.6), specialty: "340", panels: []*panel{pUE, pFBC}})
		}
	})
}

func (s *story) copd(d *diagnosis) {
	s.smokes = max(s.smokes, 1)
	s.repeatOf(dSalbutamol, d.onset, d.c)
	s.repeatOf(dTiotropium, d.onset.AddDate(0, s.between(0, 14), 0), d.c)
	s.set(tSats, s.normal(94, .8), -.15, d.onset)
	s.yearly(d.onset, 12, func(at time.Time) {
		s.see(at, review, d.c, "COPD review. MRC breathlessness score recorded.")
		s.weigh(at)
		s.measure(tSats, at)
	})
	s.attacks(d.onset, .45, func(at time.Time) {
		switch x := s.Float64(); {
		case x < .6:
			w := s.working(at)
			s.see(w, faceToFace, cCOPDAttack, "More breathless, green sputum.")
			s.prescribe(dPrednisolon, w, cCOPDAttack, false, 5)
			s.prescribe(dDoxycycline, w, cCOPDAttack, false, 5)
		case x < .75:
			s.call111(at, cCOPDAttack, "Speak to a clinician within 2 hours")
		default:
			s.admit(stay{reason: cCOPDAttack, at: at, days: s.between(2, 9), emergency: true, ambulance: true, specialty: "340", panels: []*panel{pUE, pFBC, pCRP}})
		}
	})
}

func (s *story) cancer(d *diagnosis) {
	service, code := "Breast surgery", "103"
	switch d.c {
	case cProstate:
		service, code = "Urology", "101"
	case cBowel:
		service, code = "Colorectal surgery", "104"
	case cLung:
		service, code = "Respiratory medicine", "340"
	}
	referred := d.onset.AddDate(0, 0, -18)
	if s.within(referred) {
		w := s.working(referred)
		s.see(w, faceToFace, nil, "Symptoms that need a suspected cancer referral.")
		s.refer(referral{to: s.trust, service: service, why: d.c, at: w, urgent: true})
		s.clinic(d.onset, code, service, d.c, 1, 1)
		if s.chance(.7) {
			s.admit(stay{reason: d.c, at: d.onset.AddDate(0, 0, s.between(20, 50)), days: s.between(1, 7), specialty: code, panels: []*panel{pUE, pFBC}})
		}
	}
	s.clinic(d.onset.AddDate(0, 3, 0), "800", "Clinical oncology", d.c, s.between(3, 7), 6)
	if d.c == cBreast && s.chance(.7) {
		s.repeatOf(dTamoxifen, d.onset.AddDate(0, 4, 0), d.c)
	}
	if d.c == cLung && s.chance(.6) {
		s.frail = true
	}
}

func (s *story) thyroid(d *diagnosis) {
	s.repeatOf(dLevothyrox, d.onset.AddDate(0, 0, 7), d.c)
	s.set(tTSH, 2.4, 0, d.onset.AddDate(0, 3, 0))
	s.yearly(d.onset, 12, func(at time.Time) { s.ask(at, pTFT) })
}

func (s *story) rheumatoid(d *diagnosis) {
	s.set(tCRP, 9, 0, d.onset)
	s.repeatOf(dMethotrexat, d.onset.AddDate(0, 2, 0), d.c)
	s.repeatOf(dFolic, d.onset.AddDate(0, 2, 0), d.c)
	if s.chance(.3) {
		s.repeatOf(dAdalimumab, d.onset.AddDate(2, 0, 0), d.c)
	}
	s.clinic(d.onset, "410", "Rheumatology", d.c, s.between(3, 8), 6)
	s.yearly(d.onset, 3, func(at time.Time) { s.ask(at, pFBC, pLFT, pUE) })
}

func (s *story) bones(d *diagnosis) { s.repeatOf(dAlendronate, d.onset, d.c) }

func (s *story) joints(d *diagnosis) {
	if s.chance(.3) {
		d.c = cOA
	}
	s.repeatOf(oneOf(s.dice, []*drug{dParacetamol, dCodeine, dParacetamol}), d.onset, d.c)
	if at := d.onset.AddDate(s.between(2, 8), 0, s.IntN(90)); s.chance(.2) && s.within(at) {
		op := oneOf(s.dice, []*concept{cKneeReplacement, cHipReplacement})
		s.clinic(at.AddDate(0, -6, 0), "110", "Trauma and orthopaedics", d.c, 1, 1)
		s.admit(stay{reason: d.c, at: s.working(at), days: s.between(2, 6), specialty: "110", procedures: []*concept{op}, panels: []*panel{pUE, pFBC}})
	}
}

func (s *story) migraine(d *diagnosis) { s.repeatOf(dSumatriptan, d.onset, d.c) }

func (s *story) skin(d *diagnosis) { s.repeatOf(dEmollient, d.onset, d.c) }

func (s *story) sickle(d *diagnosis) {
	s.set(tHb, 84, 0, s.p.born)
	s.set(tBilirubin, 42, 0, s.p.born)
	s.repeatOf(dPenV, d.onset, d.c)
	if s.chance(.5) {
		s.repeatOf(dHydroxy, d.onset.AddDate(s.between(5, 15), 0, 0), d.c)
	}
	s.clinic(s.start, "303", "Clinical haematology", d.c, 12, 7)
	s.attacks(d.onset, .5, func(at time.Time) {
		s.admit(stay{reason: cSickleCrisis, at: at, days: s.between(2, 8), emergency: true, ambulance: s.chance(.5), specialty: "303", panels: []*panel{pFBC, pUE, pLFT}})
	})
}

func (s *story) parkinsons(d *diagnosis) {
	s.repeatOf(dCoBeneldopa, d.onset.AddDate(0, 1, 0), d.c)
	s.clinic(d.onset, "400", "Neurology", d.c, s.between(3, 9), 8)
}

func (s *story) sclerosis(d *diagnosis) {
	if late := time.Date(2018, 9, 3, 10, 0, 0, 0, time.UTC); s.chance(.5) && s.end.After(late.AddDate(1, 0, 0)) {
		if late.Before(d.onset) {
			late = d.onset.AddDate(0, 3, 0)
		}
		s.repeatOf(dOcrelizumab, late, d.c)
	}
	s.clinic(d.onset, "400", "Neurology", d.c, s.between(4, 9), 8)
}

// hiv is of a class that its record keeps restricted.
func (s *story) hiv(d *diagnosis) {
	s.repeatOf(dBiktarvy, d.onset.AddDate(0, 1, 0), d.c)
}

func (s *story) frailty(d *diagnosis) {
	switch x := s.Float64(); {
	case x < .2:
		d.c = cSevereFrailty
	}
	s.frail = true
	s.attacks(d.onset, .16, func(at time.Time) {
		if s.chance(.22) {
			s.admit(stay{reason: cHipFracture, also: []*concept{cFall}, at: at, days: s.between(8, 30), emergency: true, ambulance: true, specialty: "110",
				procedures: []*concept{cHipReplacement}, panels: []*panel{pUE, pFBC, pCRP}})
			s.care(at.AddDate(0, 0, 32), .6, "Reablement after hip fracture")
		} else {
			s.attend(at, cFall, true)
		}
	})
}
