package document_test

import (
	"os"
	"path/filepath"
	"testing"

	"selda/internal/document"
	"selda/internal/document/documenttest"
)

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	documenttest.Run(t, document.Folder(dir))
	info, err := os.Stat(filepath.Join(dir, "a", "one"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error("a document is open to others", info, err)
	}
	for _, name := range []string{"../out", "/etc/passwd", ""} {
		if err := document.Folder(dir).Save(name, nil, document.Any); err == nil {
			t.Errorf("saved outside the folder: %q", name)
		}
	}
	if _, _, err := document.Folder("").Load("x"); err == nil {
		t.Error("the zero Folder answered")
	}
}
