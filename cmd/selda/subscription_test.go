package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// told is a receiver of notifications that now and then fails.
type told struct {
	mu     sync.Mutex
	dice   *rand.Rand
	sick   bool
	order  []string          // values, as they came first
	number map[string]string // of each value
	taken  chan struct{}
}

func (r *told) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	fate := 9
	if r.sick {
		fate = r.dice.IntN(20)
	}
	if fate == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var n struct {
		Entry []struct {
			Resource struct {
				ValueString string
				Parameter   []struct {
					Name string
					Part []struct{ Name, ValueString string }
				}
			}
		}
	}
	if err := json.Unmarshal(b, &n); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if len(n.Entry) > 1 {
		value, number := n.Entry[1].Resource.ValueString, ""
		for _, p := range n.Entry[0].Resource.Parameter {
			if p.Name == "notification-event" {
				number = p.Part[0].ValueString
			}
		}
		switch had, again := r.number[value]; {
		case !again:
			r.order, r.number[value] = append(r.order, value), number
		case had != number:
			r.number[value] = had + " and " + number
		}
		select {
		case r.taken <- struct{}{}:
		default:
		}
	}
	if fate == 1 {
		panic(http.ErrAbortHandler) // it was taken, and that is not said
	}
}

// A process that is killed again and again while it tells a receiver that is
// not well: what was acknowledged to a source is told, each patient's events in
// order, and what is told twice has the same number.
func TestKilledWhileTelling(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	dice := rand.New(rand.NewPCG(seed, 2))
	r := &told{dice: rand.New(rand.NewPCG(seed, 3)), number: map[string]string{}, taken: make(chan struct{}, 1), sick: true}
	v := httptest.NewServer(r)
	defer v.Close()
	data := t.TempDir()
	s := start(t, data, "demo", "--citizens", "1")
	token := strings.TrimSpace(ok(t, data, "token", "--user", "system", "--hours", "8"))
	must := func(method, path, body string) {
		t.Helper()
		if code, b := s.get(t, token, method, path, body); code != 201 {
			t.Fatalf("%s: %d %s", path, code, b)
		}
	}
	for p := range 3 {
		must("PUT", fmt.Sprintf("/fhir/Patient/told-%d", p), fmt.Sprintf(`{"resourceType":"Patient","id":"told-%d","name":[{"family":"Told"}]}`, p))
	}
	must("POST", "/fhir/Subscription", results(v.URL))

	var mu sync.Mutex
	acked, next := map[string]bool{}, make([]int, 3)
	for range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for p := range 3 {
			wg.Go(func() {
				for range 12 {
					value := fmt.Sprintf("%d-%06d", p, next[p])
					next[p]++
					code, err := post(ctx, s.HTTP+"/fhir/Observation", token, fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/told-%d"},"valueString":"%s"}`, p, value))
					if err != nil || ctx.Err() != nil {
						return
					}
					if code == 201 {
						mu.Lock()
						acked[value] = true
						mu.Unlock()
					}
				}
			})
		}
		r.some(dice.IntN(20) + 1)
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		cancel()
		wg.Wait()
		s = start(t, data, "serve")
	}
	r.mu.Lock()
	r.sick = false
	r.mu.Unlock()
	r.await(acked)
	if code := s.stop(t); code != 0 {
		t.Errorf("it did not stop: %d", code)
	}
	r.check(t, acked)
}

// results is a Subscription to results, in full.
func results(endpoint string) string {
	return `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"https://selda.example/SubscriptionTopic/result",
		"channel":{"type":"rest-hook","endpoint":"` + endpoint + `","payload":"application/fhir+json","_payload":{"extension":[{
		"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content","valueCode":"full-resource"}]}}}`
}

// some waits until some more are taken, or no more come.
func (r *told) some(n int) {
	for range n {
		select {
		case <-r.taken:
		case <-time.After(3 * time.Second):
		}
	}
}

// missing are those that were not told.
func (r *told) missing(acked map[string]bool) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for value := range acked {
		if r.number[value] == "" {
			n++
		}
	}
	return n
}

// await waits until all that was acknowledged is told.
func (r *told) await(acked map[string]bool) {
	for deadline := time.Now().Add(time.Minute); r.missing(acked) > 0 && time.Now().Before(deadline); {
		select {
		case <-r.taken:
		case <-time.After(time.Second):
		}
	}
}

// check holds what was told against what was acknowledged: all of it, each
// patient's in order, under numbers of its own that go up with each patient.
func (r *told) check(t *testing.T, acked map[string]bool) {
	t.Helper()
	if n := r.missing(acked); n > 0 {
		t.Errorf("%d of %d that were acknowledged were not told", n, len(acked))
	}
	last, lastNumber := map[string]string{}, map[string]int{}
	for _, value := range r.order {
		p, _, _ := strings.Cut(value, "-")
		n, _ := strconv.Atoi(r.number[value])
		if value <= last[p] || n <= lastNumber[p] {
			t.Errorf("%s, number %d, comes after %s, number %d", value, n, last[p], lastNumber[p])
		}
		last[p], lastNumber[p] = value, n
	}
	had := map[string]string{}
	for value, number := range r.number {
		if strings.Contains(number, " and ") || had[number] != "" {
			t.Errorf("%s has the number %s, as %s", value, number, had[number])
		}
		had[number] = value
	}
	t.Logf("%d acknowledged, %d told", len(acked), len(r.order))
}

// post makes one request as the source system.
func post(ctx context.Context, url, token, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/fhir+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// What an operator asks and does about subscriptions.
func TestSubscriptionVerbs(t *testing.T) {
	data := t.TempDir()
	s := start(t, data, "demo", "--citizens", "1")
	token := strings.TrimSpace(ok(t, data, "token", "--user", "system"))
	if code, b := s.get(t, token, "PUT", "/fhir/Subscription/mine", `{"resourceType":"Subscription","id":"mine","status":"requested","reason":"x",
		"criteria":"https://selda.example/SubscriptionTopic/result","channel":{"type":"rest-hook","endpoint":"http://127.0.0.1:1/told","header":["Authorization: Bearer hush"]}}`); code != 201 {
		t.Fatalf("%d %s", code, b)
	}
	var list string
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(list, `"status":"error"`); {
		if list = ok(t, data, "subscription", "list", "--json"); time.Now().After(deadline) {
			t.Fatalf("it does not fail: %s", list)
		}
	}
	if !strings.Contains(list, `"id":"mine"`) || !strings.Contains(list, `"host":"127.0.0.1:1"`) || !strings.Contains(list, `"reason":"it could not be reached"`) || strings.Contains(list, "hush") {
		t.Errorf("list: %s", list)
	}
	ok(t, data, "subscription", "off", "mine")
	if shown := ok(t, data, "subscription", "show", "mine", "--json"); !strings.Contains(shown, `"status":"off"`) || !strings.Contains(shown, `"events":[]`) {
		t.Errorf("show: %s", shown)
	}
	if said := ok(t, data, "subscription", "replay", "system/mine"); !strings.HasPrefix(said, "mine is ") {
		t.Errorf("replay: %s", said)
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("it did not stop: %d", code)
	}
}
