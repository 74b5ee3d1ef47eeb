package ingest

import (
	"context"
	"errors"
	"slices"

	"selda/fault"
	"selda/ingest/mapped"
	"selda/mpi"
	"selda/store"
)

// This file keeps out what was destroyed when its source sends it again (G18): a replay of
// a feed, an extract of every night, the same document. What is new in the same message
// comes in; the message's bytes are destroyed, since they hold both.

// heldBack is why something is not taken.
type heldBack struct {
	error
	under string // the case
}

func (h heldBack) Unwrap() error { return h.error }

func heldBackUnder(caseID, place string) error {
	return heldBack{fault.E("ingest.barred", fault.BusinessRule, heldBackReason(caseID), place), caseID}
}

func heldBackReason(caseID string) string {
	return "held back: it was destroyed under case " + caseID
}

// bars finds what of the message is barred. Where nothing is barred in the region it costs
// nothing.
func (c *commit) bars() error {
	if !c.tx.Barring() {
		return nil
	}
	var names []store.Named
	var of []int // the resource of each
	for i := range c.msg.Resources {
		r := &c.msg.Resources[i]
		if r.Type == "Patient" || r.Action == mapped.Remove && len(r.Body) == 0 {
			continue
		}
		if r.ID != "" {
			names, of = append(names, store.Named{Source: c.raw.Source, Type: r.Type, ID: r.ID}), append(of, i)
		} else if r.Key != "" {
			names, of = append(names, store.Named{Source: c.raw.Source, Type: r.Type, Key: r.Key}), append(of, i)
		}
	}
	found, err := c.tx.Barred(names)
	if err != nil {
		return err
	}
	for at, bar := range found {
		if c.barred == nil {
			c.barred = map[int]store.Bar{}
		}
		c.barred[of[at]] = bar
	}
	return c.returned()
}

// returned takes the bars away of people who have come back: their source says something of
// them that is neither barred nor known.
func (c *commit) returned() error {
	for i := range c.msg.Patients {
		people, err := c.peopleBarred(i)
		if err != nil || len(people) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		anew, err := c.saysNewOf(i)
		if err != nil {
			return err
		}
		if !anew {
			continue
		}
		for p := range people {
			if _, err := c.tx.Unbar("", p); err != nil {
				return err
			}
			for at, bar := range c.barred {
				if bar.Person == p {
					delete(c.barred, at)
				}
			}
		}
	}
	return nil
}

// peopleBarred are the people, by the numbers of their bars, that the message's i-th may be.
func (c *commit) peopleBarred(i int) (map[int64]bool, error) {
	p := &c.msg.Patients[i]
	names := make([]store.Named, 0, len(p.Identifiers)+1)
	for _, id := range p.Identifiers {
		names = append(names, store.Named{Source: c.raw.Source, System: id.System, Value: id.Value})
	}
	if p.ID != "" {
		names = append(names, store.Named{Source: c.raw.Source, System: "Patient", Value: p.ID})
	}
	found, err := c.tx.Barred(names)
	people := map[int64]bool{}
	for _, bar := range found {
		if bar.Known {
			people[bar.Person] = true
		}
	}
	for at, bar := range c.barred {
		if bar.Person != 0 && c.msg.Resources[at].Patient == i {
			people[bar.Person] = true
		}
	}
	return people, err
}

// saysNewOf says whether the message has anything of its i-th person that is not there yet,
// and was not destroyed.
func (c *commit) saysNewOf(i int) (bool, error) {
	for at := range c.msg.Resources {
		r := &c.msg.Resources[at]
		if _, barred := c.barred[at]; barred || r.Patient != i || r.Type == "Patient" || r.Unnumbered || r.Action == mapped.Remove && len(r.Body) == 0 {
			continue
		}
		exists := false
		var err error
		switch {
		case r.ID != "":
			_, exists, err = c.tx.ByID(r.Type, r.ID)
		case r.Key != "":
			_, _, exists, err = c.tx.ByKey(c.raw.Source, r.Type, r.Key)
		}
		if err != nil || !exists {
			return err == nil, err
		}
	}
	return false, nil
}

// allBarred gives the case where the message has nothing of anybody but what is barred: then
// nothing of it is kept, not even who it is about.
func (c *commit) allBarred() (caseID string, all bool, err error) {
	if len(c.barred) == 0 || len(c.msg.Links) > 0 || c.raw.Call != "" || c.msg.Each {
		return "", false, nil
	}
	for i := range c.msg.Resources {
		r := &c.msg.Resources[i]
		bar, barred := c.barred[i]
		switch {
		case barred:
			caseID = bar.Case
		case r.Patient == mapped.Shared:
		case r.Unnumbered: // of who is not known there it says nothing
			if known, err := c.knownThere(r.Patient); err != nil || known {
				return "", false, err
			}
		default:
			return "", false, nil
		}
	}
	return caseID, true, nil
}

// knownThere says whether the source has said anything of the message's i-th person.
func (c *commit) knownThere(i int) (bool, error) {
	for _, id := range c.msg.Patients[i].Identifiers {
		all, err := c.tx.Identified(id.System, id.Value)
		if err != nil || slices.ContainsFunc(all, func(k mpi.Known) bool { return k.Source == c.raw.Source }) {
			return err == nil, err
		}
	}
	return false, nil
}

// hold leaves one resource out, or has the caller of an API told.
func (c *commit) hold(caseID, place string) error {
	if c.raw.Call != "" || c.msg.Each {
		return heldBackUnder(caseID, place)
	}
	c.under = caseID
	c.left = append(c.left, mapped.Unmapped{Place: place, Reason: heldBackReason(caseID)})
	return nil
}

// held says that the message's i-th resource is held back.
func (c *commit) held(i int) (bool, error) {
	bar, barred := c.barred[i]
	if !barred {
		return false, nil
	}
	c.under = bar.Case
	return true, c.hold(bar.Case, c.msg.Resources[i].Place)
}

// sameAsDestroyed says whether a new item is, word for word, one that was destroyed of the same
// person: its source may call it something else now.
func (c *commit) sameAsDestroyed(put *store.Put) (store.Bar, bool, error) {
	if !c.tx.Barring() || put.Subject == store.Shared || put.Type == "Patient" {
		return store.Bar{}, false, nil
	}
	found, err := c.tx.Barred([]store.Named{{Source: put.Source, Type: put.Type, Subject: put.Subject, Body: put.Body}})
	bar, barred := found[0]
	return bar, barred, err
}

// underCase is the case under which an error is that something is held back.
func underCase(err error) string {
	var h heldBack
	if errors.As(err, &h) {
		return h.under
	}
	return ""
}

// outcomeOfHeld ends a message of which nothing is taken.
func (c *commit) outcomeOfHeld(rec Record, caseID string) (Outcome, error) {
	rec.State, rec.Reason, rec.Hash = Duplicate, heldBackReason(caseID), [16]byte{}
	if c.raw.Format != HL7v2 {
		rec.Control = "" // a document's own number
	}
	if err := c.tx.HoldBack(c.r.ID, caseID); err != nil {
		return Outcome{}, err
	}
	return Outcome{State: rec.State, Event: rec.Event, Reason: rec.Reason, held: true}, c.tx.SaveMessage(rec)
}

// Destroy destroys the bytes of messages that were held back, or made what was disposed of. Where
// that was broken off it is done when the door is opened the next time. A message of after the
// backup that the journal is from is passed over.
func (p *Pipeline) Destroy(ctx context.Context, list ...store.MessageID) error {
	for _, m := range list {
		if err := p.journal.Destroy(m, p.now()); err != nil && !errors.Is(err, ErrNoMessage) {
			return err
		}
	}
	return p.store.Commit(ctx, func(tx Tx) error {
		for _, m := range list {
			if err := tx.Destroyed(m); err != nil {
				return err
			}
		}
		return nil
	})
}

// destroyLeft destroys what a stop has left of them.
func (p *Pipeline) destroyLeft(ctx context.Context) error {
	var left []store.MessageID
	err := p.store.Commit(ctx, func(tx Tx) (err error) {
		left, err = tx.HeldBack()
		return err
	})
	if err != nil || len(left) == 0 {
		return err
	}
	return p.Destroy(ctx, left...)
}
