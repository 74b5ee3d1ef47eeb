package subscription

import (
	"context"
	"slices"
	"strconv"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Of one batch: commits at most, and versions, about.
const (
	batchCommits  = 1000
	batchVersions = 500
)

// follow reads one batch of the log, and puts what may concern a subscription
// into its queue. What it finds is not told yet: that is decided when it is sent.
func (f *Follower) follow(ctx context.Context) (more bool, err error) {
	under, ok := f.leader.under(f)
	if !ok {
		return false, nil
	}
	position, err := f.Queue.Position(ctx)
	if err != nil {
		return false, err
	}
	behind, err := f.catchUp(ctx, under, position)
	if err != nil {
		return false, err
	}
	live, types, start := f.watching()
	if len(live) == 0 {
		return behind, nil // who subscribes later is told what comes after
	}
	last, err := f.Store.N(ctx)
	if err != nil {
		return false, err
	}
	from := max(position, start)
	if from >= last {
		return behind, nil
	}
	read, err := f.readLog(ctx, under, position, from, last, live, types)
	if fault.Is(err, fault.Conflict) {
		return behind, nil // another node has read this part
	}
	return behind || read < last, err
}

// readLog reads a part of the log and enqueues what is found; it moves the
// position where that is behind what was read. read is up to where it came.
func (f *Follower) readLog(ctx context.Context, under store.Lease, position, from, last uint64, live []watcher, types []string) (read uint64, err error) {
	until := min(last, from+batchCommits)
	g, err := f.Access.Follow(ctx, "subscriptions", "changes "+strconv.FormatUint(from+1, 10)+" to "+strconv.FormatUint(until, 10))
	if err != nil {
		return from, err
	}
	versions, read, err := f.Store.Changes(ctx, store.Log{After: from, Until: until, Types: types, Limit: batchVersions}, g.Predicate())
	if err != nil {
		return from, err
	}
	if len(versions) < batchVersions {
		read = until
	}
	b := &batch{f: f, predicate: g.Predicate(), live: live, whose: map[store.Subject]whose{}, said: map[store.MessageID][]Coding{}}
	for i, v := range versions {
		if later(versions[i+1:], v) {
			continue // one commit is one event
		}
		if err := b.take(ctx, v); err != nil {
			return from, err
		}
	}
	if err := b.linked(ctx, from, read); err != nil {
		return from, err
	}
	if err = f.Queue.Enqueue(ctx, under, position, max(position, read), b.events); err == nil {
		f.kick(b.events)
	}
	return read, err
}

// catchUp reads a batch for each of those that are behind what the others have
// read: one that another node took in a moment ago, one that was off. The others
// go on meanwhile. Only who leads does, so that the position stands still. more
// says that one is behind still.
func (f *Follower) catchUp(ctx context.Context, under store.Lease, position uint64) (more bool, err error) {
	for _, e := range f.all(func(e *entry) bool { return e.sub.Live() && e.sub.Behind > 0 && e.broken == nil }) {
		w, ok := f.watcher(e)
		if !ok {
			continue
		}
		waits, err := f.Ledger.Waits(ctx, e.sub.Key)
		if err != nil {
			return false, err
		}
		from := max(e.sub.Behind-1, waits.Last) // what was put before a node ended is not put again
		if from < position {
			w.start = from
			if from, err = f.readLog(ctx, under, position, from, position, []watcher{w}, typesOf(w)); err != nil {
				return false, err
			}
		}
		sub := *e.sub
		if sub.Behind = from + 1; from >= position {
			sub.Behind = 0
		}
		if err := f.save(ctx, &sub); err != nil {
			return false, err
		}
		more = more || sub.Behind > 0
	}
	return more, nil
}

func typesOf(w watcher) (types []string) {
	for _, x := range w.watches {
		if !slices.Contains(types, x.Type) {
			types = append(types, x.Type)
		}
	}
	return types
}

// later says whether a commit has a later version of the same.
func later(rest []*store.Version, v *store.Version) bool {
	for _, w := range rest {
		if w.N != v.N {
			return false
		}
		if w.Item == v.Item {
			return true
		}
	}
	return false
}

// kick has those looked at that have new events.
func (f *Follower) kick(events []Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		if x := f.entries[e.Subscription]; x != nil {
			x.next = time.Time{}
		}
	}
}

// watcher is a subscription as the log is held against it.
type watcher struct {
	key     int64
	start   uint64
	source  nhs.Source    // of a source system: it is told what it wrote
	anchor  store.Subject // of people: whose record it is
	watches []*watch
}

// watching gives the subscriptions that get events, the types that they are
// about, and the n after which the first of them begins.
func (f *Follower) watching() (live []watcher, types []string, start uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	start = ^uint64(0)
	for _, e := range f.entries {
		w, ok := f.watcher(e)
		if !ok || e.sub.Behind > 0 {
			continue
		}
		live = append(live, w)
		start = min(start, w.start)
		types = append(types, typesOf(w)...)
	}
	slices.Sort(types)
	slices.SortFunc(live, func(a, b watcher) int { return int(a.key - b.key) })
	return live, slices.Compact(types), start
}

// watcher is a subscription as the log is held against it; ok is false where
// it is told nothing.
func (f *Follower) watcher(e *entry) (w watcher, ok bool) {
	if !e.sub.Live() || e.broken != nil {
		return w, false
	}
	w = watcher{key: e.sub.Key, start: e.sub.Start, anchor: e.sub.Anchor, watches: e.watches}
	if e.sub.Citizen == "" {
		s, ok := f.Account(e.sub.User, e.sub.Purpose)
		w.source = s.Source
		return w, ok && s.Source != ""
	}
	return w, true
}

// whose is whom a subject belongs to.
type whose struct {
	citizen  string
	subjects []store.Subject
}

// batch is one that is being read.
type batch struct {
	f         *Follower
	predicate *policy.Predicate
	live      []watcher
	whose     map[store.Subject]whose
	said      map[store.MessageID][]Coding // what messages say has happened
	events    []Event
}

// take holds one version against all that is watched for.
func (b *batch) take(ctx context.Context, v *store.Version) error {
	var was, is [2]*side // as people are told of it, and as its source wrote it
	change := Updated
	switch {
	case v.Deleted:
		change = Deleted
	case v.Version == 1:
		change = Created
	}
	for i := range b.live {
		w := &b.live[i]
		if v.N <= w.start || w.source != "" && v.Source != w.source {
			continue
		}
		for _, x := range w.watches {
			if x.Type != v.Type {
				continue
			}
			if w.source == "" {
				mine, err := b.belongs(ctx, w, v.Subject)
				if err != nil {
					return err
				}
				if !mine {
					break
				}
			}
			var err error
			as, people := 0, w.source == ""
			if !people {
				as = 1
			}
			if is[as] == nil {
				if is[as], err = b.f.sideOf(v, people); err != nil {
					return err
				}
			}
			if was[as] == nil && (x.before() || change == Deleted) {
				if was[as], err = b.before(ctx, v, people); err != nil {
					return err
				}
			}
			ok := x.matches(change, was[as], is[as])
			if ok && x.Events != nil {
				ok, err = b.happened(ctx, v.Message, x.Events)
			}
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := b.add(ctx, w, v, change); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// add puts an event into the queue of one subscription.
func (b *batch) add(ctx context.Context, w *watcher, v *store.Version, change Change) (err error) {
	lane := "record" // of people, who are told of one
	if w.source != "" {
		if lane, err = b.lane(ctx, v.Subject); err != nil {
			return err
		}
	}
	b.events = append(b.events, Event{Subscription: w.key, Lane: lane, Subject: v.Subject, N: v.N, At: v.Recorded, Type: v.Type, ID: v.ID, Version: v.Version, Change: change})
	return nil
}

// sideOf is a version as the log is held against what is asked: people's as it is
// told them, with the labels that were found in it.
func (f *Follower) sideOf(v *store.Version, people bool) (*side, error) {
	s := &side{search.Candidate{Type: v.Type, ID: v.ID, Updated: v.Recorded}}
	if v.Deleted {
		return s, nil
	}
	var err error
	if s.Res, err = v.Resource(); err != nil || !people {
		return s, err
	}
	if found := f.lists().Found(s.Res, v.Source, v.Labels); found != 0 {
		s.Res, err = fhir.ParseTrusted(classify.Tell(v.Body, found))
	}
	return s, err
}

// before is the version that a change replaced.
func (b *batch) before(ctx context.Context, v *store.Version, people bool) (*side, error) {
	if v.Version == 1 {
		return &side{}, nil
	}
	p, err := b.f.Store.Read(ctx, v.Type, v.ID, v.N-1, b.predicate)
	if fault.Is(err, fault.NotFound) {
		return &side{}, nil
	}
	if err != nil {
		return nil, err
	}
	return b.f.sideOf(p, people)
}

// of says whom a subject belongs to now.
func (b *batch) of(ctx context.Context, s store.Subject) (whose, error) {
	if w, ok := b.whose[s]; ok {
		return w, nil
	}
	var w whose
	if s != store.Shared {
		id, err := b.f.Index.CitizenID(ctx, s)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return w, err
		}
		if w.citizen = id; err == nil {
			found, err := b.f.Index.Citizen(ctx, id, store.Latest)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return w, err
			}
			for _, k := range found.Subjects {
				w.subjects = append(w.subjects, k.Subject)
			}
		}
	}
	b.whose[s] = w
	return w, nil
}

// belongs says whether a subject is of the citizen whom somebody watches.
func (b *batch) belongs(ctx context.Context, w *watcher, s store.Subject) (bool, error) {
	if s == store.Shared {
		return false, nil
	}
	if s == w.anchor {
		return true, nil
	}
	of, err := b.of(ctx, s)
	return slices.Contains(of.subjects, w.anchor), err
}

// lane names the lane of a subject: the citizen's.
func (b *batch) lane(ctx context.Context, s store.Subject) (string, error) {
	if s == store.Shared {
		return "shared", nil
	}
	of, err := b.of(ctx, s)
	if of.citizen == "" {
		return "subject " + strconv.FormatInt(int64(s), 10), err
	}
	return of.citizen, err
}
