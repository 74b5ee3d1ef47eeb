package access

import (
	"cmp"
	"fmt"
	"slices"

	"selda/nhs"
	"selda/policy"
)

// RoleShift is what changes for a role of a kind of data, at all organisations.
type RoleShift struct {
	Role             nhs.Role
	Kind             policy.DataSet
	More, Fewer      int
	Readers, Sources int // organisations
	Examples         []string
}

// ByRole are the changes summed up, the greatest first.
func (t *Trial) ByRole() []RoleShift {
	type key struct {
		role nhs.Role
		kind policy.DataSet
	}
	at := map[key]int{}
	var out []RoleShift
	readers, sources := map[key]map[nhs.ODS]bool{}, map[key]map[nhs.ODS]bool{}
	for _, x := range t.Changes {
		k := key{x.Role, x.Kind}
		i, known := at[k]
		if !known {
			i = len(out)
			at[k], readers[k], sources[k] = i, map[nhs.ODS]bool{}, map[nhs.ODS]bool{}
			out = append(out, RoleShift{Role: x.Role, Kind: x.Kind, Examples: x.Examples})
		}
		out[i].More += x.More
		out[i].Fewer += x.Fewer
		readers[k][x.Reader], sources[k][x.Source.Organisation()] = true, true
	}
	for k, i := range at {
		out[i].Readers, out[i].Sources = len(readers[k]), len(sources[k])
	}
	slices.SortStableFunc(out, func(a, b RoleShift) int { return cmp.Compare(b.More+b.Fewer, a.More+a.Fewer) })
	return out
}

// RolePath is a pathway that breaks for a role.
type RolePath struct {
	Pathway string
	Role    nhs.Role
	Where   string   // an organisation, or how many
	Lost    []string // "documents of RJZ", the first of them
}

// mostLost are named of what a pathway loses.
const mostLost = 6

// PathsByRole are the pathways that would break, one for each role. name gives what
// people call an organisation.
func (t *Trial) PathsByRole(name func(nhs.ODS) string) []RolePath {
	type key struct {
		pathway string
		role    nhs.Role
	}
	at := map[key]int{}
	count := map[key]int{}
	var out []RolePath
	for _, p := range t.Paths {
		k := key{p.Pathway, p.Role}
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			where := "home"
			if p.Reader != "" {
				where = name(p.Reader)
			}
			out = append(out, RolePath{Pathway: p.Pathway, Role: p.Role, Where: where})
		}
		count[k]++
		for _, f := range p.Lost {
			if w := f.Kind.String() + " of " + name(f.Source.Organisation()); !slices.Contains(out[i].Lost, w) {
				out[i].Lost = append(out[i].Lost, w)
			}
		}
	}
	for k, i := range at {
		p := &out[i]
		slices.Sort(p.Lost)
		if n := len(p.Lost); n > mostLost {
			p.Lost = append(p.Lost[:mostLost:mostLost], fmt.Sprintf("%d more", n-mostLost))
		}
		if n := count[k]; n > 1 {
			p.Where = fmt.Sprintf("%d organisations", n)
		}
	}
	return out
}
