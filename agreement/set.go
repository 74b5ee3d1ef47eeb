package agreement

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"selda/nhs"
	"selda/policy"
)

// Set is the agreements of a region. The zero Set agrees to nothing. It is
// shared: nobody may change it.
type Set struct{ list []*Agreement }

// NewSet is the set of some agreements, in the order of their ids.
func NewSet(list ...*Agreement) *Set {
	return &Set{slices.SortedFunc(slices.Values(list), func(a, b *Agreement) int { return cmp.Compare(a.ID, b.ID) })}
}

// All are its agreements.
func (s *Set) All() []*Agreement { return s.list }

// With is the set with an agreement in place of the one of its id.
func (s *Set) With(a *Agreement) *Set {
	list := slices.DeleteFunc(slices.Clone(s.list), func(o *Agreement) bool { return o.ID == a.ID })
	return NewSet(append(list, a)...)
}

// Find is the agreement of an id; nil where there is none.
func (s *Set) Find(id string) *Agreement {
	for _, a := range s.list {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// Reader is who is shown something, and what for.
type Reader struct {
	Organisation nhs.ODS
	Role         nhs.Role
	Purpose      Purpose
}

// Conditions are the shares that are of some citizens only, in their order.
func (s *Set) Conditions() []Citizens {
	var out []Citizens
	for _, a := range s.list {
		for i := range a.Shares {
			if c := a.Shares[i].Citizens; !c.IsZero() {
				out = append(out, c)
			}
		}
	}
	return out
}

// Of says what a reader is shown of somebody at a moment.
func (s *Set) Of(r Reader, p Person, now time.Time) *policy.Agreed {
	return s.agreed(r, func(c Citizens) bool { return c.Of(p) }, now)
}

// Widest is what a reader is shown of anybody at most: by it is found about
// whom there is something to decide.
func (s *Set) Widest(r Reader, now time.Time) *policy.Agreed {
	return s.agreed(r, func(Citizens) bool { return true }, now)
}

func (s *Set) agreed(r Reader, meant func(Citizens) bool, now time.Time) *policy.Agreed {
	g := &gathered{of: map[Party]policy.DataSets{}}
	out := &policy.Agreed{}
	var shares []flowing
	for _, a := range s.list {
		if !a.Flows(r.Purpose, now) && !(r.Purpose == Emergency && a.Flows(DirectCare, now)) {
			continue
		}
		for i := range a.Shares {
			if sh := &a.Shares[i]; sh.with(r) && (sh.Citizens.IsZero() || meant(sh.Citizens)) {
				shares = append(shares, flowing{a, sh})
			}
		}
	}
	named := namedBy(shares)
	for _, p := range named {
		g.of[p] = 0
	}
	for _, f := range shares {
		before := g.size
		for _, p := range named {
			g.add(f, p, now)
		}
		if g.size > before && !slices.Contains(out.Names, f.a.ID) {
			out.Names = append(out.Names, f.a.ID)
		}
	}
	out.Default = g.of[All]
	for _, p := range named {
		// A source like all others is named where its organisation is not like them.
		d, o := g.of[p], g.organisation(p)
		if p != All && (d != g.of[All] || o != g.of[All]) {
			out.Of = append(out.Of, policy.AgreedWith{Source: nhs.Source(p), DataSets: d})
		}
	}
	return out.Indexed()
}

type flowing struct {
	a *Agreement
	s *Share
}

// gathered is what flows from each party that is named, and from all others.
type gathered struct {
	of   map[Party]policy.DataSets
	size int
}

// organisation is what flows from the organisation of a party, where that is
// named, else from all others.
func (g *gathered) organisation(p Party) policy.DataSets {
	if d, named := g.of[Party(nhs.Source(p).Organisation())]; named {
		return d
	}
	return g.of[All]
}

func (g *gathered) add(f flowing, p Party, now time.Time) {
	o := Party(nhs.Source(p).Organisation())
	if !slices.ContainsFunc(f.s.From, func(x Party) bool { return x == All || x == p || x == o }) {
		return
	}
	if since, ok := f.a.signedFor(p); !ok || now.Before(since) {
		return
	}
	if _, stopped := f.a.suspended(p, now); stopped {
		return
	}
	g.of[p] |= f.s.Kinds
	g.size++
}

// namedBy are all parties that some agreements name as sources, and All, each once, in order.
// What is said of an organisation is said of those of its sources that are named, too.
func namedBy(shares []flowing) []Party {
	set := map[Party]bool{All: true}
	add := func(list []Party) {
		for _, p := range list {
			set[p] = true
		}
	}
	for _, f := range shares {
		add(f.s.From)
		for _, g := range f.a.Signatures {
			add(g.For)
			set[Party(g.Organisation)] = true
		}
		for _, x := range f.a.Suspensions {
			add(x.From)
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// with says whether a share is with a reader.
func (s *Share) with(r Reader) bool {
	if len(s.Roles) > 0 && !slices.Contains(s.Roles, r.Role) {
		return false
	}
	if r.Purpose == CitizenAccess {
		return true // the citizen, and who acts for them
	}
	return slices.ContainsFunc(s.With, func(p Party) bool { return p.is(r.Organisation) })
}

// Sharing are the agreements under which a source's kind of data flows to anybody.
func (s *Set) Sharing(source nhs.Source, kind policy.DataSet, now time.Time) (ids []string) {
	for _, a := range s.list {
		if slices.ContainsFunc(a.Purposes, func(p Purpose) bool { return a.Flows(p, now) }) && a.shows(Party(source), policy.SetOf(kind), now) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// Changes is the next moment after now at which what is in force changes by
// itself: something begins, ends, or a suspension does. It is zero where nothing will.
func (s *Set) Changes(now time.Time) (next time.Time) {
	at := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, a := range s.list {
		at(a.Begins)
		at(a.Ends)
		at(a.Withdrawn)
		for _, g := range a.Signatures {
			at(g.Signed)
		}
		for _, x := range a.Suspensions {
			at(x.Since)
			at(x.Until)
		}
	}
	return next
}

// Stopped is a source of which a reader would be shown more if it were not suspended.
type Stopped struct {
	Source Party // or All
	Since  time.Time
}

// NotShared are the suspensions that a reader may know of (G17): those of what
// would be shared with them. It is of the agreements alone, and of no citizen.
func (s *Set) NotShared(r Reader, now time.Time) []Stopped {
	var out []Stopped
	for _, a := range s.list {
		if !a.Flows(r.Purpose, now) {
			continue
		}
		for i := range a.Shares {
			if !a.Shares[i].with(r) {
				continue
			}
			for _, x := range a.Suspended(now) {
				for _, p := range x.From {
					if !slices.ContainsFunc(out, func(o Stopped) bool { return o.Source == p }) {
						out = append(out, Stopped{p, x.Since})
					}
				}
			}
		}
	}
	return out
}
