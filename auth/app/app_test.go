package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/fault"
	"selda/internal/document"
)

var now = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

func anApp() App {
	return App{Name: "Diary", Owner: "Ada Byron", Contact: "help@app.example", Kind: Public, RedirectURIs: []string{"https://app.example/"}, Scopes: []string{"patient/*.rs"}, For: []string{Citizens}}
}

// Every application has an owner and an end, and does nothing before it is
// approved or after the end.
func TestAnApplicationIsUsedWhileItIsApproved(t *testing.T) {
	r, err := OpenRegister(document.Folder(t.TempDir()), false)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Add(anApp(), now)
	if err != nil || a.Usable(now) || a.State(now) != Pending {
		t.Fatal(err, a.State(now))
	}
	for _, until := range []time.Time{now, now.Add(3 * 366 * 24 * time.Hour)} {
		if _, err := r.Approve(a.ID, "admin", "", now, until); !fault.Is(err, fault.Value) {
			t.Error("approved until", until, err)
		}
	}
	a, err = r.Approve(a.ID, "admin", "", now, now.Add(time.Hour))
	if err != nil || !a.Usable(now) || a.Approved.By != "admin" || a.Usable(now.Add(time.Hour)) || a.State(now.Add(time.Hour)) != Expired {
		t.Fatal(err)
	}
	if a, err = r.Suspend(a.ID, "admin", "an incident", now); err != nil || a.Usable(now) || a.State(now) != Stopped {
		t.Fatal(err)
	}
	again, err := OpenRegister(r.docs, false) // what was decided is kept
	if err != nil {
		t.Fatal(err)
	}
	if a, err = again.Find(a.ID); err != nil || a.State(now) != Stopped || a.Suspended.Reason != "an incident" {
		t.Error(err, a)
	}
	s := anApp()
	s.Kind = Symmetric
	secret := s.NewSecret(now)
	if !s.Proves(secret, now) || s.Proves(secret, now.Add(secretFor)) || s.Proves("", now) || strings.Contains(s.Secret, secret) {
		t.Error("a secret has an end, and is not kept itself")
	}
}

func TestWhatNobodyApprovesIsBounded(t *testing.T) {
	r, _ := OpenRegister(document.Folder(t.TempDir()), false)
	for range maxPending {
		if _, err := r.Add(anApp(), now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Add(anApp(), now); !fault.Is(err, fault.Throttled) {
		t.Error("there is no end to what waits:", err)
	}
	if _, err := r.Add(anApp(), now.Add(pendingFor+time.Hour)); err != nil {
		t.Error("what nobody approves is kept for ever:", err)
	}
}

// A refresh token is used once. One that comes again ends the connection, and so
// does nothing else that somebody makes up.
func TestRefreshTokensRotate(t *testing.T) {
	dir := document.Folder(t.TempDir())
	cs := OpenConnections(dir, false)
	c, first, err := cs.Begin("ada", Connection{App: "a", Scopes: []string{"patient/*.rs"}, Until: now.Add(time.Hour)}, true, now)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(first, ".")
	for _, forged := range []string{"", "x", first + "x", strings.Join([]string{part[0], part[1], "WRONG", part[3]}, "."), strings.Join([]string{part[0], "WRONG", part[2], part[3]}, "."), strings.Repeat("0", 32) + "." + strings.Join(part[1:], "."),
		"../../../etc/passwd." + strings.Join(part[1:], ".")} {
		if _, _, err := cs.Rotate(forged, "a", now); forged != first+"x" && !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", forged, err)
		}
		if forged == first+"x" {
			break
		}
	}
	c2, second, err := cs.Begin("ada", Connection{App: "a", Until: now.Add(time.Hour)}, true, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := cs.Rotate(second, "another", now); !fault.Is(err, fault.NotFound) {
		t.Error("another application uses it:", err)
	}
	_, third, err := cs.Rotate(second, "a", now)
	if err != nil || third == second {
		t.Fatal(err)
	}
	if _, _, err := cs.Rotate(third, "a", now.Add(time.Hour)); !fault.Is(err, fault.NotFound) {
		t.Error("it goes on after the end:", err)
	}
	if _, _, err := cs.Rotate(second, "a", now); !fault.Is(err, fault.NotFound) {
		t.Error("it is used twice:", err)
	}
	again := OpenConnections(dir, false) // another node, or after a restart
	if k, err := again.Find("ada", c2.ID); err != nil || k.Live(now) || k.Why == "" {
		t.Error("the connection of a token that was used twice goes on:", err, k)
	}
	if b, _, _ := dir.Load(documentOf(Key("ada"))); strings.Contains(string(b), part[3]) || strings.Contains(string(b), part[2]) {
		t.Error("a refresh token is kept as it is")
	}
	if k, err := again.Find("ada", c.ID); err != nil {
		t.Error(err, k)
	}
}

// signed is an assertion.
func signed(t *testing.T, key any, alg jose.SignatureAlgorithm, kid, id string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwt.Signed(signer).Claims(jwt.Claims{Issuer: id, Subject: id, Audience: jwt.Audience{"https://selda.example/oidc/token"}, ID: rand.Text(), Expiry: jwt.NewNumericDate(time.Now().Add(time.Minute))}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Keys are read from where an application keeps them, with both algorithms, and
// again when a new one is used; but not more often than once a minute.
func TestKeysAtAnAddress(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ec.Public(), KeyID: "ec"}, {Key: rs.Public(), KeyID: "rs"}}})
	var asked atomic.Int32
	answer := func(w http.ResponseWriter) { _, _ = w.Write(set) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w)
	}))
	defer server.Close()
	a := App{ID: "backend", Kind: Asymmetric, KeysURI: server.URL + "/jwks"}
	audience := []string{"https://selda.example/oidc/token"}
	keys := NewKeys(true)
	for _, s := range []string{signed(t, ec, jose.ES384, "ec", "backend"), signed(t, rs, jose.RS384, "rs", "backend")} {
		if _, err := keys.Verify(t.Context(), &a, s, audience, time.Now()); err != nil {
			t.Error(err)
		}
	}
	for range 5 {
		if _, err := keys.Verify(t.Context(), &a, signed(t, ec, jose.ES384, "new", "backend"), audience, time.Now()); err == nil {
			t.Error("an unknown kid is believed")
		}
	}
	if _, err := keys.Verify(t.Context(), &a, signed(t, rs, jose.RS384, "ec", "backend"), audience, time.Now()); err == nil {
		t.Error("a key of another kind is used")
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the address was asked %d times in a moment", n)
	}
	for name, bad := range map[string]func(http.ResponseWriter){
		"elsewhere": func(w http.ResponseWriter) {
			w.Header().Set("Location", server.URL+"/jwks")
			w.WriteHeader(http.StatusFound)
		},
		"too large": func(w http.ResponseWriter) { _, _ = io.WriteString(w, string(set)+strings.Repeat(" ", maxKeys)) },
		"a page":    func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html"); _, _ = w.Write(set) },
		"an error":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError); _, _ = w.Write(set) },
	} {
		answer = bad
		if _, err := NewKeys(true).Verify(t.Context(), &a, signed(t, ec, jose.ES384, "ec", "backend"), audience, time.Now()); err == nil {
			t.Error(name, "is believed")
		}
	}
}

// What an address leads on to is not followed: only what was registered is asked.
func TestHostileKeysThatHaveMovedAreNotFollowed(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ec.Public(), KeyID: "ec"}}})
	mux := http.NewServeMux()
	mux.Handle("/moved", http.RedirectHandler("/jwks", http.StatusFound))
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, want := range map[string]bool{"/jwks": true, "/moved": false} {
		a := App{ID: "backend", Kind: Asymmetric, KeysURI: server.URL + path}
		_, err := NewKeys(true).Verify(t.Context(), &a, signed(t, ec, jose.ES384, "ec", "backend"), []string{"https://selda.example/oidc/token"}, time.Now())
		if (err == nil) != want {
			t.Error(path, err)
		}
	}
}

// A registration is no way to have this server ask where only it can: what counts
// is the address that a name stands for when it is called.
func TestHostileKeysAreNotFetchedFromWithin(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST.", "[::ffff:127.0.0.1]"} {
		if _, err := NewKeys(false).fetch(t.Context(), strings.Replace(server.URL, "127.0.0.1", host, 1)); err == nil || asked {
			t.Error("this very machine is asked as", host)
		}
	}
	for _, uri := range []string{"http://app.example/jwks", "file:///etc/passwd", "gopher://app.example/", "https://user@app.example/", "//app.example"} {
		if redirectable(uri) {
			t.Error(uri)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"client_name":"Diary","contacts":["help@app.example"],"redirect_uris":["https://app.example/"],"token_endpoint_auth_method":"none","scope":"openid patient/*.rs","grant_types":["authorization_code","refresh_token"]}`))
	f.Add([]byte(`{"client_name":"Feed","contacts":["x"],"token_endpoint_auth_method":"private_key_jwt","grant_types":["client_credentials"],"scope":"system/*.rs","jwks":{"keys":[{"kty":"EC","crv":"P-384","kid":"1","x":"AA","y":"AA"}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMetadata(b)
		if err != nil {
			return
		}
		a, _, err := m.App(now)
		if err != nil {
			return
		}
		if a.Name == "" || a.Owner == "" || a.Contact == "" || len(a.Scopes) == 0 || len(a.For) == 0 || a.Approved != nil {
			t.Errorf("%s is taken as %+v", b, a)
		}
		for _, u := range a.RedirectURIs {
			if !redirectable(u) {
				t.Errorf("%s is taken with %s", b, u)
			}
		}
	})
}

func FuzzAssertionOfAClient(f *testing.F) {
	f.Add("eyJhbGciOiJFUzM4NCIsImtpZCI6IjEifQ.eyJpc3MiOiJhIiwic3ViIjoiYSJ9.AAAA")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := Claims(s); ok && id == "" {
			t.Errorf("%q is of nobody", s)
		}
	})
}
