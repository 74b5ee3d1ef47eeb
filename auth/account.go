package auth

import (
	"bytes"
	"encoding/json"
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
	Provider         string       // the provider from outside that vouches; "" of the built-in one
	Teams            []string     // within the organisation: names of its own, or a provider's codes
}

// Subject is the account acting for a purpose.
func (a Account) Subject(p nhs.Purpose) policy.Subject {
	return policy.Subject{User: a.User, Name: a.Name, Role: a.Role, Organisation: a.Organisation, Purpose: p,
		NHSNumber: a.NHSNumber, For: slices.Clone(a.For), Source: a.Source, Teams: slices.Clone(a.Teams)}
}

// Purpose is the purpose that a role has unless it says another: its own
// record for a citizen or proxy, a death for who reviews one, treatment for everybody
// else.
func Purpose(r nhs.Role) nhs.Purpose {
	if r == nhs.Citizen || r == nhs.Proxy {
		return nhs.PatientRequest
	}
	if r == nhs.MedicalExaminer || r == nhs.Coroner || r == nhs.ChildDeathReviewer {
		return nhs.DecedentReview
	}
	return nhs.Treatment
}

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

// Find is the account of a user. Where the accounts can't be read nobody is
// found: who could have been taken away since is refused.
func (s *Accounts) Find(user string) (Account, bool) {
	a, ok, _ := s.find(user)
	return a, ok
}

// find is Find, with why the accounts can't be read: who asks may try again, and
// need not sign in anew.
func (s *Accounts) find(user string) (a Account, ok bool, err error) {
	all, err := s.all()
	a, ok = all[user]
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

// accountFile is an account as it stands in the file. An nhs.Number masks
// itself in JSON, so the digits are written out here, and only here.
type accountFile struct {
	User             string   `json:"user"`
	Name             string   `json:"name"`
	Role             string   `json:"role"`
	Organisation     string   `json:"organisation,omitempty"`
	OrganisationName string   `json:"organisation_name,omitempty"`
	NHSNumber        string   `json:"nhs_number,omitempty"`
	For              []string `json:"for,omitempty"`
	Source           string   `json:"source,omitempty"`
	Password         string   `json:"password,omitempty"`
	Provider         string   `json:"provider,omitempty"`
	Teams            []string `json:"teams,omitempty"`
}

type accountsFile struct {
	Accounts []accountFile `json:"accounts"`
}

func readAccounts(b []byte) (map[string]Account, error) {
	const op = "auth.readAccounts"
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f accountsFile
	if err := d.Decode(&f); err != nil || d.More() {
		// The decoder's own message may quote the file.
		return nil, fault.E(op, fault.Structure, "the accounts file is not what SELDA wrote")
	}
	m := make(map[string]Account, len(f.Accounts))
	for _, in := range f.Accounts {
		a, err := in.account()
		if err != nil {
			return nil, fault.E(op, err)
		}
		if _, twice := m[a.User]; twice {
			return nil, fault.E(op, fault.Duplicate, "the accounts file has a user twice")
		}
		m[a.User] = a
	}
	return m, nil
}

func (in accountFile) account() (Account, error) {
	const op = "auth.readAccounts"
	a := Account{User: in.User, Name: in.Name, Role: nhs.Role(in.Role), OrganisationName: in.OrganisationName, Provider: in.Provider, Teams: in.Teams}
	var err error
	if in.Organisation != "" {
		if a.Organisation, err = nhs.ParseODS(in.Organisation); err != nil {
			return a, fault.E(op, fault.Value, err)
		}
	}
	if in.NHSNumber != "" {
		if a.NHSNumber, err = nhs.ParseNumber(in.NHSNumber); err != nil {
			return a, fault.E(op, fault.Value, err)
		}
	}
	for _, n := range in.For {
		number, err := nhs.ParseNumber(n)
		if err != nil {
			return a, fault.E(op, fault.Value, err)
		}
		a.For = append(a.For, number)
	}
	if in.Source != "" {
		if a.Source, err = nhs.ParseSource(in.Source); err != nil {
			return a, fault.E(op, fault.Value, err)
		}
	}
	if in.Password != "" {
		if a.PasswordHash, err = parseHash(in.Password); err != nil {
			return a, fault.E(op, err)
		}
	}
	return a, a.check()
}

func writeAccounts(m map[string]Account) ([]byte, error) {
	f := accountsFile{Accounts: make([]accountFile, 0, len(m))}
	for _, a := range m {
		out := accountFile{User: a.User, Name: a.Name, Role: string(a.Role), Organisation: string(a.Organisation),
			OrganisationName: a.OrganisationName, NHSNumber: a.NHSNumber.Digits(), Source: string(a.Source),
			Password: a.PasswordHash.phc(), Provider: a.Provider, Teams: a.Teams}
		for _, n := range a.For {
			out.For = append(out.For, n.Digits())
		}
		f.Accounts = append(f.Accounts, out)
	}
	slices.SortFunc(f.Accounts, func(a, b accountFile) int { return strings.Compare(a.User, b.User) })
	return json.MarshalIndent(f, "", " ")
}
