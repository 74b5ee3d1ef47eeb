package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/auth/app"
)

const hostileScope = "openid fhirUser launch/patient offline_access patient/Observation.rs patient/Patient.r"

// A code is for one application, one place, one proof and one use; what is used twice
// ends what the first use was given. Opened by leaving out any of the comparisons of
// auth.grantCode, by keeping a code after its use, and by not ending the connection of a
// refresh token that comes again (app.Rotate).
func TestHostileCodesAndRefreshTokensAreUsedOnce(t *testing.T) {
	h := attacked(t)
	id, _ := h.registered(someApp("An app"))
	thief, _ := h.registered(someApp("Another app"))
	c := h.signsIn("citizen")
	for name, change := range map[string]url.Values{
		"no verifier": {"code_verifier": nil}, "an empty verifier": {"code_verifier": {""}}, "another verifier": {"code_verifier": {strings.Repeat("x", 43)}}, "the challenge as verifier": {"code_verifier": {"S256"}},
		"another place": {"redirect_uri": {"https://evil.example/"}}, "no place": {"redirect_uri": nil}, "another application": {"client_id": {thief}}, "no application": {"client_id": nil},
		"an application twice": {"client_id": {thief, id}}, "another grant": {"grant_type": {"password"}}, "a client of the pages": {"client_id": {"selda-pages"}},
	} {
		f := codeForm(id, h.code(c, id, hostileScope, "patient/Observation.rs"))
		for k, v := range change {
			if f[k] = v; v == nil {
				delete(f, k)
			}
		}
		if status, got := h.exchanged(f); status < 400 || got.Access != "" {
			t.Errorf("%s: %d", name, status)
		}
	}

	code := h.code(c, id, hostileScope, "patient/Observation.rs")
	_, first := h.exchanged(codeForm(id, code))
	if status, _ := h.opens("Authorization: Bearer " + first.Access); status != 200 && status != 403 {
		t.Fatal(status)
	}
	if status, got := h.exchanged(codeForm(id, code)); status != 400 || got.Error != "invalid_grant" {
		t.Error("a code is used twice:", status, got)
	}
	if status, leaks := h.opens("Authorization: Bearer " + first.Access); status != 401 || leaks {
		t.Error("what a stolen code was changed for holds on:", status)
	}

	_, first = h.exchanged(codeForm(id, h.code(c, id, hostileScope, "patient/Observation.rs")))
	refresh := func(token, client string, more ...string) (int, tokens) {
		f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {client}}
		if len(more) > 0 {
			f.Set("scope", more[0])
		}
		return h.exchanged(f)
	}
	if status, got := refresh(first.Refresh, thief); status < 400 || got.Access != "" {
		t.Error("another application refreshes:", status)
	}
	for _, altered := range []string{"", "....", first.Refresh + "x", strings.Replace(first.Refresh, ".", "/../", 1), strings.Repeat("a", 32) + ".a.a.a", "../../../auth/keys.a.a.a", first.Access} {
		if status, got := refresh(altered, id); status < 400 || got.Access != "" {
			t.Errorf("%q refreshes: %d", altered, status)
		}
	}
	for _, more := range []string{"patient/*.cruds", "patient/Patient.r", "patient/Observation.cruds", "user/*.rs", "system/*.rs", "patient/Observation.rs user/Observation.rs", "launch"} {
		if status, got := refresh(first.Refresh, id, more); status == 200 && strings.TrimSpace(got.Scope) != "patient/Observation.rs" {
			t.Errorf("a refresh for %s gives %s", more, got.Scope)
		}
		_, first = h.exchanged(codeForm(id, h.code(c, id, hostileScope, "patient/Observation.rs")))
	}
	_, second := refresh(first.Refresh, id)
	if second.Access == "" {
		t.Fatal("nothing is refreshed")
	}
	if status, got := refresh(first.Refresh, id); status < 400 || got.Access != "" {
		t.Error("a refresh token is used twice:", status)
	}
	if status, got := refresh(second.Refresh, id); status < 400 || got.Access != "" {
		t.Error("a stolen refresh token leaves the thief what it was changed for:", status)
	}
	if status, _ := h.opens("Authorization: Bearer " + second.Access); status != 401 {
		t.Error("the same of the token:", status)
	}
}

// What an application asks for more than it may have, it does not get: at the request, at the
// person's decision and by a decision of somebody else. Opened by granting what is asked
// (auth.grantable), by taking what the form says (auth.allow), and by not holding who
// decides against who was asked (auth.pending).
func TestHostileScopesAreNotToBeWidened(t *testing.T) {
	h := attacked(t)
	id, _ := h.registered(someApp("An app"))
	c := h.signsIn("citizen")
	asks := "openid launch/patient patient/*.cruds user/*.cruds system/*.* patient/Observation.rs online_access fhirUser admin offline_access"
	_, got := h.exchanged(codeForm(id, h.code(c, id, asks, "patient/*.cruds", "user/*.cruds", "system/*.*", "patient/Observation.cruds")))
	for w := range strings.FieldsSeq(got.Scope) {
		switch w {
		case "openid", "launch/patient", "patient/Observation.rs", "patient/Patient.r", "fhirUser", "offline_access":
		default:
			t.Errorf("an application that may have less is given %s", w)
		}
	}
	if got.Scope == "" {
		t.Fatal("it is given nothing")
	}
	body := `{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`
	if a := h.sent(h.from("127.0.0.1"), "POST", "/fhir/Consent", body, "Authorization: Bearer "+got.Access, "Content-Type: application/fhir+json"); a.Status != 403 {
		t.Error("an application that may read writes a choice:", a.Status)
	}

	// The screen of one person is of no use to another, nor to a second browser.
	a := h.sent(c, "GET", h.authorization(id, hostileScope, nil), "")
	screen := a.Header.Get("Location")
	for name, other := range map[string]*http.Client{"nobody": h.from("127.0.0.1"), "gp": h.signsIn("gp"), "parent": h.signsIn("parent")} {
		a := h.sent(other, "POST", screen, url.Values{"do": {"allow"}, "scope": {"patient/Observation.rs"}}.Encode(), asForm)
		if strings.Contains(a.Header.Get("Location"), "code=") || a.Status < 300 {
			t.Errorf("%s decides for another: %d %s", name, a.Status, a.Header.Get("Location"))
		}
	}
	// Nor does a person choose a record that is not theirs.
	h.writes("G85915:GP", "Patient", "p-other", `"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}],"name":[{"family":"Bystander"}],"birthDate":"1980-01-01"`)
	other, err := h.Citizen(t.Context(), "9990000018")
	if err != nil {
		t.Fatal(err)
	}
	h.sent(c, "POST", screen, url.Values{"do": {"patient"}, "patient": {other}}.Encode(), asForm)
	a = h.sent(c, "POST", screen, url.Values{"do": {"allow"}, "scope": {"patient/Observation.rs"}, "patient": {other}}.Encode(), asForm)
	if to, _ := url.Parse(a.Header.Get("Location")); to.Query().Get("code") != "" {
		a := h.sent(h.from("127.0.0.1"), "POST", "/oidc/token", codeForm(id, to.Query().Get("code")).Encode(), asForm)
		if strings.Contains(string(a.Body), other) {
			t.Errorf("a citizen lets an application see another's record: %s", a.Body)
		}
	}
}

// The browser is sent only where an application was registered for, letter by letter, and
// only with PKCE; and never to a place that a link names. Opened by comparing prefixes or
// hosts in auth.authorize, by taking plain challenges in auth.badRequest, and by taking any
// path in auth.localPath.
func TestHostileRedirectsLeadNowhereElse(t *testing.T) {
	h := attacked(t)
	id, _ := h.registered(someApp("An app"))
	c := h.signsIn("citizen")
	leads := func(a *Answer) bool { // elsewhere than here, or to the registered place with a code
		to, err := url.Parse(a.Header.Get("Location"))
		return err != nil || to.Host != "" && "http://"+to.Host != h.HTTP && !strings.HasPrefix(to.String(), hostileCallback+"?error=") || to.Scheme != "" && to.Scheme != "http" && to.Scheme != "https" || to.Opaque != ""
	}
	for _, uri := range []string{"", "https://app.example", "https://app.example/", "https://app.example/callback/", "https://app.example/callback/../evil", "https://app.example/callback?x=1", "https://app.example/callback#x", "https://app.example:443/callback", "https://app.example:8443/callback",
		"HTTPS://app.example/callback", "https://APP.example/callback", "http://app.example/callback", "https://app.example.evil.example/callback", "https://evil.example/callback", "https://app.example@evil.example/callback", "https://evil.example\\@app.example/callback", "https://evil.example#@app.example/callback",
		"https://app.example/%63allback", "https://app.example//callback", "https://аpp.example/callback", "https://xn--pp-6kc.example/callback", "javascript:alert(1)//https://app.example/callback", "data:text/html,<script>", "//app.example/callback", "/callback", " https://app.example/callback", "https://app.example/callback ", "https://app.example/callback\r\nX: y",
		"https://app.example/callback\x00", "com.example:/callback", "https://app.example./callback"} {
		if a := h.sent(c, "GET", h.authorization(id, hostileScope, url.Values{"redirect_uri": {uri}}), ""); a.Status != 400 || a.Header.Get("Location") != "" || strings.Contains(string(a.Body), "evil.example") {
			t.Errorf("%q: %d %s", uri, a.Status, a.Header.Get("Location"))
		}
	}
	for name, change := range map[string]url.Values{"no PKCE": {"code_challenge": nil, "code_challenge_method": nil}, "plain": {"code_challenge_method": {"plain"}}, "no method": {"code_challenge_method": nil}, "short": {"code_challenge": {"abc"}}, "implicit": {"response_type": {"token"}}, "hybrid": {"response_type": {"code id_token"}},
		"fragment": {"response_mode": {"fragment"}}, "form_post": {"response_mode": {"form_post"}}, "a request object": {"request": {"e30.e30."}}, "a request elsewhere": {"request_uri": {"http://127.0.0.1/"}}, "no state": {"state": nil}, "another server": {"aud": {"https://evil.example/fhir"}}, "no server": {"aud": nil},
		"a launch that nobody made": {"scope": {"launch patient/Observation.rs"}, "launch": {"x"}}, "twice": {"state": {"a", "b"}}, "two places": {"redirect_uri": {hostileCallback, "https://evil.example/"}}, "two applications": {"client_id": {id, "x"}}} {
		a := h.sent(c, "GET", h.authorization(id, hostileScope, change), "")
		if to := a.Header.Get("Location"); a.Status < 300 || strings.Contains(to, "/oidc/connect/") || strings.Contains(to, "code=") || leads(a) {
			t.Errorf("%s: %d %s", name, a.Status, to)
		}
	}
	for _, to := range []string{"//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/%2f/evil.example", "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "/login?return=//evil.example", "/.//evil.example", "/..//evil.example", "http:evil.example", "/@evil.example", "///evil.example", "/%09/evil.example", "/logout",
		"/oidc/logout?post_logout_redirect_uri=https://evil.example"} {
		c := h.from("127.0.0.1")
		a := h.sent(c, "GET", "/login?return="+url.QueryEscape(to), "")
		if leads(a) {
			t.Errorf("/login leads to %s", a.Header.Get("Location"))
		}
		if got := h.returnsTo(to); got != "" {
			t.Errorf("after the sign-in with %q the browser is at %s", to, got)
		}
		for _, path := range []string{"/oidc/logout?post_logout_redirect_uri=" + url.QueryEscape(to), "/oidc/logout?client_id=" + id + "&post_logout_redirect_uri=" + url.QueryEscape(to), "/oidc/logout?client_id=pages&post_logout_redirect_uri=" + url.QueryEscape(to), "/signed-out?return=" + url.QueryEscape(to), "/" + strings.TrimLeft(to, "/")} {
			if _, err := url.Parse(path); err != nil {
				continue
			}
			if a := h.sent(c, "GET", h.HTTP+path, ""); leads(a) {
				t.Errorf("%s leads to %s", path, a.Header.Get("Location"))
			}
		}
	}
	for _, path := range []string{"//evil.example/..", "//evil.example/%2e%2e", "/%5cevil.example/..", "//evil.example//"} {
		if a := h.sent(c, "GET", h.HTTP+path, ""); leads(a) {
			t.Errorf("%s leads to %s", path, a.Header.Get("Location"))
		}
	}
}

// returnsTo signs somebody in who was to return to a place, and says where the browser is
// sent where that is not this server.
func (h *hostile) returnsTo(to string) string {
	h.Helper()
	_, c := h.signsInAt("citizen", "/login?return="+url.QueryEscape(to))
	if u, err := url.Parse(c); err != nil || u.Host != "" && "http://"+u.Host != h.HTTP || u.Scheme != "" && u.Scheme != "http" || strings.HasPrefix(c, "//") || strings.ContainsAny(c, "\\\t\n") {
		return c
	}
	return ""
}

// A registration is taken only where it harms nobody, and has this server ask nobody inside:
// opened by dropping app.redirectable, by letting app.NewKeys dial any address, by following
// redirects there, and by an assertion that can be used again (auth.once).
func TestHostileRegistrationsAndAssertions(t *testing.T) {
	h := attacked(t)
	register := func(from string, change func(*app.Metadata)) *Answer {
		m := someApp("An app")
		change(&m)
		b, _ := json.Marshal(m)
		return h.sent(h.from(from), "POST", "/oidc/register", string(b), "Content-Type: application/json")
	}
	for i, uri := range []string{"javascript:alert(1)", "data:text/html,x", "http://evil.example/", "https://a@b.example/", "https://app.example/#x", "//app.example/", "https://", "https://app.example/\r\nX:y", "https://app.example/'; script-src *", "file:///etc/passwd", "https://app.example/ b", strings.Repeat("https://app.example/", 500)} {
		for name, change := range map[string]func(*app.Metadata){"redirect_uris": func(m *app.Metadata) { m.RedirectURIs = []string{uri} }, "launch_uri": func(m *app.Metadata) { m.LaunchURI = uri }} {
			if a := register("127.1.0."+string(rune('1'+i%9)), change); a.Status != 400 {
				t.Errorf("%s %.60q: %d %s", name, uri, a.Status, a.Body)
			}
		}
	}
	for name, change := range map[string]func(*app.Metadata){
		"a megabyte":          func(m *app.Metadata) { m.About = strings.Repeat("x", 1<<20) },
		"a long name":         func(m *app.Metadata) { m.Name = strings.Repeat("x", 5000) },
		"a name of two lines": func(m *app.Metadata) { m.Name = "An app\r\nX: y" },
		"a thousand places":   func(m *app.Metadata) { m.RedirectURIs = slices.Repeat([]string{"https://app.example/"}, 1000) },
		"a private key": func(m *app.Metadata) {
			m.Method, m.Keys = "private_key_jwt", json.RawMessage(`{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}`)
		},
		"scopes of the system": func(m *app.Metadata) { m.Scope = "system/*.cruds" },
		"no scopes":            func(m *app.Metadata) { m.Scope = "all" },
		"the approval itself":  func(m *app.Metadata) { m.State = "live"; m.Scope = "root" },
	} {
		if a := register("127.2.0.1", change); a.Status < 400 {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	var said app.Metadata
	if a := register("127.2.0.2", func(m *app.Metadata) { m.State = "live" }); json.Unmarshal(a.Body, &said) != nil || said.State != "pending" {
		t.Errorf("an application approves itself: %s", a.Body)
	}
	refused := 0
	for range 30 {
		if register("127.3.0.1", func(*app.Metadata) {}).Status == 429 {
			refused++
		}
	}
	if refused < 10 {
		t.Error("one network registers without end:", 30-refused)
	}

	// Keys inside are not fetched, whatever name or number leads there.
	var calls atomic.Int32
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(inside.Close)
	inside.Config.ErrorLog = nil
	var dialled atomic.Int32
	inside.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dialled.Add(1)
		}
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "https://"), ":")
	key, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	for i, host := range []string{"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1", "169.254.169.254", "10.0.0.1", "[fd00::1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "100.64.0.1", "198.18.0.1"} {
		m := app.Metadata{Name: "A service", Contacts: []string{"a@b.example"}, Method: "private_key_jwt", Grants: []string{app.ClientGrant}, Scope: "system/*.rs", KeysURI: "https://" + host + ":" + port + "/keys"}
		b, _ := json.Marshal(m)
		a := h.sent(h.from("127.4.0."+string(rune('1'+i%9))), "POST", "/oidc/register", string(b), "Content-Type: application/json")
		if a.Status != 201 {
			continue
		}
		_ = json.Unmarshal(a.Body, &said)
		if _, err := h.Region.Auth.Apps.Approve(said.ID, "admin", "system", time.Now(), time.Now().Add(48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		status, got := h.exchanged(url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}, "client_assertion_type": {app.AssertionType}, "client_assertion": {h.assertion(key, said.ID, "j1")}})
		if status != 401 || got.Access != "" || time.Since(began) > 4*time.Second {
			t.Errorf("%s: %d after %v", host, status, time.Since(began))
		}
	}
	if n := dialled.Load() + calls.Load(); n > 0 {
		t.Errorf("an application had this server call inside %d times", n)
	}

	// An assertion is used once, and is nobody else's.
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES384"}}})
	service := app.Metadata{Name: "A service", Contacts: []string{"a@b.example"}, Method: "private_key_jwt", Grants: []string{app.ClientGrant}, Scope: "system/Observation.rs", Keys: set}
	id, _ := h.registered(service)
	thief, _ := h.registered(service)
	grant := func(client, assertion, scope string) (int, tokens) {
		return h.exchanged(url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "scope": {scope}, "client_assertion_type": {app.AssertionType}, "client_assertion": {assertion}})
	}
	assertion := h.assertion(key, id, "once")
	status, got := grant(id, assertion, "system/*.cruds")
	if status != 200 || strings.TrimSpace(got.Scope) != "system/Observation.rs" {
		t.Fatal(status, got)
	}
	if status, got := grant(id, assertion, "system/*.rs"); status != 401 || got.Access != "" {
		t.Error("an assertion is used twice:", status)
	}
	if status, got := grant(thief, h.assertion(key, id, "other"), "system/*.rs"); status != 401 || got.Access != "" {
		t.Error("an assertion of another client:", status)
	}
	for name, change := range map[string]func(*jwt.Claims){
		"for another server":    func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://elsewhere.example/oidc/token"} },
		"for nobody":            func(c *jwt.Claims) { c.Audience = nil },
		"that has ended":        func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Minute)) },
		"without an end":        func(c *jwt.Claims) { c.Expiry = nil },
		"for a year":            func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(365 * 24 * time.Hour)) },
		"without a jti":         func(c *jwt.Claims) { c.ID = "" },
		"by another issuer":     func(c *jwt.Claims) { c.Issuer = thief },
		"about another subject": func(c *jwt.Claims) { c.Subject = thief },
	} {
		if status, got := grant(id, h.assertion(key, id, "claims "+name, change), "system/*.rs"); status != 401 || got.Access != "" {
			t.Errorf("an assertion %s: %d", name, status)
		}
	}
	// Who asks about a token that is another's learns nothing of it, and can't end it.
	for _, path := range []string{"/oidc/introspect", "/oidc/revoke"} {
		a := h.sent(h.from("127.0.0.1"), "POST", path, url.Values{"token": {got.Access}, "client_assertion_type": {app.AssertionType}, "client_assertion": {h.assertion(key, thief, "t"+path)}}.Encode(), asForm)
		if a.Status != 200 || strings.Contains(string(a.Body), "system") {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	if a := h.sent(h.from("127.0.0.1"), "GET", "/fhir/Observation", "", "Authorization: Bearer "+got.Access); a.Status != 200 {
		t.Error("another application has ended the token:", a.Status)
	}
}

// assertion is what a client signs of itself, with changes.
func (h *hostile) assertion(key *ecdsa.PrivateKey, client, jti string, changes ...func(*jwt.Claims)) string {
	h.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES384, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		h.Fatal(err)
	}
	now := time.Now()
	claims := jwt.Claims{Issuer: client, Subject: client, Audience: jwt.Audience{h.HTTP + "/oidc/token"}, ID: jti, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(4 * time.Minute))}
	for _, change := range changes {
		change(&claims)
	}
	s, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		h.Fatal(err)
	}
	return s
}
