package record

import (
	"context"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/fault"
	"selda/store"
)

// Walk gives a piece of all that a source system wrote, as at an n, in the
// order of the store: next is where it goes on.
func (rs *Records) Walk(ctx context.Context, g grant.Grant, w store.Walk) (versions []*store.Version, next store.Key, more bool, err error) {
	if g.Kind() != seal.System {
		return nil, w.After, false, fault.E("record.Walk", fault.Security, "the Grant is not a source system's")
	}
	return rs.Store.Walk(ctx, w, g.Predicate())
}
