package access

import (
	"context"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/audit"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Follow asks for the change log for a follower of it, by name: what it reads
// it never shows to anyone, without asking again as them. Each batch that it
// reads has an entry of its own.
func (a *Access) Follow(ctx context.Context, name, what string) (grant.Grant, error) {
	s := policy.Subject{User: "selda:" + name, Name: name, Role: nhs.Operator, Purpose: nhs.Operations}
	d := policy.Decision{Permit: true, Predicate: *system, Rules: []string{"follower of the change log"}}
	return a.simple(ctx, "access.Follow", s, audit.Read, what, seal.Follow, d)
}

// Subscribed asks for what a subscriber may be told of now: what a source system
// wrote, else one citizen's record.
func (a *Access) Subscribed(ctx context.Context, s policy.Subject, citizen, what string) (grant.Grant, error) {
	if s.Role == nhs.SourceSystem {
		return a.System(ctx, s, audit.Read, what)
	}
	return a.RecordAt(ctx, s, citizen, what, store.Latest)
}
