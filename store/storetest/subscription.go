package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"selda/fault"
	"selda/ingest"
	"selda/mpi"
	"selda/store"
	"selda/subscription"
)

// someone is a subscription that is kept.
func (b *box) someone(id string) *subscription.Subscription {
	b.Helper()
	s := &subscription.Subscription{ID: id, User: "system", Purpose: "TREAT", Version: 1, At: epoch, Status: subscription.Requested, Body: []byte(`{}`), Sealed: []byte{1, 2},
		Base: "http://here/fhir", Citizen: "c", Anchor: 7, Start: 3, Behind: 2, Greeted: true}
	b.must(b.SaveSubscription(b.ctx(), s))
	return s
}

// fullRegister: of those that are made at once no more are kept than an account may have,
// and another account has room still.
func fullRegister(b *box) {
	save := func(user string, i int) error {
		return b.SaveSubscription(b.ctx(), &subscription.Subscription{ID: fmt.Sprint("s", i), User: user, Body: []byte(`{}`)})
	}
	const left = 5
	for i := range subscription.MostOfOne - left {
		b.must(save("many", i))
	}
	var refused atomic.Int64
	var all sync.WaitGroup
	for i := range 4 * left {
		all.Go(func() {
			switch err := save("many", subscription.MostOfOne+i); {
			case fault.Is(err, fault.Throttled):
				refused.Add(1)
			case err != nil:
				b.Error(err)
			}
		})
	}
	all.Wait()
	list, err := b.Subscriptions(b.ctx(), "many")
	b.must(err)
	b.equal("how many are kept", len(list), subscription.MostOfOne)
	b.equal("how many are refused", int(refused.Load()), 3*left)
	b.must(save("other", 1))
	changed := list[0]
	changed.Reason = "still changed"
	b.must(b.SaveSubscription(b.ctx(), changed))
	_, err = b.RemoveSubscription(b.ctx(), changed.Key, 10)
	b.must(err)
	b.must(save("many", 0))
}

// registers: what is saved is read back; who saves has seen the last revision;
// an id is its owner's; what is removed is gone with its events.
func registers(b *box) {
	one := b.someone("a")
	two := b.someone("b")
	b.equal("keys", one.Key != 0 && two.Key > one.Key, true)
	err := b.SaveSubscription(b.ctx(), &subscription.Subscription{ID: "a", User: "system", Body: []byte(`{}`)})
	b.equal("the same id again", fault.Is(err, fault.Duplicate), true)
	b.must(b.SaveSubscription(b.ctx(), &subscription.Subscription{ID: "a", User: "other", Body: []byte(`{}`)}))
	old := *one
	one.Status, one.Reason, one.Version, one.FailingSince = subscription.Failing, "it does not answer", 2, epoch.Add(time.Hour)
	b.must(b.SaveSubscription(b.ctx(), one))
	b.equal("with an older revision", fault.Is(b.SaveSubscription(b.ctx(), &old), fault.Conflict), true)
	one.Status = subscription.Active // which is no other version
	b.must(b.SaveSubscription(b.ctx(), one))
	versions, err := b.SubscriptionVersions(b.ctx(), one.Key)
	b.must(err)
	b.equal("versions", fmt.Sprint(len(versions), versions[0].Version, versions[0].Status, versions[1].Version, versions[1].Status, versions[1].ID), fmt.Sprint(2, 2, subscription.Active, 1, subscription.Requested, "a"))
	others, err := b.Subscriptions(b.ctx(), "other")
	b.must(err)
	b.equal("of one account", len(others), 1)
	list, err := b.Subscriptions(b.ctx(), "")
	b.must(err)
	b.equal("how many", len(list), 3)
	b.equal("as saved", fmt.Sprintf("%+v", *list[0]), fmt.Sprintf("%+v", *one))
	b.must(b.Enqueue(b.ctx(), store.Lease{}, 0, 0, []subscription.Event{told(one, "x", 1), told(one, "y", 2), told(two, "x", 1)}))
	done, err := b.RemoveSubscription(b.ctx(), one.Key, 1)
	b.must(err)
	b.equal("removed at once", done, false)
	for !done {
		done, err = b.RemoveSubscription(b.ctx(), one.Key, 1)
		b.must(err)
	}
	gone, err := b.SubscriptionVersions(b.ctx(), one.Key)
	b.must(err)
	b.equal("versions of one that is gone", len(gone), 0)
	lanes, _, err := b.Due(b.ctx(), one.Key, epoch, 9)
	b.must(err)
	b.equal("lanes of one that is gone", len(lanes), 0)
	b.equal("of the other", b.heads(two, "x"), "x1 ")
}

func told(s *subscription.Subscription, lane string, n uint64) subscription.Event {
	return subscription.Event{Subscription: s.Key, Lane: lane, Subject: store.Subject(lane[0]), N: n, At: epoch, Type: "Observation", ID: fmt.Sprint(lane, n), Version: 1, Change: subscription.Updated}
}

// heads are the ids that wait in a lane, with their numbers.
func (b *box) heads(s *subscription.Subscription, lane string) (out string) {
	b.Helper()
	list, _, err := b.Head(b.ctx(), s.Key, lane, 10)
	b.must(err)
	for _, e := range list {
		if out += e.ID; e.Number > 0 {
			out += fmt.Sprint("=", e.Number)
		}
		out += " "
	}
	return out
}

func (b *box) turn(t subscription.Turn) map[int64]uint64 {
	b.Helper()
	t.At = epoch
	numbers, err := b.Record(b.ctx(), t)
	b.must(err)
	return numbers[0]
}

// queues: events and the position move together, or not at all; lanes come in
// the order in which they are due; a lane that is empty is gone.
func queues(b *box) {
	s := b.someone("a")
	b.must(b.Enqueue(b.ctx(), store.Lease{}, 0, 4, []subscription.Event{told(s, "x", 1), told(s, "y", 2), told(s, "x", 3)}))
	err := b.Enqueue(b.ctx(), store.Lease{}, 0, 5, []subscription.Event{told(s, "z", 5)})
	b.equal("the same part again", fault.Is(err, fault.Conflict), true)
	at, err := b.Position(b.ctx())
	b.must(err)
	b.equal("position", at, 4)
	lanes, next, err := b.Due(b.ctx(), s.Key, epoch, 1)
	b.must(err)
	b.equal("due", fmt.Sprint(len(lanes), lanes[0].Name, next.Equal(epoch)), fmt.Sprint(1, "x", true))
	list, _, err := b.Head(b.ctx(), s.Key, "x", 10)
	b.must(err)
	e := list[0]
	b.equal("as it was put", fmt.Sprint(e.Subject, e.N, e.At, e.Type, e.ID, e.Version, e.Change), fmt.Sprint(store.Subject('x'), 1, epoch, "Observation", "x1", 1, subscription.Updated))

	later := epoch.Add(time.Minute)
	b.turn(subscription.Turn{Subscription: s.Key, Lane: "x", Number: []int64{e.Seq}})
	b.turn(subscription.Turn{Subscription: s.Key, Lane: "x", Tried: []int64{e.Seq}, Doubt: true, Attempts: 2, Next: later})
	lanes, next, err = b.Due(b.ctx(), s.Key, epoch, 9)
	b.must(err)
	b.equal("due while x waits", fmt.Sprint(len(lanes), lanes[0].Name, next), fmt.Sprint(1, "y", later))
	lanes, _, err = b.Due(b.ctx(), s.Key, later, 9)
	b.must(err)
	b.equal("due later", fmt.Sprint(len(lanes), lanes[1].Name, lanes[1].Attempts), fmt.Sprint(2, "x", 2))
	list, _, err = b.Head(b.ctx(), s.Key, "x", 1)
	b.must(err)
	b.equal("after a try", fmt.Sprint(list[0].Number, list[0].Doubt, list[0].Tried), fmt.Sprint(1, true, epoch))

	b.turn(subscription.Turn{Subscription: s.Key, Lane: "x", Done: []int64{e.Seq}, Aside: []int64{list[0].Seq + 2}, Reason: "in vain"})
	lanes, _, err = b.Due(b.ctx(), s.Key, later, 9)
	b.must(err)
	b.equal("lanes left", fmt.Sprint(len(lanes), lanes[0].Name), fmt.Sprint(1, "y"))
	w, err := b.Waits(b.ctx(), s.Key)
	b.must(err)
	b.equal("waits", w, subscription.Waits{Last: 3, Waiting: 1, Aside: 1, Numbered: 1, Oldest: epoch})
	set, err := b.SetAside(b.ctx(), s.Key, 9)
	b.must(err)
	b.equal("set aside", fmt.Sprint(len(set), set[0].ID, set[0].Reason), fmt.Sprint(1, "x3", "in vain"))
	b.must(b.Wake(b.ctx(), s.Key, epoch, true))
	b.equal("replayed", b.heads(s, "x"), "x3 ")
	b.turn(subscription.Turn{Subscription: s.Key, Lane: "y", Hold: []int64{2}, Until: later})
	lanes, next, err = b.Due(b.ctx(), s.Key, epoch, 9)
	b.must(err)
	b.equal("while y is held", fmt.Sprint(len(lanes), lanes[0].Name, next), fmt.Sprint(1, "x", later))
	lanes, _, err = b.Due(b.ctx(), s.Key, later, 9)
	b.must(err)
	b.equal("held by itself", b.heads(s, lanes[1].Name), "y2 ")
	b.must(b.Enqueue(b.ctx(), store.Lease{}, 4, 4, []subscription.Event{told(s, "x", 9)}))
	n, err := b.Forget(b.ctx(), later, 10)
	b.must(err)
	b.equal("forgotten", n, 1)
	b.equal("what waits is not", b.heads(s, "x"), "x3 x9 ")
	merged := told(s, "x", 10)
	merged.Lane = "z"
	b.must(b.Enqueue(b.ctx(), store.Lease{}, 4, 4, []subscription.Event{merged}))
	b.equal("behind what waits of the same subject", b.heads(s, "x")+b.heads(s, "z"), "x3 x9 x10 ")
}

// eventNumbers: given in the order of sending; one that is taken back, of an
// event that is not the subscriber's, is given again, and never behind another
// of the same lane.
func eventNumbers(b *box) {
	s := b.someone("a")
	b.must(b.Enqueue(b.ctx(), store.Lease{}, 0, 9, []subscription.Event{told(s, "x", 1), told(s, "x", 2), told(s, "y", 3), told(s, "y", 4), told(s, "z", 5)}))
	give := func(lane string, seq ...int64) string {
		return fmt.Sprint(b.turn(subscription.Turn{Subscription: s.Key, Lane: lane, Number: seq}))
	}
	b.equal("first", give("x", 1, 2), "map[1:1 2:2]")
	b.equal("next", give("y", 3), "map[3:3]")
	b.turn(subscription.Turn{Subscription: s.Key, Lane: "x", Drop: []int64{1}})
	b.equal("of a lane that is further", give("y", 4), "map[4:4]")
	b.equal("of one that is not", give("z", 5), "map[5:1]")
	b.turn(subscription.Turn{Subscription: s.Key, Lane: "y", Drop: []int64{4}})
	w, err := b.Waits(b.ctx(), s.Key)
	b.must(err)
	b.equal("the last one taken back", w.Numbered, 3)
	b.equal("once more", give("y", 3), "map[3:3]")
	b.turn(subscription.Turn{Subscription: s.Key, Lane: "x", Done: []int64{2}})
	b.turn(subscription.Turn{Subscription: s.Key, Lane: "x", Drop: []int64{2}, Aside: []int64{2}}) // too late
	list, err := b.Numbered(b.ctx(), s.Key, 2, 9, 10)
	b.must(err)
	b.equal("in order", fmt.Sprint(len(list), list[0].Number, list[0].State, list[1].Number), fmt.Sprint(2, 2, subscription.Delivered, 3))
}

// led: who leads writes under a lease, and nothing is written under one that is
// another's by now.
func led(b *box) {
	s := b.someone("a")
	first, _, err := b.Acquire(b.ctx(), "subscriptions", "one", -time.Second)
	b.must(err)
	b.must(b.Enqueue(b.ctx(), first, 0, 1, []subscription.Event{told(s, "x", 1), told(s, "x", 2)}))
	b.equal("under it", fmt.Sprint(b.turn(subscription.Turn{Under: first, Subscription: s.Key, Lane: "x", Number: []int64{1}})), "map[1:1]")
	second, ok, err := b.Acquire(b.ctx(), "subscriptions", "two", time.Hour)
	b.must(err)
	b.equal("taken over", ok, true)
	b.equal("enqueued by a former one", b.Enqueue(b.ctx(), first, 1, 1, []subscription.Event{told(s, "x", 3)}) != nil, true)
	_, err = b.Record(b.ctx(), subscription.Turn{Under: first, Subscription: s.Key, Lane: "x", Number: []int64{2}, Done: []int64{1}, At: epoch})
	b.equal("recorded by a former one", err != nil, true)
	b.equal("as it was", b.heads(s, "x"), "x1=1 x2 ")
	b.equal("by who leads", fmt.Sprint(b.turn(subscription.Turn{Under: second, Subscription: s.Key, Lane: "x", Number: []int64{1, 2}})), "map[1:1 2:2]")
}

// linkedByCommit: changes of links are given for the commits that made them.
func linkedByCommit(b *box) {
	one, two := b.subject(pas), b.subject(pas)
	b.must(b.Commit(b.ctx(), func(tx ingest.Tx) error {
		_, err := tx.Begin(epoch, pas, 0)
		return errors.Join(err, mpi.Merge(tx, one, two, "merge", "A40", "said so", epoch, 0))
	}))
	n, err := b.N(b.ctx())
	b.must(err)
	list, err := b.Linked(b.ctx(), n-1, n)
	b.must(err)
	if len(list) != 1 || list[0].N != n || list[0].Kind != "merge" || len(list[0].Moves) != 1 || list[0].Moves[0].Subject != two || list[0].Moves[0].With != one {
		b.Errorf("linked: %+v", list)
	}
	for _, of := range [][2]uint64{{n, n + 5}, {0, n - 1}} {
		if list, err := b.Linked(b.ctx(), of[0], of[1]); err != nil || len(list) != 0 {
			b.Errorf("linked in %v: %+v %v", of, list, err)
		}
	}
}
