package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/auth"
	"selda/fault"
	"selda/internal/seal"
	"selda/nhs"
)

var _ auth.Table = (*DB)(nil)

const accountWait = 20 * time.Second

const accountColumns = `username, version, role, organisation, words, person, body`

func (db *DB) keptAccounts(sql string, args ...any) (out []auth.Kept, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err = db.rows(ctx, func(r pgx.Rows) error {
		var k auth.Kept
		err := r.Scan(&k.User, &k.Version, &k.Role, &k.Organisation, &k.Words, &k.Person, &k.Body)
		out = append(out, k)
		return err
	}, sql, args...)
	return out, err
}

// Account is auth.Table's.
func (db *DB) Account(user string) (auth.Kept, bool, error) {
	list, err := db.keptAccounts(`SELECT `+accountColumns+` FROM account WHERE username=$1`, user)
	if err != nil || len(list) == 0 {
		return auth.Kept{}, false, err
	}
	return list[0], true, nil
}

// Accounts is auth.Table's.
func (db *DB) Accounts(q auth.Query) ([]auth.Kept, error) {
	sql, args := strings.Builder{}, []any{q.After}
	sql.WriteString(`SELECT ` + accountColumns + ` FROM account WHERE username>$1`)
	and := func(what string, arg any) {
		args = append(args, arg)
		fmt.Fprintf(&sql, what, len(args))
	}
	if q.Working {
		sql.WriteString(` AND organisation<>''`)
	}
	if q.Organisation != "" {
		and(` AND organisation<>'' AND organisation=$%d`, string(q.Organisation))
	}
	if q.Person != "" {
		and(` AND person<>'' AND person=$%d`, q.Person)
	}
	for _, w := range q.Words {
		and(` AND strpos(words, $%d)>0`, clean(w))
	}
	sql.WriteString(` ORDER BY username`)
	if q.Limit > 0 {
		and(` LIMIT $%d`, q.Limit)
	}
	return db.keptAccounts(sql.String(), args...)
}

// SaveAccounts is auth.Table's. Rows are taken in the order of their names, and the counts
// last, so that of two who save none waits for the other in a circle.
func (db *DB) SaveAccounts(list ...auth.Kept) error {
	const op = "postgres.SaveAccounts"
	if len(list) == 0 {
		return nil
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b auth.Kept) int { return strings.Compare(a.User, b.User) })
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err := db.beside(ctx, func(tx pgx.Tx) error {
		more, err := heldAccounts(ctx, tx, list)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		for i := range list {
			k := &list[i]
			more[auth.Count{Organisation: k.Organisation, Role: k.Role}]++
			args := []any{k.User, k.Version, string(k.Role), string(k.Organisation), clean(k.Words), k.Person, seal.ID(k.Body), k.Body}
			if k.Version == 0 {
				b.Queue(`INSERT INTO account(username, version, role, organisation, words, person, sealed, body) VALUES($1, $2+1, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`, args...)
			} else {
				b.Queue(`UPDATE account SET version=version+1, role=$3, organisation=$4, words=$5, person=$6, sealed=$7, body=$8 WHERE username=$1 AND version=$2`, args...)
			}
		}
		sent := tx.SendBatch(ctx, b)
		for range list {
			tag, err := sent.Exec()
			if err == nil && tag.RowsAffected() == 0 {
				err = fault.E(op, fault.Conflict, "another one is kept under that user name by now")
			}
			if err != nil {
				_ = sent.Close()
				return err
			}
		}
		if err := sent.Close(); err != nil {
			return err
		}
		return countAccounts(ctx, tx, more)
	})
	if err != nil {
		return fault.E(op, err)
	}
	return nil
}

// heldAccounts holds the rows that are there of those that are to be saved, and says how
// many fewer of their kinds there are without them.
func heldAccounts(ctx context.Context, tx pgx.Tx, list []auth.Kept) (map[auth.Count]int, error) {
	var users []string
	for i := range list {
		if list[i].Version > 0 {
			users = append(users, list[i].User)
		}
	}
	more := map[auth.Count]int{}
	if users == nil {
		return more, nil
	}
	held, err := tx.Query(ctx, `SELECT organisation, role FROM account WHERE username=ANY($1) ORDER BY username FOR UPDATE`, users)
	if err != nil {
		return nil, err
	}
	return more, each(held, func(r pgx.Rows) error {
		var c auth.Count
		err := r.Scan(&c.Organisation, &c.Role)
		more[c]--
		return err
	})
}

func countAccounts(ctx context.Context, tx pgx.Tx, more map[auth.Count]int) error {
	var changed []auth.Count
	for c, n := range more {
		if n != 0 {
			changed = append(changed, auth.Count{Organisation: c.Organisation, Role: c.Role, N: n})
		}
	}
	slices.SortFunc(changed, func(a, b auth.Count) int {
		return strings.Compare(string(a.Organisation)+" "+string(a.Role), string(b.Organisation)+" "+string(b.Role))
	})
	b := &pgx.Batch{}
	for _, c := range changed {
		b.Queue(`INSERT INTO account_count AS c(organisation, role, n) VALUES($1, $2, $3) ON CONFLICT(organisation, role) DO UPDATE SET n=c.n+excluded.n`, string(c.Organisation), string(c.Role), c.N)
	}
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, b).Close()
}

// RemoveAccount is auth.Table's.
func (db *DB) RemoveAccount(user string) (there bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	tag, err := db.writers.Exec(ctx, `WITH gone AS (DELETE FROM account WHERE username=$1 RETURNING organisation, role)
		UPDATE account_count c SET n=c.n-1 FROM gone WHERE c.organisation=gone.organisation AND c.role=gone.role`, user)
	if err != nil {
		return false, fault.E("postgres.RemoveAccount", fault.NoStore, err)
	}
	return tag.RowsAffected() > 0, nil
}

// CountAccounts is auth.Table's.
func (db *DB) CountAccounts(o nhs.ODS) (out []auth.Count, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err = db.rows(ctx, func(r pgx.Rows) error {
		var c auth.Count
		err := r.Scan(&c.Organisation, &c.Role, &c.N)
		out = append(out, c)
		return err
	}, `SELECT organisation, role, n FROM account_count WHERE ($1='' OR organisation=$1) AND n>0`, string(o))
	return out, err
}

// AccountKeys are the ids of the keys that accounts are sealed by, "" of what is in the
// clear.
func (db *DB) AccountKeys() (ids []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err = db.rows(ctx, func(r pgx.Rows) error { // from key to key, however many accounts each has
		var id string
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, `WITH RECURSIVE k(id) AS (SELECT min(sealed) FROM account UNION ALL SELECT (SELECT min(sealed) FROM account WHERE sealed>k.id) FROM k WHERE k.id IS NOT NULL)
		SELECT id FROM k WHERE id IS NOT NULL`)
	return ids, err
}

// AccountsUnder are some accounts that are sealed by a key.
func (db *DB) AccountsUnder(key string, limit int) ([]auth.Kept, error) {
	return db.keptAccounts(`SELECT `+accountColumns+` FROM account WHERE sealed=$1 LIMIT $2`, key, limit)
}
