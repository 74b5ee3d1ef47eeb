package synth

import (
	"time"

	"selda/nhs"
)

// story is what happens to one person within the ten years that feeds speak
// of, and the messages that systems send of it. A story draws from its own
// dice, and mistakes from another pair, so that a change to the one does not
// change the other.
type story struct {
	dice
	faults     dice
	r          *Region
	p          *person
	start, end time.Time
	birthday   int // the day of the year on which reviews fall
	gp         gpRecord
	body       body
	smokes     int // 0 never, 1 gave up, 2 smokes
	identities []*identity
	ids        []LocalID
	merges     []Merge
	numbers    int
	control    int
	orders     []order
	bookings   int
	visits     int
	rows       []row
	out        []Message
	silent     bool // nobody reads the messages: do not write them
	trust      *Organisation
	site       *site
	frail      bool
	hidden     bool // the address is restricted
	conditions []string
}

// tell makes the story of p.
func (r *Region) tell(p *person, silent bool) *story {
	s := &story{dice: newDice(r.seed^0x5e1da, uint64(p.index)*2), faults: newDice(r.seed^0xfa017, uint64(p.index)*2), r: r, p: p, silent: silent}
	s.end = p.last(r.now)
	s.start = r.now.AddDate(-10, 0, 0)
	if s.chance(.3) { // moved into the region since
		s.start = s.start.Add(time.Duration(s.Float64() * 9 * float64(year)))
	}
	if s.start.Before(p.born) {
		s.start = p.born
	}
	if s.start.After(s.end) {
		s.start = s.end.AddDate(-1, 0, 0)
		if s.start.Before(p.born) {
			s.start = p.born
		}
	}
	s.start = midnight(s.start).Add(11 * time.Hour)
	if s.start.After(s.end) {
		s.start = s.end
	}
	s.birthday = s.between(5, 360)
	s.trust, s.site = r.localTrust(s.dice, p)
	s.newBody()
	if p.index == 0 {
		s.folake()
	} else {
		s.live()
	}
	s.finish()
	return s
}

// live is an ordinary life.
func (s *story) live() {
	s.known(s.p.practice)
	s.gp.enter(s.start, isPatient, 0)
	s.habits()
	s.allergies()
	s.childhood()
	for _, d := range s.r.diseases(s.dice, s.p) {
		s.conditions = append(s.conditions, d.c.key)
		dx := s.problem(d.c.c, d.onset)
		d.c.course(s, dx)
	}
	s.adultVaccines()
	s.pregnancies()
	s.private()
	s.everyday()
	s.urgentCare()
	s.planned()
	s.socialCare()
	s.dying()
	s.lastIssue()
	s.wrongEntries()
}

// finish writes the practice's record and the orders' results, and lets
// identities' mistakes come to light.
func (s *story) finish() {
	s.results()
	s.identityEvents()
	if s.p.practice.Format == "csv" {
		s.extracts()
	} else {
		s.bundles()
	}
}

// localTrust is the acute trust, and its site, that p goes to.
func (r *Region) localTrust(d dice, p *person) (*Organisation, *site) {
	pick := func(code nhs.ODS, n int) (*Organisation, *site) {
		o := r.orgs.byCode[code]
		return o, &o.sites[n]
	}
	switch boroughs[p.home.borough].Name {
	case "Bexley":
		if d.chance(.45) {
			return pick("RN7", 0)
		}
		return pick("RJ2", 1)
	case "Bromley":
		return pick("RJZ", 1)
	case "Greenwich":
		return pick("RJ2", 1)
	case "Lewisham":
		return pick("RJ2", 0)
	case "Lambeth":
		if d.chance(.6) {
			return pick("RJ1", 0)
		}
	case "Southwark":
		if d.chance(.45) {
			return pick("RJ1", d.IntN(2))
		}
	}
	return pick("RJZ", 0)
}

// within says whether t lies in the time that feeds speak of.
func (s *story) within(t time.Time) bool { return !t.Before(s.start) && t.Before(s.end) }

// yearly calls f on a working day of each year from a day on, as far as the
// feeds speak; months sets how often. Some reviews are missed.
func (s *story) yearly(from time.Time, months int, f func(at time.Time)) {
	t := time.Date(s.start.Year(), 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, s.birthday)
	for ; t.Before(s.end); t = t.AddDate(0, months, 0) {
		if t.Before(from) || t.Before(s.start) || s.chance(.12) {
			continue
		}
		if at := s.onDay(t); s.within(at) {
			f(at)
		}
	}
}

// onDay is a time on t's day, or the Monday after, the same for every
// condition, so that they are reviewed together.
func (s *story) onDay(t time.Time) time.Time {
	switch t.Weekday() {
	case time.Saturday:
		t = t.AddDate(0, 0, 2)
	case time.Sunday:
		t = t.AddDate(0, 0, 1)
	}
	return midnight(t).Add(time.Duration(9*60+s.birthday%7*65) * time.Minute)
}

// send hands a message over, some time after it was made; now and then it
// comes late, twice, or cut short and then again.
func (s *story) send(src nhs.Source, format string, made time.Time, body []byte) {
	f := s.faults
	delay := time.Duration(f.between(2, 240)) * time.Second
	late := f.chance(rateLate)
	twice, broken := f.chance(rateDuplicate), f.chance(rateUnparsable)
	if s.p.index < named {
		late, twice, broken = false, false, false
	}
	held, cut, again := time.Duration(f.between(3, 96))*time.Hour, f.between(30, 80), time.Duration(f.between(1, 600))*time.Second
	if s.silent { // every draw is made, so that the truth is the same
		return
	}
	m := Message{Source: src, Format: format, At: instant(made).Add(delay), Body: body}
	if late {
		m.At, m.Fault = m.At.Add(held), "late"
	}
	if broken {
		b := m
		b.Body, b.Fault = brokenCopy(format, body, cut), "unparsable"
		m.At = m.At.Add(10 * time.Minute)
		s.arrive(b)
	}
	s.arrive(m)
	if twice {
		m.At, m.Fault = m.At.Add(again), "duplicate"
		s.arrive(m)
	}
}

// arrive keeps a message; nothing arrives after now.
func (s *story) arrive(m Message) {
	if limit := instant(s.r.now); m.At.After(limit) {
		m.At = limit
	}
	s.out = append(s.out, m)
}

// brokenCopy is a message that the line cut off after percent of it, so that
// no parser takes it.
func brokenCopy(format string, body []byte, percent int) []byte {
	if format == "hl7v2" {
		return append([]byte("|"), body[min(len(body), 40):]...) // the head is gone, not the tail
	}
	return append([]byte(nil), body[:len(body)*percent/100]...)
}
