package record

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"selda/fhir"
	"selda/policy"
)

// Groups of the care team.
const (
	Team = "team" // named as such: the practice, a care team, a care manager, relatives
	Seen = "seen" // those who have been met, the latest first
)

// CareTeam is who is involved in care: each once, with what they were, and when
// they were last met.
func (v *View) CareTeam() []Fact {
	m := members{at: map[string]int{}}
	for _, i := range append(v.Of("Patient", "RelatedPerson", "CareTeam", "EpisodeOfCare"), v.Of("Encounter")...) {
		r := i.Res.Root()
		switch i.Type {
		case "Patient":
			for _, g := range r.List("generalPractitioner") {
				role := "Registered practice"
				if g.Get("type").Is("Practitioner") || strings.HasPrefix(g.Get("reference").Text(), "Practitioner/") {
					role = "Registered GP"
				}
				m.add(i, Team, role, g)
			}
		case "RelatedPerson":
			if i.DataSet == policy.Preferences { // who acts for them is told apart
				continue
			}
			n := r.Get("name").Get("0")
			name := strings.TrimSpace(n.Get("given").Get("0").Text() + " " + n.Get("family").Text())
			m.named(i, Team, cmp.Or(Words(r.Get("relationship")), "Related person"), cmp.Or(name, n.Get("text").Text()))
		case "CareTeam":
			for _, p := range r.List("participant") {
				m.add(i, Team, cmp.Or(Words(p.Get("role")), "Care team"), p.Get("member"))
			}
		case "EpisodeOfCare":
			m.add(i, Team, "Care manager", r.Get("careManager"))
		case "Encounter":
			for _, p := range r.List("participant") {
				m.add(i, Seen, met(Words(p.Get("type"))), p.Get("individual"))
			}
		}
	}
	slices.SortStableFunc(m.list, func(a, b Fact) int {
		return cmp.Or(strings.Compare(b.Group, a.Group), b.When.Compare(a.When)) // the team first
	})
	return m.list
}

// met is what somebody was at a visit. That they attended says no more than
// that they were there.
func met(role string) string {
	switch strings.ToLower(role) {
	case "attender", "primary performer", "participation", "":
		return ""
	}
	return role
}

// members are the team as it is found.
type members struct {
	list []Fact
	at   map[string]int
}

func (m *members) add(i Item, group, role string, who fhir.Node) {
	if !strings.HasPrefix(who.Get("reference").Text(), "Patient/") {
		m.named(i, group, role, Words(who))
	}
}

func (m *members) named(i Item, group, role, name string) {
	if name == "" {
		return
	}
	// The practice that all name is one; two people of a name who were seen in two
	// places may be two.
	key := name
	at, known := m.at[key]
	if group == Seen && !known {
		key = string(i.Source.Organisation()) + "|" + name
		at, known = m.at[key]
	}
	if !known {
		m.at[key] = len(m.list)
		m.list = append(m.list, Fact{Title: name, Detail: role, Group: group, When: seenAt(i, group), Items: []Item{i}})
		return
	}
	f := &m.list[at]
	if !slices.Contains(f.Sources(), i.Source) {
		f.Items = append(f.Items, i)
	}
	if role != "" && !strings.Contains(f.Detail, role) {
		f.Detail = strings.TrimPrefix(f.Detail+", "+role, ", ")
	}
	if when := seenAt(i, group); when.After(f.When) {
		f.When = when
	}
}

// seenAt is when somebody was met; no time where they are not there for having been.
func seenAt(i Item, group string) (t time.Time) {
	if group == Seen {
		t = i.When
	}
	return t
}
