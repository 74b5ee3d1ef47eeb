package subscription

import (
	"context"
	"slices"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/policy"
)

// Status is the $status of one that somebody has: Parameters.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-status.html
func (f *Follower) Status(ctx context.Context, s policy.Subject, id string) ([]byte, error) {
	if err := f.fresh(ctx, s.User); err != nil {
		return nil, err
	}
	e, _ := f.find(s.User, id)
	if e == nil {
		return nil, errUnknown
	}
	return f.status(ctx, e)
}

func (f *Follower) status(ctx context.Context, e *entry) ([]byte, error) {
	w, err := f.Ledger.Waits(ctx, e.sub.Key)
	if err != nil {
		return nil, err
	}
	if w.Waiting > 0 {
		unsent, err := f.unsent(ctx, e)
		if err != nil {
			return nil, err
		}
		w.Numbered += unsent
	}
	n := &notification{sub: e.sub, req: e.req, kind: "query-status", status: e.sub.Status, reason: e.sub.Reason, numbered: w.Numbered, content: contentID}
	return fhir.Marshal(n.statusParameters()), nil
}

// unsent is how many events wait that have not been sent yet, and so have no
// number: they have happened, and are counted, as far as they are shown now. Of
// more than can be looked at it is those that were.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/errors.html
func (f *Follower) unsent(ctx context.Context, e *entry) (n uint64, err error) {
	g, permitted, err := f.grant(ctx, e.sub)
	if err != nil || !permitted {
		return 0, err
	}
	lanes, _, err := f.Queue.Due(ctx, e.sub.Key, never, mostAsked)
	if err != nil {
		return 0, err
	}
	left := mostAsked
	for _, l := range lanes {
		waiting, _, err := f.Queue.Head(ctx, e.sub.Key, l.Name, left)
		if err != nil {
			return n, err
		}
		for _, x := range waiting {
			if x.Number > 0 {
				continue
			}
			t, err := f.tell(ctx, e, g, x, contentEmpty)
			if err != nil {
				return n, err
			}
			if t.version != nil {
				n++
			}
		}
		if left -= len(waiting); left <= 0 {
			break
		}
	}
	return n, nil
}

// Statuses are those of what somebody has, of the ids and statuses named, or of
// all; with the URL of each Subscription.
func (f *Follower) Statuses(ctx context.Context, s policy.Subject, ids, states []string) (out [][]byte, err error) {
	if err := f.fresh(ctx, s.User); err != nil {
		return nil, err
	}
	for _, e := range f.all(func(e *entry) bool {
		return e.sub.User == s.User && (len(ids) == 0 || slices.Contains(ids, e.sub.ID)) && (len(states) == 0 || slices.Contains(states, e.sub.Status))
	}) {
		b, err := f.status(ctx, e)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Range says which events are asked for.
type Range struct {
	Since, Until uint64 // both included
	Content      string // "" as the Subscription has it
}

// mostAsked is how many events one $events gives.
const mostAsked = 1000

// Events gives what has been told before, as the Grant of now shows it: of what
// is not shown any more there is the number, which its owner has been given,
// and no more.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-events.html
func (f *Follower) Events(ctx context.Context, s policy.Subject, id string, r Range) ([]byte, error) {
	if err := f.fresh(ctx, s.User); err != nil {
		return nil, err
	}
	e, _ := f.find(s.User, id)
	if e == nil {
		return nil, errUnknown
	}
	content := e.req.content
	if e.req.topic == "" {
		content = contentID // R4's own says nothing of it; what it sends is asked for by id
	}
	if r.Content != "" {
		if content = r.Content; !slices.Contains([]string{contentEmpty, contentID, contentFull}, content) {
			return nil, fault.E("subscription.Events", fault.Value, "content is empty, id-only or full-resource", "content")
		}
	}
	w, err := f.Ledger.Waits(ctx, e.sub.Key)
	if err == nil && w.Waiting > 0 {
		if err = f.number(ctx, e); err == nil {
			w, err = f.Ledger.Waits(ctx, e.sub.Key)
		}
	}
	if err != nil {
		return nil, err
	}
	events, err := f.Ledger.Numbered(ctx, e.sub.Key, r.Since, r.Until, mostAsked)
	if err != nil {
		return nil, err
	}
	n := &notification{sub: e.sub, req: e.req, kind: "query-event", status: e.sub.Status, reason: e.sub.Reason, numbered: w.Numbered, at: f.Now(), content: content}
	if len(events) > 0 {
		g, permitted, err := f.grant(ctx, e.sub)
		if err != nil {
			return nil, err
		}
		bytes := 0
		for _, x := range events {
			t := telling{Event: x}
			if permitted {
				if t, err = f.tell(ctx, e, g, x, content); err != nil {
					return nil, err
				}
			}
			if content == contentFull {
				if bytes += t.size(); bytes > maxBytes && len(n.events) > 0 {
					break // the rest is asked for from the next number on
				}
			}
			n.events = append(n.events, t)
		}
	}
	return n.bundle(), nil
}

// Binding is a token with which a socket binds.
type Binding struct {
	Token         string
	End           time.Time
	Subscriptions []string // their URLs
}

// Binding makes a token for what somebody has over websocket: of the ids named,
// or all.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-get-ws-binding-token.html
func (f *Follower) Binding(ctx context.Context, s policy.Subject, ids []string) (*Binding, error) {
	const op = "subscription.Binding"
	if err := f.fresh(ctx, s.User); err != nil {
		return nil, err
	}
	b := binding{User: s.User, End: f.Now().Add(bindingsHold).UTC().Truncate(time.Second)}
	out := &Binding{End: b.End}
	for _, e := range f.all(func(e *entry) bool { return e.sub.User == s.User && (len(ids) == 0 || slices.Contains(ids, e.sub.ID)) }) {
		switch {
		case e.req.kind != websocket && len(ids) > 0:
			return nil, fault.E(op, fault.BusinessRule, "this Subscription is not one over websocket")
		case e.req.kind != websocket:
			continue
		case !e.sub.Live():
			return nil, fault.E(op, fault.Conflict, "this Subscription is off")
		}
		b.Keys = append(b.Keys, e.sub.Key)
		out.Subscriptions = append(out.Subscriptions, e.sub.Base+"/Subscription/"+e.sub.ID)
	}
	if len(b.Keys) < len(ids) || len(b.Keys) == 0 {
		return nil, errUnknown
	}
	var err error
	out.Token, err = f.seal.bindingToken(b)
	return out, err
}
