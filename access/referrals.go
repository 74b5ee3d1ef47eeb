package access

import (
	"selda/fhir"
	"selda/policy"
	"selda/relationship"
	"selda/store"
)

// shown are the relationships that a version shows.
func shown(v *store.Version, r *fhir.Resource, organisation relationship.Organisation) []policy.Relationship {
	return relationship.Of(relationship.Version{Resource: r, ID: v.ID, Source: v.Source, Recorded: v.Recorded}, organisation)
}

// referrals are what whom they were sent to has said of them: one that it declined or
// has done ends its relationship, whatever its sender's own system still says (G7).
type referrals struct {
	numbers map[string][]string // of each request, by "ServiceRequest/id"
	closed  map[string]bool     // by whom, a blank, and the request or its number
}

func (h *referrals) add(v *store.Version, r *fhir.Resource) {
	if v.Type != "ServiceRequest" && v.Type != "Task" {
		return
	}
	h.numbers[v.Type+"/"+v.ID] = relationship.Numbers(r)
	for _, c := range relationship.Closed(r) {
		h.closed[string(v.Source.Organisation())+" "+c] = true
	}
}

func (h *referrals) over(rel policy.Relationship) bool {
	if rel.Kind != "referral" {
		return false
	}
	by := string(rel.Organisation) + " "
	if h.closed[by+rel.Of] {
		return true
	}
	for _, n := range h.numbers[rel.Of] {
		if h.closed[by+n] {
			return true
		}
	}
	return false
}
