package synth

import (
	"strconv"
	"strings"
	"time"

	"selda/nhs"
)

// identity is what one organisation believes of a person: its own number, and
// the demographics as its clerks took them down, mistakes and all. Mistakes
// may be put right from a day on.
type identity struct {
	p             *person
	org           *Organisation
	number        string
	nhs           string // as sent: "", or a number that may be wrong
	traced        bool
	family, given string
	born          time.Time
	sex           byte
	asked         bool           // allergies were asked about
	allergies     []*allergyFact // as the organisation recorded them
	first         time.Time      // the first time that it spoke of the person
	fixed         time.Time      // when the mistakes were put right; zero where never
	into          *identity      // of a second registration, the first, into which it is merged
	merged        time.Time
}

// current is the identity by which the organisation speaks at a time: the
// first one, once this was merged into it.
func (x *identity) current(when time.Time) *identity {
	if x.into != nil && when.After(x.merged) {
		return x.into
	}
	return x
}

// as is the identity as it stood at a time.
func (x *identity) as(when time.Time) identity {
	y := *x
	if !x.fixed.IsZero() && !when.Before(x.fixed) {
		y.nhs, y.traced, y.family, y.given, y.born, y.sex = x.p.nhs, true, x.p.family, x.p.given, x.p.born, x.p.sex
	}
	return y
}

// spoke keeps the first time that the organisation spoke of the person.
func (x *identity) spoke(when time.Time) {
	if x.first.IsZero() || when.Before(x.first) {
		x.first = when
	}
}

// LocalID is the number by which one source knows a citizen.
type LocalID struct {
	Source nhs.Source
	ID     string
}

// Merge says that one source found two of its numbers to be one person's.
type Merge struct {
	Source     nhs.Source
	Kept, Gone string
	At         time.Time
}

// The rates of real life's mistakes, of the registrations or messages at risk.
// They are set to exercise the doors, of the size that data-quality reports
// of trusts speak of, and are not measurements.
const (
	rateNoNumber      = .04  // an acute trust registers somebody without an NHS number
	rateNoNumberCrew  = .15  // an ambulance crew or 111 does
	ratePutRight      = .75  // of those with a mistake, it is put right some day
	rateMisspelt      = .02  // a name is misspelt
	rateBirthDate     = .01  // day and month change places, or a digit does
	rateWrongSex      = .004 //
	rateInvalidNumber = .003 // a digit of the NHS number is wrong
	rateSecondNumber  = .025 // somebody is registered a second time, found out later
	rateDuplicate     = .006 // a message is sent twice
	rateLate          = .012 // a message comes hours or days late, behind later ones
	rateUnparsable    = .0005
	rateCorrected     = .02  // a result is corrected
	rateCancelled     = .004 // a result is cancelled
	rateAdmissionOff  = .015 // an admission is cancelled
	rateDischargeOff  = .01  // a discharge is cancelled, and made again
	rateLeftOpen      = .15  // nobody closes an outpatient's visit
	rateWrongEntry    = .004 // a fact in a practice's record is marked entered in error
)

// known is the organisation's identity of the person, made when first needed.
func (s *story) known(o *Organisation) *identity {
	for _, x := range s.identities {
		if x.org == o {
			return x
		}
	}
	return s.register(o)
}

// register takes the person's details down, as clerks do.
func (s *story) register(o *Organisation) *identity {
	p := s.p
	x := &identity{p: p, org: o, nhs: p.nhs, traced: true, family: p.family, given: p.given, born: p.born, sex: p.sex, number: s.localNumber(o)}
	s.identities = append(s.identities, x)
	if o.Kind == Practice || p.index < named { // practices' lists are traced; the named people are certain
		return x
	}
	f, missing := s.faults, rateNoNumber
	if o.Kind == Ambulance {
		missing = rateNoNumberCrew
	}
	switch {
	case f.chance(missing):
		x.nhs, x.traced = "", false
	case f.chance(rateInvalidNumber):
		b := []byte(x.nhs)
		b[8] = '0' + (b[8]-'0'+1)%10 // the check digit no longer fits
		x.nhs, x.traced = string(b), false
	case f.chance(.2):
		x.traced = false
	}
	if f.chance(rateMisspelt) {
		if f.chance(.6) {
			x.family = misspell(x.family, f.IntN(60))
		} else {
			x.given = misspell(x.given, f.IntN(60))
		}
	}
	if f.chance(rateBirthDate) {
		if d := x.born.Day(); d <= 12 && f.chance(.7) {
			x.born = time.Date(x.born.Year(), time.Month(d), int(x.born.Month()), 0, 0, 0, 0, time.UTC)
		} else {
			x.born = x.born.AddDate(-1, 0, 0)
		}
		if x.born.After(s.start) {
			x.born = p.born
		}
	}
	if f.chance(rateWrongSex) {
		x.sex ^= 'F' ^ 'M'
	}
	if wrong := x.nhs != p.nhs || x.family != p.family || x.given != p.given || !x.born.Equal(p.born) || x.sex != p.sex; wrong && f.chance(ratePutRight) {
		x.fixed = s.working(s.start.Add(time.Duration(f.Float64() * float64(s.end.Sub(s.start)))))
	}
	return x
}

// secondNumber is a registration of somebody who is registered already. It is
// found out some weeks later, and merged.
func (s *story) secondNumber(x *identity, when time.Time) *identity {
	second := s.register(x.org)
	second.allergies, second.asked = nil, s.chance(.5)
	found := s.working(when.AddDate(0, 0, s.faults.between(6, 70)))
	if !found.Before(s.end) {
		return second
	}
	event, structure := "A40", "ADT_A39"
	if s.faults.chance(.15) {
		event, structure = "A34", "ADT_A30"
	}
	s.pas(x, event, structure, found, func(m *v2) {
		m.seg("MRG", at(1, comp(second.number, "", "", string(x.org.Code), "MR")), at(7, comp(strings.ToUpper(second.family), second.given, "", "", "", "", "L")))
	})
	s.used(s.source(x.org, "PAS"), second.number)
	second.into, second.merged = x, found
	s.merges = append(s.merges, Merge{s.source(x.org, "PAS"), x.number, second.number, instant(found)})
	return second
}

// identityEvents are what PAS systems say of identities beside visits: the
// registration, before all else, and the day on which mistakes are put right.
func (s *story) identityEvents() {
	for _, x := range s.identities {
		if x.org.Kind != Acute || x.first.IsZero() {
			continue
		}
		s.pas(x, "A28", "ADT_A05", x.first.Add(-10*time.Minute), func(m *v2) { m.nextOfKin(s); m.seg("PV1", at(1, "1"), at(2, "N")) })
		if !x.fixed.IsZero() && x.fixed.Before(s.end) {
			s.pas(x, "A31", "ADT_A05", x.fixed, func(m *v2) { m.seg("PV1", at(1, "1"), at(2, "N")) })
		}
	}
}

// localNumber is a number in the organisation's own form, unique within it
// since it holds the citizen's place in the region.
func (s *story) localNumber(o *Organisation) string {
	s.numbers++
	n := s.p.index*16 + s.numbers%16
	switch o.Kind {
	case Practice:
		return strconv.Itoa(100000 + n)
	case Acute:
		return string("KGLDAB"[int(o.Code[len(o.Code)-1])%6]) + pad(n, 8)
	case Council:
		return strconv.Itoa(20000000 + n)
	}
	return string(o.Code[:1]) + "-" + pad(n, 8)
}

// speaks is the identity by which a source is about to speak of the person,
// and keeps that it did.
func (s *story) speaks(src nhs.Source, x *identity, when time.Time) *identity {
	x = x.current(when)
	x.spoke(when)
	s.used(src, x.number)
	return x
}

// used keeps that a source spoke of the person by a number.
func (s *story) used(src nhs.Source, id string) {
	for _, u := range s.ids {
		if u.Source == src && u.ID == id {
			return
		}
	}
	s.ids = append(s.ids, LocalID{src, id})
}
