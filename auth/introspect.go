package auth

import (
	"net/http"
	"net/url"
	"time"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
)

// asks is the application that asks, proven, and at which address; false where it has
// been answered.
func (a *Auth) asks(w http.ResponseWriter, r *http.Request, f url.Values) (base string, x app.App, ok bool) {
	base, err := a.base(r)
	if err != nil {
		sayOAuth(w, http.StatusMisdirectedRequest, "invalid_request", fault.Reason(err))
		return "", x, false
	}
	x, ok = a.client(w, r, f, base)
	return base, x, ok
}

// introspect says whether a token holds and what for, to the application that it
// was given to. Of every other token it says that it does not.
// https://www.rfc-editor.org/rfc/rfc7662,
// https://hl7.org/fhir/smart-app-launch/STU2.2/token-introspection.html
func (a *Auth) introspect(w http.ResponseWriter, r *http.Request) {
	f, ok := form(w, r)
	if !ok {
		return
	}
	base, x, ok := a.asks(w, r, f)
	if !ok {
		return
	}
	if x.Kind == app.Public { // it can't prove that it is the one
		sayOAuth(w, http.StatusUnauthorized, "invalid_client", "tokens are looked into by clients that prove themselves")
		return
	}
	out := map[string]any{"active": false}
	if c, ok := a.holding(f.Get("token"), x.ID); ok {
		out = map[string]any{"active": true, "scope": c.Scope, "client_id": c.Client, "exp": c.Expiry.Time().Unix(), "iat": c.IssuedAt.Time().Unix(), "sub": c.Subject,
			"iss": provider.Issuer(base), "aud": c.Audience, "jti": c.ID, "token_type": "Bearer", "extensions": purposeOfUse(c.Purpose)}
		if c.Patient != "" {
			out["patient"] = c.Patient
		}
		if acc, ok := a.Accounts.Find(c.Subject); ok {
			for name, v := range a.saidOf(r.Context(), acc, wordsOf(c.Scope), base) {
				out[name] = v
			}
		}
	} else if k, _, err := a.Connections.Refreshing(f.Get("token")); err == nil && k.App == x.ID && k.Live(time.Now()) && k.Holds(f.Get("token")) {
		out = map[string]any{"active": true, "scope": joined(k.Scopes), "client_id": k.App, "exp": k.Until.Unix(), "iat": k.Began.Unix(), "sub": k.User, "iss": provider.Issuer(base)}
		if k.Patient != "" {
			out["patient"] = k.Patient
		}
	}
	writeJSON(w, http.StatusOK, out)
}

// holding are the claims of an application's access token that holds now.
func (a *Auth) holding(token, client string) (claims, bool) {
	c, err := a.Tokens.verify(token, audienceFHIR, time.Now())
	if err != nil || c.Client == "" || c.Client != client {
		return claims{}, false
	}
	_, err = a.ofApp(c)
	return c, err == nil
}

// revoke ends what a token was given for: the whole connection, so that nothing
// of it can be used at the next request on any node. Of a token that is not the
// application's nothing is said. https://www.rfc-editor.org/rfc/rfc7009
func (a *Auth) revoke(w http.ResponseWriter, r *http.Request) {
	f, ok := form(w, r)
	if !ok {
		return
	}
	_, x, ok := a.asks(w, r, f)
	if !ok {
		return
	}
	if f.Get("token") == "" {
		sayOAuth(w, http.StatusBadRequest, "invalid_request", "token is needed")
		return
	}
	now, why := time.Now(), "the application ended it"
	e := Event{Kind: AppEnded, Time: now, App: x.ID, Address: a.conf.Address(r), Reason: why}
	ended := 0
	c, err := a.Tokens.verify(f.Get("token"), audienceFHIR, now)
	switch {
	case err == nil && c.Client == x.ID && c.Connection != "":
		ended, err = a.Connections.End(c.Subject, why, now, func(k *app.Connection) bool { return k.ID == c.Connection })
	case err == nil && c.Client == x.ID:
		ended, err = 1, a.revoked.Add(c.ID, c.Expiry.Time(), now)
	default:
		var k app.Connection
		var key string
		if k, key, err = a.Connections.Refreshing(f.Get("token")); err == nil && k.App == x.ID {
			c.Subject = k.User
			ended, err = a.Connections.EndKey(key, why, now, func(o *app.Connection) bool { return o.ID == k.ID })
		} else if !fault.Is(err, fault.NoStore) {
			err = nil
		}
	}
	if err == nil && ended > 0 {
		if acc, ok := a.Accounts.Find(c.Subject); ok {
			e.Subject = acc.Subject(Purpose(acc.Role))
		}
		err = a.record(r.Context(), e)
	}
	if err != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}
