package sqlite

import (
	"context"
	"errors"

	"selda/fault"
	"selda/mpi"
	"selda/store"
	"selda/store/adapter"
)

// This file answers of many at once what a search of a caseload asks.

// Citizens is mpi.Index's.
func (db *DB) Citizens(ctx context.Context, subjects []store.Subject) (out []mpi.Found, err error) {
	err = db.read(ctx, func(c *conn) error {
		seen := make(map[store.Subject]bool, len(subjects))
		for _, s := range subjects {
			if seen[s] {
				continue
			}
			citizen, err := citizenOf(c, s)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			f := mpi.Found{Citizen: citizen, ID: db.ids.Encode(adapter.Citizen, int64(citizen))}
			if f.Subjects, err = db.subjectsAt(c, citizen, store.Latest); err != nil {
				return err
			}
			for _, k := range f.Subjects {
				seen[k.Subject] = true
			}
			out = append(out, f)
		}
		return nil
	})
	return out, err
}

// OwnersOf is access.Owners'.
func (db *DB) OwnersOf(ctx context.Context, items []store.ItemID) (out []store.Subject, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT subject FROM locator WHERE item=?`)
		seen := map[store.Subject]bool{}
		for _, i := range items {
			_ = s.BindInt64(1, int64(i))
			if s.Step() {
				if subject := store.Subject(s.ColumnInt64(0)); !seen[subject] {
					seen[subject] = true
					out = append(out, subject)
				}
			}
			if err := errors.Join(s.Err(), s.Reset()); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
