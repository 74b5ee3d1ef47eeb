package postgres_test

import (
	"context"
	"testing"

	"selda/internal/pgtest"
	"selda/store/postgres"
	"selda/store/storetest"
)

// few partitions, but not one: whatever does not name its partition shows.
var options = postgres.Options{Partitions: 3}

// database is a new store's, which is a copy of an empty one.
func database(t testing.TB) string {
	t.Helper()
	return pgtest.Copy(t, "store", func(dsn string) error {
		db, err := postgres.Open(context.Background(), dsn, options)
		if err != nil {
			return err
		}
		return db.Close()
	})
}

// openAt opens a store, as one more node.
func openAt(t testing.TB, dsn string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), dsn, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Adapter { return openAt(t, database(t)) })
}
