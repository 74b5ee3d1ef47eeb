// Package synth makes synthetic citizens of South East London and the
// messages that real systems would have sent of them: a region's population
// by borough, age, background and deprivation, living in households; their
// illnesses with the prevalence that PREVALENCE.md names the sources of, and
// the courses of these over ten years; and what practices, hospitals, mental
// health, community and hospice services, councils, ambulances and 111 would
// have told of it, each in its own feed's format and with its own mistakes.
//
// Nobody here is real. NHS numbers are of the test range 999 000 0000 to
// 999 999 9999, postcodes have real outward and made-up inward codes, phone
// numbers are those kept for drama, and practices do not exist.
//
// The flow: New makes a Region; it walks household by household (person.go),
// tells each member's story (story.go and the course files), which fills the
// practice's record (facts.go) and sends hospital messages as they happen;
// the record is then written as bundles (bundle.go) or extracts (csv.go).
// Messages come out in windows of citizens, in time order within each; extracts,
// which are of everybody, come last.
//
// It is not a model of disease: it makes plausible records to build and test
// on, and nothing about care can be learnt from it. The same seed, number and
// day give the same bytes; there is no clock and no other chance here.
package synth

import (
	"iter"
	"slices"
	"time"

	"selda/nhs"
)

// DefaultNow is the day on which the synthetic world stands still unless
// another is given.
var DefaultNow = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// MaxCitizens is how many citizens the test range of NHS numbers has room for.
const MaxCitizens = 900_000

// Region is a synthetic region. It holds no citizens: it makes them anew, and
// the same, each time it is walked.
type Region struct {
	seed     uint64
	citizens int
	now      time.Time
	orgs     *footprint
}

// New is the region of a seed, with as many citizens, as at a day. The zero
// day is DefaultNow. There are at least the named people, and at most
// MaxCitizens.
func New(seed uint64, citizens int, now time.Time) *Region {
	if now.IsZero() {
		now = DefaultNow
	}
	now = time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), 0, 0, time.UTC)
	return &Region{seed: seed, citizens: min(max(citizens, named), MaxCitizens), now: now, orgs: newFootprint()}
}

// Organisations are all of the region.
func (r *Region) Organisations() []Organisation { return r.orgs.all }

// Now is the day on which the region stands still.
func (r *Region) Now() time.Time { return r.now }

// Message is what one system sends.
type Message struct {
	Source  nhs.Source
	Format  string    // "hl7v2", "fhir", "cda" or "csv"
	Name    string    // a file name that sorts by time
	At      time.Time // when it arrives
	Body    []byte
	Mapping string // of csv, the extract that it is: "gp-problems"
	Totals  []byte // of csv, the file of totals that comes beside it; nil where its last row holds them
	Fault   string // what is wrong with it on purpose: "unparsable", "duplicate", "late"; else empty
}

// Citizen is the truth of one citizen.
type Citizen struct {
	Index      int
	NHSNumber  nhs.Number
	Family     string
	Given      string
	Sex        string // "female" or "male"
	Born, Died time.Time
	Ethnicity  string // NHS ethnic category
	Borough    string
	Postcode   string
	Deprived   int // decile of deprivation, 1 the most deprived
	Practice   nhs.ODS
	Household  int
	Conditions []string  // keys of the conditions that they live with
	IDs        []LocalID // every number by which a source knows them
	Merges     []Merge
}

// window is how many citizens' messages are put in time order at once: enough
// for feeds to interleave, few enough to hold.
const window = 400

// walk tells the story of each citizen in turn.
func (r *Region) walk(silent bool, visit func(h int, s *story) bool) {
	numbers := newNumbers(r.seed, folakeNumber, childNumber, parentNumber)
	index := 0
	for h := 0; index < r.citizens; h++ {
		people := r.namedHousehold(h)
		if people == nil {
			people = r.household(h)
		}
		if len(people) > r.citizens-index {
			people = people[:r.citizens-index]
		}
		for _, p := range people {
			if p.nhs == "" {
				p.nhs = numbers.next()
			}
			p.index = index
			index++
		}
		for _, p := range people {
			if !visit(h, r.tell(p, silent)) {
				return
			}
		}
	}
}

// Citizens are the truth, one after another.
func (r *Region) Citizens() iter.Seq[Citizen] {
	return func(yield func(Citizen) bool) {
		r.walk(true, func(h int, s *story) bool { return yield(s.citizen(h)) })
	}
}

// citizen is the truth of a story.
func (s *story) citizen(household int) Citizen {
	p := s.p
	number, _ := nhs.ParseNumber(p.nhs)
	return Citizen{Index: p.index, NHSNumber: number, Family: p.family, Given: p.given, Sex: gender(p.sex), Born: p.born, Died: p.died,
		Ethnicity: string(p.ethnic), Borough: boroughs[p.home.borough].Name, Postcode: p.home.postcode, Deprived: p.home.decile, Practice: p.practice.Code,
		Household: household, Conditions: s.conditions, IDs: s.ids, Merges: s.merges}
}

func gender(sex byte) string {
	if sex == 'F' {
		return "female"
	}
	return "male"
}

// Messages are what systems send, in time order within each window of citizens,
// with the extracts in the last.
func (r *Region) Messages() iter.Seq[Message] {
	return func(yield func(Message) bool) {
		r.windows(func(_ []Citizen, list []Message) bool {
			for _, m := range list {
				if !yield(m) {
					return false
				}
			}
			return true
		})
	}
}

// windows walks the region once and gives each window's truth and messages;
// at the end come the extracts, which are of everybody.
func (r *Region) windows(give func(truth []Citizen, list []Message) bool) {
	var truth []Citizen
	var list []Message
	extracts := r.newSheets()
	n, more := 0, true
	flush := func() {
		slices.SortStableFunc(list, func(a, b Message) int { return a.At.Compare(b.At) })
		for i := range list {
			list[i].Name = fileName(list[i], n, i)
		}
		more = give(truth, list)
		truth, list = nil, nil
		n++
	}
	r.walk(false, func(h int, s *story) bool {
		truth = append(truth, s.citizen(h))
		list = append(list, s.out...)
		extracts.take(s.rows)
		if len(truth) >= window {
			flush()
		}
		return more
	})
	if more {
		list = append(list, extracts.messages()...)
		flush()
	}
}

// fileName is a name that sorts by time, unique in the region.
func fileName(m Message, window, i int) string {
	name := m.At.Format("20060102T150405") + "-" + pad(window, 4) + "-" + pad(i, 6)
	switch m.Format {
	case "hl7v2":
		return name + ".hl7"
	case "fhir":
		return name + ".json"
	case "cda":
		return name + ".xml"
	}
	return name + "-" + m.Mapping + ".csv"
}
