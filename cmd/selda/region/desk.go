package region

import (
	"context"
	"slices"
	"time"

	"selda/audit"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/subscription"
	"selda/web"
)

// desk answers the pages of those who run interfaces.
type desk struct{ r *Region }

// Feeds is web.Desk's.
func (d desk) Feeds(ctx context.Context, s policy.Subject) ([]ingest.Feed, error) {
	if _, err := d.r.Access.Operate(ctx, s, audit.Read, "feeds"); err != nil {
		return nil, err
	}
	return d.r.feeds(ctx)
}

// feeds is how every source is doing, what is in quarantine included.
func (r *Region) feeds(ctx context.Context) ([]ingest.Feed, error) {
	held, err := r.Store.Held(ctx, r.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	out := r.Ingest.Feeds()
	for i := range out {
		for _, h := range held {
			if h.Source == out[i].Source {
				out[i].Quarantined, out[i].RecentQuarantined, out[i].OldestQuarantined = h.Quarantined, h.RecentQuarantined, h.OldestQuarantined
			}
		}
	}
	for _, l := range r.lying() { // files that are not taken yet wait, too
		i := slices.IndexFunc(out, func(f ingest.Feed) bool { return f.Source == l.Source })
		if i < 0 {
			out = append(out, l)
			continue
		}
		out[i].Waiting += l.Waiting
		if out[i].Oldest.IsZero() || l.Oldest.Before(out[i].Oldest) {
			out[i].Oldest = l.Oldest
		}
	}
	return out, nil
}

// looked is how many of a feed's last messages are looked through for what is
// not mapped yet.
const looked = 1000

// Feed is web.Desk's.
func (d desk) Feed(ctx context.Context, s policy.Subject, source nhs.Source) (web.Feed, error) {
	var out web.Feed
	if _, err := d.r.Access.Operate(ctx, s, audit.Read, "feed "+string(source)); err != nil {
		return out, err
	}
	all, err := d.r.feeds(ctx)
	if err != nil {
		return out, err
	}
	for _, f := range all {
		if f.Source == source {
			out.Feed = f
		}
	}
	last, err := d.r.Store.Latest(ctx, source, looked)
	if err != nil {
		return out, err
	}
	out.Looked = len(last)
	for i, m := range last {
		if i < 20 {
			out.Latest = append(out.Latest, web.Held{ID: d.r.Store.MessageID(m.ID), Record: m})
		}
		kept, err := stepsOf(m)
		if err != nil {
			return out, err
		}
		for _, u := range kept.Unmapped {
			out.Unmapped = addUnmapped(out.Unmapped, ingest.KindOfPlace(u.Place), u.Reason, d.r.Store.MessageID(m.ID))
		}
	}
	slices.SortStableFunc(out.Unmapped, func(a, b web.Unmapped) int { return b.Count - a.Count })
	extracts, err := d.r.Reconciliations(ctx, s)
	for _, e := range extracts {
		if e.Source == string(source) {
			out.Extracts = append(out.Extracts, web.Extract{Mapping: e.Mapping, File: e.File, At: e.At, Rows: e.Rows, Kept: e.Kept, Unchanged: e.Unchanged,
				Refused: e.Refused, Vanished: e.Vanished, Checked: e.Checked, Sums: e.Totals.Sums, Problem: e.Problem, Place: e.Place})
		}
	}
	return out, err
}

func addUnmapped(list []web.Unmapped, kind, reason, message string) []web.Unmapped {
	i := slices.IndexFunc(list, func(u web.Unmapped) bool { return u.Kind == kind && u.Reason == reason })
	if i < 0 {
		return append(list, web.Unmapped{Kind: kind, Reason: reason, Count: 1, Example: message})
	}
	list[i].Count++
	return list
}

// Quarantine is web.Desk's.
func (d desk) Quarantine(ctx context.Context, s policy.Subject, limit int) ([]web.Held, error) {
	list, err := d.r.Quarantine(ctx, s, limit)
	if err != nil {
		return nil, err
	}
	out := make([]web.Held, len(list))
	for i, m := range list {
		out[i] = web.Held{ID: d.r.Store.MessageID(m.ID), Record: m}
	}
	return out, nil
}

// Held is web.Desk's.
func (d desk) Held(ctx context.Context, s policy.Subject, id string) (web.Held, *ingest.Raw, error) {
	m, raw, err := d.r.Message(ctx, s, id, "quarantined message "+id)
	return web.Held{ID: id, Record: m}, raw, err
}

// Replay is web.Desk's.
func (d desk) Replay(ctx context.Context, s policy.Subject, id string) (ingest.Outcome, error) {
	return d.r.Replay(ctx, s, id)
}

// ReplayAll is web.Desk's.
func (d desk) ReplayAll(ctx context.Context, s policy.Subject, source nhs.Source, reason, place string) (stored, held int, err error) {
	out, err := d.r.ReplayAll(ctx, s, Which{Source: source, Reason: reason, Place: place})
	return out.Stored, out.Held, err
}

// Trace is web.Desk's.
func (d desk) Trace(ctx context.Context, s policy.Subject, id string) ([]web.Stage, []web.Mapped, error) {
	list, err := d.r.Trace(ctx, s, id)
	if err != nil {
		return nil, nil, err
	}
	out := make([]web.Stage, len(list))
	for i, one := range list {
		out[i] = web.Stage{Message: one.Message, Name: one.Stage, Rule: one.Rule, Place: one.Place, Detail: one.Detail, At: one.At}
	}
	fields, err := d.r.mapping(ctx, list[0].Message)
	return out, fields, err
}

// mapping is what became of each field of a message: places and elements, and
// no values.
func (r *Region) mapping(ctx context.Context, id string) ([]web.Mapped, error) {
	m, _ := r.Store.MessageNumber(id)
	versions, err := r.Store.OfMessage(ctx, m, &policy.Predicate{Permit: true, Everything: true})
	if err != nil {
		return nil, err
	}
	var out []web.Mapped
	for _, v := range versions {
		place, origins := ingest.DecodeOrigins(v.Origin)
		out = append(out, web.Mapped{Place: place, Item: v.Type + "/" + v.ID})
		for _, o := range origins {
			out = append(out, web.Mapped{Place: o.Place, Item: v.Type + "/" + v.ID, Element: o.Element})
		}
	}
	return out, nil
}

// Untold is web.Desk's.
func (d desk) Untold(ctx context.Context, s policy.Subject) (out []web.Untold, err error) {
	list, err := d.r.Subscribers(ctx, s, "")
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		if t.Aside == 0 && t.Reason == "" {
			continue
		}
		u := web.Untold{User: t.User, ID: t.ID, Channel: t.Channel, Off: t.Status == subscription.Off, Since: t.Failing, Waiting: t.Waiting, Aside: t.Aside, Reason: t.Reason}
		if t.Host != "" {
			u.Channel += " " + t.Host
		}
		out = append(out, u)
	}
	return out, nil
}
