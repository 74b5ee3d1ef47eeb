// Package unmapped counts the codes that came in and found no concept map, by
// source, system and code: the list that somebody works through who writes
// maps. It is a tally beside the record, not part of it: a crash may lose the
// last half minute of it, and it says nothing of whom a code was about. Nodes
// that share a database share the tally: each adds to it what it has counted.
package unmapped

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/fault"
	"selda/ingest/mapped"
	"selda/internal/document"
	"selda/nhs"
)

// Entry is one code of one source.
type Entry struct {
	Source  nhs.Source `json:"source"`
	System  string     `json:"system"`
	Code    string     `json:"code"`
	Display string     `json:"display,omitempty"` // as it came last
	Count   int        `json:"count"`
	First   time.Time  `json:"first"`
	Last    time.Time  `json:"last"`
}

// maxEntries bounds the tally, maxURL and maxText what is kept of a system and
// of a code and its display: a source that sends its own sentences as codes fills neither memory
// nor disk.
const (
	maxEntries = 20_000
	maxURL     = 400
	maxText    = 100
	saveEvery  = 30 * time.Second
	name       = "unmapped.ndjson"
)

type key struct {
	source       nhs.Source
	system, code string
}

type tally map[key]*Entry

// add counts an entry into the tally.
func (t tally) add(e Entry) {
	k := key{e.Source, e.System, e.Code}
	have := t[k]
	if have == nil {
		if len(t) < maxEntries {
			t[k] = &e
		}
		return
	}
	have.Count += e.Count
	have.Display = cmp.Or(e.Display, have.Display)
	if e.First.Before(have.First) {
		have.First = e.First
	}
	if e.Last.After(have.Last) {
		have.Last = e.Last
	}
}

// Ledger is the tally of a region.
type Ledger struct {
	kept document.Store

	mu      sync.Mutex
	pending tally // what is not saved yet

	saving sync.Mutex
	stop   chan struct{}
	done   chan struct{}
}

// Open opens the tally that documents keep.
func Open(documents document.Store) *Ledger {
	l := &Ledger{kept: documents, pending: tally{}, stop: make(chan struct{}), done: make(chan struct{})}
	go l.saves()
	return l
}

func (l *Ledger) saves() {
	defer close(l.done)
	t := time.NewTicker(saveEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			_ = l.save() // what is not saved is kept for the next time
		case <-l.stop:
			return
		}
	}
}

// Add counts codes of one message.
func (l *Ledger) Add(source nhs.Source, codes []mapped.Code, at time.Time) {
	if len(codes) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range codes {
		l.pending.add(Entry{source, cut(c.System, maxURL), cut(c.Code, maxText), cut(c.Display, maxText), 1, at.UTC(), at.UTC()})
	}
}

// cut is the beginning of a text, in whole characters.
func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}

// List is the tally, what came most often first.
func (l *Ledger) List() ([]Entry, error) {
	if err := l.save(); err != nil {
		return nil, err
	}
	all, _, err := l.load()
	if err != nil {
		return nil, err
	}
	return sorted(all), nil
}

func sorted(t tally) []Entry {
	out := make([]Entry, 0, len(t))
	for _, e := range t {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Source, b.Source), cmp.Compare(a.System, b.System), cmp.Compare(a.Code, b.Code))
	})
	return out
}

func (l *Ledger) load() (tally, int64, error) {
	raw, version, err := l.kept.Load(name)
	if err != nil {
		return nil, 0, err
	}
	all := tally{}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		var e Entry
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			all.add(e)
		}
	}
	return all, version, nil
}

// save adds what has been counted to what is kept.
func (l *Ledger) save() error {
	l.saving.Lock()
	defer l.saving.Unlock()
	l.mu.Lock()
	mine := l.pending
	l.pending = tally{}
	l.mu.Unlock()
	if len(mine) == 0 {
		return nil
	}
	err := l.merge(mine)
	if err != nil {
		l.mu.Lock()
		for _, e := range mine {
			l.pending.add(*e)
		}
		l.mu.Unlock()
	}
	return err
}

// merge tries until no other node has saved in between.
func (l *Ledger) merge(mine tally) error {
	for {
		all, version, err := l.load()
		if err != nil {
			return err
		}
		for _, e := range mine {
			all.add(*e)
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		for _, e := range sorted(all) {
			if err := enc.Encode(e); err != nil {
				return fault.E("unmapped.save", fault.Exception, err)
			}
		}
		if err := l.kept.Save(name, b.Bytes(), version); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

// Close saves what has not been saved.
func (l *Ledger) Close() error {
	close(l.stop)
	<-l.done
	return l.save()
}
