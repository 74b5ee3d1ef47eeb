package document_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"selda/internal/document"
	"selda/internal/document/documenttest"
	"selda/internal/seal"
)

func sealed(t *testing.T, dir, file string) document.Sealed {
	t.Helper()
	keys, err := seal.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return document.Sealed{Store: document.Folder(dir), Keys: keys, Names: []string{"auth/"}}
}

func TestSealedIsAStore(t *testing.T) {
	documenttest.Run(t, sealed(t, t.TempDir(), seal.NewLine()))
}

func TestAFolderOfBeforeIsSealed(t *testing.T) {
	dir := t.TempDir()
	plain := document.Folder(dir)
	for name, text := range map[string]string{"auth/keys.json": "the key", "auth/connected/ab/x.json": "a connection", "mappings/x.json": "a mapping"} {
		if err := plain.Save(name, []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	first := seal.NewLine()
	s := sealed(t, dir, first)
	if n, err := s.SealAll(); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := s.SealAll(); n != 0 || err != nil {
		t.Error("sealed again:", n, err)
	}
	for name, open := range map[string]bool{"auth/keys.json": false, "auth/connected/ab/x.json": false, "mappings/x.json": true} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || bytes.HasPrefix(b, []byte("the ")) || bytes.HasPrefix(b, []byte("a ")) != open {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if b, _, err := s.Load("auth/keys.json"); string(b) != "the key" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	// The key is changed: what was sealed by the one of before is sealed anew.
	next := sealed(t, dir, seal.NewLine()+first)
	if n, err := next.SealAll(); n != 2 || err != nil {
		t.Error(n, err)
	}
	if _, _, err := s.Load("auth/keys.json"); err == nil {
		t.Error("the key of before opens it still")
	}
}
