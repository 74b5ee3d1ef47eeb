package region

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"selda/auth"
	"selda/internal/pgtest"
	"selda/nhs"
)

// A region of before has its accounts in one document: after its next start they are rows,
// found as before, and the document is gone; what it kept of sessions, too.
func TestAccountsOfBeforeAreTakenOver(t *testing.T) {
	for name, o := range map[string]Options{"folder": {Data: t.TempDir()}, "database": {Data: t.TempDir(), Postgres: pgtest.DSN(t)}} {
		t.Run(name, func(t *testing.T) {
			o.Log = slog.New(slog.DiscardHandler)
			with := func(f func(*Region)) {
				t.Helper()
				r, err := Open(t.Context(), o)
				if err == nil {
					f(r)
				}
				if r != nil && r.Close() != nil || err != nil {
					t.Fatal(err)
				}
			}
			with(func(r *Region) {
				for name, content := range map[string]string{"auth/accounts.json": `{"accounts":[{"user":"nurse.of.before","name":"Ngozi Bello","role":"nurse","organisation":"RJZ"},
					{"user":"citizen.of.before","name":"Folake Adeyemi","role":"citizen","nhs_number":"9991234519"}]}`, "auth/sessions/ab/abcd.json": `{"sessions":[]}`} {
					if err := r.documents.Save(name, []byte(content), 0); err != nil {
						t.Fatal(err)
					}
				}
			})
			for range 2 {
				with(func(r *Region) {
					nurse, ok := r.Auth.Accounts.Find("nurse.of.before")
					citizen, too := r.Auth.Accounts.Find("citizen.of.before")
					if !ok || !too || nurse.Organisation != "RJZ" || nurse.Role != nhs.Nurse || citizen.NHSNumber.Digits() != "9991234519" {
						t.Error(nurse, citizen)
					}
					if list, err := r.Auth.Accounts.Ask(auth.Query{Person: "9991234519"}); err != nil || len(list) != 1 {
						t.Error("not found by the number:", list, err)
					}
					if n, err := r.Auth.Accounts.Count("RJZ"); err != nil || len(n) != 1 || n[0].N != 1 {
						t.Error("counted:", n, err)
					}
					for _, name := range []string{"auth/accounts.json", "auth/sessions/ab/abcd.json"} {
						if b, _, err := r.documents.Load(name); b != nil || err != nil {
							t.Error(name, "is there still", err)
						}
					}
				})
			}
			if _, err := os.Stat(filepath.Join(o.Data, "auth", "accounts.json")); err == nil {
				t.Error("the file is there still")
			}
		})
	}
}

// A new key seals every account anew, and each is found by its number as before: the hash
// of that is of another key.
func TestANewKeySealsTheAccountsAnew(t *testing.T) {
	r, err := Open(t.Context(), Options{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var list []auth.Account
	for i := range sealedAtOnce + 10 {
		list = append(list, benchCitizen(i))
	}
	if err := r.Auth.Accounts.Add(list...); err != nil {
		t.Fatal(err)
	}
	before, err := r.accounts.AccountKeys()
	if err != nil || len(before) != 1 {
		t.Fatal(before, err)
	}
	if n, _, err := r.RotateMaster(t.Context(), OperatorSubject()); err != nil || n < len(list) {
		t.Fatal(n, err)
	}
	after, err := r.accounts.AccountKeys()
	if err != nil || len(after) != 1 || after[0] == before[0] {
		t.Fatal(after, err)
	}
	for _, a := range list {
		if found, err := r.Auth.Accounts.Ask(auth.Query{Person: a.NHSNumber.Digits()}); err != nil || len(found) != 1 || found[0].User != a.User {
			t.Fatal(found, err)
		}
	}
}
