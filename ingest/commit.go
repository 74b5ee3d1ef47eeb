package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"selda/fault"
	"selda/ingest/mapped"
	"selda/policy"
	"selda/store"
)

// How many messages and bytes one transaction takes at most.
const (
	batchMessages = 512
	batchBytes    = 8 << 20
)

// commitAll takes messages in order, many to one transaction.
func (p *Pipeline) commitAll() {
	var held *Receipt
	for {
		first := held
		held = nil
		if first == nil {
			var ok bool
			if first, ok = <-p.queue; !ok {
				return
			}
		}
		batch, bytes := []*Receipt{first}, len(first.raw.Body)
		<-first.mapped
	gather:
		for len(batch) < batchMessages && bytes < batchBytes {
			select {
			case r, ok := <-p.queue:
				if !ok {
					break gather
				}
				select {
				case <-r.mapped:
				default:
					// Not mapped yet: commit what is ready rather than wait for it.
					if len(batch) >= 8 {
						held = r
						break gather
					}
					<-r.mapped
				}
				batch = append(batch, r)
				bytes += len(r.raw.Body)
			default:
				break gather
			}
		}
		if err := p.commit(batch); err != nil {
			p.idle.Lock()
			p.why = err
			p.idle.Unlock()
			p.moved.Broadcast()
			p.log.Error("the store can't be written: nothing more is taken", "error", err)
			close(p.failed)
			return
		}
	}
}

// commit commits a batch. Where one message of it can't be, the others are
// committed one by one and that one goes to quarantine.
func (p *Pipeline) commit(batch []*Receipt) error {
	durable := durable(batch)
	err := p.try(batch, durable)
	if err == nil || fault.Is(err, fault.NoStore) {
		return err
	}
	for _, r := range batch {
		err := p.try([]*Receipt{r}, durable)
		if err == nil {
			continue
		}
		if fault.Is(err, fault.NoStore) {
			return err
		}
		if r.raw.Call == "" {
			p.log.Error("a message could not be committed", "message", r.Number(), "error", err)
		}
		r.unusable = err
		if err := p.try([]*Receipt{r}, durable); err != nil {
			return err
		}
	}
	return nil
}

// durable has the raw messages of a batch written to disk while its commit is
// made ready; what it gives waits for that, which the commit's end does.
func durable(batch []*Receipt) func() error {
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for log, r := range lastOf(batch) {
			if err = log.Wait(positionOf(r.ID)); err != nil {
				err = fault.E("ingest.commit", fault.NoStore, err)
				return
			}
		}
	}()
	return func() error {
		<-done
		return err
	}
}

func (p *Pipeline) try(batch []*Receipt, durable func() error) error {
	outcomes := make([]Outcome, len(batch))
	err := p.store.Commit(context.Background(), func(tx Tx) error {
		if err := expect(tx, batch); err != nil {
			return err
		}
		for i, r := range batch {
			c := commit{tx: tx, r: r, raw: r.raw, msg: r.msg, failed: cmp.Or(r.unusable, r.err), now: p.now()}
			var err error
			if outcomes[i], err = c.run(); err != nil {
				return err
			}
		}
		for log, r := range lastOf(batch) {
			if err := tx.SetJournalPosition(log.Number(), uint64(r.end)); err != nil {
				return err
			}
		}
		return durable()
	})
	if err != nil {
		return err
	}
	for i, r := range batch {
		if outcomes[i].held {
			if err := p.Destroy(context.Background(), r.ID); err != nil {
				p.log.Error("the bytes of a message that was held back are still there: they go at the next start", "message", r.Number(), "error", err)
			}
		}
		r.outcome = outcomes[i]
		p.room.give(len(r.raw.Body))
		p.heard.committed(r.raw.Source)
		if p.told != nil {
			p.told(r.raw, r.msg, &outcomes[i])
		}
		close(r.done)
	}
	if r := lastOf(batch)[p.journal.log]; r != nil {
		p.idle.Lock()
		p.committed = r.end
		p.idle.Unlock()
		p.moved.Broadcast()
	}
	return nil
}

// lastOf is the last message of each journal in a batch.
func lastOf(batch []*Receipt) map[Log]*Receipt {
	last := map[Log]*Receipt{}
	for _, r := range batch {
		last[r.log] = r
	}
	return last
}

// commit is the work on one message.
type commit struct {
	tx     Tx
	r      *Receipt
	raw    *Raw
	msg    *mapped.Message
	failed error // why it can't be used
	now    time.Time

	subjects []store.Subject
	patients []string                 // reference of each patient
	targets  []target                 // of each resource
	beside   map[string]store.Subject // tokens of references to what comes with it
	items    []Item
	left     []mapped.Unmapped // what was understood and not written, and why
	came     []store.ItemID    // what it came too late to change
	n        uint64
	sent     map[store.MessageID]time.Time // when earlier messages were made
	refused  []mapped.Refusal
	ready    *ready                   // of the resource that is written
	carried  policy.Labels            // that go on to it from what it came with
	visits   map[string]policy.Labels // by reference, of the visits that the message speaks of
	barred   map[int]store.Bar        // the resources that were destroyed before
	under    string                   // the case under which something was held back
}

func (c *commit) run() (Outcome, error) {
	rec := Record{ID: c.r.ID, Source: c.raw.Source, Format: c.raw.Format, Received: c.raw.Received, Hash: c.r.hash}
	if c.msg != nil {
		rec.Event, rec.Control = c.msg.Event, c.msg.ControlID
	}
	if c.failed != nil || c.msg == nil {
		rec.State, rec.Reason, rec.Place = Quarantined, fault.Reason(c.failed), fault.PlaceOf(c.failed)
		if c.raw.Call != "" {
			rec.State = Refused
		}
		under := underCase(c.failed)
		if under != "" {
			rec.Hash = [16]byte{}
			if err := c.tx.HoldBack(c.r.ID, under); err != nil {
				return Outcome{}, err
			}
		}
		return Outcome{State: rec.State, Err: c.failed, Reason: rec.Reason, Place: rec.Place, held: under != ""}, c.tx.SaveMessage(rec)
	}
	if err := c.bars(); err != nil {
		return Outcome{}, err
	}
	if under, all, err := c.allBarred(); err != nil || all {
		if err != nil {
			return Outcome{}, err
		}
		return c.outcomeOfHeld(rec, under)
	}
	if c.raw.Format == HL7v2 || c.raw.Format == CDA {
		seen, err := c.tx.Seen(c.raw.Source, c.r.hash)
		if err != nil {
			return Outcome{}, err
		}
		if seen {
			rec.State = Duplicate
			return Outcome{State: rec.State, Event: rec.Event}, c.tx.SaveMessage(rec)
		}
	}
	var err error
	if c.n, err = c.tx.Begin(c.now, c.raw.Source, c.r.ID); err != nil {
		return Outcome{}, err
	}
	if err := c.apply(); err != nil {
		return Outcome{}, err
	}
	rec.State, rec.N = Stored, c.n
	if c.under != "" {
		rec.Hash = [16]byte{} // what is held back may be let in, and sent again
		if err := c.tx.HoldBack(c.r.ID, c.under); err != nil {
			return Outcome{}, err
		}
	}
	if (c.raw.Format == FHIR || c.raw.Format == CSV) && c.raw.Call == "" && c.unchanged() {
		rec.State = Duplicate
	}
	rec.Steps = c.steps()
	return Outcome{State: rec.State, Event: rec.Event, N: c.n, Items: c.items, Refused: c.refused, held: c.under != ""}, c.tx.SaveMessage(rec)
}

// unchanged says whether a message of resources said nothing new.
func (c *commit) unchanged() bool {
	for _, i := range c.items {
		if !i.Same {
			return false
		}
	}
	return len(c.items) > 0 && len(c.msg.Links) == 0
}

// steps is what the trace tells beyond the columns.
func (c *commit) steps() []byte {
	s := steps{Sent: c.msg.Sent, Committed: c.now.UTC(), Subjects: len(c.subjects), Resources: len(c.items), Unmapped: slices.Concat(c.msg.Unmapped, c.left)}
	if c.raw.Format == CDA {
		for _, i := range c.items {
			if i.Same {
				s.Again = append(s.Again, i.Item)
			}
		}
	}
	b, _ := json.Marshal(s)
	return b
}

// steps are kept with the message, as JSON.
type steps struct {
	Sent      string            `json:"sent,omitempty"` // when the sender says it was made
	Committed time.Time         `json:"committed"`
	Subjects  int               `json:"subjects"`
	Resources int               `json:"resources"`
	Unmapped  []mapped.Unmapped `json:"unmapped,omitempty"`
	Again     []store.ItemID    `json:"again,omitempty"` // what a document says that was known already: another one had said it
}

// Replay tries a quarantined message again with the mappings of today. One
// that still can't be used stays as it is, and the outcome says why.
func (p *Pipeline) Replay(ctx context.Context, id store.MessageID) (Outcome, error) {
	raw, err := p.journal.Read(id)
	if err != nil {
		return Outcome{}, fault.E("ingest.Replay", fault.NotFound, err)
	}
	r := &Receipt{ID: id, raw: raw, p: p}
	r.msg, r.err = p.mapSafely(raw)
	r.hash = hashOf(raw.Body)
	if r.err != nil {
		return Outcome{State: Quarantined, Reason: fault.Reason(r.err), Place: fault.PlaceOf(r.err)}, nil
	}
	var out Outcome
	err = p.store.Commit(ctx, func(tx Tx) error {
		c := commit{tx: tx, r: r, raw: raw, msg: r.msg, now: p.now()}
		out, err = c.run()
		return err
	})
	if err == nil && out.held {
		err = p.Destroy(ctx, id)
	}
	return out, err
}
