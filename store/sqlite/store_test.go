package sqlite_test

import (
	"fmt"
	"testing"

	"selda/store/sqlite"
	"selda/store/storetest"
)

// With every posting in the index at once, with some, and with all that these
// cases write lying fresh.
func TestStore(t *testing.T) {
	for _, fresh := range []int{1, 4, 0} {
		t.Run(fmt.Sprintf("%d fresh", fresh), func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Adapter {
				db, err := sqlite.Open(t.TempDir(), sqlite.Options{Fresh: fresh})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
				return db
			})
		})
	}
}
