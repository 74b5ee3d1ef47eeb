package storetest

import (
	"errors"
	"time"

	"selda/ingest"
	"selda/store"
)

// leases: one holder at a time; another one once it has expired or is given
// back, under a higher fence; and what the older one still writes is refused.
func leases(b *box) {
	acquire := func(holder string, ttl time.Duration) (store.Lease, bool) {
		b.Helper()
		l, ok, err := b.Acquire(b.ctx(), "work", holder, ttl)
		b.must(err)
		return l, ok
	}
	s := b.subject(pas)
	write := func(l store.Lease) error {
		return b.Commit(b.ctx(), func(tx ingest.Tx) error {
			if _, err := tx.Begin(epoch, pas, 0); err != nil {
				return err
			}
			_, err := tx.Write(observation(s, "", "x"))
			return errors.Join(err, tx.Hold(l))
		})
	}
	found := func() int { return len(b.found("Observation", nil, all, 10)) }

	first, ok := acquire("one", time.Hour)
	if !ok || first.Name != "work" || first.Holder != "one" {
		b.Fatalf("the first: %+v %t", first, ok)
	}
	if again, ok := acquire("one", time.Hour); !ok || again != first {
		b.Errorf("renewed: %+v %t, was %+v", again, ok, first)
	}
	if _, ok := acquire("two", time.Hour); ok {
		b.Error("a lease that is held was given to another")
	}
	b.must(write(first))
	b.equal("written under the lease", found(), 1)

	acquire("one", -time.Second) // it expires
	second, ok := acquire("two", time.Hour)
	if !ok || second.Fence <= first.Fence {
		b.Fatalf("after it expired: %+v %t, was %+v", second, ok, first)
	}
	if err := write(first); err == nil {
		b.Error("what a former holder wrote was taken")
	}
	b.equal("after what was refused", found(), 1)
	b.must(write(second))

	b.must(b.Release(b.ctx(), first)) // no longer its own: nothing happens
	if _, ok := acquire("three", time.Hour); ok {
		b.Error("a former holder released it")
	}
	b.must(b.Release(b.ctx(), second))
	third, ok := acquire("three", time.Hour)
	if !ok || third.Fence <= second.Fence {
		b.Errorf("after it was released: %+v %t, was %+v", third, ok, second)
	}
	if other, ok, err := b.Acquire(b.ctx(), "other work", "two", time.Hour); !ok || err != nil || other.Name != "other work" {
		b.Errorf("other work: %+v %t %v", other, ok, err)
	}
}

// oddTexts: whatever a message holds can be stored and found again.
func oddTexts(b *box) {
	for i, odd := range []string{"a\x00b", "broken \xff utf-8", "\u2028 ☃", "'; DROP TABLE message; --"} {
		m := store.MessageID(100 + i)
		b.must(b.Commit(b.ctx(), func(tx ingest.Tx) error {
			return tx.SaveMessage(ingest.Record{ID: m, Source: pas, Format: ingest.HL7v2, Received: epoch, State: ingest.Quarantined, Control: odd, Event: odd, Reason: odd, Place: odd, Steps: []byte(odd)})
		}))
		list, err := b.ByControl(b.ctx(), odd)
		b.must(err)
		if len(list) != 1 || list[0].ID != m {
			b.Errorf("by control id %q: %+v", odd, list)
		}
		s := b.subject(pas)
		b.identify(s, pas, identifier("urn:odd", odd))
		known, err := b.ByIdentity(b.ctx(), "urn:odd", odd)
		b.must(err)
		if len(known) != 1 || known[0].Subject != s {
			b.Errorf("by identity %q: %+v", odd, known)
		}
		if _, err := b.read("Observation", odd, store.Latest, all); err == nil {
			b.Errorf("id %q answered", odd)
		}
		b.equal("found", len(b.found("Observation", [][]string{{odd}}, all, 1)), 0)
	}
}
