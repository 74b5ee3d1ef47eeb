// Package subscription tells those who subscribed what has changed: FHIR's
// Subscription, as R4 has it (criteria are a search) and as the backport of R5
// has it (criteria name a topic). It is a follower of the change log, and no
// reader of its own: what is told to somebody is decided under their own Grant
// at the moment of sending.
//
// The flow, in order. Manage takes a Subscription in: who asks may have it, its
// criteria are read, its endpoint is one that may be called. The Follower reads
// the log under a system Grant, and for each change puts what may concern a
// subscription into its queue, in the transaction that moves its own position;
// nothing has been told to anyone yet. The queue of one subscription has a lane
// for each citizen. A turn at a lane takes the first events in it, asks access
// for the subscriber's Grant, leaves out what it does not show, gives the rest
// their event numbers, and sends. What is not accepted is tried again, ever
// more rarely, for a week; later events of that citizen wait for it, those of
// others go on. Then it is set aside, where an operator sees it.
//
// An event gets its number when it is first sent. So one that is hidden has
// none, and leaves no gap.
//
// https://hl7.org/fhir/R4/subscription.html,
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1
package subscription

import (
	"context"
	"time"

	"selda/mpi"
	"selda/nhs"
	"selda/store"
)

// Status of a Subscription.
// https://hl7.org/fhir/R4/valueset-subscription-status.html
const (
	Requested = "requested" // the endpoint has not answered yet
	Active    = "active"
	Failing   = "error"
	Off       = "off"
)

// Subscription is one as it is kept.
type Subscription struct {
	Key      int64 // internal: an id is its owner's, and two may choose the same
	ID       string
	User     string // the account that it is for
	Purpose  nhs.Purpose
	Revision int64 // of what is kept: who saves has seen the last
	Version  int   // of the resource
	At       time.Time
	Status   string
	Reason   string // what went wrong, without any content
	Body     []byte // the resource, without id, meta, status, error and the headers' values
	Sealed   []byte // the headers, encrypted
	Base     string // of the server, as its owner reaches it
	// Citizen is whose record it is about, of one that is not a source
	// system's, and Anchor an identity of theirs, which a merge does not change.
	Citizen string
	Anchor  store.Subject
	Start   uint64 // commits after this one are told
	// Behind is the commit from which it is still to be caught up, of one that is
	// new or was off; 0 where it goes with the others.
	Behind  uint64
	Greeted bool // its endpoint has answered a handshake
	// FailingSince is when it was last accepted anything, of one that fails.
	FailingSince time.Time
}

// Live says whether it gets events.
func (s *Subscription) Live() bool { return s.Status != Off }

// State of an event.
type State uint8

// The states.
const (
	Waiting State = iota
	Delivered
	Aside // tried for a week in vain
)

// Event is something that may have to be told.
type Event struct {
	Subscription int64
	Seq          int64  // in the order of the log, within the subscription
	Lane         string // the citizen's
	Subject      store.Subject
	N            uint64 // the commit
	At           time.Time
	Type, ID     string
	Version      int
	Change       Change
	State        State
	// Number is the event number; 0 until it is first sent.
	Number uint64
	// Doubt: it was sent, and whether it arrived is not known. Its number then
	// can't be another's.
	Doubt  bool
	Tried  time.Time // first, in vain
	Done   time.Time // when it was accepted, or set aside
	Reason string    // why it was set aside
}

// Change is what happened to a resource.
type Change uint8

// The changes.
const (
	Created Change = iota
	Updated
	Deleted
)

// Lane is the events of one citizen that wait for one subscription.
type Lane struct {
	Name     string
	Attempts int // in vain, since the last that was accepted
	Next     time.Time
}

// Turn is what came of a turn at a lane: all of it is recorded at once. Events
// are named by Seq.
type Turn struct {
	// Under is the lease of who leads; zero where nothing is led.
	Under        store.Lease
	Subscription int64
	Lane         string
	Drop         []int64 // not for this subscriber
	Hold         []int64 // go to a lane of their own, whose turn is at Until
	Until        time.Time
	Number       []int64 // get an event number, in this order
	Done         []int64
	Tried        []int64 // in vain
	Doubt        bool    // those may have arrived
	Aside        []int64
	Reason       string // of Aside
	At           time.Time
	Attempts     int       // of the lane from now on
	Next         time.Time // when its next turn is
}

// Waits says how much there is of one subscription.
type Waits struct {
	Waiting, Aside int
	Last           uint64 // the commit of the last event
	Numbered       uint64 // the last event number
	Oldest         time.Time
}

// Register is the port to the subscriptions that there are.
type Register interface {
	// Subscriptions are those of an account, of all where it is "", in order of key.
	Subscriptions(ctx context.Context, user string) ([]*Subscription, error)
	// SaveSubscription keeps one: a new one (Key 0) is given its key, another
	// its next revision. It answers fault.Conflict where the revision is not the
	// last, fault.Duplicate where the owner has another of this id, and Full where a new
	// one would be more than MostOfOne, however many are made at once.
	SaveSubscription(ctx context.Context, s *Subscription) error
	// SubscriptionVersions gives one in each of its versions, as each was saved
	// last, the latest first: what of it is not the resource's own is as now.
	SubscriptionVersions(ctx context.Context, key int64) ([]*Subscription, error)
	// RemoveSubscription takes one away with up to limit of its events. done is
	// false where there are more: it is then asked again.
	RemoveSubscription(ctx context.Context, key int64, limit int) (done bool, err error)
}

// Queue is the port to what waits to be told.
type Queue interface {
	// Position is up to which n the log has been read.
	Position(ctx context.Context) (uint64, error)
	// Enqueue adds events, in their order, and moves the position from one n to
	// another, both or neither. It answers fault.Conflict where the position is
	// another: somebody else has done this part. from and to may be the same. An
	// event of a subject of whom something waits goes behind that, whatever its
	// lane: a merge meanwhile changes no order. Nothing is added under a lease that
	// is another's by now.
	Enqueue(ctx context.Context, under store.Lease, from, to uint64, events []Event) error
	// Due gives lanes whose turn it is, the longest due first, and when the
	// next is due, zero where nothing waits.
	Due(ctx context.Context, subscription int64, now time.Time, limit int) ([]Lane, time.Time, error)
	// Head gives the first events that wait in a lane, and the last event number
	// of the subscription.
	Head(ctx context.Context, subscription int64, lane string, limit int) (events []Event, numbered uint64, err error)
	// Record records turns, all or none, and gives for each the numbers of those
	// that got one. An event keeps the number that it has, and one that was
	// accepted or set aside meanwhile stays so. Nothing is recorded under a lease
	// that is another's by now.
	Record(ctx context.Context, turns ...Turn) ([]map[int64]uint64, error)
}

// Ledger is the port to what has been told and what was set aside.
type Ledger interface {
	// Numbered gives events that have a number, from one to another, in order.
	Numbered(ctx context.Context, subscription int64, since, until uint64, limit int) ([]Event, error)
	// SetAside gives events that were set aside, the oldest first.
	SetAside(ctx context.Context, subscription int64, limit int) ([]Event, error)
	// Waits counts what waits.
	Waits(ctx context.Context, subscription int64) (Waits, error)
	// Wake has every lane due now, and with aside what was set aside waits again.
	Wake(ctx context.Context, subscription int64, now time.Time, aside bool) error
	// Forget takes away up to limit events that were accepted before a time.
	Forget(ctx context.Context, before time.Time, limit int) (int, error)
}

// Links is the port to what the index has made one person.
type Links interface {
	// Linked gives the changes of links that commits made, after one n up to
	// another, in order.
	Linked(ctx context.Context, after, until uint64) ([]mpi.Event, error)
}
