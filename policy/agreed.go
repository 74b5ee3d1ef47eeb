package policy

import (
	"slices"
	"strings"

	"selda/nhs"
)

// This file keeps G1 as far as agreements go: what others wrote is shown where
// their controllers have agreed to it, and not where nobody has.

// Agreed is which sources' data sets a reader is shown of a citizen by the
// agreements in force. nil and the zero Agreed agree to nothing. It is shared:
// nobody may change it.
type Agreed struct {
	Default DataSets     // of every source that is not named
	Of      []AgreedWith // in the order of their sources
	Names   []string     // of the agreements, for the reasons of a decision

	index   map[nhs.Source]DataSets // of Of, where it was made
	systems bool                    // single sources are among them
}

// Indexed is the same, quick to ask: of a region of hundreds of sources every item of
// every answer is asked for.
func (a Agreed) Indexed() *Agreed {
	a.index, a.systems = make(map[nhs.Source]DataSets, len(a.Of)), false
	for _, w := range a.Of {
		a.index[w.Source] = w.DataSets
		a.systems = a.systems || strings.Contains(string(w.Source), ":")
	}
	return &a
}

// AgreedWith is what is shown of one source, or of all of an organisation.
type AgreedWith struct {
	Source   nhs.Source // "RJZ:PAS"; "RJZ" for all of its other sources
	DataSets DataSets
}

// Whole agrees to everything: it is for what agreements do not limit.
var Whole = &Agreed{Default: AllDataSets}

// Has says whether a source's data set is shown.
func (a *Agreed) Has(s nhs.Source, d DataSet) bool {
	switch {
	case a == nil:
		return false
	case len(a.Of) == 0:
		return a.Default.Has(d)
	}
	return a.Sets(s).Has(d)
}

// Sets are what is shown of a source.
func (a *Agreed) Sets(s nhs.Source) DataSets {
	if a.index != nil {
		if a.systems {
			if d, named := a.index[s]; named {
				return d
			}
		}
		if d, named := a.index[nhs.Source(s.Organisation())]; named {
			return d
		}
		return a.Default
	}
	for _, name := range [...]nhs.Source{s, nhs.Source(s.Organisation())} {
		if i, found := slices.BinarySearchFunc(a.Of, name, func(w AgreedWith, n nhs.Source) int { return strings.Compare(string(w.Source), string(n)) }); found {
			return a.Of[i].DataSets
		}
	}
	return a.Default
}

// Limits says whether there is anything that it does not agree to.
func (a *Agreed) Limits() bool {
	return a == nil || a.Default != AllDataSets || slices.ContainsFunc(a.Of, func(w AgreedWith) bool { return w.DataSets != AllDataSets })
}

// agreements puts into a decision about a professional what the controllers have
// agreed to.
func agreements(d *Decision, r *Request) {
	d.Predicate.Agreed = r.Agreed
	if d.Emergency && r.AgreedInEmergency != nil {
		d.Predicate.Agreed = r.AgreedInEmergency
	}
	a := d.Predicate.Agreed
	if a == nil || a.Default == 0 && len(a.Of) == 0 {
		d.Rules = append(d.Rules, "G1 no agreement: only what the own organisation wrote")
		return
	}
	for _, name := range a.Names {
		d.Rules = append(d.Rules, "G1 agreement "+name)
	}
}

// sentHere gives back what was sent to the reader's organisation, where
// something may keep it from it (G4).
func sentHere(p *Predicate, r *Request) {
	if !p.Objected && p.NotDataSets == 0 && len(p.Sealed) == 0 && p.Withheld == nil && !p.Agreed.Limits() {
		return
	}
	for _, a := range r.Facts.Addressed {
		if a.Organisation == r.Subject.Organisation {
			p.Addressed = append(p.Addressed, a.Item)
		}
	}
}
