package provider

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
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
	Client, Redirect, Nonce, Challenge, User string
	At                                       time.Time
	AMR                                      []string
}

// keep keeps what a code stands for until it is used.
func (p *OpenID) keep(code string, i issued) error {
	b, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return p.codes.Put(code, b, i.At.Add(codeTTL))
}

// take is the one use of a code.
func (p *OpenID) take(code string, now time.Time) (i issued, ok bool) {
	b, ok, err := p.codes.Take(code)
	if !ok || err != nil || json.Unmarshal(b, &i) != nil {
		return issued{}, false
	}
	return i, now.Sub(i.At) <= codeTTL
}

// codes is Codes in memory.
type codes struct {
	mu sync.Mutex
	m  map[string]kept
}

type kept struct {
	content []byte
	expires time.Time
}

// Put is Codes'.
func (c *codes) Put(code string, content []byte, expires time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= 64 {
		now := time.Now()
		for k, v := range c.m {
			if now.After(v.expires) {
				delete(c.m, k)
			}
		}
	}
	if len(c.m) < maxCodes {
		c.m[code] = kept{content, expires}
	}
	return nil
}

// Take is Codes'.
func (c *codes) Take(code string) ([]byte, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.m[code]
	delete(c.m, code)
	return k.content, ok, nil
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
	i, ok := p.take(form.Get("code"), now)
	if !ok || i.Client != client.ID || i.Redirect != form.Get("redirect_uri") || !Fits(i.Challenge, form.Get("code_verifier")) {
		tokenError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	p.answer(w, r, base, client, i, now)
}

func (p *OpenID) answer(w http.ResponseWriter, r *http.Request, base string, client Client, i issued, now time.Time) {
	said, err := p.conf.People.Claims(i.User)
	if err != nil {
		tokenError(w, http.StatusBadRequest, "invalid_grant") // the account went in the meantime
		return
	}
	access, ttl, err := p.conf.People.AccessToken(r.Context(), client, Issuer(base), i.User)
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
	all := withSub(said, i.User)
	all["nonce"] = i.Nonce
	all["auth_time"] = i.At.Unix()
	all["azp"] = client
	all["amr"] = i.AMR
	registered := jwt.Claims{Issuer: issuer, Subject: i.User, Audience: jwt.Audience{client},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(idTokenTTL))}
	signer, err := p.conf.signer()
	if err != nil {
		return "", fault.E("provider.idToken", err)
	}
	token, err := jwt.Signed(signer).Claims(all).Claims(registered).Serialize()
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

// Fits says whether a verifier belongs to a challenge. RFC 7636, section 4.6.
func Fits(challenge, verifier string) bool {
	if !PKCEText(verifier, 43, 128) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

func tokenError(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]string{"error": code})
}
