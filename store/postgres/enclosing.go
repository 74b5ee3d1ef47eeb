package postgres

import (
	"context"

	"selda/fault"
	"selda/policy"
	"selda/store"
)

// Enclosing is store.Reader's.
func (db *DB) Enclosing(ctx context.Context, typ, id string, n uint64, p *policy.Predicate, types ...string) ([]*store.Version, store.Subject, error) {
	v, err := db.Read(ctx, typ, id, n, p)
	if err != nil || v.Subject == store.Shared {
		return nil, store.Shared, err
	}
	list, err := db.Compartment(ctx, v.Subject, n, p, types...)
	return list, v.Subject, err
}

// withBodies reads the versions of what was found, in one question. What has
// changed since, and is no longer shown, is left out.
func (db *DB) withBodies(ctx context.Context, q store.Query, p *policy.Predicate, found []store.Found) ([]store.Found, error) {
	var where places
	for _, f := range found {
		where.add(store.Located{Item: f.Item, Subject: f.Subject, Type: q.Type}, q.N)
	}
	got := make(map[store.ItemID]*store.Version, len(found))
	if err := db.at(ctx, where, func(_ int64, v *store.Version) { got[v.Item] = v }); err != nil {
		return nil, err
	}
	out := found[:0]
	for _, f := range found {
		v := got[f.Item]
		if v == nil { // it was moved to another subject just now
			var err error
			if v, err = db.Read(ctx, q.Type, f.ID, q.N, p); fault.Is(err, fault.NotFound) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		if f.Version = v; !v.Deleted && p.Shows(&v.Columns) {
			out = append(out, f)
		}
	}
	return out, nil
}
