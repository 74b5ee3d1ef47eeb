package storetest

import (
	"context"
	"fmt"
	"time"

	"selda/policy"
	"selda/store"
)

// walked goes through the store in pieces of some size.
func walked(ctx context.Context, a Adapter, w store.Walk, p *policy.Predicate) (out []*store.Version, err error) {
	for more := true; more; {
		var piece []*store.Version
		before := w.After
		if piece, w.After, more, err = a.Walk(ctx, w, p); err != nil {
			return out, err
		}
		if more && !before.Less(w.After) {
			return out, fmt.Errorf("the walk stands still after %v", before)
		}
		out = append(out, piece...)
	}
	return out, nil
}

// walks: everything in force as at n, once, in the order of keys, whatever the
// size of the pieces; a deletion only among what has changed since.
func walks(b *box) {
	s, other := b.subject(pas), b.subject(pas)
	ask := func(w store.Walk) []string {
		list, err := walked(b.ctx(), b, w, all)
		b.must(err)
		for i := range list {
			if i > 0 && !list[i-1].Key().Less(list[i].Key()) {
				b.Errorf("%v comes before %v", list[i-1].Key(), list[i].Key())
			}
		}
		return ids(list)
	}
	late := observation(other, "d", "4")
	b.write(late)
	w, _ := b.write(observation(s, "a", "1"))
	c := observation(s, "c", "3")
	c.Type = "Condition"
	b.write(c)
	_, n := b.write(observation(s, "b", "2"))
	since := epoch.Add(time.Duration(b.ticks) * time.Minute)
	for i := range 5 {
		p := observation(s, "", fmt.Sprint("again ", i))
		p.Item = w.Item
		b.write(p)
	}
	v, err := b.read("Observation", "b", store.Latest, all)
	b.must(err)
	gone := observation(s, "", "")
	gone.Item, gone.Deleted, gone.Body = v.Item, true, nil
	b.write(gone)
	for _, limit := range []int{1, 2, 3, 100} {
		what := fmt.Sprintf(", %d at a time", limit)
		b.equal("as at n"+what, ask(store.Walk{N: n, Limit: limit}), []string{"Condition/c@1", "Observation/a@1", "Observation/b@1", "Observation/d@1"})
		b.equal("now"+what, ask(store.Walk{N: store.Latest, Limit: limit}), []string{"Condition/c@1", "Observation/a@6", "Observation/d@1"})
		b.equal("since"+what, ask(store.Walk{N: store.Latest, Since: since, Limit: limit}), []string{"Observation/a@6", "Observation/b@2"})
		b.equal("of a type"+what, ask(store.Walk{N: n, Types: []string{"Condition"}, Limit: limit}), []string{"Condition/c@1"})
		b.equal("of a subject"+what, ask(store.Walk{N: n, After: store.Key{Subject: s}, Last: s, Limit: limit}), []string{"Condition/c@1", "Observation/a@1", "Observation/b@1"})
	}
	list, err := walked(b.ctx(), b, store.Walk{N: n, Types: []string{"Condition"}, Limit: 9}, all)
	b.must(err)
	b.equal("the body", string(list[0].Body), string(c.Body))
	for name, p := range map[string]*policy.Predicate{"zero": {}, "another source's": {Permit: true, OnlySource: lims, DataSets: policy.AllDataSets}} {
		list, err := walked(b.ctx(), b, store.Walk{N: store.Latest, Since: epoch, Limit: 2}, p)
		b.must(err)
		b.equal(name, len(list), 0)
	}
}
