package adapter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"selda/store"
)

// Prints makes what stands for things that were destroyed: keyed hashes, so that who has
// them alone can't try out what they may stand for.
type Prints struct{ key []byte }

// NewPrints makes prints with a key.
func NewPrints(key []byte) Prints { return Prints{key} }

// Of is the print of what a message names.
func (p Prints) Of(n store.Named) store.Print {
	switch {
	case n.System != "" || n.Value != "":
		return p.print("person", string(n.Source), n.System, n.Value)
	case n.ID != "":
		return p.print("id", string(n.Source), n.Type, n.ID)
	case n.Body != nil:
		sum := sha256.Sum256(n.Body)
		return p.print("content", string(n.Source), n.Type, string(binary.BigEndian.AppendUint64(sum[:], uint64(n.Subject))))
	}
	return p.OfKey(KeyHash(n.Source, n.Type, n.Key))
}

// OfKey is the print of what a source calls something, by its KeyHash.
func (p Prints) OfKey(hash [16]byte) store.Print { return p.print("key", string(hash[:])) }

// Person numbers one person of one list: never 0.
func (p Prints) Person(caseID string, s store.Subject) int64 {
	sum := p.print("group", caseID, string(binary.BigEndian.AppendUint64(nil, uint64(s))))
	return int64(binary.BigEndian.Uint64(sum[:])>>1 | 1)
}

func (p Prints) print(parts ...string) (out store.Print) {
	h := hmac.New(sha256.New, p.key)
	for _, s := range parts {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		h.Write([]byte(s))
	}
	copy(out[:], h.Sum(nil))
	return out
}

// Barred tells quickly what is not barred: eight bytes of each print, in order. The zero
// Barred has none.
type Barred struct{ prints []uint64 }

// NewBarred makes one of all prints.
func NewBarred(all []store.Print) *Barred {
	b := &Barred{prints: make([]uint64, 0, len(all))}
	for _, p := range all {
		b.prints = append(b.prints, short(p))
	}
	slices.Sort(b.prints)
	return b
}

// Any says whether there is any.
func (b *Barred) Any() bool { return b != nil && len(b.prints) > 0 }

// May says whether a print may be among them.
func (b *Barred) May(p store.Print) bool {
	_, found := slices.BinarySearch(b.prints, short(p))
	return found
}

func short(p store.Print) uint64 { return binary.BigEndian.Uint64(p[:]) }

// Bars gathers what a disposal bars. Who somebody is is not barred: what is new of them
// hangs on it.
type Bars struct {
	prints Prints
	d      *store.Disposal
	all    map[store.Print]store.Bar
	people map[store.Subject]bool
	items  map[store.ItemID]store.Subject
}

// NewBars begins with none.
func NewBars(p Prints, d *store.Disposal) *Bars {
	return &Bars{prints: p, d: d, all: map[store.Print]store.Bar{}, people: map[store.Subject]bool{}, items: map[store.ItemID]store.Subject{}}
}

// Content says whether an item is barred by its content, too: not where the person may come
// back, of whom the same may be true again.
func (b *Bars) Content(l store.Located) bool {
	return b.d.Case != "" && !b.d.Returns && l.Type != "Patient" && l.Subject != store.Shared
}

// Said bars the content of a version.
func (b *Bars) Said(l store.Located, body []byte) {
	if len(body) > 0 {
		b.add(l.Subject, b.prints.Of(store.Named{Source: l.Source, Type: l.Type, Subject: l.Subject, Body: body}), false)
	}
}

// Item bars an item by its id, and says whether it is the first of somebody who may come
// back: by what their source knows them is asked then.
func (b *Bars) Item(ref store.ItemRef, l store.Located) (first bool) {
	if b.d.Case == "" {
		return false
	}
	if l.Type != "Patient" {
		b.items[l.Item] = l.Subject
		b.add(l.Subject, b.prints.Of(store.Named{Source: l.Source, Type: l.Type, ID: ref.ID}), false)
	} else if b.d.Returns {
		b.Known(l, "Patient", ref.ID)
	}
	if !b.d.Returns || b.people[l.Subject] || l.Subject == store.Shared {
		return false
	}
	b.people[l.Subject] = true
	return true
}

// Known notes a number, or an id, that a person goes by.
func (b *Bars) Known(l store.Located, system, value string) {
	b.add(l.Subject, b.prints.Of(store.Named{Source: l.Source, System: system, Value: value}), true)
}

// Key bars an item by what its source calls it.
func (b *Bars) Key(hash [16]byte, item store.ItemID) {
	if s, ok := b.items[item]; ok {
		b.add(s, b.prints.OfKey(hash), false)
	}
}

func (b *Bars) add(s store.Subject, p store.Print, known bool) {
	bar := store.Bar{Print: p, Case: b.d.Case, Known: known}
	if b.d.Returns && s != store.Shared {
		bar.Person = b.prints.Person(b.d.Case, s)
	}
	b.all[p] = bar
}

// All are the bars, in no order.
func (b *Bars) All() []store.Bar { return slices.Collect(maps.Values(b.all)) }

// Gone is why a message is not there any more that made nothing.
const Gone = "destroyed, with the record of whom it was about"
