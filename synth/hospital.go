package synth

import (
	"strconv"
	"time"

	"selda/nhs"
)

// stay is an admission to be: why, when, how long, and what comes of it.
type stay struct {
	reason     *concept
	also       []*concept
	at         time.Time
	days       int
	emergency  bool
	ambulance  bool
	specialty  string
	procedures []*concept
	panels     []*panel
	stops      []*medicine
	stopWhy    string
	raise      float64 // times the usual creatinine on arrival
	open       bool    // still there
	trust      *Organisation
	site       *site
	ward       string
}

func (s *story) source(o *Organisation, system string) nhs.Source {
	return nhs.Source(string(o.Code) + ":" + system)
}

// chart is the trust's identity of the person, with its own view of
// allergies. Now and then a clerk registers somebody a second time.
func (s *story) chart(o *Organisation, when time.Time) *identity {
	first := true
	for _, x := range s.identities {
		if x.org == o {
			first = false
		}
	}
	x := s.known(o)
	if first {
		s.askAllergies(x)
	} else if o.Kind == Acute && s.p.index >= named && len(s.merges) == 0 && s.faults.chance(rateSecondNumber) {
		return s.secondNumber(x, when)
	}
	return x
}

// askAllergies is what the hospital writes down: most of what the practice
// knows; sometimes that none is known, though one is.
func (s *story) askAllergies(x *identity) {
	x.asked = s.chance(.8)
	if !x.asked {
		return
	}
	for _, a := range s.gp.allergies {
		if a.a != nil && a.wrong.IsZero() && s.chance(.82) {
			x.allergies = append(x.allergies, a)
		}
	}
}

// pas sends an ADT message of a visit.
func (s *story) pas(x *identity, event, structure string, sent time.Time, add func(m *v2)) {
	src := s.source(x.org, "PAS")
	x = s.speaks(src, x, sent)
	if s.silent {
		s.control++
		s.send(src, "hl7v2", sent, nil)
		return
	}
	m := s.message(src, "ADT^"+event, structure, sent)
	m.pid(s, x, sent)
	if add != nil {
		add(m)
	}
	s.send(src, "hl7v2", sent, m.b)
}

func (m *v2) nextOfKin(s *story) {
	if k := s.p.mother; k != nil && s.p.age(s.end) < 18 {
		m.seg("NK1", at(1, "1"), at(2, comp(k.family, k.given, "", "", k.title)), at(3, comp("MTH", "Mother")), at(5, comp(k.mobile, "PRN", "CP")))
	}
}

// newVisit opens a visit.
func (s *story) newVisit(x *identity, class string, where *site, from time.Time, specialty string) *visit {
	s.visits++
	ward := oneOf(s.dice, where.wards)
	switch class {
	case "E":
		ward = "Emergency Department"
	case "O":
		ward = "Outpatients"
	}
	v := &visit{x: x, class: class, number: string(x.org.Code) + "V" + pad(s.p.index, 7) + pad(s.visits, 3), where: where, ward: ward,
		doctor: clinician(x.org, s.between(1, 14)), specialty: specialty, from: from}
	if class == "I" {
		v.bed = "Bed " + strconv.Itoa(s.between(1, 28))
	}
	return v
}

// admit tells an admission, from the call for an ambulance to the letter that
// the practice files.
func (s *story) admit(e stay) {
	if !s.within(e.at) {
		return
	}
	if e.trust == nil {
		e.trust, e.site = s.trust, s.site
	}
	e.at = e.at.Truncate(time.Minute)
	to := midnight(e.at).AddDate(0, 0, e.days).Add(time.Duration(s.between(10*60, 17*60)) * time.Minute)
	if !to.After(e.at) {
		to = e.at.Add(6 * time.Hour)
	}
	died := !s.p.died.IsZero() && !to.Before(s.p.died)
	if died {
		to = s.p.died
	} else if to.After(s.end) {
		e.open = true
	}
	arrive := e.at
	x := s.chart(e.trust, e.at)
	var planned *visit
	if e.emergency {
		if e.ambulance {
			s.ambulanceCall(e.at.Add(-75*time.Minute), e.reason, e.site)
		}
		arrive = s.throughED(x, e)
	} else if pre := e.at.AddDate(0, 0, -14); s.within(pre) {
		planned = s.newVisit(x, "P", e.site, e.at, e.specialty)
		s.pas(x, "A05", "ADT_A05", pre, func(m *v2) { m.pv1(planned, false); m.dg1(1, e.reason, pre) })
	}
	if !arrive.Before(to) {
		arrive = to.Add(-time.Minute)
	}
	v := s.newVisit(x, "I", e.site, arrive, e.specialty)
	if planned != nil {
		v.number = planned.number // the visit that was expected
	}
	if e.ward != "" {
		v.ward = e.ward
	}
	v.to, v.how, v.out = to, "11", "19"
	if e.emergency {
		v.how = "21"
	}
	if died {
		v.out = "79"
	}
	s.bedDays(x, v, e)
	if !e.open {
		s.goHome(x, v, e, died)
	}
}

// throughED is the attendance before an emergency admission; it gives the
// time of the decision to admit.
func (s *story) throughED(x *identity, e stay) time.Time {
	v := s.newVisit(x, "E", e.site, e.at, "180")
	v.to = e.at.Add(time.Duration(s.between(100, 420)) * time.Minute)
	if limit := s.end.Add(-2 * time.Minute); v.to.After(limit) {
		v.to = limit
	}
	v.how, v.out = "21", "ADM"
	s.pas(x, "A04", "ADT_A01", e.at, func(m *v2) { m.pv1(v, false); m.al1(x, e.at); m.dg1(1, e.reason, e.at) })
	s.pas(x, "A03", "ADT_A03", v.to, func(m *v2) { m.pv1(v, true) })
	return v.to.Add(time.Minute)
}

// bedDays are what happens between admission and discharge.
func (s *story) bedDays(x *identity, v *visit, e stay) {
	admit := func(when time.Time) {
		s.pas(x, "A01", "ADT_A01", when, func(m *v2) {
			m.nextOfKin(s)
			m.pv1(v, false)
			m.al1(x, when)
			m.dg1(1, e.reason, v.from)
			for i, c := range e.procedures {
				m.seg("PR1", at(1, strconv.Itoa(i+1)), at(3, comp(c.icd, c.term, "OPCS4")), at(5, hl7Time(v.from.Add(20*time.Hour))))
			}
		})
	}
	admit(v.from)
	if s.faults.chance(rateAdmissionOff) && v.to.Sub(v.from) > 3*time.Hour && s.p.index >= named {
		s.pas(x, "A11", "ADT_A09", v.from.Add(40*time.Minute), func(m *v2) { m.pv1(v, false) })
		s.visits++
		v.number = string(x.org.Code) + "V" + pad(s.p.index, 7) + pad(s.visits, 3)
		v.from = v.from.Add(55 * time.Minute)
		admit(v.from)
	}
	until := v.to
	if s.end.Before(until) {
		until = s.end
	}
	if len(e.panels) > 0 {
		raise := e.raise
		if raise == 0 && len(e.also) > 0 && e.also[0] == cAKI {
			raise = 1.5
		}
		for i, t := 0, v.from.Add(35*time.Minute); t.Before(until) && i < 3; i, t = i+1, t.AddDate(0, 0, max(1, e.days/2)) {
			panels := e.panels
			if i > 0 {
				panels = panels[:min(2, len(panels))]
				raise = max(1, raise*.8)
			}
			s.sampled(v, t, panels, raise)
		}
	}
	if move := v.from.Add(time.Duration(s.between(14, 30)) * time.Hour); e.days > 1 && e.emergency && move.Before(until) {
		before := v.ward + "^^" + v.bed + "^" + v.where.code
		v.ward, v.bed = oneOf(s.dice, v.where.wards), "Bed "+strconv.Itoa(s.between(1, 28))
		s.pas(x, "A02", "ADT_A02", move, func(m *v2) {
			m.pv1(v, false)
			m.seg("PV2", at(1, before))
		})
	}
	if change := v.from.Add(time.Duration(s.between(20, 60)) * time.Hour); s.chance(.25) && change.Before(until) {
		v.doctor = clinician(x.org, s.between(1, 14))
		s.pas(x, "A08", "ADT_A01", change, func(m *v2) { m.pv1(v, false); m.dg1(1, e.reason, v.from) })
	}
	if len(e.panels) > 1 {
		s.imaging(x, v, e)
	}
}

// goHome is the discharge, its summary, and what the practice makes of it.
func (s *story) goHome(x *identity, v *visit, e stay, died bool) {
	leave := func(when time.Time) {
		s.pas(x, "A03", "ADT_A03", when, func(m *v2) {
			m.pv1(v, true)
			m.dg1(1, e.reason, v.from)
			for i, c := range e.also {
				m.dg1(i+2, c, v.from)
			}
		})
	}
	if s.faults.chance(rateDischargeOff) && v.to.Sub(v.from) > 26*time.Hour && !died && s.p.index >= named {
		early := v.to
		v.to = v.to.Add(-20 * time.Hour)
		leave(v.to)
		s.pas(x, "A13", "ADT_A01", v.to.Add(90*time.Minute), func(m *v2) { m.pv1(v, false) })
		v.to = early
	}
	leave(v.to)
	for _, m := range e.stops {
		s.stop(m, v.to, e.stopWhy+", stopped at discharge from hospital")
	}
	if died {
		return
	}
	s.dischargeSummary(x, v, e)
	filed := s.working(v.to.AddDate(0, 0, s.between(1, 4)))
	if !s.within(filed) {
		return
	}
	s.letter(document{code: "373942005", title: "Discharge summary", at: filed, from: x.org.Name, text: "Admitted with " + e.reason.term + ". Seen and filed."})
	if !s.has(e.reason, filed) {
		d := s.problem(e.reason, v.from)
		if e.reason != cNSTEMI && e.reason != cSTEMI && e.reason != cHipFracture {
			d.past, d.end = true, v.to
		}
	}
	for _, c := range e.procedures {
		s.procedureDone(c, v.from.Add(20*time.Hour))
	}
}

// attend is an attendance at an emergency department that ends at home.
func (s *story) attend(when time.Time, c *concept, byAmbulance bool) {
	if !s.within(when) || !s.within(when.Add(7*time.Hour)) {
		return
	}
	when = when.Truncate(time.Minute)
	if byAmbulance {
		s.ambulanceCall(when.Add(-70*time.Minute), c, s.site)
	}
	x := s.chart(s.trust, when)
	v := s.newVisit(x, "E", s.site, when, "180")
	v.to = when.Add(time.Duration(s.between(70, 330)) * time.Minute)
	v.out = "HOME"
	s.pas(x, "A04", "ADT_A01", when, func(m *v2) { m.pv1(v, false); m.al1(x, when); m.dg1(1, c, when) })
	if s.p.age(when) >= 18 && s.chance(.4) {
		panels := []*panel{pUE, pFBC, pCRP}
		if c == cChestPain {
			panels = []*panel{pUE, pFBC, pCardiac}
		}
		s.sampled(v, when.Add(25*time.Minute), panels, 0)
	}
	s.pas(x, "A03", "ADT_A03", v.to, func(m *v2) { m.pv1(v, true); m.dg1(1, c, when) })
	text := "Presenting with: " + c.term + ".\nAssessed, no admission needed. Advice given and discharged home.\nPlan: see the practice if it does not settle."
	s.mdm(x, v, "EDL", "Emergency department letter", v.to.Add(20*time.Minute), text)
}

// clinic is a course of outpatient appointments from a day on, months apart.
func (s *story) clinic(from time.Time, specialty, service string, why *concept, n, apart int) {
	t := from
	first := true
	for range n {
		when := s.working(t)
		t = t.AddDate(0, apart, s.IntN(20))
		if when.Before(s.start) || !s.p.died.IsZero() && !when.Before(s.end) {
			continue
		}
		booked := s.working(when.AddDate(0, 0, -s.between(14, 40)))
		if booked.Before(s.start) || !booked.Before(s.end) {
			continue
		}
		if first && s.within(booked.AddDate(0, 0, -5)) {
			s.refer(referral{to: s.trust, service: service, why: why, at: booked.AddDate(0, 0, -5)})
		}
		first = false
		s.appointment(booked, when, specialty, service, why)
	}
}

// appointment is booked, perhaps moved or cancelled, and kept.
func (s *story) appointment(booked, when time.Time, specialty, service string, why *concept) {
	x := s.chart(s.trust, booked)
	v := s.newVisit(x, "O", s.site, when, specialty)
	v.ward = service + " clinic"
	s.bookings++
	id := string(x.org.Code) + "A" + pad(s.p.index, 7) + pad(s.bookings, 3)
	s.siu(x, v, "S12", id, "Booked", service, why, booked)
	switch y := s.Float64(); {
	case y < .06:
		if off := booked.AddDate(0, 0, 5); off.Before(s.end) {
			s.siu(x, v, "S15", id, "Cancelled", service, why, off)
			return
		}
	case y < .14:
		if moved := booked.AddDate(0, 0, 6); moved.Before(s.end) {
			when = s.working(when.AddDate(0, 0, 14))
			v.from = when
			s.siu(x, v, "S13", id, "Booked", service, why, moved)
		}
	case y < .17:
		if changed := booked.AddDate(0, 0, 7); changed.Before(s.end) {
			v.doctor = clinician(x.org, s.between(1, 14))
			s.siu(x, v, "S14", id, "Booked", service, why, changed)
		}
	}
	if !s.within(when.Add(time.Hour)) {
		return
	}
	s.pas(x, "A04", "ADT_A01", when, func(m *v2) { m.pv1(v, false) })
	if v.to = when.Add(time.Duration(s.between(15, 55)) * time.Minute); !s.faults.chance(rateLeftOpen) {
		s.pas(x, "A03", "ADT_A03", v.to, func(m *v2) { m.pv1(v, true) })
	}
	text := "Diagnosis: " + why.term + ".\nSeen in the " + service + " clinic. " + oneOf(s.dice, []string{"Doing well. No change to treatment.", "Symptoms stable. Bloods reviewed.", "Some progress. We shall see them again.", "Imaging discussed. Plan agreed with the patient."})
	s.mdm(x, v, "OPL", service+" clinic letter", s.working(when.AddDate(0, 0, 3)), text)
}
