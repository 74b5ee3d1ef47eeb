package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/fault"
	"selda/nhs"
)

var noon = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

func issue(t testing.TB, a *Auth, user string, p nhs.Purpose) string {
	t.Helper()
	acc, _ := a.Accounts.Find(user)
	token, err := a.Tokens.Issue(acc, p, 8*time.Hour, noon)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokenIsTheAccountAsItStandsNow(t *testing.T) {
	g := newRegion(t, Config{})
	token := issue(t, g.Auth, "gp", nhs.Treatment)
	s, err := g.Tokens.Verify(token, noon.Add(time.Hour))
	if err != nil || s.User != "gp" || s.Role != nhs.GP || s.Organisation != "G85001" || s.Purpose != nhs.Treatment || s.Name != "Dr A Okafor" {
		t.Fatalf("%+v %v", s, err)
	}
	citizen, err := g.Tokens.Verify(issue(t, g.Auth, "citizen", nhs.PatientRequest), noon)
	if err != nil || citizen.NHSNumber.Digits() != "9991234519" {
		t.Errorf("%+v %v", citizen, err)
	}
	parent, err := g.Tokens.Verify(issue(t, g.Auth, "parent", nhs.PatientRequest), noon)
	if err != nil || len(parent.For) != 1 || parent.For[0].Digits() != "9991234519" {
		t.Errorf("%+v %v", parent, err)
	}
	system, err := g.Tokens.Verify(issue(t, g.Auth, "system", nhs.Treatment), noon)
	if err != nil || system.Source != "RJZ:PAS" {
		t.Errorf("%+v %v", system, err)
	}
	moved, _ := g.Accounts.Find("gp")
	moved.Organisation = "G85002"
	if err := g.Accounts.Put(moved); err != nil {
		t.Fatal(err)
	}
	if s, _ = g.Tokens.Verify(token, noon); s.Organisation != "G85002" {
		t.Error("the token remembers the old organisation")
	}
	moved.Role, moved.NHSNumber = nhs.Citizen, number(t, "9991234519")
	if err := g.Accounts.Put(moved); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Tokens.Verify(token, noon); !fault.Is(err, fault.Login) {
		t.Error("a citizen acts for treatment:", err)
	}
	if err := g.Accounts.Remove("gp"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Tokens.Verify(token, noon); !fault.Is(err, fault.Login) {
		t.Error("the token of an account that is gone:", err)
	}
}

// A server that is started later, on another port, takes the tokens too.
func TestTokenOutlivesTheServer(t *testing.T) {
	dir := t.TempDir()
	first := newRegion(t, Config{Dir: dir, PublicURL: "http://localhost:8080"})
	token := issue(t, first.Auth, "gp", nhs.Treatment)
	second := newRegion(t, Config{Dir: dir, PublicURL: "https://selda.example"})
	if s, err := second.Tokens.Verify(token, noon); err != nil || s.User != "gp" {
		t.Error(s, err)
	}
	stranger := newRegion(t, Config{})
	if _, err := stranger.Tokens.Verify(token, noon); !fault.Is(err, fault.Login) {
		t.Error("another region takes the token:", err)
	}
}

func TestTokenRefused(t *testing.T) {
	g := newRegion(t, Config{})
	good := issue(t, g.Auth, "gp", nhs.Treatment)
	part := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	sign := func(alg jose.SignatureAlgorithm, key any, typ string, c claims) string {
		t.Helper()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := jwt.Signed(signer).Claims(c).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	full := func(f func(*claims)) claims {
		c := claims{Purpose: nhs.Treatment, Claims: jwt.Claims{Subject: "gp", Audience: jwt.Audience{audienceFHIR}, IssuedAt: jwt.NewNumericDate(noon), Expiry: jwt.NewNumericDate(noon.Add(time.Hour))}}
		f(&c)
		return c
	}
	same := func(*claims) {}
	own := g.Tokens.keys.signing()
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	stolenName := jose.JSONWebKey{Key: other, KeyID: own.KeyID}
	public, _ := own.Public().MarshalJSON()
	if _, err := g.Tokens.Verify(sign(jose.ES256, own, tokenType, full(same)), noon); err != nil {
		t.Fatal("the test's own token:", err)
	}
	for name, c := range map[string]struct {
		token string
		at    time.Time
		want  fault.Kind
	}{
		"nothing":                  {"", noon, fault.Login},
		"not a token":              {"x.y.z", noon, fault.Login},
		"very long":                {strings.Repeat("a", 1<<20), noon, fault.Login},
		"alg none":                 {b64([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + part[1] + ".", noon, fault.Login},
		"alg none, our kid":        {b64([]byte(`{"alg":"none","typ":"at+jwt","kid":"`+own.KeyID+`"}`)) + "." + part[1] + "." + part[2], noon, fault.Login},
		"HMAC with the public key": {sign(jose.HS256, jose.JSONWebKey{Key: public, KeyID: own.KeyID}, tokenType, full(same)), noon, fault.Login},
		"another key":              {sign(jose.ES256, other, tokenType, full(same)), noon, fault.Login},
		"another key, our kid":     {sign(jose.ES256, stolenName, tokenType, full(same)), noon, fault.Login},
		"another body":             {part[0] + "." + b64([]byte(`{"sub":"admin"}`)) + "." + part[2], noon, fault.Login},
		"an ID token's type":       {sign(jose.ES256, own, "JWT", full(same)), noon, fault.Login},
		"another audience":         {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.Audience = jwt.Audience{"urn:other"} })), noon, fault.Login},
		"userinfo's audience":      {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.Audience = jwt.Audience{audienceUserInfo} })), noon, fault.Login},
		"no audience":              {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.Audience = nil })), noon, fault.Login},
		"no end":                   {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.Expiry = nil })), noon, fault.Login},
		"from the future":          {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.IssuedAt = jwt.NewNumericDate(noon.Add(time.Hour / 2)) })), noon, fault.Login},
		"nobody":                   {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.Subject = "" })), noon, fault.Login},
		"no such account":          {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.Subject = "mallory" })), noon, fault.Login},
		"no such purpose":          {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.Purpose = "FUN" })), noon, fault.Login},
		"a citizen's purpose":      {sign(jose.ES256, own, tokenType, full(func(c *claims) { c.Purpose = nhs.PatientRequest })), noon, fault.Login},
		"expired":                  {good, noon.Add(8 * time.Hour), fault.Expired},
		"long expired":             {good, noon.Add(800 * time.Hour), fault.Expired},
	} {
		if s, err := g.Tokens.Verify(c.token, c.at); !fault.Is(err, c.want) || s.User != "" {
			t.Errorf("%s: %v %v", name, s, err)
		}
	}
	if _, err := g.Tokens.Verify(good, noon.Add(8*time.Hour-time.Second)); err != nil {
		t.Error("ended too early:", err)
	}
}

func TestTokenIssueRefused(t *testing.T) {
	g := newRegion(t, Config{})
	for _, c := range []struct {
		user    string
		purpose nhs.Purpose
		ttl     time.Duration
		want    fault.Kind
	}{
		{"gp", nhs.PatientRequest, time.Hour, fault.Security},
		{"citizen", nhs.Treatment, time.Hour, fault.Security},
		{"parent", nhs.Emergency, time.Hour, fault.Security},
		{"gp", "FUN", time.Hour, fault.Value},
		{"gp", nhs.Treatment, 0, fault.Value},
		{"gp", nhs.Treatment, -time.Hour, fault.Value},
		{"gp", nhs.Treatment, MaxTokenTTL + 1, fault.Value},
		{"mallory", nhs.Treatment, time.Hour, fault.NotFound},
	} {
		if token, err := g.Token(t.Context(), c.user, c.purpose, c.ttl); !fault.Is(err, c.want) || token != "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if len(g.events) != 0 {
		t.Errorf("%+v", g.events)
	}
}

func TestBearer(t *testing.T) {
	g := newRegion(t, Config{})
	token, err := g.Token(t.Context(), "gp", nhs.Emergency, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.events) != 1 || g.events[0].Kind != TokenIssued || g.events[0].TokenID == "" || g.events[0].Subject.Purpose != nhs.Emergency {
		t.Errorf("%+v", g.events)
	}
	for header, want := range map[string]string{"Bearer " + token: "hello gp for BTG", "bearer " + token: "hello gp for BTG",
		"Bearer x": "login", "Basic Z3A6Z3A=": "login", "Bearer": "login", token: "login"} {
		r := httptest.NewRequest("POST", "http://localhost/fhir/Patient", nil)
		r.Header.Set("Authorization", header)
		r.Header.Set("Origin", "https://app.example") // an app in a browser brings its own proof
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		if got := strings.TrimSpace(w.Body.String()); got != want {
			t.Errorf("%.12s: %d %s", header, w.Code, got)
		}
		if w.Header().Get("Set-Cookie") != "" {
			t.Error("a token began a session")
		}
	}
}

func FuzzVerify(f *testing.F) {
	g := newRegion(f, Config{})
	good := issue(f, g.Auth, "gp", nhs.Treatment)
	for _, s := range []string{good, good[:len(good)-1], "", "..", "a.b.c", strings.Replace(good, ".", "..", 1), "e30.e30.e30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if subject, err := g.Tokens.Verify(s, noon); (err == nil) != (subject.User == "gp") || err != nil && !fault.Is(err, fault.Login) && !fault.Is(err, fault.Expired) {
			t.Errorf("%+v %v", subject, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	g := newRegion(b, Config{})
	token := issue(b, g.Auth, "gp", nhs.Treatment)
	for b.Loop() {
		if _, err := g.Tokens.Verify(token, noon); err != nil {
			b.Fatal(err)
		}
	}
}
