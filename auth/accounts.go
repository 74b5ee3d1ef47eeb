package auth

import (
	"iter"
	"slices"
	"sync"
	"time"

	"selda/fault"
	"selda/nhs"
)

// Accounts is the accounts of a region, in a Table. It is safe for concurrent use. The
// zero Accounts finds nobody and adds nobody.
type Accounts struct {
	table  Table
	shared bool // other nodes change them, too

	mu      sync.Mutex
	seen    map[string]seen // of late
	changes int             // made here: what was read before one is not kept after it
}

// record is an account as it is kept, with its sessions.
type record struct {
	Account
	liveFile
	version int64
}

// seen is an account that was read.
type seen struct {
	record
	read time.Time
}

const (
	// accountsFor is how long a node may go on with an account that another one has
	// changed.
	accountsFor = time.Second
	// maxSeen is how many accounts are kept in memory: those of who is at work.
	maxSeen = 4096
	// page is how many accounts are read at once where all are.
	page = 1000
)

// OpenAccounts is the accounts of a table; shared where other nodes change them.
func OpenAccounts(t Table, shared bool) *Accounts {
	return &Accounts{table: t, shared: shared, seen: map[string]seen{}}
}

// load reads the record of a user from the table.
func (s *Accounts) load(user string) (record, bool, error) {
	const op = "auth.Accounts"
	if s.table == nil {
		return record{}, false, fault.E(op, fault.NoStore, "the accounts are kept nowhere")
	}
	if !isUser(user) { // nobody has it, and no table need understand it
		return record{}, false, nil
	}
	k, ok, err := s.table.Account(user)
	if err != nil || !ok {
		return record{}, false, err
	}
	r, err := readRecord(k)
	return r, err == nil, err
}

// find is the record of a user, as it was read of late.
func (s *Accounts) known(user string) (record, bool, error) {
	s.mu.Lock()
	had, ok := s.seen[user]
	changes := s.changes
	s.mu.Unlock()
	if ok && (!s.shared || time.Since(had.read) < accountsFor) {
		return had.record, true, nil
	}
	now := time.Now()
	r, ok, err := s.load(user)
	if err != nil {
		return r, false, fault.E("auth.Accounts", fault.NoStore, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok && changes == s.changes {
		if len(s.seen) >= maxSeen {
			clear(s.seen) // who is at work is read again
		}
		s.seen[user] = seen{r, now}
	}
	return r, ok, nil
}

// forget has users read anew: another node, or this one, may have changed them.
func (s *Accounts) forget(users ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	for _, u := range users {
		delete(s.seen, u)
	}
}

// again has a user read anew where another node may have changed it.
func (s *Accounts) again(user string) {
	if s.shared {
		s.forget(user)
	}
}

// Known is the account of a user, whether it can be used or not.
func (s *Accounts) Known(user string) (Account, bool, error) {
	r, ok, err := s.known(user)
	return r.Account, ok, err
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

// Ask gives the accounts that a query asks for, by user name.
func (s *Accounts) Ask(q Query) ([]Account, error) {
	const op = "auth.Ask"
	if s.table == nil {
		return nil, fault.E(op, fault.NoStore, "the accounts are kept nowhere")
	}
	list, err := s.table.Accounts(q)
	if err != nil {
		return nil, fault.E(op, err)
	}
	out := make([]Account, len(list))
	for i, k := range list {
		r, err := readRecord(k)
		if err != nil {
			return nil, fault.E(op, err)
		}
		out[i] = r.Account
	}
	return out, nil
}

// All gives every account that a query asks for, by user name, however many they are.
func (s *Accounts) All(q Query) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for q.Limit = page; ; {
			list, err := s.Ask(q)
			if err != nil {
				yield(Account{}, err)
				return
			}
			for _, a := range list {
				if !yield(a, nil) {
					return
				}
			}
			if len(list) < page {
				return
			}
			q.After = list[page-1].User
		}
	}
}

// List is all accounts, by user name: nothing to ask for at a region's size.
func (s *Accounts) List() []Account {
	list, _ := s.Ask(Query{})
	return list
}

// Count says how many accounts there are, of an organisation or, for "", of each.
func (s *Accounts) Count(o nhs.ODS) ([]Count, error) {
	if s.table == nil {
		return nil, fault.E("auth.Count", fault.NoStore, "the accounts are kept nowhere")
	}
	return s.table.CountAccounts(o)
}

// WorksAt are the organisations at which somebody with an NHS number has an account
// as a professional: who looks at a colleague's record is told by that.
func (s *Accounts) WorksAt(n nhs.Number) (out []nhs.ODS) {
	if n.IsZero() {
		return nil
	}
	list, _ := s.Ask(Query{Working: true, Person: n.Digits()})
	for _, a := range list {
		if !slices.Contains(out, a.Organisation) {
			out = append(out, a.Organisation)
		}
	}
	return out
}

// Add adds accounts, all of them or none. The fault is Duplicate where a user
// name is taken, and Value where an account lacks something.
func (s *Accounts) Add(accounts ...Account) error {
	const op = "auth.Add"
	list, users := make([]record, len(accounts)), make([]string, len(accounts))
	for i, a := range accounts {
		if a.Made.IsZero() {
			a.Made = time.Now().UTC().Truncate(time.Second)
		}
		list[i], users[i] = record{Account: a}, a.User
	}
	err := s.save(list...)
	s.forget(users...)
	switch {
	case fault.Is(err, fault.Conflict):
		return fault.E(op, fault.Duplicate, "an account has that user name")
	case err != nil:
		return fault.E(op, err)
	}
	return nil
}

// save keeps records in the place of what they were read from.
func (s *Accounts) save(list ...record) error {
	if s.table == nil {
		return fault.E("auth.save", fault.NoStore, "the accounts are kept nowhere")
	}
	out := make([]Kept, len(list))
	for i := range list {
		var err error
		if out[i], err = list[i].kept(); err != nil {
			return err
		}
	}
	return s.table.SaveAccounts(out...)
}

// Put adds an account or replaces the one of that user name.
func (s *Accounts) Put(a Account) error {
	return s.change("auth.Put", a.User, func(r *record) error { r.Account = a; return nil })
}

// Alter changes an account. The fault is NotFound where there is none.
func (s *Accounts) Alter(user string, f func(*Account)) error {
	const op = "auth.Alter"
	return s.change(op, user, func(r *record) error {
		if r.version == 0 {
			return fault.E(op, fault.NotFound, "no such account")
		}
		f(&r.Account)
		return nil
	})
}

// change changes what is kept of a user. Where somebody else has changed it meanwhile, it
// is done again on that.
func (s *Accounts) change(op, user string, f func(*record) error) error {
	for {
		r, _, err := s.load(user)
		if err == nil {
			err = f(&r)
		}
		if err == nil {
			err = s.save(r)
			s.forget(user)
		}
		if err == nil {
			return nil
		}
		if !fault.Is(err, fault.Conflict) {
			return fault.E(op, err)
		}
	}
}

// Remove takes an account away: its sessions and tokens are refused from now on.
func (s *Accounts) Remove(user string) error {
	const op = "auth.Remove"
	if s.table == nil {
		return fault.E(op, fault.NoStore, "the accounts are kept nowhere")
	}
	there, err := s.table.RemoveAccount(user)
	s.forget(user)
	if err == nil && !there {
		err = fault.E(op, fault.NotFound, "no such account")
	}
	if err != nil {
		return fault.E(op, err)
	}
	return nil
}
