package provider_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"selda/auth/provider"
	"selda/fault"
)

// village is the people of the tests.
type village map[string]string

func (v village) SignIn(_ context.Context, user, password, _ string) error {
	if user == "broken" {
		return fault.E("test", fault.NoStore)
	}
	if p, ok := v[user]; !ok || p != password {
		return fault.E("test", fault.Login)
	}
	return nil
}

func (v village) Given(user string) (bool, error) { return v[user] == "given out once", nil }

func (v village) Choose(_ context.Context, user, password, _ string) error {
	if len(password) < 12 {
		return fault.E("test", fault.Value, "too short")
	}
	v[user] = password
	return nil
}

func (v village) Claims(user string) (map[string]any, error) {
	if _, ok := v[user]; !ok {
		return nil, fault.E("test", fault.NotFound)
	}
	return map[string]any{"name": "Name of " + user, "sub": "somebody else", "iss": "elsewhere", "nonce": "other"}, nil
}

func (v village) AccessToken(_ context.Context, c provider.Client, _, user string) (string, time.Duration, error) {
	return "token of " + user + " for " + c.ID, time.Minute, nil
}

func (v village) Whose(token string) (string, error) {
	if user, ok := strings.CutPrefix(token, "token of "); ok {
		user, _, _ = strings.Cut(user, " ")
		return user, nil
	}
	return "", fault.E("test", fault.Login)
}

const base = "http://localhost:8080"

func newProvider(t testing.TB, people village) *provider.OpenID {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := jose.JSONWebKey{Key: private, KeyID: "k1", Algorithm: "ES256", Use: "sig"}
	p, err := provider.New(provider.Config{
		Base:       func(*http.Request) (string, error) { return base, nil },
		SigningKey: func() jose.JSONWebKey { return key }, Keys: func() jose.JSONWebKeySet { return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}} }, People: people,
		Clients: []provider.Client{
			{ID: "pages", Secret: "a secret", RedirectURIs: []string{"/login/callback"}, LogoutURIs: []string{"/signed-out"}},
			{ID: "app", RedirectURIs: []string{"https://app.example/cb", "https://app.example/cb?x=1"}},
		},
		Address: func(r *http.Request) string { return r.Header.Get("X-Test-Address") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var verifier = strings.Repeat("verifier-", 5)

func goodRequest() url.Values {
	return url.Values{"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {"https://app.example/cb"}, "scope": {"openid profile"},
		"state": {"s1"}, "nonce": {"n1"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"}}
}

func do(p http.Handler, method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, base+path, strings.NewReader(form.Encode()))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Test-Address", "192.0.2.1")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func signIn(p http.Handler, q url.Values, user, password string, header ...string) *httptest.ResponseRecorder {
	return do(p, "POST", "/oidc/authorize?"+q.Encode(), url.Values{"user": {user}, "password": {password}}, header...)
}

func code(t testing.TB, p http.Handler, q url.Values) string {
	t.Helper()
	w := signIn(p, q, "ada", "lovelace")
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther || to.Query().Get("code") == "" {
		t.Fatal(w.Code, w.Header(), w.Body)
	}
	if to.Query().Get("state") != "s1" || to.Query().Get("iss") != base+"/oidc" {
		t.Error(to)
	}
	return to.Query().Get("code")
}

func exchange(p http.Handler, f url.Values, header ...string) (int, map[string]any) {
	w := do(p, "POST", "/oidc/token", f, header...)
	var m map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &m)
	return w.Code, m
}

func tokenForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {"app"}, "code": {code}, "redirect_uri": {"https://app.example/cb"}, "code_verifier": {verifier}}
}

func TestFlow(t *testing.T) {
	p := newProvider(t, village{"ada": "lovelace"})
	if w := do(p, "GET", "/oidc/authorize?"+goodRequest().Encode(), nil); w.Code != 200 || !strings.Contains(w.Header().Get("Content-Security-Policy"), "form-action 'self' https://app.example;") {
		t.Fatal(w.Code, w.Header())
	}
	status, got := exchange(p, tokenForm(code(t, p, goodRequest())))
	if status != 200 || got["access_token"] != "token of ada for app" || got["token_type"] != "Bearer" || got["expires_in"] != 60.0 {
		t.Fatal(status, got)
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(do(p, "GET", "/oidc/jwks", nil).Body.Bytes(), &keys); err != nil || len(keys.Keys) != 1 || !keys.Keys[0].IsPublic() {
		t.Fatal(keys, err)
	}
	set := &oidc.StaticKeySet{}
	set.PublicKeys = append(set.PublicKeys, keys.Keys[0].Key)
	id, err := oidc.NewVerifier(base+"/oidc", set, &oidc.Config{ClientID: "app", SupportedSigningAlgs: []string{"ES256"}}).Verify(t.Context(), got["id_token"].(string))
	if err != nil || id.Subject != "ada" || id.Nonce != "n1" || id.Issuer != base+"/oidc" {
		t.Fatal(id, err)
	}
	var said struct{ Name, Azp string }
	if err := id.Claims(&said); err != nil || said.Name != "Name of ada" || said.Azp != "app" {
		t.Error(said, err)
	}
	w := do(p, "GET", "/oidc/userinfo", nil, "Authorization", "Bearer token of ada for app")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"sub":"ada"`) {
		t.Error(w.Code, w.Body)
	}
	for _, h := range []string{"", "Bearer x", "Basic token of ada", "Bearer token of gone"} {
		if w := do(p, "GET", "/oidc/userinfo", nil, "Authorization", h); w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
			t.Error(h, w.Code)
		}
	}
}

func TestDiscovery(t *testing.T) {
	p := newProvider(t, nil)
	for _, path := range []string{"/oidc/.well-known/openid-configuration", "/.well-known/openid-configuration"} {
		var m provider.Metadata
		if err := json.Unmarshal(do(p, "GET", path, nil).Body.Bytes(), &m); err != nil || m.Issuer != base+"/oidc" || m.Token != base+"/oidc/token" || m.PKCE[0] != "S256" {
			t.Errorf("%s: %+v %v", path, m, err)
		}
	}
}

// A request that is not in order goes back to its client with the OAuth code,
// but never to an address that is not registered letter by letter.
func TestAuthorizeRefused(t *testing.T) {
	p := newProvider(t, village{"ada": "lovelace"})
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string // the error that the client hears; "" for a page
	}{
		"no client":                  {func(q url.Values) { q.Del("client_id") }, ""},
		"another client":             {func(q url.Values) { q.Set("client_id", "mallory") }, ""},
		"no redirect":                {func(q url.Values) { q.Del("redirect_uri") }, ""},
		"another redirect":           {func(q url.Values) { q.Set("redirect_uri", "https://evil.example/cb") }, ""},
		"a longer redirect":          {func(q url.Values) { q.Set("redirect_uri", "https://app.example/cb/more") }, ""},
		"a redirect with a query":    {func(q url.Values) { q.Set("redirect_uri", "https://app.example/cb?y=1") }, ""},
		"a redirect in capitals":     {func(q url.Values) { q.Set("redirect_uri", "https://APP.example/cb") }, ""},
		"another client's redirect":  {func(q url.Values) { q.Set("redirect_uri", base+"/login/callback") }, ""},
		"a redirect that is a path":  {func(q url.Values) { q.Set("client_id", "pages"); q.Set("redirect_uri", "/login/callback") }, ""},
		"twice a parameter":          {func(q url.Values) { q["state"] = []string{"a", "b"} }, ""},
		"very long":                  {func(q url.Values) { q.Set("state", strings.Repeat("a", 9000)) }, ""},
		"the implicit flow":          {func(q url.Values) { q.Set("response_type", "id_token") }, "unsupported_response_type"},
		"an answer in a fragment":    {func(q url.Values) { q.Set("response_mode", "fragment") }, "invalid_request"},
		"no openid":                  {func(q url.Values) { q.Set("scope", "profile") }, "invalid_scope"},
		"no state":                   {func(q url.Values) { q.Del("state") }, "invalid_request"},
		"no nonce":                   {func(q url.Values) { q.Del("nonce") }, "invalid_request"},
		"no PKCE":                    {func(q url.Values) { q.Del("code_challenge") }, "invalid_request"},
		"plain PKCE":                 {func(q url.Values) { q.Set("code_challenge_method", "plain") }, "invalid_request"},
		"PKCE of the default method": {func(q url.Values) { q.Del("code_challenge_method") }, "invalid_request"},
		"a request object":           {func(q url.Values) { q.Set("request", "x") }, "request_not_supported"},
		"in silence":                 {func(q url.Values) { q.Set("prompt", "none") }, "login_required"},
	} {
		q := goodRequest()
		c.change(q)
		w := do(p, "GET", "/oidc/authorize?"+q.Encode(), nil)
		to, _ := url.Parse(w.Header().Get("Location"))
		switch {
		case c.want == "" && (w.Code != http.StatusBadRequest || w.Header().Get("Location") != ""):
			t.Errorf("%s: %d %s", name, w.Code, to)
		case c.want != "" && (w.Code != http.StatusSeeOther || to.Host != "app.example" || to.Query().Get("error") != c.want):
			t.Errorf("%s: %d %s", name, w.Code, to)
		}
		if c.want == "login_required" {
			continue // the form itself is asked for a password
		}
		if w := signIn(p, q, "ada", "lovelace"); strings.Contains(w.Header().Get("Location"), "code=") {
			t.Errorf("%s: the form gave a code", name)
		}
	}
}

func TestTokenRefused(t *testing.T) {
	people := village{"ada": "lovelace"}
	p := newProvider(t, people)
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string
	}{
		"no code":               {func(f url.Values) { f.Del("code") }, "invalid_grant"},
		"a made-up code":        {func(f url.Values) { f.Set("code", "AAAA") }, "invalid_grant"},
		"another redirect":      {func(f url.Values) { f.Set("redirect_uri", "https://app.example/cb?x=1") }, "invalid_grant"},
		"no redirect":           {func(f url.Values) { f.Del("redirect_uri") }, "invalid_grant"},
		"another verifier":      {func(f url.Values) { f.Set("code_verifier", strings.Repeat("x", 43)) }, "invalid_grant"},
		"no verifier":           {func(f url.Values) { f.Del("code_verifier") }, "invalid_grant"},
		"the challenge as such": {func(f url.Values) { f.Set("code_verifier", oauth2.S256ChallengeFromVerifier(verifier)) }, "invalid_grant"},
		"another grant":         {func(f url.Values) { f.Set("grant_type", "password") }, "unsupported_grant_type"},
		"another client":        {func(f url.Values) { f.Set("client_id", "pages"); f.Set("client_secret", "a secret") }, "invalid_grant"},
		"a client unknown":      {func(f url.Values) { f.Set("client_id", "mallory") }, "invalid_client"},
		"a wrong secret":        {func(f url.Values) { f.Set("client_id", "pages"); f.Set("client_secret", "guess") }, "invalid_client"},
		"no secret":             {func(f url.Values) { f.Set("client_id", "pages") }, "invalid_client"},
		"a secret too much":     {func(f url.Values) { f.Set("client_secret", "guess") }, "invalid_client"},
		"twice a parameter":     {func(f url.Values) { f.Add("code", "x") }, "invalid_request"},
	} {
		f := tokenForm(code(t, p, goodRequest()))
		c.change(f)
		status, got := exchange(p, f)
		if status < 400 || status > 401 || got["error"] != c.want || got["id_token"] != nil {
			t.Errorf("%s: %d %v", name, status, got)
		}
	}
	once := code(t, p, goodRequest())
	if status, _ := exchange(p, tokenForm(once)); status != 200 {
		t.Error("first use", status)
	}
	if status, got := exchange(p, tokenForm(once)); status != 400 || got["error"] != "invalid_grant" {
		t.Error("a code was replayed:", status, got)
	}
	spoilt := code(t, p, goodRequest())
	f := tokenForm(spoilt)
	f.Set("code_verifier", strings.Repeat("x", 43))
	exchange(p, f)
	if status, _ := exchange(p, tokenForm(spoilt)); status != 400 {
		t.Error("verifiers can be guessed one after another")
	}
	left := code(t, p, goodRequest())
	delete(people, "ada")
	if status, got := exchange(p, tokenForm(left)); status != 400 || got["error"] != "invalid_grant" {
		t.Error("an account that went in the meantime:", status, got)
	}
}

func TestCodeLives60Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, village{"ada": "lovelace"})
		c := code(t, p, goodRequest())
		time.Sleep(59 * time.Second)
		if status, _ := exchange(p, tokenForm(c)); status != 200 {
			t.Error("ended early", status)
		}
		c = code(t, p, goodRequest())
		time.Sleep(61 * time.Second)
		if status, _ := exchange(p, tokenForm(c)); status != 400 {
			t.Error("lived on", status)
		}
	})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, village{"ada": "lovelace", "grace": "hopper"})
		q := goodRequest()
		for range 3 {
			if w := signIn(p, q, "ada", "guess"); w.Code != http.StatusUnprocessableEntity {
				t.Fatal(w.Code)
			}
		}
		w := signIn(p, q, "ada", "lovelace")
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "Too many tries") {
			t.Fatal("the right password at once after three wrong ones:", w.Code)
		}
		others := 0
		for i := range 100 {
			if w := signIn(p, q, "ada", "guess", "X-Test-Address", "198.51.100."+strconv.Itoa(i)); w.Code == http.StatusUnprocessableEntity {
				others++
			}
		}
		if others > 30 {
			t.Errorf("a hundred addresses are a way round: %d guesses", others)
		}
		if w := signIn(p, q, "ada", "lovelace", "X-Test-Address", "198.51.100.200"); w.Code != http.StatusTooManyRequests {
			t.Error("one more is:", w.Code)
		}
		if w := signIn(p, q, "grace", "hopper"); w.Code != http.StatusSeeOther {
			t.Error("a colleague is held up:", w.Code)
		}
		time.Sleep(time.Minute)
		if w := signIn(p, q, "ada", "lovelace"); w.Code != http.StatusSeeOther {
			t.Error("not let in after the wait:", w.Code)
		}
		for i := range 100 {
			signIn(p, q, "ada", "guess", "X-Test-Address", "198.51.100."+strconv.Itoa(i))
		}
		if w := signIn(p, q, "ada", "lovelace"); w.Code != http.StatusSeeOther {
			t.Error("what is tried elsewhere locks out whoever has signed in here:", w.Code)
		}
		tried := 0
		for range 3600 {
			if w := signIn(p, q, "ada", "guess", "X-Test-Address", "203.0.113.1"); w.Code == http.StatusUnprocessableEntity {
				tried++
			}
			time.Sleep(time.Second)
		}
		if tried > 70 {
			t.Errorf("%d guesses in an hour", tried)
		}
		// One address that tries many accounts is slowed down too.
		tried = 0
		for i := range 1000 {
			user := "user" + strings.Repeat("x", i%50) + string(rune('a'+i/50))
			if w := signIn(p, q, user, "guess", "X-Test-Address", "2001:db8::"+string("0123456789abcdef"[i%16])); w.Code == http.StatusUnprocessableEntity {
				tried++
			}
		}
		if tried != 20 {
			t.Errorf("%d accounts tried from one network at once", tried)
		}
	})
}

func TestFormProblems(t *testing.T) {
	p := newProvider(t, village{"ada": "lovelace"})
	q := goodRequest()
	for _, c := range []struct {
		user, password string
		status         int
		says           string
	}{
		{"", "", 422, "Enter your user name and your password"},
		{"ada", "", 422, "Enter your user name and your password"},
		{`"><script>`, "x", 422, `value="&#34;&gt;&lt;script&gt;"`},
		{strings.Repeat("a", 500), "x", 422, "do not fit together"},
		{"ada", strings.Repeat("a", 1<<20), 400, "did not arrive whole"},
		{"broken", "x", 503, "does not work at the moment"},
	} {
		w := signIn(p, q, c.user, c.password)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%.20q: %d %s", c.user, w.Code, w.Body)
		}
	}
	if w := signIn(p, q, "ada", "lovelace", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Error("another site posts the form:", w.Code)
	}
}

func TestLogoutGoesToRegisteredPlacesOnly(t *testing.T) {
	p := newProvider(t, nil)
	for to, want := range map[string]int{base + "/signed-out": 303, "https://evil.example": 200, base + "/signed-out/x": 200, "": 200} {
		w := do(p, "GET", "/oidc/logout?"+url.Values{"client_id": {"pages"}, "post_logout_redirect_uri": {to}}.Encode(), nil)
		if w.Code != want || want == 303 && w.Header().Get("Location") != to {
			t.Error(to, w.Code, w.Header().Get("Location"))
		}
	}
}

func FuzzAuthorize(f *testing.F) {
	f.Add(goodRequest().Encode(), "ada", "lovelace")
	f.Add("client_id=app&redirect_uri=https://app.example/cb", "", "")
	f.Add("client_id=app;redirect_uri=%zz", "a", "b")
	f.Add("", "", "")
	p := newProvider(f, village{"ada": "lovelace"})
	f.Fuzz(func(t *testing.T, query, user, password string) {
		r := httptest.NewRequest("POST", base+"/oidc/authorize", strings.NewReader(url.Values{"user": {user}, "password": {password}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code >= 500 && user != "broken" {
			t.Error(w.Code)
		}
		if to := w.Header().Get("Location"); to != "" {
			u, err := url.Parse(to)
			if err != nil || u.Host != "app.example" && u.Host != "localhost:8080" {
				t.Errorf("leads to %s", to)
			}
			if u.Query().Get("code") != "" && (user != "ada" || password != "lovelace") && strings.TrimSpace(user) != "ada" {
				t.Error("a code for a wrong password")
			}
		}
	})
}
