package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"selda/fault"
)

const (
	loginCookie = "selda-login"
	loginTTL    = 15 * time.Minute
	maxSealed   = 4 << 10
)

// loginState is what must be remembered between /login and its callback. It
// travels in a sealed cookie, so that visitors who never sign in cost nothing.
type loginState struct {
	Provider string    `json:"p"`
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Return   string    `json:"r"`
	Until    time.Time `json:"u"`
}

// sealer encrypts with a key of this process, or of the region's nodes.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fault.E("auth.newSealer", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fault.E("auth.newSealer", err)
	}
	return sealer{aead}, nil
}

func (s sealer) seal(l loginState) (string, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return "", fault.E("auth.seal", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, b, []byte(loginCookie))), nil
}

func (s sealer) open(v string, now time.Time) (loginState, bool) {
	var l loginState
	if len(v) > maxSealed {
		return l, false
	}
	b, err := base64.RawURLEncoding.DecodeString(v)
	if err != nil {
		return l, false
	}
	b, err = s.aead.Open(nil, nil, b, []byte(loginCookie))
	if err != nil || json.Unmarshal(b, &l) != nil || now.After(l.Until) {
		return loginState{}, false
	}
	return l, true
}

// maxPending is how many sign-ins a browser can have begun at once.
const maxPending = 4

// loginCookieName is the cookie of one sign-in. Each has its own, so that a
// second window, or a picture that a browser asks for by itself, does not
// spoil the first.
func (a *Auth) loginCookieName(state string) string {
	return a.conf.cookieName(loginCookie) + "-" + state[:min(8, len(state))]
}

// setLoginCookie sets the cookie of a sign-in, or with "" takes it away.
func (a *Auth) setLoginCookie(w http.ResponseWriter, state, value string) {
	a.setPending(w, a.loginCookieName(state), value)
}

func (a *Auth) setPending(w http.ResponseWriter, name, value string) {
	age := int(loginTTL / time.Second)
	if value == "" {
		age = -1
	}
	// Lax, not Strict: the provider sends the browser back from another site.
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: a.conf.secure(), SameSite: http.SameSiteLaxMode})
}

// dropPending takes begun sign-ins away where a browser has collected many.
func (a *Auth) dropPending(w http.ResponseWriter, r *http.Request) {
	var pending []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, a.conf.cookieName(loginCookie)+"-") {
			pending = append(pending, c.Name)
		}
	}
	if len(pending) < maxPending {
		return
	}
	for _, name := range pending {
		a.setPending(w, name, "")
	}
}

// setupState is a telephone that is being set up: what its secret is, and whose. It
// travels in the page, sealed, and is worth nothing without a code of it.
type setupState struct {
	User   string    `json:"u"`
	Secret []byte    `json:"s"`
	Until  time.Time `json:"t"`
}

const setupAbout = "selda-setup"

func (a *Auth) sealSetup(user string, secret []byte) (string, error) {
	b, err := json.Marshal(setupState{user, secret, time.Now().Add(loginTTL)})
	if err != nil {
		return "", fault.E("auth.sealSetup", err)
	}
	return base64.RawURLEncoding.EncodeToString(a.seal.aead.Seal(nil, nil, b, []byte(setupAbout))), nil
}

func (a *Auth) openSetup(user, v string) ([]byte, bool) {
	var s setupState
	if len(v) > maxSealed {
		return nil, false
	}
	b, err := base64.RawURLEncoding.DecodeString(v)
	if err == nil {
		b, err = a.seal.aead.Open(nil, nil, b, []byte(setupAbout))
	}
	if err != nil || json.Unmarshal(b, &s) != nil || s.User != user || time.Now().After(s.Until) {
		return nil, false
	}
	return s.Secret, true
}
