package storetest

import (
	"fmt"

	"selda/fhir"
	"selda/fhir/search"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// ordered is an entry of a code with an amount.
func ordered(code string, amount float64, vague bool) []search.Ordered {
	return []search.Ordered{{Code: code, System: "http://loinc.org", Vague: vague, Dates: [2]search.Span{{From: 1, To: 2}}, Amount: &search.Amount{Low: amount, High: amount}}}
}

// atLeastOne asks for amounts of one and more.
func atLeastOne(typ string, n uint64, limit int, codes ...string) store.Range {
	q := store.Range{Type: typ, N: n, Limit: limit, Meets: func(o *search.Ordered) search.Verdict {
		switch {
		case o.Vague:
			return search.Perhaps
		case o.Amount.Low >= 1:
			return search.Yes
		}
		return search.No
	}}
	for _, c := range codes {
		q.Keys = append(q.Keys, search.CodeToken(c))
	}
	return q
}

// orderedValues: what a range finds, while it is fresh, in runs, and when the
// index was made again; now and as at an earlier n.
func orderedValues(b *box) {
	s := b.subject(pas)
	put := func(id, code string, amount float64, item store.ItemID) (store.Written, uint64) {
		p := observation(s, id, fmt.Sprint(code, amount))
		p.Item, p.Ordered = item, ordered(code, amount, false)
		return b.write(p)
	}
	const many = 5000 // more than two runs hold
	b.commit(func(tx ingest.Tx) {
		for i := range many {
			p := observation(s, fmt.Sprint("m", i), fmt.Sprint("many", i%5))
			p.Ordered = ordered("many", float64(i%5), false)
			_, err := tx.Write(p)
			b.must(err)
		}
	})
	b.must(b.Fold(b.ctx()))
	a, _ := put("a", "pulse", 3, 0)
	both := observation(s, "both", "both")
	both.Ordered = append(ordered("pulse", 0, false), append(ordered("pulse", 4, false), ordered("rate", 4, false)...)...)
	two, then := b.write(both)
	put("", "pulse", 0, a.Item) // it is none any more
	c, _ := put("c", "pulse", 1, 0)
	other := observation(s, "other", "other")
	other.Source, other.Ordered = lims, ordered("pulse", 9, false)
	b.write(other)
	gone := observation(s, "", "")
	d, _ := put("d", "pulse", 1, 0)
	gone.Item, gone.Deleted, gone.Body, gone.Tokens = d.Item, true, nil, nil
	b.write(gone)
	only := &policy.Predicate{Permit: true, DataSets: policy.AllDataSets, OnlySource: pas}
	check := func(when string, early bool) {
		b.Helper()
		ask := func(n uint64, limit int, p *policy.Predicate, codes ...string) store.Ranged {
			r, err := b.Ranged(b.ctx(), atLeastOne("Observation", n, limit, codes...), p)
			b.must(err)
			return r
		}
		b.equal(when+": many", ask(store.Latest, 0, all, "many").Sure, many/5*4)
		b.equal(when+": both, c and other", ask(store.Latest, 0, all, "pulse").Sure, 3)
		b.equal(when+": of one source", ask(store.Latest, 0, only, "pulse").Sure, 2)
		b.equal(when+": of two codes, each once", ask(store.Latest, 0, only, "pulse", "rate").Sure, 2)
		b.equal(when+": the latest first", ask(store.Latest, 9, only, "rate", "pulse").Items, []store.ItemID{c.Item, two.Item})
		b.equal(when+": the latest", ask(store.Latest, 1, only, "pulse").Items, []store.ItemID{c.Item})
		b.equal(when+": to nobody", ask(store.Latest, 0, &policy.Predicate{}, "pulse").Sure, 0)
		b.equal(when+": of another type's code", ask(store.Latest, 0, all, "nothing").Sure, 0)
		if early {
			b.equal(when+": as at then", ask(then, 0, all, "pulse").Sure, 2)
		}
	}
	check("fresh", true)
	b.must(b.Fold(b.ctx()))
	check("in runs", true)
	b.must(b.Fold(b.ctx()))
	_, err := b.Reindex(b.ctx(), func(r *fhir.Resource, _ nhs.Source) store.Index {
		text, amount := r.Get("valueString").Text(), 0.0
		if text == "both" {
			return store.Index{Ordered: both.Ordered}
		}
		if text == "other" {
			return store.Index{Ordered: other.Ordered}
		}
		code := text[:len(text)-1]
		_, err := fmt.Sscan(text[len(text)-1:], &amount)
		b.must(err)
		return store.Index{Ordered: ordered(code, amount, false)}
	})
	b.must(err)
	check("indexed again", false)
}
