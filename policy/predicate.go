package policy

import (
	"slices"
	"time"

	"selda/nhs"
)

// Columns are what is stored beside a version of an item for the predicate:
// all that it may look at.
type Columns struct {
	Type     string
	ID       string
	Source   nhs.Source
	DataSet  DataSet
	Labels   Labels
	Recorded time.Time // when it was committed here
	Reported time.Time // when its author says that it was issued; zero where it does not say
	Final    bool      // its status is final, amended or corrected, or it has none
}

// Predicate says which items a reader may know of. It is part of every query
// itself. The zero Predicate shows nothing.
type Predicate struct {
	// Permit is false of the zero Predicate: nothing is shown.
	Permit bool
	// Everything is the operator's and the followers': all items.
	Everything bool
	// OnlySource limits a source system to what it wrote.
	OnlySource nhs.Source
	// DataSets that may be shown; the reader's own organisation's items too
	// are of these only.
	DataSets DataSets
	// OnlyTypes limits to resource types; nil does not.
	OnlyTypes []string
	// Only are the kinds of resource that an application may be shown; nil where
	// none asks.
	Only []Kinds
	// Existence are data sets of which the reader may know that there is an
	// item, and nothing of it (G12).
	Existence DataSets
	// Own is the reader's organisation. An objection and the labels in OwnLabels do not hide its items from it (G4).
	Own nhs.ODS
	// Kept is what seals of the reader's own organisation keep from them (G4).
	Kept []Kept
	// Agreed is what the agreements in force show of other organisations' items.
	Agreed *Agreed
	// Objected: items of other organisations are hidden, but for demographics (G4).
	Objected bool
	// NotDataSets are data sets that the citizen withholds from this reader, the own organisation's aside.
	NotDataSets DataSets
	// Hidden labels: an item with one of them is hidden. HiddenOwn are hidden
	// even of the reader's own organisation.
	Hidden, HiddenOwn Labels
	// ShowSafety: crisis, safety and risk plans are never hidden by a label (G8).
	ShowSafety bool
	// Sealed are single items that are hidden from this reader, the own
	// organisation's aside.
	Sealed []Item
	// Withheld is what else the citizen withholds from this reader, with
	// exceptions, the own organisation's items aside.
	Withheld []Withholding
	// Addressed are items that were sent to the reader's organisation: neither an
	// objection (G4) nor the want of an agreement hides what its author sent there.
	Addressed []Item
	// Restrained is kept and not used (G18), by nobody: the own organisation neither.
	Restrained []Restraint
	// VisitsOnly are the Encounters of other organisations that are shown (G12);
	// nil does not limit them.
	VisitsOnly []Item
	// Release holds the release rule for a citizen and their apps (G10); nil for professionals.
	Release *Release
}

// Item names one item.
type Item struct{ Type, ID string }

// Release is the release rule (G10): an item with a mark in Hidden never
// reaches the citizen; results and documents do when a clinician has
// reviewed them, or Delay after they were recorded.
type Release struct {
	Now   time.Time
	Delay time.Duration
	// Held are the data sets to which review or delay applies.
	Held DataSets
}

// OfExistence is the predicate of which the reader may know only whether it
// shows anything; the zero Predicate where there is none.
func (p *Predicate) OfExistence() *Predicate {
	if p.Existence == 0 {
		return &Predicate{}
	}
	q := *p
	q.DataSets, q.Existence = p.Existence, 0
	return &q
}

// Shows says whether the reader may know of an item.
func (p *Predicate) Shows(c *Columns) bool {
	switch {
	case !p.Permit:
		return false
	case p.Only != nil && !within(p.Only, c):
		return false
	case p.Everything:
		return true
	case p.OnlySource != "" && c.Source != p.OnlySource:
		return false
	case !p.DataSets.Has(c.DataSet):
		return false
	case p.OnlyTypes != nil && !slices.Contains(p.OnlyTypes, c.Type):
		return false
	}
	if restrained(p.Restrained, c) {
		return false
	}
	own := p.Own != "" && c.Source.Organisation() == p.Own
	if safe := p.ShowSafety && c.Labels&SafetyPlan != 0; !safe && (c.Labels&p.HiddenOwn != 0 || !own && c.Labels&p.Hidden != 0) {
		return false
	}
	if own && p.kept(c) {
		return false
	}
	if !own && p.OnlySource == "" && !p.Agreed.Has(c.Source, c.DataSet) && !names(p.Addressed, c) {
		return false
	}
	if !own && (p.withheld(c) || p.VisitsOnly != nil && c.Type == "Encounter" && !names(p.VisitsOnly, c)) {
		return false
	}
	return p.Release == nil || p.Release.reached(c)
}

// withheld says whether the citizen withholds an item of another organisation.
func (p *Predicate) withheld(c *Columns) bool {
	hidden := p.Objected || p.NotDataSets.Has(c.DataSet) || slices.ContainsFunc(p.Withheld, func(w Withholding) bool { return w.denies(c) })
	hidden = hidden && c.DataSet != Demographics && c.DataSet != Directory
	return (hidden || names(p.Sealed, c)) && !names(p.Addressed, c)
}

func names(list []Item, c *Columns) bool {
	for _, i := range list {
		if i.ID == c.ID && i.Type == c.Type {
			return true
		}
	}
	return false
}

// reached says whether an item has reached the citizen.
func (r *Release) reached(c *Columns) bool {
	if !r.Held.Has(c.DataSet) {
		return true
	}
	if !c.Final {
		return false
	}
	since := c.Recorded
	if !c.Reported.IsZero() && c.Reported.Before(since) {
		since = c.Reported
	}
	return c.Labels&Reviewed != 0 || !since.Add(r.Delay).After(r.Now)
}
