package region

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"selda/ingest"
)

// Whoever else has an account on the machine reads nothing of a region: each of its
// files and folders is of the user who runs it alone.
func TestAFoldersFilesAreOfItsUserAlone(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r, err := Open(t.Context(), Options{Data: data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	receipt, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: "RJZ:PAS", Format: ingest.FHIR, Body: []byte(`{"resourceType":"Patient","id":"p1"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receipt.Committed(t.Context()); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(data, "a.backup")
	if err := r.Backup(t.Context(), OperatorSubject(), backup); err != nil {
		t.Fatal(err)
	}
	if _, err := r.CopyForDowntime(t.Context(), OperatorSubject(), filepath.Join(data, "copy")); err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(data, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		files++
		if m := info.Mode().Perm(); m&0o077 != 0 {
			rel, _ := filepath.Rel(data, p)
			t.Errorf("%s is of mode %o: others of the machine may open it", rel, m)
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("%d files: %v", files, err)
	}
}
