package policy

import (
	"slices"

	"selda/nhs"
)

// This file keeps G4, what a citizen's objection hides and from whom, and G5,
// to what "no emergency override" yields.

// Addressed is an item that was sent to an organisation for the citizen's
// care: a referral, a prescription, a discharge (G4).
type Addressed struct {
	Organisation nhs.ODS
	Item         Item
}

// objections narrows a predicate by what the citizen has decided.
func objections(d *Decision, r Request, emergency bool) {
	p, s := &d.Predicate, &r.Subject
	for _, c := range r.Facts.Preferences {
		if r.Now.Before(c.From) || !c.To.IsZero() && !r.Now.Before(c.To) {
			continue
		}
		if len(c.Organisations) > 0 && !slices.Contains(c.Organisations, s.Organisation) {
			continue
		}
		if emergency && !c.NoOverride {
			continue
		}
		if emergency && overruled(r) {
			d.Rules = append(d.Rules, "G5 no emergency override yields to the stated ground")
			continue
		}
		switch {
		case len(c.Items) > 0:
			p.Sealed = append(p.Sealed, c.Items...)
			d.Rules = append(d.Rules, "G4 sealed items")
		case c.DataSets != 0:
			p.NotDataSets |= c.DataSets
			d.Rules = append(d.Rules, "G4 kinds of data withheld")
		default:
			p.Objected = true
			d.Rules = append(d.Rules, "G4 objection of the citizen")
		}
	}
}

// overruled says whether the user has stated a ground that "no emergency
// override" yields to: a court order, a safeguarding enquiry, serious risk to others.
func overruled(r Request) bool {
	for _, c := range r.Facts.Claims {
		if c.Overrules && inForce(c, &r.Subject, r.Now, true) {
			return true
		}
	}
	return false
}
