package testenv

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/auth"
	"selda/nhs"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// forger makes tokens from a genuine one.
type forger struct {
	h                      *hostile
	head, body, sign       string // of the genuine one
	header, claims         map[string]any
	public                 jose.JSONWebKey
	own                    *ecdsa.PrivateKey
	asked                  atomic.Int32 // how often the forger's own server was asked for keys
	server                 string
	ownJWK, publicPEM, der []byte
}

func (h *hostile) forger(genuine string) *forger {
	h.Helper()
	f := &forger{h: h}
	part := strings.Split(genuine, ".")
	f.head, f.body, f.sign = part[0], part[1], part[2]
	for i, into := range []*map[string]any{&f.header, &f.claims} {
		b, err := base64.RawURLEncoding.DecodeString(part[i])
		if err == nil {
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			h.Fatal(err)
		}
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(h.sent(h.from("127.0.0.1"), "GET", "/oidc/jwks", "").Body, &set); err != nil || len(set.Keys) == 0 {
		h.Fatal(err)
	}
	f.public = set.Keys[0]
	var err error
	if f.own, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		h.Fatal(err)
	}
	f.ownJWK, _ = json.Marshal(jose.JSONWebKey{Key: f.own.Public(), KeyID: f.public.KeyID, Algorithm: "ES256"})
	f.der, _ = x509.MarshalPKIXPublicKey(f.public.Key)
	f.publicPEM = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: f.der})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.asked.Add(1)
		_, _ = w.Write([]byte(`{"keys":[` + string(f.ownJWK) + `]}`))
	}))
	h.Cleanup(s.Close)
	f.server = s.URL
	return f
}

// headed is a header with changes; nil takes a name away.
func (f *forger) headed(change map[string]any) string {
	out := map[string]any{}
	for k, v := range f.header {
		out[k] = v
	}
	for k, v := range change {
		if out[k] = v; v == nil {
			delete(out, k)
		}
	}
	b, _ := json.Marshal(out)
	return b64(b)
}

// by signs header and payload with the forger's own key.
func (f *forger) by(head, body string) string {
	sum := sha256.Sum256([]byte(head + "." + body))
	r, s, err := ecdsa.Sign(rand.Reader, f.own, sum[:])
	if err != nil {
		f.h.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return head + "." + body + "." + b64(sig)
}

// mac signs with a secret, as HS256 does.
func (f *forger) mac(secret []byte) string {
	head := f.headed(map[string]any{"alg": "HS256"})
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(head + "." + f.body))
	return head + "." + f.body + "." + b64(m.Sum(nil))
}

// Forged tokens open nothing, whatever they claim of themselves, and have this server
// ask nobody for a key. Opened by reading claims without the signature
// (UnsafeClaimsWithoutVerification in auth.claimsOf), by taking the token's own algorithm,
// and by taking the first key where the kid is not known.
func TestHostileForgedTokensOpenNothing(t *testing.T) {
	h := attacked(t)
	genuine, err := h.Token(t.Context(), "gp")
	if err != nil {
		t.Fatal(err)
	}
	if status, leaks := h.opens("Authorization: Bearer " + genuine); status != 200 || !leaks {
		t.Fatal("the genuine one opens nothing:", status)
	}
	f := h.forger(genuine)
	f.claims["sub"] = "doctor"
	other, _ := json.Marshal(f.claims)
	delete(f.claims, "exp")
	endless, _ := json.Marshal(f.claims)
	sum, _ := f.public.Thumbprint(crypto.SHA256)
	var own any
	_ = json.Unmarshal(f.ownJWK, &own)
	text, err := base64.RawURLEncoding.DecodeString(f.body)
	if err != nil {
		t.Fatal(err)
	}
	doubled := strings.Replace(string(text), "{", `{"sub":"doctor","sub":"admin","exp":99999999999,`, 1)
	forged := map[string]string{
		"another subject":          f.head + "." + b64(other) + "." + f.sign,
		"no end":                   f.head + "." + b64(endless) + "." + f.sign,
		"doubled claims":           f.head + "." + b64([]byte(doubled)) + "." + f.sign,
		"doubled claims, own key":  f.by(f.head, b64([]byte(doubled))),
		"no signature":             f.head + "." + f.body + ".",
		"two parts":                f.head + "." + f.body,
		"four parts":               genuine + "." + f.sign,
		"signature cut":            genuine[:len(genuine)-4],
		"signature of nothing":     f.head + "." + f.body + "." + b64(make([]byte, 64)), // as in CVE-2022-21449
		"own key":                  f.by(f.head, f.body),
		"own key, no kid":          f.by(f.headed(map[string]any{"kid": nil}), f.body),
		"genuine, unknown kid":     f.headed(map[string]any{"kid": "x"}) + "." + f.body + "." + f.sign,
		"HS256 with the PEM":       f.mac(f.publicPEM),
		"HS256 with the DER":       f.mac(f.der),
		"HS256 with the kid":       f.mac([]byte(f.public.KeyID)),
		"HS256 with a thumbprint":  f.mac(sum),
		"HS256 with nothing":       f.mac(nil),
		"own key within":           f.by(f.headed(map[string]any{"jwk": own}), f.body),
		"own key within, no kid":   f.by(f.headed(map[string]any{"jwk": own, "kid": nil}), f.body),
		"own key elsewhere":        f.by(f.headed(map[string]any{"jku": f.server}), f.body),
		"own certificate":          f.by(f.headed(map[string]any{"x5u": f.server, "kid": nil}), f.body),
		"another type":             f.headed(map[string]any{"typ": "JWT"}) + "." + f.body + "." + f.sign,
		"what must be understood":  f.by(f.headed(map[string]any{"crit": []string{"exp"}, "exp": 0}), f.body),
		"as JSON":                  `{"protected":"` + f.head + `","payload":"` + f.body + `","signature":"` + f.sign + `"}`,
		"encrypted":                b64([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + "..AAAA.AAAA.AAAA",
		"nothing":                  "",
		"dots":                     "..",
		"huge":                     genuine + strings.Repeat("A", 20<<10),
		"padded":                   f.head + "=." + f.body + "." + f.sign,
		"a token and then another": genuine + " " + genuine,
	}
	for _, alg := range []string{"none", "None", "nOnE", "", "RS256", "PS256", "ES384", "EdDSA"} {
		forged["alg "+alg] = f.headed(map[string]any{"alg": alg}) + "." + f.body + "." + f.sign
		forged["alg "+alg+" unsigned"] = f.headed(map[string]any{"alg": alg}) + "." + f.body + "."
	}
	for _, kid := range []any{"", "../../../../dev/null", "/dev/null", f.server, "' OR '1'='1", "|id", 0, nil, []string{f.public.KeyID}} {
		b, _ := json.Marshal(kid)
		forged["kid "+string(b)] = f.by(f.headed(map[string]any{"kid": kid}), f.body)
		m := hmac.New(sha256.New, nil)
		head := f.headed(map[string]any{"kid": kid, "alg": "HS256"})
		m.Write([]byte(head + "." + f.body))
		forged["HS256, kid "+string(b)] = head + "." + f.body + "." + b64(m.Sum(nil))
	}
	for name, token := range forged {
		if status, leaks := h.opens("Authorization: Bearer " + token); status != 401 || leaks {
			t.Errorf("%s: %d, leaks %v", name, status, leaks)
		}
		a := h.sent(h.from("127.0.0.1"), "GET", "/oidc/userinfo", "", "Authorization: Bearer "+token)
		if a.Status != 401 {
			t.Errorf("%s at userinfo: %d %s", name, a.Status, a.Body)
		}
	}
	if n := f.asked.Load(); n > 0 {
		t.Errorf("this server asked the forger for keys %d times", n)
	}
	if a := h.sent(h.from("127.0.0.1"), "GET", "/fhir/Patient", "", "Authorization: Bearer "+strings.Repeat("A", 1<<20)); a.Status != 431 {
		t.Error("a header of a megabyte:", a.Status)
	}
}

// A token is good in one place, in its time, and as long as what it stands for: opened
// by leaving the times out (auth.verify).
func TestHostileTokensOutOfTheirPlaceOrTime(t *testing.T) {
	h := attacked(t)
	gp, _ := h.Region.Auth.Accounts.Find("gp")
	issue := func(a auth.Account, ago time.Duration) string {
		t.Helper()
		token, err := h.Region.Auth.Tokens.Issue(a, auth.Purpose(a.Role), time.Hour, time.Now().Add(-ago))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	genuine := issue(gp, 0)
	for name, headers := range map[string][]string{
		"expired a second ago":          {"Authorization: Bearer " + issue(gp, time.Hour+time.Second)},
		"of tomorrow":                   {"Authorization: Bearer " + issue(gp, -24*time.Hour)},
		"as the cookie of a session":    {"Cookie: selda=" + genuine},
		"as a password":                 {"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("gp:"+genuine))},
		"under another scheme":          {"Authorization: DPoP " + genuine},
		"in a header of its own":        {"X-Access-Token: " + genuine},
		"in a second header":            {"Authorization: Bearer nothing", "Authorization: Bearer " + genuine},
		"behind a header of proxies":    {"X-Forwarded-Authorization: Bearer " + genuine, "Proxy-Authorization: Bearer " + genuine},
		"a user that a header names":    {"X-Remote-User: gp", "X-Forwarded-User: gp", "Remote-User: gp"},
		"a method that a header names":  {"X-HTTP-Method-Override: GET"},
		"an address that a header says": {"X-Original-URL: /fhir/metadata", "X-Rewrite-URL: /fhir/metadata"},
	} {
		if status, leaks := h.opens(headers...); status != 401 || leaks {
			t.Errorf("%s: %d, leaks %v", name, status, leaks)
		}
	}
	for _, name := range []string{"access_token", "token", "authorization", "bearer_token"} {
		if a := h.sent(h.from("127.0.0.1"), "GET", "/fhir/Observation/secret1?"+name+"="+genuine, ""); a.Status != 401 {
			t.Errorf("in the parameter %s: %d", name, a.Status)
		}
	}

	// What says who signed in is no way in, nor is what is for another place.
	id, _ := h.registered(someApp("An app"))
	citizen := h.signsIn("citizen")
	_, got := h.exchanged(codeForm(id, h.code(citizen, id, "openid fhirUser launch/patient offline_access patient/Observation.rs patient/Patient.r", "patient/Observation.rs", "patient/Patient.r")))
	if status, leaks := h.opens("Authorization: Bearer " + got.Access); status != 200 || !leaks {
		t.Fatal("the application's own token opens nothing:", status)
	}
	for name, token := range map[string]string{"an ID token": got.ID, "a refresh token": got.Refresh} {
		if token == "" {
			t.Fatal("there is no such token:", name)
		}
		if status, leaks := h.opens("Authorization: Bearer " + token); status != 401 || leaks {
			t.Errorf("%s: %d, leaks %v", name, status, leaks)
		}
	}
	// An application's token is for /fhir, and never for pages.
	for _, path := range []string{"/me", "/me/looked", "/me/apps", "/audit/entries"} {
		a := h.sent(h.from("127.0.0.1"), "GET", path, "", "Authorization: Bearer "+got.Access)
		if a.Status == 200 || strings.Contains(string(a.Body), "Folake") {
			t.Errorf("an application's token opens %s: %d", path, a.Status)
		}
	}

	// The account as it stands now decides.
	gp.Role, gp.Organisation = nhs.Receptionist, "RJZ"
	if err := h.Region.Auth.Accounts.Put(gp); err != nil {
		t.Fatal(err)
	}
	if _, leaks := h.opens("Authorization: Bearer " + genuine); leaks {
		t.Error("a token holds the role that its account had")
	}
	folakes, _ := h.Region.Auth.Accounts.Find("citizen")
	own := issue(folakes, 0)
	if status, _ := h.opens("Authorization: Bearer " + own); status != 200 {
		t.Fatal("the citizen's own token opens nothing:", status)
	}
	if err := h.Region.Auth.Accounts.Remove("citizen"); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"an application's": got.Access, "their own": own} {
		if status, leaks := h.opens("Authorization: Bearer " + token); status != 401 || leaks {
			t.Errorf("%s token outlives the account: %d, leaks %v", name, status, leaks)
		}
	}
	if a := h.sent(citizen, "GET", "/me", ""); a.Status != 303 {
		t.Error("a session outlives its account:", a.Status)
	}
}
