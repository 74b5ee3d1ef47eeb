// Package storetest is the one suite that every adapter of the store must
// pass. An adapter is done when it is green. It asks through the ports only,
// so that it holds for any of them; it is not the place for what one adapter
// does inside.
//
// Cases are filed by what they keep: versions, links, messages, and
// interference, the property that what is hidden leaves no trace.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"selda/access"
	"selda/auth"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/subscription"
)

// Adapter is all that an adapter offers to the rooms above it.
type Adapter interface {
	store.Reader
	store.Writer
	mpi.Index
	ingest.Store
	ingest.Ledger
	access.Claims
	access.Cases
	access.Owners
	auth.Table
	// AccountKeys are the ids of the keys that accounts are sealed by, and AccountsUnder
	// some of those under one.
	AccountKeys() ([]string, error)
	AccountsUnder(key string, limit int) ([]auth.Kept, error)
	store.Leases
	subscription.Register
	subscription.Queue
	subscription.Ledger
	subscription.Links
	store.Relabeller
	store.Disposer
	store.Bars
	// Fold puts what is fresh of the ordered values into runs.
	Fold(ctx context.Context) error
	Reindex(ctx context.Context, index func(*fhir.Resource, nhs.Source) store.Index) (int, error)
}

// Run runs the suite. open opens a new, empty store and closes it when its
// test ends.
func Run(t *testing.T, open func(t *testing.T) Adapter) {
	for _, c := range []struct {
		name string
		f    func(*box)
	}{
		{"versions and history", versions},
		{"as at an earlier n", asAt},
		{"labels given anew", relabelled},
		{"disposal (G18)", disposals},
		{"what is kept from coming in again (G18)", bars},
		{"same content is no new version", same},
		{"deletion", deletion},
		{"ids asked for", askedIDs},
		{"a key before its resource", keysFirst},
		{"compartment", compartment},
		{"the compartment around a resource", enclosing},
		{"shared resources", sharedResources},
		{"many versions", manyVersions},
		{"moved to another subject (G19)", moved},
		{"search", searches},
		{"search as at an earlier n", searchAsAt},
		{"ordered values", orderedValues},
		{"the log of changes", changes},
		{"a walk through all", walks},
		{"the index made again", reindexed},
		{"predicate in every query", predicateEverywhere},
		{"the log and what a message made", ofMessage},
		{"a failed update leaves nothing", rollback},
		{"concurrent readers see whole commits", wholeCommits},
		{"identities", identities},
		{"links as at n", linksAsAt},
		{"merge and exact undo", mergeUndo},
		{"chains of merges", mergeChain},
		{"severed pairs (G14)", severed},
		{"severed, then merged on (G14)", severedThenMerged},
		{"review list", reviews},
		{"messages and quarantine", messages},
		{"journal position", journalPosition},
		{"claims", claims},
		{"cases of rights", cases},
		{"accounts", accounts},
		{"keys of accounts", accountKeys},
		{"owners", owners},
		{"leases", leases},
		{"odd texts", oddTexts},
		{"subscriptions", registers},
		{"subscriptions of one account", fullRegister},
		{"what waits to be told", queues},
		{"event numbers", eventNumbers},
		{"who leads tells", led},
		{"links by commit", linkedByCommit},
	} {
		t.Run(c.name, func(t *testing.T) { c.f(&box{T: t, Adapter: open(t)}) })
	}
	t.Run("what is hidden leaves no trace (invariant 3)", func(t *testing.T) { interference(t, open(t), open(t)) })
}

// Sources of the cases.
const (
	pas  = nhs.Source("RJZ:PAS")
	lims = nhs.Source("RJ1:LIMS")
	gp   = nhs.Source("G85001:GP")
)

var (
	all   = &policy.Predicate{Permit: true, Everything: true}
	epoch = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
)

// box is a store under test with a clock that ticks a minute a commit.
type box struct {
	*testing.T
	Adapter
	ticks int
}

func (b *box) ctx() context.Context { return b.T.Context() }

// commit runs f in a commit of its own, and gives its number.
func (b *box) commit(f func(tx ingest.Tx)) (n uint64) {
	b.Helper()
	b.ticks++
	err := b.Commit(b.ctx(), func(tx ingest.Tx) (err error) {
		if n, err = tx.Begin(epoch.Add(time.Duration(b.ticks)*time.Minute), pas, 0); err == nil {
			f(tx)
		}
		return err
	})
	b.must(err)
	return n
}

func (b *box) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// subject makes a subject with a citizen of its own.
func (b *box) subject(source nhs.Source) (s store.Subject) {
	b.Helper()
	b.commit(func(tx ingest.Tx) {
		var err error
		s, err = tx.NewSubject(source)
		b.must(err)
		_, err = tx.NewCitizen(s)
		b.must(err)
	})
	return s
}

// write writes one version in a commit of its own.
func (b *box) write(p store.Put) (w store.Written, n uint64) {
	b.Helper()
	n = b.commit(func(tx ingest.Tx) {
		var err error
		w, err = tx.Write(p)
		b.must(err)
	})
	return w, n
}

// observation is a Put of an Observation that says text.
func observation(s store.Subject, id, text string) store.Put {
	return store.Put{Subject: s, Type: "Observation", ID: id, Source: pas, DataSet: policy.Observations, Final: true,
		When: epoch, Body: []byte(`{"resourceType":"Observation","valueString":"` + text + `"}`), Origin: "OBX[1]|valueString=~-5", Tokens: []string{"code:a"}}
}

func (b *box) read(typ, id string, n uint64, p *policy.Predicate) (*store.Version, error) {
	return b.Read(b.ctx(), typ, id, n, p)
}

// unknown fails unless err is the answer for what never was.
func (b *box) unknown(what string, err error) {
	b.Helper()
	if !fault.Is(err, fault.NotFound) {
		b.Errorf("%s: got %v, want the answer of an unknown id", what, err)
	}
}

func (b *box) equal(what string, got, want any) {
	b.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		b.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// ids are the ids of versions, with their number.
func ids(list []*store.Version) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, fmt.Sprintf("%s/%s@%d", v.Type, v.ID, v.Version))
	}
	return out
}

var errStop = errors.New("stop")
