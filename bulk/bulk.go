// Package bulk is what exports and imports have in common: jobs that take their
// time, are kept so that a restart or another node goes on with them, and the
// files that they make. It decides nothing and reads no record: api says what a
// job does, under a Grant that it asks for each time.
//
// In order: Add keeps a job before it is acknowledged; a few workers at each
// node carry one out each; Line adds to its files, and Checkpoint makes durable
// how far it is; when it has ended its files can be read at any node, by the one
// who asked for it, until their time is over. State and files are encrypted:
// they are parts of records. Nothing of a job is in memory but of those that are
// carried out here.
//
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html
package bulk

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"selda/fault"
	"selda/policy"
)

// Options of the jobs of a region.
type Options struct {
	Store Store
	Key   []byte // 32 bytes; without it nothing that is kept can be read
	Now   func() time.Time
	Log   *slog.Logger
	Keep  time.Duration // how long files are kept after a job ended; 24 h where 0
	// LimitBytes bounds the files of all jobs together; 64 GiB where 0.
	LimitBytes int64
}

// How many jobs may wait or run at a time, of one user and of all, and how many
// one node carries out at once.
const (
	perUser = 4
	atOnce  = 64
	workers = 2
)

// Jobs are the exports and imports of a region.
type Jobs struct {
	o      Options
	holder string // this process

	taking sync.Mutex

	mu      sync.Mutex
	running map[string]*Job
	woken   chan struct{} // there may be a job to carry out
}

// Open makes what is kept answer. Jobs are carried out once Run is called.
func Open(o Options) *Jobs {
	if o.Keep == 0 {
		o.Keep = 24 * time.Hour
	}
	if o.LimitBytes == 0 {
		o.LimitBytes = 64 << 30
	}
	return &Jobs{o: o, holder: rand.Text(), running: map[string]*Job{}, woken: make(chan struct{}, workers)}
}

// Add takes a job on. It is durable when Add returns.
func (js *Jobs) Add(kind string, by policy.Subject, request string, ask any) (*Job, error) {
	const op = "bulk.Add"
	waiting, err := js.waiting()
	if err != nil {
		return nil, fault.E(op, err)
	}
	own := 0
	for _, j := range waiting {
		if j.of(by) {
			own++
		}
	}
	if own >= perUser || len(waiting) >= atOnce {
		return nil, fault.E(op, fault.Throttled, "too many exports and imports are waiting: wait until one has ended, or cancel one")
	}
	j := js.fresh()
	if err := j.give(kind, by, request, ask, false); err != nil {
		return nil, fault.E(op, err)
	}
	if err := js.create(j, ""); err != nil {
		return nil, fault.E(op, err)
	}
	js.wake()
	return j, nil
}

// Begin takes on a job that its caller carries out at once, and ends.
func (js *Jobs) Begin(kind string, by policy.Subject, request string, ask any) (*Job, error) {
	const op = "bulk.Begin"
	j := js.fresh()
	if err := j.give(kind, by, request, ask, true); err != nil {
		return nil, fault.E(op, err)
	}
	j.stop = func() {}
	js.mu.Lock()
	js.running[j.ID] = j // before it is kept: a worker takes what is and nobody carries out
	js.mu.Unlock()
	err := js.create(j, js.holder)
	if err == nil {
		err = j.measure()
	}
	if err != nil {
		js.leave(j)
		return nil, fault.E(op, err)
	}
	return j, nil
}

// fresh is a new job, of an id that nobody guesses.
func (js *Jobs) fresh() *Job {
	var id [16]byte
	_, _ = rand.Read(id[:])
	return js.job(hex.EncodeToString(id[:]))
}

func (js *Jobs) create(j *Job, holder string) error {
	k, err := j.kept(&j.state)
	if err != nil {
		return err
	}
	return js.o.Store.Create(k, holder)
}

// waiting are the jobs that have not ended, those first that wait longest.
func (js *Jobs) waiting() (out []*Job, err error) {
	list, err := js.o.Store.List(false)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		j := js.job(k.ID)
		if err := j.read(k); err != nil {
			js.o.Log.Error("the state of an export or import can't be read", "error", err)
			continue
		}
		out = append(out, j)
	}
	slices.SortFunc(out, func(a, b *Job) int { return a.given.Accepted.Compare(b.given.Accepted) })
	return out, nil
}

// Find gives a job to the one who asked for it. To everybody else it is as
// unknown as one that never was, and so is one whose time is over.
func (js *Jobs) Find(id string, by policy.Subject) (*Job, error) {
	const op = "bulk.Find"
	js.mu.Lock()
	j := js.running[id]
	js.mu.Unlock()
	if j == nil {
		k, err := js.o.Store.Load(id)
		if err != nil {
			return nil, fault.E(op, err)
		}
		j = js.job(id)
		if err := j.read(k); err != nil {
			return nil, fault.E(op, err)
		}
	}
	if end := j.Expires(); !end.IsZero() && !js.o.Now().Before(end) {
		js.Expire()
		return nil, fault.E(op, ErrUnknown)
	}
	if !j.of(by) {
		return nil, fault.E(op, ErrUnknown)
	}
	return j, nil
}

// Remove cancels a job and takes its files away, wherever it is carried out.
func (js *Jobs) Remove(j *Job) error {
	err := js.o.Store.Remove(j.ID) // from here on nobody takes it
	js.mu.Lock()
	here := js.running[j.ID]
	js.mu.Unlock()
	if here != nil && here.left != nil {
		here.stop()
		<-here.left
		err = js.o.Store.Remove(j.ID) // what it wrote meanwhile
	}
	if err != nil {
		return fault.E("bulk.Remove", err)
	}
	return nil
}

// Expire takes away what has ended long enough ago, by the region's clock.
func (js *Jobs) Expire() {
	list, err := js.o.Store.List(true)
	for _, k := range list {
		if !js.o.Now().Before(k.Ended.Add(js.o.Keep)) {
			err = errors.Join(err, js.o.Store.Remove(k.ID))
		}
	}
	if err != nil {
		js.o.Log.Error("files of an export whose time is over could not be removed", "error", err)
	}
}

// expireEvery is how often what is over is looked for.
const expireEvery = time.Minute

// Run carries jobs out until ctx ends, those first that wait longest. What is
// not done by then goes on with the next Run, or at another node, where its last
// Checkpoint was.
func (js *Jobs) Run(ctx context.Context, do func(context.Context, *Job) error) {
	var wg, renewing sync.WaitGroup
	over := make(chan struct{})
	renewing.Go(func() { js.renew(over) })
	for range workers {
		wg.Go(func() {
			for j := js.next(ctx); j != nil; j = js.next(ctx) {
				js.carryOut(j, do)
			}
		})
	}
	wg.Go(func() {
		tick := time.NewTicker(expireEvery)
		defer tick.Stop()
		for {
			js.Expire()
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	wg.Wait()
	close(over)
	renewing.Wait()
}

// renew says each second that this node is there, and stops what another node
// carries out by now, or somebody has cancelled.
func (js *Jobs) renew(over chan struct{}) {
	tick := time.NewTicker(RenewEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		js.mu.Lock()
		mine := make(map[string]*Job, len(js.running))
		var ids []string
		for id, j := range js.running {
			mine[id], ids = j, append(ids, id)
		}
		js.mu.Unlock()
		if len(ids) == 0 {
			continue
		}
		still, err := js.o.Store.Renew(js.holder, ids)
		if err != nil {
			continue // what is written says whether it is still this node's
		}
		for id, j := range mine {
			if !slices.Contains(still, id) {
				j.stop()
			}
		}
	}
}

func (js *Jobs) wake() {
	select {
	case js.woken <- struct{}{}:
	default:
	}
}

// next waits for a job to carry out; nil when no more are.
func (js *Jobs) next(ctx context.Context) *Job {
	for ctx.Err() == nil {
		j, err := js.take(ctx)
		if j != nil {
			return j
		}
		if err != nil {
			js.o.Log.Error("the exports and imports that wait could not be looked at; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-js.woken:
		case <-time.After(RenewEvery): // what another node took on, or left
		}
	}
	return nil
}

// take takes a job that nobody carries out. One worker does at a time.
func (js *Jobs) take(ctx context.Context) (*Job, error) {
	js.taking.Lock()
	defer js.taking.Unlock()
	waiting, err := js.waiting()
	for _, j := range waiting {
		js.mu.Lock()
		_, busy := js.running[j.ID]
		js.mu.Unlock()
		if busy {
			continue
		}
		ok, err := js.begin(j)
		if err != nil {
			return nil, err
		}
		if ok {
			j.ctx, j.stop = context.WithCancel(ctx)
			j.left = make(chan struct{})
			js.mu.Lock()
			js.running[j.ID] = j
			js.mu.Unlock()
			return j, nil
		}
	}
	return nil, err
}

// begin makes a job this node's, as who carried it out before has left it.
func (js *Jobs) begin(j *Job) (bool, error) {
	ok, err := js.o.Store.Take(j.ID, js.holder)
	if !ok || err != nil {
		return false, err
	}
	if j.given.AtOnce { // its caller is gone with the node
		return false, js.o.Store.Remove(j.ID)
	}
	k, err := js.o.Store.Load(j.ID)
	if errors.Is(err, ErrUnknown) {
		return false, nil
	}
	if err == nil {
		err = j.read(k)
	}
	if err == nil {
		err = j.measure()
	}
	return err == nil, err
}

// leave is the end of what this node does of a job.
func (js *Jobs) leave(j *Job) {
	js.mu.Lock()
	delete(js.running, j.ID)
	js.mu.Unlock()
	j.stop()
	if j.left != nil {
		close(j.left)
	}
}

// carryOut carries one job out to its end, unless it is stopped.
func (js *Jobs) carryOut(j *Job, do func(context.Context, *Job) error) {
	defer js.leave(j)
	err := j.safely(do)
	switch {
	case err != nil && (j.ctx.Err() != nil || errors.Is(err, ErrTaken)):
		j.abandon()
		if err := js.o.Store.Leave(j.ID, js.holder); err != nil {
			js.o.Log.Warn("an export or import that was stopped is not free yet", "error", err)
		}
		return
	case err != nil:
		js.o.Log.Error("an export or import could not be carried out", "job", j.given.Kind, "error", err)
		j.abandon()
	}
	if err := j.End(err); err != nil && !errors.Is(err, ErrTaken) {
		js.o.Log.Error("the state of an export or import could not be kept", "error", err)
	}
}

// Kinds of jobs.
const (
	Export = "export"
	Import = "import"
)
