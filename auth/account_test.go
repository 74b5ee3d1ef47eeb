package auth

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
)

func TestAccountsAreKept(t *testing.T) {
	table := &tableHere{}
	s := OpenAccounts(table, false)
	if err := s.Add(someAccounts(t)...); err != nil {
		t.Fatal(err)
	}
	again := OpenAccounts(table, false)
	if !reflect.DeepEqual(again.List(), s.List()) || len(again.List()) != 4 {
		t.Errorf("%+v", again.List())
	}
	gp, ok := again.Find("gp")
	if !ok || !gp.PasswordHash.Fits(password) || gp.PasswordHash.Fits("wrong") {
		t.Error("the password was not kept")
	}
	if _, ok := again.Find("nobody\x00"); ok {
		t.Error("somebody has a name that is none")
	}
}

// Who is at work is not read from the table at each request; what was changed is, and at
// another node within a second.
func TestAccountsAreReadAgain(t *testing.T) {
	table := &tableHere{}
	s, node := OpenAccounts(table, false), OpenAccounts(table, true)
	if err := s.Add(someAccounts(t)...); err != nil {
		t.Fatal(err)
	}
	name := func(s *Accounts) string { a, _ := s.Find("gp"); return a.Name }
	name(s)
	table.reads = 0
	if name(s); table.reads != 0 {
		t.Error("read again for nothing")
	}
	name(node)
	if err := s.Alter("gp", func(a *Account) { a.Name = "Dr Other" }); err != nil || name(s) != "Dr Other" {
		t.Error("not seen where it was changed:", name(s), err)
	}
	if node.again("gp"); name(node) != "Dr Other" {
		t.Error("not read again when asked")
	}
	if err := s.Alter("gp", func(a *Account) { a.Name = "Dr Third" }); err != nil {
		t.Fatal(err)
	}
	node.mu.Lock()
	node.seen["gp"] = seen{node.seen["gp"].record, time.Now().Add(-accountsFor)}
	node.mu.Unlock()
	if name(node) != "Dr Third" {
		t.Error("not read again after a second")
	}
	// A read that began before a change is not what is known after it.
	slow := &slowTable{tableHere: table, begun: make(chan bool), end: make(chan bool)}
	s = OpenAccounts(slow, false)
	done := make(chan bool)
	go func() { name(s); close(done) }()
	<-slow.begun
	if err := s.Put(Account{User: "gp", Name: "Dr Fourth", Role: nhs.GP, Organisation: "G85001"}); err != nil {
		t.Fatal(err)
	}
	close(slow.end)
	if <-done; name(s) != "Dr Fourth" {
		t.Error("the account of before is known:", name(s))
	}
	table.broken = true
	if _, _, err := OpenAccounts(table, false).find("gp"); !fault.Is(err, fault.NoStore) {
		t.Error("nobody is told that the accounts can't be read:", err)
	}
}

// slowTable has the answer to its first question on its way for long.
type slowTable struct {
	*tableHere
	asked      atomic.Bool
	begun, end chan bool
}

func (s *slowTable) Account(user string) (Kept, bool, error) {
	k, ok, err := s.tableHere.Account(user)
	if !s.asked.Swap(true) {
		close(s.begun)
		<-s.end
	}
	return k, ok, err
}

func TestAccountsRefuse(t *testing.T) {
	s := OpenAccounts(&tableHere{}, false)
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
	table := &tableHere{}
	nodes := []*Accounts{OpenAccounts(table, true), OpenAccounts(table, true)}
	gp := someAccounts(t)[0]
	if err := nodes[0].Add(gp); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			a := gp
			a.User = fmt.Sprint("gp", i)
			err := nodes[i%2].Add(a)
			if err == nil {
				err = nodes[i%2].Alter("gp", func(a *Account) { a.Teams = append(a.Teams, fmt.Sprint(i)) })
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list := OpenAccounts(table, false).List()
	if len(list) != 21 || len(list[0].Teams) != 20 {
		t.Error(len(list), "accounts;", list[0].Teams)
	}
}

// People are searched for by any part of their name, as it is said or spelt, and by their
// user name.
func TestPeopleAreSearchedFor(t *testing.T) {
	s := OpenAccounts(&tableHere{}, false)
	for user, name := range map[string]string{"zo.1": "Zoë O'Neill-Smith", "b": "李 娜", "cis2:555043308597": "OKAFOR Ada (Dr)"} {
		if err := s.Add(Account{User: user, Name: name, Role: nhs.Nurse, Organisation: "RJZ"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(Account{User: "zoe", Name: "Zoe Smith", Role: nhs.Citizen, NHSNumber: number(t, "9991234519")}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"zoe": "zo.1", "ZOË o'neill": "zo.1", "neill-smith": "zo.1", "smith zo": "zo.1", "zo.1": "zo.1", "娜": "b", "okafor": "cis2:555043308597", "cis2:5550": "cis2:555043308597", "(dr)": "cis2:555043308597", "nobody": "", "zoe okafor": ""} {
		list, err := s.Ask(Query{Working: true, Words: Words(text)})
		got := ""
		for _, a := range list {
			got += a.User
		}
		if err != nil || got != want {
			t.Errorf("%q finds %q, want %q: %v", text, got, want, err)
		}
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

// What stands in the document of before, and in a row, comes back as it was.
func FuzzAccounts(f *testing.F) {
	var doc accountsFile
	for _, a := range someAccounts(f) {
		doc.Accounts = append(doc.Accounts, fileOf(a))
	}
	b, err := json.Marshal(doc)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"accounts":[{"user":"gp","name":"A","role":"gp","organisation":"G85001"}]}`))
	f.Add([]byte(`{"accounts":[{"user":"gp"},{"user":"gp"}]}`))
	f.Add([]byte(`{} {}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = readRecord(Kept{User: "gp", Body: b})
		list, err := readAccounts(b)
		if err != nil {
			return
		}
		for _, a := range list {
			r := record{Account: a, liveFile: liveFile{Sessions: []Live{{Key: "k", SID: "s"}}}}
			k, err := r.kept()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := readRecord(k); err != nil || !reflect.DeepEqual(again, r) {
				t.Errorf("does not come back: %v", err)
			}
		}
	})
}
