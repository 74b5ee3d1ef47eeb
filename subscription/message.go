package subscription

import (
	"context"
	"slices"
	"time"

	"selda/access/grant"
	"selda/fault"
	"selda/store"
)

// happened says whether the message that wrote a version says that one of some
// events has happened. https://hl7.org/fhir/R5/subscriptiontopic-definitions.html#SubscriptionTopic.eventTrigger
func (b *batch) happened(ctx context.Context, m store.MessageID, events []Coding) (bool, error) {
	said, ok := b.said[m]
	if !ok && m != 0 && b.f.Happened != nil {
		var err error
		said, err = b.f.Happened(ctx, m)
		switch {
		case fault.Is(err, fault.NotFound):
			b.f.Log.Warn("a message can't be read: nobody is told what it says has happened", "message", m)
		case err != nil:
			return false, err
		}
		b.said[m] = said
	}
	return slices.ContainsFunc(events, func(e Coding) bool { return slices.Contains(said, e) }), nil
}

// whole says whether all that a message wrote in the record of one version is
// shown. What has happened is said by the message as a whole: that somebody was
// admitted may not be told of their Patient, where the visit is hidden. at is
// when the rest is released, where it is held back for a time only.
func (f *Follower) whole(ctx context.Context, s *entry, g grant.Grant, v *store.Version) (shown bool, at time.Time, err error) {
	if s.sub.Citizen == "" {
		return true, at, nil // a source system wrote it
	}
	all, err := f.Access.Follow(ctx, "subscriptions", "what a message wrote")
	if err != nil {
		return false, at, err
	}
	wrote, err := f.Store.OfMessage(ctx, v.Message, all.Predicate())
	if err != nil {
		return false, at, err
	}
	mine, err := f.Store.OfMessage(ctx, v.Message, g.Predicate())
	if err != nil {
		return false, at, err
	}
	shown = true
	for _, w := range wrote {
		if w.Subject != v.Subject || slices.ContainsFunc(mine, func(m *store.Version) bool { return m.Item == w.Item }) {
			continue
		}
		shown = false
		free, err := f.released(ctx, s, g, &Event{Type: w.Type, ID: w.ID, Version: w.Version})
		if err != nil || free.IsZero() {
			return false, time.Time{}, err
		}
		if free.After(at) {
			at = free
		}
	}
	return shown, at, nil
}
