package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/access"
	"selda/policy"
	"selda/store"
)

var (
	_ access.Claims = (*DB)(nil)
	_ access.Owners = (*DB)(nil)
)

// ClaimsOf is access.Claims'.
func (db *DB) ClaimsOf(ctx context.Context, subjects []store.Subject) (out []policy.Claim, err error) {
	list := make([]int64, len(subjects))
	for i, s := range subjects {
		list[i] = int64(s)
	}
	err = db.rows(ctx, func(r pgx.Rows) error {
		var c policy.Claim
		var from, to int64
		err := r.Scan(&c.User, &c.Organisation, &c.Emergency, &c.Reason, &from, &to)
		c.From, c.To = time.UnixMilli(from).UTC(), time.UnixMilli(to).UTC()
		out = append(out, c)
		return err
	}, `SELECT username, organisation, emergency, reason, from_at, to_at FROM claim WHERE subject = ANY($1) ORDER BY subject, id`, list)
	return out, err
}

// AddClaim is access.Claims'.
func (db *DB) AddClaim(ctx context.Context, subject store.Subject, c policy.Claim) error {
	return db.Write(ctx, func(tx *Tx) error {
		tx.do(`INSERT INTO claim(subject, id, username, organisation, emergency, reason, from_at, to_at)
			SELECT $1, coalesce(max(id), 0)+1, $2, $3, $4, $5, $6, $7 FROM claim WHERE subject=$1`,
			int64(subject), clean(c.User), string(c.Organisation), c.Emergency, clean(c.Reason), c.From.UnixMilli(), c.To.UnixMilli())
		return nil
	})
}
