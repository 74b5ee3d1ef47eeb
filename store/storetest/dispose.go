package storetest

import (
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/mpi"
	"selda/nhs"
	"selda/store"
)

// disposals: what is disposed of is gone in every version, as at any n and from the index;
// what has changed since it was reviewed stays, and so does everybody else's. A subject goes
// whole or not at all.
func disposals(b *box) {
	s, other := b.subject(pas), b.subject(pas)
	b.identify(s, pas, mpi.Identifier{System: nhs.NumberSystem, Value: "9991234519"})
	citizen := b.citizenID(s)
	var w store.Written
	n := b.of(7, func(tx ingest.Tx) {
		var err error
		p := observation(s, "a", "x")
		p.Message = 7
		w, err = tx.Write(p)
		b.must(err)
	})
	b.of(8, func(tx ingest.Tx) {
		p := observation(s, "", "y")
		p.Message = 8
		p.Item = w.Item
		_, err := tx.Write(p)
		b.must(err)
	})
	b.write(observation(s, "b", "x"))
	b.write(observation(other, "c", "x"))
	leaves, err := b.Leaves(b.ctx(), s)
	b.must(err)
	b.equal("what is there", len(leaves), 2)
	for after, want := range map[store.MessageID]int{0: 2, 7: 1, 8: 0} {
		sent, err := b.OfSource(b.ctx(), pas, after, 10)
		b.must(err)
		b.equal("messages of a source", len(sent), want)
	}

	_, err = b.Dispose(b.ctx(), store.Disposal{At: epoch, Items: leaves[:1], Subjects: []store.Subject{s}})
	b.equal("a person of whom something would be left", fault.KindOf(err), fault.Conflict)
	if _, err := b.read("Observation", "a", store.Latest, all); err != nil {
		b.Error("what was refused took something away", err)
	}
	out, err := b.Dispose(b.ctx(), store.Disposal{At: epoch, Items: []store.ItemRef{{Type: "Observation", ID: "a", Version: 1}, {Type: "Observation", ID: "none"}}})
	b.must(err)
	b.equal("changed, gone", [3]int{out.Items, out.Changed, out.Gone}, [3]int{0, 1, 1})

	out, err = b.Dispose(b.ctx(), store.Disposal{At: epoch, Items: []store.ItemRef{{Type: "Observation", ID: "a", Version: 2}}})
	b.must(err)
	b.equal("items, versions", [2]int{out.Items, out.Versions}, [2]int{1, 2})
	b.equal("its messages", out.Messages, []store.MessageID{7, 8})
	for _, at := range []uint64{n, store.Latest} {
		if _, err := b.read("Observation", "a", at, all); !fault.Is(err, fault.NotFound) {
			b.Error("it is read as at", at, err)
		}
		list, err := b.Compartment(b.ctx(), s, at, all)
		b.must(err)
		for _, v := range list {
			if v.ID == "a" {
				b.Error("it is in the record as at", at)
			}
		}
	}
	list, err := b.OfMessage(b.ctx(), 7, all)
	b.must(err)
	b.equal("of its message", ids(list), []string{})
	if _, _, err := b.Changes(b.ctx(), store.Log{Until: store.Latest, Limit: 100}, all); err != nil {
		b.Error("the log can't be read any more", err)
	}
	count, err := b.Reindex(b.ctx(), func(*fhir.Resource, nhs.Source) store.Index { return store.Index{Tokens: []string{"t"}} })
	b.must(err)
	b.equal("indexed", count, 2)
	b.equal("found", b.found("Observation", nil, all, 10), []string{"c", "b"})

	leaves, err = b.Leaves(b.ctx(), s)
	b.must(err)
	out, err = b.Dispose(b.ctx(), store.Disposal{At: epoch, Items: leaves, Subjects: []store.Subject{s}})
	b.must(err)
	b.equal("a whole person", [2]int{out.Items, out.Subjects}, [2]int{1, 1})
	known, err := b.ByIdentity(b.ctx(), nhs.NumberSystem, "9991234519")
	b.must(err)
	b.equal("known by their number", len(known), 0)
	if _, err := b.Citizen(b.ctx(), citizen, store.Latest); !fault.Is(err, fault.NotFound) {
		b.Error("their id still answers", err)
	}
	b.must(b.Scrub(b.ctx()))
	if _, err := b.read("Observation", "c", store.Latest, all); err != nil {
		b.Error("somebody else's is gone", err)
	}
	b.write(observation(other, "d", "z"))
	if _, err := b.read("Observation", "d", store.Latest, all); err != nil {
		b.Error("what is written afterwards", err)
	}
}

// bars: what was disposed of under a case is barred by its id, by what its source calls it and
// by its content, from its own source alone; of people who may come back, until their bars are
// taken away; nothing else is. What was held back is remembered until its bytes are destroyed.
func bars(b *box) {
	s, other := b.subject(pas), b.subject(pas)
	b.identify(s, pas, mpi.Identifier{System: "urn:local", Value: "77"})
	tx := func(f func(tx ingest.Tx)) { b.must(b.Commit(b.ctx(), func(x ingest.Tx) error { f(x); return nil })) }
	var key store.Written
	b.of(7, func(x ingest.Tx) {
		l, _, _, err := x.ByKey(pas, "Observation", "V1")
		b.must(err)
		p := observation(s, "", "x")
		p.Item = l.Item
		key, err = x.Write(p)
		b.must(err)
	})
	b.write(observation(s, "a", "y"))
	b.write(observation(other, "b", "y"))
	v, err := b.read("Observation", "a", store.Latest, all)
	b.must(err)
	asked := []store.Named{
		{Source: pas, Type: "Observation", Key: "V1"}, {Source: pas, Type: "Observation", ID: key.ID}, {Source: pas, Type: "Observation", ID: "a"},
		{Source: pas, Type: "Observation", Subject: s, Body: v.Body}, {Source: pas, System: "urn:local", Value: "77"},
		{Source: gp, Type: "Observation", ID: "a"}, {Source: pas, Type: "Condition", ID: "a"}, {Source: pas, Type: "Observation", Key: "V2"}, {Source: pas, Type: "Observation", ID: "b"},
		{Source: pas, Type: "Observation", Subject: other, Body: v.Body},
	}
	barred := func() (out []int) {
		tx(func(x ingest.Tx) {
			found, err := x.Barred(asked)
			b.must(err)
			for i := range asked {
				if _, is := found[i]; is {
					out = append(out, i)
				}
			}
		})
		return out
	}
	tx(func(x ingest.Tx) { b.equal("anything barred", x.Barring(), false) })
	b.equal("before", barred(), []int(nil))
	_, err = b.Dispose(b.ctx(), store.Disposal{At: epoch, Items: []store.ItemRef{{Type: "Observation", ID: key.ID}}, Case: "kept", Returns: true})
	b.must(err)
	b.equal("of who may come back", barred(), []int{0, 1, 4})
	_, err = b.Dispose(b.ctx(), store.Disposal{At: epoch, Items: []store.ItemRef{{Type: "Observation", ID: "a"}}, Case: "removed"})
	b.must(err)
	b.equal("and removed", barred(), []int{0, 1, 2, 3, 4})
	counts, err := b.BarredCases()
	b.must(err)
	b.equal("counts", counts, []store.BarredCase{{Case: "kept", Items: 2, People: 1}, {Case: "removed", Items: 2}})
	kept, err := b.BarsOf("removed")
	b.must(err)
	tx(func(x ingest.Tx) {
		found, err := x.Barred(asked[:1])
		b.must(err)
		_, err = x.Unbar("", found[0].Person)
		b.must(err)
		b.must(x.HoldBack(9, "removed"))
	})
	b.equal("they have come back", barred(), []int{2, 3})
	tx(func(x ingest.Tx) {
		n, err := x.Unbar("removed", 0)
		b.must(err)
		b.equal("taken away", n, 2)
	})
	b.equal("none", barred(), []int(nil))
	tx(func(x ingest.Tx) { b.must(x.Bar(kept)) })
	b.equal("put again", barred(), []int{2, 3})
	for _, left := range [][]store.MessageID{{9}, nil} {
		tx(func(x ingest.Tx) {
			held, err := x.HeldBack()
			b.must(err)
			b.equal("bytes that are left", held, left)
			b.must(x.Destroyed(9))
		})
	}
	under, err := b.HeldBackUnder("removed", 5)
	b.must(err)
	b.equal("held back", under, []store.MessageID{9})
}
