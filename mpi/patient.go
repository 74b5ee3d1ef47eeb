package mpi

import (
	"context"
	"strings"

	"selda/fhir"
	"selda/nhs"
	"selda/store"
)

// FromPatient reads what identities are compared by from a FHIR Patient.
func FromPatient(r fhir.Node) Demographics {
	d := Demographics{BirthDate: r.Get("birthDate").Text()}
	for _, n := range r.List("name") {
		if f := n.Get("family").Text(); f != "" {
			d.Family = append(d.Family, f)
		}
		for _, g := range n.List("given") {
			d.Given = append(d.Given, strings.Fields(g.Text())...)
		}
	}
	return d
}

// Found is a citizen with the subjects that are linked to it.
type Found struct {
	Citizen  store.Citizen
	ID       string // stable, opaque: the survivor's, where the id asked for was merged away
	Subjects []Known
}

// Index is the reading side of the links.
type Index interface {
	// Citizen finds a citizen by its id as at n. A merged-away id answers with
	// the survivor, but not across a severance (G14).
	Citizen(ctx context.Context, id string, n uint64) (Found, error)
	// CitizenID gives the id of the citizen that a subject belongs to.
	CitizenID(ctx context.Context, s store.Subject) (string, error)
	// Citizens gives the citizens that some subjects belong to now, each once; a
	// subject of nobody has none.
	Citizens(ctx context.Context, subjects []store.Subject) ([]Found, error)
	// Former gives the ids of those who were merged into a citizen and whose ids
	// answer with that one now; what was recorded under them is that citizen's.
	Former(ctx context.Context, c Found) ([]string, error)
	// ByIdentity finds the subjects that have an identity.
	ByIdentity(ctx context.Context, system, value string) ([]Known, error)
	// Events and Reviews list the latest changes of links and the open pairs.
	Events(ctx context.Context, limit int) ([]Event, error)
	Reviews(ctx context.Context, limit int) ([]Review, error)
}

// Candidates is the port to scored matching: who might be the same as a
// person, likeliest first. Nobody is, until a scorer is wired.
type Candidates interface {
	Candidates(ctx context.Context, p Person, source nhs.Source) ([]Review, error)
}
