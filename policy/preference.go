package policy

import (
	"slices"
	"time"

	"selda/nhs"
)

// Preference is what a citizen has decided about sharing (G4): a rule, with
// the exceptions that are nested in it. One with the zero Rule withholds
// everything from everyone.
type Preference struct {
	ID       string     // of the Consent
	By       nhs.Source // which keeps it
	N        uint64     // of the commit that stated it
	From, To time.Time  // in force; a zero To is for good
	Rule     Rule
	// Anew: it states the whole choice anew. What the same source has stated
	// before is not in force while it is.
	Anew bool
	// Own: it is the citizen's own word, not that of somebody who decides for them.
	Own bool
}

// Rule withholds, or gives back, some data from some readers. Empty fields do
// not narrow it. Of the rules that apply to an item the innermost decides; of
// two that stand side by side the one that withholds.
// https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision
type Rule struct {
	Permit   bool
	Actors   []Actor // the readers whom it is about
	Uses     Uses
	From, To time.Time
	Data     Data
	But      []Rule
}

// Actor is a reader, by all that is said of one.
type Actor struct {
	Organisation nhs.ODS
	Role         nhs.Role
	User         string
}

// Uses are the purposes that a rule names. One that names none is of everyday
// care, and gives way in an emergency (G5).
type Uses uint8

// The uses.
const (
	InCare Uses = 1 << iota
	InEmergency
)

// NoOverride is the exception by which a rule holds in an emergency too (G5).
func NoOverride() Rule { return Rule{Uses: InEmergency} }

// Data are the items that a rule is about. What is named beside each other
// narrows it; within a field, one is enough.
type Data struct {
	DataSets DataSets
	Types    []string // beside the data sets
	Labels   Labels
	Without  Labels    // items that have none of these
	Sources  []nhs.ODS // whose items
	Items    []Item
	// Content is what an item says, which a predicate can't look at: who has the
	// items tells which they are.
	Content *Content
}

// Content narrows a rule by what items say. With it the items of Data are
// among those that are found.
type Content struct {
	Codes      []Code
	Related    []Item    // these, and what they refer to
	Dependents []Item    // these, and what refers to them
	From, To   time.Time // of the items' clinical time
	// Referred is what Related refer to: who has the items finds it first.
	Referred []Item
	// Found are the items that it is true of, once that is Known.
	Known bool
	Found []Item
}

// Code is a code of a system; one without a system is of any.
type Code struct{ System, Code string }

// Withholding is a preference as it concerns one reader: an item is withheld
// where every one of its rules withholds it.
type Withholding []Rule

func (w Withholding) denies(c *Columns) bool {
	for i := range w {
		if _, denied := w[i].decide(c); !denied {
			return false
		}
	}
	return len(w) > 0
}

// decide says whether a rule is about an item, and whether it withholds it.
func (r *Rule) decide(c *Columns) (applies, denied bool) {
	if !r.Data.has(c, r.Permit) {
		return false, false
	}
	exception, withheld := false, false
	for i := range r.But {
		a, d := r.But[i].decide(c)
		exception, withheld = exception || a, withheld || d
	}
	if exception {
		return true, withheld
	}
	return true, !r.Permit
}

// has says whether an item is among the data. Where that is not known a rule
// that withholds is about it, and one that gives back is not.
func (d *Data) has(c *Columns, permit bool) bool {
	switch {
	case (d.DataSets != 0 || d.Types != nil) && !d.DataSets.Has(c.DataSet) && !slices.Contains(d.Types, c.Type):
		return false
	case d.Labels != 0 && c.Labels&d.Labels == 0 || c.Labels&d.Without != 0:
		return false
	case d.Sources != nil && !slices.Contains(d.Sources, c.Source.Organisation()):
		return false
	case d.Content != nil && !d.Content.Known:
		return !permit
	case d.Content != nil:
		return names(d.Content.Found, c)
	}
	return d.Items == nil || names(d.Items, c)
}

// whole says whether they are all data.
func (d *Data) whole() bool {
	return d.DataSets == 0 && d.Types == nil && d.Labels == 0 && d.Without == 0 && d.Sources == nil && d.Items == nil && d.Content == nil
}

// Whole says whether a rule is about everything, of everybody, at any time.
func (r *Rule) Whole() bool {
	return r.Actors == nil && r.Uses == 0 && r.From.IsZero() && r.To.IsZero() && r.Data.whole()
}

// Denies says whether there is anything that a rule or its exceptions withhold.
func (r *Rule) Denies() bool {
	return !r.Permit || slices.ContainsFunc(r.But, func(b Rule) bool { return b.Denies() })
}

// Contents are the rules, of this one and its exceptions, that can decide only
// once the items have been looked at.
func (r *Rule) Contents() (out []*Rule) {
	if r.Data.Content != nil {
		out = append(out, r)
	}
	for i := range r.But {
		out = append(out, r.But[i].Contents()...)
	}
	return out
}

// asker is who asks, and how.
type asker struct {
	s         *Subject
	now       time.Time
	emergency bool
}

// of gives what of a rule concerns who asks: the data, and whether they are
// withheld. In an emergency what does not name it gives way.
func (a asker) of(r *Rule) (Rule, bool) {
	out := Rule{Permit: r.Permit, Data: r.Data}
	switch {
	case a.now.Before(r.From) || !r.To.IsZero() && !a.now.Before(r.To):
		return out, false
	case r.Actors != nil && !slices.ContainsFunc(r.Actors, a.is):
		return out, false
	case a.emergency && r.Uses&InEmergency == 0:
		out.Permit = true
	case !a.emergency && r.Uses == InEmergency:
		return out, false
	}
	for i := range r.But {
		if b, ok := a.of(&r.But[i]); ok {
			out.But = append(out.But, b)
		}
	}
	return out.plain(), true
}

func (a asker) is(x Actor) bool {
	return (x.Organisation == "" || x.Organisation == a.s.Organisation) && (x.Role == "" || x.Role == a.s.Role) && (x.User == "" || x.User == a.s.User)
}

// plain is the same rule without exceptions that change nothing, or everything.
func (r Rule) plain() Rule {
	all := func(permit bool) bool {
		return slices.ContainsFunc(r.But, func(b Rule) bool { return b.Permit == permit && b.But == nil && b.Data.whole() })
	}
	switch {
	case all(false): // beside any other it is this one that decides
		r.Permit, r.But = false, nil
	case r.Denies() && all(true) && !slices.ContainsFunc(r.But, func(b Rule) bool { return b.Denies() }):
		r.Permit, r.But = true, nil
	}
	if r.Permit && !r.Denies() {
		r.But = nil
	}
	return r
}
