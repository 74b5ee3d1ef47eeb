package subscription

import (
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"selda/fhir"
	"selda/fhir/search"
)

// Whatever is posted as a Subscription, or laid down as a topic, is read or
// refused, and holds no more than it may.
func FuzzRequests(f *testing.F) {
	names, _ := filepath.Glob("../../shared/material/*/*ubscription*.json")
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil && len(b) < 20000 {
			f.Add(b)
		}
	}
	f.Add([]byte(`{"resourceType":"Subscription","status":"requested","criteria":"https://selda.example/SubscriptionTopic/admission","_criteria":{"extension":[
		{"url":"` + extFilter + `","valueString":"Encounter?patient=Patient/123&status=finished"}]},"channel":{"type":"rest-hook","endpoint":"https://example.org/",
		"extension":[{"url":"` + extHeartbeat + `","valueUnsignedInt":86400},{"url":"` + extMaxCount + `","valuePositiveInt":20}],"header":["A: b"],
		"payload":"application/fhir+json","_payload":{"extension":[{"url":"` + extContent + `","valueCode":"id-only"}]}}}`))
	f.Add([]byte(`{"resourceType":"Basic","code":{"coding":[{"code":"SubscriptionTopic"}]},"extension":[{"url":"url","valueUri":"urn:x"},{"url":"resourceTrigger","extension":[
		{"url":"resource","valueUri":"Patient"},{"url":"queryCriteria","extension":[{"url":"current","valueString":"?active=true"}]}]}]}`))
	// The elements of the backport's own example of a topic, and what it has not.
	f.Add([]byte(`{"resourceType":"Basic","code":{"coding":[{"code":"SubscriptionTopic"}]},"extension":[{"url":"http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic","extension":[
		{"url":"url","valueUri":"urn:x"},{"url":"eventTrigger","extension":[{"url":"resource","valueUri":"Encounter"},{"url":"event","valueCodeableConcept":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0003","code":"A01"}]}}]},
		{"url":"canFilterBy","extension":[{"url":"resource","valueUri":"Encounter"},{"url":"filterParameter","valueString":"length"},{"url":"modifier","valueCode":"gt"}]},
		{"url":"notificationShape","extension":[{"url":"resource","valueUri":"Encounter"},{"url":"include","valueString":"Encounter:patient&iterate=Patient.link"},{"url":"revInclude","valueString":"_revinclude=Observation:encounter:Encounter"}]}]}]}`))
	topics := map[string]*Topic{}
	for _, t := range Offered {
		topics[t.URL] = t
	}
	calls := &Calls{}
	f.Fuzz(func(t *testing.T, in []byte) {
		if topic, err := ReadTopic(in); err == nil {
			for _, trigger := range topic.Triggers {
				if trigger.Events != nil && len(trigger.Events) == 0 {
					t.Errorf("a trigger of no event: %+v", trigger)
				}
				_, _ = topic.allow(search.R4(), trigger.Type, url.Values{"length": {"gt1"}, "code:not": {"x"}})
			}
		}
		r, err := fhir.Parse(in)
		if err != nil {
			return
		}
		q, err := readRequest(r)
		if err != nil {
			return
		}
		if q.timeout > longestTimeout || q.maxCount < 1 || q.maxCount > mostEvents || q.heartbeat != 0 && q.heartbeat < leastHeartbeat {
			t.Errorf("it may not be asked for: %+v", q)
		}
		for _, people := range []bool{false, true} {
			_, _ = (&reading{scope: &search.Scope{Parameters: search.R4(), Base: "http://here/fhir", Now: time.Unix(0, 0)}, people: people}).watches(q, topics)
		}
		if u, err := url.Parse(q.endpoint); calls.check(q.endpoint) == nil && (err != nil || u.Scheme != "https") {
			t.Errorf("%s may be called", q.endpoint)
		}
		for _, h := range q.headers {
			_ = checkHeader(h)
		}
	})
}

// What a name stands for is looked at when it is called: an address inside is
// not called, whatever name it goes by.
func TestCalledAtPublicAddressesOnly(t *testing.T) {
	for a, want := range map[string]bool{"8.8.8.8": true, "2606:4700::1111": true, "10.0.0.1": false, "172.20.0.1": false, "192.168.1.1": false, "127.0.0.1": false, "::1": false,
		"169.254.169.254": false, "fe80::1": false, "fc00::1": false, "::ffff:10.0.0.1": false, "::ffff:127.0.0.1": false, "100.64.0.1": false, "224.0.0.1": false, "ff02::1": false,
		"0.0.0.0": false, "::": false, "255.255.255.255": false, "64:ff9b::a00:1": false, "2002:a00:1::": false, "10.20.1.1": true, "192.0.0.8": false} {
		c := &Calls{Hosts: []string{"10.20.0.0/16", "inside.nhs.uk"}}
		if got := c.allowed(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
	if conn, err := (&Calls{}).dial(t.Context(), "tcp", "localhost:1"); err == nil || err.Error() == "" || conn != nil {
		t.Error("localhost was called")
	} else if reasonOf(err) == "it could not be reached" {
		t.Errorf("it was tried: %v", err)
	}
	open := &Calls{Hosts: []string{"inside.nhs.uk"}}
	for endpoint, want := range map[string]bool{"http://inside.nhs.uk/x": true, "https://inside.nhs.uk:8443/x": true, "http://outside.nhs.uk/x": false, "https://outside.nhs.uk/x": true} {
		if got := open.check(endpoint) == nil; got != want {
			t.Errorf("%s: %v", endpoint, got)
		}
	}
}

// A wait is twice as long as the last, from seconds to an hour, and spread.
func TestBackOff(t *testing.T) {
	f := &Follower{Options: Options{Jitter: func() float64 { return 1 }}}
	for failures, want := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 5: 32 * time.Second, 11: 2048 * time.Second, 12: time.Hour, 1000: time.Hour} {
		if got := f.backOff(failures); got != want {
			t.Errorf("after %d failures: %v", failures, got)
		}
	}
	f.Jitter = func() float64 { return 0 }
	if got := f.backOff(12); got != 48*time.Minute {
		t.Errorf("spread: %v", got)
	}
}
