package synth

import "time"

// What a general practice knows of somebody. A fact has a number within its
// kind, which makes its id, and a day from which the practice knows it.

// diagnosis is a problem, with its onset and, where it is over, its end.
type diagnosis struct {
	c          *concept
	onset, end time.Time
	minor      bool
	past       bool // told of when it was as good as over
	wrong      time.Time
}

// over says whether it has ended by t.
func (d *diagnosis) over(t time.Time) bool { return !d.end.IsZero() && !t.Before(d.end) }

// medicine is one that a practice prescribes, once or again and again.
type medicine struct {
	d          *drug
	start, end time.Time // end is zero while it goes on
	repeat     bool
	why        *concept
	stopped    string // why it ended
}

// current says whether it is taken at t.
func (m *medicine) current(t time.Time) bool {
	return !t.Before(m.start) && (m.end.IsZero() || t.Before(m.end))
}

type allergyFact struct {
	a        *allergen
	reaction concept
	severe   bool
	since    time.Time
	wrong    time.Time // when it was marked entered in error
}

type reading struct {
	t     *assay
	at    time.Time
	v     float64
	with  float64 // of a blood pressure, the diastolic
	text  string  // of a coded reading, its words
	code  string  // and its code
	about string  // what the coded reading answers
}

type vaccination struct {
	v     *vaccine
	at    time.Time
	dose  int
	lot   string
	given bool
}

type referral struct {
	to      *Organisation
	service string
	why     *concept
	at      time.Time
	urgent  bool
}

type document struct {
	code, title string
	at          time.Time
	text        string
	from        string
}

type flagFact struct {
	code, term string
	category   string
	at, end    time.Time
	labels     []string // who may see it, by the region's labels
}

type planFact struct {
	code, title string
	at          time.Time
	text        []string
}

type procedure struct {
	c  *concept
	at time.Time
}

// gpEntry says that the practice's record changed on a day: which fact, by
// its place in the record's list of that kind.
type gpEntry struct {
	at   time.Time
	kind entryKind
	i    int
}

type entryKind byte

const (
	isPatient entryKind = iota
	isConsultation
	isProblem
	isMedicine
	isAllergy
	isReading
	isVaccination
	isReferral
	isDocument
	isFlag
	isPlan
	isProcedure
)

// gpRecord is all that the practice knows, and when it came to know it.
type gpRecord struct {
	entries       []gpEntry
	consultations []consultation
	problems      []*diagnosis
	medicines     []*medicine
	allergies     []*allergyFact
	readings      []reading
	vaccinations  []vaccination
	referrals     []referral
	documents     []document
	flags         []*flagFact
	plans         []planFact
	procedures    []procedure
}

type consultation struct {
	at   time.Time
	kind concept
	why  *concept
	note string
	by   int // which clinician
}

func (g *gpRecord) enter(at time.Time, kind entryKind, i int) {
	g.entries = append(g.entries, gpEntry{at, kind, i})
}

func (s *story) problem(c *concept, onset time.Time) *diagnosis {
	d := &diagnosis{c: c, onset: onset}
	s.gp.problems = append(s.gp.problems, d)
	s.gp.enter(onset, isProblem, len(s.gp.problems)-1)
	return d
}

// endProblem marks d as over from a day on.
func (s *story) endProblem(d *diagnosis, at time.Time) {
	d.end = at
	for i, p := range s.gp.problems {
		if p == d {
			s.gp.enter(at, isProblem, i)
		}
	}
}

// prescribe starts a medicine: another one where an allergy, a failing kidney
// or heart, or childhood rules it out.
func (s *story) prescribe(d *drug, start time.Time, why *concept, repeat bool, days int) *medicine {
	if penicillins[d] && s.allergicTo(aPenicillin, start) {
		d = dClarithro
	}
	if d == dIbuprofen && (s.p.age(start) >= 70 || s.allergicTo(aAspirin, start) || s.has(cHF, start) || s.has(cCKD3a, start) || s.has(cCKD3b, start) || s.has(cCKD4, start)) {
		d = dParacetamol
	}
	if child := paediatric[d]; child != nil && s.p.age(start) < 12 {
		d = child
	}
	m := &medicine{d: d, start: start, repeat: repeat, why: why}
	if days > 0 {
		m.end = start.AddDate(0, 0, days)
	}
	s.gp.medicines = append(s.gp.medicines, m)
	s.gp.enter(start, isMedicine, len(s.gp.medicines)-1)
	return m
}

// repeatOf starts a medicine that goes on until it is stopped.
func (s *story) repeatOf(d *drug, start time.Time, why *concept) *medicine {
	for _, m := range s.gp.medicines {
		if m.d.name == d.name && m.current(start) {
			return m
		}
	}
	return s.prescribe(d, start, why, true, 0)
}

func (s *story) stop(m *medicine, at time.Time, why string) {
	if m == nil || !m.current(at) {
		return
	}
	m.end, m.stopped = at, why
	for i, x := range s.gp.medicines {
		if x == m {
			s.gp.enter(at, isMedicine, i)
		}
	}
}

func (s *story) allergicTo(a *allergen, at time.Time) bool {
	for _, f := range s.gp.allergies {
		if f.a == a && !f.since.After(at) && f.wrong.IsZero() {
			return true
		}
	}
	return false
}

// taking is what is prescribed at t as a repeat.
func (s *story) taking(t time.Time) []*medicine {
	var out []*medicine
	for _, m := range s.gp.medicines {
		if m.repeat && m.current(t) {
			out = append(out, m)
		}
	}
	return out
}

// has says whether c was diagnosed by t and is not over.
func (s *story) has(c *concept, t time.Time) bool {
	for _, d := range s.gp.problems {
		if d.c == c && !d.onset.After(t) && !d.over(t) {
			return true
		}
	}
	return false
}

// active are the problems of note at t.
func (s *story) active(t time.Time) []*diagnosis {
	var out []*diagnosis
	for _, d := range s.gp.problems {
		if !d.minor && !d.onset.After(t) && !d.over(t) && sensitive[d.c] == "" {
			out = append(out, d)
		}
	}
	return out
}

func (s *story) measure(t *assay, at time.Time) float64 {
	v := s.value(t, at)
	s.record(reading{t: t, at: at, v: v})
	return v
}

func (s *story) record(r reading) {
	s.gp.readings = append(s.gp.readings, r)
	s.gp.enter(r.at, isReading, len(s.gp.readings)-1)
}

func (s *story) bloodPressure(at time.Time) {
	v := s.value(tSystolic, at)
	s.record(reading{t: tSystolic, at: at, v: v, with: v*.45 + s.normal(20, 4)})
}

func (s *story) weigh(at time.Time) {
	kg, cm := s.body.weight+s.normal(0, 1.5), s.body.height
	if age := s.p.age(at); age < 18 {
		kg = 3.5 + (kg-3.5)*float64(age)/18
		cm = 50 + (cm-50)*float64(min(18, age+1))/18
	}
	s.record(reading{t: tWeight, at: at, v: kg})
	s.record(reading{t: tBMI, at: at, v: kg / (cm * cm / 10000)})
}

func (s *story) flag(code, term, category string, at time.Time, labels ...string) *flagFact {
	f := &flagFact{code: code, term: term, category: category, at: at, labels: labels}
	s.gp.flags = append(s.gp.flags, f)
	s.gp.enter(at, isFlag, len(s.gp.flags)-1)
	return f
}

func (s *story) plan(p planFact) {
	s.gp.plans = append(s.gp.plans, p)
	s.gp.enter(p.at, isPlan, len(s.gp.plans)-1)
}

// letter files a document in the practice's record.
func (s *story) letter(d document) {
	s.gp.documents = append(s.gp.documents, d)
	s.gp.enter(d.at, isDocument, len(s.gp.documents)-1)
}

func (s *story) procedureDone(c *concept, at time.Time) {
	s.gp.procedures = append(s.gp.procedures, procedure{c, at})
	s.gp.enter(at, isProcedure, len(s.gp.procedures)-1)
}

func (s *story) refer(r referral) {
	s.gp.referrals = append(s.gp.referrals, r)
	s.gp.enter(r.at, isReferral, len(s.gp.referrals)-1)
}

// see is a consultation at the practice.
func (s *story) see(at time.Time, kind concept, why *concept, note string) {
	s.gp.consultations = append(s.gp.consultations, consultation{at, kind, why, note, s.IntN(5)})
	s.gp.enter(at, isConsultation, len(s.gp.consultations)-1)
}

var (
	faceToFace = concept{"11429006", "Consultation", ""}
	byPhone    = concept{"386472008", "Telephone consultation", ""}
	review     = concept{"308335008", "Patient encounter procedure", ""}
)
