package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fault"
	"selda/store/adapter"
)

// Scratch is a schema of its own within a database, for a benchmark.
type Scratch struct {
	DSN    string // of a region in it
	schema string
	conn   *pgx.Conn
}

// NewScratch makes one, beside whatever the database holds.
func NewScratch(ctx context.Context, dsn string) (*Scratch, error) {
	const op = "postgres.NewScratch"
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	s := &Scratch{schema: "selda_bench_" + strings.ToLower(rand.Text()[:8]), conn: conn}
	if _, err := conn.Exec(ctx, `CREATE SCHEMA `+s.schema); err != nil {
		_ = conn.Close(ctx)
		return nil, fault.E(op, fault.NoStore, err)
	}
	s.DSN = dsn + " search_path=" + s.schema
	if u, err := url.Parse(dsn); err == nil && u.Scheme != "" {
		q := u.Query()
		q.Set("search_path", s.schema)
		u.RawQuery = q.Encode()
		s.DSN = u.String()
	}
	return s, nil
}

// Bytes is what it takes on disk, indexes included.
func (s *Scratch) Bytes(ctx context.Context) (n int64, err error) {
	err = s.conn.QueryRow(ctx, `SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class WHERE relnamespace=$1::regnamespace AND relkind='r'`, s.schema).Scan(&n)
	return n, err
}

// Drop takes it away with all that is in it.
func (s *Scratch) Drop(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, `DROP SCHEMA `+s.schema+` CASCADE`)
	_ = s.conn.Close(ctx)
	return err
}

// Limit measures what the bare driver and the database do: it inserts n rows
// into the tables that a resource is written to (resource, locator, key,
// posting), in transactions of 2,000, durable, with a body of that many bytes
// and nothing else done. It gives rows a second.
func (db *DB) Limit(ctx context.Context, n, bodyBytes int) (float64, error) {
	body := make([]byte, bodyBytes)
	began := time.Now()
	for first := 1; first <= n; first += 2000 {
		if err := db.Write(ctx, func(tx *Tx) error {
			tx.rows.locator = map[int64]locatorRow{}
			for item := first; item < first+2000 && item <= n; item++ {
				_, _ = rand.Read(body)
				tx.limitRow(int64(item), append([]byte(nil), body...))
			}
			return nil
		}); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

func (tx *Tx) limitRow(item int64, body []byte) {
	const observation, source = 96, 1
	subject := item / 100
	r := &tx.rows.resource
	r.subject, r.typ, r.item, r.version = append(r.subject, subject), append(r.typ, observation), append(r.item, item), append(r.version, 1)
	r.n, r.at, r.source, r.dataset = append(r.n, subject), append(r.at, 0), append(r.source, source), append(r.dataset, 5)
	r.labels, r.flags, r.clinical, r.reported = append(r.labels, 0), append(r.flags, flagFinal), append(r.clinical, pgtype.Int8{}), append(r.reported, pgtype.Int8{})
	r.message, r.id, r.body = append(r.message, 1), append(r.id, pgtype.Text{}), append(r.body, body)
	tx.rows.locator[item] = locatorRow{subject: subject, typ: observation, flags: flagFinal, version: 1, source: source}
	tx.rows.key.hash = append(tx.rows.key.hash, adapter.KeyHash("A:B", "Observation", rand.Text()))
	tx.rows.key.item = append(tx.rows.key.item, item)
	tx.rows.posting = append(tx.rows.posting, postingRow{subject: subject, item: item, version: 1, n: subject, typ: observation, dataset: 5, flags: flagFinal, source: source,
		tokens: tokenArray("Observation", []string{fmt.Sprint("code:", item%700), "x"})})
}
