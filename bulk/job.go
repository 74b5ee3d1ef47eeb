package bulk

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Job is one export or import. While it runs it belongs to its worker; what
// Ended, Progress and Result tell may be asked at any time. Of one that another
// node carries out they tell what was at its last Checkpoint.
type Job struct {
	ID   string
	jobs *Jobs
	aead cipher.AEAD

	given given // what never changes

	mu    sync.Mutex // guards state, which is as it was last saved
	state state

	// Of the run.
	ctx  context.Context
	stop context.CancelFunc
	left chan struct{} // closed when the run is over; nil where its caller carries it out
	outs outs

	lines atomic.Int64 // for progress
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
	Lines  int64           `json:"lines,omitempty"`
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
	Scopes       *policy.Scopes `json:",omitempty"` // of the application that asked in their name
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
	Blocks int    `json:"blocks"`
	Stored int64  `json:"stored"` // bytes of the blocks
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

// job is an empty one of an id.
func (js *Jobs) job(id string) *Job {
	j := &Job{ID: id, jobs: js}
	h := hmac.New(sha256.New, js.o.Key)
	h.Write([]byte(id))
	block, _ := aes.NewCipher(h.Sum(nil)) // of 32 bytes
	j.aead, _ = cipher.NewGCM(block)
	return j
}

// give says what a new job is asked for.
func (j *Job) give(kind string, by policy.Subject, request string, ask any, atOnce bool) error {
	b, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	j.given = given{Kind: kind, Request: request, Accepted: j.jobs.o.Now().UTC(), AtOnce: atOnce, Ask: b, By: asker{by.User, by.Name, by.Role, by.Organisation, by.Purpose, "", by.Source, by.Scopes}}
	if !by.NHSNumber.IsZero() {
		j.given.By.Number = by.NHSNumber.Digits()
	}
	j.state.Given = j.given
	return nil
}

const stateName = "state"

// kept is a state as it is kept.
func (j *Job) kept(s *state) (Kept, error) {
	k := Kept{ID: j.ID, Ended: s.Ended}
	for _, f := range s.Files {
		k.Stored += f.Stored
	}
	b, err := json.Marshal(s)
	k.State = j.seal(nil, b, stateName)
	return k, err
}

// read makes a job what is kept of it.
func (j *Job) read(k Kept) error {
	b, err := j.open(k.State, stateName)
	if err != nil {
		return err
	}
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	j.state, j.given = s, s.Given
	j.lines.Store(s.Lines)
	return nil
}

func (j *Job) of(by policy.Subject) bool {
	o := &j.given.By
	return by.User != "" && o.User == by.User && o.Role == by.Role && o.Source == by.Source && o.Organisation == by.Organisation && alike(o.Scopes, by.Scopes)
}

// alike says whether whoever asked is shown what they were when they asked: what
// an application had exported is not for another, nor for one that is let see less.
func alike(a, b *policy.Scopes) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.App == b.App && a.Patient == b.Patient && slices.Equal(a.List, b.List)
}

// By is who asked for the job.
func (j *Job) By() (policy.Subject, error) {
	o := &j.given.By
	s := policy.Subject{User: o.User, Name: o.Name, Role: o.Role, Organisation: o.Organisation, Purpose: o.Purpose, Source: o.Source, Scopes: o.Scopes.For(0)}
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

// Expires is when the files of a job that has ended are taken away; zero while
// it has not.
func (j *Job) Expires() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.Ended.IsZero() {
		return time.Time{}
	}
	return j.state.Ended.Add(j.jobs.o.Keep)
}

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

// measure says how many bytes more may be written until the next Checkpoint.
func (j *Job) measure() error {
	used, err := j.jobs.o.Store.Used()
	j.outs.room = j.jobs.o.LimitBytes - used
	return err
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
		s.Ended = j.jobs.o.Now().UTC().Truncate(time.Millisecond)
		if failed != nil {
			s.Failed = &failure{fault.KindOf(failed), fault.Reason(failed), fault.PlaceOf(failed)}
		}
	})
	j.outs.close()
	if j.given.AtOnce {
		j.jobs.leave(j)
	}
	return err
}

// keep makes the files durable, and saves the state with a change.
func (j *Job) keep(change func(*state)) error {
	const op = "bulk.Checkpoint"
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
	next.Lines = j.lines.Load()
	change(&next)
	k, err := j.kept(&next)
	if err == nil {
		err = j.jobs.o.Store.Save(k, j.jobs.holder)
	}
	if err != nil {
		return fault.E(op, err)
	}
	j.mu.Lock()
	j.state = next
	j.mu.Unlock()
	if err := j.measure(); err != nil {
		return fault.E(op, err)
	}
	return nil
}

// abandon lets go of what was written since the last Checkpoint.
func (j *Job) abandon() {
	j.outs.close()
	j.outs = outs{room: j.outs.room}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines.Store(j.state.Lines)
}
