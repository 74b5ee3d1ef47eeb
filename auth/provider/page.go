package provider

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// StylesheetPath is where the provider's own plain stylesheet is.
const StylesheetPath = "/oidc/style.css"

const misdirected = "This server has no public address set, and does not answer to the name that you used. Use localhost or its IP address."

//go:embed style.css
var stylesheet []byte

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

// pageData is what the page shows: the sign-in form, or a message.
type pageData struct {
	Title, Stylesheet string
	// The form.
	Form          bool
	Action        string
	User, Error   string
	Demonstration *Demonstration
	Script        string // of passkeys; "" where there are none
	// After the password: the code of a telephone, or how to set it up.
	Second *secondData
	// A message.
	Text, Link, LinkText string
	// Places to sign in.
	Choices []Choice
}

// Choice is one of several places to sign in.
type Choice struct{ Link, Text string }

func (p *OpenID) form(w http.ResponseWriter, r *http.Request, status int, req request, user, problem string) {
	// The request goes with the form in its address, and is checked again
	// when it is posted.
	action := "/oidc/authorize?" + r.URL.RawQuery
	p.render(w, status, req.redirect, pageData{Title: "Sign in", Form: true, Action: action, User: user, Error: problem, Demonstration: p.conf.Demonstration, Script: p.script(req.base)})
}

func (p *OpenID) throttled(w http.ResponseWriter, r *http.Request, req request, user string, wait time.Duration) {
	p.form(w, r, http.StatusTooManyRequests, req, user, tooMany(w, wait))
}

// tooMany says how long to wait, to programs and to people.
func tooMany(w http.ResponseWriter, wait time.Duration) string {
	seconds := int(wait/time.Second) + 1
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	unit := "seconds"
	if seconds == 1 {
		unit = "second"
	}
	return fmt.Sprintf("Too many tries. Wait %d %s and try again", seconds, unit)
}

func (p *OpenID) errorPage(w http.ResponseWriter, status int, text string) {
	p.message(w, status, "You could not be signed in", text)
}

func (p *OpenID) message(w http.ResponseWriter, status int, title, text string) {
	p.render(w, status, "", pageData{Title: title, Text: text, Link: "/", LinkText: "Go to SELDA"})
}

func (p *OpenID) render(w http.ResponseWriter, status int, redirect string, d pageData) {
	d.Stylesheet = p.conf.Stylesheet
	render(w, status, redirect, d)
}

// Message writes a page of a title, a sentence and a link, in the look of the form.
func Message(w http.ResponseWriter, status int, stylesheet, title, text, link, linkText string) {
	render(w, status, "", pageData{Title: title, Stylesheet: stylesheet, Text: text, Link: link, LinkText: linkText})
}

// Choose writes a page of links, one below the other.
func Choose(w http.ResponseWriter, stylesheet, title string, choices []Choice) {
	render(w, http.StatusOK, "", pageData{Title: title, Stylesheet: stylesheet, Choices: choices})
}

func render(w http.ResponseWriter, status int, redirect string, d pageData) {
	RenderWith(w, status, redirect, d.Script, page, d)
}

// Render writes a page. Scripts are not allowed on it at all. The redirect is
// where the form's answer will go: browsers hold form-action against that too.
func Render(w http.ResponseWriter, status int, redirect string, page *template.Template, d any) {
	RenderWith(w, status, redirect, "", page, d)
}

// scripted is what a page with the script of passkeys is allowed beside.
const scripted = "script-src 'self'; connect-src 'self'; "

// RenderWith is Render of a page that has a script, where one is named.
func RenderWith(w http.ResponseWriter, status int, redirect, script string, page *template.Template, d any) {
	formTo, allowed := "'self'", ""
	if script != "" {
		allowed = scripted
	}
	if u, err := url.Parse(redirect); err == nil && u.Host != "" && !strings.ContainsAny(u.Host, " ;,'\"") {
		formTo += " " + u.Scheme + "://" + u.Host
	}
	var b bytes.Buffer
	if err := page.Execute(&b, d); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; "+allowed+"style-src 'self'; img-src 'self'; form-action "+formTo+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: with it browsers send "Origin: null" with the form, and
	// over plain HTTP that is all there is to tell where a form came from.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller is gone: nobody is left to tell
}

// ServeStylesheet answers with the plain look of the pages of sign-on.
func ServeStylesheet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(stylesheet) // as above
}
