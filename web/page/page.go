// Package page is the pages as HTML: what each shows is a struct here, and its
// form a templ component. It decides nothing and reads nothing: web fills the
// structs from what the reader may see. No page needs JavaScript; no component
// writes a script, a style or an event handler into the page.
//
// Components are those of the NHS design system where it has one, with its
// class names (nhsuk-…); s-… are SELDA's own.
package page

//go:generate templ generate

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"selda/web/view"
)

// Kind is whom a page is for: it sets how dense the page is.
type Kind string

// The kinds of page.
const (
	Staff   Kind = "s-staff"
	Crew    Kind = "s-staff s-crew" // dark where the system is
	Citizen Kind = "s-citizen"
)

// Frame is what stands around every page.
type Frame struct {
	Title  string // of the window; never empty
	Kind   Kind
	User   string // who has signed in; "" for nobody
	Role   string // and as what: "GP · Old Kent Road Surgery"
	Links  []Link // at the top
	Search bool   // the search box is at the top
	Now    time.Time
	// Emergency says that this is a downtime copy, and of when; "" for the region itself.
	Emergency string
	// Whose is named at the foot of each printed sheet.
	Whose string
	CSS   string // paths of the assets
	JS    []string
	// Quick is where the safety mode's quick exit leads; "" for none.
	Quick string
	// Still is where the page asks whether it may still be open, and Back where the user
	// says that they are involved again; "" for a page that is of nobody's record.
	Still, Back string
	// Acting is what the user acts as and for, and Purposes what they can act for, where
	// that is more than one thing.
	Acting   string
	Purposes []Purpose
	// Roles is where the user chooses another of their roles; "" where they can have one alone.
	Roles string
	// Apps is where the applications are that the user connected; "" for none.
	Apps string
}

// Purpose is something that somebody can act for.
type Purpose struct {
	Code, Text string
	Now        bool // they do
}

// aside says whether somebody acts for another purpose than their role has by itself.
func (f Frame) aside() bool { return len(f.Purposes) > 1 && !f.Purposes[0].Now }

type quietKey struct{}

// Quietly has pages be those of somebody in safety mode (G11): nothing outside the page
// itself says what it is.
func Quietly(ctx context.Context) context.Context { return context.WithValue(ctx, quietKey{}, true) }

func quiet(ctx context.Context) bool { return ctx.Value(quietKey{}) != nil }

// QuietTitle is the title of all pages of somebody in safety mode.
const QuietTitle = "Information"

// Link is a link.
type Link struct {
	Href, Text string
	Current    bool
	Key        string // g and this letter leads here
	Count      int    // shown beside the words where it is more than nothing
	Detail     string
}

// Banner is the banner of rule G26.
type Banner struct {
	view.Person
	Citizen string // opaque id
	Age     string
	Allergy view.AllergyState
	// Chips are what must be known at once, in a fixed order: allergies,
	// resuscitation, alerts, needs, address.
	Chips []Chip
}

// Chip is a word in the banner.
type Chip struct {
	Mark, Text, Href string
	More             string // what may be left off where there is no room
	Tone             view.Tone
}

// SourceLine says how recent what a source sent is.
type SourceLine struct {
	Name    string
	Systems string // where there are several: "EPR, LAB, PAS"
	AsAt    string // "2 min ago", "live", "out since 14:02"
	At      time.Time
	Out     bool
}

// asAt is the sources in one line, for a screen that has no room beside the
// record: those that are out by name, of the others the oldest.
func (p RecordPage) asAt() (out []string, rest string) {
	oldest, n := SourceLine{}, 0
	for _, s := range p.Sources {
		if s.Out {
			out = append(out, s.Name+" "+s.AsAt)
			continue
		}
		if n++; n == 1 || s.At.Before(oldest.At) {
			oldest = s
		}
	}
	switch n {
	case 0:
		return out, ""
	case 1:
		return out, oldest.Name + " " + oldest.AsAt
	}
	return out, number(n) + " sources, the oldest " + oldest.AsAt
}

// RecordPage is a professional's page of one citizen, any section of it.
type RecordPage struct {
	Frame
	Banner   Banner
	Nav      []Link
	Sources  []SourceLine
	Relation string // how the reader is entitled: "registered with your practice"
	Base     string // "/record/0197…"
	Reviewer bool   // the reader may mark results and letters as reviewed
	Behalf   bool   // the reader may state a sharing choice for the person
	Ending   string // that a wrong statement of a death will count again; "" where it will not
	Safety   bool   // the reader may turn on the safety mode of the person's account
	// What the section shows: one of these.
	Summary  *Summary
	Part     *view.Part
	Timeline *Timeline
	Origin   *Origin
	Break    *BreakGlass
	Why      *WhyPage
	Letter   *Letter
	Apps     *RecordApps
}

// Summary is the first page of a record.
type Summary struct {
	LastLooked view.Date // zero: never before
	New        []view.Item
	More       []view.Item // of what is new, beyond the first
	Count      int         // of all that is new
	Plans      []view.Item
	Problems   []view.Item
	Diagnosed  []view.Item // lately, at a stay or visit
	Medicines  []view.Item
	Stopped    []view.Item
	Allergies  []view.Item
	Results    []view.Item
	Contacts   []view.Item
	Booked     []view.Item // appointments to come
	// Shown says whether the reader's role is shown a section at all.
	Shown func(view.Section) bool
}

// Timeline is a page of the timeline.
type Timeline struct {
	Days         []view.Group
	Newer, Older string // links; "" for none
	Count        int
}

// Letter is a document, opened to be read.
type Letter struct {
	Title string
	Back  string
	Head  []view.Field
	Pages []view.Passage
}

// Origin is the message that an item came from, with its fields marked.
type Origin struct {
	Item     string // the item in words
	Source   string
	Received view.Date
	Format   string // "HL7 v2"
	Place    string // of the item in the message
	Back     string
	Fields   []OriginField
	Lines    []Line
}

// OriginField is an element of the item with the field that it was read from.
type OriginField struct{ Element, Place, Value string }

// Line is a line of a raw message: text, and the spans in it that are marked.
type Line struct {
	Text  string
	Marks [][2]int
}

// BreakGlass is the screen of rule G9.
type BreakGlass struct {
	Action  string
	Reasons []Reason
	Error   string
	Hours   int // how long it stays open
}

// Reason is one of a list to pick from.
type Reason struct{ Code, Text, Hint string }

// Found is a citizen in a list of results.
type Found struct {
	Href       string
	Name       view.Name
	Born       view.Date
	Age        string
	Gender     string
	Number     string
	NumberSays string
	Address    string
	Practice   string
	Dead       bool
	// Warn says why this one is easily taken for another.
	Warn string
}

// SearchPage is the search and what it found.
type SearchPage struct {
	Frame
	Asked bool
	As    string // how it was understood: "NHS number", "name and birth date"
	Error string
	Found []Found
	More  bool
}

// DeclarePage asks for a relationship before a record opens (G7).
type DeclarePage struct {
	Frame
	Banner Banner
	Action string
	Why    []Reason
	Break  string // where the emergency access is
	Death  bool   // who asks reviews the person's death
	Error  string
	Kept   []Written // what a form said that was not saved: it is given back
}

// Written is what somebody wrote into a field of a form.
type Written struct{ Name, Text string }

// MessagePage says one thing: an error, a refusal, a thing done.
type MessagePage struct {
	Frame
	Heading string
	Text    []string
	Link    Link
	Trace   string // the number to quote
}

// Title is the title of a part's page.
func (p RecordPage) Heading() string {
	switch {
	case p.Summary != nil:
		return "Summary"
	case p.Letter != nil:
		return "Document"
	case p.Part != nil:
		return p.Part.Title
	case p.Timeline != nil:
		return "Timeline"
	case p.Origin != nil:
		return "Origin"
	case p.Break != nil:
		return "Emergency access"
	case p.Apps != nil:
		return "Apps"
	}
	return "Record"
}

// plansTitle is what the sheet of plans and alerts is called. A call handler
// sees that there is a note or plan, and how to handle the call (G12).
func plansTitle(p RecordPage) string {
	if !p.Reviewer && p.Summary != nil && !p.Summary.Shown(view.Problems) {
		return "Notes and plans"
	}
	return "Plans and alerts"
}

// Sentence is the sentence of rule G6. It stands on every professional page,
// whether or not anything is hidden.
const Sentence = "This may not be everything."

// clock is the time that stands at the foot: "05-Nov-2026 14:07", to a citizen
// "5 November 2026, 14:07".
func (f Frame) clock() string {
	d := view.ParseDate(f.Now.Format(time.RFC3339))
	if f.Kind == Citizen {
		return d.Plain() + ", " + d.At.Format("15:04")
	}
	return d.ProTime()
}

// briefWhen is a row's date where there is little room: of a problem the year,
// once it is a year ago; of a medicine nothing, since its last issue is told.
func briefWhen(it view.Item, now time.Time) string {
	switch {
	case it.Section == view.Medicines:
		return it.Until.Pro()
	case it.Section == view.Problems && it.When.At.Before(now.AddDate(-1, 0, 0)):
		return view.Date{At: it.When.At, Precision: min(it.When.Precision, view.Year)}.Pro()
	}
	return it.When.Pro()
}

// initials stand for somebody's name where there is no room for it.
func initials(name string) string {
	var b strings.Builder
	for _, w := range strings.Fields(name) {
		r, _ := utf8.DecodeRuneInString(w)
		if unicode.IsUpper(r) && w != "Dr" {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// anchor is an id for a resource's row: "Observation/ab.c" is "Observation-ab.c".
func anchor(ref string) string { return strings.ReplaceAll(ref, "/", "-") }

func number(n int) string { return strconv.Itoa(n) }

// chipClass is the class of a tone.
func chipClass(t view.Tone) string {
	if t == view.Plain {
		return "s-chip"
	}
	return "s-chip s-chip--" + string(t)
}

func toneClass(t view.Tone) string {
	switch t {
	case view.Bad:
		return "s-bad"
	case view.Warn:
		return "s-warn"
	}
	return ""
}

// plural is a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func orNotKnown(s string) string {
	if s == "" {
		return "not known"
	}
	return s
}

// rawLine is a line as it came, to the letter: a template would put white space
// between its parts.
func rawLine(l Line) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		at := 0
		for _, m := range l.Marks {
			if m[0] < at || m[1] > len(l.Text) || m[1] < m[0] {
				continue
			}
			b.WriteString(templ.EscapeString(l.Text[at:m[0]]) + "<mark>" + templ.EscapeString(l.Text[m[0]:m[1]]) + "</mark>")
			at = m[1]
		}
		b.WriteString(templ.EscapeString(l.Text[at:]))
		_, err := io.WriteString(w, b.String())
		return err
	})
}
