package record

import (
	"context"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/fault"
	"selda/store"
)

// walked is how many versions of a record are looked at in one piece.
const walked = 10_000

// Versions gives all versions of each resource that stands in a record, of a type
// or of all, the latest first and deletions among them, of those that were
// changed since a time.
func (rs *Records) Versions(ctx context.Context, g grant.Grant, typ string, since time.Time) (out [][]*store.Version, err error) {
	if g.Kind() != seal.Record {
		return nil, fault.E("record.Versions", fault.Security, "the Grant does not open a record")
	}
	if since.IsZero() {
		since = time.UnixMilli(1) // of all times: with it deletions are given, too
	}
	for _, k := range g.Citizen().Subjects {
		w := store.Walk{N: g.N(), After: store.Key{Subject: k.Subject}, Last: k.Subject, Since: since, Limit: walked}
		if typ != "" {
			w.Types = []string{typ}
		}
		for more := true; more; {
			var latest []*store.Version
			if latest, w.After, more, err = rs.Store.Walk(ctx, w, g.Predicate()); err != nil {
				return nil, err
			}
			for _, v := range latest {
				if v.Version == 1 {
					out = append(out, []*store.Version{v})
					continue
				}
				all, err := rs.Store.History(ctx, v.Type, v.ID, g.N(), g.Predicate())
				if err != nil {
					return nil, err
				}
				out = append(out, all)
			}
		}
	}
	return out, nil
}
