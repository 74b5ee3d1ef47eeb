package storetest

import (
	"time"

	"selda/policy"
	"selda/store"
)

// relabelled: a label that is given anew holds for every version, is not shown to
// whom it hides, and leaves other people's items and later writes alone.
func relabelled(b *box) {
	s, other := b.subject(pas), b.subject(pas)
	w, n := b.write(observation(s, "a", "x"))
	p := observation(s, "", "y")
	p.Item = w.Item
	b.write(p)
	b.write(observation(s, "b", "x"))
	b.write(observation(other, "c", "x"))
	clinician := &policy.Predicate{Permit: true, DataSets: policy.AllDataSets, Agreed: policy.Whole, Hidden: policy.HIVSTI}
	shown := func(q store.Subject, n uint64) (ids []string) {
		list, err := b.Compartment(b.ctx(), q, n, clinician)
		b.must(err)
		for _, v := range list {
			ids = append(ids, v.ID)
		}
		return ids
	}
	b.equal("before", shown(s, store.Latest), []string{"a", "b"})
	label := func(all []*store.Version) []policy.Labels {
		out := make([]policy.Labels, len(all))
		for i, v := range all {
			if v.ID == "a" {
				out[i] = policy.HIVSTI
			}
			if len(v.Body) == 0 {
				b.Error("a version came without its body")
			}
		}
		return out
	}
	for i, want := range []int{2, 0} { // a second time there is nothing to do
		count, err := b.Relabel(b.ctx(), time.Now(), label)
		b.must(err)
		b.equal("versions changed, time "+string(rune('1'+i)), count, want)
	}
	b.equal("now", shown(s, store.Latest), []string{"b"})
	b.equal("as at then", len(shown(s, n)), 0)
	b.equal("somebody else's", shown(other, store.Latest), []string{"c"})
	_, err := b.History(b.ctx(), "Observation", "a", store.Latest, clinician)
	b.equal("its history is unknown", err != nil, true)
	b.equal("found", b.found("Observation", nil, clinician, 10), []string{"c", "b"})
	b.write(observation(s, "d", "z"))
	b.equal("what is written afterwards", shown(s, store.Latest), []string{"b", "d"})
}
