package region

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"selda/access"
	"selda/audit"
	"selda/auth"
	"selda/bulk"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/internal/document"
	"selda/internal/seal"
	"selda/mpi"
	"selda/nhs"
	"selda/store"
	"selda/store/sqlite"
	"selda/subscription"
)

// This file opens what a region is kept in: a data folder that one process has
// open, or a database on which several nodes work.

// Store is what a region needs of an adapter of the store.
type Store interface {
	store.Reader
	store.Writer
	store.Leases
	mpi.Index
	ingest.Store
	ingest.Ledger
	access.Claims
	access.Cases
	access.Owners
	keptAccounts
	subscription.Register
	subscription.Queue
	subscription.Ledger
	subscription.Links
	store.Relabeller
	store.Disposer
	store.Bars
	// Secret is a key of 32 bytes for one use, the same at every node.
	Secret(use string) []byte
	Reindex(ctx context.Context, index func(*fhir.Resource, nhs.Source) store.Index) (int, error)
	Close() error
}

// Nodes is what a region on a database has beside: others may work on it.
type Nodes interface {
	ingest.Left
	// Settle waits until every message is committed that any node has received by now.
	Settle(ctx context.Context) error
	// Jobs is where exports and imports are kept.
	Jobs() bulk.Store
}

// ErrInUse says that another process has the data folder open.
var ErrInUse = errors.New("the data folder is in use by another SELDA")

// openFolder opens a data folder, making it where it is empty.
func (r *Region) openFolder(ctx context.Context, o Options) error {
	const op = "region.Open"
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	if err := r.takeLock(); err != nil {
		return fault.E(op, fault.Conflict, err)
	}
	docs, k, err := sealedFolder(o.Data, true)
	if err != nil {
		return err
	}
	db, err := sqlite.Open(o.Data, sqlite.Options{Keys: k.ring})
	if err != nil {
		return err
	}
	r.Store, r.documents, r.resting = db, docs, k
	r.accounts = restingAccounts{db, k.ring, db.Secret("accounts")}
	r.sealed = []sealer{docs.(document.Sealed), db, r.accounts}
	if err = r.sealAtRest(); err != nil {
		return err
	}
	index, err := sqlite.OpenAuditIndex(filepath.Join(o.Data, "audit-index.db"))
	if err != nil {
		return err
	}
	r.index = index
	if r.Trail, err = audit.Open(audit.Options{Data: o.Data, Now: o.Now, Index: index, Documents: docs}); err != nil {
		return err
	}
	if r.Journal, err = ingest.OpenJournal(ctx, filepath.Join(o.Data, "raw"), r.Store); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	return nil
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

// nodeLine is how many messages wait at a node: it acknowledges faster than the
// region, whose writer it shares, commits.
const nodeLine = 600

// openPostgres opens a database as one more node of its region.
func (r *Region) openPostgres(ctx context.Context, o Options) error {
	db, k, err := openDatabase(ctx, o.Postgres)
	if err != nil {
		return err
	}
	r.Store, r.Nodes, r.line, r.resting = db, db, nodeLine, k
	derived, err := seal.Of(db.Secret(nodesKey))
	if err != nil {
		return err
	}
	docs := document.Sealed{Store: db.Documents(), Keys: derived, Names: atRest}
	if k != nil {
		k.derived, docs.Keys = derived, k.ring
		if err := k.ring.Reload(); err != nil {
			return err
		}
	}
	r.documents, r.accounts = docs, restingAccounts{db, docs.Keys, db.Secret("accounts")}
	r.sealed = []sealer{docs, db, r.accounts}
	if err := r.sealAtRest(); err != nil {
		return err
	}
	r.shared = &auth.Shared{Documents: r.documents, Passing: passing{db.Passing(), derived, db.Secret("passing")}, Secret: db.Secret}
	trail, err := db.OpenTrail(ctx, o.Now)
	if err != nil {
		return err
	}
	log, err := trail.Tree(ctx)
	if err != nil {
		return errors.Join(err, trail.Close())
	}
	r.Trail = audit.New(trail, trail, log, o.Now)
	r.Journal, err = ingest.NewJournal(db.OpenJournal())
	return err
}

// How often a node looks for what another one has left, and for what the others
// have heard.
const (
	takeOverEvery = time.Second
	hearEvery     = 5 * time.Second
)

// beANode finishes what other nodes have left, and keeps up with what they
// hear, until ctx ends.
func (r *Region) beANode(ctx context.Context) {
	tick := time.NewTicker(takeOverEvery)
	defer tick.Stop()
	for heard := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if r.Trail.Ready() != nil {
			r.unfit()
			return
		}
		if err := r.Ingest.TakeOver(ctx, r.Nodes); err != nil && ctx.Err() == nil {
			r.Log.Error("what another node left could not be finished; it is tried again", "error", err)
		}
		if time.Since(heard) < hearEvery {
			continue
		}
		heard = time.Now()
		if feeds, err := r.Store.Feeds(ctx, r.Now().Add(-ingest.HeardHours*time.Hour)); err == nil { // else at the next time
			r.Ingest.Know(feeds)
		}
	}
}

// VerifyTrail proves the whole trail of a region that need not be open.
func VerifyTrail(ctx context.Context, data, dsn string) (audit.Report, error) {
	if dsn == "" {
		docs, _, err := sealedFolder(data, false)
		if err != nil {
			return audit.Report{}, err
		}
		return audit.Verify(data, docs)
	}
	db, _, err := openDatabase(ctx, dsn)
	if err != nil {
		return audit.Report{}, err
	}
	report, err := db.VerifyTrail(ctx)
	return report, errors.Join(err, db.Close())
}
