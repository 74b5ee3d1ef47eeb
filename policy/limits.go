package policy

import (
	"slices"
	"time"

	"selda/nhs"
)

// This file keeps the last sentence of G4: limits inside an organisation are a seal
// of its own, which its controller sets. A seal hides items that the organisation
// wrote from its own staff outside some teams or roles. It changes nothing for
// anybody else: what others see, agreements, labels and the citizen decide.

// Team is a team within an organisation: who is in it, and what it wrote.
type Team struct {
	Name   string
	Groups []string     // as providers of sign-on name it: CIS2's workgroup codes
	Wrote  []string     // specialties, and references or identifiers of a CareTeam, HealthcareService or PractitionerRole
	From   []nhs.Source // systems that it alone writes in
}

// Seal is one limit within an organisation.
type Seal struct {
	ID     string
	Title  string
	Teams  []string   // who sees what is under it
	Roles  []nhs.Role // and who does so in any team
	Of     []string   // items that these teams wrote; what is left empty does not narrow
	From   []nhs.Source
	Sets   DataSets
	Labels Labels
	Reason string
	By     string // who set it, to show
	Set    time.Time
	Begins time.Time
	Ends   time.Time // zero: until it is ended
}

// Limits are what the controller of one organisation has set for it. The place of a
// team is stored: teams are added at the end, and none is taken away.
type Limits struct {
	Teams []Team
	Seals []Seal
	// AfterCare is how long a relationship lasts after care (G7); 0 is the least,
	// AfterCare of this package.
	AfterCare time.Duration
}

// The marks by which items tell which team wrote them. They mean the teams of the
// item's own organisation, in the order in which it named them.
const (
	firstTeam = 36 // categories and labels are below
	// MostTeams is how many teams an organisation can name.
	MostTeams = 24
	// TeamMarks are all of them.
	TeamMarks = Labels(1<<MostTeams-1) << firstTeam
)

// TeamMark is the mark of an organisation's team at a place.
func TeamMark(place int) Labels {
	if place < 0 || place >= MostTeams {
		return 0
	}
	return 1 << (firstTeam + place)
}

// marksOf are the marks of teams by name.
func (s *Limits) marksOf(names []string) (l Labels) {
	for i, t := range s.Teams {
		if slices.Contains(names, t.Name) {
			l |= TeamMark(i)
		}
	}
	return l
}

// teamsOf are the names of the teams that a subject is in.
func (s *Limits) teamsOf(who *Subject) (out []string) {
	for _, t := range s.Teams {
		if slices.ContainsFunc(who.Teams, func(g string) bool { return g == t.Name || slices.Contains(t.Groups, g) }) {
			out = append(out, t.Name)
		}
	}
	return out
}

// Holds says whether a seal is in force.
func (s *Seal) Holds(now time.Time) bool {
	return !now.Before(s.Begins) && (s.Ends.IsZero() || now.Before(s.Ends))
}

// Kept is what a seal keeps from one reader.
type Kept struct {
	From    []nhs.Source
	Sets    DataSets
	Labels  Labels
	Of      Labels // the marks of whose items
	Without Labels // the marks of the reader's own teams: a seal hides nothing from its author's team
	And     Labels // beside all else one of these: what stays hidden in an emergency
}

// neverSealed are the data sets that no seal hides: who somebody is, and what they
// can't bear. The next dose of that is the greater harm (docs/adr/0017).
var neverSealed = SetOf(Demographics, Directory, Allergies)

// Sealable says whether a seal can hide anything of a data set.
func Sealable(d DataSet) bool { return !neverSealed.Has(d) && roleDataSets(nhs.GP).Has(d) }

// has says whether an item of the reader's organisation is kept from them.
func (k *Kept) has(c *Columns) bool {
	switch {
	case neverSealed.Has(c.DataSet) || c.Labels&k.Without != 0:
		return false
	case k.From != nil && !slices.Contains(k.From, c.Source):
		return false
	case k.Sets != 0 && !k.Sets.Has(c.DataSet):
		return false
	case k.Labels != 0 && c.Labels&k.Labels == 0 || k.Of != 0 && c.Labels&k.Of == 0:
		return false
	}
	return k.And == 0 || c.Labels&k.And != 0
}

// kept says whether a seal hides an item of the reader's own organisation. Crisis,
// safety and risk plans are not hidden from who treats the person (G8).
func (p *Predicate) kept(c *Columns) bool {
	if len(p.Kept) == 0 || p.ShowSafety && c.Labels&SafetyPlan != 0 {
		return false
	}
	return slices.ContainsFunc(p.Kept, func(k Kept) bool { return k.has(c) })
}

// seals narrows a decision by the seals of the reader's organisation. Emergency
// access opens them, but for what a statute protects; it is reviewed (G9).
func seals(d *Decision, r *Request) {
	if r.Limits == nil {
		return
	}
	who, mine := &r.Subject, r.Limits.teamsOf(&r.Subject)
	opened := false
	for i := range r.Limits.Seals {
		s := &r.Limits.Seals[i]
		if !s.Holds(r.Now) || slices.Contains(s.Roles, who.Role) || slices.ContainsFunc(s.Teams, func(t string) bool { return slices.Contains(mine, t) }) {
			continue
		}
		k := Kept{From: s.From, Sets: s.Sets, Labels: s.Labels, Of: r.Limits.marksOf(s.Of), Without: r.Limits.marksOf(mine)}
		if d.Emergency {
			k.And, opened = statutory, true
		}
		d.Predicate.Kept = append(d.Predicate.Kept, k)
	}
	switch {
	case opened:
		d.Rules = append(d.Rules, "G9 emergency access opens a seal of the organisation")
	case len(d.Predicate.Kept) > 0:
		d.Rules = append(d.Rules, "G4 a seal of the organisation")
	}
}
