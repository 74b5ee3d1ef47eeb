package auth

import (
	_ "embed"
	"html/template"
	"net/http"
	"time"

	"selda/auth/factor"
	"selda/auth/provider"
	"selda/fault"
	"selda/internal/london"
)

// This file is the page on which people see and change how they sign in, and where
// they are signed in.

const accountPath = "/account"

// freshFor is how long after a sign-in somebody may change how they sign in.
const freshFor = 15 * time.Minute

//go:embed self.html
var selfHTML string

var selfTemplate = template.Must(template.New("account").Parse(selfHTML))

// selfPage is what the page shows.
type selfPage struct {
	Title, Stylesheet, Script, Error, Back string
	Done                                   string // what was changed
	User, Name, Provider                   string
	Own, Strict, Stale, Password           bool
	Passkeys                               []passkeyRow
	Codes                                  string
	Left                                   int
	Sessions                               []sessionRow
	// Setting a telephone up.
	Setup, Secret string
	Picture       template.HTML
	Recovery      []string
}

type passkeyRow struct{ ID, Label, Made, Used string }

type sessionRow struct {
	Key, Since, From, As string
	Here                 bool
}

const dayFormat, minuteFormat = "2 January 2006", "2 January 2006, 15:04"

func (a *Auth) selfRoutes(mux Mux) {
	own := func(f func(http.ResponseWriter, *http.Request, session, string)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { a.own(w, r, f) }
	}
	mux.HandleFunc("GET "+accountPath, a.self)
	mux.HandleFunc("POST "+accountPath+"/passkeys/begin", own(a.beginPasskey))
	mux.HandleFunc("POST "+accountPath+"/passkeys", own(a.addPasskey))
	mux.HandleFunc("POST "+accountPath+"/passkeys/remove", own(a.removePasskey))
	mux.HandleFunc("POST "+accountPath+"/codes/begin", own(a.beginCodes))
	mux.HandleFunc("POST "+accountPath+"/codes", own(a.addCodes))
	mux.HandleFunc("POST "+accountPath+"/codes/remove", own(a.removeCodes))
	mux.HandleFunc("POST "+accountPath+"/codes/recovery", own(a.newRecovery))
	mux.HandleFunc("POST "+accountPath+"/password", own(a.changePassword))
	mux.HandleFunc("POST "+accountPath+"/sessions/end", a.endSession)
	mux.HandleFunc("POST "+accountPath+"/sessions/all", a.endAll)
}

// signedInHere is the session of a request to the page; it has answered where there
// is none.
func (a *Auth) signedInHere(w http.ResponseWriter, r *http.Request) (session, bool) {
	w.Header().Set("Cache-Control", "no-store")
	s, err := a.session(r)
	if err != nil {
		http.Redirect(w, r, "/login?return="+accountPath, http.StatusSeeOther)
		return s, false
	}
	return s, true
}

// fresh says whether a session is young enough to change how its owner signs in.
func (s *session) fresh(now time.Time) bool {
	return s.provider == ownProvider && now.Sub(s.began) < freshFor
}

// own has f change how somebody signs in, who has just signed in with what is kept
// here.
func (a *Auth) own(w http.ResponseWriter, r *http.Request, f func(http.ResponseWriter, *http.Request, session, string)) {
	s, ok := a.signedInHere(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	base, err := a.base(r)
	if err == nil {
		err = r.ParseForm()
	}
	switch {
	case err != nil:
		a.selfShow(w, r, s, http.StatusBadRequest, "The form did not arrive whole: try again")
	case !s.fresh(time.Now()):
		a.selfShow(w, r, s, http.StatusForbidden, "Sign in again first")
	default:
		f(w, r, s, base)
	}
}

func (a *Auth) self(w http.ResponseWriter, r *http.Request) {
	if s, ok := a.signedInHere(w, r); ok {
		a.selfShow(w, r, s, http.StatusOK, "")
	}
}

// selfShow shows the page.
func (a *Auth) selfShow(w http.ResponseWriter, r *http.Request, s session, status int, problem string) {
	a.selfSay(w, r, s, status, problem, "")
}

// selfSay shows the page, with what was done.
func (a *Auth) selfSay(w http.ResponseWriter, r *http.Request, s session, status int, problem, done string) {
	held, err := a.factors.Of(s.account.User)
	var live []Live
	if err == nil {
		live, err = a.Sessions(s.account.User)
	}
	if err != nil {
		a.say(w, http.StatusServiceUnavailable, "This does not work at the moment", "Nothing was changed. Try again in a minute.")
		return
	}
	p := selfPage{Title: "How you sign in", Error: problem, Done: done, Name: s.account.Name, Password: !s.account.PasswordHash.IsZero(), Own: s.account.Provider == "" && a.builtIn != nil, Strict: a.strict(&s.account), Stale: !s.fresh(time.Now())}
	if rp, ok := a.party(s.provider); ok {
		p.Provider = rp.Title
	}
	if p.Own {
		p.User = s.account.User
		if base, err := a.base(r); err == nil {
			if _, ok := factor.Site(base); ok {
				p.Script = provider.ScriptPath
			}
		}
	}
	for _, k := range held.Passkeys {
		row := passkeyRow{ID: k.ID, Label: k.Label, Made: london.In(k.Made).Format(dayFormat), Used: "never"}
		if !k.Used.IsZero() {
			row.Used = london.In(k.Used).Format(minuteFormat)
		}
		p.Passkeys = append(p.Passkeys, row)
	}
	if held.Codes != nil {
		p.Codes, p.Left = london.In(held.Codes.Made).Format(dayFormat), len(held.Recovery)
	}
	here := storeKey(a.sessions.Token(r.Context()))
	for _, l := range live {
		row := sessionRow{Key: l.Key, Since: london.In(l.Began).Format(minuteFormat), From: l.Address, As: l.Role.Title(), Here: l.Key == here}
		if l.Organisation != "" {
			row.As += ", " + l.Organisation
		}
		p.Sessions = append(p.Sessions, row)
	}
	a.selfRender(w, status, p)
}

func (a *Auth) selfRender(w http.ResponseWriter, status int, p selfPage) {
	if p.Stylesheet = a.conf.Stylesheet; p.Picture != "" || p.Recovery != nil {
		p.Back = accountPath
	}
	provider.RenderWith(w, status, "", p.Script, selfTemplate, p)
}

// recorded are the factors, each change of which somebody's page has recorded before
// it is made.
func (a *Auth) recorded(r *http.Request, s session, what string) *factor.Factors {
	return factors{a}.recorded(r.Context(), s.account.User, a.conf.Address(r), what)
}

// changed says whether a change was made, or on the page what is wrong.
func (a *Auth) changed(w http.ResponseWriter, r *http.Request, s session, err error) bool {
	switch {
	case err == nil:
		return true
	case fault.Is(err, fault.NoStore):
		a.say(w, http.StatusServiceUnavailable, "This does not work at the moment", "Try again in a minute.")
	default:
		a.selfShow(w, r, s, http.StatusUnprocessableEntity, provider.Sentence(fault.Reason(err)))
	}
	return false
}

func (a *Auth) back(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, accountPath, http.StatusSeeOther)
}

// changePassword has somebody's new password hold, and ends their other sessions: who
// changes it may have lost the old one.
func (a *Auth) changePassword(w http.ResponseWriter, r *http.Request, s session, _ string) {
	user, address, next := s.account.User, a.conf.Address(r), r.PostForm.Get("new")
	var err error
	if next != r.PostForm.Get("again") {
		err = fault.E("auth.changePassword", fault.Value, "the two new passwords are not the same")
	}
	if err == nil {
		err = a.builtIn.Proves(r.Context(), user, r.PostForm.Get("password"), address)
	}
	if fault.Is(err, fault.Login) {
		err = fault.E("auth.changePassword", fault.Value, "the password that you have now is another one")
	}
	if err == nil {
		err = a.setPassword(r.Context(), user, next, address)
	}
	if !a.changed(w, r, s, err) {
		return
	}
	here := storeKey(a.sessions.Token(r.Context()))
	if _, err := a.EndSessions(r.Context(), s.account.Subject(s.purpose), user, address, "the password was changed", func(l Live) bool { return l.Key != here }); err != nil {
		a.say(w, http.StatusServiceUnavailable, "Your password was changed", "Your other sessions could not be ended. Sign out everywhere in a minute.")
		return
	}
	a.selfSay(w, r, s, http.StatusOK, "", "Your password was changed. You were signed out everywhere else.")
}

func (a *Auth) beginPasskey(w http.ResponseWriter, _ *http.Request, s session, base string) {
	b, err := a.factors.BeginPasskey(base, s.account.User)
	if err != nil {
		http.Error(w, provider.Sentence(fault.Reason(err))+".", http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // the caller is gone: nobody is left to tell
}

func (a *Auth) addPasskey(w http.ResponseWriter, r *http.Request, s session, base string) {
	err := a.recorded(r, s, "a passkey was added").FinishPasskey(base, s.account.User, r.PostForm.Get("label"), []byte(r.PostForm.Get("passkey")), time.Now())
	if a.changed(w, r, s, err) {
		a.back(w, r)
	}
}

// lastOne refuses to take away the last proof of somebody who needs one.
func (a *Auth) lastOne(s *session) error {
	h, err := a.factors.Of(s.account.User)
	if err != nil {
		return err
	}
	n := len(h.Passkeys)
	if h.Codes != nil {
		n++
	}
	if n == 1 && a.strict(&s.account) {
		return fault.E("auth.lastOne", fault.BusinessRule, "your work needs a second proof: add another one before you remove this")
	}
	return nil
}

func (a *Auth) removePasskey(w http.ResponseWriter, r *http.Request, s session, _ string) {
	err := a.lastOne(&s)
	if err == nil {
		err = a.recorded(r, s, "a passkey was removed").RemovePasskey(s.account.User, r.PostForm.Get("id"))
	}
	if a.changed(w, r, s, err) {
		a.back(w, r)
	}
}

func (a *Auth) removeCodes(w http.ResponseWriter, r *http.Request, s session, _ string) {
	err := a.lastOne(&s)
	if err == nil {
		err = a.recorded(r, s, "codes by telephone were removed").RemoveCodes(s.account.User)
	}
	if a.changed(w, r, s, err) {
		a.back(w, r)
	}
}

func (a *Auth) newRecovery(w http.ResponseWriter, r *http.Request, s session, _ string) {
	codes, err := a.recorded(r, s, "new recovery codes were made").Recover(s.account.User)
	if a.changed(w, r, s, err) {
		a.selfRender(w, http.StatusOK, selfPage{Title: "Your recovery codes", Recovery: codes})
	}
}

func (a *Auth) beginCodes(w http.ResponseWriter, r *http.Request, s session, base string) {
	a.showSetup(w, r, s, base, factor.NewSecret(), "")
}

// showSetup shows a secret, and remembers it for the form that comes back.
func (a *Auth) showSetup(w http.ResponseWriter, r *http.Request, s session, base string, secret []byte, problem string) {
	text, svg, err := factors{a}.Show(secret, s.account.User, base)
	setup := ""
	if err == nil {
		setup, err = a.sealSetup(s.account.User, secret)
	}
	if err != nil {
		a.selfShow(w, r, s, http.StatusServiceUnavailable, "This does not work at the moment: try again in a minute")
		return
	}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	a.selfRender(w, status, selfPage{Title: "Set up codes by telephone", Error: problem, Setup: setup, Secret: text, Picture: template.HTML(svg)}) // made by us, of numbers alone
}

func (a *Auth) addCodes(w http.ResponseWriter, r *http.Request, s session, base string) {
	secret, ok := a.openSetup(s.account.User, r.PostForm.Get("setup"))
	if !ok {
		a.selfShow(w, r, s, http.StatusUnprocessableEntity, "That took too long: begin again")
		return
	}
	recovery, err := factors{a}.Enrol(r.Context(), s.account.User, secret, r.PostForm.Get("code"), a.conf.Address(r))
	switch {
	case fault.Is(err, fault.Login):
		a.showSetup(w, r, s, base, secret, provider.Sentence(fault.Reason(err)))
	case err != nil:
		a.selfShow(w, r, s, http.StatusServiceUnavailable, "This does not work at the moment: try again in a minute")
	default:
		a.selfRender(w, http.StatusOK, selfPage{Title: "Your recovery codes", Recovery: recovery})
	}
}

// smallForm reads a form of a few fields; it has answered where that is none.
func (a *Auth) smallForm(w http.ResponseWriter, r *http.Request, s session) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxSealed)
	if r.ParseForm() != nil {
		a.selfShow(w, r, s, http.StatusBadRequest, "The form did not arrive whole: try again")
		return false
	}
	return true
}

// endSession ends one session of the person's own.
func (a *Auth) endSession(w http.ResponseWriter, r *http.Request) {
	s, ok := a.signedInHere(w, r)
	if !ok {
		return
	}
	if !a.smallForm(w, r, s) {
		return
	}
	key := r.PostForm.Get("key")
	_, err := a.EndSessions(r.Context(), s.account.Subject(s.purpose), s.account.User, a.conf.Address(r), "the user ended a session", func(l Live) bool { return l.Key == key })
	if err != nil {
		a.say(w, http.StatusServiceUnavailable, "This does not work at the moment", "The session was not ended. Try again in a minute.")
		return
	}
	a.back(w, r)
}

// endAll signs the person out everywhere.
func (a *Auth) endAll(w http.ResponseWriter, r *http.Request) {
	s, ok := a.signedInHere(w, r)
	if !ok {
		return
	}
	if !a.smallForm(w, r, s) {
		return
	}
	err := a.SignOutEverywhere(r.Context(), s.account.Subject(s.purpose), s.account.User, a.conf.Address(r), "the user signed out everywhere")
	if err == nil {
		err = a.sessions.Destroy(r.Context())
	}
	if err != nil {
		a.say(w, http.StatusServiceUnavailable, "This does not work at the moment", "Not every session was ended. Try again in a minute.")
		return
	}
	http.Redirect(w, r, signedOutPath, http.StatusSeeOther)
}
