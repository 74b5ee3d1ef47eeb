package region

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"selda/auth"
	"selda/internal/pgtest"
	"selda/nhs"
)

// Any node serves any request: two nodes on one database, and each request goes
// to the other one than the one before.
func TestRequestsGoToAnyNode(t *testing.T) {
	dsn := pgtest.DSN(t)
	var nodes [2]*Region
	var handlers [2]http.Handler
	for i := range nodes {
		r, err := Open(t.Context(), Options{Data: t.TempDir(), Postgres: dsn, Log: slog.New(slog.DiscardHandler), Demo: &auth.Demonstration{Password: DemoPassword, Users: DemoUsers()}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
		if _, err := r.StartDemo(t.Context(), Demo{Seed: 1, Citizens: 0}); err != nil {
			t.Fatal(err)
		}
		nodes[i], handlers[i] = r, r.Handler()
	}
	var turn atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[turn.Add(1)%2].ServeHTTP(w, r) }))
	t.Cleanup(server.Close)

	signInAndOut(t, server.URL)
	citizen, ok := nodes[0].Auth.Accounts.Find("citizen")
	if !ok {
		t.Fatal("the other node's accounts are not seen")
	}
	objection(t, server.URL, nodes, citizen.NHSNumber)
	conditionAtBoth(t, server.URL, nodes)

	// An account that is taken away at one node is soon refused at the other.
	token, err := nodes[0].Auth.Token(t.Context(), "gp", nhs.Treatment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Auth.Accounts.Remove("gp"); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		r := httptest.NewRequest(http.MethodGet, "/fhir/Patient?identifier=x", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		handlers[1].ServeHTTP(w, r)
		if w.Code == http.StatusUnauthorized {
			break
		}
		if time.Since(began) > 5*time.Second {
			t.Fatalf("an account that is gone is answered with %d at the other node after 5 s", w.Code)
		}
	}
}

// conditionAtBoth: what may be made once only is made once, whichever nodes are
// asked at the same time.
func conditionAtBoth(t *testing.T, base string, nodes [2]*Region) {
	t.Helper()
	token, err := nodes[0].Auth.Token(t.Context(), "system", nhs.Treatment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var made, there atomic.Int64
	for range 8 {
		all.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/fhir/Organization", strings.NewReader(`{"resourceType":"Organization","name":"Once","identifier":[{"system":"urn:once","value":"1"}]}`))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("If-None-Exist", "identifier=urn:once|1")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			switch resp.StatusCode {
			case http.StatusCreated:
				made.Add(1)
			case http.StatusOK:
				there.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 || there.Load() != 7 {
		t.Errorf("made %d times, and there already %d times", made.Load(), there.Load())
	}
}

// signInAndOut signs in with each step at another node, and out again.
func signInAndOut(t *testing.T, base string) {
	t.Helper()
	for _, user := range []string{"gp", "engineer", "doctor"} {
		v := signedIn(t, base, user)
		for range 4 {
			if status, page := v.get("/"); status != http.StatusOK || !strings.Contains(page, "Sign out") {
				t.Fatalf("%s: %d at %s: %s", user, status, v.last, page)
			}
		}
		v.post("/logout", nil)
		for range 2 {
			if _, page := v.get("/"); signInForm.FindString(page) == "" {
				t.Errorf("%s is signed in at %s after signing out", user, v.last)
			}
		}
	}
}

// objection: what a citizen decides at one node is in force at the next query
// at the other one (G4).
func objection(t *testing.T, base string, nodes [2]*Region, number nhs.Number) {
	t.Helper()
	token := func(user string, p nhs.Purpose) string {
		token, err := nodes[0].Auth.Token(t.Context(), user, p, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	call := func(token, method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b := new(strings.Builder)
		if err := resp.Write(b); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b.String()
	}
	id, err := nodes[1].Access.ByNumber(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	visitor, own := token("visitor", nhs.Treatment), token("citizen", nhs.PatientRequest)
	path := "/fhir/Observation?patient=" + id
	for range 2 {
		if status, body := call(visitor, http.MethodGet, path, ""); status != http.StatusOK || !strings.Contains(body, `"resourceType":"Observation"`) {
			t.Fatalf("before the objection: %d %s", status, body)
		}
	}
	consent := fmt.Sprintf(`{"resourceType":"Consent","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/%s"},
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]},"provision":{"type":"deny"}}`, id)
	if status, body := call(own, http.MethodPost, "/fhir/Consent", consent); status != http.StatusCreated {
		t.Fatalf("the objection: %d %s", status, body)
	}
	for range 2 {
		if status, body := call(visitor, http.MethodGet, path, ""); status != http.StatusOK || strings.Contains(body, `"resourceType":"Observation"`) {
			t.Errorf("after the objection: %d %s", status, body)
		}
	}
}
