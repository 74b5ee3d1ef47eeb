// Package store is the truth: versions of resources, clustered by subject, and
// the log of changes that orders them. It holds the ports that adapters
// (sqlite, postgres) implement and that storetest proves; it is not the
// place where access is decided, and it has no query without a predicate.
//
// Writing: one Update at a time, a transaction in which each commit takes the
// next number n. Reading: as at an n, under a policy.Predicate that the
// adapter applies in the query itself.
package store

import (
	"context"
	"sync/atomic"
	"time"

	"selda/fhir"
	"selda/fhir/search"
	"selda/nhs"
	"selda/policy"
)

// Subject is one identity that one source has given someone: an internal
// number, given once and never changed. Subject 0 stands for what is of no
// person: organisations, practitioners.
type Subject int64

// Shared is the subject of what is of no person.
const Shared Subject = 0

// Citizen is a citizen's internal number; CitizenID is what the outside sees.
type Citizen int64

// MessageID is a message's place in the raw journal, from 1; 0 is none.
type MessageID uint64

// ItemID is a resource's internal number.
type ItemID int64

// Latest asks for what is in force now.
const Latest = ^uint64(0)

// Version is one version of one resource.
type Version struct {
	policy.Columns
	Item    ItemID
	Subject Subject
	Version int
	N       uint64
	Deleted bool
	When    time.Time // clinical time, zero where it has none
	Message MessageID
	Body    []byte // JSON as given, compact; "" of a deletion
	Origin  string // places in the message, as Origins encodes them

	parsed *fhir.Resource
	memo   *memo
}

// memo keeps what was derived from a version that many readers share.
type memo struct{ of atomic.Pointer[any] }

// Derived gives what derive makes of the version, and keeps it as long as the
// version is kept in memory. What it gives is shared: nobody may change it, and
// it may depend on nothing but the version.
func (v *Version) Derived(derive func() any) any {
	if v.memo == nil {
		return derive()
	}
	if d := v.memo.of.Load(); d != nil {
		return *d
	}
	d := derive()
	v.memo.of.Store(&d)
	return d
}

// Resource is the body, parsed. It may be shared between readers.
func (v *Version) Resource() (*fhir.Resource, error) {
	if v.parsed != nil {
		return v.parsed, nil
	}
	return fhir.ParseTrusted(v.Body)
}

// Parse parses the body once, before the version is shared.
func (v *Version) Parse() error {
	if v.parsed != nil || v.Deleted {
		return nil
	}
	r, err := fhir.ParseTrusted(v.Body)
	v.parsed, v.memo = r, &memo{}
	return err
}

// Saying is the version with another body, for who may not see all that it says.
func (v *Version) Saying(body []byte) (*Version, error) {
	less := *v
	less.Body, less.parsed, less.memo = body, nil, nil
	return &less, less.Parse()
}

// Reader answers queries. Every method takes the predicate of a Grant and
// knows only what it shows; an id that is hidden is as unknown as one that
// never was (fault.NotFound).
type Reader interface {
	// N is the number of the last commit.
	N(ctx context.Context) (uint64, error)
	// Compartment gives the versions that were in force as at n of all
	// resources of a subject, of the types named or of all, in order of type
	// and age. They are shared: the caller may not change them.
	Compartment(ctx context.Context, s Subject, n uint64, p *policy.Predicate, types ...string) ([]*Version, error)
	// Enclosing is Compartment of the subject that a resource belongs to, and the
	// subject. The resource itself must be shown. Of what is of no person it
	// gives nothing but the subject.
	Enclosing(ctx context.Context, typ, id string, n uint64, p *policy.Predicate, types ...string) ([]*Version, Subject, error)
	// Read gives the version in force as at n, a deletion included.
	Read(ctx context.Context, typ, id string, n uint64, p *policy.Predicate) (*Version, error)
	// History gives all versions as at n, the latest first.
	History(ctx context.Context, typ, id string, n uint64, p *policy.Predicate) ([]*Version, error)
	// OfMessage gives the versions that a message made, in its order.
	OfMessage(ctx context.Context, m MessageID, p *policy.Predicate) ([]*Version, error)
	// Search gives items whose version in force as at q.N has a posting that
	// answers the query, the latest made first.
	Search(ctx context.Context, q Query, p *policy.Predicate) ([]Found, error)
	// Ranged gives the items with an entry in the index of ordered values that
	// meets the range, as of the version in force as at q.N. Where they are
	// counted it gives only those that have to be read.
	Ranged(ctx context.Context, q Range, p *policy.Predicate) (Ranged, error)
	// Items gives the versions in force as at n of some items, those that are
	// shown and not deleted, in their order.
	Items(ctx context.Context, items []ItemID, n uint64, p *policy.Predicate) ([]*Version, error)
	// Changes gives the versions that commits made, commit by commit: those of
	// the last one are all there, also beyond the limit. last is the n up to
	// which (from which, where the newest come first) the log was read. Both the
	// version and the one in force now must be shown.
	Changes(ctx context.Context, l Log, p *policy.Predicate) (versions []*Version, last uint64, err error)
	// Shared gives a directory resource (an organisation, a practitioner) by id.
	Shared(ctx context.Context, typ, id string) (*Version, error)
	Walker
}

// Query asks for items of a type across subjects.
type Query struct {
	Type   string
	Groups [][]string // tokens; the posting has one of each group, so an empty group finds nothing
	N      uint64     // as at
	Before ItemID     // only items made before this one; 0 does not limit
	Limit  int
	Bodies bool // the versions themselves are wanted, too
}

// Range asks for items of a type by their ordered values across subjects.
type Range struct {
	Type   string
	Keys   []string // of search.Ordered: an entry is under one of them
	Meets  func(*search.Ordered) search.Verdict
	N      uint64 // as at
	Before ItemID // only items made before this one; 0 does not limit
	Limit  int    // so many, the latest made first; 0 counts them all
}

// Ranged is what a Range found.
type Ranged struct {
	Items []ItemID // that meet it, or may: the latest made first
	Sure  int      // how many meet it beside them, where they were counted
}

// Log asks for a part of the change log.
type Log struct {
	After, Until uint64 // commits after one and up to another, which may be Latest
	Newest       bool   // the newest first
	Types        []string
	Limit        int
}

// Found is one hit of a search.
type Found struct {
	Item    ItemID
	Subject Subject
	ID      string
	Version *Version // where the query asks for bodies
}

// Put is a version to be written.
type Put struct {
	Subject  Subject
	Type     string
	Item     ItemID // 0 makes a new resource
	ID       string // the id asked for by a new resource; "" takes the server's
	Source   nhs.Source
	DataSet  policy.DataSet
	Labels   policy.Labels
	Final    bool
	Deleted  bool
	When     time.Time
	Reported time.Time
	Message  MessageID
	Body     []byte
	Origin   string
	Packed   []byte   // both, as the store packs them, where that was done before; nil otherwise
	Tokens   []string // of the posting
	Ordered  []search.Ordered
}

// Index is what a resource is found by across subjects.
type Index struct {
	Tokens  []string
	Ordered []search.Ordered
}

// Written says what a Put became.
type Written struct {
	Item    ItemID
	ID      string
	Version int
	Same    bool // the content was that of the last version: nothing was written
}

// Located is where a resource is.
type Located struct {
	Item    ItemID
	Subject Subject
	Type    string
	Version int
	Source  nhs.Source
	Deleted bool
}

// Tx is the writing side, within one transaction. Its reads see its own
// writes and have no predicate: it serves the exchange itself, never a reader.
type Tx interface {
	// Begin takes the next n for what follows.
	Begin(at time.Time, source nhs.Source, m MessageID) (uint64, error)
	// NewSubject makes a subject of a source.
	NewSubject(source nhs.Source) (Subject, error)
	// ByKey finds a source's resource by its key, with its id. Where there is
	// none yet (exists is false) the item and the id are those that it will
	// have: what refers to it may come first.
	ByKey(source nhs.Source, typ, key string) (l Located, id string, exists bool, err error)
	// ByID finds a resource by its id.
	ByID(typ, id string) (Located, bool, error)
	// Current is the version in force.
	Current(l Located) (*Version, error)
	// Versions are all versions of a resource, the latest first.
	Versions(l Located) ([]*Version, error)
	// InForce gives the versions in force of a subject's resources of a type,
	// deletions left out, without their bodies.
	InForce(s Subject, typ string) ([]*Version, error)
	// ChangedBy gives the resources that a message's commit changed, as they are now.
	ChangedBy(m MessageID) ([]Located, error)
	// NewID reserves the next item and gives the id that the outside will see.
	NewID() (ItemID, string)
	// Write writes a version.
	Write(p Put) (Written, error)
	// Hold makes the commit depend on a lease: where it is another's by then,
	// nothing is written, and the fault is NoStore.
	Hold(l Lease) error
}

// Key makes the words of Updates: one writer, many calls in one transaction.
type Writer interface {
	// Update runs f in the one writing transaction, and returns when it is
	// durable. An error of f undoes all of it. Where the store was lost on the way
	// f is run again.
	Update(ctx context.Context, f func(Tx) error) error
}

// Relabeller gives what is there the labels that the lists of now find in it (G8).
type Relabeller interface {
	// Relabel calls label with all versions of each subject, which gives the
	// labels of each; those that differ are replaced where they stand, in history
	// too. It gives how many did. What is found across citizens follows with the
	// next Reindex.
	Relabel(ctx context.Context, at time.Time, label func(all []*Version) []policy.Labels) (int, error)
}
