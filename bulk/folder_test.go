package bulk_test

import (
	"os"
	"path/filepath"
	"testing"

	"selda/bulk"
	"selda/bulk/bulktest"
)

// A folder keeps jobs as whatever keeps them must; what is half made in it goes.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "half"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := bulk.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "half")); err == nil {
		t.Error("what is half made is there")
	}
	bulktest.Run(t, f, false)
}
