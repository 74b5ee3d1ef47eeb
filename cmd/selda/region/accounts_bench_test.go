package region

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"selda/auth"
	"selda/internal/pgtest"
	"selda/nhs"
)

// BenchmarkAccounts is what finding, adding and listing accounts costs, and what they cost
// the start: of SELDA_ACCOUNTS citizens (2,000 unless said), and a professional for each
// hundred of them, in SQLite and in PostgreSQL. docs/sign-on.md has what was measured.
func BenchmarkAccounts(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("SELDA_ACCOUNTS"))
	if n == 0 {
		n = 2000
	}
	for name, o := range map[string]Options{"sqlite": {Data: b.TempDir()}, "postgres": {Data: b.TempDir(), Postgres: pgtest.DSN(b)}} {
		b.Run(name, func(b *testing.B) { benchAccounts(b, o, n) })
	}
}

func benchCitizen(i int) auth.Account {
	digits := strconv.Itoa(400_000_000 + i)
	sum := 0
	for at, d := range digits {
		sum += int(d-'0') * (10 - at)
	}
	check := (11 - sum%11) % 11
	number, err := nhs.ParseNumber(digits + strconv.Itoa(check))
	if err != nil { // no number has that check digit
		return benchCitizen(i + 500_000_000/2)
	}
	return auth.Account{User: fmt.Sprintf("nhs-login:%08x-1111-4222-8333-%012x", uint32(i)*2654435761, i), Name: "Folake Adeyemi", Role: nhs.Citizen, NHSNumber: number, Provider: "nhs-login"}
}

func benchNurse(i int) auth.Account {
	return auth.Account{User: fmt.Sprintf("cis2:%012d", i), Name: fmt.Sprintf("Nurse%d Kowalska", i), Role: nhs.Nurse, Organisation: nhs.ODS(fmt.Sprintf("R%02d", i%20)), Provider: "cis2"}
}

func benchAccounts(b *testing.B, o Options, n int) {
	r, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	const atOnce = 2000
	for at := 0; at < n; at += atOnce {
		var some []auth.Account
		for i := at; i < min(at+atOnce, n); i++ {
			if some = append(some, benchCitizen(i)); i%100 == 0 {
				some = append(some, benchNurse(i/100))
			}
		}
		if err := r.Auth.Accounts.Add(some...); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d accounts in %v", n+n/100, time.Since(began).Round(time.Millisecond))
	if o.Postgres == "" {
		if info, err := os.Stat(filepath.Join(o.Data, "record.db")); err == nil {
			b.Logf("%d MB on disk", info.Size()>>20)
		}
	}
	at := 0
	next := func() int { at = (at + 7919) % n; return at }
	b.Run("find by user or subject", func(b *testing.B) {
		for b.Loop() {
			if _, ok := r.Auth.Accounts.Find(benchCitizen(next()).User); !ok {
				b.Fatal("not found")
			}
		}
	})
	one := benchCitizen(n / 2).User
	b.Run("find one at work", func(b *testing.B) {
		for b.Loop() {
			if _, ok := r.Auth.Accounts.Find(one); !ok {
				b.Fatal("not found")
			}
		}
	})
	b.Run("find by NHS number", func(b *testing.B) {
		for b.Loop() {
			if list, err := r.Auth.Accounts.Ask(auth.Query{Person: benchCitizen(next()).NHSNumber.Digits()}); err != nil || len(list) == 0 {
				b.Fatal("not found", err)
			}
		}
	})
	added := 0
	b.Run("add one", func(b *testing.B) {
		for b.Loop() {
			a := benchCitizen(added)
			a.User = fmt.Sprintf("new:%d", added)
			if added++; r.Auth.Accounts.Add(a) != nil {
				b.Fatal("not added")
			}
		}
	})
	b.Run("sign in and out", func(b *testing.B) {
		for b.Loop() {
			if err := r.Auth.Accounts.Alter(benchCitizen(next()).User, func(a *auth.Account) { a.Since = time.Now() }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("a page of an organisation", func(b *testing.B) {
		for b.Loop() {
			if list, err := r.Auth.Accounts.Ask(auth.Query{Organisation: "R07", Limit: 51}); err != nil || len(list) == 0 {
				b.Fatal(err)
			}
		}
	})
	b.Run("a search in an organisation", func(b *testing.B) {
		for b.Loop() {
			if list, err := r.Auth.Accounts.Ask(auth.Query{Organisation: "R07", Words: auth.Words("nurse7 kowalska"), Limit: 51}); err != nil || len(list) == 0 {
				b.Fatal(err)
			}
		}
	})
	b.Run("count all", func(b *testing.B) {
		for b.Loop() {
			if list, err := r.Auth.Accounts.Count(""); err != nil || len(list) == 0 {
				b.Fatal(err)
			}
		}
	})
	b.Run("close and start", func(b *testing.B) {
		for b.Loop() {
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
			if r, err = Open(b.Context(), o); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}
