package testenv

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// What is dear to answer, asked for by one person's many clients at once, is answered or
// turned away, and does not keep a clinician from a record. The hole is opened where any
// of it has no bound.
func TestHostileFloodsHoldUpNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood is left out of the short tests")
	}
	h := attacked(t)
	// A web of references that go round: everyone includes everyone.
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		members := ""
		for _, other := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			members += `,{"reference":"Observation/round-` + other + `"}`
		}
		h.writes("G85915:GP", "Observation", "round-"+id, `"status":"final","code":{"text":"round"},"hasMember":[`+members[1:]+`],"derivedFrom":[`+members[1:]+`],`+atGP)
	}
	flooder, err := h.Token(t.Context(), "gp")
	if err != nil {
		t.Fatal(err)
	}
	system, err := h.Token(t.Context(), "system")
	if err != nil {
		t.Fatal(err)
	}
	person := `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient","name":[` + strings.Repeat(`{"family":"A","given":["A","B"]},`, 200) + `{"family":"Adeyemi"}],"birthDate":"1951-11-05","identifier":[` +
		strings.Repeat(`{"system":"x","value":"y"},`, 500) + `{"system":"x","value":"z"}]}},{"name":"count","valueInteger":1000000}]}`
	filter := `{"resourceType":"Parameters","parameter":[{"name":"count","valueInteger":1000000000},{"name":"valueSet","resource":{"resourceType":"ValueSet","status":"active","compose":{"include":[` +
		strings.Repeat(`{"valueSet":["http://hl7.org/fhir/ValueSet/all-types"],"system":"http://hl7.org/fhir/resource-types"},`, 500) + `{"system":"http://hl7.org/fhir/resource-types"}]}}}]}`
	var lists strings.Builder
	for i := range 60 {
		fmt.Fprintf(&lists, "a%d:ObservationList(_reference:subject){hasMember{resource{...on Observation{hasMember{resource{...on Observation{id}}}}}}}", i)
	}
	asks := map[string][3]string{
		"$match":           {"POST", "/fhir/Patient/$match", person},
		"$expand":          {"POST", "/fhir/ValueSet/$expand", filter},
		"iterate":          {"GET", "/fhir/Observation?patient=" + h.citizen + "&_include:iterate=*&_revinclude:iterate=Observation:has-member&_revinclude:iterate=Observation:derived-from&_count=1000", ""},
		"_has":             {"GET", "/fhir/Observation?patient=" + h.citizen + "&_has:Observation:has-member:_has:Observation:derived-from:_has:Observation:has-member:code=" + url.QueryEscape(strings.Repeat("a,", 400)+"round"), ""},
		"GraphQL":          {"GET", "/fhir/Patient/" + h.citizen + "/$graphql?query=" + url.QueryEscape("{"+lists.String()+"}"), ""},
		"a batch of all":   {"POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[` + strings.TrimSuffix(strings.Repeat(`{"request":{"method":"GET","url":"Patient/`+h.citizen+`/$everything"}},`, 300), ",") + `]}`},
		"every Subscriber": {"POST", "/fhir/Subscription", `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?patient=` + h.citizen + `","channel":{"type":"rest-hook","endpoint":"https://app.example/x"}}`},
	}
	var last sync.Map
	for name, ask := range asks {
		token := flooder
		if name == "$match" || name == "$expand" {
			token = system
		}
		end := time.Now().Add(1500 * time.Millisecond)
		var wg sync.WaitGroup
		var mu sync.Mutex
		answered := map[int]int{}
		for range 24 {
			wg.Go(func() {
				c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
				defer c.CloseIdleConnections()
				for time.Now().Before(end) {
					req, err := http.NewRequestWithContext(t.Context(), ask[0], h.HTTP+ask[1], strings.NewReader(ask[2]))
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Authorization", "Bearer "+token)
					req.Header.Set("Content-Type", "application/fhir+json")
					resp, err := c.Do(req)
					status := 0
					if err == nil {
						status = resp.StatusCode
						said, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
						_ = resp.Body.Close()
						last.Store(name, string(said))
					}
					mu.Lock()
					answered[status]++
					mu.Unlock()
				}
			})
		}
		slowest := time.Duration(0)
		for time.Now().Before(end) {
			began := time.Now()
			if status, body := h.asks("doctor", "GET", "/fhir/Patient/"+h.citizen, ""); status != 200 && status != 404 {
				t.Errorf("%s: a clinician is answered %d %s", name, status, body)
			}
			slowest = max(slowest, time.Since(began))
		}
		wg.Wait()
		said, _ := last.Load(name)
		t.Logf("%s: answered %v; the clinician's slowest read %v; %.60s", name, answered, slowest, said)
		if slowest > 3*time.Second {
			t.Errorf("%s holds a clinician up for %v", name, slowest)
		}
		if name == "GraphQL" && answered[400] == 0 || name == "GraphQL" && len(answered) > 1 {
			t.Errorf("GraphQL that searches more than its bound is answered %v", answered)
		}
		for status, n := range answered {
			if status >= 500 && status != http.StatusServiceUnavailable || status == 0 {
				t.Errorf("%s: %d times %d", name, n, status)
			}
		}
	}
	h.serves("after the floods")
}
