package pgtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Each test has a database of its own; a copy holds what was prepared, once.
func TestDatabasesAreApart(t *testing.T) {
	ctx := context.Background()
	count := func(dsn string) (n int) {
		c, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(ctx) }()
		if _, err := c.Exec(ctx, `CREATE TABLE IF NOT EXISTS x(n int); INSERT INTO x VALUES(1)`); err != nil {
			t.Fatal(err)
		}
		if err := c.QueryRow(ctx, `SELECT count(*) FROM x`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	prepared := 0
	prepare := func(dsn string) error { prepared++; count(dsn); return nil }
	for range 2 {
		if n := count(DSN(t)); n != 1 {
			t.Errorf("a new database holds %d rows", n)
		}
		if n := count(Copy(t, "counted", prepare)); n != 2 {
			t.Errorf("a copy holds %d rows", n)
		}
	}
	if prepared != 1 {
		t.Errorf("prepared %d times", prepared)
	}
}
