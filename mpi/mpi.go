// Package mpi is the master patient index: which identities that sources have
// given (subjects) are one citizen. It is not the record: links live in a table
// of their own, versioned by n, and no stored item ever changes because of one.
//
// Flow: Resolve finds or makes the subject of a person in a message, and links
// it where rule G15 lets a number link alone; Merge, Link and Unlink carry out
// what a source states (HL7 v2 A40, A34, A24, A37); Undo takes one event back
// exactly. What is not certain becomes a row in the review list. Scoring of
// likely pairs is another room's (the Candidates port).
package mpi

import (
	"slices"
	"time"

	"selda/mpi/fold"
	"selda/nhs"
	"selda/store"
)

// Identifier is a number that a source uses for a person.
type Identifier struct {
	System   string
	Value    string
	Verified bool
	// Organisation marks a number that all systems of one organisation use:
	// it links within that organisation, as an NHS number does between them.
	Organisation bool
}

// Person is what a message says of who someone is.
type Person struct {
	Source      nhs.Source
	Identifiers []Identifier // best first
	Fallback    string       // stands in where there is no identifier
	Demographics
	At      time.Time
	Message store.MessageID
}

// Demographics are what two identities are compared by.
type Demographics struct {
	Family    []string
	Given     []string
	BirthDate string // FHIR date
}

// Known is a subject found by an identity.
type Known struct {
	Subject store.Subject
	Source  nhs.Source
}

// Move says that a subject went from one citizen to another.
type Move struct {
	Subject  store.Subject `json:"subject"`
	From, To store.Citizen
	With     store.Subject `json:"with,omitempty"` // whom it was joined to: who stood for To when it came
}

// Event is one change of links, with why.
type Event struct {
	ID      int64
	N       uint64
	At      time.Time
	Kind    string // "auto", "merge", "link", "unlink", "undo", "sever"
	Rule    string // "G15", "A40", …
	Reason  string // in words, without demographics
	Message store.MessageID
	Moves   []Move
	Undone  bool
}

// Review is a pair that someone has to look at.
type Review struct {
	ID      int64
	At      time.Time
	Subject store.Subject // whose arrival raised it
	Other   store.Subject // the one it may be the same as; 0 where none is known
	Rule    string
	Reason  string
	State   string // "open", "linked", "apart"
}

// Identities is the port to the numbers that people go by.
type Identities interface {
	// Identified finds the subjects that have an identity.
	Identified(system, value string) ([]Known, error)
	// SetIdentities makes ids the identities of a subject; dropped are those it no longer has.
	SetIdentities(s store.Subject, source nhs.Source, ids []Identifier) (dropped []Identifier, err error)
	// Demographics gives what is stored of a subject, the zero value where nothing is.
	Demographics(s store.Subject) (Demographics, error)
	NewSubject(source nhs.Source) (store.Subject, error)
}

// Links is the port to the link table.
type Links interface {
	CitizenOf(s store.Subject) (store.Citizen, error)
	SubjectsOf(c store.Citizen) ([]store.Subject, error)
	NewCitizen(s store.Subject) (store.Citizen, error)
	Record(e Event) (int64, error) // carries the moves out
	Event(id int64) (Event, error)
	LastEvent(s store.Subject) (Event, error) // that moved it here; zero where none
	SetUndone(id int64) error
	Apart(a, b store.Citizen) (bool, error) // severed, or kept apart by an undo
	KeepApart(a, b store.Citizen, severed bool) error
	AddReview(r Review) error
}

// Ledger is both.
type Ledger interface {
	Identities
	Links
}

// FallbackSystem marks an identity of someone whom a source gave no number.
const FallbackSystem = "urn:selda:unnumbered"

// Resolve finds the subject of a person, or makes it, brings its identities
// up to date, and links it where a verified rule allows. The subject is always
// given: nobody's message is lost for want of a number.
func Resolve(l Ledger, p Person) (store.Subject, error) {
	ids, _ := usable(p)
	s, known, err := find(l, p, ids)
	if err != nil {
		return 0, err
	}
	if !known {
		return Create(l, p)
	}
	return s, Update(l, s, p)
}

// Create makes a subject of a person, whatever its source has said of them before.
func Create(l Ledger, p Person) (store.Subject, error) {
	s, err := l.NewSubject(p.Source)
	if err != nil {
		return 0, err
	}
	if _, err := l.NewCitizen(s); err != nil {
		return 0, err
	}
	return s, Update(l, s, p)
}

// Update brings a subject's identities up to date, and its links.
func Update(l Ledger, s store.Subject, p Person) error {
	ids, numbers := usable(p)
	dropped, err := l.SetIdentities(s, p.Source, ids)
	if err != nil {
		return err
	}
	for _, d := range dropped {
		if d.System == nhs.NumberSystem && len(numbers) > 0 {
			if err := numberChanged(l, p, s); err != nil {
				return err
			}
			break
		}
	}
	for _, n := range numbers {
		if err := linkByNumber(l, p, s, Identifier{System: nhs.NumberSystem, Value: n}); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if id.Organisation {
			if err := linkByNumber(l, p, s, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// usable are the identities that may identify within the source, and the NHS
// numbers that may link. A number that fails Modulus 11 does neither (G15): it
// stays in the Patient as given.
func usable(p Person) (ids []Identifier, numbers []string) {
	for _, id := range p.Identifiers {
		if id.Value == "" {
			continue
		}
		if id.System == nhs.NumberSystem {
			n, err := nhs.ParseNumber(id.Value)
			if err != nil {
				continue
			}
			id.Value = n.Digits()
			if !slices.Contains(numbers, id.Value) {
				numbers = append(numbers, id.Value)
			}
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 && p.Fallback != "" {
		ids = []Identifier{{System: FallbackSystem, Value: p.Fallback}}
	}
	return ids, numbers
}

// Asked are the identities that a person will be looked for by.
func Asked(p Person) []Identifier {
	ids, _ := usable(p)
	return ids
}

// find looks for the subject within the person's own source: by its own
// numbers first, by the NHS number only where the source gave no other or
// names and birth date agree.
func find(l Ledger, p Person, ids []Identifier) (store.Subject, bool, error) {
	local := false
	for _, id := range ids {
		if id.System == nhs.NumberSystem {
			continue
		}
		local = true
		s, ok, err := inSource(l, p.Source, id)
		if err != nil || ok {
			return s, ok, err
		}
	}
	if local {
		return 0, false, nil
	}
	for _, id := range ids {
		s, ok, err := inSource(l, p.Source, id)
		if err != nil || !ok {
			return 0, false, err
		}
		theirs, err := l.Demographics(s)
		if err != nil {
			return 0, false, err
		}
		if p.empty() || theirs.empty() || Agree(p.Demographics, theirs) {
			return s, true, nil
		}
	}
	return 0, false, nil
}

func inSource(l Ledger, source nhs.Source, id Identifier) (store.Subject, bool, error) {
	all, err := l.Identified(id.System, id.Value)
	if err != nil {
		return 0, false, err
	}
	for _, k := range all {
		if k.Source == source {
			return k.Subject, true, nil
		}
	}
	return 0, false, nil
}

// linkByNumber keeps G15: a valid number links alone only where the birth date
// and one name agree too; otherwise the pair goes to review and both stay apart.
// A hospital number links in the same way within its organisation.
func linkByNumber(l Ledger, p Person, s store.Subject, id Identifier) error {
	rule, number := "G15", "NHS number"
	if id.Organisation {
		rule, number = "R02", "hospital number"
	}
	all, err := l.Identified(id.System, id.Value)
	if err != nil {
		return err
	}
	own, err := l.CitizenOf(s)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.Subject == s || id.Organisation && k.Source.Organisation() != p.Source.Organisation() {
			continue
		}
		theirs, err := l.CitizenOf(k.Subject)
		if err != nil {
			return err
		}
		if theirs == own {
			continue
		}
		apart, err := l.Apart(own, theirs)
		if err != nil {
			return err
		}
		if apart {
			continue // severed or kept apart: not linked, not suggested (G14)
		}
		d, err := l.Demographics(k.Subject)
		if err != nil {
			return err
		}
		mine := p.Demographics
		if mine.empty() {
			if mine, err = l.Demographics(s); err != nil {
				return err
			}
		}
		if why := differ(mine, d); why != "" {
			if err := l.AddReview(Review{At: p.At, Subject: s, Other: k.Subject, Rule: rule, Reason: "the same " + number + ", but " + why, State: "open"}); err != nil {
				return err
			}
			continue
		}
		if err := join(l, Event{At: p.At, Kind: "auto", Rule: rule, Message: p.Message,
			Reason: "the same valid " + number + ", the birth date and a name agree"}, theirs, own, k.Subject); err != nil {
			return err
		}
		own = theirs
	}
	return nil
}

// numberChanged takes a subject out of a citizen to whom only its former
// number had linked it, whichever of them was there first. A link that a
// source or a person stated stays; where it can't be told which of the others
// the statement joined it to, the pair goes to review.
func numberChanged(l Ledger, p Person, s store.Subject) error {
	own, err := l.CitizenOf(s)
	if err != nil {
		return err
	}
	all, err := l.SubjectsOf(own)
	if err != nil || len(all) < 2 {
		return err
	}
	for _, k := range append([]store.Subject{s}, all...) {
		e, err := l.LastEvent(k)
		if err != nil {
			return err
		}
		if e.Kind != "merge" && e.Kind != "link" {
			continue
		}
		if k == s || len(all) == 2 {
			return nil
		}
		return l.AddReview(Review{At: p.At, Subject: s, Other: k, Rule: "G15", Reason: "the source changed the NHS number that had linked it to some of these", State: "open"})
	}
	fresh, err := l.NewCitizen(0)
	if err != nil {
		return err
	}
	_, err = l.Record(Event{At: p.At, Kind: "unlink", Rule: "G15", Message: p.Message,
		Reason: "the source changed the NHS number that had linked it", Moves: []Move{{Subject: s, From: own, To: fresh}}})
	return err
}

func (d Demographics) empty() bool {
	return d.BirthDate == "" && len(d.Family) == 0 && len(d.Given) == 0
}

// Agree says whether the birth date and one name are the same.
func Agree(a, b Demographics) bool { return differ(a, b) == "" }

func differ(a, b Demographics) string {
	if a.BirthDate == "" || b.BirthDate == "" {
		return "one of them has no birth date"
	}
	if a.BirthDate != b.BirthDate {
		return "the birth dates differ"
	}
	if !share(a.Family, b.Family) && !share(a.Given, b.Given) {
		return "no name agrees"
	}
	return ""
}

func share(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if fx := fold.Name(x); fx != "" && fx == fold.Name(y) {
				return true
			}
		}
	}
	return false
}
