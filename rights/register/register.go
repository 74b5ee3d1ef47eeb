// Package register keeps what a region has decided about disposal (G18): its retention
// schedule, the holds that stop a disposal, and the lists of what was destroyed, which a
// backup of before is to be held against. Each is a small document under a name.
package register

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/internal/document"
	"selda/rights"
	"selda/store"
)

// Register keeps them.
type Register struct{ Documents document.Store }

const (
	scheduleName = "rights/retention.yaml"
	holdsName    = "rights/holds.json"
	disposedName = "rights/disposed/"
	mostHolds    = 10_000
)

// Schedule is the schedule in force, with its file: that of the box where none was put.
func (g Register) Schedule() ([]byte, *rights.Schedule, error) {
	b, _, err := g.Documents.Load(scheduleName)
	if err != nil {
		return nil, nil, fault.E("register.Schedule", fault.NoStore, err)
	}
	if b == nil {
		b, s := rights.Box()
		return b, s, nil
	}
	s, err := rights.ParseSchedule(b)
	return b, s, err
}

// PutSchedule puts a schedule in force.
func (g Register) PutSchedule(file []byte) error {
	if _, err := rights.ParseSchedule(file); err != nil {
		return err
	}
	return g.Documents.Save(scheduleName, file, document.Any)
}

// Holds are all holds, those that have ended too, the oldest first.
func (g Register) Holds() ([]rights.Hold, error) {
	list, _, err := g.holds()
	return list, err
}

func (g Register) holds() (list []rights.Hold, version int64, err error) {
	b, version, err := g.Documents.Load(holdsName)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		return nil, 0, fault.E("register.Holds", fault.NoStore, err)
	}
	return list, version, nil
}

// Hold adds a hold.
func (g Register) Hold(h rights.Hold) error {
	if err := h.Check(); err != nil {
		return err
	}
	return g.change(func(list []rights.Hold) ([]rights.Hold, error) {
		if len(list) >= mostHolds {
			return nil, fault.E("register.Hold", fault.TooLong, "a region has at most 10,000 holds")
		}
		return append(list, h), nil
	})
}

// Change changes one hold, by what f makes of it.
func (g Register) Change(id string, f func(rights.Hold) (rights.Hold, error)) error {
	return g.change(func(list []rights.Hold) ([]rights.Hold, error) {
		i := slices.IndexFunc(list, func(h rights.Hold) bool { return h.ID == id })
		if i < 0 {
			return nil, fault.E("register.Change", fault.NotFound, "there is no such hold")
		}
		next, err := f(list[i])
		list[i] = next
		return list, err
	})
}

// change saves what f makes of the holds; where another node was quicker it is made again.
func (g Register) change(f func([]rights.Hold) ([]rights.Hold, error)) error {
	for try := 0; ; try++ {
		list, version, err := g.holds()
		if err == nil {
			list, err = f(list)
		}
		if err != nil {
			return err
		}
		b, err := json.Marshal(list)
		if err != nil {
			return fault.E("register.change", fault.Exception, err)
		}
		if err = g.Documents.Save(holdsName, b, version); err == nil || !fault.Is(err, fault.Conflict) || try == 5 {
			return err
		}
	}
}

// Disposed is what one disposal destroyed, by the ids and numbers that a backup of before
// still has. It says nothing of what they were.
type Disposed struct {
	Case     string          `json:"case"`
	At       time.Time       `json:"at"`
	Items    []string        `json:"items"` // Type/id
	Subjects []store.Subject `json:"subjects,omitempty"`
	// Bars keep it from coming in again. They say nothing of what it was.
	Bars []store.Bar `json:"bars,omitempty"`
}

// Refs are the items.
func (d *Disposed) Refs() (out []store.ItemRef) {
	for _, i := range d.Items {
		if typ, id, ok := strings.Cut(i, "/"); ok {
			out = append(out, store.ItemRef{Type: typ, ID: id})
		}
	}
	return out
}

// AddDisposed keeps what a disposal destroys, before it does.
func (g Register) AddDisposed(d Disposed) error {
	b, err := json.Marshal(d)
	if err != nil {
		return fault.E("register.AddDisposed", fault.Exception, err)
	}
	return g.Documents.Save(disposedName+d.Case+".json", b, document.Any)
}

// Disposed are all of them.
func (g Register) Disposed() (out []Disposed, err error) {
	names, err := g.Documents.List(disposedName)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		b, _, err := g.Documents.Load(n)
		if err != nil {
			return nil, err
		}
		var d Disposed
		if err := json.Unmarshal(b, &d); err != nil {
			return nil, fault.E("register.Disposed", fault.Exception, "a list of what was destroyed can't be read: "+n)
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Disposed) int { return a.At.Compare(b.At) })
	return out, nil
}

// SetBars notes the bars of a list: none where it may come in again.
func (g Register) SetBars(caseID string, bars []store.Bar) error {
	const op = "register.SetBars"
	b, _, err := g.Documents.Load(disposedName + caseID + ".json")
	if err != nil || b == nil {
		return fault.E(op, fault.NotFound, "nothing was destroyed under this case")
	}
	var d Disposed
	if err := json.Unmarshal(b, &d); err != nil {
		return fault.E(op, fault.Exception, "a list of what was destroyed can't be read: "+caseID)
	}
	d.Bars = bars
	return g.AddDisposed(d)
}
