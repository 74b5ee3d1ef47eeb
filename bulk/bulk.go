// Package bulk is what exports and imports have in common: jobs that take their
// time, are kept in a folder so that a restart goes on with them, and the
// files that they make. It decides nothing and reads no record: api says what a
// job does, under a Grant that it asks for each time.
//
// In order: Add keeps a job before it is acknowledged; a few workers run one
// each; Line adds to its files, and Checkpoint makes durable how far it is;
// when it has ended its files can be read, by the one who asked for it, until
// their time is over. State and files are encrypted: they are parts of records.
//
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html
package bulk

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"selda/fault"
	"selda/policy"
)

// Options of the jobs of a region.
type Options struct {
	Dir  string // made where it is not there
	Key  []byte // 32 bytes; without it the folder can't be read
	Now  func() time.Time
	Log  *slog.Logger
	Keep time.Duration // how long files are kept after a job ended; 24 h where 0
	// LimitBytes bounds the files of all jobs together; 64 GiB where 0.
	LimitBytes int64
}

// How many jobs may wait or run at a time, of one user and of all.
const (
	perUser = 4
	atOnce  = 64
	workers = 2
)

// Jobs are the exports and imports of a region.
type Jobs struct {
	o Options

	mu   sync.Mutex
	byID map[string]*Job
	wake *sync.Cond
	done bool // nothing more is run
	used int64
	lock *os.File
}

// Open reads what is in the folder. Jobs run once Run is called.
func Open(o Options) (*Jobs, error) {
	const op = "bulk.Open"
	if o.Keep == 0 {
		o.Keep = 24 * time.Hour
	}
	if o.LimitBytes == 0 {
		o.LimitBytes = 64 << 30
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	js := &Jobs{o: o, byID: map[string]*Job{}}
	var err error
	if js.lock, err = os.OpenFile(filepath.Join(o.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if err := syscall.Flock(int(js.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = js.lock.Close()
		return nil, fault.E(op, fault.Conflict, "another process keeps the exports of this folder")
	}
	js.wake = sync.NewCond(&js.mu)
	folders, err := os.ReadDir(o.Dir)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		j, err := js.load(f.Name())
		if err != nil { // half made when the server stopped: it was never acknowledged
			if err := os.RemoveAll(filepath.Join(o.Dir, f.Name())); err != nil {
				return nil, fault.E(op, fault.NoStore, err)
			}
			continue
		}
		js.byID[j.ID] = j
		js.used += j.stored()
	}
	return js, nil
}

// Close lets the folder go, once nothing is run any more.
func (js *Jobs) Close() error { return js.lock.Close() }

// Add takes a job on. It is durable when Add returns.
func (js *Jobs) Add(kind string, by policy.Subject, request string, ask any) (*Job, error) {
	const op = "bulk.Add"
	j, err := js.make(kind, by, request, ask, false)
	if err != nil {
		return nil, fault.E(op, err)
	}
	js.mu.Lock()
	defer js.mu.Unlock()
	own, all := 0, 0
	for _, other := range js.byID {
		if !other.Ended() {
			all++
			if other.of(by) {
				own++
			}
		}
	}
	if own >= perUser || all >= atOnce {
		_ = os.RemoveAll(j.dir)
		return nil, fault.E(op, fault.Throttled, "too many exports and imports are waiting: wait until one has ended, or cancel one")
	}
	js.byID[j.ID] = j
	js.wake.Broadcast()
	return j, nil
}

// Begin takes on a job that its caller carries out at once, and ends.
func (js *Jobs) Begin(kind string, by policy.Subject, request string, ask any) (*Job, error) {
	j, err := js.make(kind, by, request, ask, true)
	if err != nil {
		return nil, fault.E("bulk.Begin", err)
	}
	j.running = true
	js.mu.Lock()
	defer js.mu.Unlock()
	js.byID[j.ID] = j
	return j, nil
}

func (js *Jobs) make(kind string, by policy.Subject, request string, ask any, atOnce bool) (*Job, error) {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	j, err := newJob(js, hex.EncodeToString(id), kind, by, request, ask, atOnce)
	if err != nil {
		return nil, fault.E("bulk.make", fault.NoStore, err)
	}
	return j, nil
}

// Find gives a job to the one who asked for it. To everybody else it is as
// unknown as one that never was, and so is one whose time is over.
func (js *Jobs) Find(id string, by policy.Subject) (*Job, error) {
	js.Expire()
	js.mu.Lock()
	defer js.mu.Unlock()
	j := js.byID[id]
	if j == nil || !j.of(by) {
		return nil, fault.E("bulk.Find", fault.NotFound, "there is no such export or import: it was cancelled, or its time is over")
	}
	return j, nil
}

// Remove cancels a job and takes its files away.
func (js *Jobs) Remove(j *Job) error {
	js.mu.Lock()
	delete(js.byID, j.ID)
	stop := j.stop
	js.mu.Unlock()
	if stop != nil {
		stop()
		<-j.left
	}
	js.mu.Lock()
	js.used -= j.stored()
	js.mu.Unlock()
	if err := os.RemoveAll(j.dir); err != nil {
		return fault.E("bulk.Remove", fault.NoStore, err)
	}
	return nil
}

// Expire takes away what has ended long enough ago, by the region's clock.
func (js *Jobs) Expire() {
	now := js.o.Now()
	js.mu.Lock()
	var over []*Job
	for _, j := range js.byID {
		if end := j.expires(); !end.IsZero() && !now.Before(end) {
			over = append(over, j)
		}
	}
	js.mu.Unlock()
	for _, j := range over {
		if err := js.Remove(j); err != nil {
			js.o.Log.Error("files of an export whose time is over could not be removed", "error", err)
		}
	}
}

// expireEvery is how often what is over is looked for, asked for or not.
const expireEvery = time.Minute

// Run carries jobs out until ctx ends, those first that wait longest. What is
// not done by then goes on with the next Run, where its last Checkpoint was.
func (js *Jobs) Run(ctx context.Context, do func(context.Context, *Job) error) {
	stop := context.AfterFunc(ctx, func() {
		js.mu.Lock()
		js.done = true
		js.mu.Unlock()
		js.wake.Broadcast()
	})
	defer stop()
	js.mu.Lock()
	js.done = ctx.Err() != nil
	js.mu.Unlock()
	var wg sync.WaitGroup
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
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				js.Expire()
			}
		}
	})
	wg.Wait()
}

// next waits for a job to run; nil when nothing more is run.
func (js *Jobs) next(ctx context.Context) *Job {
	js.mu.Lock()
	defer js.mu.Unlock()
	for !js.done && ctx.Err() == nil {
		var first *Job
		for _, j := range js.byID {
			if !j.Ended() && !j.running && (first == nil || j.given.Accepted.Before(first.given.Accepted)) {
				first = j
			}
		}
		if first != nil {
			first.running = true
			first.ctx, first.stop = context.WithCancel(ctx)
			first.left = make(chan struct{})
			return first
		}
		js.wake.Wait()
	}
	return nil
}

// carryOut runs one job to its end, unless it is stopped.
func (js *Jobs) carryOut(j *Job, do func(context.Context, *Job) error) {
	err := j.safely(do)
	stopped := err != nil && j.ctx.Err() != nil
	j.stop()
	switch {
	case stopped:
		err = j.abandon()
	case err != nil:
		js.o.Log.Error("an export or import could not be carried out", "job", j.given.Kind, "error", err)
		err = errors.Join(j.abandon(), j.End(err))
	default:
		err = j.End(nil)
	}
	if err != nil {
		js.o.Log.Error("the state of an export or import could not be kept", "error", err)
	}
	js.mu.Lock()
	j.running, j.stop = false, nil
	close(j.left)
	js.mu.Unlock()
}

// grow counts bytes that a file gets, and says whether there is room for them.
func (js *Jobs) grow(n int) error {
	js.mu.Lock()
	defer js.mu.Unlock()
	if js.used+int64(n) > js.o.LimitBytes {
		return fault.E("bulk.write", fault.TooCostly, "the files of exports fill the room that they are given: delete those that are no longer needed, or ask for less")
	}
	js.used += int64(n)
	return nil
}

// Kinds of jobs.
const (
	Export = "export"
	Import = "import"
)
