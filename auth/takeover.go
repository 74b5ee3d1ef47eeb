package auth

import (
	"encoding/json"
	"slices"

	"selda/auth/app"
	"selda/fault"
	"selda/internal/document"
)

// This file takes over what a version of before kept: all accounts in one document, and
// the sessions of each user in another.

const (
	accountsDocument = "auth/accounts.json"
	liveDocuments    = "auth/sessions/"
)

// takeOver moves the accounts of a document into the table. It may end anywhere: the
// document goes last, and what is in the table by then stays as it is.
func (s *Accounts) takeOver(docs document.Store) error {
	const op = "auth.takeOver"
	b, _, err := docs.Load(accountsDocument)
	if err != nil || b == nil {
		return err
	}
	list, err := readAccounts(b)
	if err != nil {
		return fault.E(op, err)
	}
	for some := range slices.Chunk(list, page) {
		if err := s.take(docs, some); err != nil {
			return fault.E(op, err)
		}
	}
	live, err := docs.List(liveDocuments)
	for _, name := range append(live, accountsDocument) {
		if err == nil {
			err = docs.Remove(name)
		}
	}
	if err != nil {
		return fault.E(op, err)
	}
	return nil
}

// take keeps those that are not there yet. Another node may be at it as well.
func (s *Accounts) take(docs document.Store, list []Account) error {
	for {
		var fresh []record
		for _, a := range list {
			_, there, err := s.load(a.User)
			if err != nil {
				return err
			}
			if there {
				continue
			}
			r := record{Account: a}
			if r.liveFile, err = liveOf(docs, a.User); err != nil {
				return err
			}
			fresh = append(fresh, r)
		}
		if err := s.save(fresh...); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

// liveOf reads the document of somebody's sessions.
func liveOf(docs document.Store, user string) (l liveFile, err error) {
	k := app.Key(user)
	b, _, err := docs.Load(liveDocuments + k[:2] + "/" + k + ".json")
	if err != nil || b == nil {
		return l, err
	}
	// A list alone is of a version that did not keep the last sign-in.
	if json.Unmarshal(b, &l) != nil && json.Unmarshal(b, &l.Sessions) != nil {
		return l, fault.E("auth.takeOver", fault.Structure, "the sessions of somebody are not what SELDA wrote")
	}
	return l, nil
}
