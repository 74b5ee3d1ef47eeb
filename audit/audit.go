// Package audit is the tamper-evident trail: who did what to whose record,
// when, why and under which rule. It is not a log for engineers.
//
// In order: Append chains an entry to the one before it by HMAC-SHA-256 and
// returns when the entry is durable; only then may an answer leave. Enter lets the
// answer be made meanwhile, and Hold keeps it back. The head,
// which is the last entry's number and hash, stands beside the trail, so that a
// cut tail is found. Verify walks the whole trail and names the first entry
// that does not hold. An index, which is derived and can be rebuilt, finds
// entries by citizen, user, organisation and time. A tree follows the chain and
// signs checkpoints of it: who has kept one finds what was written anew since, and
// an entry can be proven to who may see it (Prove, CheckFile). The trail is a Chain:
// the files of one process, or a table that several nodes append to.
//
// Entries have the facts that an IHE BALP AuditEvent needs
// (https://profiles.ihe.net/ITI/BALP/). The trail itself may name citizens by
// their stable id, never by demographics.
package audit

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"selda/audit/tree"
	"selda/fault"
	"selda/internal/document"
	"selda/internal/segment"
	"selda/nhs"
	"selda/policy"
)

// Actions of an entry.
const (
	Read       = "read"
	Search     = "search"
	Create     = "create"
	Update     = "update"
	Delete     = "delete"
	Export     = "export"
	SignIn     = "sign-in"
	SignOut    = "sign-out"
	Token      = "token-issue"
	BreakGlass = "break-glass"
	Declare    = "declare-relationship"
	Administer = "administer"
	Review     = "review" // of an entry by a privacy officer: About says which
	Defer      = "defer"  // of telling a citizen of the entry that About says, or the end of it (G9)
	Shield     = "shield" // of the name of the user of the entry that About says (G9)
	Ask        = "ask"    // by the citizen about an entry: it is filed with that entry's organisation
	Safety     = "safety" // mode of a citizen's account (G11): always concealed
)

// Outcomes of an entry.
const (
	Permit = "permit"
	Deny   = "deny"
)

// Entry is one line of the trail.
type Entry struct {
	Seq          uint64      `json:"seq"` // given by Append, from 1
	At           time.Time   `json:"at"`  // given by Append
	Action       string      `json:"action"`
	Outcome      string      `json:"outcome"`
	User         string      `json:"user,omitempty"`
	Name         string      `json:"name,omitempty"`
	Role         nhs.Role    `json:"role,omitempty"`
	Organisation nhs.ODS     `json:"organisation,omitempty"`
	Purpose      nhs.Purpose `json:"purpose,omitempty"`
	Citizen      string      `json:"citizen,omitempty"` // stable id
	What         string      `json:"what,omitempty"`    // "record", "Observation/…", "quarantine", …
	Rules        []string    `json:"rules,omitempty"`   // why it was permitted or denied
	// Choices are those of the rules that tell what the citizen has decided. They stand
	// apart, since who acts for a citizen must not be told of it (G11).
	Choices []string `json:"choices,omitempty"`
	Reason  string   `json:"reason,omitempty"` // what the user stated: a break-glass reason, a declared relationship
	// Concealed entries are left out of what the citizen is shown: a
	// safeguarding check (G25), a break-glass whose telling was deferred (G9).
	Concealed bool `json:"concealed,omitempty"`
	// Signs are what was seen of the access that a privacy officer should look
	// at: the user's own record, the same family name.
	Signs []string `json:"signs,omitempty"`
	// App is the application that asked in the user's name; "" where none did.
	App string `json:"app,omitempty"`
	// Journal and Happened are of an entry that a downtime copy kept, and that was
	// included afterwards (G21): the copy with the entry's number there, and when it was.
	Journal  string    `json:"journal,omitempty"`
	Happened time.Time `json:"happened,omitzero"`
	// About is the number of the entry that a review is of.
	About uint64 `json:"about,omitempty"`
	// From is the address of the connection that asked, Request the id that its
	// request was given.
	From    string `json:"from,omitempty"`
	Request string `json:"request,omitempty"`
}

// Decided are all the rules by which it was permitted or denied.
func (e *Entry) Decided() []string {
	return append(e.Rules[:len(e.Rules):len(e.Rules)], e.Choices...)
}

// searchSuffix ends what stands in an entry for a search of one type.
const searchSuffix = " search"

// Searched says whether what was done is a search, of one record or of many.
func (e *Entry) Searched() bool {
	return e.Action == Search || e.Action == Read && strings.HasSuffix(e.What, searchSuffix) && !strings.ContainsAny(e.What, "/:")
}

// beforeDecision begins the rule of what was refused before anything was decided.
const beforeDecision = "HTTP "

// NotDecided is the rule of a request that was refused before anything was
// decided: it was not understood, not signed in, or is none that there is.
func NotDecided(words string) []string { return []string{beforeDecision + words} }

// Undecided says whether an entry is of such a request.
func (e *Entry) Undecided() bool {
	return e.Outcome == Deny && len(e.Rules) == 1 && strings.HasPrefix(e.Rules[0], beforeDecision)
}

// From fills who of an entry from a decision's subject.
func From(s policy.Subject, action, what string) Entry {
	e := Entry{Action: action, Outcome: Permit, User: s.User, Name: s.Name, Role: s.Role,
		Organisation: s.Organisation, Purpose: s.Purpose, What: what}
	if s.Scopes != nil {
		e.App = s.Scopes.App
	}
	return e
}

// Chain is the port to where the entries are.
type Chain interface {
	// Append gives an entry its time and its place after those before. durable
	// returns its number when it is on disk, or can't be.
	Append(ctx context.Context, e Entry) (durable func() (uint64, error), err error)
	// Err says why nothing more can be appended; nil where it can.
	Err() error
	// Scan calls f for the durable entries from a position on, and gives their end.
	Scan(ctx context.Context, from segment.Position, f func(at segment.Position, e Entry) error) (end segment.Position, err error)
	// Read gives the entries at positions, in that order.
	Read(ctx context.Context, at []segment.Position) ([]Entry, error)
	// Records calls f for the durable records from an entry's number on, as they
	// lie in the chain: the hash, and the entry as JSON.
	Records(ctx context.Context, from uint64, f func(seq uint64, record []byte) error) error
	// Size is how many entries are durable.
	Size(ctx context.Context) (uint64, error)
	// Key is what the chain is keyed with.
	Key() []byte
	// Durable is the end of what is durable.
	Durable() segment.Position
	// Sync is called now and then, for what may wait a moment.
	Sync()
	Close() error
}

// Trail is the open trail. The zero Trail refuses every append.
type Trail struct {
	chain Chain
	index Index
	tree  *tree.Log
	now   func() time.Time
	stop  context.CancelFunc
	wg    sync.WaitGroup

	growing sync.Mutex // one extends the tree at a time
}

// closeWithin is how long the end of a trail waits for its tree.
const closeWithin = 5 * time.Second

// Options of a trail. Data is the region's data folder: the trail is all of
// Data/audit; its key and head are in Data/audit-head, its tree in Data/audit-tree.
type Options struct {
	Data  string
	Now   func() time.Time
	Index Index // nil: entries can't be searched
	// FileBytes is how large a file of the trail gets; segment's own limit where 0.
	FileBytes int64
	// Documents is where the key of the chain and the key that signs the tree are
	// kept, sealed; nil: as files of the data folder, in the clear.
	Documents document.Store
}

// The names under which keys of a trail in files are kept.
const (
	KeyName    = HeadFolder + "/key"
	SignerName = HeadFolder + "/signer"
)

func (o Options) documents() document.Store {
	if o.Documents == nil {
		return document.Folder(o.Data)
	}
	return o.Documents
}

// Open opens the trail in files. Where its tail does not reach what the head
// says was durable, it is damaged and the error says so: then nothing may be read.
func Open(o Options) (*Trail, error) {
	f, err := openFiles(o)
	if err != nil {
		return nil, err
	}
	log, err := openTree(o.Data, o.documents())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return New(f, o.Index, log, o.Now), nil
}

// New is the trail on a chain. index and log may be nil: then entries can't be
// searched, or not proven.
func New(c Chain, index Index, log *tree.Log, now func() time.Time) *Trail {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Trail{chain: c, index: index, tree: log, now: now, stop: cancel}
	t.wg.Go(func() { t.follow(ctx) })
	return t
}

// Ready says whether entries can be appended.
func (t *Trail) Ready() error {
	if t == nil || t.chain == nil {
		return fault.E("audit.Ready", fault.NoStore, "there is no trail")
	}
	if err := t.chain.Err(); err != nil {
		return fault.E("audit.Ready", fault.NoStore, err)
	}
	return nil
}

// Append adds an entry and returns when it is durable, with its number.
func (t *Trail) Append(ctx context.Context, e Entry) (uint64, error) {
	durable, err := t.add(ctx, e)
	if err != nil {
		return 0, err
	}
	return durable()
}

// Enter adds an entry that has to be durable before the answer leaves. It
// returns when it is, or, where the context is of an answer that is held back, at once.
func (t *Trail) Enter(ctx context.Context, e Entry) error {
	durable, err := t.add(ctx, e)
	if err == nil && !holds(ctx, durable) {
		_, err = durable()
	}
	return err
}

func (t *Trail) add(ctx context.Context, e Entry) (func() (uint64, error), error) {
	const op = "audit.Append"
	if t == nil || t.chain == nil {
		return nil, fault.E(op, fault.NoStore, "there is no trail")
	}
	note(ctx)
	durable, err := t.chain.Append(ctx, called(ctx, e))
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	return func() (uint64, error) {
		seq, err := durable()
		if err != nil {
			return 0, fault.E(op, fault.NoStore, err)
		}
		return seq, nil
	}, nil
}

// Close ends the trail. The tree holds all of it then, where that can be.
func (t *Trail) Close() error {
	t.stop()
	t.wg.Wait()
	if t.tree != nil && t.chain.Err() == nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		_, _ = t.Grow(ctx) // else it does when it is opened again
		cancel()
	}
	return t.chain.Close()
}
