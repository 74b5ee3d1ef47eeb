package subscription_test

import (
	"testing"
	"time"
)

// A receiver that does not answer keeps nobody waiting: no commit, and no other
// subscriber.
func TestASlowReceiverHoldsNobodyUp(t *testing.T) {
	r := open(t)
	r.patient("p1", "")
	slow, quick := receive(t), receive(t)
	hang, told := make(chan struct{}), make(chan struct{}, 100)
	r.subscribe("system", topical("result", slow.URL, "empty"))
	r.subscribe("system", topical("result", quick.URL, "full-resource"))
	r.settle()
	quick.got()
	slow.hang(hang)
	defer close(hang)
	quick.set(func(call) int {
		told <- struct{}{}
		return 0
	})
	for _, value := range []string{"one", "two", "three"} {
		r.observe("p1", value)
		select {
		case <-told:
		case <-time.After(20 * time.Second):
			t.Fatal("the quick one waits for the slow one")
		}
	}
	same(t, "told", quick.told(), "1:one", "2:two", "3:three")
}

// What may have arrived keeps its number when it is hidden afterwards, and says
// nothing but that: another event under this number would be taken for it.
func TestWhatMayHaveArrivedKeepsItsNumber(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.declared()
	r.subscribe("visitor", topical("result", v.URL, "full-resource", "Observation?patient=Patient/p1"))
	r.settle()
	v.got()
	v.set(func(call) int { return -2 }) // it takes it, and does not say so
	r.observe("p1", "one")
	r.settle()
	same(t, "taken", v.told(), "1:one")
	consent := r.objects("", "active")
	v.set(nil)
	r.advance(time.Minute, 10*time.Second)
	same(t, "under an objection", v.told(), "1:")
	r.objects(consent, "inactive")
	r.observe("p1", "two")
	r.settle()
	same(t, "after it", v.told(), "2:two")
}
