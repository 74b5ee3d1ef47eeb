package synth

import "time"

// pregnancies tells of the births of the children in the household, and of
// some that are on their way.
func (s *story) pregnancies() {
	if !s.p.female() {
		return
	}
	for _, c := range s.p.children {
		if booked := c.born.AddDate(0, 0, -215); booked.After(s.start) && c.born.Before(s.end) {
			s.pregnancy(c.born, true)
		}
	}
	age := s.p.age(s.end)
	if age >= 18 && age <= 43 && s.p.died.IsZero() && s.chance(.045) {
		due := s.end.AddDate(0, 0, s.between(15, 200))
		for _, c := range s.p.children {
			if due.Sub(c.born) < 400*day {
				return
			}
		}
		s.pregnancy(midnight(due).Add(13*time.Hour), false)
	}
}

// pregnancy is one, with its antenatal care at the local trust; born says
// whether it has ended, in a birth.
func (s *story) pregnancy(birth time.Time, born bool) {
	known := s.working(birth.AddDate(0, 0, -225))
	if !s.within(known) {
		return
	}
	s.see(known, faceToFace, cPregnancy, "Pregnant, about seven weeks. Referred for maternity care.")
	d := s.problem(cPregnancy, known)
	s.refer(referral{to: s.trust, service: "Maternity", why: cPregnancy, at: known})
	for _, w := range []int{28, 20, 12, 4} { // weeks before
		when := s.working(birth.AddDate(0, 0, -7*w))
		booked := s.working(when.AddDate(0, 0, -20))
		if s.within(booked) {
			s.appointment(booked, when, "501", "Antenatal", cPregnancy)
		}
		if s.within(when) {
			s.orders = append(s.orders, order{trust: s.trust, at: when.Add(time.Hour), panels: []*panel{pFBC}})
		}
	}
	if s.chance(.06) {
		if when := s.working(birth.AddDate(0, 0, -80)); s.within(when) {
			g := s.problem(cGDM, when)
			if born {
				s.endProblem(g, birth)
			}
		}
	}
	if !born {
		return
	}
	delivery, days := cDelivery, s.between(1, 2)
	if s.chance(.36) { // National Maternity and Perinatal Audit: more than a third
		delivery, days = cCaesarean, s.between(2, 4)
	}
	s.admit(stay{reason: delivery, at: birth.Add(-9 * time.Hour), days: days, specialty: "501", procedures: []*concept{delivery}, panels: []*panel{pFBC}, emergency: false})
	if birth.Before(s.end) {
		s.endProblem(d, birth)
	}
	if check := s.working(birth.AddDate(0, 0, 46)); s.within(check) {
		s.see(check, faceToFace, nil, "Six-week check. Recovering well.")
	}
}
