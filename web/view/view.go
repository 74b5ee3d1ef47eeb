// Package view is the record as people read it: rows, values, dates and words.
// It is pure, and formats only: what is known of a citizen, what is one fact
// and where sources differ is record's to say; what may be shown is access's.
//
// Dates, names and numbers are written by the NHS common user interface rules
// for professionals, and plainly for citizens.
package view

import (
	"slices"
	"strings"

	"selda/fhir"
)

// Section is a part of the record.
type Section string

// The sections, in the order in which a professional finds them.
const (
	Problems      Section = "problems"
	Medicines     Section = "medicines"
	Allergies     Section = "allergies"
	Results       Section = "results"
	Observations  Section = "observations"
	Immunisations Section = "immunisations"
	Procedures    Section = "procedures"
	Documents     Section = "documents"
	Plans         Section = "plans"
	Referrals     Section = "referrals"
	SocialCare    Section = "social-care"
	Encounters    Section = "encounters"
	CareTeam      Section = "care-team"
	Other         Section = "other"
)

// Tone is how a word is to be seen. It never stands alone: the word says it too.
type Tone string

// The tones.
const (
	Plain Tone = ""
	Good  Tone = "good"
	Warn  Tone = "warn"
	Bad   Tone = "bad"
	Past  Tone = "past"
)

// Item is one row, and what opens under it.
type Item struct {
	Ref     string // of the resource that the row is of
	Section Section
	Kind    string // what it is, in words: "Problem"
	Title   string
	Detail  string // the second thing to know: a dose, a reaction, a place
	When    Date   // clinical time
	Until   Date   // when it ended, where that is shown
	Status  string
	Tone    Tone
	Value   Value
	New     bool
	// Sources are the names of all who say it, the row's own first.
	Sources   []string
	Witnesses []Witness // one for each who says it
	// Conflict is in what the sources differ, in a sentence; "" where they agree.
	Conflict string
	// Disputed is what the person says against it, as the note beside it has it.
	Disputed string
	// Trend is the values of the same measurement, oldest first, this one last.
	Trend []Point
	// Body is the resource of a document, whose text is read in the page, and
	// BodyRef its reference.
	Body    *fhir.Resource
	BodyRef string
	// Reviewed: a clinician has; Reviewable: it waits for that to reach the citizen.
	Reviewed, Reviewable bool
	Copies               int // how often the same letter came again
}

// Pages are what a document says, to be read in the page.
func (it Item) Pages() []Passage {
	if it.Body == nil {
		return nil
	}
	pages, _ := Document(it.BodyRef, it.Body)
	return pages
}

// Files are a document's attachments that are not text.
func (it Item) Files() []File {
	if it.Body == nil {
		return nil
	}
	_, files := Document(it.BodyRef, it.Body)
	return files
}

// Value is a measured value.
type Value struct {
	Text  string // "142", "Positive", "120/80"
	Unit  string
	Range string // the reference range, in words
	Flag  string // "high", "low", "critical high" …; "" within range or not said
	Tone  Tone
	Was   string // the value before
	WasOn string // and its date
}

// Witness is one source that says what the row says.
type Witness struct {
	Ref      string
	Source   string
	Received Date
	Resource *fhir.Resource
}

// Pages and Files are what a document says, as this source has it.
func (w Witness) Pages() []Passage {
	if w.Resource == nil {
		return nil
	}
	pages, _ := Document(w.Ref, w.Resource)
	return pages
}

// Files are its attachments that are not text.
func (w Witness) Files() []File {
	if w.Resource == nil {
		return nil
	}
	_, files := Document(w.Ref, w.Resource)
	return files
}

// Fields are the whole item in words.
func (w Witness) Fields() []Field {
	if w.Resource == nil {
		return nil
	}
	return Fields(w.Resource)
}

// Field is one element of the item in words.
type Field struct{ Label, Text string }

// Passage is a part of a document.
type Passage struct {
	Title string
	Text  []Block
}

// File is an attachment that is not text.
type File struct{ Name, Type, Ref string }

// Point is one measured value of a series.
type Point struct {
	Ref    string
	When   Date
	Value  float64
	Text   string // as it was written, with unit
	Low    float64
	High   float64
	HasLow bool
	HasTop bool
	Source string
	Flag   string
}

// Group is some rows under a heading.
type Group struct {
	Title string
	Items []Item
}

// Part is one section of a record.
type Part struct {
	Section Section
	Title   string
	Count   int
	Groups  []Group
	Empty   string // what would be here, where nothing is
}

// Add adds a group that has rows.
func (p *Part) Add(title string, items []Item) {
	if len(items) > 0 {
		p.Groups = append(p.Groups, Group{title, items})
		p.Count += len(items)
	}
}

// First are the first n items, of the groups named or of all, in the order
// of the groups named.
func (p Part) First(n int, groups ...string) []Item {
	var out []Item
	take := func(g Group) { out = append(out, g.Items[:min(n-len(out), len(g.Items))]...) }
	if len(groups) == 0 {
		for _, g := range p.Groups {
			take(g)
		}
	}
	for _, name := range groups {
		for _, g := range p.Groups {
			if g.Title == name {
				take(g)
			}
		}
	}
	return out
}

// Record is a citizen's record in sections, of what the reader may see.
type Record struct {
	Parts   []Part
	New     []Item // since the reader last looked, newest first
	All     []Item // the timeline, newest first; only where it was asked for
	Count   int    // of the timeline
	Allergy AllergyState
}

// Part is a section; an empty one where there is none.
func (r *Record) Part(s Section) Part {
	for _, p := range r.Parts {
		if p.Section == s {
			return p
		}
	}
	return Part{Section: s}
}

// Find is the row that a resource is shown in, as row or as witness.
func (r *Record) Find(ref string) (Item, bool) {
	for _, it := range r.All {
		if it.Ref == ref || slices.ContainsFunc(it.Witnesses, func(w Witness) bool { return w.Ref == ref }) {
			return it, true
		}
	}
	return Item{}, false
}

// Days are n items of the timeline by day, from a place in it.
func (r *Record) Days(from, n int) (days []Group, more bool) {
	for i := max(0, from); i < len(r.All); i++ {
		if i >= from+n {
			return days, true
		}
		title := r.All[i].When.Pro()
		if title == "" {
			title = "No date"
		}
		if len(days) == 0 || days[len(days)-1].Title != title {
			days = append(days, Group{Title: title})
		}
		days[len(days)-1].Items = append(days[len(days)-1].Items, r.All[i])
	}
	return days, false
}

// Sort puts items newest first; those without a date come last.
func Sort(items []Item) {
	slices.SortStableFunc(items, func(a, b Item) int {
		switch {
		case b.When.Before(a.When):
			return -1
		case a.When.Before(b.When):
			return 1
		}
		return strings.Compare(a.Ref, b.Ref)
	})
}

// AllergyState is one of the four of rule G6, or that a role is shown none.
type AllergyState uint8

// The states of allergies.
const (
	AllergyNothing     AllergyState = iota // nothing recorded
	AllergyRecorded                        // recorded
	AllergyNoneKnown                       // positively none known
	AllergyUnavailable                     // a source that would know is out
	AllergyNotShown                        // the reader's role is not shown allergies at all
)

// Words is the state as the banner says it.
func (s AllergyState) Words() string {
	switch s {
	case AllergyRecorded:
		return "Allergies"
	case AllergyNoneKnown:
		return "No known allergies"
	case AllergyUnavailable:
		return "Allergies: source unavailable"
	case AllergyNotShown:
		return "Allergies: not shown to your role"
	}
	return "Allergies: nothing recorded that you can see"
}
