package policy

import (
	"time"

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
	for i := range r.Facts.Preferences {
		c := &r.Facts.Preferences[i]
		if !c.holds(r.Now) || r.Facts.anew(c, r.Now) {
			continue
		}
		withhold(d, r, c, emergency)
	}
}

// keptPrivate hides from who acts for a child what the child keeps private by
// their own word, whatever their age (G11). What somebody else has decided for the
// child does not: else they would hide it from themselves.
func keptPrivate(d Decision, r Request) Decision {
	for i := range r.Facts.Preferences {
		if c := &r.Facts.Preferences[i]; c.Own && c.holds(r.Now) && !r.Facts.anew(c, r.Now) {
			withhold(&d, r, c, false)
		}
	}
	return d
}

// holds says whether a preference is in force.
func (c *Preference) holds(now time.Time) bool {
	return !now.Before(c.From) && (c.To.IsZero() || now.Before(c.To))
}

// anew says whether a whole choice that is in force was stated after this one.
func (f *Facts) anew(c *Preference, now time.Time) bool {
	for i := range f.Preferences {
		if a := &f.Preferences[i]; a.Anew && a.By == c.By && a.N > c.N && a.holds(now) {
			return true
		}
	}
	return false
}

// InForce are the preferences that hold at a time: each whose time it is, but
// for those that a later one has stated anew.
func (f *Facts) InForce(now time.Time) (out []Preference) {
	for i := range f.Preferences {
		if c := &f.Preferences[i]; c.holds(now) && !f.anew(c, now) {
			out = append(out, *c)
		}
	}
	return out
}

// withhold folds one preference into the predicate.
func withhold(d *Decision, r Request, c *Preference, emergency bool) {
	rule, applies := asker{&r.Subject, r.Now, false}.of(&c.Rule)
	if !applies || !rule.Denies() {
		return
	}
	w := Withholding{rule}
	if emergency {
		urgent, applies := asker{&r.Subject, r.Now, true}.of(&c.Rule)
		switch {
		case !applies || !urgent.Denies():
			return
		case overruled(r):
			d.Rules = append(d.Rules, ruleYields)
			return
		case rule.But != nil || urgent.But != nil || urgent.Permit: // else they say the same
			w = append(w, urgent)
		}
	}
	p, data := &d.Predicate, rule.Data
	simple := len(w) == 1 && rule.But == nil && data.Types == nil && data.Labels == 0 && data.Without == 0 && data.Sources == nil && data.Content == nil
	switch {
	case data.Items != nil || data.Content != nil:
		d.Rules = append(d.Rules, ruleSealed)
	case data.DataSets != 0 || data.Types != nil || data.Labels != 0 || data.Without != 0:
		d.Rules = append(d.Rules, ruleKinds)
	default:
		d.Rules = append(d.Rules, ruleObjection)
	}
	switch {
	case !simple || data.Items != nil && data.DataSets != 0:
		p.Withheld = append(p.Withheld, w)
	case data.Items != nil:
		p.Sealed = append(p.Sealed, data.Items...)
	case data.DataSets != 0:
		p.NotDataSets |= data.DataSets
	default:
		p.Objected = true
	}
}

// TellsChoice says whether a decision's rule tells that the citizen has decided
// something about sharing.
func TellsChoice(rule string) bool {
	switch rule {
	case ruleSealed, ruleKinds, ruleObjection, ruleYields:
		return true
	}
	return false
}

// The rules that a citizen's choices add to a decision.
const (
	ruleSealed    = "G4 sealed items"
	ruleKinds     = "G4 kinds of data withheld"
	ruleObjection = "G4 objection of the citizen"
	ruleYields    = "G5 no emergency override yields to the stated ground"
)

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
