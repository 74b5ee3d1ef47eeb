package subscription

import (
	"cmp"
	"context"
	"slices"

	"selda/fault"
	"selda/mpi"
	"selda/store"
)

// linked adds what the index has made one person in some commits, for those who
// watch for it. Where the resource of the same commit said so too, that was told.
func (b *batch) linked(ctx context.Context, after, until uint64) error {
	var live []*watcher
	for i := range b.live {
		if slices.ContainsFunc(b.live[i].watches, func(x *watch) bool { return x.Merged }) {
			live = append(live, &b.live[i])
		}
	}
	if len(live) == 0 || until <= after {
		return nil
	}
	events, err := b.f.Links.Linked(ctx, after, until)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Undone || e.Kind != "auto" && e.Kind != "merge" && e.Kind != "link" {
			continue
		}
		for _, w := range live {
			said := slices.ContainsFunc(b.events, func(x Event) bool { return x.Subscription == w.key && x.N == e.N })
			if e.N <= w.start || said {
				continue
			}
			if err := b.joined(ctx, w, &e); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(b.events, func(x, y Event) int { return cmp.Compare(x.N, y.N) })
	return nil
}

// joined adds one change of links for one subscription, if it is about whom it
// watches. A source system is told of what was said of two of its own: what the
// index concludes from others' entries is not its to know.
func (b *batch) joined(ctx context.Context, w *watcher, e *mpi.Event) error {
	for _, m := range e.Moves {
		whom := m.Subject
		if w.source == "" {
			mine, err := b.belongs(ctx, w, m.Subject)
			if err != nil {
				return err
			}
			if !mine {
				continue
			}
			if m.Subject == w.anchor {
				whom = m.With // who is new to their record
			}
		}
		v, err := b.patient(ctx, whom, e.N)
		if err != nil {
			return err
		}
		if v == nil {
			continue
		}
		if w.source != "" {
			with, err := b.patient(ctx, m.With, e.N)
			if err != nil {
				return err
			}
			if e.Kind == "auto" || v.Source != w.source || with == nil || with.Source != w.source {
				continue
			}
		}
		is, err := b.f.sideOf(v, w.source == "")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(w.watches, func(x *watch) bool { return x.Merged && pass(x.filters, is, false) }) {
			continue
		}
		lane := "record"
		if w.source != "" {
			if lane, err = b.lane(ctx, whom); err != nil {
				return err
			}
		}
		b.events = append(b.events, Event{Subscription: w.key, Lane: lane, Subject: whom, N: e.N, At: e.At, Type: v.Type, ID: v.ID, Version: v.Version, Change: Updated})
		if w.source == "" {
			return nil // of one record one event says it
		}
	}
	return nil
}

// patient is the Patient of a subject as it was then; nil where there is none.
func (b *batch) patient(ctx context.Context, s store.Subject, n uint64) (*store.Version, error) {
	if s == store.Shared {
		return nil, nil
	}
	list, err := b.f.Store.Compartment(ctx, s, n, b.predicate, "Patient")
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	for _, v := range list {
		if !v.Deleted {
			return v, nil
		}
	}
	return nil, nil
}
