package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"time"

	"selda/auth/provider"
	"selda/fault"
	"selda/policy"
)

// This file is the page on which people with several roles choose the one that they act
// in, after they have signed in and at any time later. Nobody acts in two at once: each
// choice is a sign-in of its own, in a session of its own, and what was begun in another
// role ends.

const rolePath = "/login/role"

const (
	roleCookie = "selda-role"
	roleFor    = 10 * time.Minute
)

//go:embed role.html
var roleHTML string

var roleTemplate = template.Must(template.New("role").Parse(roleHTML))

// vouched is what a provider has vouched for: whose it is, and what they may act as.
type vouched struct {
	Provider string    `json:"provider"`
	SID      string    `json:"sid,omitempty"`
	Options  []offered `json:"options"`
	Return   string    `json:"return,omitempty"`
	Began    time.Time `json:"began"`         // when they signed in at the provider's word
	Ends     time.Time `json:"ends,omitzero"` // when what was vouched for ends with its session
	accounts []option  // of Options
}

// offered is an option as it is kept.
type offered struct {
	ID      string      `json:"id"`
	Title   string      `json:"title,omitempty"`
	Account accountFile `json:"account"`
}

// keepVouched keeps what a provider vouched for until it ends, under a name that nobody
// guesses.
func (a *Auth) keepVouched(v vouched, until time.Time) (string, error) {
	const op = "auth.keepVouched"
	v.Options = nil
	for _, o := range v.accounts {
		v.Options = append(v.Options, offered{o.ID, o.Title, fileOf(o.Account)})
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fault.E(op, err)
	}
	key := rand.Text()
	if err := a.passing.Put(passingRoles, key, b, until); err != nil {
		return "", fault.E(op, err)
	}
	return key, nil
}

// readVouched reads it again.
func readVouched(b []byte) (vouched, error) {
	var v vouched
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fault.E("auth.readVouched", fault.Structure, "what somebody may act as is not what SELDA wrote")
	}
	for _, o := range v.Options {
		acc, err := o.Account.account()
		if err != nil {
			return v, err
		}
		v.accounts = append(v.accounts, option{o.ID, o.Title, acc})
	}
	return v, nil
}

// offer has somebody choose among several roles before they are signed in.
func (a *Auth) offer(w http.ResponseWriter, r *http.Request, v vouched) {
	key, err := a.keepVouched(v, v.Began.Add(roleFor))
	if err != nil {
		a.unrecorded(w)
		return
	}
	// Lax: the browser comes from the provider's site.
	http.SetCookie(w, &http.Cookie{Name: a.conf.cookieName(roleCookie), Value: key, Path: "/", MaxAge: int(roleFor / time.Second),
		HttpOnly: true, Secure: a.conf.secure(), SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, rolePath, http.StatusSeeOther)
}

// dropOffer takes the cookie of an offer away.
func (a *Auth) dropOffer(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: a.conf.cookieName(roleCookie), Path: "/", MaxAge: -1, HttpOnly: true, Secure: a.conf.secure(), SameSite: http.SameSiteLaxMode})
}

// offeredTo is what the person of a request may act as: after a sign-in that waits for it,
// or in the session that they have. waits names the first.
func (a *Auth) offeredTo(r *http.Request) (v vouched, waits string, ok bool, err error) {
	key := ""
	if c, e := r.Cookie(a.conf.cookieName(roleCookie)); e == nil && len(c.Value) <= 64 {
		key, waits = c.Value, c.Value
	}
	b, ok, err := a.passing.Get(passingRoles, key)
	if err == nil && !ok {
		waits = ""
		if s, e := a.session(r); e == nil && s.roles != "" {
			b, ok, err = a.passing.Get(passingRoles, s.roles)
		}
	}
	if err != nil || !ok {
		return v, "", false, err
	}
	v, err = readVouched(b)
	return v, waits, err == nil, err
}

// roleRow is one role on the page.
type roleRow struct {
	ID, Role, Title, Organisation string
	Now                           bool
}

// rolePage is what the page shows.
type rolePage struct {
	Title, Stylesheet, Name, Action, Back string
	Rows                                  []roleRow
}

// roles shows what somebody may act as.
func (a *Auth) roles(w http.ResponseWriter, r *http.Request) {
	v, waits, ok, err := a.offeredTo(r)
	switch {
	case err != nil:
		a.unrecorded(w)
		return
	case !ok:
		if _, err := a.session(r); err == nil {
			a.say(w, http.StatusOK, "You have one role here", "Whoever gives you your roles can add another. You will see it when you next sign in.")
			return
		}
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	p := rolePage{Title: "Choose the role you act in", Stylesheet: a.conf.Stylesheet, Name: v.accounts[0].Account.Name, Action: rolePath}
	now := Account{}
	if waits == "" {
		s, _ := a.session(r)
		now, p.Back = s.account, "/"
	}
	for _, o := range v.accounts {
		acc := o.Account
		p.Rows = append(p.Rows, roleRow{ID: o.ID, Role: acc.Role.Title(), Title: roleTitle(o.Title), Organisation: cmp.Or(acc.OrganisationName, string(acc.Organisation)),
			Now: now.Role == acc.Role && now.Organisation == acc.Organisation})
	}
	slices.SortStableFunc(p.Rows, func(x, y roleRow) int {
		return cmp.Or(cmp.Compare(x.Organisation, y.Organisation), cmp.Compare(x.Role, y.Role))
	})
	provider.Render(w, http.StatusOK, "", roleTemplate, p)
}

// roleTitle is the last part of a role's name as CIS2 states it:
// "Clinical":"Clinical Provision":"Clinical Practitioner Access Role".
func roleTitle(s string) string {
	last := s
	for i := len(s) - 2; i > 0; i-- {
		if s[i-1:i+2] == `":"` {
			last = s[i+2:]
			break
		}
	}
	for len(last) > 0 && last[0] == '"' {
		last = last[1:]
	}
	for len(last) > 0 && last[len(last)-1] == '"' {
		last = last[:len(last)-1]
	}
	if r := []rune(last); len(r) > 80 {
		last = string(r[:80]) + "…"
	}
	return last
}

// act begins a session in the role that was chosen.
func (a *Auth) act(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxSealed)
	if r.ParseForm() != nil {
		a.say(w, http.StatusBadRequest, "Nothing was chosen", "The form did not arrive whole. Go back and try again.")
		return
	}
	v, waits, ok, err := a.offeredTo(r)
	if err == nil && ok && waits != "" {
		_, ok, err = a.passing.End(passingRoles, waits, roleFor) // one sign-in, one session
		a.dropOffer(w)
	}
	if err != nil {
		a.unrecorded(w)
		return
	}
	rp, known := a.party(v.Provider)
	i := slices.IndexFunc(v.accounts, func(o option) bool { return o.ID == r.PostForm.Get("role") })
	if ok && v.SID != "" {
		ok, err = a.stillOpen(v.Provider, v.SID)
	}
	switch {
	case err != nil:
		a.unrecorded(w)
		return
	case !ok || !known || rp.own || i < 0:
		a.refuse(w, r, v.Provider, policy.Subject{}, "the role that was chosen was not offered, or the choice took too long", "You could not be signed in",
			"The choice took too long, or was made already. Sign in again and choose.")
		return
	}
	back := v.Return
	if waits == "" {
		back = "/"
		if s, err := a.session(r); err == nil {
			e := Event{Kind: SignedOut, Time: time.Now(), Subject: s.account.Subject(s.purpose), Provider: rp.Name, Address: a.conf.Address(r)}
			if a.record(r.Context(), e) != nil {
				a.unrecorded(w)
				return
			}
		}
	}
	a.enter(w, r, rp, v, v.accounts[i].Account, back)
}

// unrecorded says that what was asked could not be done, and was not.
func (a *Auth) unrecorded(w http.ResponseWriter) {
	a.say(w, http.StatusServiceUnavailable, "Signing in does not work at the moment", "Your sign-in could not be recorded, so it was not done. Try again in a minute.")
}

// enter lets somebody in, in a new session, and goes where they wanted.
func (a *Auth) enter(w http.ResponseWriter, r *http.Request, rp *relyingParty, v vouched, said Account, back string) {
	ctx := r.Context()
	acc, err := a.admit(ctx, rp, said, a.conf.Address(r))
	if err != nil {
		a.deny(w, r, rp, said.User, err)
		return
	}
	p := Purpose(acc.Role)
	// The trail has it before there is a session.
	err = a.record(ctx, Event{Kind: SignedIn, Time: time.Now(), Subject: acc.Subject(p), Provider: rp.Name, Address: a.conf.Address(r)})
	if err == nil {
		err = a.begin(ctx, acc, p, signedIn{provider: rp.Name, address: a.conf.Address(r), vouched: v})
	}
	if err != nil {
		a.unrecorded(w)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// deny has it recorded that somebody whom a provider named is not let in, and ends what
// was begun in their name, where they were let in before and would not be any more.
func (a *Auth) deny(w http.ResponseWriter, r *http.Request, rp *relyingParty, user string, err error) {
	title, words := "You could not be signed in", "The sign-in service's answer could not be trusted, so you were not signed in. Nothing was opened. Begin again; if it happens again, tell the service desk."
	reason := fault.Reason(err)
	d, known := asDenied(err)
	switch {
	case known:
		title, words = d.title, d.words
	case fault.Is(err, fault.NoStore): // whose words are the operating system's
		reason, words = "the account could not be kept", "The sign-in could not be kept. Nothing was opened. Try again in a minute."
	case fault.Is(err, fault.Transient):
		words = "The sign-in service does not answer as it should. Nothing was opened. Try again in a minute."
	case fault.Is(err, fault.Value), fault.Is(err, fault.Conflict):
		words = "The sign-in service's answer does not let you in here: " + reason + ". Nothing was opened. Tell the service desk."
	}
	if known && d.lost && user != "" {
		if err := a.lose(r.Context(), rp, user, a.conf.Address(r), reason); err != nil {
			a.unrecorded(w)
			return
		}
	}
	a.refuse(w, r, rp.Name, policy.Subject{}, reason, title, words)
}

// lose ends whatever was begun in the name of an account that its provider vouches for no
// longer.
func (a *Auth) lose(ctx context.Context, rp *relyingParty, user, address, why string) error {
	acc, known, err := a.Accounts.Known(user)
	if err != nil || !known || acc.Provider != rp.Name {
		return err
	}
	return a.SignOutEverywhere(ctx, acc.Subject(Purpose(acc.Role)), user, address, why)
}
