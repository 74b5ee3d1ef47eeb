package provider

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"selda/fault"
)

const (
	codeTTL    = 60 * time.Second
	idTokenTTL = 5 * time.Minute
	maxCodes   = 20_000
)

// issued is what a code stands for.
type issued struct {
	client, redirect, nonce, challenge, user string
	at                                       time.Time
}

// codes are the codes that have been handed out and not been used.
type codes struct {
	mu sync.Mutex
	m  map[string]issued
}

func (c *codes) put(code string, i issued) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[string]issued{}
	}
	if len(c.m) >= 64 {
		for k, v := range c.m {
			if i.at.Sub(v.at) > codeTTL {
				delete(c.m, k)
			}
		}
	}
	if len(c.m) < maxCodes {
		c.m[code] = i
	}
}

// take is the one use of a code: right or wrong, it is gone.
func (c *codes) take(code string, now time.Time) (issued, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.m[code]
	delete(c.m, code)
	return i, ok && now.Sub(i.at) <= codeTTL
}

// token changes a code for tokens.
// https://openid.net/specs/openid-connect-core-1_0.html#TokenEndpoint
func (p *OpenID) token(w http.ResponseWriter, r *http.Request) {
	base, err := p.conf.Base(r)
	if err != nil {
		p.errorPage(w, http.StatusMisdirectedRequest, misdirected)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		tokenError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	form := r.PostForm
	for _, values := range form {
		if len(values) > 1 {
			tokenError(w, http.StatusBadRequest, "invalid_request")
			return
		}
	}
	client, ok := p.authenticate(r, form)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="SELDA"`)
		tokenError(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	if form.Get("grant_type") != "authorization_code" {
		tokenError(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	now := time.Now()
	i, ok := p.codes.take(form.Get("code"), now)
	if !ok || i.client != client.ID || i.redirect != form.Get("redirect_uri") || !fits(i.challenge, form.Get("code_verifier")) {
		tokenError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	p.answer(w, r, base, client, i, now)
}

func (p *OpenID) answer(w http.ResponseWriter, r *http.Request, base string, client Client, i issued, now time.Time) {
	said, err := p.conf.People.Claims(i.user)
	if err != nil {
		tokenError(w, http.StatusBadRequest, "invalid_grant") // the account went in the meantime
		return
	}
	access, ttl, err := p.conf.People.AccessToken(r.Context(), client, Issuer(base), i.user)
	if err != nil {
		tokenError(w, http.StatusServiceUnavailable, "temporarily_unavailable")
		return
	}
	id, err := p.idToken(Issuer(base), client.ID, i, said, now)
	if err != nil {
		tokenError(w, http.StatusInternalServerError, "server_error")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(ttl.Seconds()), "id_token": id})
}

// idToken signs the ID token.
// https://openid.net/specs/openid-connect-core-1_0.html#IDToken
func (p *OpenID) idToken(issuer, client string, i issued, said map[string]any, now time.Time) (string, error) {
	all := withSub(said, i.user)
	all["nonce"] = i.nonce
	all["auth_time"] = i.at.Unix()
	all["azp"] = client
	registered := jwt.Claims{Issuer: issuer, Subject: i.user, Audience: jwt.Audience{client},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(idTokenTTL))}
	token, err := jwt.Signed(p.signer).Claims(all).Claims(registered).Serialize()
	if err != nil {
		return "", fault.E("provider.idToken", err)
	}
	return token, nil
}

// authenticate is the client of a token request: by Basic or in the form, and
// a public client by its name alone. RFC 6749, section 2.3.
func (p *OpenID) authenticate(r *http.Request, form url.Values) (Client, bool) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if u, s, ok := r.BasicAuth(); ok {
		name, err1 := url.QueryUnescape(u)
		word, err2 := url.QueryUnescape(s)
		if err1 != nil || err2 != nil || secret != "" || id != "" && id != name {
			return Client{}, false
		}
		id, secret = name, word
	}
	c, ok := p.client(id)
	want, got := sha256.Sum256([]byte(c.Secret)), sha256.Sum256([]byte(secret))
	return c, ok && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// fits says whether a verifier belongs to a challenge. RFC 7636, section 4.6.
func fits(challenge, verifier string) bool {
	if !pkceText(verifier, 43, 128) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

func tokenError(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]string{"error": code})
}
