package policy

import (
	"slices"
	"time"

	"selda/nhs"
)

// This file keeps what is restricted (G18): it is kept and not used, but with the
// person's consent, for legal claims, or where somebody's life needs it (UK GDPR Art 18(2)).
// It holds within the organisation that wrote it too: the controller itself may not use it.

// Restraint is that some of a record is kept and not used.
type Restraint struct {
	From, To     time.Time // a zero To is until it is lifted
	Items        []Item    // these, or
	Source       nhs.Source
	Organisation nhs.ODS // all that it wrote
}

// restraintsInForce are the restraints that hold at a time.
func restraintsInForce(all []Restraint, now time.Time) (out []Restraint) {
	for _, r := range all {
		if !now.Before(r.From) && (r.To.IsZero() || now.Before(r.To)) {
			out = append(out, r)
		}
	}
	return out
}

// Restrained are the facts' restraints that hold at a time.
func (f *Facts) Restrained(now time.Time) []Restraint { return restraintsInForce(f.Restraints, now) }

// restrain narrows a predicate by what is restricted. A stated emergency opens it: that
// is the vital need, with its reason. A coroner is a court.
func restrain(d *Decision, r *Request) {
	held := r.Facts.Restrained(r.Now)
	switch {
	case len(held) == 0 || r.Subject.Role == nhs.Coroner:
	case d.Emergency:
		d.Rules = append(d.Rules, "G18 what is restricted is opened in an emergency")
	default:
		d.Predicate.Restrained = held
		d.Rules = append(d.Rules, "G18 restricted by right")
	}
}

// restrained says whether an item is kept and not used. Who somebody is stays known
// unless that very item is restricted.
func restrained(held []Restraint, c *Columns) bool {
	return slices.ContainsFunc(held, func(r Restraint) bool {
		if r.Items != nil {
			return names(r.Items, c)
		}
		return (r.Source != "" && r.Source == c.Source || r.Organisation != "" && r.Organisation == c.Source.Organisation()) && c.DataSet != Demographics && c.DataSet != Directory
	})
}
