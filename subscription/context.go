package subscription

import (
	"context"
	"slices"
	"strings"

	"selda/access/grant"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/store"
)

// mostContext is how many resources are told beside one event.
const mostContext = 20

// tell is an event as the Grant shows it, with what its topic tells beside it.
// Without a version it is not shown.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html#additional-resources
func (f *Follower) tell(ctx context.Context, s *entry, g grant.Grant, e Event, content string) (t telling, err error) {
	t.Event = e
	if t.version, t.body, err = f.sees(ctx, s, g, &e); err != nil || t.body == nil || content == contentEmpty {
		return t, err
	}
	for _, target := range f.beside(s, e.Type, t.body) {
		v, err := f.reads(ctx, s, g, &Event{Type: target.Type, ID: target.ID}, store.Latest)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return t, err
		}
		if v == nil || v.Deleted {
			continue // it is not there, or not for this subscriber
		}
		body, _, err := f.body(ctx, s, g, v)
		if err != nil {
			return t, err
		}
		t.beside = append(t.beside, telling{Event: Event{Type: v.Type, ID: v.ID, Version: v.Version, At: v.Recorded}, version: v, body: body})
	}
	return t, nil
}

// beside are the resources that a topic tells beside one: what it refers to.
func (f *Follower) beside(s *entry, typ string, body []byte) (out []search.Target) {
	canonical, _, _ := strings.Cut(s.req.topic, "|")
	topic := f.topics[canonical]
	if topic == nil || len(topic.Shapes) == 0 {
		return nil
	}
	res, err := fhir.ParseTrusted(body)
	if err != nil {
		return nil
	}
	for _, shape := range topic.Shapes {
		if shape.Type != typ {
			continue
		}
		for _, name := range shape.Includes {
			p := f.parameters().Lookup(typ, name)
			if p == nil || p.Kind != search.Reference {
				continue
			}
			p.References(res, func(t search.Target) bool {
				here := t.Type != "" && (t.URL == "" || strings.HasPrefix(t.URL, s.sub.Base+"/"))
				if t.URL = ""; here && !slices.Contains(out, t) {
					out = append(out, t)
				}
				return len(out) == mostContext
			})
		}
	}
	return out[:min(len(out), mostContext)]
}
