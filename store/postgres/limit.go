package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

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
// into the tables that a resource is written to (resource, locator, key), in
// transactions of 2,000, durable, with a body of that many bytes and nothing
// else done. It gives rows a second.
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
	tx.rows.resource = append(tx.rows.resource, resourceRow{subject: subject, item: item, n: subject, message: 1, version: 1, source: source, typ: observation, dataset: 5,
		flags: flagFinal, tokens: tokenArray("Observation", []string{fmt.Sprint("code:", item%700), "x"}), body: body})
	tx.rows.locator[item] = locatorRow{subject: subject, typ: observation, flags: flagFinal, version: 1, source: source, made: true}
	tx.rows.key.hash = append(tx.rows.key.hash, adapter.KeyHash("A:B", "Observation", rand.Text()))
	tx.rows.key.item = append(tx.rows.key.item, item)
}
