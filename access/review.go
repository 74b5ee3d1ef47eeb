package access

import (
	"context"
	"slices"

	"selda/audit"
	"selda/fault"
	"selda/mpi"
	"selda/policy"
	"selda/store"
)

// Marks is the port that puts a mark on an item: a new version with the same
// content and one more label.
type Marks interface {
	Mark(ctx context.Context, s store.Subject, typ, id string, label policy.Labels) error
	// Rewrite puts a version of an item into its place that says what change makes of it.
	Rewrite(ctx context.Context, typ, id string, change func(body []byte) []byte) error
}

// Review records that a clinician has reviewed a result or a document: it then
// reaches the citizen without waiting (G10).
func (a *Access) Review(ctx context.Context, s policy.Subject, citizen, typ, id string) error {
	const op = "access.Review"
	found, err := a.Index.Citizen(ctx, citizen, store.Latest)
	if err != nil {
		return fault.E(op, err)
	}
	g, err := a.decide(ctx, op, s, asked{found: found, n: store.Latest, factsOf: found, factsAt: store.Latest}, audit.Update, "review of "+typ+"/"+id)
	if err != nil {
		return err
	}
	if !s.Role.Clinician() {
		return fault.E(op, fault.Security, "only a clinician reviews results and letters")
	}
	v, err := a.Store.Read(ctx, typ, id, store.Latest, g.Predicate())
	if err != nil {
		return fault.E(op, err)
	}
	// Of another's record nothing is told, not even that it is no letter.
	if !slices.ContainsFunc(found.Subjects, func(k mpi.Known) bool { return k.Subject == v.Subject }) {
		return fault.E(op, fault.NotFound, "there is no such item")
	}
	if v.Deleted || !policy.HeldForReview(v.DataSet) {
		return fault.E(op, fault.Conflict, "only results and letters wait for a review")
	}
	return a.Marks.Mark(ctx, v.Subject, typ, id, policy.Reviewed)
}
