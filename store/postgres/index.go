package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fhir"
	"selda/mpi"
	"selda/store"
	"selda/store/adapter"
)

// This file answers who is one citizen: mpi.Index.

var _ mpi.Index = (*DB)(nil)

const (
	sqlIdentified = `SELECT subject, source FROM identity WHERE system=$1 AND value=$2 ORDER BY subject`
	sqlCitizenOf  = `SELECT citizen FROM link WHERE subject=$1 AND to_n IS NULL`

	// Whether two citizens, or any that were merged into them, are kept apart by
	// what happened before an n; a severance has a negative one.
	sqlApart = `WITH
		x(c) AS (SELECT $1::bigint UNION SELECT o.citizen FROM link l JOIN link o ON o.subject=l.subject WHERE l.citizen=$1 AND l.to_n IS NULL
			AND NOT EXISTS (SELECT 1 FROM link h WHERE h.citizen=o.citizen AND h.to_n IS NULL)),
		y(c) AS (SELECT $2::bigint UNION SELECT o.citizen FROM link l JOIN link o ON o.subject=l.subject WHERE l.citizen=$2 AND l.to_n IS NULL
			AND NOT EXISTS (SELECT 1 FROM link h WHERE h.citizen=o.citizen AND h.to_n IS NULL))
		SELECT EXISTS (SELECT 1 FROM x CROSS JOIN y JOIN severed s ON s.a=least(x.c, y.c) AND s.b=greatest(x.c, y.c) WHERE s.n<$3)`

	sqlSubjectsAt = `SELECT l.subject, s.source FROM link l JOIN subject s ON s.id=l.subject
		WHERE l.citizen=$1 AND l.from_n<=$2 AND (l.to_n IS NULL OR l.to_n>$2) ORDER BY l.subject`

	// The citizen that a merged-away one's subjects were with as at n. A subject
	// that was severed since leads nowhere (G14).
	sqlSurvivor = `SELECT l.citizen FROM link o JOIN link l ON l.subject=o.subject AND l.from_n>o.from_n
		WHERE o.citizen=$1 AND l.from_n<=$2 AND (l.to_n IS NULL OR l.to_n>$2) AND NOT EXISTS (
			SELECT 1 FROM link x JOIN link y ON y.subject=x.subject AND y.from_n=x.to_n
			JOIN severed v ON v.a=least(x.citizen, y.citizen) AND v.b=greatest(x.citizen, y.citizen) AND v.n<0
			WHERE x.subject=o.subject AND x.from_n>=o.from_n)
		ORDER BY o.to_n DESC NULLS LAST LIMIT 1`
)

// addKnown adds a subject with its source.
func (db *DB) addKnown(ctx context.Context, r pgx.Rows, out *[]mpi.Known) error {
	var s store.Subject
	var source int32
	if err := r.Scan(&s, &source); err != nil {
		return err
	}
	name, err := db.sourceName(ctx, source)
	*out = append(*out, mpi.Known{Subject: s, Source: name})
	return err
}

// Citizen is mpi.Index's.
func (db *DB) Citizen(ctx context.Context, id string, n uint64) (f mpi.Found, err error) {
	num, ok := db.ids.Decode(adapter.Citizen, id)
	if !ok {
		return f, errUnknown
	}
	f.Citizen = store.Citizen(num)
	if f.Subjects, err = db.subjectsAt(ctx, f.Citizen, n); err != nil {
		return f, err
	}
	if len(f.Subjects) == 0 {
		next, err := db.int64(ctx, sqlSurvivor, num, at(n))
		if err != nil {
			return f, err
		}
		f.Citizen = store.Citizen(next)
		if f.Subjects, err = db.subjectsAt(ctx, f.Citizen, n); err != nil {
			return f, err
		}
	}
	if len(f.Subjects) == 0 {
		return f, errUnknown
	}
	f.ID = db.ids.Encode(adapter.Citizen, int64(f.Citizen))
	return f, nil
}

// at is an n as a column holds it.
func at(n uint64) int64 { return int64(min(n, 1<<62)) }

func (db *DB) subjectsAt(ctx context.Context, c store.Citizen, n uint64) (out []mpi.Known, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error { return db.addKnown(ctx, r, &out) }, sqlSubjectsAt, int64(c), at(n))
	return out, err
}

// Former is mpi.Index's.
func (db *DB) Former(ctx context.Context, c mpi.Found) ([]string, error) {
	subjects := make([]int64, len(c.Subjects))
	for i, one := range c.Subjects {
		subjects[i] = int64(one.Subject)
	}
	var ids []string
	if err := db.rows(ctx, func(r pgx.Rows) error {
		var n int64
		err := r.Scan(&n)
		ids = append(ids, db.ids.Encode(adapter.Citizen, n))
		return err
	}, `SELECT DISTINCT citizen FROM link WHERE subject=ANY($1) AND citizen<>$2`, subjects, int64(c.Citizen)); err != nil {
		return nil, err
	}
	return adapter.Former(ctx, db, c, ids)
}

// CitizenID is mpi.Index's.
func (db *DB) CitizenID(ctx context.Context, s store.Subject) (string, error) {
	c, err := db.citizenOf(ctx, s)
	if err != nil {
		return "", err
	}
	return db.ids.Encode(adapter.Citizen, int64(c)), nil
}

func (db *DB) citizenOf(ctx context.Context, s store.Subject) (store.Citizen, error) {
	c, err := db.int64(ctx, sqlCitizenOf, int64(s))
	if err == nil && c == 0 {
		err = errUnknown
	}
	return store.Citizen(c), err
}

// ByIdentity is mpi.Index's.
func (db *DB) ByIdentity(ctx context.Context, system, value string) (out []mpi.Known, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error { return db.addKnown(ctx, r, &out) }, sqlIdentified, clean(system), clean(value))
	return out, err
}

// chunk is how many rows of a list are read at once.
const chunk = 200

// Events is mpi.Index's. A severance, and what had joined the pair before,
// are not listed (G14).
func (db *DB) Events(ctx context.Context, limit int) (out []mpi.Event, err error) {
	severances, err := db.int64(ctx, `SELECT count(*) FROM severed WHERE n<0`)
	if err != nil {
		return nil, err
	}
	for before := int64(1) << 62; len(out) < limit; {
		var list []mpi.Event
		err := db.rows(ctx, func(r pgx.Rows) error {
			e, err := scanEvent(r)
			list = append(list, e)
			return err
		}, `SELECT `+eventColumns+` FROM link_event WHERE kind<>'sever' AND id<$1 ORDER BY id DESC LIMIT $2`, before, chunk)
		if err != nil || len(list) == 0 {
			return out, err
		}
		before = list[len(list)-1].ID
		for _, e := range list {
			cut := false
			if severances > 0 {
				if cut, err = db.acrossSeverance(ctx, e.Moves); err != nil {
					return out, err
				}
			}
			if !cut && len(out) < limit {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

// acrossSeverance says whether a subject has been severed from a citizen that
// it was moved from or to.
func (db *DB) acrossSeverance(ctx context.Context, moves []mpi.Move) (bool, error) {
	for _, m := range moves {
		now, err := db.citizenOf(ctx, m.Subject)
		if err != nil {
			return false, err
		}
		for _, other := range []store.Citizen{m.From, m.To} {
			if cut, err := db.apart(ctx, now, other, 0); err != nil || cut {
				return cut, err
			}
		}
	}
	return false, nil
}

func (db *DB) apart(ctx context.Context, a, b store.Citizen, before int64) (apart bool, err error) {
	if a == b {
		return false, nil
	}
	err = db.readers.QueryRow(ctx, sqlApart, int64(a), int64(b), before).Scan(&apart)
	return apart, err
}

// Reviews is mpi.Index's. A pair that is kept apart by now is not listed (G14).
func (db *DB) Reviews(ctx context.Context, limit int) (out []mpi.Review, err error) {
	for before := int64(1) << 62; len(out) < limit; {
		var list []mpi.Review
		err := db.rows(ctx, func(r pgx.Rows) error {
			var v mpi.Review
			var at int64
			err := r.Scan(&v.ID, &at, &v.Subject, &v.Other, &v.Rule, &v.Reason, &v.State)
			v.At = time.UnixMilli(at).UTC()
			list = append(list, v)
			return err
		}, `SELECT id, at, subject, other, rule, reason, state FROM review WHERE state='open' AND id<$1 ORDER BY id DESC LIMIT $2`, before, chunk)
		if err != nil || len(list) == 0 {
			return out, err
		}
		before = list[len(list)-1].ID
		for _, v := range list {
			cut, err := db.keptApart(ctx, v.Subject, v.Other)
			if err != nil {
				return out, err
			}
			if !cut && len(out) < limit {
				out = append(out, v)
			}
		}
	}
	return out, nil
}

// keptApart says whether the citizens of two subjects are kept apart.
func (db *DB) keptApart(ctx context.Context, a, b store.Subject) (bool, error) {
	if a == 0 || b == 0 {
		return false, nil
	}
	x, err := db.citizenOf(ctx, a)
	if err != nil {
		return false, err
	}
	y, err := db.citizenOf(ctx, b)
	if err != nil {
		return false, err
	}
	return db.apart(ctx, x, y, 1<<62)
}

// Owner is access.Owners'.
func (db *DB) Owner(ctx context.Context, typ, id string) (store.Subject, error) {
	t := fhir.TypeNumber(typ)
	item, arg := db.named(id)
	s := store.Subject(-1)
	err := db.rows(ctx, func(r pgx.Rows) error { return r.Scan(&s) }, `SELECT subject FROM locator WHERE item=`+item+` AND type=$2`, arg, int16(t))
	if err == nil && s < 0 {
		return 0, errUnknown
	}
	return s, err
}
