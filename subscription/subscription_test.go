package subscription_test

import (
	"strings"
	"testing"
)

// A topic over rest-hook: handshake, events with numbers and content, status.
func TestTopicOverRestHook(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.patient("p1", "")
	id := r.subscribe("system", topical("result", v.URL+"/told", "full-resource", "Observation?subject=Patient/p1", `"header":["Authorization: Bearer hush"]`))
	r.settle()
	calls := v.got()
	if len(calls) != 1 || calls[0].Path != "/told" || calls[0].Header.Get("Authorization") != "Bearer hush" || !strings.HasPrefix(calls[0].Kind, "application/fhir+json") {
		t.Fatalf("the handshake: %+v", calls)
	}
	same(t, "the handshake", said(t, calls[0].Body), "handshake")
	if s := r.status("system", id); s != "active" {
		t.Errorf("after the handshake: %s", s)
	}
	r.patient("p2", "")
	r.observe("p1", "one")
	r.observe("p2", "of another")
	r.observe("p1", "two")
	r.settle()
	same(t, "told", v.told(), "1:one", "2:two")

	p := decoded(t, r.do(200, "system", "GET", "/fhir/Subscription/"+id+"/$status", "")).Entry[0].Resource.Parameter
	if value(p, "status") != "active" || value(p, "type") != "query-status" || value(p, "events-since-subscription-start") != "2" ||
		!strings.HasSuffix(value(p, "subscription"), "/Subscription/"+id) || value(p, "topic") != "https://selda.example/SubscriptionTopic/result" {
		t.Errorf("$status: %+v", p)
	}
	same(t, "$events", said(t, r.do(200, "system", "GET", "/fhir/Subscription/"+id+"/$events?eventsSinceNumber=2", "")), "2:two")
	if shown := string(r.do(200, "system", "GET", "/fhir/Subscription/"+id, "")); strings.Contains(shown, "hush") || !strings.Contains(shown, "Authorization: (kept secret)") {
		t.Errorf("the header is shown: %s", shown)
	}
	shown := r.do(200, "system", "GET", "/fhir/Subscription/"+id, "")
	r.do(200, "system", "PUT", "/fhir/Subscription/"+id, string(shown)) // sent back as it was read
	r.settle()
	if calls := v.got(); len(calls) != 1 || calls[0].Header.Get("Authorization") != "Bearer hush" {
		t.Errorf("the secret that was sent back masked: %+v", calls)
	}
	r.do(422, "system", "POST", "/fhir/Subscription", strings.Replace(string(shown), id, "another", 1))
	r.do(404, "gp", "GET", "/fhir/Subscription/"+id, "")
	r.do(204, "system", "DELETE", "/fhir/Subscription/"+id, "")
	r.observe("p1", "three")
	r.settle()
	same(t, "after its end", v.told())
}
