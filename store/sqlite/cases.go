package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"selda/access"
	"selda/fault"
	"selda/rights"
)

var _ access.Cases = (*DB)(nil)

// casesSchema are the cases of rights, and what was given out in them. Added to a database of any age.
const casesSchema = `
CREATE TABLE IF NOT EXISTS rights_case(id TEXT PRIMARY KEY, version INTEGER NOT NULL, citizen TEXT NOT NULL, controller TEXT NOT NULL, closed INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rights_case_citizen ON rights_case(citizen);
CREATE INDEX IF NOT EXISTS rights_case_controller ON rights_case(controller, closed);
CREATE TABLE IF NOT EXISTS rights_file(id TEXT NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY(id, name)) WITHOUT ROWID;
`

// Cases is access.Cases'.
func (db *DB) Cases(ctx context.Context, q access.CaseQuery) (out []rights.Case, err error) {
	sql, args := `SELECT version, body FROM rights_case WHERE 1`, []any{}
	if q.ID != "" {
		sql, args = sql+` AND id=?`, append(args, q.ID)
	}
	if q.Citizens != nil {
		sql += ` AND citizen IN (` + strings.TrimSuffix(strings.Repeat(`?,`, len(q.Citizens)), ",") + `)`
		for _, c := range q.Citizens {
			args = append(args, c)
		}
	}
	if q.Controller != "" {
		sql, args = sql+` AND controller=?`, append(args, string(q.Controller))
	}
	if q.Open {
		sql += ` AND closed=0`
	}
	err = db.read(ctx, func(c *conn) error {
		s, _, err := c.Prepare(sql)
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		for bind(s, args); s.Step(); {
			k, err := caseOf(s.ColumnInt64(0), s.ColumnRawBlob(1))
			if err != nil {
				return err
			}
			out = append(out, k)
		}
		return s.Err()
	})
	return rights.Oldest(out, q.Limit), err
}

func caseOf(version int64, body []byte) (c rights.Case, err error) {
	if err := json.Unmarshal(body, &c); err != nil {
		return c, fault.E("store.Cases", fault.Exception, "a case can't be read")
	}
	c.Version = version
	return c, nil
}

// SaveCase is access.Cases'.
func (db *DB) SaveCase(ctx context.Context, c rights.Case) (rights.Case, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	err = db.Write(ctx, func(tx *Tx) error {
		if c.Version == 0 {
			err := tx.run(`INSERT INTO rights_case(id, version, citizen, controller, closed, body) VALUES(?, 1, ?, ?, ?, ?)`,
				c.ID, c.Asked.Citizen, string(c.Controller), c.State == rights.Closed, body)
			return conflicting(err, 1)
		}
		err := tx.run(`UPDATE rights_case SET version=version+1, citizen=?, controller=?, closed=?, body=? WHERE id=? AND version=?`,
			c.Asked.Citizen, string(c.Controller), c.State == rights.Closed, body, c.ID, c.Version)
		return conflicting(err, tx.c.Changes())
	})
	c.Version++
	return c, err
}

func conflicting(err error, changed int64) error {
	if err != nil && !errors.Is(err, sqlite3.CONSTRAINT) {
		return err
	}
	if err != nil || changed == 0 {
		return fault.E("store.SaveCase", fault.Conflict, "somebody else has changed the case meanwhile: look again")
	}
	return nil
}

// SaveFile is access.Cases'.
func (db *DB) SaveFile(ctx context.Context, id, name string, content []byte) error {
	return db.Write(ctx, func(tx *Tx) error {
		return tx.run(`INSERT OR REPLACE INTO rights_file(id, name, content) VALUES(?, ?, ?)`, id, name, content)
	})
}

// CaseFile is access.Cases'.
func (db *DB) CaseFile(ctx context.Context, id, name string) (content []byte, err error) {
	found := false
	err = db.read(ctx, func(c *conn) error {
		s := bind(c.stmt(`SELECT content FROM rights_file WHERE id=? AND name=?`), []any{id, name})
		return rows(s, func() error { content, found = s.ColumnBlob(0, nil), true; return nil })
	})
	if err == nil && !found {
		err = fault.E("store.CaseFile", fault.NotFound, "there is no such file")
	}
	return content, err
}
