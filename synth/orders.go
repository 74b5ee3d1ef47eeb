package synth

import (
	"strconv"
	"time"
)

// sampled is a sample taken during a visit, as the visit stands then.
func (s *story) sampled(v *visit, at time.Time, panels []*panel, raise float64) {
	then := *v
	s.orders = append(s.orders, order{trust: v.x.org, x: v.x, v: &then, at: at, panels: panels, raise: raise})
}

// order is a sample to be reported on.
type order struct {
	trust  *Organisation
	x      *identity // of a hospital's own request
	v      *visit
	at     time.Time
	panels []*panel
	raise  float64
	exact  map[*assay]float64 // values that a story needs to be so
}

// ask requests panels from the practice; what is asked for on one day goes on
// one form.
func (s *story) ask(when time.Time, panels ...*panel) {
	if !s.within(when) {
		return
	}
	var o *order
	for i := range s.orders {
		if s.orders[i].v == nil && s.orders[i].at.Equal(when) {
			o = &s.orders[i]
		}
	}
	if o == nil {
		s.orders = append(s.orders, order{trust: s.trust, at: when})
		o = &s.orders[len(s.orders)-1]
	}
next:
	for _, p := range panels {
		for _, q := range o.panels {
			if p == q {
				continue next
			}
		}
		o.panels = append(o.panels, p)
	}
}

// results reports every order; some are corrected or cancelled later.
func (s *story) results() {
	for i := range s.orders {
		o := &s.orders[i]
		reported := o.at.Add(time.Duration(s.between(50, 150)) * time.Minute)
		if o.v == nil {
			reported = o.at.Add(time.Duration(s.between(9, 30)) * time.Hour)
		}
		if !reported.Before(s.end) {
			continue
		}
		if o.x == nil {
			o.x = s.chart(o.trust, o.at)
		}
		values := s.measureAll(o)
		s.oru(o, i, values, "F", reported)
		if o.v == nil {
			s.file(o, values, s.working(reported.AddDate(0, 0, 1)))
		}
		if s.p.index < named {
			continue
		}
		later := reported.Add(time.Duration(s.faults.between(2, 30)) * time.Hour)
		corrected, cancelled := s.faults.chance(rateCorrected), s.faults.chance(rateCancelled)
		if !later.Before(s.end) {
			continue
		}
		if corrected {
			values[0] *= 1.08
			s.oru(o, i, values, "C", later)
		} else if cancelled {
			s.oru(o, i, values, "X", later)
		}
	}
}

// file puts results that the practice asked for into its own record.
func (s *story) file(o *order, values []float64, filed time.Time) {
	if !s.within(filed) {
		return
	}
	i := 0
	for _, p := range o.panels {
		for _, t := range p.tests {
			s.gp.readings = append(s.gp.readings, reading{t: t, at: o.at, v: values[i]})
			s.gp.enter(filed, isReading, len(s.gp.readings)-1)
			i++
		}
	}
}

// measureAll draws the values of every test of an order, in order.
func (s *story) measureAll(o *order) []float64 {
	var out []float64
	creatinine := 0.0
	for _, p := range o.panels {
		for _, t := range p.tests {
			v := s.value(t, o.at)
			switch {
			case t == tCreatinine:
				if o.raise > 1 {
					v *= o.raise
				}
				if e := o.exact[t]; e > 0 {
					v = e
				}
				creatinine = v
			case t == tUrea && o.raise > 1:
				v *= o.raise
			case t == tCRP && o.v != nil && o.v.class != "O":
				v *= 12 + 30*s.Float64()
			case t == tTroponin && o.v != nil && o.v.specialty == "320":
				v *= 20 + 40*s.Float64()
			case t == tEGFR:
				v = min(egfr(creatinine, s.p.age(o.at), s.p.female()), 90)
			}
			out = append(out, v)
		}
	}
	return out
}

// oru sends a report: ORU^R01 with an OBR for each panel.
func (s *story) oru(o *order, n int, values []float64, status string, reported time.Time) {
	src := s.source(o.trust, "LAB")
	x := s.speaks(src, o.x, reported)
	if s.silent {
		s.control++
		s.send(src, "hl7v2", reported, nil)
		return
	}
	m := s.message(src, "ORU^R01", "ORU_R01", reported)
	m.pid(s, x, reported)
	requester := clinician(s.p.practice, 0)
	if o.v != nil {
		m.pv1(o.v, false)
		requester = o.v.doctor
	} else {
		m.seg("PV1", at(1, "1"), at(2, "O"), at(3, comp(s.p.practice.Name, "", "", string(s.p.practice.Code))))
	}
	lab := string(o.trust.Code) + "L" + pad(s.p.index, 7) + pad(n, 3)
	i := 0
	for k, p := range o.panels {
		placer, filler := comp("P"+lab+p.code, string(x.org.Code)), comp(lab+p.code, string(o.trust.Code)+"LAB")
		m.seg("ORC", at(1, "RE"), at(2, placer), at(3, filler), at(12, requester.xcn()))
		m.seg("OBR", at(1, strconv.Itoa(k+1)), at(2, placer), at(3, filler), at(4, comp(p.code, p.name, "L")), at(7, hl7Time(o.at)), at(14, hl7Time(o.at.Add(40*time.Minute))),
			at(16, requester.xcn()), at(22, hl7Time(reported)), at(24, "LAB"), at(25, status))
		for j, t := range p.tests {
			m.obx(j+1, t, values[i], status, o.at)
			i++
		}
		if status == "C" && k == 0 {
			m.seg("NTE", at(1, "1"), at(2, "L"), at(3, "Corrected report: the first result was released in error."))
		}
	}
	s.send(src, "hl7v2", reported, m.b)
}

// obx adds one result, coded in SNOMED CT where the test has a code, and in
// the laboratory's own.
func (m *v2) obx(n int, t *assay, v float64, status string, when time.Time) {
	code := comp(t.local, t.name, "L")
	if t.sct != "" {
		code = comp(t.sct, t.name, "SCT", t.local, t.name, "L")
	}
	shown, flag := t.shown(v), t.flag(v)
	if status == "X" {
		shown, flag = "", ""
	}
	typ := "NM"
	if t == tEGFR && v >= 90 && shown != "" {
		typ, shown = "SN", ">^90"
	}
	m.seg("OBX", at(1, strconv.Itoa(n)), at(2, typ), at(3, code), at(5, shown), at(6, comp(t.unit, t.unit, "UCUM")), at(7, esc(t.limits())), at(8, flag), at(11, status), at(14, hl7Time(when)))
}

// imaging is a request for an X-ray and its report as text.
func (s *story) imaging(x *identity, v *visit, e stay) {
	asked := v.from.Add(50 * time.Minute)
	done := asked.Add(3 * time.Hour)
	if !s.within(done) || !done.Before(v.to) {
		return
	}
	src := s.source(x.org, "EPR")
	x = s.speaks(src, x, asked)
	if s.silent {
		s.control += 2
		s.send(src, "hl7v2", asked, nil)
		s.send(src, "hl7v2", done, nil)
		return
	}
	id := string(x.org.Code) + "R" + pad(s.p.index, 7) + pad(s.visits, 3)
	placer, filler := comp("P"+id, string(x.org.Code)), comp(id, string(x.org.Code)+"RAD")
	code := comp("CXR", "Plain X-ray of chest", "L")
	report := "Heart size at the upper limit of normal. Lungs clear. No effusion."
	switch e.reason {
	case cAcuteHF:
		report = "Enlarged heart, upper lobe blood diversion and small effusions on both sides, in keeping with heart failure."
	case cPneumonia, cCOPDAttack:
		report = "Patchy shadowing at the right base. Hyperinflated lungs."
	case cHipFracture:
		code, report = comp("XHIP", "Plain X-ray of hip", "L"), "Displaced fracture of the neck of the left femur."
	}
	m := s.message(src, "ORM^O01", "ORM_O01", asked)
	m.pid(s, x, asked)
	m.pv1(v, false)
	m.seg("ORC", at(1, "NW"), at(2, placer), at(5, "SC"), at(9, hl7Time(asked)), at(12, v.doctor.xcn()))
	m.seg("OBR", at(1, "1"), at(2, placer), at(4, code), at(6, hl7Time(asked)), at(16, v.doctor.xcn()), at(24, "RAD"), at(31, esc(e.reason.term)))
	s.send(src, "hl7v2", asked, m.b)

	m = s.message(src, "ORU^R01", "ORU_R01", done)
	m.pid(s, x, done)
	m.pv1(v, false)
	m.seg("ORC", at(1, "RE"), at(2, placer), at(3, filler))
	m.seg("OBR", at(1, "1"), at(2, placer), at(3, filler), at(4, code), at(7, hl7Time(done.Add(-time.Hour))), at(16, v.doctor.xcn()), at(22, hl7Time(done)), at(24, "RAD"), at(25, "F"))
	m.seg("OBX", at(1, "1"), at(2, "TX"), at(3, code), at(5, esc(report)), at(11, "F"), at(14, hl7Time(done.Add(-time.Hour))))
	s.send(src, "hl7v2", done, m.b)
}

// siu sends one event of an appointment's life.
func (s *story) siu(x *identity, v *visit, event, id, status, service string, why *concept, sent time.Time) {
	src := s.source(x.org, "PAS")
	x = s.speaks(src, x, sent)
	if s.silent {
		s.control++
		s.send(src, "hl7v2", sent, nil)
		return
	}
	m := s.message(src, "SIU^"+event, "SIU_S12", sent)
	until := hl7Time(v.from.Add(20 * time.Minute))
	m.seg("SCH", at(1, comp("P"+id, string(x.org.Code))), at(2, comp(id, string(x.org.Code)+"PAS")), at(6, comp(event, map[string]string{"S12": "Booked", "S13": "Moved", "S14": "Changed", "S15": "Cancelled"}[event])),
		at(7, esc(why.term)), at(8, comp(v.specialty, service, "NHSTFC")), at(9, "20"), at(10, "min"), at(11, "^^20^"+hl7Time(v.from)+"^"+until), at(16, v.doctor.xcn()), at(25, status))
	m.pid(s, x, sent)
	m.pv1(v, false)
	m.seg("RGS", at(1, "1"), at(2, "A"))
	m.seg("AIS", at(1, "1"), at(2, "A"), at(3, comp(v.specialty, service, "NHSTFC")), at(4, hl7Time(v.from)), at(7, "20"), at(8, "min"), at(10, status))
	m.seg("AIL", at(1, "1"), at(2, "A"), at(3, comp(v.ward, "", "", v.where.code)))
	m.seg("AIP", at(1, "1"), at(2, "A"), at(3, v.doctor.xcn()))
	s.send(src, "hl7v2", sent, m.b)
}

// mdm sends a letter as text, MDM^T02; a few are replaced (T10) or taken back
// (T11). The practice files a copy.
func (s *story) mdm(x *identity, v *visit, code, title string, sent time.Time, text string) {
	if !s.within(sent) {
		return
	}
	src := s.source(x.org, "EPR")
	id := string(x.org.Code) + "D" + pad(s.p.index, 7) + pad(s.visits, 3)
	write := func(event, id, parent, body string, when time.Time) {
		x := s.speaks(src, x, when)
		if s.silent {
			s.control++
			s.send(src, "hl7v2", when, nil)
			return
		}
		m := s.message(src, "MDM^"+event, "MDM_T02", when)
		m.seg("EVN", at(1, event), at(2, hl7Time(when)))
		m.pid(s, x, when)
		m.pv1(v, false)
		m.seg("TXA", at(1, "1"), at(2, comp(code, title, "L")), at(3, "TX"), at(4, hl7Time(v.from)), at(5, v.doctor.xcn()), at(6, hl7Time(when)), at(8, hl7Time(when)), at(9, v.doctor.xcn()),
			at(12, comp(id, string(x.org.Code)+"EPR")), at(13, parent), at(17, "AU"), at(19, "AV"))
		if body != "" {
			m.seg("OBX", at(1, "1"), at(2, "TX"), at(3, comp(code, title, "L")), at(5, esc(body)), at(11, "F"))
		}
		s.send(src, "hl7v2", when, m.b)
	}
	write("T02", id, "", text, sent)
	later := sent.Add(30 * time.Hour)
	if s.p.index >= named && later.Before(s.end) {
		switch y := s.faults.Float64(); {
		case y < .012:
			write("T10", id+"B", comp(id, string(x.org.Code)+"EPR"), text+"\nThis letter replaces the one sent before.", later)
		case y < .018:
			write("T11", id, "", "", later)
			return
		}
	}
	if code != "EDL" || s.chance(.4) {
		if filed := s.working(sent.AddDate(0, 0, 2)); s.within(filed) {
			s.letter(document{code: "823681000000100", title: title, at: filed, from: x.org.Name, text: text})
		}
	}
}
