package subscription_test

import (
	"strings"
	"testing"

	"selda/audit"
)

// R14: what a subscriber was told of somebody is in the trail of that citizen, in the
// subscriber's name and under the rule that permitted it; and that the log was followed
// for it, once for all that was read at once.
func TestR14WhatASubscriberIsToldIsInTheTrail(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.declared()
	id := r.subscribe("visitor", topical("result", v.URL, "full-resource", "Observation?patient=Patient/p1"))
	r.settle()
	v.got()
	citizen, err := r.env.Citizen(t.Context(), folake)
	if err != nil {
		t.Fatal(err)
	}
	told := func() (n int) {
		entries, err := r.env.Trail(t.Context(), audit.Query{Citizen: citizen, User: "visitor", Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.What == "Subscription/"+id+": a notification" && e.Outcome == audit.Permit && strings.Contains(strings.Join(e.Rules, " "), "G7 declared") {
				n++
			}
		}
		return n
	}
	before := told()
	r.observe("p1", "x")
	r.settle()
	same(t, "told", v.told(), "1:x")
	if told() <= before {
		t.Error("the subscriber was told, and no entry of the citizen's trail says so")
	}
	followed, err := r.env.Trail(t.Context(), audit.Query{User: "selda:subscriptions", Limit: 100})
	if err != nil || len(followed) == 0 || followed[0].Rules[0] != "follower of the change log" {
		t.Errorf("the log was followed without an entry: %+v, %v", followed, err)
	}
}
