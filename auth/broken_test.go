package auth

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/auth/party/partytest"
)

// unsigned is a token that nobody has signed.
func unsigned(claims map[string]any) string {
	b, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(b) + "."
}

// breakage is one thing that a provider gets wrong, and what the trail says of it.
type breakage struct {
	name   string
	login  bool // at NHS login; else at CIS2
	reason string
	with   func(*partytest.Twin)
}

// claims breaks the claims of the identity token.
func stated(f func(map[string]any)) func(*partytest.Twin) {
	return func(t *partytest.Twin) { t.Break.Claims = f }
}

func set(name string, v any) func(*partytest.Twin) {
	return stated(func(c map[string]any) { c[name] = v })
}

func without(name string) func(*partytest.Twin) {
	return stated(func(c map[string]any) { delete(c, name) })
}

func info(name string, v any) func(*partytest.Twin) {
	return func(t *partytest.Twin) { t.Break.Info = func(m map[string]any) { m[name] = v } }
}

func described(name string, v any) func(*partytest.Twin) {
	return func(t *partytest.Twin) { t.Break.Metadata = func(m map[string]any) { m[name] = v } }
}

func answered(name, v string) func(*partytest.Twin) {
	return func(t *partytest.Twin) {
		t.Break.Answer = func(q url.Values) {
			if q.Del(name); v != "" {
				q.Set(name, v)
			}
		}
	}
}

func signs(f func(*partytest.Twin, map[string]any) string) func(*partytest.Twin) {
	return func(t *partytest.Twin) {
		t.Break.Sign = func(c map[string]any) string {
			t.Break.Sign = nil
			return f(t, c)
		}
	}
}

func status(path string, code int) func(*partytest.Twin) {
	return func(t *partytest.Twin) { t.Break.Status = map[string]int{path: code} }
}

func ago(d time.Duration) int64 { return time.Now().Add(-d).Unix() }

var breakages = []breakage{
	{"another issuer in the metadata", false, "the provider's metadata names another issuer", described("issuer", "https://elsewhere.example")},
	{"a token endpoint that is not https", false, "the provider's metadata lacks an endpoint, or names one that is not https", described("token_endpoint", "http://selda.example/token")},
	{"keys at an address that is not https", false, "the provider's metadata lacks an endpoint, or names one that is not https", described("jwks_uri", "http://selda.example/jwks")},
	{"the metadata is down", false, "the provider's metadata could not be read", status("/.well-known/openid-configuration", 500)},

	{"an answer from another provider", false, "the answer is from another provider (iss)", answered("iss", "https://elsewhere.example")},
	{"an answer that does not say whose it is", false, "the answer does not say which provider it is from (iss)", answered("iss", "")},
	{"another state", false, "the answer does not belong to a sign-in begun here", answered("state", "forged")},
	{"no state", false, "the answer does not belong to a sign-in begun here", answered("state", "")},
	{"a code of another sign-in", false, "the provider did not take the code (invalid_grant)", answered("code", "made-up")},
	{"no consent", true, "the provider refused (access_denied)", answered("error", "access_denied")},

	{"the token endpoint is down", false, "the provider did not take the code", status("/token", 500)},
	{"no identity token", false, "the provider sent no identity token", func(t *partytest.Twin) {
		t.Break.Tokens = func(m map[string]any) { delete(m, "id_token") }
	}},
	{"a token of another type", false, "the provider's access token is not a bearer token", func(t *partytest.Twin) {
		t.Break.Tokens = func(m map[string]any) { m["token_type"] = "mac" }
	}},

	{"no signature", false, "the identity token is not signed with an algorithm that was agreed", signs(func(_ *partytest.Twin, c map[string]any) string { return unsigned(c) })},
	{"signed with what both know", false, "the identity token is not signed with an algorithm that was agreed", signs(func(t *partytest.Twin, c map[string]any) string {
		return t.SignWith([]byte(strings.Repeat("selda", 20)), jose.HS256, c)
	})},
	{"signed with another algorithm", true, "the identity token is not signed with an algorithm that was agreed", signs(func(t *partytest.Twin, c map[string]any) string {
		key := t.Key()
		key.Algorithm = "RS256"
		return t.SignWith(key, jose.RS256, c)
	})},
	{"signed by a stranger", false, "the signature of the identity token does not hold", signs(func(t *partytest.Twin, c map[string]any) string { return t.SignWith(t.Stranger(), t.Algorithm, c) })},
	{"a key that is not known", false, "the provider has no such key", signs(func(t *partytest.Twin, c map[string]any) string {
		key := t.Key()
		key.KeyID = "unknown"
		return t.SignWith(key, t.Algorithm, c)
	})},
	{"a key inside the token", false, "the identity token names no key (kid)", signs(func(t *partytest.Twin, c map[string]any) string {
		key := t.Stranger()
		key.KeyID = ""
		t.Break.Header = func(o *jose.SignerOptions) { o.EmbedJWK = true }
		defer func() { t.Break.Header = nil }()
		return t.SignWith(key.Key, t.Algorithm, c)
	})},
	{"a token of another use", false, "the identity token is a token of another use (typ)", func(t *partytest.Twin) {
		t.Break.Header = func(o *jose.SignerOptions) { o.WithType("logout+jwt") }
	}},
	{"the keys are down", false, "the provider's keys can't be read", status("/jwks", 500)},
	{"a key that is for encryption", false, "the provider has no such key", func(t *partytest.Twin) {
		t.Break.Keys = func(s *jose.JSONWebKeySet) { s.Keys[0].Use = "enc" }
	}},

	{"another issuer", false, "the identity token is from another provider (iss)", set("iss", "https://elsewhere.example")},
	{"another system", false, "the identity token is for another system (aud)", set("aud", "another")},
	{"no system", true, "the identity token is for another system (aud)", without("aud")},
	{"several systems", true, "the identity token is for several systems and does not say which asked (azp)", set("aud", []string{"selda", "another"})},
	{"asked for by another", false, "the identity token was asked for by another system (azp)", set("azp", "another")},
	{"nobody", false, "the identity token says of nobody (sub)", without("sub")},
	{"ended", false, "the identity token has ended (exp)", set("exp", ago(2*time.Minute))},
	{"no end", false, "the identity token has no end (exp)", without("exp")},
	{"not yet", false, "the identity token holds from later on (nbf)", set("nbf", ago(-10*time.Minute))},
	{"from the future", true, "the identity token is from the future (iat)", set("iat", ago(-10*time.Minute))},
	{"from long ago", true, "the identity token was made too long ago (iat)", set("iat", ago(time.Hour))},
	{"from no time", false, "the identity token does not say when it was made (iat)", without("iat")},
	{"another sign-in's", false, "the identity token is of another sign-in (nonce)", set("nonce", "another")},
	{"no sign-in's", true, "the identity token is of another sign-in (nonce)", without("nonce")},
	{"another access token's", true, "the identity token belongs to another access token (at_hash)", set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")},
	{"no time of sign-in", false, "the identity token does not say when the person signed in (auth_time)", without("auth_time")},
	{"signed in long ago", false, "the person signed in at the provider too long ago (auth_time)", set("auth_time", ago(9*time.Hour))},
	{"signs in later", false, "the identity token says that the person will sign in later (auth_time)", set("auth_time", ago(-time.Hour))},

	{"userinfo is down", false, "the provider's userinfo endpoint did not say who that is", status("/userinfo", 500)},
	{"userinfo of somebody else", false, "the userinfo endpoint speaks of somebody else (sub)", info("sub", "another")},

	{"a class that was not asked for", false, "the sign-in was not of a class that was asked for", set("acr", "AAL1_USERPASS")},
	{"no class", false, "the sign-in was not of a class that was asked for", without("acr")},
	{"too weak a sign-in", false, "the authentication assurance level is too low", set("authentication_assurance_level", "1")},
	{"no level of sign-in", false, "the authentication assurance level is too low", without("authentication_assurance_level")},
	{"too unsure who it is", false, "the identity assurance level is too low", set("id_assurance_level", "2")},
	{"a role of somebody else", false, "the role that was selected is none of the person's", set("selected_roleid", "999")},
	{"no role", false, "the sign-in service states no role", info("nhsid_nrbac_roles", []any{})},
	{"a role without a use here", false, "your role at the sign-in service has no use of this system", info("nhsid_nrbac_roles", []any{nrbac("1", "R9999", "RJZ")})},
	{"a role at no organisation", false, "the sign-in service did not give a valid organisation", info("nhsid_nrbac_roles", []any{nrbac("1", "R8000", "not one")})},

	{"proven by an e-mail address alone", true, "the identity proofing level is too low", stated(func(c map[string]any) {
		c["identity_proofing_level"], c["vot"] = "P0", "P0.Cp"
		delete(c, "nhs_number")
	})},
	{"half proven", true, "the identity proofing level is too low", set("identity_proofing_level", "P5")},
	{"proven by nothing said", true, "the identity proofing level is too low", func(t *partytest.Twin) {
		without("identity_proofing_level")(t)
	}},
	{"a password alone", true, "the vector of trust is none that was asked for", set("vot", "P9.Cp")},
	{"a vector of less", true, "the vector of trust is none that was asked for", set("vot", "P5.Cp.Cd")},
	{"no vector", true, "the vector of trust is none that was asked for", without("vot")},
	{"a number that fails", true, "the sign-in service did not give a valid NHS number", set("nhs_number", "9991234518")},
	{"somebody else's number", true, "no record is of this NHS number, birth date and name (G15)", set("nhs_number", "9000000009")},
	{"another birth date", true, "no record is of this NHS number, birth date and name (G15)", set("birthdate", "1951-11-06")},
	{"no birth date", true, "no record is of this NHS number, birth date and name (G15)", func(t *partytest.Twin) {
		without("birthdate")(t)
		t.Break.Info = func(m map[string]any) { delete(m, "birthdate") }
	}},
	{"another name", true, "no record is of this NHS number, birth date and name (G15)", set("family_name", "Okafor")},
}

// A provider that gets one thing wrong lets nobody in: each has words of its own in the
// trail, and a page that says nothing of a record and nothing that the provider wrote.
func TestEveryBrokenSignInIsRefused(t *testing.T) {
	for _, x := range breakages {
		t.Run(x.name, func(t *testing.T) {
			n := openNational(t)
			party, twin := "cis2", n.cis2
			if x.login {
				party, twin = "nhs-login", n.login
			}
			x.with(twin)
			code, page, b := n.comes(t, party)
			if code != http.StatusForbidden && code != http.StatusBadGateway || strings.HasPrefix(page, "hello") {
				t.Fatal(code, page)
			}
			e := n.last(t)
			if e.Kind != Refused || e.Reason != x.reason || e.Address == "" {
				t.Errorf("%+v", e)
			}
			if e.Provider != party && !strings.Contains(x.name, "state") {
				t.Errorf("the trail does not say at which provider: %+v", e)
			}
			for _, leak := range []string{"Folake", "ADEYEMI", "9991234519", "1951", "OKAFOR"} {
				if strings.Contains(page, leak) {
					t.Errorf("the page tells %s: %s", leak, page)
				}
			}
			if !strings.Contains(page, `href="/login"`) {
				t.Error("the page leads nowhere:", page)
			}
			if b.session() != "" {
				if _, p := b.get("/"); strings.HasPrefix(p, "hello") {
					t.Error("signed in all the same")
				}
			}
			if len(n.Accounts.List()) != len(someAccounts(t)) {
				t.Error("an account was made")
			}
			// The same provider in order lets them in.
			twin.Break = partytest.Break{}
			if _, page, _ = n.comes(t, party); !strings.HasPrefix(page, "hello "+party) {
				t.Error("the twin in order:", page)
			}
		})
	}
}
