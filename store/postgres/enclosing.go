package postgres

import (
	"context"

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

// withBodies reads the versions of what was found.
func (db *DB) withBodies(ctx context.Context, q store.Query, p *policy.Predicate, found []store.Found) error {
	for i := range found {
		v, err := db.Read(ctx, q.Type, found[i].ID, q.N, p)
		if err != nil {
			return err
		}
		found[i].Version = v
	}
	return nil
}
