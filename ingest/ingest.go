// Package ingest is the door in: it takes what a source says, keeps the raw
// bytes before anything is acknowledged, has them parsed and mapped to FHIR,
// finds whom they are about, and commits, or puts the message in quarantine
// with the reason and the place. It does not decide who may read.
//
// In order: Submit appends the raw message to the journal and gives it its
// place in line; mapping runs beside the flush; the committer takes messages
// in the journal's order, many to one transaction, and keeps the journal's
// position in that same transaction: after a crash it goes on from there, so
// what was acknowledged is there once.
package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"selda/fault"
	"selda/ingest/classify"
	"selda/ingest/mapped"
	"selda/internal/segment"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// States of a message.
const (
	Stored      = "stored"
	Quarantined = "quarantined"
	Duplicate   = "duplicate"
	Refused     = "refused" // a FHIR interaction that was answered with an error
)

// Record is what is known of a message beside its raw bytes.
type Record struct {
	ID       store.MessageID
	Source   nhs.Source
	Format   string
	Received time.Time
	State    string
	N        uint64
	Event    string
	Control  string
	Hash     [16]byte
	Reason   string
	Place    string
	Steps    []byte // JSON, for the trace
}

// Messages is the port to the table of messages.
type Messages interface {
	// Seen says whether a source has sent exactly these bytes before, as an HL7 v2 message or a document.
	Seen(source nhs.Source, hash [16]byte) (bool, error)
	SaveMessage(r Record) error
	// StepsOf gives what SaveMessage kept of a message's event and steps.
	StepsOf(m store.MessageID) (event string, steps []byte, err error)
	// DocumentOf finds the document that a message of a control id made.
	DocumentOf(source nhs.Source, control string) (store.Located, bool, error)
	// JournalPosition is the end of what has been committed of a journal.
	JournalPosition(journal int64) (uint64, error)
	SetJournalPosition(journal int64, p uint64) error
}

// Tx is what a commit needs of the store.
type Tx interface {
	store.Tx
	mpi.Ledger
	Messages
	store.Barrer
	// CitizenNumber reads a citizen's id.
	CitizenNumber(id string) (store.Citizen, bool)
}

// Store is the port to the one writer.
type Store interface {
	Commit(ctx context.Context, f func(Tx) error) error
	// MessageID and MessageNumber turn a message's number into the id that people see, and back.
	MessageID(m store.MessageID) string
	MessageNumber(id string) (store.MessageID, bool)
}

// Mapper puts a raw message into FHIR. It is pure.
type Mapper func(r *Raw) (*mapped.Message, error)

// Receipt is a message's place in line.
type Receipt struct {
	ID  store.MessageID
	raw *Raw
	p   *Pipeline
	log Log              // the journal that it stands in
	end segment.Position // of its record there

	mapped  chan struct{} // closed when msg or err is there
	msg     *mapped.Message
	err     error
	hash    [16]byte
	made    []*ready        // of each resource, where it could be
	carried []policy.Labels // of each resource, from what it came with; nil for none
	persons []*ready        // of each patient

	unusable error // why it could not be committed; the committer's alone

	done    chan struct{} // closed when outcome is there
	outcome Outcome
	failed  error
}

// Outcome is what became of a message.
type Outcome struct {
	State  string
	Err    error  // why a message was quarantined or refused
	Reason string // the same, in words
	Place  string
	Event  string
	N      uint64
	Items  []Item
	// Refused is what could not be used of a message whose resources each stand
	// for themselves.
	Refused []mapped.Refusal

	held bool // something was held back: its bytes go
}

// Item is one resource that a message made or left as it was.
type Item struct {
	store.Written
	Type    string
	Existed bool
	Place   string // in the message
	At      time.Time
	Body    []byte // as stored; of a FHIR interaction only
	Deleted bool
}

// Pipeline is the door in, open.
type Pipeline struct {
	journal *Journal
	store   Store
	packer  Packer // nil where the store packs itself
	mapper  Mapper
	now     func() time.Time
	log     *slog.Logger
	by      func() classify.By
	told    func(raw *Raw, msg *mapped.Message, out *Outcome)

	heard heard

	line   sync.Mutex // journal order is queue order
	queue  chan *Receipt
	work   chan *Receipt
	room   *room
	closed bool

	idle      sync.Mutex // guards committed
	moved     *sync.Cond
	committed segment.Position // the journal's end of what is committed

	wg     sync.WaitGroup
	failed chan struct{} // closed when the committer can't go on
	why    error
}

// Options of a pipeline.
type Options struct {
	Journal *Journal
	Store   Store
	Mapper  Mapper
	Now     func() time.Time
	Log     *slog.Logger
	// Heard is what is known of when sources were last heard from.
	Heard []Feed
	// OnOutcome is told what became of each message, once it is committed; msg
	// is nil where it could not be mapped.
	OnOutcome func(raw *Raw, msg *mapped.Message, out *Outcome)
	// By is what resources are found by and labelled by; R4's parameters and the
	// lists of the box where nil.
	By func() classify.By
	// Line bounds how many messages wait for their commit; 4,096 where 0. Who
	// asks for an answer after the commit waits for as many.
	Line int
	// InFlightBytes bounds the raw bytes between receipt and commit; 128 MiB where 0.
	InFlightBytes int
}

// Open opens the door. What a crash left in the journal is committed first.
func Open(ctx context.Context, o Options) (*Pipeline, error) {
	if o.InFlightBytes == 0 {
		o.InFlightBytes = 128 << 20
	}
	if o.Line == 0 {
		o.Line = 4096
	}
	p := &Pipeline{journal: o.Journal, store: o.Store, mapper: o.Mapper, now: o.Now, log: o.Log, told: o.OnOutcome, by: o.By, queue: make(chan *Receipt, o.Line),
		work: make(chan *Receipt, o.Line), room: newRoom(o.InFlightBytes), failed: make(chan struct{})}
	p.moved = sync.NewCond(&p.idle)
	for _, f := range o.Heard {
		p.heard.know(f)
	}
	p.packer, _ = o.Store.(Packer)
	for range runtime.GOMAXPROCS(0) {
		p.wg.Go(p.mapAll)
	}
	p.wg.Go(p.commitAll)
	if err := errors.Join(p.destroyLeft(ctx), p.resume(ctx)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// resume puts the journal's uncommitted end in line again.
func (p *Pipeline) resume(ctx context.Context) error {
	from, last, err := p.takeUp(ctx, p.journal)
	if last == nil {
		p.idle.Lock()
		p.committed = max(p.committed, from)
		p.idle.Unlock()
	}
	return err
}

// takeUp puts a journal's uncommitted end in line. It gives where that begins,
// and the last of it; nil where there is nothing.
func (p *Pipeline) takeUp(ctx context.Context, j *Journal) (from segment.Position, last *Receipt, err error) {
	if from, err = committed(ctx, p.store, j.log.Number()); err != nil {
		return 0, nil, err
	}
	left := 0
	err = j.log.Scan(from, func(at, end segment.Position, data []byte) error {
		raw, err := p.journal.unpack(data)
		if fault.Is(err, fault.Deleted) {
			return nil // of a backup that was taken while it was destroyed
		}
		if err != nil {
			return err
		}
		left++
		last = p.receipt(j.log, raw, at, end)
		return p.enqueue(ctx, last)
	})
	if left > 0 {
		p.log.Info("took up messages that were received before a stop", "messages", left)
	}
	return from, last, err
}

func (p *Pipeline) receipt(log Log, raw *Raw, at, end segment.Position) *Receipt {
	return &Receipt{ID: idOf(at), raw: raw, p: p, log: log, end: end, mapped: make(chan struct{}), done: make(chan struct{})}
}

// Submit gives a raw message its place in line. It waits while too much is in
// flight, and does not wait for the disk: Durable does.
func (p *Pipeline) Submit(ctx context.Context, raw *Raw) (*Receipt, error) {
	const op = "ingest.Submit"
	if raw.Received.IsZero() {
		raw.Received = p.now()
	}
	rec := p.journal.pack(raw)
	if err := p.room.take(ctx, len(raw.Body)); err != nil {
		return nil, fault.E(op, fault.Throttled, err)
	}
	p.line.Lock()
	defer p.line.Unlock()
	if p.closed {
		p.room.give(len(raw.Body))
		return nil, fault.E(op, fault.Transient, "the exchange is stopping")
	}
	at, err := p.journal.log.Append(rec)
	if err != nil {
		p.room.give(len(raw.Body))
		return nil, fault.E(op, fault.NoStore, err)
	}
	r := p.receipt(p.journal.log, raw, at, p.journal.log.After(at, len(rec)))
	// From here on the message may be on disk and will be committed, now or
	// after a restart: waiting for a place in line has no way out.
	return r, p.enqueueTaken(r)
}

func (p *Pipeline) enqueue(ctx context.Context, r *Receipt) error {
	if err := p.room.take(ctx, len(r.raw.Body)); err != nil {
		return err
	}
	p.line.Lock()
	defer p.line.Unlock()
	if p.closed {
		return fault.E("ingest.takeUp", fault.Transient, "the exchange is stopping")
	}
	return p.enqueueTaken(r)
}

func (p *Pipeline) enqueueTaken(r *Receipt) error {
	p.heard.received(r.raw.Source, r.raw.Received)
	for _, line := range []chan *Receipt{p.work, p.queue} {
		select {
		case line <- r:
		case <-p.failed:
			return fault.E("ingest.Submit", fault.NoStore, p.why)
		}
	}
	return nil
}

// Durable waits until the raw message is on disk.
func (r *Receipt) Durable() error { return r.log.Wait(positionOf(r.ID)) }

// Mapped waits for the mapping. Its error is why the message will be quarantined.
func (r *Receipt) Mapped(ctx context.Context) (*mapped.Message, error) {
	select {
	case <-r.mapped:
		return r.msg, r.err
	case <-ctx.Done():
		return nil, fault.E("ingest.Mapped", fault.Transient, ctx.Err())
	}
}

// Committed waits for the commit.
func (r *Receipt) Committed(ctx context.Context) (Outcome, error) {
	select {
	case <-r.done:
		return r.outcome, r.failed
	case <-r.p.failed:
		return Outcome{}, fault.E("ingest.Committed", fault.NoStore, r.p.why)
	case <-ctx.Done():
		return Outcome{}, fault.E("ingest.Committed", fault.Transient, ctx.Err())
	}
}

// Number is the message's id as people see it.
func (r *Receipt) Number() string { return r.p.store.MessageID(r.ID) }

func (p *Pipeline) mapAll() {
	for r := range p.work {
		r.msg, r.err = p.mapSafely(r.raw)
		r.hash = hashOf(r.raw.Body)
		r.made, r.persons = p.prepare(r.raw, r.msg), p.people(r.raw, r.msg)
		r.carried = p.carry(r.raw, r.msg, r.made)
		close(r.mapped)
	}
}

func hashOf(b []byte) [16]byte {
	h := sha256.Sum256(b)
	return [16]byte(h[:16])
}

// mapSafely keeps a mapping that panics from taking anything down.
func (p *Pipeline) mapSafely(raw *Raw) (m *mapped.Message, err error) {
	defer func() {
		if x := recover(); x != nil {
			p.log.Error("a mapping failed", "format", raw.Format, "source", raw.Source, "stack", stack())
			m, err = nil, fault.E("ingest.map", fault.Exception, "the mapping failed: a fault of SELDA's, the message is kept")
		}
	}()
	return p.mapper(raw)
}

func stack() string {
	b := make([]byte, 4096)
	return string(b[:runtime.Stack(b, false)])
}

// Close takes nothing more, commits what was taken, and stops.
func (p *Pipeline) Close() error {
	p.line.Lock()
	if !p.closed {
		p.closed = true
		close(p.work)
		close(p.queue)
	}
	p.line.Unlock()
	p.wg.Wait()
	return p.why
}

// room bounds the bytes in flight. One message larger than all of it goes alone.
type room struct {
	mu   sync.Mutex
	cond *sync.Cond
	free int
	all  int
}

func newRoom(n int) *room {
	r := &room{free: n, all: n}
	r.cond = sync.NewCond(&r.mu)
	return r
}

func (r *room) take(ctx context.Context, n int) error {
	n = min(n+512, r.all)
	stop := context.AfterFunc(ctx, r.cond.Broadcast)
	defer stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.free < n {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.cond.Wait()
	}
	r.free -= n
	return nil
}

func (r *room) taken() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all - r.free
}

func (r *room) give(n int) {
	r.mu.Lock()
	r.free += min(n+512, r.all)
	r.mu.Unlock()
	r.cond.Broadcast()
}

// Feed is how a source is doing.
type Feed struct {
	Source            nhs.Source
	LastHeard         time.Time
	Messages          int
	Hours             []int     // received in each hour, the last of them not over yet
	Waiting           int       // received and not committed yet
	Oldest            time.Time // of those
	Quarantined       int       // in quarantine now
	RecentQuarantined int       // of those, received since the time asked for
	OldestQuarantined time.Time
}

// Ledger is the port to what is known of messages, for traces and quarantine.
type Ledger interface {
	Message(ctx context.Context, id store.MessageID) (Record, error)
	ByControl(ctx context.Context, control string) ([]Record, error)
	InQuarantine(ctx context.Context, limit int) ([]Record, error)
	// Feeds is what is known of every source: when it was last heard from, how
	// many messages, and those of each hour, from that in which since lies up to
	// its last one.
	Feeds(ctx context.Context, since time.Time) ([]Feed, error)
	// Held is how many messages of each source are in quarantine, and since a time.
	Held(ctx context.Context, since time.Time) ([]Feed, error)
	// Latest gives the last messages of a source, of the last many of all.
	Latest(ctx context.Context, source nhs.Source, limit int) ([]Record, error)
	// OfSource gives the messages of a source after one, in the order in which they came.
	OfSource(ctx context.Context, source nhs.Source, after store.MessageID, limit int) ([]Record, error)
	// ItemsOf gives type and id of what a message changed.
	ItemsOf(ctx context.Context, m store.MessageID) ([]policy.Item, error)
}

// Failed is closed when the store can't be written: nothing more is taken.
func (p *Pipeline) Failed() <-chan struct{} { return p.failed }

// Behind is how many bytes of raw messages are not committed yet.
func (p *Pipeline) Behind() uint64 { return uint64(p.room.taken()) }

// Idle waits until everything that was taken before the call is committed.
func (p *Pipeline) Idle(ctx context.Context) error {
	end := p.journal.log.Next()
	p.idle.Lock()
	defer p.idle.Unlock()
	stop := context.AfterFunc(ctx, p.moved.Broadcast)
	defer stop()
	for p.committed < end && ctx.Err() == nil && p.why == nil {
		p.moved.Wait()
	}
	return errors.Join(ctx.Err(), p.why)
}
