// Package partytest is an OpenID provider in process, for tests: it behaves as NHS CIS2
// and NHS login do, holds its client to what those hold theirs to, and can be told to get
// any one thing wrong. It signs everybody in who comes.
package partytest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Twin is a provider. Its fields are set before it serves, or between two requests.
type Twin struct {
	Issuer    string // its address
	Client    string
	Secret    string // "": the client proves itself by an assertion
	Redirect  string // the client's redirect URI
	Algorithm jose.SignatureAlgorithm
	// ClientKeys are those that the client publishes.
	ClientKeys func() jose.JSONWebKeySet
	// Sub is who signs in, Said what the ID token says of them, and Info what userinfo does.
	Sub  string
	Said map[string]any
	Info map[string]any
	// Break is what it gets wrong.
	Break Break
	// Seen is the authorization request that came last.
	Seen url.Values
	// Asked counts the requests to a path.
	Asked map[string]int

	t    testing.TB
	mu   sync.Mutex
	code map[string]url.Values
	used map[string]bool
}

// Break changes what the twin says before it says it.
type Break struct {
	Metadata, Tokens, Claims, Info func(map[string]any)
	Answer                         func(url.Values)
	Keys                           func(*jose.JSONWebKeySet)
	Header                         func(*jose.SignerOptions)
	// Sign makes the ID token of its claims, in place of the twin's own way.
	Sign func(claims map[string]any) string
	// Status is what a path answers with, in place of anything else.
	Status map[string]int
}

// New makes a twin of an algorithm.
func New(t testing.TB, alg jose.SignatureAlgorithm) *Twin {
	return &Twin{t: t, Algorithm: alg, code: map[string]url.Values{}, used: map[string]bool{}, Asked: map[string]int{}}
}

var made = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

var other = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Key is the twin's signing key, with a kid as CIS2 writes them.
func (t *Twin) Key() jose.JSONWebKey {
	k, err := made()
	if err != nil {
		t.t.Fatal(err)
	}
	return jose.JSONWebKey{Key: k, KeyID: "b/O6OvVv1+y+WgrH5Ui9WTioLt0=", Use: "sig", Algorithm: string(t.Algorithm)}
}

// Stranger is a key that is not the twin's, under the kid of the twin's.
func (t *Twin) Stranger() jose.JSONWebKey {
	k, err := other()
	if err != nil {
		t.t.Fatal(err)
	}
	key := t.Key()
	key.Key = k
	return key
}

// ServeHTTP is http.Handler's.
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Asked[r.URL.Path]++
	if s := t.Break.Status[r.URL.Path]; s != 0 {
		http.Error(w, "Folake Adeyemi", s)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		t.write(w, map[string]any{"issuer": t.Issuer, "authorization_endpoint": t.Issuer + "/authorize", "token_endpoint": t.Issuer + "/token", "userinfo_endpoint": t.Issuer + "/userinfo",
			"jwks_uri": t.Issuer + "/jwks", "end_session_endpoint": t.Issuer + "/logout", "authorization_response_iss_parameter_supported": true}, t.Break.Metadata)
	case "/jwks":
		key := t.Key()
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}
		if t.Break.Keys != nil {
			t.Break.Keys(&set)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(set)
	case "/authorize":
		t.authorize(w, r)
	case "/token":
		t.token(w, r)
	case "/userinfo":
		if _, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " "); !t.used["access "+bearer] {
			http.Error(w, "no such token", http.StatusUnauthorized)
			return
		}
		info := maps.Clone(t.Info)
		if info == nil {
			info = map[string]any{}
		}
		info["sub"] = t.Sub
		t.write(w, info, t.Break.Info)
	default:
		http.NotFound(w, r)
	}
}

func (t *Twin) write(w http.ResponseWriter, v map[string]any, change func(map[string]any)) {
	if change != nil {
		change(v)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_ = json.NewEncoder(w).Encode(v)
}

func (t *Twin) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	t.Seen = q
	if q.Get("response_type") != "code" || q.Get("client_id") != t.Client || q.Get("redirect_uri") != t.Redirect || !strings.Contains(" "+q.Get("scope")+" ", " openid ") ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 16 || len(q.Get("nonce")) < 16 {
		http.Error(w, "the request is not in order", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	t.code[code] = q
	a := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {t.Issuer}}
	if t.Break.Answer != nil {
		t.Break.Answer(a)
	}
	http.Redirect(w, r, t.Redirect+"?"+a.Encode(), http.StatusFound)
}

// proven says whether a token request is the client's.
func (t *Twin) proven(r *http.Request) bool {
	if t.Secret != "" {
		id, secret, ok := r.BasicAuth()
		return ok && id == t.Client && secret == t.Secret
	}
	if r.PostForm.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || r.PostForm.Get("client_secret") != "" {
		return false
	}
	a, err := jwt.ParseSigned(r.PostForm.Get("client_assertion"), []jose.SignatureAlgorithm{jose.RS512})
	if err != nil {
		return false
	}
	keys := t.ClientKeys()
	found := keys.Key(a.Headers[0].KeyID)
	var c jwt.Claims
	if len(found) != 1 || a.Claims(found[0], &c) != nil || t.used["assertion "+c.ID] {
		return false
	}
	t.used["assertion "+c.ID] = true
	return c.Issuer == t.Client && c.Subject == t.Client && len(c.Audience) == 1 && c.Audience[0] == t.Issuer+"/token" && c.ID != "" &&
		c.Expiry.Time().After(time.Now()) && c.Expiry.Time().Sub(time.Now()) <= 5*time.Minute
}

func (t *Twin) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "Folake Adeyemi"})
	}
	if r.ParseForm() != nil || !t.proven(r) {
		refuse("invalid_client")
		return
	}
	f := r.PostForm
	q, ok := t.code[f.Get("code")]
	delete(t.code, f.Get("code"))
	sum := sha256.Sum256([]byte(f.Get("code_verifier")))
	if !ok || f.Get("grant_type") != "authorization_code" || f.Get("redirect_uri") != q.Get("redirect_uri") || len(f.Get("code_verifier")) < 43 ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		refuse("invalid_grant")
		return
	}
	access := rand.Text()
	t.used["access "+access] = true
	now := time.Now()
	authTime := now.Add(-10 * time.Minute) // of a session that they have there
	if q.Get("prompt") == "login" {
		authTime = now
	}
	claims := map[string]any{"iss": t.Issuer, "sub": t.Sub, "aud": t.Client, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "auth_time": authTime.Unix(), "nonce": q.Get("nonce"), "at_hash": t.Half(access), "jti": rand.Text()}
	maps.Copy(claims, t.Said)
	if t.Break.Claims != nil {
		t.Break.Claims(claims)
	}
	t.write(w, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600, "id_token": t.Sign(claims)}, t.Break.Tokens)
}

// Half is the at_hash of a token.
func (t *Twin) Half(token string) string {
	if strings.HasSuffix(string(t.Algorithm), "512") {
		s := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(s[:32])
	}
	s := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(s[:16])
}

// Sign makes a token of claims: an ID token, or a logout token.
func (t *Twin) Sign(claims map[string]any) string {
	if t.Break.Sign != nil {
		return t.Break.Sign(claims)
	}
	return t.SignWith(t.Key(), t.Algorithm, claims)
}

// SignWith makes a token with any key.
func (t *Twin) SignWith(key any, alg jose.SignatureAlgorithm, claims map[string]any) string {
	opts := (&jose.SignerOptions{}).WithType("JWT")
	if t.Break.Header != nil {
		t.Break.Header(opts)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err == nil {
		var raw string
		if raw, err = jwt.Signed(s).Claims(claims).Serialize(); err == nil {
			return raw
		}
	}
	t.t.Fatal(err)
	return ""
}
