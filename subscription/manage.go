package subscription

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
)

// Resource is a Subscription as its owner reads it.
type Resource struct {
	ID      string
	Version int
	At      time.Time
	Body    []byte // with id and meta
	Made    bool   // by the call that gives it
}

// MostOfOne is how many subscriptions one account has at most.
const MostOfOne = 200

// Full refuses one more than that.
func Full(op string) error {
	return fault.E(op, fault.Throttled, "an account has at most 200 Subscriptions: delete one first")
}

const place = "Subscription.criteria"

// Put makes a Subscription, or changes what its owner has. id is "" where the
// server chooses it; match is the version that must be in force, 0 for any.
func (f *Follower) Put(ctx context.Context, s policy.Subject, base, id string, match int, compact []byte) (*Resource, error) {
	if err := f.fresh(ctx, s.User); err != nil {
		return nil, err
	}
	return f.change(ctx, s, base, id, match, compact, 5)
}

func (f *Follower) change(ctx context.Context, s policy.Subject, base, id string, match int, compact []byte, tries int) (*Resource, error) {
	const op = "subscription.Put"
	if id != "" && !fhir.IsID(id) {
		return nil, fault.E(op, fault.Value, "this is no id", "Subscription.id")
	}
	res, err := fhir.ParseTrusted(compact)
	if err != nil {
		return nil, err
	}
	q, err := readRequest(res)
	if err != nil {
		return nil, err
	}
	old, count := f.find(s.User, id)
	sub := &Subscription{ID: id, User: s.User}
	switch {
	case old != nil:
		*sub = *old.sub
	case match > 0:
		return nil, fault.E(op, fault.Conflict, "another version is in force")
	case count >= MostOfOne: // those made at this moment are counted as they are saved
		return nil, Full(op)
	}
	if match > 0 && match != sub.Version {
		return nil, fault.E(op, fault.Conflict, "another version is in force")
	}
	if old != nil {
		q.headers = unmask(q.headers, old.req.headers)
	}
	if slices.ContainsFunc(q.headers, isMasked) {
		return nil, refuse(fault.Value, "say what the header's value is: none is kept of this name", "Subscription.channel.header")
	}
	if err := f.check(q); err != nil {
		return nil, err
	}
	action := audit.Create
	if old != nil {
		action = audit.Update
	}
	if err := f.admit(ctx, s, action, base, q, sub); err != nil {
		return nil, err
	}
	if err := f.fill(ctx, s, base, q, sub, compact); err != nil {
		return nil, err
	}
	if err := f.Register.SaveSubscription(ctx, sub); err != nil {
		if fault.Is(err, fault.Conflict) && tries > 0 {
			// The server itself notes how it goes: that is no other version.
			if err := f.load(ctx); err != nil {
				return nil, err
			}
			return f.change(ctx, s, base, id, match, compact, tries-1)
		}
		return nil, err
	}
	f.mu.Lock()
	e := f.put(sub)
	r := e.sub.resource()
	f.mu.Unlock()
	f.wake()
	r.Made = old == nil
	return r, nil
}

// find is somebody's Subscription by its id, and how many they have.
func (f *Follower) find(user, id string) (*entry, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	var found *entry
	for _, e := range f.entries {
		if e.sub.User != user {
			continue
		}
		if n++; id != "" && e.sub.ID == id {
			was := *e
			found = &was
		}
	}
	return found, n
}

// check says whether a channel can be had.
func (f *Follower) check(q *request) error {
	switch q.status {
	case Requested, Active, Failing, Off: // which of the first three it is, the server says
	case "":
		return refuse(fault.Required, "a new Subscription has the status requested", "Subscription.status")
	default:
		return refuse(fault.Value, "the status is requested or off", "Subscription.status")
	}
	if q.status != Off && !q.end.IsZero() && !f.Now().Before(q.end) {
		return refuse(fault.Value, "the end has passed: say a later one, or none", "Subscription.end")
	}
	for _, h := range q.headers {
		if err := checkHeader(h); err != nil {
			return err
		}
	}
	switch q.kind {
	case restHook, message:
		if q.endpoint == "" {
			return refuse(fault.Required, "say where to call", "Subscription.channel.endpoint")
		}
		return f.Calls.check(q.endpoint)
	case websocket:
		return nil
	case email:
		return f.Mail.check(q)
	}
	return refuse(fault.NotSupported, "the channels are rest-hook, websocket, email and message", "Subscription.channel.type")
}

// admit says whether somebody may have what they ask for: a source system what
// it wrote; anybody else the record of one citizen whom they may open.
func (f *Follower) admit(ctx context.Context, s policy.Subject, action, base string, q *request, sub *Subscription) error {
	r := f.reading(base, s.Role != nhs.SourceSystem)
	_, err := r.watches(q, f.topics)
	if s.Role == nhs.SourceSystem {
		if err != nil {
			return err
		}
		_, err = f.Access.System(ctx, s, action, "Subscription")
		sub.Citizen, sub.Anchor = "", 0
		return err
	}
	if err != nil {
		return err
	}
	citizen := r.patient
	if citizen == "" {
		if s.Role != nhs.Citizen {
			return refuse(fault.Required, "say whose record it is about: patient=Patient/…", place)
		}
		if citizen, err = f.Access.Own(ctx, s); err != nil {
			return err
		}
	}
	return f.whose(ctx, s, action, citizen, sub)
}

// whose opens the record that a Subscription is about. The id may be the
// citizen's, or that of a source's Patient.
func (f *Follower) whose(ctx context.Context, s policy.Subject, action, id string, sub *Subscription) error {
	g, err := f.Access.Record(ctx, s, id, "Subscription")
	if fault.Is(err, fault.NotFound) {
		g, err = f.Access.Item(ctx, s, "Patient", id, action)
	}
	if err != nil {
		return err
	}
	found := g.Citizen()
	if found.ID == "" || len(found.Subjects) == 0 {
		return fault.E("subscription.whose", fault.NotFound, "there is no such resource")
	}
	// An identity that was there before stays the one that it goes by.
	if sub.Citizen = found.ID; !slices.ContainsFunc(found.Subjects, func(k mpi.Known) bool { return k.Subject == sub.Anchor }) {
		sub.Anchor = found.Subjects[0].Subject
	}
	return nil
}

// fill makes what is kept of a request.
func (f *Follower) fill(ctx context.Context, s policy.Subject, base string, q *request, sub *Subscription, compact []byte) (err error) {
	if sub.ID == "" {
		var b [12]byte
		_, _ = rand.Read(b[:])
		sub.ID = hex.EncodeToString(b[:])
	}
	if sub.Sealed, err = f.seal.closeHeaders(q.headers); err != nil {
		return err
	}
	was := sub.Status
	sub.Purpose, sub.Base, sub.At, sub.Version = s.Purpose, base, f.Now(), sub.Version+1
	sub.Status, sub.Reason, sub.FailingSince, sub.Greeted = Requested, "", time.Time{}, false
	if q.status == Off {
		sub.Status = Off
	} else if q.kind == websocket {
		sub.Status, sub.Greeted = Active, true
	}
	if was == "" || was == Off {
		// What was changed while it was off is not told.
		if sub.Start, err = f.Store.N(ctx); err != nil {
			return err
		}
		sub.Behind = sub.Start + 1
	}
	body := fhir.Without(fhir.Bare(compact), "status", "error")
	sub.Body = fhir.Overlay(body, fhir.Marshal(fhir.Object{"channel": fhir.Object{"header": nil}}), "channel")
	if len(q.headers) > 0 {
		sub.Body = mask(body, q.headers)
	}
	return nil
}

// resource is a Subscription as its owner reads it.
func (s *Subscription) resource() *Resource {
	state := fhir.Object{"status": s.Status}
	if s.Reason != "" {
		state["error"] = s.Reason
	}
	return &Resource{ID: s.ID, Version: s.Version, At: s.At, Body: fhir.Dress(fhir.Overlay(s.Body, fhir.Marshal(state)), s.ID, itoa(s.Version), s.At)}
}

var errUnknown = fault.E("subscription", fault.NotFound, "there is no such resource")

// Get gives one that somebody has.
func (f *Follower) Get(ctx context.Context, s policy.Subject, id string) (*Resource, error) {
	if err := f.fresh(ctx, s.User); err != nil {
		return nil, err
	}
	e, _ := f.find(s.User, id)
	if e == nil {
		return nil, errUnknown
	}
	return e.sub.resource(), nil
}

// List gives those that somebody has, the oldest first.
func (f *Follower) List(ctx context.Context, s policy.Subject) (out []*Resource, err error) {
	if err := f.fresh(ctx, s.User); err != nil {
		return nil, err
	}
	for _, e := range f.all(func(e *entry) bool { return e.sub.User == s.User }) {
		out = append(out, e.sub.resource())
	}
	return out, nil
}

// History gives the versions of one that somebody has, or with no id of all,
// the latest first. With a Subscription its history is gone: it holds addresses.
func (f *Follower) History(ctx context.Context, s policy.Subject, id string) (out []*Resource, err error) {
	if err := f.fresh(ctx, s.User); err != nil {
		return nil, err
	}
	list := f.all(func(e *entry) bool { return e.sub.User == s.User && (id == "" || e.sub.ID == id) })
	if len(list) == 0 && id != "" {
		return nil, errUnknown
	}
	for _, e := range list {
		versions, err := f.Register.SubscriptionVersions(ctx, e.sub.Key)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			out = append(out, v.resource())
		}
	}
	slices.SortStableFunc(out, func(a, b *Resource) int { return b.At.Compare(a.At) })
	return out, nil
}

// all are entries as they stand, in order of key.
func (f *Follower) all(want func(*entry) bool) (out []*entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if want(e) {
			was := *e
			out = append(out, &was)
		}
	}
	slices.SortFunc(out, func(a, b *entry) int { return int(a.sub.Key - b.sub.Key) })
	return out
}

// removeAtOnce is how many events are taken away in one transaction.
const removeAtOnce = 1000

// Delete takes one away that somebody has, with all that waits.
func (f *Follower) Delete(ctx context.Context, s policy.Subject, id string) error {
	if err := f.fresh(ctx, s.User); err != nil {
		return err
	}
	e, _ := f.find(s.User, id)
	if e == nil {
		return errUnknown
	}
	f.mu.Lock()
	delete(f.entries, e.sub.Key)
	f.mu.Unlock()
	for {
		done, err := f.Register.RemoveSubscription(ctx, e.sub.Key, removeAtOnce)
		if done || err != nil {
			return err
		}
	}
}

// OwnedBy says whether somebody has a Subscription of this id.
func (f *Follower) OwnedBy(user, id string) bool {
	e, _ := f.find(user, id)
	return e != nil
}
