package auth

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"selda/auth/app"
	"selda/fault"
	"selda/internal/document"
)

// dying is a folder and a table of a process that ends at some step.
type dying struct {
	document.Store
	Table
	left int
}

func (d *dying) step() error {
	if d.left--; d.left < 0 {
		return fault.E("test", fault.NoStore, "killed")
	}
	return nil
}

func (d *dying) Remove(name string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Store.Remove(name)
}

func (d *dying) SaveAccounts(list ...Kept) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Table.SaveAccounts(list...)
}

// The document of before is taken over once, with when each signed in last, and is gone;
// killed anywhere, the next start does the rest and loses nobody.
func TestTheDocumentOfAccountsIsTakenOver(t *testing.T) {
	var doc accountsFile
	many := someAccounts(t)
	for i := range 2 * page {
		a := many[0]
		a.User = fmt.Sprint("gp", i)
		many = append(many, a)
	}
	for _, a := range many {
		doc.Accounts = append(doc.Accounts, fileOf(a))
	}
	accounts, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	k, at := app.Key("gp"), time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	live, _ := json.Marshal(liveFile{SignedIn: at})
	ended := false
	for left := 0; !ended; left++ {
		docs, table := &rows{m: map[string]row{}}, &tableHere{}
		for name, b := range map[string][]byte{accountsDocument: accounts, liveDocuments + k[:2] + "/" + k + ".json": live, "auth/keys.json": []byte("else")} {
			if err := docs.Save(name, b, 0); err != nil {
				t.Fatal(err)
			}
		}
		d := &dying{docs, table, left}
		ended = OpenAccounts(d, false).takeOver(d) == nil
		if names, _ := docs.List(""); !ended && !reflect.DeepEqual(names[:1], []string{accountsDocument}) {
			t.Fatal("the document went before all was done", names)
		}
		s := OpenAccounts(table, false)
		if err := s.takeOver(docs); err != nil {
			t.Fatal(left, err)
		}
		gp, _, err := s.load("gp")
		if n := len(s.List()); err != nil || n != len(many) || !gp.SignedIn.Equal(at) || !gp.PasswordHash.Fits(password) {
			t.Fatalf("killed at %d: %d accounts, the last sign-in was %v: %v", left, n, gp.SignedIn, err)
		}
		if names, _ := docs.List(""); !reflect.DeepEqual(names, []string{"auth/keys.json"}) {
			t.Fatal("left:", names)
		}
		// What has changed since stays, should the document come again with an old backup.
		if err := s.Alter("gp", func(a *Account) { a.Disabled = true }); err != nil {
			t.Fatal(err)
		}
		if err := docs.Save(accountsDocument, accounts, 0); err != nil {
			t.Fatal(err)
		}
		if err := s.takeOver(docs); err != nil {
			t.Fatal(err)
		}
		if a, _, _ := s.Known("gp"); !a.Disabled {
			t.Fatal("an account that was disabled is in use again")
		}
	}
}
