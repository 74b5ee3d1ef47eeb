package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"selda/auth/app"
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
	conf, _, err := rp.discover(r.Context(), base)
	if err != nil {
		a.say(w, http.StatusBadGateway, "Signing in does not work at the moment", "The sign-in service does not answer. Try again in a minute.")
		return
	}
	l := loginState{Provider: rp.Name, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Return: localPath(q.Get("return")), Until: time.Now().Add(loginTTL)}
	sealed, err := a.seal.seal(l)
	if err != nil {
		a.say(w, http.StatusInternalServerError, "Signing in does not work at the moment", "Try again in a minute.")
		return
	}
	a.dropPending(w, r)
	a.setLoginCookie(w, l.State, sealed)
	opts := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(l.Verifier), oauth2.SetAuthURLParam("nonce", l.Nonce)}
	for k, v := range rp.Params {
		opts = append(opts, oauth2.SetAuthURLParam(k, v))
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, conf.AuthCodeURL(l.State, opts...), http.StatusSeeOther)
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
		a.refuse(w, r, l.Provider, policy.Subject{}, "the answer does not belong to a sign-in begun here",
			"The sign-in took too long, or was begun in another window. Begin again.")
		return
	}
	rp, ok := a.party(l.Provider)
	base, err := a.base(r)
	if !ok || err != nil {
		a.refuse(w, r, l.Provider, policy.Subject{}, "the provider is not configured", "Begin again.")
		return
	}
	if q.Get("error") != "" || q.Get("code") == "" {
		a.refuse(w, r, rp.Name, policy.Subject{}, "the provider refused", "The sign-in service did not sign you in.")
		return
	}
	acc, err := rp.identify(r.Context(), base, q.Get("iss"), q.Get("code"), l)
	if err == nil {
		acc, err = a.admit(rp, acc)
	}
	if err != nil {
		reason := "the account could not be kept"
		if !fault.Is(err, fault.NoStore) { // whose words are the operating system's
			reason = fault.Reason(err)
		}
		a.refuse(w, r, rp.Name, policy.Subject{}, reason, "The sign-in service's answer does not let you in here: "+reason+".")
		return
	}
	p := Purpose(acc.Role)
	subject := acc.Subject(p)
	// The trail has it before there is a session.
	err = a.record(r.Context(), Event{Kind: SignedIn, Time: time.Now(), Subject: subject, Provider: rp.Name, Address: a.conf.Address(r)})
	if err == nil {
		err = a.begin(r.Context(), acc, p, signedIn{provider: rp.Name, address: a.conf.Address(r)})
	}
	if err != nil {
		a.say(w, http.StatusServiceUnavailable, "Signing in does not work at the moment", "Your sign-in could not be recorded, so it was not done. Try again in a minute.")
		return
	}
	http.Redirect(w, r, l.Return, http.StatusSeeOther)
}

// admit is the account that a provider's word is for. The built-in provider
// only vouches for accounts that are there; one outside brings its people.
func (a *Auth) admit(rp *relyingParty, said Account) (Account, error) {
	const op = "auth.admit"
	if rp.own {
		acc, ok := a.Accounts.Find(said.User)
		if !ok || acc.Provider != "" {
			return Account{}, fault.E(op, fault.Login, "the account is gone")
		}
		return acc, nil
	}
	old, known, err := a.Accounts.Known(said.User)
	if err != nil {
		return Account{}, fault.E(op, fault.NoStore, err)
	}
	if known && !old.Usable(time.Now()) {
		return Account{}, fault.E(op, fault.Security, "the account was disabled, or has ended: ask an administrator")
	}
	if known && old.Provider != rp.Name {
		return Account{}, fault.E(op, fault.Conflict, "the account belongs to another provider")
	}
	if known && sameAccount(old, said) {
		return old, nil
	}
	if err := a.Accounts.Put(said); err != nil {
		return Account{}, fault.E(op, err)
	}
	return said, nil
}

func sameAccount(a, b Account) bool {
	return a.User == b.User && a.Name == b.Name && a.Role == b.Role && a.Organisation == b.Organisation &&
		a.OrganisationName == b.OrganisationName && a.NHSNumber == b.NHSNumber && a.Provider == b.Provider
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
func (a *Auth) refuse(w http.ResponseWriter, r *http.Request, party string, s policy.Subject, reason, words string) {
	err := a.record(r.Context(), Event{Kind: Refused, Time: time.Now(), Subject: s, Provider: party, Address: a.conf.Address(r), Reason: reason})
	if err != nil {
		a.say(w, http.StatusServiceUnavailable, "Signing in does not work at the moment", "Try again in a minute.")
		return
	}
	a.say(w, http.StatusForbidden, "You could not be signed in", words)
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
	fits := hash.Fits(password)
	if fits && ok && !acc.PasswordHash.IsZero() && acc.Usable(time.Now()) {
		return nil
	}
	e := Event{Kind: Refused, Time: time.Now(), Provider: ownProvider, Address: address, Reason: "no account has that user name"}
	if ok {
		e.Subject, e.Reason = acc.Subject(Purpose(acc.Role)), "the password was wrong"
		if fits {
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
