package auth

import (
	"html/template"
	"net/http"
	"time"

	"selda/auth/app"
)

// Elsewhere is where the quick exit leads unless the region says another place: one
// that many people look at, and that nobody asks about.
const Elsewhere = "https://www.bbc.co.uk/weather"

// LeaveTo is where the quick exit leads.
func (a *Auth) LeaveTo() string { return a.conf.LeaveTo }

// leavePage is all that is seen on the way: its title is that of where it leads.
var leavePage = template.Must(template.New("leave").Parse(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Weather</title></head><body><p><a href="{{.}}">Go on</a></p></body></html>`))

// leave is the quick exit (G11): the session ends, what the browser kept of this site is
// cleared, and it goes on to a neutral place, whatever else fails. The policy of forms
// allows no redirect to another site, so the header Refresh leads there.
// https://w3c.github.io/webappsec-clear-site-data/
func (a *Auth) leave(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Clear-Site-Data", `"cache", "cookies", "storage"`)
	head.Set("Cache-Control", "no-store")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Refresh", "0; url="+a.conf.LeaveTo)
	head.Set("Content-Type", "text/html; charset=utf-8")
	ctx := r.Context()
	if ctx.Value(wrappedKey{}) != nil {
		subject, err := a.sessionSubject(r)
		_ = a.sessions.Destroy(ctx)
		if err == nil {
			// It is no way to be kept here that one of these fails: the session has ended.
			_, _ = a.Connections.End(subject.User, "the user signed out", time.Now(), func(c *app.Connection) bool { return c.Online })
			_ = a.record(ctx, Event{Kind: SignedOut, Time: time.Now(), Subject: subject, Address: a.conf.Address(r)})
		}
	}
	_ = leavePage.Execute(w, a.conf.LeaveTo)
}
