package provider

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"

	"selda/fault"
)

// This file is what comes after a right password, and what comes in its place.

// Factors is the port to what people have beside a password.
type Factors interface {
	// Needs is what a user must show after a right password; the fault is Login where
	// a password is no way in for them.
	Needs(user string) (Need, error)
	// Code uses up a code of a user's. The fault is Login where it does not fit.
	Code(ctx context.Context, user, code, address string) error
	// Secret makes a secret for a telephone, and Show shows it: as text, and as a
	// picture in SVG.
	Secret() []byte
	Show(secret []byte, user, base string) (text, picture string, err error)
	// Enrol gives a user codes from that secret, and says their recovery codes.
	Enrol(ctx context.Context, user string, secret []byte, code, address string) (recovery []string, err error)
	// PasskeyOptions is what a browser is told for a sign-in by passkey; the fault is
	// NotSupported where there can be none at that address of ours.
	PasskeyOptions(base, address string) ([]byte, error)
	// Passkey is whose passkey answered.
	Passkey(ctx context.Context, base string, answer []byte, address string) (user string, err error)
	// Passkeys says whether there can be passkeys at an address.
	Passkeys(base string) bool
}

// Need is what a user must show after a right password.
type Need int

// What may be needed.
const (
	Nothing Need = iota
	Code         // a code of the telephone
	Setup        // to set a telephone up first
)

const (
	// ScriptPath is where the script of passkeys is.
	ScriptPath  = "/oidc/passkey.js"
	passkeyPath = "/oidc/passkey"
	// halfFor is how long somebody has for the second step.
	halfFor = 10 * time.Minute
	// codeTries begins how tries of codes are counted: a right password gives no more.
	codeTries = "code of "
)

//go:embed passkey.js
var script []byte

func serveScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(script) // the caller is gone: nobody is left to tell
}

// script is the path of the script at an address, where it is of use.
func (p *OpenID) script(base string) string {
	if p.conf.Factors == nil || !p.conf.Factors.Passkeys(base) {
		return ""
	}
	return ScriptPath
}

// secondData is what the page after the password shows.
type secondData struct {
	Half     string
	Secret   string
	Picture  template.HTML
	Recovery []string
	Choose   bool // a password of their own
}

// halfway is somebody whose password was right, for one client. It is kept where
// codes are, and is none: no field of a code is in it.
type halfway struct {
	Halfway string    `json:"halfway"` // the user
	For     string    `json:"for"`     // the client
	Secret  []byte    `json:"secret,omitempty"`
	Done    bool      `json:"done,omitempty"`   // what is left is to go on
	Choose  []string  `json:"choose,omitempty"` // what is left is to choose a password; how they proved themselves
	Until   time.Time `json:"until"`
}

// put keeps somebody halfway, and gives what the next form must bring.
func (p *OpenID) put(h halfway) (string, error) {
	b, err := json.Marshal(h)
	if err != nil {
		return "", err
	}
	key := rand.Text()
	return key, p.codes.Put("half-"+key, b, h.Until)
}

// half asks for what is needed beside the password; false where nothing is.
func (p *OpenID) half(w http.ResponseWriter, r *http.Request, req request, user string) bool {
	need, err := p.conf.Factors.Needs(user)
	if fault.Is(err, fault.Login) {
		p.form(w, r, http.StatusUnprocessableEntity, req, user, Sentence(fault.Reason(err)))
		return true
	}
	if err != nil {
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
		return true
	}
	if need == Nothing {
		return false
	}
	h := halfway{Halfway: user, For: req.client.ID, Until: time.Now().Add(halfFor)}
	if need == Setup {
		h.Secret = p.conf.Factors.Secret()
	}
	p.ask(w, r, req, h, http.StatusOK, "", nil)
	return true
}

// ask shows the page after the password.
func (p *OpenID) ask(w http.ResponseWriter, r *http.Request, req request, h halfway, status int, problem string, recovery []string) {
	d := secondData{Recovery: recovery, Choose: h.Choose != nil}
	title := "Enter your code"
	if d.Choose {
		title = "Choose your password"
	}
	var err error
	if len(h.Secret) > 0 && !h.Done {
		title = "Set up your telephone"
		var svg string
		if d.Secret, svg, err = p.conf.Factors.Show(h.Secret, h.Halfway, req.base); err == nil {
			d.Picture = template.HTML(svg) // made by us, of numbers alone
		}
	}
	if recovery != nil {
		title = "Keep your recovery codes"
	}
	if err == nil {
		d.Half, err = p.put(h)
	}
	if err != nil {
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
		return
	}
	p.render(w, status, req.redirect, pageData{Title: title, Action: "/oidc/authorize?" + r.URL.RawQuery, Error: problem, Second: &d})
}

// second is the form after the password, posted.
func (p *OpenID) second(w http.ResponseWriter, r *http.Request, req request) {
	var h halfway
	b, ok, err := p.codes.Take("half-" + r.PostForm.Get("half"))
	if err != nil {
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
		return
	}
	if !ok || json.Unmarshal(b, &h) != nil || h.Halfway == "" || h.For != req.client.ID || time.Now().After(h.Until) {
		p.form(w, r, http.StatusUnprocessableEntity, req, "", "That took too long. Sign in again")
		return
	}
	switch {
	case h.Choose != nil:
		p.choose(w, r, req, h)
		return
	case h.Done:
		p.own(w, r, req, h.Halfway, "pwd", "otp", "mfa")
		return
	}
	address := p.conf.Address(r)
	if wait := p.tries.try(codeTries+h.Halfway, address, time.Now()); wait > 0 {
		p.ask(w, r, req, h, http.StatusTooManyRequests, tooMany(w, wait), nil)
		return
	}
	code := r.PostForm.Get("code")
	var recovery []string
	if len(h.Secret) > 0 {
		recovery, err = p.conf.Factors.Enrol(r.Context(), h.Halfway, h.Secret, code, address)
	} else {
		err = p.conf.Factors.Code(r.Context(), h.Halfway, code, address)
	}
	switch {
	case fault.Is(err, fault.Login):
		p.ask(w, r, req, h, http.StatusUnprocessableEntity, Sentence(fault.Reason(err)), nil)
	case err != nil:
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
	case recovery != nil:
		p.tries.right(codeTries+h.Halfway, address, time.Now())
		h.Done = true
		p.ask(w, r, req, h, http.StatusOK, "", recovery)
	default:
		p.tries.right(codeTries+h.Halfway, address, time.Now())
		p.own(w, r, req, h.Halfway, "pwd", "otp", "mfa")
	}
}

// own goes on to the client, once the password is the person's own: in the place of one
// that was given to them they choose another first. amr is as done has it.
func (p *OpenID) own(w http.ResponseWriter, r *http.Request, req request, user string, amr ...string) {
	given, err := p.conf.People.Given(user)
	switch {
	case err != nil:
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
	case given:
		p.ask(w, r, req, halfway{Halfway: user, For: req.client.ID, Choose: amr, Until: time.Now().Add(halfFor)}, http.StatusOK, "", nil)
	default:
		p.done(w, r, req, user, amr...)
	}
}

// Proves checks a password of somebody who is signed in as a sign-in does, with its
// waits. The fault is Login where it is not theirs, Throttled where it is too soon.
func (p *OpenID) Proves(ctx context.Context, user, password, address string) error {
	const op = "provider.Proves"
	if p.tries.try(user, address, time.Now()) > 0 {
		return fault.E(op, fault.Throttled, "too many tries: wait a minute, and try again")
	}
	err := p.conf.People.SignIn(ctx, user, password, address)
	if !fault.Is(err, fault.Login) {
		p.tries.forget(user, address)
	}
	if err != nil {
		return fault.E(op, err)
	}
	return nil
}

// choose is the password that somebody chose, posted.
func (p *OpenID) choose(w http.ResponseWriter, r *http.Request, req request, h halfway) {
	password := r.PostForm.Get("new")
	if r.PostForm.Get("again") != password {
		p.ask(w, r, req, h, http.StatusUnprocessableEntity, "The two passwords are not the same", nil)
		return
	}
	err := p.conf.People.Choose(r.Context(), h.Halfway, password, p.conf.Address(r))
	switch {
	case fault.Is(err, fault.Value):
		p.ask(w, r, req, h, http.StatusUnprocessableEntity, Sentence(fault.Reason(err)), nil)
	case err != nil:
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
	default:
		p.done(w, r, req, h.Halfway, h.Choose...)
	}
}

// passkeyOptions is what a browser is told before it asks for a passkey.
func (p *OpenID) passkeyOptions(w http.ResponseWriter, r *http.Request) {
	base, err := p.conf.Base(r)
	var b []byte
	if err == nil {
		b, err = p.conf.Factors.PasskeyOptions(base, p.conf.Address(r))
	}
	if err != nil {
		http.Error(w, fault.Reason(err)+".", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(b) // the caller is gone: nobody is left to tell
}

// passkey is a passkey's answer, posted.
func (p *OpenID) passkey(w http.ResponseWriter, r *http.Request, req request) {
	address := p.conf.Address(r)
	user, err := p.conf.Factors.Passkey(r.Context(), req.base, []byte(r.PostForm.Get("passkey")), address)
	switch {
	case fault.Is(err, fault.Login), fault.Is(err, fault.NotSupported):
		p.form(w, r, http.StatusUnprocessableEntity, req, "", Sentence(fault.Reason(err)))
		return
	case err != nil:
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
		return
	}
	p.done(w, r, req, user, "hwk", "user", "mfa")
}

// Sentence begins with a capital.
func Sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
