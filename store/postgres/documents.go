package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/internal/document"
)

// Documents are the region's small documents, which every node reads.
type Documents struct{ db *DB }

var _ document.Store = Documents{}

// Documents gives access to them.
func (db *DB) Documents() Documents { return Documents{db} }

const documentWait = 20 * time.Second

// Load is document.Store's.
func (d Documents) Load(name string) (content []byte, version int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), documentWait)
	defer cancel()
	err = d.db.rows(ctx, func(r pgx.Rows) error { return r.Scan(&content, &version) }, `SELECT content, version FROM document WHERE name=$1`, name)
	return content, version, err
}

// Save is document.Store's.
func (d Documents) Save(name string, content []byte, version int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), documentWait)
	defer cancel()
	if content == nil {
		content = []byte{}
	}
	tag, err := d.db.writers.Exec(ctx, `INSERT INTO document AS d(name, version, content) SELECT $1, 1, $2 WHERE $3 <= 0 OR EXISTS (SELECT 1 FROM document WHERE name=$1)
		ON CONFLICT(name) DO UPDATE SET version=d.version+1, content=excluded.content WHERE d.version=$3 OR $3=-1`, name, content, version)
	if err != nil {
		return fault.E("postgres.Save", fault.NoStore, err)
	}
	if tag.RowsAffected() == 0 {
		return fault.E("postgres.Save", fault.Conflict, "another node has saved it since: "+name)
	}
	return nil
}

// List is document.Store's.
func (d Documents) List(prefix string) (out []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), documentWait)
	defer cancel()
	err = d.db.rows(ctx, func(r pgx.Rows) error {
		var name string
		err := r.Scan(&name)
		out = append(out, name)
		return err
	}, `SELECT name FROM document WHERE starts_with(name, $1) ORDER BY name COLLATE "C"`, prefix)
	return out, err
}

// Remove is document.Store's.
func (d Documents) Remove(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), documentWait)
	defer cancel()
	if _, err := d.db.writers.Exec(ctx, `DELETE FROM document WHERE name=$1`, name); err != nil {
		return fault.E("postgres.Remove", fault.NoStore, err)
	}
	return nil
}
