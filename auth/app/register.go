package app

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/fault"
	"selda/internal/document"
)

// Register is the applications of a region, in one document. It is safe for
// concurrent use. The zero Register knows none.
type Register struct {
	docs   document.Store
	shared bool // other nodes change it, too

	mu     sync.Mutex
	apps   map[string]App
	loaded int64
	read   time.Time
}

const (
	registerName = "auth/apps.json"
	// freshFor is how long a node may go on with what another has changed.
	freshFor = time.Second
	// How many there may be: what nobody approves is dropped after a while.
	maxApps    = 1000
	maxPending = 100
	pendingFor = 30 * 24 * time.Hour
)

// OpenRegister reads the register.
func OpenRegister(docs document.Store, shared bool) (*Register, error) {
	r := &Register{docs: docs, shared: shared}
	if err := r.load(); err != nil {
		return nil, fault.E("app.OpenRegister", err)
	}
	return r, nil
}

type registerFile struct {
	Apps []App `json:"apps"`
}

func (r *Register) load() error {
	b, version, err := r.docs.Load(registerName)
	if err != nil {
		return err
	}
	apps := map[string]App{}
	if b != nil {
		var f registerFile
		if json.NewDecoder(bytes.NewReader(b)).Decode(&f) != nil {
			return fault.E("app.load", fault.Structure, "the register of applications is not what SELDA wrote", registerName)
		}
		for _, a := range f.Apps {
			apps[a.ID] = a
		}
	}
	r.apps, r.loaded, r.read = apps, version, time.Now()
	return nil
}

// all is every application. Nobody changes the map that it gives.
func (r *Register) all() (map[string]App, error) {
	if r == nil || r.docs == nil {
		return nil, fault.E("app.Register", fault.NoStore, "there is no register of applications")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shared && time.Since(r.read) >= freshFor {
		if err := r.load(); err != nil {
			return nil, fault.E("app.Register", fault.NoStore, err)
		}
	}
	return r.apps, nil
}

// Find is one application. The fault is NotFound, or NoStore where the register
// can't be read.
func (r *Register) Find(id string) (App, error) {
	all, err := r.all()
	if err != nil {
		return App{}, err
	}
	a, ok := all[id]
	if !ok {
		return App{}, fault.E("app.Find", fault.NotFound, "there is no such application")
	}
	return a, nil
}

// List is all of them, those first that wait for approval, then by name.
func (r *Register) List() ([]App, error) {
	all, err := r.all()
	list := make([]App, 0, len(all))
	for _, a := range all {
		list = append(list, a)
	}
	waits := func(a App) int {
		if a.Approved == nil && a.Suspended == nil {
			return 0
		}
		return 1
	}
	slices.SortFunc(list, func(a, b App) int {
		return cmp.Or(waits(a)-waits(b), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return list, err
}

// Add registers an application, and gives it its id.
func (r *Register) Add(a App, now time.Time) (App, error) {
	const op = "app.Add"
	if err := a.check(); err != nil {
		return App{}, fault.E(op, err)
	}
	a.ID, a.Registered, a.Approved, a.Suspended = rand.Text(), now.UTC().Truncate(time.Second), nil, nil
	err := r.change(op, func(all map[string]App) error {
		pending := 0
		for id, o := range all {
			if o.State(now) != Pending {
				continue
			}
			if pending++; now.Sub(o.Registered) > pendingFor {
				delete(all, id)
				pending--
			}
		}
		if pending >= maxPending || len(all) >= maxApps {
			return fault.E(op, fault.Throttled, "too many applications wait for approval: try again when some have been decided on")
		}
		all[a.ID] = a
		return nil
	})
	return a, err
}

// Approve has an application used from now until an end. It must be one day
// away at least and two years at most.
func (r *Register) Approve(id, by, account string, now, until time.Time) (App, error) {
	const op = "app.Approve"
	if until.Sub(now) > maxFor || !until.After(now) {
		return App{}, fault.E(op, fault.Value, "an approval ends after today, and within two years", "until")
	}
	return r.edit(op, id, func(a *App) error {
		if a.Serves(Systems) {
			if account == "" {
				account = a.Account
			}
			if account == "" {
				return fault.E(op, fault.Required, "say which system's account it acts as", "account")
			}
			a.Account = account
		}
		a.Approved, a.Suspended = &Approval{by, now.UTC().Truncate(time.Second), until.UTC().Truncate(time.Second)}, nil
		return nil
	})
}

// Suspend stops an application at once.
func (r *Register) Suspend(id, by, reason string, now time.Time) (App, error) {
	return r.edit("app.Suspend", id, func(a *App) error {
		if len(reason) > 600 {
			return fault.E("app.Suspend", fault.TooLong, "the reason has at most 600 letters", "reason")
		}
		a.Suspended = &Suspension{by, now.UTC().Truncate(time.Second), reason}
		return nil
	})
}

// Renew gives an application that proves itself by a secret a new one, which is shown
// once; the former is of no use any more.
func (r *Register) Renew(id string, now time.Time) (secret string, err error) {
	const op = "app.Renew"
	_, err = r.edit(op, id, func(a *App) error {
		if a.Kind != Symmetric {
			return fault.E(op, fault.NotSupported, "this application has no secret of ours: it proves itself by its own key, or not at all")
		}
		secret = a.NewSecret(now)
		return nil
	})
	return secret, err
}

// Remove takes an application away. What people connected ends with it.
func (r *Register) Remove(id string) error {
	return r.change("app.Remove", func(all map[string]App) error {
		if _, ok := all[id]; !ok {
			return fault.E("app.Remove", fault.NotFound, "there is no such application")
		}
		delete(all, id)
		return nil
	})
}

func (r *Register) edit(op, id string, f func(*App) error) (out App, err error) {
	err = r.change(op, func(all map[string]App) error {
		a, ok := all[id]
		if !ok {
			return fault.E(op, fault.NotFound, "there is no such application")
		}
		if err := f(&a); err != nil {
			return err
		}
		all[id], out = a, a
		return nil
	})
	return out, err
}

// change works on a copy, and takes it over once it is kept. Where another node
// was quicker it is done again on what that one kept.
func (r *Register) change(op string, f func(map[string]App) error) error {
	if r == nil || r.docs == nil {
		return fault.E(op, fault.NoStore, "there is no register of applications")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if err := r.load(); err != nil {
			return fault.E(op, fault.NoStore, err)
		}
		all := make(map[string]App, len(r.apps)+1)
		for id, a := range r.apps {
			all[id] = a
		}
		if err := f(all); err != nil {
			return err
		}
		file := registerFile{make([]App, 0, len(all))}
		for _, a := range all {
			file.Apps = append(file.Apps, a)
		}
		slices.SortFunc(file.Apps, func(a, b App) int { return strings.Compare(a.ID, b.ID) })
		b, err := json.MarshalIndent(file, "", " ")
		if err != nil {
			return fault.E(op, err)
		}
		err = r.docs.Save(registerName, b, r.loaded)
		if fault.Is(err, fault.Conflict) {
			continue
		}
		if err != nil {
			return fault.E(op, err)
		}
		return r.load()
	}
}
