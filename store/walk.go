package store

import (
	"context"
	"time"

	"selda/fhir"
	"selda/policy"
)

// Key is a resource's place in the order in which the store keeps them: by
// subject, type and age. The zero Key is before all of them.
type Key struct {
	Subject Subject
	Type    string
	Item    ItemID
}

// Less says whether k comes before another.
func (k Key) Less(o Key) bool {
	switch {
	case k.Subject != o.Subject:
		return k.Subject < o.Subject
	case k.Type != o.Type:
		return fhir.TypeNumber(k.Type) < fhir.TypeNumber(o.Type)
	}
	return k.Item < o.Item
}

// Key is the version's place.
func (v *Version) Key() Key { return Key{v.Subject, v.Type, v.Item} }

// Walk asks for the versions in force as at N, from one place of the store on.
type Walk struct {
	N     uint64
	After Key      // after this one
	Last  Subject  // up to this subject; 0 for all
	Types []string // nil for all
	// Since leaves out what was in force before then. With it deletions are given
	// too: those since. Times are kept to the millisecond: what came within that
	// of Since is in, so that nothing that came after it is missed.
	Since time.Time
	// Limit is how many versions are looked at, whether shown or not, before
	// the walk is broken off to be gone on with.
	Limit int
}

// Walker goes through the whole of the store, a piece at a time.
type Walker interface {
	// Walk gives the versions in force as at w.N that the predicate shows, in
	// the order of their keys, with bodies that are unpacked and not parsed.
	// next is where it goes on; more is false at the end. A resource that its
	// source takes to another person between two pieces (G19) may be met twice,
	// or not at all: it has a later version then.
	Walk(ctx context.Context, w Walk, p *policy.Predicate) (versions []*Version, next Key, more bool, err error)
}

// Takes says whether a version in force, or a deletion, is what the walk is for.
func (w *Walk) Takes(v *Version) bool {
	if v.Deleted && w.Since.IsZero() {
		return false
	}
	return !v.Recorded.Before(w.Since.Truncate(time.Millisecond))
}
