package subscription

import (
	"cmp"
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

// topic is what a subscription is about; nil where its criteria are a search.
func (f *Follower) topic(s *entry) *Topic {
	canonical, _, _ := strings.Cut(s.req.topic, "|")
	return f.topics[canonical]
}

// tell is an event as the Grant shows it, with what its topic tells beside it.
// Without a version it is not shown.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html#additional-resources
func (f *Follower) tell(ctx context.Context, s *entry, g grant.Grant, e Event, content string) (t telling, err error) {
	t.Event = e
	if t.version, t.body, err = f.sees(ctx, s, g, &e); err != nil || t.version == nil {
		return t, err
	}
	topic := f.topic(s)
	if topic == nil {
		return t, nil
	}
	if topic.ofMessages(e.Type) {
		shown, at, err := f.whole(ctx, s, g, t.version)
		if err != nil || !shown {
			return telling{Event: e, until: at}, err
		}
	}
	if t.body != nil && content != contentEmpty {
		t.beside, err = f.beside(ctx, s, g, &t, topic.shaped(e.Type))
	}
	return t, err
}

// beside are the resources that are reached from a focus, the nearest first, as
// far as the Grant shows them.
func (f *Follower) beside(ctx context.Context, s *entry, g grant.Grant, focus *telling, steps []Directive) (out []telling, err error) {
	if len(steps) == 0 {
		return nil, nil
	}
	bytes := 0
	seen := map[search.Target]bool{{Type: focus.Type, ID: focus.ID}: true}
	for at := 0; at <= len(out); at++ {
		from := focus
		if at > 0 {
			last := out[at-1]
			from = &last
		}
		for _, d := range steps {
			if at > 0 && !d.Iterate {
				continue
			}
			found, err := f.reached(ctx, s, g, d, from, seen)
			if err != nil {
				return nil, err
			}
			for _, t := range found {
				if bytes += len(t.body); len(out) == mostContext || bytes > maxBytes {
					return out, nil
				}
				seen[search.Target{Type: t.Type, ID: t.ID}] = true
				out = append(out, t)
			}
		}
	}
	return out, nil
}

// reached is where one directive leads from a resource, without what was seen.
func (f *Follower) reached(ctx context.Context, s *entry, g grant.Grant, d Directive, from *telling, seen map[search.Target]bool) (out []telling, err error) {
	if d.Reverse {
		return f.referring(ctx, s, g, d, from, seen)
	}
	if d.Type != from.Type {
		return nil, nil
	}
	res, err := fhir.ParseTrusted(from.body)
	if err != nil {
		return nil, err
	}
	var targets []search.Target
	for _, p := range f.by(d) {
		p.References(res, func(t search.Target) bool {
			here := t.Type != "" && (t.URL == "" || strings.HasPrefix(t.URL, s.sub.Base+"/"))
			if t.URL = ""; here && (d.Target == "" || d.Target == t.Type) && !seen[t] && !slices.Contains(targets, t) {
				targets = append(targets, t)
			}
			return len(targets) == mostContext
		})
	}
	for _, t := range targets {
		v, err := f.readsBeside(ctx, s, g, t)
		if err != nil {
			return nil, err
		}
		if v == nil || v.Deleted {
			continue // it is not there, or not for this subscriber
		}
		one, err := f.asBeside(ctx, s, g, v)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// by are the parameters of a directive, those of references.
func (f *Follower) by(d Directive) (out []*search.Parameter) {
	list := []*search.Parameter{f.parameters().Lookup(d.Type, d.By)}
	if d.By == "*" {
		list = f.parameters().Of(d.Type)
	}
	for _, p := range list {
		if p != nil && p.Kind == search.Reference {
			out = append(out, p)
		}
	}
	return out
}

// directory are the types of no person that everybody may look up.
var directory = []string{"Organization", "Practitioner", "PractitionerRole", "Location", "HealthcareService", "Endpoint", "Medication", "Substance"}

// readsBeside is reads, and of the directory what everybody may look up.
func (f *Follower) readsBeside(ctx context.Context, s *entry, g grant.Grant, t search.Target) (*store.Version, error) {
	v, err := f.reads(ctx, s, g, &Event{Type: t.Type, ID: t.ID}, store.Latest)
	if v != nil || err != nil || !slices.Contains(directory, t.Type) {
		return v, err
	}
	if v, err = f.Records.DirectoryVersion(ctx, g, t.Type, t.ID); fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return v, err
}

func (f *Follower) asBeside(ctx context.Context, s *entry, g grant.Grant, v *store.Version) (telling, error) {
	body, _, err := f.body(ctx, s, g, v)
	return telling{Event: Event{Type: v.Type, ID: v.ID, Version: v.Version, At: v.Recorded}, version: v, body: body}, err
}

// referring are the resources that refer to one, the newest first.
func (f *Follower) referring(ctx context.Context, s *entry, g grant.Grant, d Directive, to *telling, seen map[search.Target]bool) (out []telling, err error) {
	parameters := slices.DeleteFunc(f.by(d), func(p *search.Parameter) bool { return len(p.Targets) > 0 && !slices.Contains(p.Targets, to.Type) })
	if d.Target != "" && d.Target != to.Type || len(parameters) == 0 {
		return nil, nil
	}
	candidates, err := f.around(ctx, s, g, d.Type, to)
	if err != nil {
		return nil, err
	}
	for _, v := range candidates {
		res, err := v.Resource()
		if err != nil {
			return nil, err
		}
		refers := false
		for _, p := range parameters {
			p.References(res, func(t search.Target) bool {
				refers = refers || t.Type == to.Type && t.ID == to.ID && (t.URL == "" || strings.HasPrefix(t.URL, s.sub.Base+"/"))
				return refers
			})
		}
		if !refers || seen[search.Target{Type: v.Type, ID: v.ID}] {
			continue
		}
		t, err := f.asBeside(ctx, s, g, v)
		if err != nil {
			return nil, err
		}
		if out = append(out, t); len(out) == mostContext {
			break
		}
	}
	return out, nil
}

// around are the resources of a type that may refer to one, the newest first:
// those of the same record, and of a source system's what stands elsewhere.
func (f *Follower) around(ctx context.Context, s *entry, g grant.Grant, typ string, to *telling) ([]*store.Version, error) {
	list, _, err := f.Store.Enclosing(ctx, to.Type, to.ID, store.Latest, g.Predicate(), typ)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	list = slices.Clone(list)
	if s.sub.Citizen == "" {
		named := [][]string{{search.ReferenceToken(search.Target{Type: to.Type, ID: to.ID})}}
		found, err := f.Store.Search(ctx, store.Query{Type: typ, Groups: named, N: store.Latest, Limit: 10 * mostContext, Bodies: true}, g.Predicate())
		if err != nil {
			return nil, err
		}
		for _, x := range found {
			list = append(list, x.Version)
		}
	}
	list = slices.DeleteFunc(list, func(v *store.Version) bool { return v == nil || v.Deleted })
	slices.SortFunc(list, func(a, b *store.Version) int { return cmp.Compare(b.Item, a.Item) })
	return slices.CompactFunc(list, func(a, b *store.Version) bool { return a.Item == b.Item }), nil
}
