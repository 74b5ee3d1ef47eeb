package testenv

import (
	"context"
	"os"
	"testing"

	"selda/internal/pgtest"
)

// stored is where the regions of a test are kept: in folders, or with
// SELDA_STORE=postgres in databases. Every rule holds on both.
func stored(t testing.TB) context.Context {
	t.Helper()
	if os.Getenv("SELDA_STORE") != "postgres" {
		return t.Context()
	}
	return OnDatabases(t.Context(), &databases{t, map[string]string{}})
}

type databases struct {
	t  testing.TB
	of map[string]string
}

func (d *databases) Of(dir string) (string, error) {
	if d.of[dir] == "" {
		d.of[dir] = pgtest.DSN(d.t)
	}
	return d.of[dir], nil
}

func (d *databases) Copy(from, to string) error {
	d.of[to] = pgtest.Duplicate(d.t, d.of[from])
	return nil
}
