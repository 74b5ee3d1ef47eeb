package sqlite

import (
	"context"
	"time"

	"selda/access"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

var (
	_ access.Claims = (*DB)(nil)
	_ access.Owners = (*DB)(nil)
)

// ClaimsOf is access.Claims'.
func (db *DB) ClaimsOf(ctx context.Context, subjects []store.Subject) (out []policy.Claim, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := c.stmt(`SELECT user, organisation, emergency, reason, from_at, to_at FROM claim WHERE subject=? ORDER BY id`)
		for _, subject := range subjects {
			_ = s.BindInt64(1, int64(subject))
			if err := rows(s, func() error {
				out = append(out, policy.Claim{User: s.ColumnText(0), Organisation: nhs.ODS(s.ColumnText(1)), Emergency: s.ColumnBool(2), Reason: s.ColumnText(3),
					From: time.UnixMilli(s.ColumnInt64(4)).UTC(), To: time.UnixMilli(s.ColumnInt64(5)).UTC()})
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// AddClaim is access.Claims'.
func (db *DB) AddClaim(ctx context.Context, subject store.Subject, cl policy.Claim) error {
	return db.Write(ctx, func(tx *Tx) error {
		s := tx.c.stmt(`INSERT INTO claim(subject, id, user, organisation, emergency, reason, from_at, to_at)
			VALUES(?1, (SELECT coalesce(max(id), 0)+1 FROM claim WHERE subject=?1), ?2, ?3, ?4, ?5, ?6, ?7)`)
		_ = s.BindInt64(1, int64(subject))
		_ = s.BindText(2, cl.User)
		_ = s.BindText(3, string(cl.Organisation))
		_ = s.BindBool(4, cl.Emergency)
		_ = s.BindText(5, cl.Reason)
		_ = s.BindInt64(6, cl.From.UnixMilli())
		_ = s.BindInt64(7, cl.To.UnixMilli())
		return s.Exec()
	})
}

// Owner is access.Owners'.
func (db *DB) Owner(ctx context.Context, typ, id string) (s store.Subject, err error) {
	err = db.read(ctx, func(c *conn) error {
		l, err := db.locate(c, typ, id)
		s = l.Subject
		return err
	})
	return s, err
}
