package synth

import (
	"slices"
	"strings"
	"time"
)

// private is what few may see: needs that are asked about, and what is of a
// sensitive class. How often is a guess, so that each is met in a region of
// some thousands.
func (s *story) private() {
	p, grown := s.p, s.p.age(s.end) >= 18
	if p.language != "" {
		l := languages[p.language]
		s.flag(l.interpreter, l.name+" language interpreter needed", "admin", s.start)
	}
	some := func() time.Time {
		return s.working(s.start.Add(time.Duration(s.Float64() * float64(s.end.Sub(s.start)))))
	}
	if at := some(); s.chance(.012) && grown && s.p.age(at) >= 16 && s.p.age(at) < 40 && s.within(at) {
		d := s.problem(cChlamydia, at)
		d.past = true
		s.prescribe(dDoxycycline, at, cChlamydia, false, 7)
	}
	if at := some(); p.female() && s.chance(.015) && s.p.age(at) >= 18 && s.p.age(at) < 45 && s.within(at) {
		s.problem(cTermination, at).past = true
	}
	if at := some(); s.chance(.006) && s.p.age(at) >= 22 && s.p.age(at) < 60 && s.within(at) {
		s.problem(cOpioid, at)
		s.repeatOf(dMethadone, at, cOpioid)
	}
	if at := some(); p.female() && s.chance(.006) && s.p.age(at) >= 18 && s.p.age(at) < 65 && s.within(at) {
		s.hidden = s.chance(.4)
		s.flag("", "At risk of domestic abuse: do not leave messages, do not give out the address", "safety", at, "domestic-abuse", "not-visible-online")
	}
}

// habits sets smoking: more often where people are poorer (Annual Population
// Survey: about one adult in eight), asked at registration and some reviews.
func (s *story) habits() {
	age := s.p.age(s.end)
	if age < 16 {
		return
	}
	p := .07 + .012*float64(10-s.p.home.decile)
	if !s.p.female() {
		p *= 1.25
	}
	switch {
	case s.chance(p):
		s.smokes = 2
	case age > 30 && s.chance(.22):
		s.smokes = 1
	}
	if s.p.age(s.start) >= 16 {
		s.smoking(s.start)
		s.weigh(s.start)
	}
	s.yearly(s.start, 36, func(at time.Time) {
		if s.p.age(at) >= 18 {
			s.smoking(at)
			if s.p.age(at) >= 40 {
				s.bloodPressure(at)
			}
		}
	})
	s.screening()
}

func (s *story) smoking(at time.Time) {
	v := [...]concept{{"266919005", "Never smoked tobacco", ""}, {"8517006", "Ex-smoker", ""}, {"77176002", "Smoker", ""}}[s.smokes]
	s.record(reading{at: at, code: v.sct, text: v.term, about: "Tobacco smoking status"})
}

// screening is what the national programmes would have recorded.
func (s *story) screening() {
	s.yearly(s.start, 36, func(at time.Time) {
		age := s.p.age(at)
		if s.p.female() && age >= 25 && age < 65 && s.chance(.65) {
			s.record(reading{at: at, text: "Negative for high-risk HPV", about: "Cervical screening result"})
		}
		if s.p.female() && age >= 50 && age < 71 && s.chance(.6) {
			s.record(reading{at: at, text: "Normal, recall in three years", about: "Breast screening result"})
		}
	})
	s.yearly(s.start, 24, func(at time.Time) {
		if age := s.p.age(at); age >= 56 && age < 75 && s.chance(.6) {
			s.record(reading{at: at, text: "Below the threshold, no further test needed", about: "Bowel screening result (FIT)"})
		}
	})
}

// allergies: about six in a hundred records hold penicillin (West et al.,
// J Antimicrob Chemother 2019); the rest are rarer. Some practices also write
// down that none is known.
func (s *story) allergies() {
	grown := s.p.age(s.end) >= 18
	add := func(a *allergen, p float64) {
		if !s.chance(p) {
			return
		}
		reaction := oneOf(s.dice, a.reactions)
		since := s.p.born.Add(time.Duration(s.Float64() * float64(s.end.Sub(s.p.born))))
		s.gp.allergies = append(s.gp.allergies, &allergyFact{a: a, reaction: reaction, severe: reaction.sct == rAnaphylaxis.sct || reaction.sct == rAngioedema.sct, since: midnight(since).Add(9 * time.Hour)})
		s.gp.enter(midnight(since).Add(9*time.Hour), isAllergy, len(s.gp.allergies)-1)
	}
	if grown {
		add(aPenicillin, .065)
		add(aAspirin, .008)
		add(aErythro, .008)
		add(aLatex, .003)
	} else {
		add(aPenicillin, .012)
		add(aPeanut, .015)
		add(aEgg, .008)
	}
	if len(s.gp.allergies) == 0 && s.chance(.35) {
		s.gp.allergies = append(s.gp.allergies, &allergyFact{since: s.start})
		s.gp.enter(s.start, isAllergy, 0)
	}
}

// ailment is a passing illness that brings people to their practice.
type ailment struct {
	c        *concept
	from, to int // ages
	weight   float64
	note     string
	d        *drug
	days     int
}

var ailments = []ailment{
	{cURTI, 0, 110, 5, "Cough and runny nose for a few days. Chest clear. Self-care advice.", nil, 0},
	{cTonsillitis, 3, 40, 2, "Sore throat with fever, exudate on the tonsils.", dPenV, 5},
	{cOtitis, 0, 12, 3, "Ear pain and fever. Red, bulging drum.", dAmoxicillin, 5},
	{cConjunctivitis, 0, 20, 1.5, "Sticky red eye.", dChlorampheni, 5},
	{cChickenpox, 1, 9, 1, "Typical rash, well otherwise.", nil, 0},
	{cGastro, 0, 110, 1.5, "Loose stools and vomiting for two days. Not dehydrated.", nil, 0},
	{cRash, 0, 60, 1.5, "Itchy rash on the arms.", dEmollient, 28},
	{cBronchitis, 18, 110, 2, "Productive cough for two weeks.", dDoxycycline, 5},
	{cUTI, 16, 110, 2.5, "Burning and frequency. Dipstick positive for nitrites.", dNitrofur, 3},
	{cCellulitis, 30, 110, 1, "Hot, red lower leg.", dFluclox, 7},
	{cBackPain, 20, 80, 3, "Pain after lifting. No red flags.", dIbuprofen, 7},
	{cHeadache, 12, 70, 1.5, "Tension-type headache. Neurology normal.", dParacetamol, 14},
	{cDyspepsia, 25, 110, 1.5, "Heartburn after meals.", dOmeprazole, 28},
	{cCovid, 1, 110, .8, "Positive lateral flow test. Mild.", nil, 0},
	{cIDA, 14, 55, .5, "Tired. Ferritin low.", dIron, 84},
}

// everyday are the consultations for passing illness. The rate is about a
// sixth of what practices really see, so that a record stays of a size to
// read; long-term conditions add theirs.
func (s *story) everyday() {
	t := s.start
	for range 60 {
		age := s.p.age(t)
		rate := .62
		switch {
		case age < 5:
			rate = 1.3
		case age >= 65:
			rate = 1
		case age >= 18 && s.p.female():
			rate = .9
		}
		t = t.Add(s.wait(rate))
		at := s.working(t)
		if !s.within(at) || !at.Before(s.end) {
			return
		}
		s.ail(at)
	}
}

func (s *story) ail(at time.Time) {
	age := s.p.age(at)
	weights := make([]float64, len(ailments))
	for i, a := range ailments {
		if age >= a.from && age <= a.to && (a.c != cCovid || at.Year() >= 2020) && (a.c != cIDA || s.p.female()) {
			weights[i] = a.weight
		}
	}
	a := ailments[s.weighted(weights)]
	kind := faceToFace
	if at.Year() >= 2020 && s.chance(.4) {
		kind = byPhone
	}
	s.see(at, kind, a.c, a.note)
	d := s.problem(a.c, at)
	d.minor, d.past = true, true
	d.end = at.AddDate(0, 0, 21)
	if a.c == cUTI && !s.p.female() || a.c == cIDA {
		s.ask(at, pFBC, pUE)
	}
	if a.d != nil && s.chance(.75) {
		s.prescribe(a.d, at, a.c, false, a.days)
	}
	if a.c == cBackPain && s.chance(.2) {
		s.refer(referral{to: s.trust, service: "Musculoskeletal physiotherapy", why: a.c, at: at})
	}
}

// lastIssue is the practice's latest issue of what is on repeat.
func (s *story) lastIssue() {
	if !s.p.died.IsZero() {
		return
	}
	at := s.onDay(s.end.AddDate(0, 0, -s.between(4, 27)))
	if !s.within(at) {
		return
	}
	for i, m := range s.gp.medicines {
		if m.repeat && m.current(at) && m.start.Before(at) {
			s.gp.enter(at, isMedicine, i)
		}
	}
}

// wrongEntries marks a problem or an allergy entered in error now and then.
func (s *story) wrongEntries() {
	f := s.faults
	when := func(since time.Time) time.Time { return since.AddDate(0, 0, f.between(3, 90)) }
	for i, d := range s.gp.problems {
		if at := when(d.onset); d.minor && f.chance(rateWrongEntry) && s.within(at) {
			d.wrong = at
			s.gp.enter(at, isProblem, i)
		}
	}
	for i, a := range s.gp.allergies {
		if at := when(a.since); a.a != nil && f.chance(rateWrongEntry*4) && s.within(at) {
			a.wrong = at
			s.gp.enter(at, isAllergy, i)
		}
	}
}

// isCancer says whether one of the conditions so far is a cancer.
func (s *story) isCancer() bool {
	return slices.ContainsFunc(s.conditions, func(c string) bool { return strings.HasSuffix(c, "cancer") })
}
