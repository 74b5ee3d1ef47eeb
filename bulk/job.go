package bulk

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Job is one export or import. While it runs it belongs to its worker; what
// Ended, Progress and Result tell may be asked at any time.
type Job struct {
	ID   string
	jobs *Jobs
	dir  string
	aead cipher.AEAD

	given given // what never changes

	mu    sync.Mutex // guards state, which is as it was last saved
	state state

	// Of the run, guarded by jobs.mu.
	running bool
	ctx     context.Context
	stop    context.CancelFunc
	left    chan struct{} // closed when the run is over

	lines atomic.Int64 // for progress
	outs  outs
}

// given is what a job was asked for.
type given struct {
	Kind     string
	By       asker
	Request  string
	Accepted time.Time
	AtOnce   bool // its caller carries it out
	Ask      json.RawMessage
}

// state is what is kept of a job.
type state struct {
	Given  given           `json:"given"`
	Place  json.RawMessage `json:"place,omitempty"`
	Counts map[string]int  `json:"counts,omitempty"`
	Files  []File          `json:"files,omitempty"`
	Ended  time.Time       `json:"ended,omitzero"`
	Failed *failure        `json:"failed,omitempty"`
}

// asker is who asked, as a job keeps it.
type asker struct {
	User, Name   string
	Role         nhs.Role
	Organisation nhs.ODS
	Purpose      nhs.Purpose
	Number       string
	Source       nhs.Source
}

type failure struct {
	Kind  fault.Kind
	Words string
	Place string
}

// File is one file of a job.
type File struct {
	Name   string `json:"name"`
	Part   string `json:"part"` // output, deleted, error; others are the job's own
	Type   string `json:"type"` // of the resources in it
	Count  int    `json:"count"`
	Stored int64  `json:"stored"` // bytes on disk
	Raw    int64  `json:"raw"`    // bytes of NDJSON
	Sum    uint32 `json:"sum"`    // CRC-32 of those, which gzip's trailer has
}

// Result is what a job has come to.
type Result struct {
	Request  string
	Accepted time.Time
	Ended    time.Time
	Files    []File
	Counts   map[string]int
	Err      error // why it could not be carried out
}

func newJob(js *Jobs, id, kind string, by policy.Subject, request string, ask any, atOnce bool) (*Job, error) {
	b, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	j := js.job(id)
	j.given = given{Kind: kind, Request: request, Accepted: js.o.Now().UTC(), AtOnce: atOnce, Ask: b, By: asker{by.User, by.Name, by.Role, by.Organisation, by.Purpose, "", by.Source}}
	if !by.NHSNumber.IsZero() {
		j.given.By.Number = by.NHSNumber.Digits()
	}
	j.state.Given = j.given
	if err := os.Mkdir(j.dir, 0o700); err != nil {
		return nil, err
	}
	return j, errors.Join(j.save(&j.state), syncDir(js.o.Dir))
}

func (js *Jobs) job(id string) *Job {
	j := &Job{ID: id, jobs: js, dir: filepath.Join(js.o.Dir, id)}
	h := hmac.New(sha256.New, js.o.Key)
	h.Write([]byte(id))
	block, _ := aes.NewCipher(h.Sum(nil)) // of 32 bytes
	j.aead, _ = cipher.NewGCM(block)
	return j
}

func (js *Jobs) load(id string) (*Job, error) {
	j := js.job(id)
	sealed, err := os.ReadFile(filepath.Join(j.dir, stateFile))
	if err != nil {
		return nil, err
	}
	b, err := j.open(sealed, stateFile)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &j.state); err != nil {
		return nil, err
	}
	j.given = j.state.Given
	if j.given.AtOnce && j.state.Ended.IsZero() {
		return nil, errors.New("nobody goes on with it")
	}
	for _, f := range j.state.Files {
		j.lines.Add(int64(f.Count))
	}
	return j, nil
}

const stateFile = "state"

// save keeps a state, whole or not at all.
func (j *Job) save(s *state) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := filepath.Join(j.dir, stateFile)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(j.seal(nil, b, stateFile))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(path+".new", path), syncDir(j.dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (j *Job) of(by policy.Subject) bool {
	o := &j.given.By
	return by.User != "" && o.User == by.User && o.Role == by.Role && o.Source == by.Source && o.Organisation == by.Organisation
}

// By is who asked for the job.
func (j *Job) By() (policy.Subject, error) {
	o := &j.given.By
	s := policy.Subject{User: o.User, Name: o.Name, Role: o.Role, Organisation: o.Organisation, Purpose: o.Purpose, Source: o.Source}
	if o.Number == "" {
		return s, nil
	}
	var err error
	s.NHSNumber, err = nhs.ParseNumber(o.Number)
	return s, err
}

// Kind is what the job is: Export or Import.
func (j *Job) Kind() string { return j.given.Kind }

// Accepted is when it was asked for.
func (j *Job) Accepted() time.Time { return j.given.Accepted }

// Ask reads what was asked for.
func (j *Job) Ask(into any) error { return json.Unmarshal(j.given.Ask, into) }

// Place reads how far the job was at its last Checkpoint; false where it had none.
func (j *Job) Place(into any) (bool, error) {
	if j.state.Place == nil {
		return false, nil
	}
	return true, json.Unmarshal(j.state.Place, into)
}

// Ended says whether the job is over.
func (j *Job) Ended() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.state.Ended.IsZero()
}

// expires is when its files go; zero while it has not ended.
func (j *Job) expires() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.Ended.IsZero() {
		return time.Time{}
	}
	return j.state.Ended.Add(j.jobs.o.Keep)
}

// Expires is when the files of a job that has ended are taken away.
func (j *Job) Expires() time.Time { return j.expires() }

// Progress is how many lines were written so far.
func (j *Job) Progress() int { return int(j.lines.Load()) }

// Tell sets the number that Progress gives, of a job that writes no lines.
func (j *Job) Tell(n int) { j.lines.Store(int64(n)) }

// Result is what the job has come to, once it has ended.
func (j *Job) Result() Result {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &j.state
	r := Result{Request: j.given.Request, Accepted: j.given.Accepted, Ended: s.Ended, Counts: s.Counts, Files: s.Files}
	if s.Failed != nil {
		r.Err = fault.E("bulk", s.Failed.Kind, s.Failed.Words, s.Failed.Place)
	}
	return r
}

func (j *Job) stored() (n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range j.state.Files {
		n += f.Stored
	}
	return n + j.outs.unsaved
}

// safely carries the job out; a run that panics takes nothing else down.
func (j *Job) safely(do func(context.Context, *Job) error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			b := make([]byte, 4096)
			j.jobs.o.Log.Error("an export or import failed", "job", j.given.Kind, "stack", string(b[:runtime.Stack(b, false)]))
			err = fault.E("bulk.run", fault.Exception, fmt.Sprintf("the %s failed: a fault of SELDA's", j.given.Kind))
		}
	}()
	return do(j.ctx, j)
}

// Checkpoint makes durable what was written, and how far the job is: after a
// restart it goes on from there.
func (j *Job) Checkpoint(place any, counts map[string]int) error {
	b, err := json.Marshal(place)
	if err != nil {
		return err
	}
	return j.keep(func(s *state) { s.Place, s.Counts = b, counts })
}

// End ends the job, well or with the reason why not.
func (j *Job) End(failed error) error {
	err := j.keep(func(s *state) {
		s.Ended = j.jobs.o.Now().UTC()
		if failed != nil {
			s.Failed = &failure{fault.KindOf(failed), fault.Reason(failed), fault.PlaceOf(failed)}
		}
	})
	return errors.Join(err, j.outs.close())
}

// keep makes the files durable, and saves the state with a change.
func (j *Job) keep(change func(*state)) error {
	files, err := j.flush()
	if err != nil {
		return err
	}
	j.mu.Lock()
	next := j.state
	j.mu.Unlock()
	if files != nil {
		next.Files = files
	}
	change(&next)
	if err := j.save(&next); err != nil {
		return fault.E("bulk.Checkpoint", fault.NoStore, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state, j.outs.unsaved = next, 0
	return nil
}

// abandon lets go of what was written since the last Checkpoint.
func (j *Job) abandon() error {
	err := j.outs.close()
	j.mu.Lock()
	over := j.outs.unsaved
	j.outs = outs{}
	lines := 0
	for _, f := range j.state.Files {
		lines += f.Count
	}
	j.mu.Unlock()
	j.lines.Store(int64(lines))
	j.jobs.mu.Lock()
	j.jobs.used -= over
	j.jobs.mu.Unlock()
	return err
}
