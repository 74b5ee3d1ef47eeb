// Package agreement is what data controllers have agreed: who is shown which
// data sets of which sources, of which citizens, for which purpose, from when to
// when, on which legal basis, and who has signed. An agreement is a file that a
// governance lead can read; a Set of them answers what a reader is shown.
//
// It is not the decision, which is policy's: a Set gives it a policy.Agreed. It is
// not what citizens decided, which is consent's. It is pure: time is an argument.
//
// What holds: nothing of another organisation is shown where no agreement says so
// (G1). A source's data flow under an agreement from the moment at which their
// controller has signed, or somebody who may sign for it. An agreement for direct
// care that has run out is overdue: it goes on under the authority that it states,
// and is escalated every day. One for secondary use stops at its end (G17).
package agreement

import (
	"slices"
	"time"

	"selda/nhs"
	"selda/policy"
)

// Purpose is what an agreement is for.
type Purpose string

// Purposes.
const (
	DirectCare    Purpose = "direct-care"
	Emergency     Purpose = "emergency"      // direct care under break-glass (G9)
	CitizenAccess Purpose = "citizen-access" // the citizen, who acts for them, and their apps
	SecondaryUse  Purpose = "secondary-use"  // planning, research: never individual care (G3)
)

var purposes = []Purpose{DirectCare, Emergency, CitizenAccess, SecondaryUse}

// Agreement is one agreement, as its file has it.
type Agreement struct {
	ID       string // letters, digits and hyphens
	Title    string
	Purposes []Purpose
	// Begins and Ends are the first moment and the one after the last.
	Begins, Ends time.Time
	// The legal bases: of data protection and of confidentiality (G1).
	DataProtection, Confidentiality string
	// Authority is under what the flow goes on where an agreement for direct care
	// has run out (G17).
	Authority string
	// Gateway and OptOut are of secondary use (G3): the legal gateway, and whether
	// the national data opt-out applies, and why.
	Gateway, OptOut string
	Contact         string // who answers questions about it
	Shares          []Share
	Signatures      []Signature
	Suspensions     []Suspension
	Withdrawn       time.Time // since when it is in force no more; zero: it is not withdrawn
}

// Share is one line of what is shared: which data sets, with whom, of whom.
type Share struct {
	From  []Party         // whose
	Kinds policy.DataSets // which data sets
	With  []Party         // organisations; all of them: those of the region
	Roles []nhs.Role      // of the readers; none is every role
	// Of whom. The zero Citizens are all.
	Citizens Citizens
}

// Party names an organisation ("RJZ"), one source ("RJZ:PAS"), or all.
type Party string

// All is every organisation of the region.
const All Party = "all"

// is says whether the party is an organisation, or one of its sources.
func (p Party) is(o nhs.ODS) bool {
	return p == All || nhs.Source(p).Organisation() == o
}

// Citizens narrows a share to some citizens: those registered with a practice,
// and those of an age in whole years.
type Citizens struct {
	Registered []nhs.ODS
	FromAge    int // 0 does not limit
	ToAge      int // the last age that is meant; 0 does not limit
}

// IsZero says whether all citizens are meant.
func (c Citizens) IsZero() bool { return len(c.Registered) == 0 && c.FromAge == 0 && c.ToAge == 0 }

// Person is what is known of a citizen for it. Age is in whole years, -1 where
// it is not known.
type Person struct {
	Registered []nhs.ODS
	Age        int
}

// Of says whether somebody is meant. Whose age is not known is not of an age.
func (c Citizens) Of(p Person) bool {
	if len(c.Registered) > 0 && !slices.ContainsFunc(p.Registered, func(o nhs.ODS) bool { return slices.Contains(c.Registered, o) }) {
		return false
	}
	if c.FromAge == 0 && c.ToAge == 0 {
		return true
	}
	return p.Age >= c.FromAge && (c.ToAge == 0 || p.Age <= c.ToAge) && p.Age >= 0
}

// Signature is a controller's, or that of one who signs for controllers.
type Signature struct {
	Organisation nhs.ODS
	Name, Office string // of the person who signed
	Signed       time.Time
	For          []Party // for whom; the own organisation where none is said
	// Provisional: it stands in until the controllers have signed.
	Provisional bool
}

// Suspension stops the flow from some sources for a while.
type Suspension struct {
	From   []Party
	Since  time.Time
	Until  time.Time // zero: until it is lifted
	Reason string
	By     string // who suspended it
}

// holds says whether a suspension is in force.
func (x *Suspension) holds(now time.Time) bool {
	return !now.Before(x.Since) && (x.Until.IsZero() || now.Before(x.Until))
}

// signedFor is since when an agreement binds a source's data; false where
// nobody has signed for it.
func (a *Agreement) signedFor(s Party) (since time.Time, ok bool) {
	o := nhs.Source(s).Organisation()
	for _, g := range a.Signatures {
		bound := slices.ContainsFunc(g.For, func(p Party) bool { return p == All || p == s || p == Party(o) })
		if len(g.For) == 0 {
			bound = g.Organisation == o
		}
		if bound && (!ok || g.Signed.Before(since)) {
			since, ok = g.Signed, true
		}
	}
	return since, ok
}

// suspended says whether a source's flow is suspended, and since when.
func (a *Agreement) suspended(s Party, now time.Time) (Suspension, bool) {
	o := nhs.Source(s).Organisation()
	for _, x := range a.Suspensions {
		if !x.holds(now) {
			continue
		}
		if slices.ContainsFunc(x.From, func(p Party) bool { return p == All || p == s || p == Party(o) }) {
			return x, true
		}
	}
	return Suspension{}, false
}

// For says whether an agreement is for a purpose.
func (a *Agreement) For(p Purpose) bool { return slices.Contains(a.Purposes, p) }

// Flows says whether it is in force at a moment, but for signatures: an
// agreement for direct care or the citizen's access goes on past its end, where
// it is overdue; one for secondary use does not (G17).
func (a *Agreement) Flows(p Purpose, now time.Time) bool {
	if !a.For(p) || now.Before(a.Begins) || a.withdrawn(now) {
		return false
	}
	return p != SecondaryUse || a.Ends.IsZero() || now.Before(a.Ends)
}

func (a *Agreement) withdrawn(now time.Time) bool {
	return !a.Withdrawn.IsZero() && !now.Before(a.Withdrawn)
}

// Overdue says whether it has run out and goes on.
func (a *Agreement) Overdue(now time.Time) bool {
	return !a.withdrawn(now) && !a.Ends.IsZero() && !now.Before(a.Ends) && slices.ContainsFunc(a.Purposes, func(p Purpose) bool { return p != SecondaryUse })
}

// ActsFor says whether an organisation may act for a party under the agreement:
// for itself, and for whom it has signed.
func (a *Agreement) ActsFor(o nhs.ODS, p Party) bool {
	if p != All && nhs.Source(p).Organisation() == o {
		return true
	}
	return slices.ContainsFunc(a.Signatures, func(g Signature) bool {
		return g.Organisation == o && slices.ContainsFunc(g.For, func(x Party) bool { return x == All || x == p })
	})
}

// State is how it stands, in a word.
func (a *Agreement) State(now time.Time) string {
	switch {
	case a.withdrawn(now):
		return "withdrawn"
	case now.Before(a.Begins):
		return "not begun"
	case a.Overdue(now):
		return "overdue"
	case !a.Ends.IsZero() && !now.Before(a.Ends):
		return "ended"
	case len(a.Signatures) == 0:
		return "unsigned"
	case slices.ContainsFunc(a.Signatures, func(s Signature) bool { return s.Provisional }):
		return "provisional"
	case len(a.Suspended(now)) > 0:
		return "suspended in part"
	}
	return "in force"
}

// Suspended are the suspensions in force.
func (a *Agreement) Suspended(now time.Time) (out []Suspension) {
	for _, x := range a.Suspensions {
		if x.holds(now) {
			out = append(out, x)
		}
	}
	return out
}

// Shows says whether anything of a party flows under it to anybody, where it is in force.
func (a *Agreement) Shows(p Party, now time.Time) bool { return a.shows(p, policy.AllDataSets, now) }

func (a *Agreement) shows(p Party, kinds policy.DataSets, now time.Time) bool {
	o := Party(nhs.Source(p).Organisation())
	since, signed := a.signedFor(p)
	if _, stopped := a.suspended(p, now); stopped || !signed || now.Before(since) {
		return false
	}
	return slices.ContainsFunc(a.Shares, func(s Share) bool {
		return s.Kinds&kinds != 0 && slices.ContainsFunc(s.From, func(x Party) bool { return x == All || x == p || x == o })
	})
}

// SharesWith says whether it shares anything with an organisation.
func (a *Agreement) SharesWith(o nhs.ODS) bool {
	return slices.ContainsFunc(a.Shares, func(s Share) bool { return slices.ContainsFunc(s.With, func(p Party) bool { return p.is(o) }) })
}

// SharedWith says whether it shares anything with a reader, of whomever.
func (a *Agreement) SharedWith(r Reader) bool {
	return a.For(r.Purpose) && slices.ContainsFunc(a.Shares, func(s Share) bool { return s.with(r) })
}
