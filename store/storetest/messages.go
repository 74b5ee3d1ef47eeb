package storetest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"selda/ingest"
	"selda/policy"
	"selda/store"
)

// of writes as message m does: in a commit that the message is saved with.
func (b *box) of(m store.MessageID, f func(tx ingest.Tx)) (n uint64) {
	b.Helper()
	n = b.commit(func(tx ingest.Tx) {
		var err error
		n, err = tx.Begin(epoch, pas, m)
		b.must(err)
		f(tx)
		b.must(tx.SaveMessage(ingest.Record{ID: m, Source: pas, Format: ingest.HL7v2, Received: epoch, State: ingest.Stored, N: n}))
	})
	return n
}

// ofMessage: the log tells what each message made, as it made it.
func ofMessage(b *box) {
	s := b.subject(pas)
	var a, c store.Written
	write := func(tx ingest.Tx, item store.ItemID, id, text string) store.Written {
		p := observation(s, id, text)
		p.Item = item
		w, err := tx.Write(p)
		b.must(err)
		return w
	}
	b.of(7, func(tx ingest.Tx) { c = write(tx, 0, "second", "c1"); a = write(tx, 0, "", "a1") })
	b.of(8, func(tx ingest.Tx) { write(tx, a.Item, "", "a2"); write(tx, c.Item, "", "c1") })
	for _, w := range []struct {
		m    store.MessageID
		want []string
	}{{7, []string{"Observation/second@1", "Observation/" + a.ID + "@1"}}, {8, []string{"Observation/" + a.ID + "@2"}}, {9, []string{}}, {0, []string{}}} {
		list, err := b.OfMessage(b.ctx(), w.m, all)
		b.must(err)
		b.equal(fmt.Sprintf("of message %d", w.m), ids(list), w.want)
	}
	list, err := b.OfMessage(b.ctx(), 7, &policy.Predicate{})
	if err != nil || len(list) != 0 {
		b.Errorf("under the zero Predicate: %v %v", ids(list), err)
	}
	items, err := b.ItemsOf(b.ctx(), 7)
	b.must(err)
	b.equal("ids of what a message made", items, []policy.Item{{Type: "Observation", ID: "second"}, {Type: "Observation", ID: a.ID}})
}

func hash(s string) [16]byte { h := sha256.Sum256([]byte(s)); return [16]byte(h[:16]) }

// messages: what is known of each, by its id and its control id; quarantine,
// the latest first; a replayed one leaves it.
func messages(b *box) {
	save := func(r ingest.Record) {
		b.Helper()
		r.Source, r.Received = pas, epoch.Add(time.Duration(r.ID)*time.Second)
		b.must(b.Commit(b.ctx(), func(tx ingest.Tx) error { return tx.SaveMessage(r) }))
	}
	full := ingest.Record{ID: 1, Format: ingest.HL7v2, State: ingest.Stored, N: 1, Event: "ADT^A01", Control: "C1", Hash: hash("one"), Steps: []byte(`{"a":1}`)}
	save(full)
	save(ingest.Record{ID: 2, Format: ingest.HL7v2, State: ingest.Quarantined, Reason: "no patient", Place: "PID-3", Hash: hash("two"), Control: "C2"})
	save(ingest.Record{ID: 3, Format: ingest.FHIR, State: ingest.Quarantined, Reason: "not JSON", Hash: hash("three")})
	save(ingest.Record{ID: 4, Format: ingest.HL7v2, State: ingest.Duplicate, Hash: hash("one"), Control: "C1"})
	save(ingest.Record{ID: 5, Format: ingest.CDA, State: ingest.Refused, Reason: "another version", Hash: hash("five")})

	got, err := b.Message(b.ctx(), 1)
	b.must(err)
	full.Source, full.Received = pas, epoch.Add(time.Second)
	b.equal("message 1", got, full)
	_, err = b.Message(b.ctx(), 99)
	b.unknown("a message that is none", err)
	numbers := func(list []ingest.Record, err error) (out []store.MessageID) {
		b.Helper()
		b.must(err)
		for _, r := range list {
			out = append(out, r.ID)
		}
		return out
	}
	b.equal("by control id", numbers(b.ByControl(b.ctx(), "C1")), []store.MessageID{1, 4})
	b.equal("by no control id", len(numbers(b.ByControl(b.ctx(), ""))), 0)
	b.equal("in quarantine", numbers(b.InQuarantine(b.ctx(), 10)), []store.MessageID{3, 2})
	b.equal("in quarantine, one", numbers(b.InQuarantine(b.ctx(), 1)), []store.MessageID{3})
	b.must(b.Commit(b.ctx(), func(tx ingest.Tx) error {
		for text, want := range map[string]bool{"one": true, "two": false, "five": true, "never": false} {
			if seen, err := tx.Seen(pas, hash(text)); err != nil || seen != want {
				b.Errorf("seen %s: %t %v, want %t", text, seen, err, want)
			}
		}
		if seen, err := tx.Seen(lims, hash("one")); seen || err != nil {
			b.Error("another source's bytes were seen", err)
		}
		return nil
	}))
	save(ingest.Record{ID: 2, Format: ingest.HL7v2, State: ingest.Stored, N: 2, Hash: hash("two"), Control: "C2"})
	b.equal("in quarantine after a replay", numbers(b.InQuarantine(b.ctx(), 10)), []store.MessageID{3})

	feeds, err := b.Feeds(b.ctx(), epoch.Add(3*time.Second))
	b.must(err)
	hours := make([]int, ingest.HeardHours)
	hours[len(hours)-1] = 5
	b.equal("feeds", feeds, []ingest.Feed{{Source: pas, LastHeard: epoch.Add(5 * time.Second), Messages: 5, Hours: hours}})
	feeds, err = b.Feeds(b.ctx(), epoch.Add(time.Hour))
	b.must(err)
	b.equal("feeds, of no hour", feeds, []ingest.Feed{{Source: pas, LastHeard: epoch.Add(5 * time.Second), Messages: 5}})
	for since, recent := range map[time.Duration]int{0: 1, time.Hour: 0} {
		held, err := b.Held(b.ctx(), epoch.Add(since))
		b.must(err)
		b.equal("held", held, []ingest.Feed{{Source: pas, Quarantined: 1, RecentQuarantined: recent, OldestQuarantined: epoch.Add(3 * time.Second)}})
	}
	b.equal("the last of a source", numbers(b.Latest(b.ctx(), pas, 2)), []store.MessageID{5, 4})
	b.equal("of a source that has sent none", len(numbers(b.Latest(b.ctx(), lims, 2))), 0)

	id := b.MessageID(3)
	if n, ok := b.MessageNumber(id); !ok || n != 3 {
		b.Errorf("the id of message 3 reads back as %d, %t", n, ok)
	}
	for _, bad := range []string{"", "3", "0000000000000", "nonsense-id"} {
		if n, ok := b.MessageNumber(bad); ok {
			b.Errorf("%q reads as message %d", bad, n)
		}
	}
}

// journalPosition moves with the transaction that it is in.
func journalPosition(b *box) {
	at := func() (p uint64) {
		b.must(b.Commit(b.ctx(), func(tx ingest.Tx) (err error) { p, err = tx.JournalPosition(0); return err }))
		return p
	}
	b.equal("of a new store", at(), 0)
	b.must(b.Commit(b.ctx(), func(tx ingest.Tx) error { return tx.SetJournalPosition(0, 4711) }))
	_ = b.Commit(b.ctx(), func(tx ingest.Tx) error { _ = tx.SetJournalPosition(0, 9999); return errStop })
	b.equal("after one that failed", at(), 4711)
}

// claims are of the subjects they were made of.
func claims(b *box) {
	s, other := b.subject(pas), b.subject(pas)
	c := policy.Claim{User: "doctor", Organisation: "RJZ", Emergency: true, Reason: "a serious risk", From: epoch, To: epoch.Add(time.Hour)}
	d := policy.Claim{User: "nurse", Organisation: "RJZ", Reason: "in front of me", From: epoch, To: epoch.Add(time.Minute)}
	b.must(b.AddClaim(b.ctx(), s, c))
	b.must(b.AddClaim(b.ctx(), s, d))
	got, err := b.ClaimsOf(b.ctx(), []store.Subject{s, other})
	b.must(err)
	b.equal("claims", got, []policy.Claim{c, d})
	got, err = b.ClaimsOf(b.ctx(), []store.Subject{other})
	b.must(err)
	b.equal("another's", len(got), 0)
}

func owners(b *box) {
	s := b.subject(pas)
	w, _ := b.write(observation(s, "", "x"))
	got, err := b.Owner(b.ctx(), "Observation", w.ID)
	b.must(err)
	b.equal("owner", got, s)
	second, _ := b.write(observation(s, "", "x"))
	other := b.subject(gp)
	third, _ := b.write(observation(other, "", "x"))
	all, err := b.OwnersOf(b.ctx(), []store.ItemID{w.Item, third.Item, second.Item, 1 << 40})
	b.must(err)
	slices.Sort(all)
	b.equal("owners, each once", all, []store.Subject{s, other})
	_, err = b.Owner(b.ctx(), "Condition", w.ID)
	b.unknown("under another type", err)
	_, err = b.Owner(b.ctx(), "Observation", "never")
	b.unknown("an unknown id", err)
}
