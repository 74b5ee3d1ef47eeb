package classify

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// This file finds which team of its organisation wrote an item, where the
// organisation has said by what that is seen (G4): the system that the team alone
// writes in, the specialty, or the team, service or role that the item names. An
// item of a visit is the visit's team's, too (OfVisit).

// WithTeams are the lists of all sources (With), with the teams of organisations.
func (l *Lists) WithTeams(teams map[nhs.ODS][]policy.Team, sources map[nhs.Source]policy.Labels, more func(Entry) []string) *Lists {
	out := &Lists{all: l.all, origins: l.origins, sources: sources, teams: teams}
	out.compile(more)
	return out
}

// teamsInto adds what is said of teams to a hash: items are marked again where it
// changes.
func teamsInto(sum io.Writer, teams map[nhs.ODS][]policy.Team) {
	for _, o := range slices.Sorted(maps.Keys(teams)) {
		for i, t := range teams[o] {
			fmt.Fprintf(sum, "%s team %d %q %q\n", o, i, t.Wrote, t.From)
		}
	}
}

// teamOf are the marks of the teams that wrote a resource; of most organisations,
// which name no teams, none is looked for.
func (l *Lists) teamOf(r *fhir.Resource, source nhs.Source) (marks policy.Labels) {
	teams := l.teams[source.Organisation()]
	if len(teams) == 0 || !looked[r.Type] {
		return 0
	}
	s := teamSeeker{teams: teams}
	for i, t := range teams {
		if slices.Contains(t.From, source) {
			s.found |= policy.TeamMark(i)
		}
	}
	if writers[r.Type] {
		s.identifiers(r.Root().List("identifier"))
	}
	s.object(r.Root(), false, 0)
	return s.found
}

// writers are what stands for a team, or for somebody in it.
var writers = map[string]bool{"CareTeam": true, "HealthcareService": true, "PractitionerRole": true}

type teamSeeker struct {
	teams []policy.Team
	found policy.Labels
}

// deepest is how far below a resource a team is looked for.
const deepest = 8

func (s *teamSeeker) object(n fhir.Node, clinic bool, depth int) {
	if depth > deepest {
		return
	}
	for c := n.Children(); c.Next(); {
		v, name := c.Node(), string(c.Name())
		switch {
		case v.IsString() && name == "code" && clinic:
			s.word(v.View())
		case v.IsString() && name == "reference":
			if typ, _, ok := strings.Cut(v.View(), "/"); ok && writers[typ] {
				s.word(v.View())
			}
		case v.IsObject() && name == "identifier" && writers[n.Get("type").Text()]:
			s.word(v.Get("value").View())
		case (v.IsObject() || v.IsArray()) && !skipped(name) || name == "author" || name == "requester" || name == "recorder" || name == "asserter":
			s.object(v, clinic || clinics(name), depth+1)
		}
	}
}

func (s *teamSeeker) identifiers(list []fhir.Node) {
	for _, id := range list {
		s.word(id.Get("value").View())
	}
}

// word is a code, a reference or an identifier's value.
func (s *teamSeeker) word(w string) {
	for i := range s.teams {
		if w != "" && slices.Contains(s.teams[i].Wrote, w) {
			s.found |= policy.TeamMark(i)
		}
	}
}
