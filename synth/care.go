package synth

import (
	"strings"
	"time"

	"selda/fhir"
	"selda/nhs"
)

func (s *story) council() nhs.ODS { return nhs.ODS(boroughs[s.p.home.borough].social) }

// care is a package of social care from a day on, with probability p, as the
// council's extract tells it: when it begins, when it changes, when it ends.
func (s *story) care(from time.Time, p float64, what string) {
	if !s.chance(p) || !s.within(from) {
		return
	}
	o := s.r.orgs.byCode[s.council()]
	x := s.known(o)
	s.bookings++
	id := "PKG" + pad(s.p.index, 7) + pad(s.bookings, 2)
	hours := s.between(3, 28)
	provider := oneOf(s.dice, []string{"Riverside Homecare", "Kindly Care Ltd", "Albion Support", "Three Bridges Care"})
	worker := clinician(o, s.between(1, 6))
	src := s.source(o, "ASC")
	days := s.between(40, 900)
	if strings.HasPrefix(what, "Reablement") {
		days = 42
	}
	end := from.AddDate(0, 0, days)
	tell := func(on time.Time, end, status string) {
		s.row(src, x, "social-care-packages", id, on, hours*24, what, itoa(max(1, hours/3))+" visits a week", itoa(hours), itoa(hours*24), provider, "Adult social care", worker.given+" "+worker.family,
			ukDate(from.AddDate(0, 0, -7)), ukDate(from), end, status, "")
	}
	tell(from, "", "active")
	if change := from.AddDate(0, 4, 0); change.Before(end) && s.within(change) && s.chance(.4) {
		hours += s.between(2, 8)
		tell(change, "", "active")
	}
	if s.within(end) {
		tell(end, ukDate(end), "ended")
		s.gone(src, "social-care-packages", id, end.AddDate(0, 0, 60))
	}
}

// socialCare is care that no illness of before has led to, and the community
// nursing of people who are frail.
func (s *story) socialCare() {
	s.safeguarding()
	if !s.frail {
		return
	}
	from := s.start.Add(time.Duration((.4 + .55*s.Float64()) * float64(s.end.Sub(s.start))))
	s.care(from, .35, oneOf(s.dice, []string{"Home care", "Meals at home", "Day centre", "Respite care", "Direct payment"}))
	if s.chance(.6) {
		s.community(from.AddDate(0, 0, 9), oneOf(s.dice, []string{"District nursing", "Falls service", "Tissue viability", "Continence service"}), cSevereFrailty)
	}
}

// community puts somebody on the caseload of the borough's community service:
// an extract in Bromley, Bexley and Greenwich, FHIR in the others.
func (s *story) community(from time.Time, service string, why *concept) {
	if !s.within(from) {
		return
	}
	code := map[string]nhs.ODS{"Bromley": "NX1", "Bexley": "RPG", "Greenwich": "RPG", "Lewisham": "RJ2"}[boroughs[s.p.home.borough].Name]
	if code == "" {
		code = "RJ1"
	}
	o := s.r.orgs.byCode[code]
	x := s.known(o)
	src := s.source(o, "COM")
	s.bookings++
	id := "CL" + pad(s.p.index, 7) + pad(s.bookings, 2)
	nurse := clinician(o, s.between(1, 9))
	visits := oneOf(s.dice, []string{"Daily", "Twice a week", "Weekly", "Monthly"})
	end := from.AddDate(0, 0, s.between(60, 700))
	if code == "NX1" || code == "RPG" {
		gp := clinician(s.p.practice, 0)
		tell := func(on time.Time, done, status string) {
			s.row(src, x, "community-caseload", id, on, 0, service, "routine", why.term+", "+visits, ukDate(from.AddDate(0, 0, -4)), "Dr "+gp.family, ukDate(from), done, nurse.given+" "+nurse.family, o.Name, status)
		}
		tell(from, "", "open")
		if s.within(end) {
			tell(end, ukDate(end), "discharged")
			s.gone(src, "community-caseload", id, end.AddDate(0, 0, 60))
		}
		return
	}
	send := func(when time.Time, status string) {
		b := s.newBundle(src, x)
		if !s.silent {
			b.patient(x, when)
			period := fhir.Object{"start": fhirDate(from)}
			if status == "finished" {
				period["end"] = fhirDate(end)
			}
			e := b.prefix + "-" + strings.ToLower(id)
			b.put("EpisodeOfCare", e, "EpisodeOfCare", fhir.Object{"status": status, "type": []fhir.Object{fhir.Concept(service)}, "patient": b.subject(), "managingOrganization": org(o), "period": period})
			b.put("CarePlan", e+"-p", "CarePlan", fhir.Object{"status": map[string]string{"active": "active", "finished": "completed"}[status], "intent": "plan", "title": service + " plan", "subject": b.subject(), "created": fhirDate(from),
				"author": by(nurse), "activity": []fhir.Object{{"detail": fhir.Object{"status": "in-progress", "description": service + ": " + visits}}}})
		}
		b.send(when.Add(5 * time.Hour))
	}
	send(from, "active")
	if s.within(end) {
		send(end, "finished")
	}
}

// dying tells of the last months: for half of those who die, a plan for the
// end of life, the hospice's caseload, and medicines in the house; for some,
// a last admission.
func (s *story) dying() {
	if s.p.died.IsZero() {
		if (s.frail || s.isCancer()) && s.chance(.07) { // some live with such a plan now
			s.lastMonths(s.end.AddDate(0, 0, -s.between(20, 250)), s.end.AddDate(0, 2, 0))
		}
		return
	}
	if s.frail || s.isCancer() || s.chance(.25) {
		s.lastMonths(s.p.died.AddDate(0, 0, -s.between(25, 260)), s.p.died)
	}
	if s.chance(.42) {
		days := s.between(2, 14)
		s.admit(stay{reason: oneOf(s.dice, []*concept{cPneumonia, cSepsis, cAcuteHF}), at: s.anyHour(s.p.died.AddDate(0, 0, -days)), days: days, emergency: true, ambulance: true, specialty: "300", panels: []*panel{pUE, pFBC, pCRP}})
	}
}

// lastMonths is palliative care from a day on, until a day if it has come.
func (s *story) lastMonths(from, until time.Time) {
	from = s.working(from)
	if !s.within(from) {
		return
	}
	s.see(from, faceToFace, cPalliative, "Talked about what matters most. Wishes to be cared for at home. ReSPECT form completed.")
	s.problem(cPalliative, from)
	s.respect(from, "For care and comfort at home. Hospital only if symptoms cannot be eased at home. CPR attempts not recommended.")
	s.flag("526631000000108", "On end of life care register", "clinical", from)
	if soon := until.AddDate(0, 0, -14); s.within(soon) && s.chance(.7) {
		s.prescribe(dMidazolam, s.working(soon), cPalliative, false, 28)
		s.prescribe(dMorphine, s.working(soon), cPalliative, true, 0)
	}
	s.hospiceCare(from.AddDate(0, 0, 6), until)
}

// respect is a ReSPECT form: recommendations, with who made them and when.
func (s *story) respect(at time.Time, recommends string) {
	s.plan(planFact{"1382601000000107", "ReSPECT (Recommended Summary Plan for Emergency Care and Treatment)", at, []string{recommends, "Discussed with the patient, who agrees."}})
	s.flag("450476008", "Not for attempted cardiopulmonary resuscitation", "advance-directive", at)
	s.letter(document{code: "1382601000000107", title: "ReSPECT form", at: at, from: s.p.practice.Name, text: "ReSPECT form.\n" + recommends + "\nDiscussed with the patient, who agrees."})
}

// hospiceCare is the caseload of the hospice: St Christopher's sends FHIR,
// the other an extract.
func (s *story) hospiceCare(from, until time.Time) {
	if !s.within(from) {
		return
	}
	code, place := nhs.ODS("8HX01"), oneOf(s.dice, []string{"Home", "Home", "Hospice", "Care home"})
	if n := boroughs[s.p.home.borough].Name; n == "Greenwich" || n == "Bexley" {
		code = "8HX02"
	}
	o := s.r.orgs.byCode[code]
	x := s.known(o)
	src := s.source(o, "EPR")
	nurse := clinician(o, s.between(0, 5))
	if code == "8HX02" {
		id := "REF" + pad(s.p.index, 7)
		akps := itoa(10 * s.between(2, 6))
		setting := map[string]string{"Hospice": "inpatient"}[place]
		if setting == "" {
			setting = "community"
		}
		tell := func(on time.Time, status, end string) {
			s.row(src, x, "hospice-caseload", id, on, 0, setting, ukDate(from), end, "Palliative care", nurse.given+" "+nurse.family, o.Name, status, "yes", ukDate(from), akps, "yes", ukDate(from), "3")
		}
		tell(from, "active", "")
		if !s.p.died.IsZero() {
			tell(s.p.died, "died", ukDate(s.p.died))
			s.gone(src, "hospice-caseload", id, s.p.died.AddDate(0, 0, 30))
		}
		return
	}
	b := s.newBundle(src, x)
	if !s.silent {
		b.patient(x, from)
		b.put("EpisodeOfCare", b.id("ep", 1), "EpisodeOfCare", fhir.Object{"status": "active", "type": []fhir.Object{fhir.Concept("Hospice community team")}, "patient": b.subject(), "managingOrganization": org(o), "period": fhir.Object{"start": fhirDate(from)}})
		b.put("CarePlan", b.id("p", 1), "CarePlan", fhir.Object{"status": "active", "intent": "plan", "title": "End of life care plan", "category": []fhir.Object{fhir.Concept("End of life care plan", fhir.Coding(sctSystem, "736373009", "End of life care plan"))},
			"subject": b.subject(), "created": fhirDate(from), "author": by(nurse), "activity": []fhir.Object{{"detail": fhir.Object{"status": "in-progress", "description": "Preferred place of care and of death: " + place}},
				{"detail": fhir.Object{"status": "in-progress", "description": "Symptom control by the community team, 24-hour advice line."}}}})
		b.flag(b.id("f", 1), &flagFact{code: "450476008", term: "Not for attempted cardiopulmonary resuscitation", category: "advance-directive", at: from}, org(o))
	}
	b.send(from.Add(3 * time.Hour))
}
