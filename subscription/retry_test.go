package subscription_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"selda/internal/pgtest"
)

// ledger checks what a receiver was told: every event, each citizen's in order,
// and one that comes again under the number that it had.
func ledger(t *testing.T, told []string, want map[string]int) {
	t.Helper()
	next, number, whose := map[string]int{}, map[string]string{}, map[string]string{}
	for _, s := range told {
		n, what, _ := strings.Cut(s, ":")
		if had, ok := whose[n]; ok {
			if had != what {
				t.Errorf("number %s is %s and %s", n, had, what)
			}
			continue
		}
		if had, ok := number[what]; ok {
			t.Errorf("%s is number %s and %s", what, had, n)
		}
		whose[n], number[what] = what, n
		citizen, i, _ := strings.Cut(what, "-")
		if i != fmt.Sprint(next[citizen]) {
			t.Errorf("%s comes after %d of the citizen's", what, next[citizen])
		}
		next[citizen]++
	}
	for citizen, n := range want {
		if next[citizen] != n {
			t.Errorf("%s: %d of %d were told", citizen, next[citizen], n)
		}
	}
	for n := range len(whose) {
		if _, ok := whose[fmt.Sprint(n+1)]; !ok {
			t.Errorf("there is no number %d", n+1)
		}
	}
}

// A receiver that is down for 48 hours, and a node that is killed meanwhile:
// nothing is lost, and each citizen's events come in order.
func TestDownFor48Hours(t *testing.T) {
	t.Run("folder", func(t *testing.T) { downFor48Hours(t, open(t)) })
	t.Run("database", func(t *testing.T) {
		if testing.Short() {
			t.Skip("in the long run of tests")
		}
		downFor48Hours(t, openOn(t, pgtest.DSN(t)))
	})
}

func downFor48Hours(t *testing.T, r *region) {
	v := receive(t)
	people := []string{"ann", "bob", "cyd"}
	for _, p := range people {
		r.patient(p, "")
	}
	id := r.subscribe("system", topical("result", v.URL, "full-resource", `"extension":[{"url":"`+base+`backport-max-count","valuePositiveInt":5}]`))
	r.settle()
	v.got()
	want := map[string]int{}
	write := func() {
		for _, p := range people {
			r.observe(p, fmt.Sprintf("%s-%d", p, want[p]))
			want[p]++
		}
	}
	write()
	r.settle()
	var told []string
	for hour := range 48 {
		v.set(func(call) int {
			switch { // it fails in every way that there is
			case hour%3 == 0:
				return 503
			case hour%3 == 1:
				return -1
			default:
				return -2 // it took what it was told, and did not say so
			}
		})
		write()
		r.advance(time.Hour, 30*time.Minute)
		if hour == 3 {
			if s := r.status("system", id); s != "error" {
				t.Errorf("after three hours: %s", s)
			}
			// What has happened is counted, sent or not.
			p := decoded(t, r.do(200, "system", "GET", "/fhir/Subscription/"+id+"/$status", "")).Entry[0].Resource.Parameter
			if n := value(p, "events-since-subscription-start"); n != fmt.Sprint(len(people)*want["ann"]) {
				t.Errorf("after three hours there are %s events, of %d", n, len(people)*want["ann"])
			}
		}
		if hour%16 == 9 {
			r.restart()
		}
	}
	v.set(nil)
	write()
	r.advance(3*time.Hour, 10*time.Minute)
	write()
	r.settle()
	told = v.told()
	ledger(t, told, want)
	if s := r.status("system", id); s != "active" {
		t.Errorf("at last: %s", s)
	}
	w := decoded(t, r.do(200, "system", "GET", "/fhir/Subscription/"+id+"/$status", "")).Entry[0].Resource.Parameter
	if n := value(w, "events-since-subscription-start"); n != fmt.Sprint(len(people)*want["ann"]) {
		t.Errorf("%s events, of %d", n, len(people)*want["ann"])
	}
}

// Who asks because nothing reaches them is told by $events of all that has
// happened; it comes under the same numbers when it can be sent, and what is
// hidden meanwhile leaves its number alone.
func TestEventsOfWhatCouldNotBeSent(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.declared()
	id := r.subscribe("visitor", topical("result", v.URL, "full-resource", "Observation?patient=Patient/p1"))
	r.settle()
	v.got()
	v.set(func(call) int { return 503 })
	for _, value := range []string{"one", "two", "three"} {
		r.observe("p1", value)
	}
	r.settle()
	events := func() []string {
		t.Helper()
		return said(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$events?content=full-resource", ""))
	}
	same(t, "nothing could be sent", events(), "1:one", "2:two", "3:three")
	consent := r.objects("", "active")
	r.observe("p1", "hidden")
	same(t, "under an objection", events(), "1:", "2:", "3:")
	v.set(nil)
	r.advance(time.Hour, time.Minute)
	same(t, "sent under the objection", v.told(), "1:", "2:", "3:")
	r.objects(consent, "inactive")
	r.observe("p1", "four")
	r.settle()
	same(t, "after it", v.told(), "4:four")
	same(t, "$events", events(), "1:one", "2:two", "3:three", "4:four")
}

// One citizen's event that a receiver will not take keeps only that citizen's
// waiting, for a week; then it is set aside, the later ones go on, and an
// operator has it told again.
func TestSetAsideAndReplayed(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.patient("ann", "")
	r.patient("bob", "")
	id := r.subscribe("system", topical("result", v.URL, "full-resource"))
	r.settle()
	v.got()
	v.set(func(c call) int {
		if strings.Contains(string(c.Body), "ann-0") {
			return 422
		}
		return 0
	})
	r.observe("ann", "ann-0")
	r.observe("ann", "ann-1")
	r.observe("bob", "bob-0")
	r.advance(5*time.Second, time.Second)
	same(t, "of others", values(v.told()), "bob-0")
	r.advance(6*24*time.Hour, 2*time.Hour)
	r.observe("bob", "bob-1")
	r.advance(time.Hour, time.Minute)
	same(t, "after six days", values(v.told()), "bob-1")
	r.advance(30*time.Hour, time.Hour)
	same(t, "after a week", values(v.told()), "ann-1")

	sub := r.env.Region.Subscriptions
	aside, err := sub.SetAside(t.Context(), id, 10)
	if err != nil || len(aside) != 1 || aside[0].Number == 0 || aside[0].Reason != "it answered 422" {
		t.Fatalf("set aside: %+v %v", aside, err)
	}
	v.set(nil)
	if _, err := sub.Replay(t.Context(), "system/"+id); err != nil {
		t.Fatal(err)
	}
	r.settle()
	same(t, "replayed, under its number", v.told(), fmt.Sprintf("%d:ann-0", aside[0].Number))
}

// values are what was told, without the numbers: those of two citizens may
// come in any order.
func values(told []string) (out []string) {
	for _, s := range told {
		_, what, _ := strings.Cut(s, ":")
		out = append(out, what)
	}
	return out
}

// One that accepts nothing for a week is turned off; an operator turns it on
// again, and what happened meanwhile is told, too.
func TestOffAfterAWeekAndCaughtUp(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.patient("ann", "")
	id := r.subscribe("system", topical("result", v.URL, "full-resource"))
	r.settle()
	v.got()
	v.set(func(call) int { return 500 })
	r.observe("ann", "ann-0")
	r.advance(8*24*time.Hour, time.Hour)
	if got := decoded(t, r.do(200, "system", "GET", "/fhir/Subscription/"+id, "")); got.Status != "off" || got.Error == "" {
		t.Fatalf("after a week: %s %s", got.Status, got.Error)
	}
	r.observe("ann", "ann-1")
	r.restart()
	for i := range 1100 { // more commits than are read at once
		r.do(200, "system", "PUT", "/fhir/Patient/ann", `{"resourceType":"Patient","id":"ann","name":[{"family":"ann","given":["`+strconv.Itoa(i)+`"]}]}`)
	}
	r.observe("ann", "ann-2")
	v.set(nil)
	if _, err := r.env.Region.Subscriptions.Replay(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.observe("ann", "ann-3")
	r.settle()
	told := v.told()
	if len(told) == 0 || told[0] != "handshake" {
		t.Fatalf("told: %v", told)
	}
	ledger(t, slices.DeleteFunc(told, func(s string) bool { return s == "handshake" }), map[string]int{"ann": 4})
}
