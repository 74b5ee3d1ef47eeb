// Package region wires a region: it is the one place where ports meet their
// adapters. A Region is one data folder, open: its store, journal, trail,
// accounts, the door in and the door out. Serve opens the doors to the world.
//
// One process opens a data folder. It holds DIR/lock and answers on
// DIR/selda.sock; every command on a folder in use is a call over that socket.
package region

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"selda/access"
	"selda/access/record"
	"selda/api"
	"selda/audit"
	"selda/auth"
	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/store/sqlite"
)

// Region is one data folder, open.
type Region struct {
	Data    string
	Store   *sqlite.DB
	Journal *ingest.Journal
	Ingest  *ingest.Pipeline
	Trail   *audit.Trail
	Access  *access.Access
	Records *record.Records
	Auth    *auth.Auth
	Log     *slog.Logger
	Now     func() time.Time

	lock  *os.File
	index *sqlite.AuditIndex

	cursors *api.Cursors
	mapper  *mapper
	metrics *metrics
	drop    atomic.Value // string: the folder that is watched
}

// Options of a region.
type Options struct {
	Data   string
	Now    func() time.Time
	Log    *slog.Logger
	SignOn *SignOn             // nil: with the built-in provider alone
	Demo   *auth.Demonstration // set where the region is a demonstration
}

// ErrInUse says that another process has the data folder open.
var ErrInUse = errors.New("the data folder is in use by another SELDA")

// Open opens a region, making it where the folder is empty.
func Open(ctx context.Context, o Options) (r *Region, err error) {
	const op = "region.Open"
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	r = &Region{Data: o.Data, Now: o.Now, Log: o.Log, mapper: &mapper{dir: filepath.Join(o.Data, "mappings"), extracts: filepath.Join(o.Data, "extracts")}}
	r.metrics = newMetrics(r)
	defer func() {
		if err != nil {
			_ = r.Close()
		}
	}()
	if err := r.takeLock(); err != nil {
		return r, fault.E(op, fault.Conflict, err)
	}
	if r.Store, err = sqlite.Open(o.Data, sqlite.Options{}); err != nil {
		return r, err
	}
	if r.index, err = sqlite.OpenAuditIndex(filepath.Join(o.Data, "audit-index.db")); err != nil {
		return r, err
	}
	if r.Trail, err = audit.Open(audit.Options{Data: o.Data, Now: o.Now, Index: r.index}); err != nil {
		return r, err
	}
	if r.Journal, err = ingest.OpenJournal(filepath.Join(o.Data, "raw")); err != nil {
		return r, fault.E(op, fault.NoStore, err)
	}
	feeds, err := r.Store.Feeds(ctx, o.Now().Add(-ingest.HeardHours*time.Hour))
	if err != nil {
		return r, err
	}
	if r.Ingest, err = ingest.Open(ctx, ingest.Options{Journal: r.Journal, Store: r.Store, Mapper: r.mapper.Map, Now: o.Now, Log: o.Log, Heard: feeds, OnOutcome: r.metrics.outcome}); err != nil {
		return r, err
	}
	r.Access = &access.Access{Store: r.Store, Index: r.Store, Owners: r.Store, Claims: r.Store, Marks: marks{r}, Trail: r.Trail, Now: o.Now}
	r.Records = &record.Records{Store: r.Store}
	if r.cursors, err = api.NewCursors(r.Store.Secret("cursors")); err != nil {
		return r, err
	}
	r.Auth, err = auth.New(o.SignOn.config(auth.Config{Dir: o.Data, Demonstration: o.Demo, OnEvent: r.signOn}))
	return r, err
}

// takeLock makes this process the one that has the folder open.
func (r *Region) takeLock() error {
	f, err := os.OpenFile(filepath.Join(r.Data, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return ErrInUse
	}
	r.lock = f
	return nil
}

// Close commits what was taken, and closes everything.
func (r *Region) Close() error {
	var errs []error
	if r.Ingest != nil {
		errs = append(errs, r.Ingest.Close())
	}
	if r.Journal != nil {
		errs = append(errs, r.Journal.Close())
	}
	if r.Trail != nil {
		errs = append(errs, r.Trail.Close())
	}
	if r.index != nil {
		errs = append(errs, r.index.Close())
	}
	if r.Store != nil {
		errs = append(errs, r.Store.Close())
	}
	if r.lock != nil {
		errs = append(errs, r.lock.Close())
	}
	return errors.Join(errs...)
}

// signOn has what happens at sign-on recorded before it takes effect.
func (r *Region) signOn(ctx context.Context, e auth.Event) error {
	entry := audit.From(e.Subject, string(e.Kind), "sign-on")
	if e.Kind == auth.Refused {
		entry.Action, entry.Outcome, entry.Rules = audit.SignIn, audit.Deny, []string{e.Reason}
	}
	entry.Reason = e.Provider
	_, err := r.Trail.Append(ctx, entry)
	return err
}

// OperatorSubject is the operating-system user, who acts at the command line.
func OperatorSubject() policy.Subject {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return policy.Subject{User: "os:" + name, Name: name, Role: nhs.Operator, Purpose: nhs.Operations}
}
