// Package register keeps a region's agreements: every revision of each, with
// when it came, by whom, and at which n, so that what was in force at any n is
// known. The rules are agreement's; what is kept here are files.
//
// Revisions are documents agreements/ID/000001 and on: nothing is ever
// overwritten, and two nodes that change the same agreement at once are told.
package register

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"selda/agreement"
	"selda/fault"
	"selda/internal/document"
	"selda/store"
)

// Revision is one state of an agreement.
type Revision struct {
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`  // who put it there
	Why    string    `json:"why"` // "signed for RJZ", "as a file", …
	N      uint64    `json:"n"`   // the last commit before it
	File   string    `json:"file"`
}

// Register is the agreements of a region. The zero Register has none.
type Register struct {
	documents document.Store
	state     atomic.Pointer[state]
}

// state is all that is kept, read. Nobody changes it.
type state struct {
	names     []string        // of the documents
	kept      map[string]kept // by the document's name: what is read needn't be read again
	revisions map[string][]Revision
	parsed    map[string][]*agreement.Agreement
	latest    *agreement.Set
}

// kept is one document, read.
type kept struct {
	revision Revision
	parsed   *agreement.Agreement
}

const folder = "agreements/"

// Open reads the register.
func Open(documents document.Store) (*Register, error) {
	r := &Register{documents: documents}
	r.state.Store(&state{latest: agreement.NewSet()})
	return r, r.Reload()
}

// Reload reads what other nodes have put there.
func (r *Register) Reload() error {
	const op = "register.Reload"
	names, err := r.documents.List(folder)
	if err != nil {
		return fault.E(op, err)
	}
	old := r.state.Load()
	if slices.Equal(names, old.names) {
		return nil // revisions are not overwritten
	}
	s := &state{names: names, kept: make(map[string]kept, len(names)), revisions: map[string][]Revision{}, parsed: map[string][]*agreement.Agreement{}}
	for _, name := range names {
		id, _, ok := strings.Cut(strings.TrimPrefix(name, folder), "/")
		if !ok {
			continue
		}
		k, is := old.kept[name]
		if !is {
			if k.revision, k.parsed, err = r.read(name); err != nil {
				return fault.E(op, err)
			}
		}
		s.kept[name] = k
		s.revisions[id] = append(s.revisions[id], k.revision)
		s.parsed[id] = append(s.parsed[id], k.parsed)
	}
	s.latest = s.at(store.Latest)
	r.state.Store(s)
	return nil
}

func (r *Register) read(name string) (Revision, *agreement.Agreement, error) {
	var rev Revision
	b, _, err := r.documents.Load(name)
	if err != nil {
		return rev, nil, err
	}
	if err := json.Unmarshal(b, &rev); err != nil {
		return rev, nil, fault.E("register.read", fault.Invalid, "the document does not hold: restore it from a backup", name)
	}
	a, err := agreement.Parse([]byte(rev.File))
	return rev, a, err
}

// at is the set that was in force as at n.
func (s *state) at(n uint64) *agreement.Set {
	var list []*agreement.Agreement
	for id, revisions := range s.revisions {
		for i := len(revisions) - 1; i >= 0; i-- {
			if revisions[i].N < n || n == store.Latest {
				list = append(list, s.parsed[id][i])
				break
			}
		}
	}
	return agreement.NewSet(list...)
}

// At is the set in force as at n.
func (r *Register) At(n uint64) *agreement.Set {
	s := r.state.Load()
	if s == nil {
		return agreement.NewSet()
	}
	if n == store.Latest {
		return s.latest
	}
	return s.at(n)
}

// Latest is the set in force now.
func (r *Register) Latest() *agreement.Set { return r.At(store.Latest) }

// Revisions are those of an agreement, the latest last.
func (r *Register) Revisions(id string) []Revision {
	if s := r.state.Load(); s != nil {
		return slices.Clone(s.revisions[id])
	}
	return nil
}

// Put keeps a new revision, which is in force at once. Its number is that of the
// revision that it was made from and one, 1 of a new agreement. Where another has come
// in between the fault is Conflict.
func (r *Register) Put(rev Revision) (*agreement.Agreement, error) {
	const op = "register.Put"
	a, err := agreement.Parse([]byte(rev.File))
	if err != nil {
		return nil, err
	}
	if err := r.Reload(); err != nil {
		return nil, err
	}
	last := 0
	if known := r.state.Load().revisions[a.ID]; len(known) > 0 {
		last = known[len(known)-1].Number
	}
	if rev.Number != last+1 {
		return nil, fault.E(op, fault.Conflict, fmt.Sprintf("%s has been changed in the meantime: its last revision is %d. Look at it, and change it again", a.ID, last))
	}
	b, err := json.Marshal(rev)
	if err != nil {
		return nil, fault.E(op, fault.Structure, err)
	}
	if err := r.documents.Save(fmt.Sprintf("%s%s/%06d", folder, a.ID, rev.Number), b, 0); err != nil {
		return nil, fault.E(op, err)
	}
	return a, r.Reload()
}
