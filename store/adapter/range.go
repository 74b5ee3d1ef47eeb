package adapter

import (
	"cmp"
	"slices"

	"selda/fhir/search"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Range answers a store.Range from the entries that an adapter reads to it: the
// runs of each of its keys, then what is fresh.
type Range struct {
	// Ended gives the versions, of a stretch of items, that are in force no
	// more, and since which n.
	Ended func(first, last store.ItemID, f func(item store.ItemID, version int, n uint64)) error
	// Shown says whether the predicate shows an entry's version. It is asked
	// where the stamp does not say all that the predicate looks at.
	Shown func(*Entry) (bool, error)

	q      store.Range
	p      *policy.Predicate
	source func(int64) nhs.Source
	keys   []uint64
	upto   map[uint64]int64 // of each key
	plain  bool
	stamps map[Stamp]bool

	found []candidate // of which it is not known yet whether they are in force
	items []candidate // in force
	sure  int
	once  map[store.ItemID]*[1024]uint64 // of several keys: the items that were counted, a bit each
}

type candidate struct {
	item    store.ItemID
	version int
	verdict search.Verdict
}

// NewRange begins to answer q under a predicate; source gives a source's name.
func NewRange(q store.Range, p *policy.Predicate, source func(int64) nhs.Source) *Range {
	r := &Range{q: q, p: p, source: source, upto: map[uint64]int64{}, stamps: map[Stamp]bool{},
		plain: p.Everything || p.Release == nil && p.Sealed == nil && p.Withheld == nil && p.Addressed == nil && p.Restrained == nil && p.VisitsOnly == nil}
	for _, k := range q.Keys {
		t := OrderedKey(q.Type, k)
		if _, twice := r.upto[t]; !twice {
			r.upto[t] = 0
			r.keys = append(r.keys, t)
		}
	}
	return r
}

// Keys are those whose runs are wanted.
func (r *Range) Keys() []uint64 { return r.keys }

// Run takes a run of a key, which holds its entries until n upto.
func (r *Range) Run(key uint64, upto int64, blob []byte) error {
	r.upto[key] = upto
	var failed error
	if err := EachInRun(blob, func(e *Entry) bool {
		failed = r.take(e)
		return failed == nil
	}); err != nil || failed != nil {
		return cmp.Or(err, failed)
	}
	return r.settle()
}

// Since is the n after which fresh entries are wanted.
func (r *Range) Since() int64 {
	since := r.upto[r.keys[0]]
	for _, k := range r.keys {
		since = min(since, r.upto[k])
	}
	return since
}

// Fresh takes what one transaction wrote, whose last n it was.
func (r *Range) Fresh(n int64, blob []byte) error {
	wanted := func(key uint64) bool {
		upto, ok := r.upto[key]
		return ok && n > upto
	}
	var failed error
	if err := EachOf(blob, wanted, func(e *Entry) bool {
		failed = r.take(e)
		return failed == nil
	}); err != nil || failed != nil {
		return cmp.Or(err, failed)
	}
	if len(r.found) < RunEntries {
		return nil
	}
	return r.settle()
}

// take asks one entry.
func (r *Range) take(e *Entry) error {
	if e.N > r.q.N || r.q.Before != 0 && e.Item >= r.q.Before {
		return nil
	}
	verdict := r.q.Meets(&e.Ordered)
	if verdict == search.No {
		return nil
	}
	shown, err := r.shows(e)
	if err != nil || !shown {
		return err
	}
	if last := len(r.found) - 1; last >= 0 && r.found[last].item == e.Item && r.found[last].version == e.Version {
		if verdict == search.Yes {
			r.found[last].verdict = verdict
		}
		return nil
	}
	r.found = append(r.found, candidate{e.Item, e.Version, verdict})
	return nil
}

func (r *Range) shows(e *Entry) (bool, error) {
	if !r.plain {
		return r.Shown(e)
	}
	shown, ok := r.stamps[e.Stamp]
	if !ok {
		shown = r.p.Shows(&policy.Columns{Type: r.q.Type, Source: r.source(e.Stamp.Source), DataSet: e.Stamp.DataSet, Labels: e.Stamp.Labels, Final: e.Stamp.Final})
		r.stamps[e.Stamp] = shown
	}
	return shown, nil
}

// settle keeps of what was found the versions that are in force.
func (r *Range) settle() error {
	if len(r.found) == 0 {
		return nil
	}
	first, last := r.found[0].item, r.found[0].item
	for _, c := range r.found {
		first, last = min(first, c.item), max(last, c.item)
	}
	type version struct {
		item    store.ItemID
		version int
	}
	ended := map[version]bool{}
	if err := r.Ended(first, last, func(item store.ItemID, v int, n uint64) {
		if n <= r.q.N {
			ended[version{item, v}] = true
		}
	}); err != nil {
		return err
	}
	for _, c := range r.found {
		switch {
		case len(ended) > 0 && ended[version{c.item, c.version}]:
		case r.q.Limit == 0 && c.verdict == search.Yes:
			if len(r.keys) == 1 || r.first(c.item) {
				r.sure++
			}
		default:
			r.items = append(r.items, c)
		}
	}
	r.found = r.found[:0]
	if r.q.Limit > 0 && len(r.items) > 4*r.q.Limit {
		r.cut()
	}
	return nil
}

// first says whether an item is counted for the first time: it may have several
// of the codes.
func (r *Range) first(item store.ItemID) bool {
	if r.once == nil {
		r.once = map[store.ItemID]*[1024]uint64{}
	}
	page := r.once[item>>16]
	if page == nil {
		page = new([1024]uint64)
		r.once[item>>16] = page
	}
	word, bit := &page[item>>6&1023], uint64(1)<<(item&63)
	was := *word&bit != 0
	*word |= bit
	return !was
}

// counted says whether an item was counted.
func (r *Range) counted(item store.ItemID) bool {
	page := r.once[item>>16]
	return page != nil && page[item>>6&1023]&(1<<(item&63)) != 0
}

// cut keeps the latest, each once: what is sure goes before what is not.
func (r *Range) cut() {
	slices.SortFunc(r.items, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.item, a.item), cmp.Compare(a.verdict, b.verdict))
	})
	r.items = slices.CompactFunc(r.items, func(a, b candidate) bool { return a.item == b.item })
	if r.q.Limit > 0 && len(r.items) > r.q.Limit {
		r.items = r.items[:r.q.Limit]
	}
}

// Done gives the answer.
func (r *Range) Done() (store.Ranged, error) {
	if err := r.settle(); err != nil {
		return store.Ranged{}, err
	}
	r.cut()
	out := store.Ranged{Sure: r.sure}
	for _, c := range r.items {
		if r.q.Limit > 0 || !r.counted(c.item) {
			out.Items = append(out.Items, c.item)
		}
	}
	return out, nil
}
