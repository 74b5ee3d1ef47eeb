package synth

import "time"

func (s *story) depression(d *diagnosis) {
	if s.within(d.onset) {
		s.see(s.working(d.onset), faceToFace, d.c, "Low mood for months, poor sleep. No thoughts of self-harm.")
		s.see(s.working(d.onset.AddDate(0, 0, 28)), byPhone, d.c, "Feeling somewhat better. Continue.")
	}
	if s.p.age(d.onset) < 18 { // talking therapy comes first
		return
	}
	m := s.repeatOf(oneOf(s.dice, []*drug{dSertraline, dSertraline, dCitalopram, dMirtazapine}), d.onset.AddDate(0, 0, 10), d.c)
	if s.chance(.5) {
		s.stop(m, m.start.AddDate(0, s.between(6, 40), 0), "Course finished")
		if !m.end.IsZero() && m.end.Before(s.end) && s.chance(.6) {
			s.endProblem(d, m.end.AddDate(0, 2, 0))
		}
	} else if m.d == dSertraline && s.chance(.4) {
		s.swap(dSertraline, dSertraline1, m.start.AddDate(0, s.between(2, 9), 0), d.c, "Dose increased")
	}
	if s.chance(.05) {
		if at := s.anyHour(d.onset.AddDate(0, s.between(1, 40), 0)); s.within(at) {
			s.mentalHealth(cSevereDep, at, s.chance(.25))
		}
	}
}

func (s *story) anxiety(d *diagnosis) {
	if s.p.age(d.onset) >= 18 && s.chance(.4) {
		s.repeatOf(dSertraline, d.onset.AddDate(0, 0, 20), d.c)
	}
	if s.within(d.onset) {
		s.see(s.working(d.onset), byPhone, d.c, "Worry and panic. Referred to talking therapies.")
	}
}

func (s *story) psychosis(d *diagnosis) {
	if s.chance(.4) {
		d.c = cBipolar
		s.repeatOf(dLithium, d.onset.AddDate(0, 3, 0), d.c)
	} else if s.chance(.2) {
		d.c = cPsychosis
	}
	s.repeatOf(dOlanzapine, d.onset.AddDate(0, 1, 0), d.c)
	s.yearly(d.onset, 12, func(at time.Time) {
		s.see(at, review, d.c, "Physical health check for people with severe mental illness.")
		s.bloodPressure(at)
		s.weigh(at)
		s.ask(at, pLipids, pHbA1c)
	})
	from := d.onset
	if from.Before(s.start) {
		from = s.start.AddDate(0, s.between(0, 20), 0)
	}
	if s.chance(.7) && s.within(from) {
		s.mentalHealth(d.c, s.anyHour(from), s.chance(.4))
	}
	s.attacks(from.AddDate(1, 0, 0), .09, func(at time.Time) { s.mentalHealth(d.c, at, true) })
}

func (s *story) dementia(d *diagnosis) {
	if s.chance(.3) {
		d.c = cVascular
	}
	if d.c == cAlzheimer && s.chance(.6) {
		s.repeatOf(dDonepezil, d.onset.AddDate(0, 2, 0), d.c)
	}
	s.frail = true
	s.yearly(d.onset, 12, func(at time.Time) { s.see(at, review, d.c, "Dementia review, with the family. Care plan discussed.") })
	if at := s.working(d.onset); s.within(at) {
		s.memoryClinic(d.c, at)
	}
	s.care(d.onset.AddDate(0, s.between(3, 24), 0), .6, "Personal care and supervision")
	s.attacks(d.onset, .25, func(at time.Time) {
		s.admit(stay{reason: oneOf(s.dice, []*concept{cUTI, cPneumonia, cFall}), also: []*concept{cDelirium}, at: at, days: s.between(4, 20), emergency: true, ambulance: true, specialty: "430",
			panels: []*panel{pUE, pFBC, pCRP}})
	})
}

func (s *story) epilepsy(d *diagnosis) {
	s.repeatOf(oneOf(s.dice, []*drug{dLevetir, dLamotrigine}), d.onset.AddDate(0, 1, 0), d.c)
	s.clinic(d.onset, "400", "Neurology", d.c, s.between(1, 4), 10)
	s.attacks(d.onset, .15, func(at time.Time) { s.attend(at, cSeizure, true) })
}

func (s *story) learning(d *diagnosis) {
	s.flag("", "Reasonable adjustment: easy-read information and longer appointments", "admin", d.onset)
	s.yearly(d.onset, 12, func(at time.Time) {
		if s.p.age(at) >= 14 {
			s.see(at, review, d.c, "Learning disability annual health check. Health action plan given.")
			s.bloodPressure(at)
			s.weigh(at)
			s.ask(at, pFBC, pTFT)
		}
	})
	if s.p.age(s.end) >= 18 {
		s.care(s.start.AddDate(0, 3, 0), .6, "Supported living")
	}
}
