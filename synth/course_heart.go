package synth

import (
	"time"
)

// The long courses: what a condition brings over the years. Each starts the
// medicines, sets the levels that results lie around, and books the reviews.

func (s *story) obesity(d *diagnosis) {
	s.body.weight = max(s.body.weight*1.35, 95)
	s.yearly(d.onset, 24, func(at time.Time) { s.weigh(at) })
}

func (s *story) hypertension(d *diagnosis) {
	s.set(tSystolic, s.normal(137, 7), .3, d.onset)
	young := s.p.age(d.onset) < 55 && s.p.ethnic != 'M' && s.p.ethnic != 'N' && s.p.ethnic != 'P'
	first, second := dAmlodipine, dRamipril5
	if young { // NICE NG136: an ACE inhibitor first below 55, unless of Black family origin
		first, second = dRamipril5, dAmlodipine
	}
	start := d.onset.AddDate(0, s.between(0, 5), 3)
	if s.chance(.9) {
		s.repeatOf(first, start, d.c)
	}
	if s.chance(.45) {
		s.repeatOf(second, start.AddDate(0, s.between(4, 30), 0), d.c)
	}
	if second == dRamipril5 && s.chance(.12) { // a cough
		s.swap(dRamipril5, dLosartan, start.AddDate(0, s.between(31, 40), 0), d.c, "Cough")
	}
	s.yearly(d.onset, 12, func(at time.Time) {
		s.see(at, review, d.c, "Hypertension annual review.")
		s.bloodPressure(at)
		s.ask(at, pUE, pLipids)
	})
}

// swap replaces one medicine with another where it is taken.
func (s *story) swap(from, to *drug, at time.Time, why *concept, reason string) {
	if at.After(s.end) {
		return
	}
	for _, m := range s.gp.medicines {
		if m.d == from && m.repeat && m.current(at) {
			s.stop(m, at, reason)
			s.repeatOf(to, at, why)
			return
		}
	}
}

func (s *story) statin(d *drug, at time.Time, why *concept) {
	s.repeatOf(d, at, why)
	s.set(tChol, s.normal(4.1, .5), 0, at)
}

func (s *story) coronary(d *diagnosis) {
	s.repeatOf(dAspirin, d.onset, d.c)
	s.statin(dAtorva80, d.onset, d.c)
	if s.chance(.7) {
		s.repeatOf(dBisoprolol, d.onset.AddDate(0, 0, 7), d.c)
	}
	if s.within(d.onset) && s.chance(.4) { // it began with an infarction
		s.admit(stay{reason: oneOf(s.dice, []*concept{cNSTEMI, cNSTEMI, cSTEMI}), at: d.onset, days: s.between(3, 7), emergency: true, ambulance: s.chance(.7), specialty: "320",
			procedures: []*concept{cPCI}, panels: []*panel{pUE, pFBC, pCardiac, pLipids}})
	}
	s.clinic(d.onset.AddDate(0, 3, 0), "320", "Cardiology", d.c, s.between(1, 3), 8)
	s.yearly(d.onset, 12, func(at time.Time) {
		s.see(at, review, d.c, "Coronary heart disease review.")
		s.bloodPressure(at)
		s.ask(at, pLipids, pUE, pFBC)
	})
	s.attacks(d.onset.AddDate(1, 0, 0), .05, func(at time.Time) {
		s.admit(stay{reason: cNSTEMI, at: at, days: s.between(2, 7), emergency: true, ambulance: true, specialty: "320", panels: []*panel{pUE, pFBC, pCardiac}})
	})
}

func (s *story) fibrillation(d *diagnosis) {
	if s.p.age(d.onset) >= 65 || s.chance(.5) {
		if d.onset.Year() < 2014 && s.chance(.6) {
			w := s.repeatOf(dWarfarin, d.onset, d.c)
			if change := time.Date(2016+s.IntN(5), 3, 1+s.IntN(28), 10, 0, 0, 0, time.UTC); change.Before(s.end) {
				s.stop(w, change, "Changed to apixaban")
				s.repeatOf(dApixaban, change, d.c)
			}
		} else {
			s.repeatOf(dApixaban, d.onset.AddDate(0, 0, 5), d.c)
		}
	}
	s.repeatOf(dBisoprolol, d.onset, d.c)
	s.set(tPulse, s.normal(82, 8), 0, d.onset)
	s.yearly(d.onset, 12, func(at time.Time) {
		s.see(at, review, d.c, "Atrial fibrillation review: anticoagulation and bleeding risk.")
		s.bloodPressure(at)
		s.measure(tPulse, at)
		s.ask(at, pUE, pFBC)
	})
	s.attacks(d.onset, .06, func(at time.Time) { s.attend(at, cChestPain, s.chance(.3)) })
}

func (s *story) heartFailure(d *diagnosis) {
	s.set(tNTproBNP, s.normal(1900, 500), 120, d.onset)
	s.repeatOf(dFurosemide, d.onset, d.c)
	if len(s.takingOf(dLosartan, d.onset)) == 0 {
		s.repeatOf(dRamipril25, d.onset.AddDate(0, 0, 14), d.c)
	}
	s.repeatOf(dBisoprolol, d.onset.AddDate(0, 1, 0), d.c)
	if s.chance(.4) {
		s.repeatOf(dSpirono, d.onset.AddDate(0, 4, 0), d.c)
	}
	if late := time.Date(2022, 1, 10, 10, 0, 0, 0, time.UTC).AddDate(0, s.between(0, 30), 0); s.chance(.55) && late.Before(s.end) {
		if late.Before(d.onset) {
			late = d.onset.AddDate(0, 2, 0)
		}
		s.repeatOf(dDapa, late, d.c)
	}
	s.clinic(d.onset.AddDate(0, 1, 0), "320", "Heart failure", d.c, s.between(2, 5), 5)
	s.yearly(d.onset, 6, func(at time.Time) {
		s.see(at, review, d.c, "Heart failure review. Weight and fluid balance checked.")
		s.bloodPressure(at)
		s.weigh(at)
		s.ask(at, pUE, pFBC)
	})
	s.attacks(d.onset.AddDate(0, 2, 0), .22, func(at time.Time) {
		m := s.takingOf(dRamipril25, at)
		e := stay{reason: cAcuteHF, at: at, days: s.between(4, 14), emergency: true, ambulance: s.chance(.75), specialty: "320", panels: []*panel{pUE, pFBC, pBNP, pCRP}}
		if len(m) > 0 && s.chance(.3) {
			e.also, e.stops, e.stopWhy = []*concept{cAKI}, m, "Acute kidney injury"
		}
		s.admit(e)
		s.swap(dFurosemide, dFurosemide8, at.AddDate(0, 0, e.days+1), d.c, "Dose increased")
	})
}

// takingOf are the current repeats of d.
func (s *story) takingOf(d *drug, t time.Time) []*medicine {
	var out []*medicine
	for _, m := range s.taking(t) {
		if m.d == d {
			out = append(out, m)
		}
	}
	return out
}

func (s *story) stroke(d *diagnosis) {
	if s.chance(.35) {
		d.c = cTIA
	}
	s.repeatOf(dClopidogrel, d.onset.AddDate(0, 0, 14), d.c)
	s.statin(dAtorva80, d.onset, d.c)
	if s.within(d.onset) {
		if d.c == cTIA {
			s.attend(d.onset, cTIA, false)
			s.clinic(d.onset.AddDate(0, 0, 5), "328", "TIA clinic", d.c, 1, 1)
		} else {
			s.admit(stay{reason: cStroke, at: d.onset, days: s.between(5, 40), emergency: true, ambulance: true, specialty: "328", panels: []*panel{pUE, pFBC, pLipids, pHbA1c}})
			s.care(d.onset.AddDate(0, 0, 45), .5, "Reablement after stroke")
		}
	}
	s.yearly(d.onset, 12, func(at time.Time) {
		s.see(at, review, d.c, "Stroke prevention review.")
		s.bloodPressure(at)
		s.ask(at, pLipids, pUE)
	})
}

func (s *story) peripheral(d *diagnosis) {
	s.repeatOf(dClopidogrel, d.onset, d.c)
	s.statin(dAtorva80, d.onset, d.c)
	s.clinic(d.onset.AddDate(0, 1, 0), "107", "Vascular surgery", d.c, s.between(1, 2), 6)
}

func (s *story) kidney(d *diagnosis) {
	female, age := s.p.female(), s.p.age(d.onset)
	target := 52.0 // filtration at diagnosis
	switch x := s.Float64(); {
	case x < .25:
		d.c, target = cCKD3b, 38
	case x < .32:
		d.c, target = cCKD4, 25
	}
	creatinine := 60.0
	for egfr(creatinine, age, female) > target && creatinine < 600 {
		creatinine += 2
	}
	s.set(tCreatinine, creatinine, creatinine*.025, d.onset)
	s.set(tUrea, creatinine/13, 0, d.onset)
	s.set(tACR, s.normal(8, 2.5), 1, d.onset)
	if d.c != cCKD3a {
		s.set(tHb, 112, -.8, d.onset)
	}
	if s.chance(.5) && d.c != cCKD4 {
		s.statin(dAtorva20, d.onset.AddDate(0, 1, 0), d.c)
	}
	if d.c == cCKD4 {
		s.clinic(d.onset.AddDate(0, 1, 0), "361", "Nephrology", d.c, s.between(4, 9), 5)
	}
	s.yearly(d.onset, 6, func(at time.Time) { s.ask(at, pUE, pFBC) })
	s.yearly(d.onset, 12, func(at time.Time) {
		s.see(at, review, d.c, "Kidney disease review.")
		s.bloodPressure(at)
		s.ask(at, pACR)
	})
	s.attacks(d.onset, .05, func(at time.Time) {
		s.admit(stay{reason: cAKI, at: at, days: s.between(2, 9), emergency: true, ambulance: s.chance(.5), specialty: "300", panels: []*panel{pUE, pFBC, pCRP}, raise: 1.9})
	})
}

// attacks calls f at random times, rate a year, from a day on.
func (s *story) attacks(from time.Time, rate float64, f func(at time.Time)) {
	t := from
	if t.Before(s.start) {
		t = s.start
	}
	for range 40 {
		t = t.Add(s.wait(rate))
		if !t.Before(s.end) {
			return
		}
		f(s.anyHour(t))
		t = t.AddDate(0, 0, 21)
	}
}
