package region

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/auth"
	"selda/auth/app"
	"selda/internal/pgtest"
)

// What an application was given at one node is refused at every other as soon as
// it is ended, and what may be used once is used once among all of them.
func TestApplicationsAtAnyNode(t *testing.T) {
	dsn := pgtest.DSN(t)
	var nodes [2]*Region
	var handlers [2]http.Handler
	for i := range nodes {
		r, err := Open(t.Context(), Options{Data: t.TempDir(), Postgres: dsn, Log: slog.New(slog.DiscardHandler), Demo: &auth.Demonstration{Password: DemoPassword, Users: DemoUsers()}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		if _, err := r.StartDemo(t.Context(), Demo{Seed: 1, Citizens: 0}); err != nil {
			t.Fatal(err)
		}
		nodes[i], handlers[i] = r, r.Handler()
	}
	now := time.Now()
	add := func(m app.Metadata, account string) app.App {
		x, _, err := m.App(now)
		if err == nil {
			x, err = nodes[0].Auth.Apps.Add(x, now)
		}
		if err == nil {
			x, err = nodes[0].Auth.Apps.Approve(x.ID, "admin", account, now, now.Add(time.Hour))
		}
		if err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			if there, err := nodes[1].Auth.Apps.Find(x.ID); err == nil && there.Usable(now) {
				return x
			} else if time.Since(began) > 10*time.Second {
				t.Fatal("the other node does not see the application:", err)
			}
		}
	}
	do := func(node int, method, path, token string, form url.Values) (int, string) {
		req := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, strings.NewReader(form.Encode()))
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		handlers[node].ServeHTTP(w, req)
		return w.Code, w.Body.String()
	}
	reads := func(node int, token string) int {
		status, _ := do(node, "GET", "/fhir/Patient", token, nil)
		return status
	}

	x := add(app.Metadata{Name: "Diary", Contacts: []string{"help@app.example"}, RedirectURIs: []string{"https://app.example/"}, Method: "none", Scope: "patient/*.rs user/*.rs"}, "")
	token, err := nodes[0].Auth.AppToken(t.Context(), "citizen", x.ID, "", []string{"user/*.rs"})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := reads(0, token), reads(1, token); a != 200 || b != 200 {
		t.Fatal(a, b)
	}
	if status, body := do(1, "POST", "/oidc/revoke", "", url.Values{"token": {token}, "client_id": {x.ID}}); status != 200 {
		t.Fatal(status, body)
	}
	if a, b := reads(0, token), reads(1, token); a != 401 || b != 401 {
		t.Error("a token that was revoked goes on:", a, b)
	}

	key, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k"}}})
	backend := add(app.Metadata{Name: "Feed", Contacts: []string{"ops@feed.example"}, Method: "private_key_jwt", Grants: []string{app.ClientGrant}, Keys: set, Scope: "system/*.rs"}, "system")
	assertion := func() string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES384, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := jwt.Signed(signer).Claims(jwt.Claims{Issuer: backend.ID, Subject: backend.ID, Audience: jwt.Audience{"http://127.0.0.1:8080/oidc/token"}, ID: rand.Text(), Expiry: jwt.NewNumericDate(time.Now().Add(time.Minute))}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ask := func(node int, a string) (int, string) {
		status, body := do(node, "POST", "/oidc/token", "", url.Values{"grant_type": {app.ClientGrant}, "scope": {"system/*.rs"}, "client_assertion_type": {app.AssertionType}, "client_assertion": {a}})
		var out struct {
			Token string `json:"access_token"`
		}
		_ = json.Unmarshal([]byte(body), &out)
		return status, out.Token
	}
	used := assertion()
	status, system := ask(0, used)
	if status != 200 || reads(1, system) != 200 {
		t.Fatal(status)
	}
	if status, _ := ask(1, used); status != 401 {
		t.Error("an assertion is used at two nodes:", status)
	}
	if status, body := do(1, "POST", "/oidc/revoke", "", url.Values{"token": {system}, "client_assertion_type": {app.AssertionType}, "client_assertion": {assertion()}}); status != 200 {
		t.Fatal(status, body)
	}
	if a, b := reads(0, system), reads(1, system); a != 401 || b != 401 {
		t.Error("a backend's token that was revoked goes on:", a, b)
	}
}
