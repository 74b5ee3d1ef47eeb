package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"selda/auth"
	"selda/fault"
	"selda/nhs"
)

// accounts: one is found by its user name, those of an organisation page by page and by
// their words, those of a person by the number; they are counted as they come, change and
// go; several are kept together or not at all; of two who change one the second is told so.
func accounts(b *box) {
	k := func(user string, r nhs.Role, o nhs.ODS, words, person, body string) auth.Kept {
		return auth.Kept{User: user, Role: r, Organisation: o, Words: words, Person: person, Body: []byte(body)}
	}
	anna, ben := k("anna", nhs.Nurse, "RJZ", "anna kowalska", "p1", "a"), k("ben", nhs.GP, "G85001", "ben okoro", "", "b")
	b.must(b.SaveAccounts(anna, ben, k("Carl", nhs.Nurse, "RJZ", "carl kowal", "", ""), k("dora", nhs.Citizen, "", "", "p1", "\x00\xff"), k("eve", nhs.Proxy, "", "", "", "e")))
	asks := func(want string, q auth.Query) {
		b.Helper()
		list, err := b.Accounts(q)
		var users []string
		for _, x := range list {
			users = append(users, x.User)
		}
		if got := strings.Join(users, " "); err != nil || got != want {
			b.Errorf("%+v: %q, want %q: %v", q, got, want, err)
		}
	}
	asks("Carl anna ben dora eve", auth.Query{})
	asks("Carl anna ben", auth.Query{Working: true})
	asks("anna ben", auth.Query{Working: true, After: "Carl"})
	asks("ben dora", auth.Query{After: "anna", Limit: 2})
	asks("Carl anna", auth.Query{Organisation: "RJZ"})
	asks("anna", auth.Query{Organisation: "RJZ", Words: []string{"kowal", "nna"}})
	asks("", auth.Query{Organisation: "RJZ", Words: []string{"%", "okoro"}})
	asks("anna dora", auth.Query{Person: "p1"})
	asks("anna", auth.Query{Person: "p1", Working: true})
	counted := func(want string, o nhs.ODS) {
		b.Helper()
		list, err := b.CountAccounts(o)
		var out []string
		for _, c := range list {
			out = append(out, fmt.Sprint(c.Organisation, c.Role, c.N))
		}
		slices.Sort(out)
		if got := strings.Join(out, " "); err != nil || got != want {
			b.Errorf("%q: %q, want %q: %v", o, got, want, err)
		}
	}
	counted("G85001gp1 RJZnurse2 citizen1 proxy1", "")
	counted("RJZnurse2", "RJZ")

	conflict := func(list ...auth.Kept) {
		b.Helper()
		if err := b.SaveAccounts(list...); !fault.Is(err, fault.Conflict) {
			b.Error("kept over another:", err)
		}
	}
	conflict(k("frank", nhs.GP, "G85001", "", "", ""), ben)
	if _, there, err := b.Account("frank"); there || err != nil {
		b.Error("one of several was kept", err)
	}
	had, there, err := b.Account("anna")
	if err != nil || !there || had.Version != 1 || had.Words != anna.Words || string(had.Body) != "a" || had.Role != nhs.Nurse || had.Organisation != "RJZ" || had.Person != "p1" {
		b.Error(had, there, err)
	}
	moved := had
	moved.Organisation, moved.Role, moved.Body = "RV5", nhs.SocialWorker, []byte("A")
	b.must(b.SaveAccounts(moved))
	conflict(had)
	conflict(k("ben", nhs.GP, "G85001", "", "", ""), moved)
	counted("RJZnurse1", "RJZ")
	if now, _, err := b.Account("anna"); err != nil || now.Version != 2 || string(now.Body) != "A" {
		b.Error(now, err)
	}
	if dora, _, err := b.Account("dora"); err != nil || string(dora.Body) != "\x00\xff" {
		b.Error(dora, err)
	}
	for _, want := range []bool{true, false} {
		if was, err := b.RemoveAccount("eve"); err != nil || was != want {
			b.Error(was, err)
		}
	}
	if _, there, err := b.Account("eve"); there || err != nil {
		b.Error("removed and there", err)
	}
	counted("G85001gp1 RJZnurse1 RV5"+string(nhs.SocialWorker)+"1 citizen1", "")
	accountsTogether(b)
}

// accountsTogether: who adds and changes at once is counted once each.
func accountsTogether(b *box) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 5 {
				x := auth.Kept{User: fmt.Sprintf("x%d-%d", i, j), Role: nhs.Citizen, Body: []byte("x")}
				y := auth.Kept{User: fmt.Sprintf("y%d-%d", 7-i, 4-j), Role: nhs.Proxy, Body: []byte("y")}
				if err := b.SaveAccounts(x, y); err != nil {
					b.Error(err)
				}
				x.Version, x.Role, y.Version = 1, nhs.Proxy, 1
				if err := b.SaveAccounts(y, x); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	list, err := b.CountAccounts("")
	n := map[nhs.Role]int{}
	for _, c := range list {
		n[c.Role] += c.N
	}
	if err != nil || n[nhs.Citizen] != 1 || n[nhs.Proxy] != 80 {
		b.Error("counted", n, err)
	}
}

// accountKeys: what is sealed by which key is known, and found.
func accountKeys(b *box) {
	keys := func(want ...string) {
		b.Helper()
		if got, err := b.AccountKeys(); err != nil || !slices.Equal(got, want) {
			b.Errorf("%q, want %q: %v", got, want, err)
		}
	}
	keys()
	sealed := func(id string) []byte { return []byte("\x00selda-sealed-1\x00" + id + "content") }
	b.must(b.SaveAccounts(auth.Kept{User: "a", Role: nhs.Citizen, Body: sealed("11111111")}, auth.Kept{User: "b", Role: nhs.Citizen, Body: sealed("22222222")},
		auth.Kept{User: "c", Role: nhs.Citizen, Body: []byte("{}")}, auth.Kept{User: "d", Role: nhs.Citizen, Body: sealed("11111111")}))
	first := "3131313131313131"
	keys("", first, "3232323232323232")
	if list, err := b.AccountsUnder(first, 10); err != nil || len(list) != 2 || list[0].User == "b" {
		b.Error(list, err)
	}
	if list, err := b.AccountsUnder(first, 1); err != nil || len(list) != 1 {
		b.Error(list, err)
	}
	b.must(b.SaveAccounts(auth.Kept{User: "b", Version: 1, Role: nhs.Citizen, Body: sealed("11111111")}, auth.Kept{User: "c", Version: 1, Role: nhs.Citizen, Body: sealed("11111111")}))
	keys(first)
}
