package auth

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
)

// Account is somebody, or a system, that can sign in. It acts in one role.
type Account struct {
	User             string // unique in the region
	Name             string // the person's name, to show
	Role             nhs.Role
	Organisation     nhs.ODS // "" of a citizen and of a proxy
	OrganisationName string
	NHSNumber        nhs.Number   // a citizen's own
	For              []nhs.Number // whom a proxy acts for
	Source           nhs.Source   // of a source system
	PasswordHash     PasswordHash // zero where another provider vouches
	// Given is until when a password that was given to its owner is good, to choose their
	// own; zero where they have chosen.
	Given    time.Time
	Provider string   // the provider from outside that vouches; "" of the built-in one
	Teams    []string // within the organisation: names of its own, or a provider's codes
	// Contact is who answers for the account: the person's own address at work, or
	// of whoever runs a system.
	Contact string
	// Ends is when the account ends, with a contract; zero where none is said.
	Ends     time.Time
	Disabled bool
	// Since: what was begun before, sessions and tokens, is ended.
	Since time.Time
	Made  time.Time // when the account was made
}

// Usable says whether an account can be used: it was not disabled, and has not ended.
func (a *Account) Usable(now time.Time) bool {
	return !a.Disabled && (a.Ends.IsZero() || now.Before(a.Ends))
}

// Subject is the account acting for a purpose.
func (a Account) Subject(p nhs.Purpose) policy.Subject {
	return policy.Subject{User: a.User, Name: a.Name, Role: a.Role, Organisation: a.Organisation, Purpose: p,
		NHSNumber: a.NHSNumber, For: slices.Clone(a.For), Source: a.Source, Teams: slices.Clone(a.Teams)}
}

// Purpose is the purpose that a role has unless its people choose another.
func Purpose(r nhs.Role) nhs.Purpose { return policy.Purposes(r)[0] }

// mayAct refuses a purpose that a role never has: a citizen asks for the own
// record and nothing else, and nobody else asks as a citizen. Which of the
// others a role may have is policy's to say.
func mayAct(r nhs.Role, p nhs.Purpose) error {
	if _, err := nhs.ParsePurpose(string(p)); err != nil {
		return fault.E("auth.Purpose", fault.Value, err)
	}
	if own := Purpose(r) == nhs.PatientRequest; own != (p == nhs.PatientRequest) {
		return fault.E("auth.Purpose", fault.Security, "that role can't act for that purpose")
	}
	return nil
}

const maxUser = 128

// check says what is wrong with an account; place names the field.
func (a Account) check() error {
	bad := func(message, place string) error { return fault.E("auth.Account", fault.Value, message, place) }
	if a.User == "" || len(a.User) > maxUser || strings.Trim(a.User, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:@") != "" {
		return bad("a user name has letters, digits and -_.:@", "user")
	}
	if a.Name == "" {
		return bad("an account has a name", "name")
	}
	if _, err := nhs.ParseRole(string(a.Role)); err != nil {
		return bad("no such role", "role")
	}
	switch a.Role {
	case nhs.Operator:
		return bad("the operator is the user of the operating system, not an account", "role")
	case nhs.Citizen:
		if a.NHSNumber.IsZero() {
			return bad("a citizen's account has an NHS number", "nhs_number")
		}
	case nhs.Proxy:
		// For whom it acts stands in those people's records.
		if slices.ContainsFunc(a.For, nhs.Number.IsZero) {
			return bad("an NHS number is needed of each for whom the account acts", "for")
		}
	case nhs.SourceSystem:
		if a.Source == "" {
			return bad("a system's account names its source", "source")
		}
		fallthrough
	default:
		if a.Organisation == nhs.Exchange || a.Source.Organisation() == nhs.Exchange {
			return bad("nobody acts as the exchange itself: name the organisation", "organisation")
		}
		if a.Organisation == "" {
			return bad("the account has no organisation", "organisation")
		}
	}
	return nil
}

// Accounts is the accounts of a region, in one document. It is safe for
// concurrent use. The zero Accounts finds nobody and adds nobody.
type Accounts struct {
	docs   document.Store
	name   string
	shared bool // other nodes change them, too
	mu     sync.RWMutex
	byUser map[string]Account
	loaded int64                    // the version that byUser is of
	staff  map[nhs.Number][]nhs.ODS // of WorksAt
	read   time.Time
}

// accountsFor is how long a node may go on with accounts that another one has
// changed.
const accountsFor = time.Second

// OpenAccounts reads the accounts of a file. One that is not there is empty,
// and is made by the first Add.
func OpenAccounts(path string) (*Accounts, error) {
	return openAccounts(document.Folder(filepath.Dir(path)), filepath.Base(path), false)
}

func openAccounts(docs document.Store, name string, shared bool) (*Accounts, error) {
	s := &Accounts{docs: docs, name: name, shared: shared}
	if err := s.load(); err != nil {
		return nil, fault.E("auth.OpenAccounts", err)
	}
	return s, nil
}

// load reads the document, where it is of another version than the last time.
func (s *Accounts) load() error {
	b, version, err := s.docs.Load(s.name)
	if err != nil {
		return err
	}
	if version != s.loaded || s.byUser == nil {
		byUser := map[string]Account{}
		if b != nil {
			if byUser, err = readAccounts(b); err != nil {
				return err
			}
		}
		s.byUser, s.loaded, s.staff = byUser, version, nil
	}
	s.read = time.Now()
	return nil
}

// all is every account, by user name. Nobody changes the map that it gives.
func (s *Accounts) all() (map[string]Account, error) {
	s.mu.RLock()
	byUser, fresh := s.byUser, !s.shared || time.Since(s.read) < accountsFor
	s.mu.RUnlock()
	if fresh {
		return byUser, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.read) >= accountsFor {
		if err := s.load(); err != nil {
			return nil, fault.E("auth.Accounts", fault.NoStore, err)
		}
	}
	return s.byUser, nil
}

// Known is the account of a user, whether it can be used or not.
func (s *Accounts) Known(user string) (Account, bool, error) {
	all, err := s.all()
	a, ok := all[user]
	return a, ok, err
}

// again reads the accounts anew, where another node may have changed them.
func (s *Accounts) again() error {
	if !s.shared {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return fault.E("auth.Accounts", fault.NoStore, err)
	}
	return nil
}

// Find is the account of a user that can be used. Where the accounts can't be read nobody is
// found: who could have been taken away since is refused.
func (s *Accounts) Find(user string) (Account, bool) {
	a, ok, _ := s.find(user)
	return a, ok
}

// find is Find, with why the accounts can't be read: who asks may try again, and
// need not sign in anew.
func (s *Accounts) find(user string) (a Account, ok bool, err error) {
	a, ok, err = s.Known(user)
	if ok && !a.Usable(time.Now()) {
		return Account{}, false, err
	}
	return a, ok, err
}

// List is the accounts, by user name.
func (s *Accounts) List() []Account {
	byUser, _ := s.all()
	list := make([]Account, 0, len(byUser))
	for _, a := range byUser {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Account) int { return strings.Compare(a.User, b.User) })
	return list
}

// Add adds accounts, all of them or none. The fault is Duplicate where a user
// name is taken, and Value where an account lacks something.
func (s *Accounts) Add(accounts ...Account) error {
	return s.change("auth.Add", func(m map[string]Account) error {
		for _, a := range accounts {
			if err := a.check(); err != nil {
				return err
			}
			if _, taken := m[a.User]; taken {
				return fault.E("auth.Add", fault.Duplicate, "an account has that user name")
			}
			if a.Made.IsZero() {
				a.Made = time.Now().UTC().Truncate(time.Second)
			}
			m[a.User] = a
		}
		return nil
	})
}

// Put adds an account or replaces the one of that user name.
func (s *Accounts) Put(a Account) error {
	return s.change("auth.Put", func(m map[string]Account) error {
		if err := a.check(); err != nil {
			return err
		}
		m[a.User] = a
		return nil
	})
}

// Alter changes an account. The fault is NotFound where there is none.
func (s *Accounts) Alter(user string, f func(*Account)) error {
	const op = "auth.Alter"
	return s.change(op, func(m map[string]Account) error {
		a, ok := m[user]
		if !ok {
			return fault.E(op, fault.NotFound, "no such account")
		}
		f(&a)
		if err := a.check(); err != nil {
			return err
		}
		m[user] = a
		return nil
	})
}

// Remove takes an account away: its sessions and tokens are refused from now on.
func (s *Accounts) Remove(user string) error {
	return s.change("auth.Remove", func(m map[string]Account) error {
		if _, ok := m[user]; !ok {
			return fault.E("auth.Remove", fault.NotFound, "no such account")
		}
		delete(m, user)
		return nil
	})
}

// change works on a copy, and takes it over once it is kept. Where another
// node has changed the accounts meanwhile, it is done again on those.
func (s *Accounts) change(op string, f func(map[string]Account) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs == nil {
		return fault.E(op, fault.NoStore, "the accounts have no file")
	}
	for {
		err := s.try(f)
		if err == nil {
			return nil
		}
		if !fault.Is(err, fault.Conflict) {
			return fault.E(op, err)
		}
		if err := s.load(); err != nil {
			return fault.E(op, err)
		}
	}
}

func (s *Accounts) try(f func(map[string]Account) error) error {
	m := make(map[string]Account, len(s.byUser)+1)
	for u, a := range s.byUser {
		m[u] = a
	}
	if err := f(m); err != nil {
		return err
	}
	b, err := writeAccounts(m)
	if err != nil {
		return err
	}
	if err := s.docs.Save(s.name, b, s.loaded); err != nil {
		return err
	}
	s.byUser, s.loaded, s.staff = m, s.loaded+1, nil
	if !s.shared {
		s.loaded = 1
	}
	return nil
}
