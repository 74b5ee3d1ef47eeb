package subscription

import (
	"context"
	"slices"
	"time"

	"selda/access/grant"
	"selda/access/record"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/ingest/classify"
	"selda/mpi"
	"selda/store"
)

// result is what came of a turn: err is a fault of ours, failed one of theirs.
type result struct {
	sent   bool
	failed error
	err    error
}

// maxBytes is how much one notification tells at most, the first event aside.
const maxBytes = 4 << 20

// turn tells the first events of one lane. Under whose Grant is asked now, and
// what it does not show is gone: it was not for this subscriber.
func (f *Follower) turn(ctx context.Context, s *entry, l Lane) (r result) {
	under, ok := store.Lease{}, true
	if s.req.kind != websocket { // which is told where the socket is
		under, ok = f.leader.under(f)
	}
	if !ok {
		return result{err: errLed}
	}
	events, numbered, err := f.Queue.Head(ctx, s.sub.Key, l.Name, s.req.maxCount)
	if err != nil || len(events) == 0 {
		return result{err: err}
	}
	t := Turn{Under: under, Subscription: s.sub.Key, Lane: l.Name, At: f.Now(), Attempts: l.Attempts, Next: l.Next}
	s, at, err := f.quiet(ctx, s, t.At)
	if err != nil {
		return result{err: err}
	}
	if !at.Equal(t.At) {
		put(&t, events, at)
		_, err := f.record(ctx, t)
		return result{err: err}
	}
	told, err := f.shown(ctx, s, events, &t)
	if err != nil {
		return result{err: err}
	}
	for _, e := range told {
		if e.Number == 0 {
			t.Number = append(t.Number, e.Seq)
		}
	}
	if len(t.Drop)+len(t.Hold)+len(t.Number) > 0 {
		numbers, err := f.record(ctx, t)
		if err != nil {
			return result{err: err}
		}
		for i := range told {
			if n, ok := numbers[told[i].Seq]; ok {
				told[i].Number = n
			}
			numbered = max(numbered, told[i].Number)
		}
	}
	if len(told) == 0 {
		return result{}
	}
	n := &notification{sub: s.sub, req: s.req, kind: "event-notification", status: s.sub.Status, numbered: numbered, at: f.Now(), events: told}
	failure := f.send(ctx, s, n)
	if failure != nil && ctx.Err() != nil {
		failure = &rejection{words: "this server was stopped", doubt: true}
	}
	_, err = f.record(ctx, f.outcome(under, l, told, failure))
	return result{sent: failure == nil, failed: failure, err: err}
}

// recording is a turn that is to be recorded.
type recording struct {
	turn    Turn
	done    bool
	numbers map[int64]uint64
	err     error
}

// record records a turn, together with those that come at the same time: one
// flush to disk serves many lanes.
func (f *Follower) record(ctx context.Context, t Turn) (map[int64]uint64, error) {
	r := &recording{turn: t}
	f.mu.Lock()
	f.toRecord = append(f.toRecord, r)
	f.mu.Unlock()
	f.recording.Lock()
	defer f.recording.Unlock()
	if r.done {
		return r.numbers, r.err
	}
	f.mu.Lock()
	list := f.toRecord
	f.toRecord = nil
	f.mu.Unlock()
	turns := make([]Turn, len(list))
	for i, x := range list {
		turns[i] = x.turn
	}
	numbers, err := f.Queue.Record(context.WithoutCancel(ctx), turns...)
	for i, x := range list {
		if x.done, x.err = true, err; err == nil {
			x.numbers = numbers[i]
		}
	}
	return r.numbers, r.err
}

// outcome is what is recorded of a notification.
func (f *Follower) outcome(under store.Lease, l Lane, told []telling, failure error) Turn {
	t := Turn{Under: under, Subscription: told[0].Subscription, Lane: l.Name, At: f.Now()}
	var seqs []int64
	for _, e := range told {
		seqs = append(seqs, e.Seq)
	}
	if failure == nil {
		t.Done, t.Next = seqs, t.At // behind the lanes that have waited longer
		return t
	}
	r, known := failure.(*rejection)
	t.Tried, t.Doubt = seqs, !known || r.doubt
	t.Attempts = l.Attempts + 1
	t.Next = t.At.Add(f.backOff(t.Attempts))
	if first := told[0].Tried; !first.IsZero() && t.At.Sub(first) >= week {
		// The others of this citizen have waited for it, and now go on.
		t.Aside, t.Reason, t.Attempts, t.Next = seqs[:1], reasonOf(failure), 0, t.At
	}
	return t
}

// telling is an event as it is told: with the version that it is about, where
// that is shown.
type telling struct {
	Event
	version *store.Version
	body    []byte
	beside  []telling // what is told with it
	until   time.Time // when it may be shown, of one that is not
}

// size is how many bytes are told of it.
func (t *telling) size() int {
	n := len(t.body)
	for _, b := range t.beside {
		n += len(b.body)
	}
	return n
}

// shown asks for the subscriber's Grant, and gives the events that it shows;
// the turn takes the others. One that may have been told before keeps its place,
// without anything but its number: another can't have that.
func (f *Follower) shown(ctx context.Context, s *entry, events []Event, turn *Turn) (told []telling, err error) {
	g, permitted, err := f.grant(ctx, s.sub)
	if err != nil {
		return nil, err
	}
	bytes := 0
	for _, e := range events {
		t := telling{Event: e}
		if permitted {
			if t, err = f.tell(ctx, s, g, e, s.req.content); err != nil {
				return nil, err
			}
		}
		if t.version == nil && !e.Doubt {
			at := t.until
			if permitted && at.IsZero() {
				if at, err = f.released(ctx, s, g, &e); err != nil {
					return nil, err
				}
			}
			switch {
			case at.IsZero():
				turn.Drop = append(turn.Drop, e.Seq)
				continue
			case len(turn.Hold) == 0 || at.Equal(turn.Until):
				turn.Hold, turn.Until = append(turn.Hold, e.Seq), at
				continue
			}
			break // it is held by the next turn
		}
		if bytes += t.size(); bytes > maxBytes && len(told) > 0 {
			break
		}
		told = append(told, t)
	}
	return told, nil
}

// released is when a result that is held back from the citizen reaches them, if
// nobody reviews it before (G10); zero where it does not by time alone.
func (f *Follower) released(ctx context.Context, s *entry, g grant.Grant, e *Event) (time.Time, error) {
	p := g.Predicate()
	if p.Release == nil {
		return time.Time{}, nil
	}
	r := *p.Release
	r.Now = never
	p.Release = &r
	v, err := f.Store.Read(ctx, e.Type, e.ID, store.Latest, p)
	if fault.Is(err, fault.NotFound) || err == nil && (v.Version != e.Version || v.Deleted) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	since := v.Recorded
	if !v.Reported.IsZero() && v.Reported.Before(since) {
		since = v.Reported
	}
	if at := since.Add(r.Delay); at.After(f.Now()) {
		return at, nil
	}
	return time.Time{}, nil
}

// grant asks for what the subscriber may see now. It is asked of access as if
// they read it themselves, and stands in the trail so.
func (f *Follower) grant(ctx context.Context, s *Subscription) (g grant.Grant, permitted bool, err error) {
	subject, ok := f.Account(s.User, s.Purpose)
	if !ok {
		return g, false, nil
	}
	g, err = f.Access.Subscribed(ctx, subject, s.Citizen, "Subscription/"+s.ID+": a notification")
	if fault.Is(err, fault.Security) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Login) {
		return g, false, nil
	}
	return g, err == nil, err
}

// sees gives the version that an event is about, and its content as the
// subscriber may see it; nil where it is not shown, or no longer.
func (f *Follower) sees(ctx context.Context, s *entry, g grant.Grant, e *Event) (*store.Version, []byte, error) {
	v, err := f.reads(ctx, s, g, e, store.Latest)
	if v != nil && v.Version != e.Version {
		v, err = f.reads(ctx, s, g, e, e.N)
	}
	if v == nil || err != nil {
		return nil, nil, err
	}
	if v.Deleted {
		return v, nil, nil
	}
	body, less, err := f.body(ctx, s, g, v)
	if err != nil || less && !s.asked(v, body) {
		return nil, nil, err // what is not shown is not found either (G13)
	}
	return v, body, nil
}

// body is a version as the subscriber may see it, people with the labels that were found
// in it (G8), so that who takes it further can honour them; less says that something was
// left out: where somebody lives whose place is restricted.
func (f *Follower) body(ctx context.Context, s *entry, g grant.Grant, v *store.Version) (body []byte, less bool, err error) {
	body = v.Body
	if s.sub.Citizen != "" && record.TellsPlaces(v.Type) {
		view, err := f.Records.Open(ctx, g, "Patient")
		if err != nil {
			return nil, false, err
		}
		if view.Person.Restricted {
			body = record.Placeless(v.Type, body)
			less = len(body) != len(v.Body)
		}
	}
	body = fhir.Dress(body, v.ID, itoa(v.Version), v.Recorded)
	if s.sub.Citizen == "" || v.Labels&classify.Sensitive == 0 {
		return body, less, nil
	}
	r, err := v.Resource()
	if err != nil {
		return nil, false, err
	}
	return classify.Tell(body, f.lists().Found(r, v.Source, v.Labels)), less, nil
}

// reads gives a version under the Grant; nil where it is not shown.
func (f *Follower) reads(ctx context.Context, s *entry, g grant.Grant, e *Event, n uint64) (*store.Version, error) {
	v, err := f.Store.Read(ctx, e.Type, e.ID, n, g.Predicate())
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if s.sub.Citizen != "" && !slices.ContainsFunc(g.Citizen().Subjects, func(k mpi.Known) bool { return k.Subject == v.Subject }) {
		return nil, nil
	}
	return v, nil
}

// asked says whether a resource still passes what was asked for when something
// of it is taken out.
func (s *entry) asked(v *store.Version, body []byte) bool {
	res, err := fhir.ParseTrusted(body)
	if err != nil {
		return false
	}
	is := &side{search.Candidate{Type: v.Type, ID: v.ID, Updated: v.Recorded, Res: res}}
	for _, w := range s.watches {
		if w.Type == v.Type && pass(w.filters, is, false) && pass(w.current, is, false) {
			return true
		}
	}
	return false
}
