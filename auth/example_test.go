package auth_test

import (
	"fmt"
	"os"
	"time"

	"selda/auth"
	"selda/fault"
	"selda/nhs"
	"selda/store/sqlite"
)

// A token is the account as it stands at each use.
func ExampleTokens_Verify() {
	dir, err := os.MkdirTemp("", "selda")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	a, err := auth.New(auth.Config{Dir: dir, Accounts: db})
	if err != nil {
		panic(err)
	}
	gp := auth.Account{User: "gp", Name: "Dr A Okafor", Role: nhs.GP, Organisation: "G85001"}
	if err := a.Accounts.Add(gp); err != nil {
		panic(err)
	}
	now := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	token, err := a.Tokens.Issue(gp, nhs.Treatment, 8*time.Hour, now)
	if err != nil {
		panic(err)
	}
	s, _ := a.Tokens.Verify(token, now)
	fmt.Println(s.User, s.Role.Title(), s.Purpose)
	_, err = a.Tokens.Verify(token, now.Add(9*time.Hour))
	fmt.Println(fault.KindOf(err))
	_ = a.Accounts.Remove("gp")
	_, err = a.Tokens.Verify(token, now)
	fmt.Println(fault.KindOf(err))
	// Output:
	// gp General practitioner TREAT
	// expired
	// login
}
