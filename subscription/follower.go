package subscription

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"selda/access"
	"selda/access/record"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/ingest/classify"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Options of a Follower.
type Options struct {
	Register Register
	Queue    Queue
	Ledger   Ledger
	Links    Links
	Leases   store.Leases // nil where there is one node
	Node     string       // the holder of leases
	Store    store.Reader
	Index    mpi.Index
	Access   *access.Access
	Records  *record.Records
	// Account is an account as it stands now, acting for a purpose; ok is false
	// where it is gone.
	Account func(user string, p nhs.Purpose) (s policy.Subject, ok bool)
	// Parameters are those that can be searched by; R4's where nil.
	Parameters func() *search.Parameters
	Terms      search.Terms
	// Lists are those by which items are labelled; the box's where nil.
	Lists func() *classify.Lists
	// Happened is what a message says has happened, such as the trigger event of
	// HL7 v2; nil where messages say nothing.
	Happened func(ctx context.Context, m store.MessageID) ([]Coding, error)
	Key      []byte // of 32 bytes: seals headers and binding tokens
	Topics   []*Topic
	Calls    *Calls
	Mail     *Mail // nil: there is no channel email
	Now      func() time.Time
	Log      *slog.Logger
	// Jitter is a number from 0 to 1, by which tries are spread; random where nil.
	Jitter func() float64
}

// Follower follows the log and tells subscribers.
type Follower struct {
	Options
	topics map[string]*Topic
	seal   *sealer
	hook   *hook

	mu      sync.Mutex
	entries map[int64]*entry
	loaded  time.Time // by the real clock: it is about nodes
	puts    uint64
	waits   bool // the log may have more than was read
	turns   sync.WaitGroup
	round   sync.Mutex // one round at a time
	kicked  chan struct{}
	sockets sync.WaitGroup
	open    map[*socket]bool
	idle    map[string]int // sockets of an address to which nothing is bound yet

	toRecord  []*recording
	recording sync.Mutex    // one transaction at a time
	slots     chan struct{} // bounds what is sent at once
	leader    leadership
	led       uint64 // the fence under which everything was looked at
}

// entry is a subscription in memory, with how it goes. It is guarded by the
// Follower's mu; its subscription and watches are replaced, never changed.
type entry struct {
	sub     *Subscription
	req     *request
	watches []*watch
	broken  error // why it can't be read any more

	put      uint64 // when it was put here, by the Follower's count
	running  bool
	looked   time.Time // by the real clock
	next     time.Time // when there is something to do; zero is now
	failures int       // in a row
	failing  time.Time // since when
	pause    time.Time
	heard    time.Time // when something was last accepted
	socket   *socket
}

// atOnce is how much is sent at once over all subscriptions, and of one.
const (
	atOnce       = 64
	atOnceForOne = 16
)

// Open makes a Follower of what is registered. It tells nothing until Run.
func Open(ctx context.Context, o Options) (*Follower, error) {
	const op = "subscription.Open"
	f := &Follower{Options: o, topics: map[string]*Topic{}, entries: map[int64]*entry{}, open: map[*socket]bool{}, idle: map[string]int{}, kicked: make(chan struct{}, 1), slots: make(chan struct{}, atOnce), waits: true}
	for _, t := range append(Offered[:len(Offered):len(Offered)], o.Topics...) {
		f.topics[t.URL] = t
		r := f.reading("", false)
		for _, trigger := range t.Triggers {
			if _, err := r.watch(trigger); err != nil {
				return nil, fault.E(op, fault.KindOf(err), "the topic "+t.URL+" does not hold: "+fault.Reason(err))
			}
		}
		if beyond := f.beyond(t); len(beyond) > 0 && o.Log != nil {
			o.Log.Warn("a topic says more than can be had: nothing is found by these parameters", "topic", t.URL, "parameters", beyond)
		}
	}
	if f.Jitter == nil {
		f.Jitter = rand.Float64
	}
	var err error
	if f.seal, err = newSealer(o.Key); err != nil {
		return nil, fault.E(op, err)
	}
	f.hook = newHook(o.Calls)
	return f, f.load(ctx)
}

// Topics are those that can be subscribed to, by their URLs.
func (f *Follower) Topics() (urls []string) {
	for _, t := range append(Offered[:len(Offered):len(Offered)], f.Options.Topics...) {
		urls = append(urls, t.URL)
	}
	return urls
}

func (f *Follower) parameters() *search.Parameters {
	if f.Parameters == nil {
		return search.R4()
	}
	return f.Parameters()
}

func (f *Follower) lists() *classify.Lists {
	if f.Lists == nil {
		return classify.Box()
	}
	return f.Lists()
}

func (f *Follower) reading(base string, people bool) *reading {
	return &reading{scope: &search.Scope{Parameters: f.parameters(), Base: base, Now: f.Now(), Terms: f.Terms}, people: people}
}

// reload is how often what other nodes have changed is looked at.
const reload = 5 * time.Second

// load brings what is in memory to what is registered.
func (f *Follower) load(ctx context.Context) error { return f.loadOf(ctx, "") }

// fresh is load of one account's, where another node may have changed them.
func (f *Follower) fresh(ctx context.Context, user string) error {
	if f.Leases == nil || user == "" {
		return nil // what is in memory is so; and nobody has none
	}
	return f.loadOf(ctx, user)
}

func (f *Follower) loadOf(ctx context.Context, user string) error {
	f.mu.Lock()
	began := f.puts
	f.mu.Unlock()
	list, err := f.Register.Subscriptions(ctx, user)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if user == "" {
		f.loaded = time.Now()
	}
	there := map[int64]bool{}
	for _, s := range list {
		there[s.Key] = true
		if e := f.entries[s.Key]; e == nil || e.sub.Revision < s.Revision {
			f.put(s)
		}
	}
	for key, e := range f.entries {
		if !there[key] && e.put <= began && (user == "" || e.sub.User == user) { // one that was put since is not in the list yet
			delete(f.entries, key)
		}
	}
	return nil
}

// put takes a subscription into memory. Who calls it holds mu.
func (f *Follower) put(s *Subscription) *entry {
	e := f.entries[s.Key]
	if e == nil {
		e = &entry{heard: f.Now()}
		f.entries[s.Key] = e
	}
	if e.sub == nil || string(e.sub.Body) != string(s.Body) || e.sub.Base != s.Base {
		e.req, e.watches, e.broken = f.read(s)
	}
	f.puts++
	e.put = f.puts
	e.sub, e.failing, e.next = s, s.FailingSince, time.Time{}
	if s.Status == Requested {
		e.failures, e.pause = 0, time.Time{}
	}
	return e
}

// read reads a subscription that was taken in before.
func (f *Follower) read(s *Subscription) (*request, []*watch, error) {
	res, err := fhir.ParseTrusted(s.Body)
	if err != nil {
		return &request{}, nil, err
	}
	q, err := readRequest(res)
	if err != nil {
		return &request{}, nil, err
	}
	if q.headers, err = f.seal.openHeaders(s.Sealed); err != nil {
		return q, nil, err
	}
	w, err := f.reading(s.Base, s.Citizen != "").watches(q, f.topics)
	return q, w, err
}

// save keeps a change of a subscription. Where it was changed by another
// meanwhile, what they made of it stands.
func (f *Follower) save(ctx context.Context, s *Subscription) error {
	err := f.Register.SaveSubscription(ctx, s)
	if fault.Is(err, fault.Conflict) {
		return f.load(ctx)
	}
	if err == nil {
		f.mu.Lock()
		f.put(s)
		f.mu.Unlock()
	}
	return err
}

// wake has the next round begin at once.
func (f *Follower) wake() {
	select {
	case f.kicked <- struct{}{}:
	default:
	}
}

// look is how often the log is looked at.
const look = 100 * time.Millisecond

// lookElsewhere is how often a queue is looked at that another node fills.
const lookElsewhere = 500 * time.Millisecond

// Run follows the log and tells subscribers until ctx ends, and then finishes
// what is being sent.
func (f *Follower) Run(ctx context.Context) {
	leading, end := context.WithCancel(context.WithoutCancel(ctx))
	var leads sync.WaitGroup
	leads.Go(func() { f.leader.keep(leading, f) })
	tick := time.NewTicker(look)
	defer tick.Stop()
	for ctx.Err() == nil {
		more, err := f.Round(ctx)
		if more && err == nil {
			continue
		}
		if err != nil && ctx.Err() == nil {
			f.Log.Warn("the log of changes could not be followed", "reason", fault.Reason(err))
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-f.kicked:
		}
	}
	f.turns.Wait()
	f.hangUp()
	end()
	leads.Wait()
}

// Round reads a part of the log and begins what is due. more says that there
// is more to read.
func (f *Follower) Round(ctx context.Context) (more bool, err error) {
	f.round.Lock()
	defer f.round.Unlock()
	more, _, err = f.step(ctx)
	return more, err
}

// step is a round, of who holds round. begun is how many subscriptions have
// something to do.
func (f *Follower) step(ctx context.Context) (more bool, begun int, err error) {
	f.mu.Lock()
	stale := time.Since(f.loaded) >= reload
	f.mu.Unlock()
	if stale {
		if err := f.load(ctx); err != nil {
			return false, 0, err
		}
	}
	leads, err := f.leader.leads(ctx, f)
	if err != nil {
		return false, 0, err
	}
	if leads {
		f.lead()
		if more, err = f.follow(ctx); err != nil {
			return false, 0, err
		}
		if err := f.forget(ctx); err != nil {
			return false, 0, err
		}
	}
	due := f.due(leads)
	for _, e := range due {
		f.turns.Go(func() { f.serve(ctx, e) })
	}
	return more, len(due), nil
}

// lead has everything looked at by who has just begun to lead: what another
// node did meanwhile it told nobody.
func (f *Follower) lead() {
	under, ok := f.leader.under(f)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !ok || under.Fence == f.led {
		return
	}
	f.led = under.Fence
	for _, e := range f.entries {
		e.next, e.pause = time.Time{}, time.Time{}
	}
}

// Settle follows the log to its end and tells all that is due by the clock,
// and returns when it is told or was tried.
func (f *Follower) Settle(ctx context.Context) error {
	f.round.Lock()
	defer f.round.Unlock()
	for {
		more, begun, err := f.step(ctx)
		f.turns.Wait()
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !more && begun == 0:
			return nil
		}
	}
}

// due takes the subscriptions for which there is something to do. A socket is
// served where it is, all else by the node that leads.
func (f *Follower) due(leads bool) (out []*entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.Now()
	for _, e := range f.entries {
		here, due := leads, !e.next.After(now)
		if e.req.kind == websocket {
			here = e.bound(now)
			// Another node puts events into its queue, and says so to nobody.
			due = due || f.Leases != nil && time.Since(e.looked) > lookElsewhere
		}
		if here && due && !e.running && e.sub.Live() {
			e.running, e.looked = true, time.Now()
			out = append(out, e)
		}
	}
	return out
}

var (
	errGone = errors.New("the account is no more")
	errLed  = errors.New("another node leads by now")
)
