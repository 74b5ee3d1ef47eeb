package region

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/auth"
	"selda/internal/seal"
	"selda/nhs"
)

// openWith opens a data folder, and closes it.
func openWith(t *testing.T, dir string, f func(*Region)) error {
	t.Helper()
	r, err := Open(t.Context(), Options{Data: dir})
	if err != nil {
		return err
	}
	f(r)
	return r.Close()
}

// holds says in which files below a folder a text stands.
func holds(t *testing.T, dir, text string) (in []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if bytes.Contains(b, []byte(text)) {
			in = append(in, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestSecretsAtRestAreSealed(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "selda.key")
	account := auth.Account{User: "nurse.of.the.test", Name: "N", Role: nhs.Nurse, Organisation: "RJZ", Contact: "matron.of.the.test"}
	add := func(r *Region) {
		if err := r.Auth.Accounts.Add(account); err != nil {
			t.Fatal(err)
		}
	}
	knows := func(r *Region) {
		if _, ok := r.Auth.Accounts.Find(account.User); !ok {
			t.Error("the account is gone")
		}
	}
	if err := openWith(t, dir, add); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{account.Contact, `"kty"`} {
		if in := holds(t, dir, secret); len(in) > 0 {
			t.Errorf("%s is to be read in %v", secret, in)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, keyName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Error("the key beside", info, err)
	}
	// An operator gives a key: what is there is sealed by it, and the one beside goes.
	if err := os.WriteFile(outside, []byte(seal.NewLine()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SELDA_KEY_FILE", outside)
	if err := openWith(t, dir, knows); err != nil {
		t.Fatal(err)
	}
	if isFile(filepath.Join(dir, keyName)) {
		t.Error("the key beside is still there")
	}
	// Without that key, or with another, nothing opens: it says what to do.
	t.Setenv("SELDA_KEY_FILE", "")
	if err := openWith(t, dir, knows); err == nil || !strings.Contains(err.Error(), "SELDA_KEY_FILE") {
		t.Error("opened without its key:", err)
	}
	t.Setenv("SELDA_KEY_FILE", outside)
	if err := openWith(t, dir, knows); err != nil {
		t.Error("opened with its key again:", err)
	}
}
