package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"selda/mpi"
	"selda/store"
	"selda/store/adapter"
)

// This file answers of many at once what a search of a caseload asks.

const sqlCitizens = `SELECT l.citizen, l.subject, s.source FROM link l JOIN subject s ON s.id=l.subject
	WHERE l.to_n IS NULL AND l.citizen IN (SELECT citizen FROM link WHERE subject = ANY($1) AND to_n IS NULL) ORDER BY l.citizen, l.subject`

// Citizens is mpi.Index's.
func (db *DB) Citizens(ctx context.Context, subjects []store.Subject) (out []mpi.Found, err error) {
	list := make([]int64, len(subjects))
	for i, s := range subjects {
		list[i] = int64(s)
	}
	err = db.rows(ctx, func(r pgx.Rows) error {
		var citizen store.Citizen
		var k mpi.Known
		var source int32
		if err := r.Scan(&citizen, &k.Subject, &source); err != nil {
			return err
		}
		var err error
		if k.Source, err = db.sourceName(ctx, source); err != nil {
			return err
		}
		if n := len(out); n == 0 || out[n-1].Citizen != citizen {
			out = append(out, mpi.Found{Citizen: citizen, ID: db.ids.Encode(adapter.Citizen, int64(citizen))})
		}
		f := &out[len(out)-1]
		f.Subjects = append(f.Subjects, k)
		return nil
	}, sqlCitizens, list)
	return out, err
}

// OwnersOf is access.Owners'.
func (db *DB) OwnersOf(ctx context.Context, items []store.ItemID) (out []store.Subject, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		var s store.Subject
		err := r.Scan(&s)
		out = append(out, s)
		return err
	}, `SELECT DISTINCT subject FROM locator WHERE item = ANY($1)`, numbers(items))
	return out, err
}
