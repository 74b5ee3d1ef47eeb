package auth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"selda/auth/provider"
	"selda/nhs"
)

// Every cookie of sign-on is sent over https alone, to this host alone, and read by no
// script; that of the session goes with the browser.
func TestHostileCookiesOfSignOnAreKept(t *testing.T) {
	g := newRegion(t, Config{PublicURL: "https://selda.example"})
	b := g.browser(t, "https://selda.example")
	var set []string
	follow := b.Transport
	b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := follow.RoundTrip(r)
		set = append(set, resp.Header.Values("Set-Cookie")...)
		return resp, err
	})
	if _, page := b.signIn("/", "gp", password); page != "hello gp for TREAT" {
		t.Fatal(page)
	}
	w := httptest.NewRecorder()
	g.offer(w, httptest.NewRequest("GET", "https://selda.example/login/callback", nil), vouched{Provider: "selda", Began: time.Now(), accounts: []option{{ID: "1", Account: someAccounts(t)[0]}}})
	set = append(set, w.Result().Header.Values("Set-Cookie")...)
	u, _ := url.Parse(b.origin)
	b.Jar.SetCookies(u, w.Result().Cookies())
	b.post(rolePath, url.Values{"role": {"1"}})
	b.post("/logout", nil)
	sessions := 0
	for _, c := range set {
		if !strings.HasPrefix(c, "__Host-") || !strings.Contains(c, "; Secure") || !strings.Contains(c, "; HttpOnly") || !strings.Contains(c, "; SameSite=Lax") || !strings.Contains(c, "; Path=/;") || strings.Contains(c, "Domain") {
			t.Error("a cookie is", c)
		}
		if strings.HasPrefix(c, "__Host-"+sessionCookie+"=") && !strings.Contains(c, "Max-Age=0") {
			if sessions++; strings.Contains(c, "Max-Age") || strings.Contains(c, "Expires") {
				t.Error("a session outlives the browser:", c)
			}
		}
	}
	if sessions == 0 || !strings.Contains(strings.Join(set, "\n"), "__Host-"+roleCookie) || !strings.Contains(strings.Join(set, "\n"), "__Host-"+loginCookie) {
		t.Error("not every cookie was seen:", set)
	}
}

// The whole of the state is compared, and nothing is asked of the provider before.
func TestHostileTheWholeStateIsCompared(t *testing.T) {
	n := openNational(t)
	b := n.visitor(t)
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := b.Get(n.here + "/login?provider=cis2")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	to, _ := resp.Location()
	state := to.Query().Get("state")
	q := url.Values{"state": {state[:len(state)-1] + "x"}, "code": {"any"}, "iss": {n.cis2.Issuer}}
	if status, _ := b.get(callbackPath + "?" + q.Encode()); status != http.StatusForbidden || n.last(t).Reason != "the answer does not belong to a sign-in begun here" || n.cis2.Asked["/token"] != 0 {
		t.Errorf("%d %+v", status, n.last(t))
	}
	// It was used up: the right one comes too late.
	q.Set("state", state)
	if status, _ := b.get(callbackPath + "?" + q.Encode()); status != http.StatusForbidden || n.cis2.Asked["/token"] != 0 {
		t.Error("a state that was guessed at is still good:", status)
	}
}

// Where a sign-in leads afterwards is a page of this server, as a browser reads the address.
func TestHostileSignInLeadsNowhereElse(t *testing.T) {
	for _, to := range []string{"//evil.example", "//evil.example/record/c1", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "https://evil.example", "//evil.example@selda.example", "/%2F/evil.example", "javascript:alert(1)", "/login?return=//evil.example"} {
		g := newRegion(t, Config{})
		b := g.browser(t, "http://localhost")
		b.signIn("/login?return="+url.QueryEscape(to), "gp", password)
		for _, v := range b.visited {
			u, err := url.Parse(v)
			if err != nil || u.Host != "localhost" {
				t.Errorf("%q leads to %s", to, v)
			}
		}
		if last := b.visited[len(b.visited)-1]; last != "http://localhost/" {
			t.Errorf("%q ends at %s", to, last)
		}
	}
}

// A verifier that is not the one of the challenge gets no tokens, at our own provider either.
func TestHostileACodeIsWorthNothingWithoutItsVerifier(t *testing.T) {
	s := openSMART(t, publicApp)
	s.signsIn("citizen")
	const scope = "launch/patient patient/*.rs"
	for _, v := range []string{"", "another-verifier-of-forty-three-letters-or-more", verifier[:42], verifier + "x"} {
		code := s.code(scope, nil)
		status, k := s.tokenFor(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "client_id": {s.client.ID}, "code_verifier": {v}})
		if status != http.StatusBadRequest || k.Access != "" || k.Error != "invalid_grant" {
			t.Errorf("%q: %d %+v", v, status, k)
		}
	}
	if status, k := s.exchange(s.code(scope, nil)); status != 200 || k.Access == "" {
		t.Error("the right one:", status, k)
	}
}

// A token of one use is refused for another, by its audience.
func TestHostileTokensOfAnotherAudienceOpenNothing(t *testing.T) {
	g := newRegion(t, Config{})
	b := g.browser(t, "http://localhost")
	b.signIn("/", "gp", password)
	token, _, err := people{g.Auth}.AccessToken(t.Context(), provider.Client{ID: pagesClient}, "http://localhost/oidc", "gp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Tokens.Verify(token, time.Now()); err == nil {
		t.Error("a token for userinfo opens /fhir")
	}
	fhir, err := g.Token(t.Context(), "gp", nhs.Treatment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Tokens.verify(fhir, "urn:other", time.Now()); err == nil {
		t.Error("a token for /fhir opens another door")
	}
}
