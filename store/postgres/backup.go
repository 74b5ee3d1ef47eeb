package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"selda/fault"
)

// This file copies a whole region out of a database and into another one: each
// table as PostgreSQL's own binary copy, all of one moment.

// manifest says what a copy holds: it is read by the build that made it, or one
// with the same tables.
type manifest struct {
	Version int64   `json:"version"` // of the tables
	Tables  []table `json:"tables"`
}

type table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// left out of a copy: what passes, who does what just now, and exports, which
// are copies themselves.
var passingTables = []string{"passing", "lease", "writer", "bulk_job", "bulk_block", "goose_db_version"}

const (
	manifestName = "manifest.json"
	pieceBytes   = 16 << 20
)

// Dump gives the pieces of a copy, while the database is in use: a name and its
// content, the pieces of one table one after the other.
func (db *DB) Dump(ctx context.Context, put func(name string, content []byte) error) error {
	return db.snapshot(ctx, func(tx pgx.Tx) error {
		m, err := tables(ctx, tx)
		if err != nil {
			return err
		}
		b, err := json.Marshal(m)
		if err == nil {
			err = put(manifestName, b)
		}
		for _, t := range m.Tables {
			if err != nil {
				return err
			}
			w := &pieces{name: t.Name, put: put}
			_, err = tx.Conn().PgConn().CopyTo(ctx, w, `COPY (SELECT `+t.list()+` FROM `+pgx.Identifier{t.Name}.Sanitize()+`) TO STDOUT (FORMAT binary)`)
			err = errors.Join(err, w.flush())
		}
		return err
	})
}

// list is the table's columns, for a statement.
func (t table) list() string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(names, ", ")
}

// tables are those of a region, partitions not counted, with their version.
func tables(ctx context.Context, tx pgx.Tx) (m manifest, err error) {
	if err := tx.QueryRow(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(&m.Version); err != nil {
		return m, err
	}
	rows, err := tx.Query(ctx, `SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid=c.oid
		WHERE c.relnamespace=current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum>0 AND NOT a.attisdropped
		GROUP BY c.relname ORDER BY c.relname`)
	if err != nil {
		return m, err
	}
	err = each(rows, func(r pgx.Rows) error {
		var t table
		err := r.Scan(&t.Name, &t.Columns)
		if !slices.Contains(passingTables, t.Name) {
			m.Tables = append(m.Tables, t)
		}
		return err
	})
	return m, err
}

// pieces cuts what is written to it.
type pieces struct {
	name string
	put  func(name string, content []byte) error
	b    []byte
}

func (p *pieces) Write(b []byte) (int, error) {
	p.b = append(p.b, b...)
	if len(p.b) < pieceBytes {
		return len(b), nil
	}
	return len(b), p.flush()
}

func (p *pieces) flush() error {
	if len(p.b) == 0 {
		return nil
	}
	err := p.put(p.name, p.b)
	p.b = p.b[:0]
	return err
}

// Fill makes a region of a copy in a database that holds none. next gives its
// pieces in the order in which Dump gave them, and io.EOF at the end.
func Fill(ctx context.Context, dsn string, next func() (name string, content io.Reader, err error)) error {
	const op = "postgres.Fill"
	if err := migrate(ctx, dsn, 0); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // no more than words once it is committed
	if err := fill(ctx, tx, next); err != nil {
		return fault.E(op, err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	return nil
}

func fill(ctx context.Context, tx pgx.Tx, next func() (string, io.Reader, error)) error {
	var used bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM secret) OR EXISTS (SELECT 1 FROM document) OR (SELECT n FROM head)>0`).Scan(&used); err != nil {
		return err
	}
	if used {
		return fault.E("postgres.Fill", fault.Conflict, "the database holds a region already: restore into an empty one")
	}
	have, err := tables(ctx, tx)
	if err != nil {
		return err
	}
	name, content, err := next()
	var m manifest
	if err != nil || name != manifestName || json.NewDecoder(content).Decode(&m) != nil {
		return fault.E("postgres.Fill", fault.Structure, "the backup is not one of a region on PostgreSQL")
	}
	if m.Version != have.Version {
		return fault.E("postgres.Fill", fault.Conflict, "the backup is of another version of SELDA: restore it with that one")
	}
	for _, begun := range []string{"head", "ordered"} { // with the row that a new region begins with
		if _, err := tx.Exec(ctx, `DELETE FROM `+begun); err != nil {
			return err
		}
	}
	name, content, err = next()
	for err == nil {
		i := slices.IndexFunc(m.Tables, func(t table) bool { return t.Name == name })
		if i < 0 || !slices.ContainsFunc(have.Tables, func(t table) bool { return t.Name == name }) {
			return fault.E("postgres.Fill", fault.Structure, "the backup holds what no backup holds: "+name)
		}
		j := &joined{name: name, content: content, next: next}
		sql := `COPY ` + pgx.Identifier{name}.Sanitize() + `(` + m.Tables[i].list() + `) FROM STDIN (FORMAT binary)`
		if _, err := tx.Conn().PgConn().CopyFrom(ctx, j, sql); err != nil {
			return err
		}
		name, content, err = j.name, j.content, j.err
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	_, err = tx.Exec(ctx, `SELECT setval('raw_block', (SELECT coalesce(max(id), 0)+1024 FROM raw)), setval('node_number', (SELECT coalesce(max(node), 0)+1 FROM (SELECT node FROM raw UNION ALL SELECT node FROM journal) x)),
		setval(pg_get_serial_sequence('source', 'id'), (SELECT coalesce(max(id), 0)+1 FROM source)),
		setval(pg_get_serial_sequence('subscription', 'key'), (SELECT coalesce(max(key), 0)+1 FROM subscription))`)
	return err
}

// joined reads the pieces of one table as one; then it stands at the next table.
type joined struct {
	name    string
	content io.Reader
	next    func() (string, io.Reader, error)
	err     error // of next, at the end
	over    bool
}

func (j *joined) Read(b []byte) (int, error) {
	for !j.over {
		n, err := j.content.Read(b)
		if n > 0 {
			return n, nil
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		name, content, err := j.next()
		j.over = err != nil || name != j.name
		j.name, j.content, j.err = name, content, err
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
	}
	return 0, io.EOF
}
