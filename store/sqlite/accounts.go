package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"

	"selda/auth"
	"selda/fault"
	"selda/internal/seal"
	"selda/nhs"
)

var _ auth.Table = (*DB)(nil)

// accountSchema are the accounts. `sealed` is the id of the key that the body is sealed
// by. Those of professionals are found by their organisation; of citizens there are many.
// Added to a database of any age.
const accountSchema = `
CREATE TABLE IF NOT EXISTS account(id INTEGER PRIMARY KEY, user TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, role TEXT NOT NULL, organisation TEXT NOT NULL, words TEXT NOT NULL,
  person TEXT NOT NULL, sealed TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS account_working ON account(user) WHERE organisation<>'';
CREATE INDEX IF NOT EXISTS account_organisation ON account(organisation, user) WHERE organisation<>'';
CREATE INDEX IF NOT EXISTS account_person ON account(person, user) WHERE person<>'';
CREATE INDEX IF NOT EXISTS account_sealed ON account(sealed);
CREATE TABLE IF NOT EXISTS account_count(organisation TEXT NOT NULL, role TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(organisation, role)) WITHOUT ROWID;
`

// accountWait is how long a question for an account may wait for its turn.
const accountWait = 20 * time.Second

const accountColumns = `user, version, role, organisation, words, person, body`

func keptOf(s *sqlite3.Stmt) auth.Kept {
	return auth.Kept{User: s.ColumnText(0), Version: s.ColumnInt64(1), Role: nhs.Role(s.ColumnText(2)), Organisation: nhs.ODS(s.ColumnText(3)),
		Words: s.ColumnText(4), Person: s.ColumnText(5), Body: s.ColumnBlob(6, nil)}
}

func (db *DB) keptAccounts(sql string, args ...any) (out []auth.Kept, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err = db.read(ctx, func(c *conn) error {
		s := bind(c.stmt(sql), args)
		return rows(s, func() error { out = append(out, keptOf(s)); return nil })
	})
	if err != nil {
		return nil, fault.E("sqlite.Accounts", fault.NoStore, err)
	}
	return out, nil
}

// Account is auth.Table's.
func (db *DB) Account(user string) (auth.Kept, bool, error) {
	list, err := db.keptAccounts(`SELECT `+accountColumns+` FROM account WHERE user=?`, user)
	if err != nil || len(list) == 0 {
		return auth.Kept{}, false, err
	}
	return list[0], true, nil
}

// Accounts is auth.Table's.
func (db *DB) Accounts(q auth.Query) ([]auth.Kept, error) {
	sql, args := `SELECT `+accountColumns+` FROM account WHERE user>?`, []any{q.After}
	if q.Working {
		sql += ` AND organisation<>''`
	}
	if q.Organisation != "" {
		sql, args = sql+` AND organisation<>'' AND organisation=?`, append(args, string(q.Organisation))
	}
	if q.Person != "" {
		sql, args = sql+` AND person<>'' AND person=?`, append(args, q.Person)
	}
	for _, w := range q.Words {
		sql, args = sql+` AND instr(words, ?)>0`, append(args, w)
	}
	if sql += ` ORDER BY user`; q.Limit > 0 {
		sql, args = sql+` LIMIT ?`, append(args, q.Limit)
	}
	return db.keptAccounts(sql, args...)
}

// SaveAccounts is auth.Table's.
func (db *DB) SaveAccounts(list ...auth.Kept) error {
	const op = "sqlite.SaveAccounts"
	if len(list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err := db.Write(ctx, func(tx *Tx) error {
		more := map[auth.Count]int{}
		for i := range list {
			if err := tx.saveAccount(&list[i], more); err != nil {
				return err
			}
		}
		return tx.countAccounts(more)
	})
	if err != nil && fault.KindOf(err) != fault.Conflict {
		err = fault.E(op, fault.NoStore, err)
	}
	return err
}

// saveAccount writes one, and notes how many more of its kind there are then.
func (tx *Tx) saveAccount(k *auth.Kept, more map[auth.Count]int) error {
	taken := fault.E("sqlite.SaveAccounts", fault.Conflict, "another one is kept under that user name by now")
	more[auth.Count{Organisation: k.Organisation, Role: k.Role}]++
	if k.Version == 0 {
		err := tx.run(`INSERT INTO account(user, version, role, organisation, words, person, sealed, body) VALUES(?, 1, ?, ?, ?, ?, ?, ?)`,
			k.User, string(k.Role), string(k.Organisation), k.Words, k.Person, seal.ID(k.Body), k.Body)
		if errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) {
			return taken
		}
		return err
	}
	s := bind(tx.c.stmt(`SELECT organisation, role FROM account WHERE user=? AND version=?`), []any{k.User, k.Version})
	old, err := auth.Count{}, taken
	if s.Step() {
		old, err = auth.Count{Organisation: nhs.ODS(s.ColumnText(0)), Role: nhs.Role(s.ColumnText(1))}, nil
	}
	if e := errors.Join(s.Err(), s.Reset()); e != nil {
		return e
	}
	if err != nil {
		return err
	}
	more[old]--
	return tx.run(`UPDATE account SET version=version+1, role=?, organisation=?, words=?, person=?, sealed=?, body=? WHERE user=?`,
		string(k.Role), string(k.Organisation), k.Words, k.Person, seal.ID(k.Body), k.Body, k.User)
}

func (tx *Tx) countAccounts(more map[auth.Count]int) error {
	for c, n := range more {
		if n == 0 {
			continue
		}
		if err := tx.run(`INSERT INTO account_count(organisation, role, n) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET n=n+excluded.n`, string(c.Organisation), string(c.Role), n); err != nil {
			return err
		}
	}
	return nil
}

// RemoveAccount is auth.Table's.
func (db *DB) RemoveAccount(user string) (there bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err = db.Write(ctx, func(tx *Tx) error {
		if err := tx.run(`UPDATE account_count SET n=n-1 WHERE (organisation, role)=(SELECT organisation, role FROM account WHERE user=?)`, user); err != nil {
			return err
		}
		err := tx.run(`DELETE FROM account WHERE user=?`, user)
		there = tx.c.Changes() > 0
		return err
	})
	if err != nil {
		return false, fault.E("sqlite.RemoveAccount", fault.NoStore, err)
	}
	return there, nil
}

// CountAccounts is auth.Table's.
func (db *DB) CountAccounts(o nhs.ODS) (out []auth.Count, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err = db.read(ctx, func(c *conn) error {
		s := bind(c.stmt(`SELECT organisation, role, n FROM account_count WHERE (?1='' OR organisation=?1) AND n>0`), []any{string(o)})
		return rows(s, func() error {
			out = append(out, auth.Count{Organisation: nhs.ODS(s.ColumnText(0)), Role: nhs.Role(s.ColumnText(1)), N: s.ColumnInt(2)})
			return nil
		})
	})
	if err != nil {
		return nil, fault.E("sqlite.CountAccounts", fault.NoStore, err)
	}
	return out, nil
}

// AccountKeys are the ids of the keys that accounts are sealed by, "" of what is in the
// clear.
func (db *DB) AccountKeys() (ids []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), accountWait)
	defer cancel()
	err = db.read(ctx, func(c *conn) error { // from key to key, however many accounts each has
		s := c.stmt(`WITH RECURSIVE k(id) AS (SELECT min(sealed) FROM account UNION ALL SELECT (SELECT min(sealed) FROM account WHERE sealed>k.id) FROM k WHERE k.id IS NOT NULL)
			SELECT id FROM k WHERE id IS NOT NULL`)
		return rows(s, func() error { ids = append(ids, s.ColumnText(0)); return nil })
	})
	if err != nil {
		return nil, fault.E("sqlite.AccountKeys", fault.NoStore, err)
	}
	return ids, nil
}

// AccountsUnder are some accounts that are sealed by a key.
func (db *DB) AccountsUnder(key string, limit int) ([]auth.Kept, error) {
	return db.keptAccounts(`SELECT `+accountColumns+` FROM account WHERE sealed=? LIMIT ?`, key, limit)
}
