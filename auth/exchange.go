package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// How long what an application is given lasts.
const (
	codeFor       = 60 * time.Second
	codeRemember  = 10 * time.Minute
	accessFor     = time.Hour
	backendFor    = 5 * time.Minute // https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
	onlineFor     = AbsoluteTimeout
	offlineFor    = 90 * 24 * time.Hour
	idTokenFor    = 5 * time.Minute
	maxTokenForm  = 32 << 10
	tenantOfNoOne = "selda"
)

// until is how long a connection lasts.
func until(client *app.App, scopes []string, now time.Time) time.Time {
	end := now.Add(accessFor)
	switch {
	case has(scopes, "offline_access"):
		end = now.Add(offlineFor)
	case has(scopes, "online_access"):
		end = now.Add(onlineFor)
	}
	if a := client.End(); a.Before(end) {
		return a
	}
	return end
}

// form reads a request of an application; it has answered where it is not ok.
func form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	if err := r.ParseForm(); err != nil {
		sayOAuth(w, http.StatusBadRequest, "invalid_request", "the form did not arrive whole")
		return nil, false
	}
	for name, values := range r.PostForm {
		if len(values) > 1 { // RFC 6749, section 3.2
			sayOAuth(w, http.StatusBadRequest, "invalid_request", "a parameter is there twice: "+name)
			return nil, false
		}
	}
	return r.PostForm, true
}

// clientID is who a request says that it is from, without believing it.
func clientID(r *http.Request, f url.Values) string {
	if u, _, ok := r.BasicAuth(); ok {
		id, err := url.QueryUnescape(u)
		if err != nil {
			return ""
		}
		return id
	}
	if f.Get("client_assertion") != "" {
		id, _ := app.Claims(f.Get("client_assertion"))
		return id
	}
	return f.Get("client_id")
}

// client is the application of a request, proven. RFC 6749, section 2.3; it has
// answered where it is not ok.
func (a *Auth) client(w http.ResponseWriter, r *http.Request, f url.Values, base string) (app.App, bool) {
	id := clientID(r, f)
	if id == "" { // a public client need not name itself where its refresh token does: RFC 6749, section 6
		if c, _, err := a.Connections.Refreshing(f.Get("refresh_token")); err == nil {
			id = c.App
		}
	}
	x, err := a.Apps.Find(id)
	if fault.Is(err, fault.NoStore) {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return x, false
	}
	now := time.Now()
	if err == nil {
		err = a.prove(r, f, &x, base, now)
	}
	if err == nil && !x.Usable(now) {
		err = fault.E("auth.client", fault.Login, stateWords[x.State(now)])
	}
	if err == nil {
		return x, true
	}
	if fault.Is(err, fault.NoStore) {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return x, false
	}
	if _, _, basic := r.BasicAuth(); basic {
		w.Header().Set("WWW-Authenticate", `Basic realm="SELDA"`)
	}
	words := "the client is not known"
	if x.ID != "" {
		words = fault.Reason(err)
		if err := a.record(r.Context(), Event{Kind: AppDeclined, Time: now, App: x.ID, Address: a.conf.Address(r), Reason: "the application did not prove itself: " + words}); err != nil {
			sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
			return x, false
		}
	}
	sayOAuth(w, http.StatusUnauthorized, "invalid_client", words)
	return x, false
}

// prove holds a request against how its application proves itself: in this way,
// and in no other.
func (a *Auth) prove(r *http.Request, f url.Values, x *app.App, base string, now time.Time) error {
	const op = "auth.prove"
	_, basic, hasBasic := r.BasicAuth()
	secret, assertion := f.Get("client_secret"), f.Get("client_assertion")
	if id := f.Get("client_id"); id != "" && id != x.ID {
		return fault.E(op, fault.Login, "client_id is another client's")
	}
	switch x.Kind {
	case app.Public:
		if hasBasic && basic != "" || secret != "" || assertion != "" {
			return fault.E(op, fault.Login, "the client was registered without a secret")
		}
		return nil
	case app.Symmetric:
		if hasBasic && secret != "" || assertion != "" {
			return fault.E(op, fault.Login, "the client proves itself in one way")
		}
		if hasBasic {
			var err error
			if secret, err = url.QueryUnescape(basic); err != nil {
				return fault.E(op, fault.Login, "the secret is not encoded as a form is")
			}
		}
		if !x.Proves(secret, now) {
			return fault.E(op, fault.Login, "the secret is not the client's, or has ended")
		}
		return nil
	}
	if hasBasic || secret != "" || f.Get("client_assertion_type") != app.AssertionType {
		return fault.E(op, fault.Login, "the client proves itself by an assertion of the type "+app.AssertionType)
	}
	proof, err := a.appKeys.Verify(r.Context(), x, assertion, []string{base + tokenPath, base + r.URL.Path}, now)
	if err != nil {
		return err
	}
	// What was used before a restart is not remembered, where nobody else remembers it.
	if !a.began.IsZero() && !proof.IssuedAt.After(a.began.Truncate(time.Second).Add(-time.Second)) && !proof.Expires.After(a.began.Add(app.AssertionFor)) {
		return fault.E(op, fault.Login, "the assertion was made before this server started: make another one")
	}
	first, err := a.once(passingProof, x.ID+" "+proof.ID, proof.Expires)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	if !first {
		return fault.E(op, fault.Login, "the assertion was used already")
	}
	return nil
}

// token gives an application what it may have.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-access-token
func (a *Auth) token(w http.ResponseWriter, r *http.Request) {
	f, ok := form(w, r)
	if !ok {
		return
	}
	if a.builtIn != nil && a.builtInClient(clientID(r, f)) {
		a.builtIn.ServeHTTP(w, r)
		return
	}
	base, x, ok := a.asks(w, r, f)
	if !ok {
		return
	}
	grant := f.Get("grant_type")
	switch system := x.Serves(app.Systems); {
	case grant == app.ClientGrant && system:
		a.grantSystem(w, r, f, &x)
	case grant == app.CodeGrant && !system:
		a.grantCode(w, r, f, &x, base)
	case grant == app.RefreshGrant && !system:
		a.grantRefresh(w, r, f, &x, base)
	case grant == app.CodeGrant, grant == app.RefreshGrant, grant == app.ClientGrant:
		sayOAuth(w, http.StatusBadRequest, "unauthorized_client", "the client was not registered for this grant")
	default:
		sayOAuth(w, http.StatusBadRequest, "unsupported_grant_type", "the grants are authorization_code, refresh_token and client_credentials")
	}
}

// grantCode changes a code for tokens. A code that comes twice ends what the
// first was changed for: RFC 6749, section 4.1.2.
func (a *Auth) grantCode(w http.ResponseWriter, r *http.Request, f url.Values, x *app.App, base string) {
	code, now := f.Get("code"), time.Now()
	if len(code) > 64 {
		code = ""
	}
	b, ok, err := a.passing.End(passingAppCode, code, codeRemember)
	var q asked
	if err != nil || ok && json.Unmarshal(b, &q) != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	if !ok {
		a.usedTwice(r.Context(), code, now)
	}
	if !ok || q.App != x.ID || q.Redirect != f.Get("redirect_uri") || !provider.Fits(q.Challenge, f.Get("code_verifier")) {
		sayOAuth(w, http.StatusBadRequest, "invalid_grant", "the code is not known, was used, or is of another client, redirect_uri or code_verifier")
		return
	}
	acc, ok, err := a.Accounts.find(q.User)
	if err != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	if !ok || !serves(x, acc.Role) {
		sayOAuth(w, http.StatusBadRequest, "invalid_grant", "the account has gone in the meantime")
		return
	}
	offline, online := has(q.Scopes, "offline_access"), has(q.Scopes, "online_access")
	c := app.Connection{App: x.ID, Scopes: q.Scopes, Patient: q.Patient, Purpose: q.Purpose, Until: until(x, q.Scopes, now), Online: online && !offline}
	c, refresh, err := a.Connections.Begin(acc.User, c, offline || online, now)
	if err == nil {
		err = a.passing.Put(passingUsed, code, []byte(app.Key(acc.User)+" "+c.ID), now.Add(codeRemember))
	}
	if err != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	a.answerApp(w, r, x, acc, c, c.Scopes, refresh, base, &q, now)
}

// usedTwice ends what a code that was used before was changed for.
func (a *Auth) usedTwice(ctx context.Context, code string, now time.Time) {
	b, ok, err := a.passing.Get(passingUsed, code)
	if err != nil || !ok {
		return
	}
	key, id, _ := strings.Cut(string(b), " ")
	if n, err := a.Connections.EndKey(key, "the code was used twice", now, func(c *app.Connection) bool { return c.ID == id }); err == nil && n > 0 {
		_ = a.record(ctx, Event{Kind: AppEnded, Time: now, Reason: "the code was used twice"})
	}
}

// grantRefresh gives the next tokens of a connection.
func (a *Auth) grantRefresh(w http.ResponseWriter, r *http.Request, f url.Values, x *app.App, base string) {
	now, token := time.Now(), f.Get("refresh_token")
	refused := func() {
		sayOAuth(w, http.StatusBadRequest, "invalid_grant", "the refresh token is not known, was used, or its connection has ended")
	}
	c, _, err := a.Connections.Refreshing(token)
	scopes := c.Scopes
	if want := strings.Fields(f.Get("scope")); err == nil && len(want) > 0 {
		if scopes, err = fewer(want, c.Scopes); err != nil {
			sayOAuth(w, http.StatusBadRequest, "invalid_scope", "a refresh can ask for less than was granted, and never for more")
			return
		}
	}
	var next string
	if err == nil {
		c, next, err = a.Connections.Rotate(token, x.ID, now)
	}
	if fault.Is(err, fault.NoStore) {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	if err != nil {
		_ = a.record(r.Context(), Event{Kind: AppDeclined, Time: now, App: x.ID, Address: a.conf.Address(r), Reason: "a refresh token that is not known, or was used"})
		refused()
		return
	}
	acc, ok, err := a.Accounts.find(c.User)
	if err != nil || !ok || !serves(x, acc.Role) {
		refused()
		return
	}
	a.answerApp(w, r, x, acc, c, scopes, next, base, nil, now)
}

// fewer are the scopes of a refresh, where each is within those that were granted.
func fewer(want, granted []string) (out []string, err error) {
	most := resources(granted)
	for _, w := range want {
		s, ok := policy.ParseScope(w)
		if ok && !slices.ContainsFunc(most, s.Less) || !ok && !has(granted, w) {
			return nil, fault.E("auth.fewer", fault.Security, "the scope was not granted")
		}
		if ok {
			w = s.String()
		}
		out = append(out, w)
	}
	return out, nil
}

// grantSystem gives a backend service its token.
// https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
func (a *Auth) grantSystem(w http.ResponseWriter, r *http.Request, f url.Values, x *app.App) {
	now := time.Now()
	acc, ok, err := a.Accounts.find(x.Account)
	if err != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	if !ok || acc.Role != nhs.SourceSystem {
		sayOAuth(w, http.StatusBadRequest, "unauthorized_client", "the account that the client acts as is not there")
		return
	}
	purpose, err := purposeAsked(acc.Role, Purpose(acc.Role), f.Get("purpose_of_use"))
	if err != nil {
		sayOAuth(w, http.StatusBadRequest, "invalid_request", fault.Reason(err))
		return
	}
	granted := words(policy.Narrowed(resources(strings.Fields(f.Get("scope"))), x.Resources()))
	if len(granted) == 0 {
		sayOAuth(w, http.StatusBadRequest, "invalid_scope", "the client may have none of these scopes")
		return
	}
	base, _ := a.base(r)
	token, err := a.issueApp(r.Context(), x, acc, app.Connection{Purpose: string(purpose), Until: now.Add(backendFor)}, granted, base, now)
	if err != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "bearer", "expires_in": int(backendFor / time.Second), "scope": joined(granted)})
}
