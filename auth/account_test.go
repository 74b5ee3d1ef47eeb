package auth

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
)

func TestAccountsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth", "accounts.json")
	s, err := OpenAccounts(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(someAccounts(t)...); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	again, err := OpenAccounts(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.List(), s.List()) || len(again.List()) != 4 {
		t.Errorf("%+v", again.List())
	}
	gp, ok := again.Find("gp")
	if !ok || !gp.PasswordHash.Fits(password) || gp.PasswordHash.Fits("wrong") {
		t.Error("the password was not kept")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".new-*")); len(left) != 0 {
		t.Error(left)
	}
}

func TestAccountsRefuse(t *testing.T) {
	s, _ := OpenAccounts(filepath.Join(t.TempDir(), "accounts.json"))
	gp, citizen := someAccounts(t)[0], someAccounts(t)[1]
	if err := s.Add(gp); err != nil {
		t.Fatal(err)
	}
	with := func(a Account, f func(*Account)) []Account { f(&a); return []Account{a} }
	for name, c := range map[string]struct {
		add  []Account
		want fault.Kind
	}{
		"a name that is taken":        {[]Account{gp}, fault.Duplicate},
		"all or none":                 {[]Account{citizen, gp}, fault.Duplicate},
		"no user":                     {with(gp, func(a *Account) { a.User = "" }), fault.Value},
		"a user name with a space":    {with(gp, func(a *Account) { a.User = "g p" }), fault.Value},
		"no name":                     {with(gp, func(a *Account) { a.User, a.Name = "a", "" }), fault.Value},
		"no role":                     {with(gp, func(a *Account) { a.User, a.Role = "a", "wizard" }), fault.Value},
		"an operator":                 {with(gp, func(a *Account) { a.User, a.Role = "a", nhs.Operator }), fault.Value},
		"a doctor of nowhere":         {with(gp, func(a *Account) { a.User, a.Organisation = "a", "" }), fault.Value},
		"a citizen without a number":  {with(citizen, func(a *Account) { a.NHSNumber = nhs.Number{} }), fault.Value},
		"a proxy for no number":       {with(citizen, func(a *Account) { a.Role, a.For = nhs.Proxy, []nhs.Number{{}} }), fault.Value},
		"a system without its source": {with(gp, func(a *Account) { a.User, a.Role = "a", nhs.SourceSystem }), fault.Value},
	} {
		if err := s.Add(c.add...); !fault.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.List()) != 1 {
		t.Error("something was added:", s.List())
	}
	if err := s.Remove("nobody"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestAccountsTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.json")
	s, _ := OpenAccounts(path)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			a := someAccounts(t)[0]
			a.User = fmt.Sprint("gp", i)
			if err := s.Add(a); err != nil {
				t.Error(err)
			}
			s.List()
		})
	}
	wg.Wait()
	again, err := OpenAccounts(path)
	if err != nil || len(again.List()) != 20 {
		t.Error(len(again.List()), err)
	}
}

// Neither number nor hash gets out by printing an account.
func TestAccountNeverLeaks(t *testing.T) {
	a := someAccounts(t)[1]
	j, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprintf("%v %+v %#v", a, a, a), fmt.Sprintf("%+v", &a), string(j)} {
		if strings.Contains(s, "99912345") || strings.Contains(s, "argon2") {
			t.Error("leaked:", s)
		}
	}
}

func TestKeysAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "auth")
	path := filepath.Join(dir, "keys.json")
	k, err := openKeys(document.Folder(dir), "keys.json")
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Error(info.Mode())
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := openKeys(document.Folder(dir), "keys.json")
	if err != nil || again.signing().KeyID != k.signing().KeyID || k.signing().KeyID == "" {
		t.Error(again, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Error("open to others:", info.Mode())
	}
	public, err := json.Marshal(k.public())
	if err != nil || strings.Contains(string(public), `"d"`) {
		t.Error("the private key is in the public set", err)
	}
	for _, bad := range []string{"", "{}", `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA","kid":"x"}]}`, string(public)} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openKeys(document.Folder(dir), "keys.json"); err == nil {
			t.Errorf("taken: %q", bad)
		}
	}
}

func TestPassword(t *testing.T) {
	for _, bad := range []string{"", "short", strings.Repeat("a", 257)} {
		if _, err := HashPassword(bad); !fault.Is(err, fault.Value) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	other, _ := HashPassword(password)
	if other.phc() == hash().phc() {
		t.Error("two hashes of one password are the same: there is no salt")
	}
	// From the reference implementation of argon2: password, somesalt, 64 MiB, 2 passes.
	h, err := parseHash("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil || !h.Fits("password") || h.Fits("Password") {
		t.Error(err)
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(hash().phc())
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFh")
	f.Add("$2y$10$x")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		if err != nil {
			return
		}
		if again, err := parseHash(h.phc()); err != nil || !reflect.DeepEqual(again, h) {
			t.Errorf("%q does not come back: %v", s, err)
		}
	})
}

func FuzzAccounts(f *testing.F) {
	m := map[string]Account{}
	for _, a := range someAccounts(f) {
		m[a.User] = a
	}
	b, err := writeAccounts(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"accounts":[{"user":"gp","name":"A","role":"gp","organisation":"G85001"}]}`))
	f.Add([]byte(`{"accounts":[{"user":"gp"},{"user":"gp"}]}`))
	f.Add([]byte(`{} {}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readAccounts(b)
		if err != nil {
			return
		}
		out, err := writeAccounts(m)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := readAccounts(out); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("does not come back: %v", err)
		}
	})
}
