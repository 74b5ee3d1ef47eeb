package subscription

import (
	"context"
	"errors"
	"sync"
	"time"

	"selda/fault"
)

// Of what is not accepted.
const (
	week        = 7 * 24 * time.Hour // it is tried for that long
	firstWait   = 2 * time.Second
	longestWait = time.Hour
	// manyFailures in a row, and the subscription is said to fail.
	manyFailures = 3
)

// backOff is how long to wait after so many failures in a row: twice as long
// each time, to an hour, spread so that not all come back at once.
func (f *Follower) backOff(failures int) time.Duration {
	d := longestWait
	if failures < 12 {
		d = min(firstWait<<max(failures-1, 0), longestWait)
	}
	return time.Duration(float64(d) * (0.8 + 0.2*f.Jitter()))
}

// never is when there is nothing to do until something happens.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// serve does what is due for one subscription, and says when it is due again.
func (f *Follower) serve(ctx context.Context, e *entry) {
	next := f.Now().Add(firstWait)
	for range 256 { // others have their turn, too
		f.mu.Lock()
		e.next = never // an event that comes from here on is seen
		f.mu.Unlock()
		at, again, err := f.once(ctx, e)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, errLed) {
				f.Log.Warn("a subscription could not be served", "subscription", e.sub.ID, "reason", fault.Reason(err))
			}
			next = f.Now().Add(firstWait)
			break
		}
		next = at
		if !again || ctx.Err() != nil {
			break
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e.running = false
	if next.Before(e.next) {
		e.next = next
	}
}

// state is an entry as it was at one moment.
func (f *Follower) state(e *entry) entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *e
}

// once does one thing that is due. again says that there may be more at once.
func (f *Follower) once(ctx context.Context, e *entry) (next time.Time, again bool, err error) {
	s := f.state(e)
	now := f.Now()
	switch {
	case !s.sub.Live():
		return never, false, nil
	case s.broken != nil:
		return never, false, f.stop(ctx, s.sub, "it can't be read any more: "+fault.Reason(s.broken))
	case !s.req.end.IsZero() && !now.Before(s.req.end):
		return never, false, f.stop(ctx, s.sub, "its end has come")
	case now.Before(s.pause):
		return s.pause, false, nil
	}
	if _, ok := f.Account(s.sub.User, s.sub.Purpose); !ok {
		return never, false, f.stop(ctx, s.sub, errGone.Error())
	}
	if !s.sub.Greeted {
		return f.handshake(ctx, e, s)
	}
	width := atOnceForOne
	if s.failures > 0 {
		width = 1 // one asks whether it is there again
	}
	lanes, next, err := f.Queue.Due(ctx, s.sub.Key, now, width)
	if err != nil {
		return never, false, err
	}
	if len(lanes) > 0 {
		return f.lanes(ctx, e, s, lanes)
	}
	if next.IsZero() {
		next = never
	}
	return f.heartbeat(ctx, e, s, next)
}

// lanes has a turn at each of some lanes, at the same time.
func (f *Follower) lanes(ctx context.Context, e *entry, s entry, lanes []Lane) (next time.Time, again bool, err error) {
	results := make([]result, len(lanes))
	var wg sync.WaitGroup
	for i := range lanes {
		wg.Go(func() { results[i] = f.turn(ctx, &s, lanes[i]) })
	}
	wg.Wait()
	sent, failed := false, error(nil)
	for _, r := range results {
		if r.err != nil {
			err = r.err
		}
		sent = sent || r.sent
		if r.failed != nil {
			failed = r.failed
		}
	}
	switch {
	case err != nil:
		return never, false, err
	case sent:
		err = f.succeeded(ctx, e)
	case failed != nil && s.req.kind == websocket:
		f.detach(s.socket) // who binds again is told again
		return never, false, nil
	case failed != nil:
		err = f.failed(ctx, e, failed)
	}
	return f.Now(), true, err
}

// heartbeat tells that there is nothing to tell, where that is asked for.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html
func (f *Follower) heartbeat(ctx context.Context, e *entry, s entry, next time.Time) (time.Time, bool, error) {
	if s.req.heartbeat == 0 {
		return next, false, nil
	}
	if at := s.heard.Add(s.req.heartbeat); f.Now().Before(at) {
		return earlier(next, at), false, nil
	}
	now := f.Now()
	hushed, at, err := f.quiet(ctx, &s, now)
	switch {
	case err != nil:
		return never, false, err
	case at.IsZero():
		return next, false, nil
	case !at.Equal(now):
		return earlier(next, at), false, nil
	}
	return f.say(ctx, e, *hushed, "heartbeat")
}

// handshake asks the endpoint whether it will be told.
func (f *Follower) handshake(ctx context.Context, e *entry, s entry) (time.Time, bool, error) {
	if s.req.topic == "" || s.req.kind == email {
		return f.Now(), true, f.succeeded(ctx, e)
	}
	return f.say(ctx, e, s, "handshake")
}

// say sends a notification that is of no event.
func (f *Follower) say(ctx context.Context, e *entry, s entry, kind string) (time.Time, bool, error) {
	w, err := f.Ledger.Waits(ctx, s.sub.Key)
	if err != nil {
		return never, false, err
	}
	n := &notification{sub: s.sub, req: s.req, kind: kind, status: s.sub.Status, numbered: w.Numbered, at: f.Now()}
	if err := f.send(ctx, &s, n); err != nil && s.req.kind == websocket {
		f.detach(s.socket)
		return never, false, nil
	} else if err != nil {
		return f.Now(), true, f.failed(ctx, e, err)
	}
	return f.Now(), true, f.succeeded(ctx, e)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// send sends a notification by its channel.
func (f *Follower) send(ctx context.Context, s *entry, n *notification) error {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.slots }()
	ctx, cancel := context.WithTimeout(ctx, s.req.timeout)
	defer cancel()
	switch s.req.kind {
	case restHook:
		if s.req.topic == "" {
			return f.hook.tell(ctx, s.req, n)
		}
		return f.hook.post(ctx, s.req, s.req.endpoint, n)
	case message:
		return f.hook.message(ctx, s.req, n)
	case email:
		return f.Mail.send(ctx, s.req, n)
	case websocket:
		return s.socket.send(ctx, s.req, n)
	}
	return &rejection{words: "there is no such channel"}
}

// rejection is a notification that was not accepted. Its words hold nothing of
// what was to be told, and nothing of what the other side said.
type rejection struct {
	words string
	doubt bool // it may have arrived
}

func (r *rejection) Error() string { return r.words }

// succeeded notes that something was accepted.
func (f *Follower) succeeded(ctx context.Context, e *entry) error {
	f.mu.Lock()
	many := e.failures >= manyFailures
	e.failures, e.failing, e.pause, e.heard = 0, time.Time{}, time.Time{}, f.Now()
	sub := *e.sub
	f.mu.Unlock()
	if many || sub.Status == Failing {
		// Those that waited long need not wait longer.
		if err := f.Ledger.Wake(ctx, sub.Key, f.Now(), false); err != nil {
			return err
		}
	}
	if sub.Status == Active && sub.Greeted || !sub.Live() {
		return nil
	}
	sub.Status, sub.Reason, sub.FailingSince, sub.Greeted = Active, "", time.Time{}, true
	return f.save(ctx, &sub)
}

// failed notes that something was not accepted: the subscription rests, and
// one that has accepted nothing for a week is turned off.
func (f *Follower) failed(ctx context.Context, e *entry, failure error) error {
	if ctx.Err() != nil {
		return nil // this node ends; the endpoint is not at fault
	}
	now := f.Now()
	f.mu.Lock()
	e.failures++
	if e.failing.IsZero() {
		e.failing = now
	}
	failures, since := e.failures, e.failing
	e.pause = now.Add(f.backOff(failures))
	sub := *e.sub
	f.mu.Unlock()
	reason := reasonOf(failure)
	switch {
	case !sub.Live():
		return nil // the owner has turned it off meanwhile
	case now.Sub(since) >= week:
		return f.stop(ctx, &sub, reason+"; nothing was accepted for a week")
	case sub.Status == Active && failures >= manyFailures, sub.Status == Requested:
		sub.Status, sub.Reason, sub.FailingSince = Failing, reason, since
		return f.save(ctx, &sub)
	}
	return nil
}

// reasonOf is a failure in words that hold nothing but ours.
func reasonOf(err error) string {
	var r *rejection
	if errors.As(err, &r) {
		return r.words
	}
	return "it could not be reached"
}

// stop turns a subscription off. What waits is kept: an operator can replay it.
func (f *Follower) stop(ctx context.Context, s *Subscription, reason string) error {
	t := *s
	t.Status, t.Reason = Off, reason
	if t.Behind == 0 {
		n, err := f.Queue.Position(ctx)
		if err != nil {
			return err
		}
		t.Behind = n + 1
	}
	return f.save(ctx, &t)
}
