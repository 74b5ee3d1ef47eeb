package region

import (
	"context"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// This file keeps out what was destroyed when its source sends it again (G18). The bars are
// kept with the store; the list of what was destroyed has them too, for a backup of before.

// Barred is what is held back under one case. It names no item and nobody.
type Barred struct {
	Case     string `json:"case"`
	Names    int    `json:"names"`  // of items: by id, by what the source calls them, by content
	People   int    `json:"people"` // whose items may come in again with something new of them
	HeldBack int    `json:"heldBack"`
	Latest   []Held `json:"latest,omitempty"`
}

// Held is a message of which something was held back: its bytes are destroyed.
type Held struct {
	ID       string     `json:"id"`
	Source   nhs.Source `json:"source"`
	Received time.Time  `json:"received"`
}

// mostHeld is how many messages of a case are listed.
const mostHeld = 20

// Barred tells what is held back, for the operator.
func (r *Region) Barred(ctx context.Context, s policy.Subject) ([]Barred, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "what is held back"); err != nil {
		return nil, err
	}
	cases, err := r.Store.BarredCases()
	if err != nil {
		return nil, err
	}
	out := make([]Barred, len(cases))
	for i, c := range cases {
		out[i] = Barred{Case: c.Case, Names: c.Items, People: c.People, HeldBack: c.Messages}
		list, err := r.Store.HeldBackUnder(c.Case, mostHeld)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			rec, err := r.Store.Message(ctx, m)
			if err != nil {
				return nil, err
			}
			out[i].Latest = append(out[i].Latest, Held{ID: r.Store.MessageID(m), Source: rec.Source, Received: rec.Received})
		}
	}
	return out, nil
}

// noteBars keeps the bars of a case with its list.
func (r *Region) noteBars(id string) error {
	bars, err := r.Store.BarsOf(id)
	if err != nil {
		return err
	}
	return r.disposals().SetBars(id, bars)
}

// letIn takes the bars of a case away: two people have decided it.
func (r *Region) letIn(ctx context.Context, id string) error {
	const op = "region.letIn"
	if err := r.disposals().SetBars(id, nil); err != nil {
		return fault.E(op, err)
	}
	return r.Store.Commit(ctx, func(tx ingest.Tx) error {
		_, err := tx.Unbar(id, 0)
		return err
	})
}

// barAgain puts the bars in force that a list has, where a backup of before was restored.
func (r *Region) barAgain(ctx context.Context, bars []store.Bar) error {
	if len(bars) == 0 {
		return nil
	}
	return r.Store.Commit(ctx, func(tx ingest.Tx) error { return tx.Bar(bars) })
}
