package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/auth/app"
	"selda/auth/party"
	"selda/auth/provider"
	"selda/fault"
	"selda/policy"
)

const (
	callbackPath  = "/login/callback"
	signedOutPath = "/signed-out"
)

// LoginURL is where to send somebody who must sign in first, and come back to
// the page that r asked for.
func LoginURL(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "/login"
	}
	return "/login?return=" + url.QueryEscape(localPath(r.URL.RequestURI()))
}

// login sends the browser to a provider: the one named, or the only one, or
// lets the person choose.
func (a *Auth) login(w http.ResponseWriter, r *http.Request) {
	base, err := a.base(r)
	if err != nil {
		a.say(w, http.StatusMisdirectedRequest, "Use another address", fault.Reason(err)+".")
		return
	}
	q := r.URL.Query()
	rp, ok := a.party(q.Get("provider"))
	if !ok {
		a.choose(w, q.Get("return"))
		return
	}
	p := rp.at(base)
	m, err := p.Discover(r.Context())
	if err != nil {
		a.refuseWith(w, r, http.StatusBadGateway, rp.Name, policy.Subject{}, fault.Reason(err), "Signing in does not work at the moment", "The sign-in service does not answer as it should. Try again in a minute.")
		return
	}
	l := loginState{Provider: rp.Name, State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text(),
		Return: localPath(q.Get("return")), Until: time.Now().Add(loginTTL)}
	sealed, err := a.seal.seal(l)
	if err != nil {
		a.say(w, http.StatusInternalServerError, "Signing in does not work at the moment", "Try again in a minute.")
		return
	}
	a.dropPending(w, r)
	a.setLoginCookie(w, l.State, sealed)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, p.AuthURL(m, party.Request{Redirect: base + callbackPath, State: l.State, Nonce: l.Nonce, Verifier: l.Verifier, Params: rp.Params}), http.StatusSeeOther)
}

// callback takes the provider's answer, and opens the session.
func (a *Auth) callback(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	var l loginState
	ok := false
	q := r.URL.Query()
	if c, err := r.Cookie(a.loginCookieName(q.Get("state"))); err == nil {
		l, ok = a.seal.open(c.Value, time.Now())
		a.setPending(w, c.Name, "")
	}
	if !ok || subtle.ConstantTimeCompare([]byte(l.State), []byte(q.Get("state"))) != 1 {
		a.refuse(w, r, l.Provider, policy.Subject{}, "the answer does not belong to a sign-in begun here", "You could not be signed in",
			"The sign-in took too long, or was begun in another window. Begin again.")
		return
	}
	rp, ok := a.party(l.Provider)
	base, err := a.base(r)
	if !ok || err != nil {
		a.refuse(w, r, l.Provider, policy.Subject{}, "the provider is not configured", "You could not be signed in", "Begin again.")
		return
	}
	if q.Get("error") != "" || q.Get("code") == "" {
		a.refuse(w, r, rp.Name, policy.Subject{}, "the provider refused"+named(q.Get("error")), "You could not be signed in", "You did not finish at the sign-in service, or it did not sign you in. Nothing was opened. You can try again.")
		return
	}
	who, err := rp.identify(r.Context(), base, q.Get("iss"), q.Get("code"), l, time.Now())
	if err == nil && rp.Service == NHSLogin {
		err = a.itsRecord(r.Context(), who.person)
	}
	if err != nil {
		a.deny(w, r, rp, who.user, err)
		return
	}
	v := vouched{Provider: rp.Name, SID: who.sid, Return: l.Return, Began: time.Now()}
	if rp.own {
		a.enter(w, r, rp, v, Account{User: who.user}, l.Return)
		return
	}
	v.accounts = who.options
	if who.sid != "" { // what the provider ends by this name is ended here
		if err := a.passing.Put(passingSID, sidKey(rp.Name, who.sid), []byte(who.user), v.Began.Add(a.longestSession())); err != nil {
			a.unrecorded(w)
			return
		}
	}
	if len(v.accounts) > 1 {
		a.offer(w, r, v)
		return
	}
	a.enter(w, r, rp, v, v.accounts[0].Account, l.Return)
}

// answers are the errors of an authorization endpoint that the trail may repeat.
// RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6.
var answers = []string{"access_denied", "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "server_error", "temporarily_unavailable",
	"interaction_required", "login_required", "consent_required", "account_selection_required"}

// named is an error of the standard, in brackets.
func named(code string) string {
	if !slices.Contains(answers, code) {
		return ""
	}
	return " (" + code + ")"
}

// admit is the account that a provider's word is for. The built-in provider
// only vouches for accounts that are there; one outside brings its people, and says at
// each sign-in what they are: where that is another role or organisation than before,
// what was begun as the former ends.
func (a *Auth) admit(ctx context.Context, rp *relyingParty, said Account, address string) (Account, error) {
	const op = "auth.admit"
	if rp.own {
		acc, ok := a.Accounts.Find(said.User)
		if !ok || acc.Provider != "" {
			return Account{}, fault.E(op, fault.Login, "the account is gone")
		}
		return acc, nil
	}
	a.Accounts.again(said.User) // another node may have let them in a moment ago
	old, known, err := a.Accounts.Known(said.User)
	switch {
	case err != nil:
		return Account{}, fault.E(op, fault.NoStore, err)
	case known && !old.Usable(time.Now()):
		return Account{}, denied{fault.E(op, fault.Security, "the account was disabled, or has ended"), "Your account here has ended",
			"Your account was turned off, or its time is over. If that is not right, ask an administrator of SELDA at your organisation.", false}
	case known && old.Provider != rp.Name:
		return Account{}, fault.E(op, fault.Conflict, "the account belongs to another provider")
	case known && sameAccount(old, said):
		return old, nil
	case !known:
		if err := a.Accounts.Add(said); err != nil {
			return Account{}, fault.E(op, err)
		}
		return said, nil
	}
	moved := !sameWork(old, said)
	now := time.Now()
	err = a.Accounts.Alter(said.User, func(acc *Account) {
		acc.Name, acc.Role, acc.Organisation, acc.OrganisationName, acc.NHSNumber, acc.Teams = said.Name, said.Role, said.Organisation, said.OrganisationName, said.NHSNumber, said.Teams
		if moved {
			acc.Since = now
		}
	})
	if err == nil && moved {
		err = a.SignOutEverywhere(ctx, old.Subject(Purpose(old.Role)), old.User, address, "the user acts in another role or at another organisation")
	}
	if err != nil {
		return Account{}, fault.E(op, err)
	}
	acc, ok := a.Accounts.Find(said.User)
	if !ok {
		return Account{}, fault.E(op, fault.Login, "the account is gone")
	}
	return acc, nil
}

// sameWork says whether an account is of the same role, organisation and person as before.
func sameWork(a, b Account) bool {
	return a.Role == b.Role && a.Organisation == b.Organisation && a.NHSNumber == b.NHSNumber
}

func sameAccount(a, b Account) bool {
	return sameWork(a, b) && a.User == b.User && a.Name == b.Name && a.OrganisationName == b.OrganisationName && a.Provider == b.Provider && slices.Equal(a.Teams, b.Teams)
}

// logout ends the session, and has the provider end its own.
func (a *Auth) logout(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if ctx.Value(wrappedKey{}) == nil {
		http.Redirect(w, r, signedOutPath, http.StatusSeeOther)
		return
	}
	subject, err := a.sessionSubject(r)
	signedIn := err == nil
	rp, known := a.party(a.sessions.GetString(ctx, sessionProvider))
	_ = a.forget(ctx) // its row on the owner's list: the session itself ends below
	// The session ends whatever else fails: to stay signed in is the worse end.
	if err := a.sessions.Destroy(ctx); err != nil {
		a.say(w, http.StatusInternalServerError, "You could not be signed out", "Close the browser to be signed out.")
		return
	}
	if signedIn {
		// An application that may act while its user is here stops now.
		_, err := a.Connections.End(subject.User, "the user signed out", time.Now(), func(c *app.Connection) bool { return c.Online })
		if err != nil {
			a.say(w, http.StatusServiceUnavailable, "You have signed out", "Applications that you opened could not be ended: they end within 8 hours.")
			return
		}
		err = a.record(ctx, Event{Kind: SignedOut, Time: time.Now(), Subject: subject, Provider: rp.name(), Address: a.conf.Address(r)})
		if err != nil {
			a.say(w, http.StatusServiceUnavailable, "You have signed out", "This could not be recorded in the audit trail.")
			return
		}
	}
	if base, err := a.base(r); err == nil && known {
		if to := rp.endSession(ctx, base); to != "" {
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
	}
	http.Redirect(w, r, signedOutPath, http.StatusSeeOther)
}

func (a *Auth) signedOut(w http.ResponseWriter, _ *http.Request) {
	// A browser that goes back finds nothing; over plain HTTP browsers do not heed it.
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	provider.Message(w, http.StatusOK, a.conf.Stylesheet, "You have signed out", "Nothing of the record is left in this browser's pages. Close the window on a shared machine.", "/login", "Sign in again")
}

// refuse has a refusal recorded, and says so.
func (a *Auth) refuse(w http.ResponseWriter, r *http.Request, party string, s policy.Subject, reason, title, words string) {
	a.refuseWith(w, r, http.StatusForbidden, party, s, reason, title, words)
}

func (a *Auth) refuseWith(w http.ResponseWriter, r *http.Request, status int, party string, s policy.Subject, reason, title, words string) {
	err := a.record(r.Context(), Event{Kind: Refused, Time: time.Now(), Subject: s, Provider: party, Address: a.conf.Address(r), Reason: reason})
	if err != nil {
		a.say(w, http.StatusServiceUnavailable, "Signing in does not work at the moment", "Try again in a minute.")
		return
	}
	a.say(w, status, title, words)
}

func (a *Auth) say(w http.ResponseWriter, status int, title, words string) {
	provider.Message(w, status, a.conf.Stylesheet, title, words, "/login", "Sign in")
}

// choose lets the person choose a provider.
func (a *Auth) choose(w http.ResponseWriter, back string) {
	choices := make([]provider.Choice, len(a.providers))
	for i, rp := range a.providers {
		q := url.Values{"provider": {rp.Name}, "return": {localPath(back)}}
		choices[i] = provider.Choice{Link: "/login?" + q.Encode(), Text: rp.Title}
	}
	provider.Choose(w, a.conf.Stylesheet, "How do you want to sign in?", choices)
}

// party is the provider of a name, or the only one there is.
func (a *Auth) party(name string) (*relyingParty, bool) {
	if name == "" && len(a.providers) == 1 {
		return a.providers[0], true
	}
	for _, rp := range a.providers {
		if rp.Name == name {
			return rp, true
		}
	}
	return nil, false
}

// localPath is a path on this server, or "/" where s would lead anywhere else,
// or round in a circle.
func localPath(s string) string {
	most := 1024
	if strings.HasPrefix(s, authorizePath+"?") {
		most = maxReturn
	}
	if len(s) < 2 || len(s) > most || s[0] != '/' || s[1] == '/' || s[1] == '\\' {
		return "/"
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return "/"
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	if u.Path == "/login" || strings.HasPrefix(u.Path, "/login/") || u.Path == "/logout" || u.Path == signedOutPath || strings.HasPrefix(u.Path, "/oidc/") && (u.Path != authorizePath || u.RawQuery == "") && !strings.HasPrefix(u.Path, connectPath) {
		return "/"
	}
	return s
}

// people is the built-in provider's view of the accounts.
type people struct{ a *Auth }

// nobody is what an unknown user's password is checked against, so that the
// time an answer takes does not tell who has an account.
var nobody = PasswordHash{memoryKiB: argonMemoryKiB, passes: argonPasses, threads: argonThreads, salt: make([]byte, argonSaltLen), key: make([]byte, argonKeyLen)}

// SignIn is provider.People's.
func (p people) SignIn(ctx context.Context, user, password, address string) error {
	const op = "auth.SignIn"
	select { // each check takes 19 MiB
	case p.a.verify <- struct{}{}:
		defer func() { <-p.a.verify }()
	case <-ctx.Done():
		return fault.E(op, fault.Transient, ctx.Err())
	}
	acc, ok, err := p.a.Accounts.Known(user)
	if err != nil {
		return fault.E(op, err)
	}
	hash := acc.PasswordHash
	if hash.IsZero() {
		hash = nobody
	}
	fits, over := hash.Fits(password), !acc.Given.IsZero() && time.Now().After(acc.Given)
	if fits && ok && !acc.PasswordHash.IsZero() && acc.Usable(time.Now()) && !over {
		return nil
	}
	e := Event{Kind: Refused, Time: time.Now(), Provider: ownProvider, Address: address, Reason: "no account has that user name"}
	if ok {
		e.Subject, e.Reason = acc.Subject(Purpose(acc.Role)), "the password was wrong"
		switch {
		case fits && over:
			e.Reason = "the password that was given out was not used in its time"
		case fits:
			e.Reason = "the account was disabled, or has ended"
		}
	}
	if err := p.a.record(ctx, e); err != nil {
		return fault.E(op, err)
	}
	return fault.E(op, fault.Login, "user name and password do not fit")
}

// Claims is provider.People's. Names are those of NHS login for citizens and
// of CIS2 for staff.
func (p people) Claims(user string) (map[string]any, error) {
	acc, ok := p.a.Accounts.Find(user)
	if !ok {
		return nil, fault.E("auth.Claims", fault.NotFound, "no such account")
	}
	return acc.claims(), nil
}
