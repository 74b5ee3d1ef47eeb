package region

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/ingest/filedrop"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// This file holds what an operator or an interface engineer does. Each act
// goes through access and is in the trail before it is carried out.

const demoMark = "demonstration"

// Demonstration says whether `selda demo` made this region.
func (r *Region) Demonstration() bool {
	_, version, err := r.documents.Load(demoMark)
	return err == nil && version != 0
}

// LinkEvent is a change of links as operators see it.
type LinkEvent struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Rule     string    `json:"rule"`
	Reason   string    `json:"reason"`
	Message  string    `json:"message,omitempty"`
	Citizens []string  `json:"citizens"` // whom it joined or parted, as they are now
	Undone   bool      `json:"undone"`
}

// LinkReview is a pair that waits for a decision.
type LinkReview struct {
	Review   int64     `json:"review"`
	At       time.Time `json:"at"`
	Rule     string    `json:"rule"`
	Reason   string    `json:"reason"`
	Citizens []string  `json:"citizens"`
}

// Links lists the latest changes of links and the open pairs.
func (r *Region) Links(ctx context.Context, s policy.Subject, limit int) ([]LinkEvent, []LinkReview, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "links"); err != nil {
		return nil, nil, err
	}
	events, err := r.Store.Events(ctx, limit)
	if err != nil {
		return nil, nil, err
	}
	var out []LinkEvent
	for _, e := range events {
		l := LinkEvent{ID: e.ID, At: e.At, Kind: e.Kind, Rule: e.Rule, Reason: e.Reason, Undone: e.Undone}
		if e.Message != 0 {
			l.Message = r.Store.MessageID(e.Message)
		}
		for _, m := range e.Moves {
			if l.Citizens, err = r.addCitizen(ctx, l.Citizens, m.Subject); err != nil {
				return nil, nil, err
			}
		}
		out = append(out, l)
	}
	reviews, err := r.Store.Reviews(ctx, limit)
	if err != nil {
		return nil, nil, err
	}
	var pairs []LinkReview
	for _, v := range reviews {
		p := LinkReview{Review: v.ID, At: v.At, Rule: v.Rule, Reason: v.Reason}
		for _, subject := range []store.Subject{v.Subject, v.Other} {
			if p.Citizens, err = r.addCitizen(ctx, p.Citizens, subject); err != nil {
				return nil, nil, err
			}
		}
		pairs = append(pairs, p)
	}
	return out, pairs, nil
}

func (r *Region) addCitizen(ctx context.Context, list []string, s store.Subject) ([]string, error) {
	if s == 0 {
		return list, nil
	}
	id, err := r.Store.CitizenID(ctx, s)
	if err == nil && !slices.Contains(list, id) {
		list = append(list, id)
	}
	return list, err
}

// UndoLink takes one change of links back exactly.
func (r *Region) UndoLink(ctx context.Context, s policy.Subject, id int64) error {
	if _, err := r.Access.Operate(ctx, s, audit.Update, fmt.Sprintf("undo of link %d", id)); err != nil {
		return err
	}
	return r.Store.Commit(ctx, func(tx ingest.Tx) error {
		if _, err := tx.Begin(r.Now(), "SELDA:MPI", 0); err != nil {
			return err
		}
		return mpi.Undo(tx, id, r.Now())
	})
}

// Sever takes the identity of one source's Patient out of its citizen for good
// (G14: adoption, gender recognition, protected identity): the two are never
// matched, suggested, redirected or listed together again. It gives the new
// citizen's id.
func (r *Region) Sever(ctx context.Context, s policy.Subject, patient string) (string, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Update, "severance of Patient/"+patient); err != nil {
		return "", err
	}
	subject, err := r.Store.Owner(ctx, "Patient", patient)
	if err != nil {
		return "", err
	}
	if err := r.Store.Commit(ctx, func(tx ingest.Tx) error {
		if _, err := tx.Begin(r.Now(), "SELDA:MPI", 0); err != nil {
			return err
		}
		_, err := mpi.Sever(tx, subject, r.Now())
		return err
	}); err != nil {
		return "", err
	}
	return r.Store.CitizenID(ctx, subject)
}

// Message gives a message with its raw bytes.
func (r *Region) Message(ctx context.Context, s policy.Subject, id, what string) (ingest.Record, *ingest.Raw, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, what); err != nil {
		return ingest.Record{}, nil, err
	}
	rec, err := r.message(ctx, id)
	if err != nil {
		return rec, nil, err
	}
	raw, err := r.Journal.Read(rec.ID)
	return rec, raw, err
}

func (r *Region) message(ctx context.Context, id string) (ingest.Record, error) {
	n, ok := r.Store.MessageNumber(id)
	if !ok {
		return ingest.Record{}, fault.E("region.message", fault.NotFound, "there is no message with this id")
	}
	return r.Store.Message(ctx, n)
}

// Stage is one stage of a message's way.
type Stage struct {
	Message string    `json:"message"`
	Stage   string    `json:"stage"` // received, parsed, identified, committed, quarantined, duplicate, left
	At      time.Time `json:"at,omitzero"`
	Rule    string    `json:"rule,omitempty"`
	Place   string    `json:"place,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// settle waits a while for what has been acknowledged to be committed: who asks
// for a message has its acknowledgement already.
func (r *Region) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = r.Ingest.Idle(ctx) // what is not settled by then is told as it stands
	if r.Nodes != nil {
		_ = r.Nodes.Settle(ctx)
	}
}

// Trace tells every stage of a message: by its id, its control id, or a
// resource that it made.
func (r *Region) Trace(ctx context.Context, s policy.Subject, id string) ([]Stage, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "trace of "+id); err != nil {
		return nil, err
	}
	r.settle(ctx)
	rec, err := r.traced(ctx, id)
	if err != nil {
		return nil, err
	}
	name := r.Store.MessageID(rec.ID)
	out := []Stage{{Message: name, Stage: "received", At: rec.Received, Detail: string(rec.Source) + " " + rec.Format}}
	if rec.Event != "" {
		out = append(out, Stage{Message: name, Stage: "parsed", Detail: rec.Event})
	}
	steps, err := stepsOf(rec)
	if err != nil {
		return nil, err
	}
	for _, u := range steps.Unmapped {
		out = append(out, Stage{Message: name, Stage: "left", Place: u.Place, Detail: u.Reason})
	}
	switch rec.State {
	case ingest.Quarantined:
		return append(out, Stage{Message: name, Stage: "quarantined", At: rec.Received, Rule: "it can't be used", Place: rec.Place, Detail: rec.Reason}), nil
	case ingest.Refused:
		return append(out, Stage{Message: name, Stage: "refused", At: rec.Received, Place: rec.Place, Detail: rec.Reason}), nil
	case ingest.Duplicate:
		if rec.N == 0 && rec.Reason != "" {
			return append(out, Stage{Message: name, Stage: "left", Rule: "G18", Detail: rec.Reason}, Stage{Message: name, Stage: "committed", At: rec.Received, Detail: "nothing of it is kept"}), nil
		}
		if rec.N == 0 {
			return r.traceDuplicate(ctx, rec, append(out, Stage{Message: name, Stage: "duplicate", Detail: "the source has sent the same before"}))
		}
	}
	items, err := r.Store.ItemsOf(ctx, rec.ID)
	if err != nil {
		return nil, err
	}
	out = append(out, Stage{Message: name, Stage: "identified", Rule: "G15", Detail: fmt.Sprintf("%d people", steps.Subjects)})
	for _, i := range items {
		out = append(out, Stage{Message: name, Stage: "written", Detail: i.Type + "/" + i.ID})
	}
	return append(out, Stage{Message: name, Stage: "committed", At: steps.Committed, Detail: fmt.Sprintf("%d resources, %d changed", steps.Resources, len(items))}), nil
}

// traceDuplicate ends the trace of a message that was sent before: with the
// commit of that one.
func (r *Region) traceDuplicate(ctx context.Context, rec ingest.Record, out []Stage) ([]Stage, error) {
	last := Stage{Message: out[0].Message, Stage: "committed", Detail: "with the message that was sent before"}
	same, err := r.Store.ByControl(ctx, rec.Control)
	if err != nil {
		return nil, err
	}
	for _, m := range same {
		if m.Source == rec.Source && m.Hash == rec.Hash && m.N != 0 {
			first, err := stepsOf(m)
			if err != nil {
				return nil, err
			}
			last.At, last.Detail = first.Committed, "as message "+r.Store.MessageID(m.ID)
		}
	}
	return append(out, last), nil
}

// steps is what a message's record keeps of its way.
type steps struct {
	Committed time.Time                        `json:"committed"`
	Subjects  int                              `json:"subjects"`
	Resources int                              `json:"resources"`
	Unmapped  []struct{ Place, Reason string } `json:"unmapped"`
}

func stepsOf(rec ingest.Record) (s steps, err error) {
	if len(rec.Steps) > 0 {
		err = json.Unmarshal(rec.Steps, &s)
	}
	return s, err
}

func (r *Region) traced(ctx context.Context, id string) (ingest.Record, error) {
	if typ, rid, ok := strings.Cut(id, "/"); ok && fhir.IsResourceType(typ) {
		v, err := r.Store.Read(ctx, typ, rid, store.Latest, &policy.Predicate{Permit: true, Everything: true})
		if err != nil {
			return ingest.Record{}, err
		}
		return r.Store.Message(ctx, v.Message)
	}
	if rec, err := r.message(ctx, id); err == nil {
		return rec, nil
	}
	list, err := r.Store.ByControl(ctx, id)
	if err != nil {
		return ingest.Record{}, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].State != ingest.Duplicate {
			return list[i], nil
		}
	}
	if len(list) > 0 {
		return list[0], nil
	}
	return ingest.Record{}, fault.E("region.Trace", fault.NotFound, "there is no message or resource with this id")
}

// Files says what to load.
type Files struct {
	Source  nhs.Source
	Format  string
	Mapping string
	Paths   []string
	// TakeBack says that whatever is no longer in a full extract is really gone,
	// however much that is.
	TakeBack bool
}

// Summary is what became of them: messages = stored + quarantined + duplicates.
type Summary struct {
	Files       int     `json:"files"`
	Messages    int     `json:"messages"`
	Stored      int     `json:"stored"`
	Resources   int     `json:"resources"`
	Quarantined int     `json:"quarantined"`
	Duplicates  int     `json:"duplicates"`
	Seconds     float64 `json:"seconds"`
}

// IngestFiles loads files and folders, in order of name.
func (r *Region) IngestFiles(ctx context.Context, s policy.Subject, f Files) (Summary, error) {
	var sum Summary
	began := time.Now()
	format, err := filedrop.ParseFormat(f.Format)
	if err != nil {
		return sum, err
	}
	if _, err := r.Access.Operate(ctx, s, audit.Create, "files of "+string(f.Source)); err != nil {
		return sum, err
	}
	load := &load{r: r, ctx: ctx, files: f, sum: &sum}
	for _, p := range f.Paths {
		names, err := filedrop.Files(p)
		if err != nil {
			return sum, err
		}
		for _, name := range names {
			if err := load.file(name, format, name == p); err != nil {
				return sum, err
			}
		}
	}
	err = load.drain(0)
	sum.Seconds = time.Since(began).Seconds()
	return sum, err
}

// load submits files and counts what becomes of them.
type load struct {
	r       *Region
	ctx     context.Context
	files   Files
	sum     *Summary
	waiting []waited
	bytes   int // of those
}

func (l *load) file(name, format string, named bool) error {
	l.sum.Files++
	info, err := os.Stat(name)
	if err != nil {
		return fault.E("region.IngestFiles", fault.NotFound, err)
	}
	if info.Size() > filedrop.MaxFile {
		return fault.E("region.IngestFiles", fault.TooLong, "a file is larger than 1 GiB: "+name)
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return fault.E("region.IngestFiles", fault.NotFound, err)
	}
	if format == filedrop.Auto {
		if format = filedrop.Format(name, body, named); format == "" {
			return nil
		}
	}
	if format == ingest.CSV {
		sidecar, _ := os.ReadFile(name + ".totals") // without one it is nil, and the mapping says whether that will do
		return l.extract(name, body, sidecar)
	}
	for _, p := range filedrop.Split(format, name, body) {
		raw := &ingest.Raw{Source: l.files.Source, Format: p.Format, Door: "file", Name: filepath.Base(name), Row: p.Row, Body: p.Body}
		if err := l.submit(raw); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) submit(raw *ingest.Raw) error {
	rec, err := l.r.Ingest.Submit(l.ctx, raw)
	if err != nil {
		return err
	}
	l.waiting = append(l.waiting, waited{rec, len(raw.Body)})
	l.bytes += len(raw.Body)
	return l.drain(4096)
}

// waited is a message whose outcome is waited for; it is in memory until then.
type waited struct {
	*ingest.Receipt
	bytes int
}

// maxWaited is how many bytes of messages are waited for at most.
const maxWaited = 32 << 20

// drain counts outcomes until at most keep are waited for, and not too much of them.
func (l *load) drain(keep int) error {
	for len(l.waiting) > keep || l.bytes > maxWaited {
		out, err := l.waiting[0].Committed(l.ctx)
		if err != nil {
			return err
		}
		l.bytes -= l.waiting[0].bytes
		l.waiting[0] = waited{}
		l.waiting = l.waiting[1:]
		l.sum.Messages++
		switch out.State {
		case ingest.Quarantined:
			l.sum.Quarantined++
		case ingest.Duplicate:
			l.sum.Duplicates++
		default:
			l.sum.Stored++
			l.sum.Resources += len(out.Items)
		}
	}
	return nil
}
