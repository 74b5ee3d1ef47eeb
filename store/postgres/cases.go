package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"selda/access"
	"selda/fault"
	"selda/rights"
)

var _ access.Cases = (*DB)(nil)

// Cases is access.Cases'.
func (db *DB) Cases(ctx context.Context, q access.CaseQuery) (out []rights.Case, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		var version int64
		var body []byte
		if err := r.Scan(&version, &body); err != nil {
			return err
		}
		var c rights.Case
		if err := json.Unmarshal(body, &c); err != nil {
			return fault.E("store.Cases", fault.Exception, "a case can't be read")
		}
		c.Version = version
		out = append(out, c)
		return nil
	}, `SELECT version, body FROM rights_case WHERE ($1='' OR id=$1) AND ($2::text[] IS NULL OR citizen=ANY($2)) AND ($3='' OR controller=$3) AND (NOT $4 OR NOT closed)`,
		q.ID, q.Citizens, string(q.Controller), q.Open)
	return rights.Oldest(out, q.Limit), err
}

// SaveCase is access.Cases'.
func (db *DB) SaveCase(ctx context.Context, c rights.Case) (rights.Case, error) {
	const op = "store.SaveCase"
	body, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	sql := `UPDATE rights_case SET version=version+1, citizen=$2, controller=$3, closed=$4, body=$5 WHERE id=$1 AND version=$6`
	if c.Version == 0 {
		sql = `INSERT INTO rights_case(id, version, citizen, controller, closed, body) SELECT $1, $6+1, $2, $3, $4, $5 ON CONFLICT DO NOTHING`
	}
	tag, err := db.writers.Exec(ctx, sql, c.ID, c.Asked.Citizen, string(c.Controller), c.State == rights.Closed, body, c.Version)
	if err != nil {
		return c, fault.E(op, fault.NoStore, err)
	}
	if tag.RowsAffected() == 0 {
		return c, fault.E(op, fault.Conflict, "somebody else has changed the case meanwhile: look again")
	}
	c.Version++
	return c, nil
}

// SaveFile is access.Cases'.
func (db *DB) SaveFile(ctx context.Context, id, name string, content []byte) error {
	_, err := db.writers.Exec(ctx, `INSERT INTO rights_file(id, name, content) VALUES($1, $2, $3) ON CONFLICT(id, name) DO UPDATE SET content=excluded.content`, id, name, content)
	if err != nil {
		return fault.E("store.SaveFile", fault.NoStore, err)
	}
	return nil
}

// CaseFile is access.Cases'.
func (db *DB) CaseFile(ctx context.Context, id, name string) (content []byte, err error) {
	found := false
	err = db.rows(ctx, func(r pgx.Rows) error { found = true; return r.Scan(&content) }, `SELECT content FROM rights_file WHERE id=$1 AND name=$2`, id, name)
	if err == nil && !found {
		err = fault.E("store.CaseFile", fault.NotFound, "there is no such file")
	}
	return content, err
}
