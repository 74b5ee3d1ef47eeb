package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/auth"
	"selda/auth/app"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// This file is the applications that act in somebody's name, for the one in
// whose name they do; and those that can be opened at a record.

// SignOn is the port to the applications.
type SignOn interface {
	// Connected are the applications that somebody connected, also those that have
	// ended lately, and who they are.
	Connected(s policy.Subject) ([]auth.Connected, error)
	EndConnections(ctx context.Context, s policy.Subject, client, why string) (int, error)
	Launchable(s policy.Subject) ([]app.App, error)
	Launch(r *http.Request, s policy.Subject, citizen, client, intent string) (string, error)
	Register() *app.Register
}

// nav is a record's sections, and the applications that can be opened there.
func (h *Web) nav(o *opened, section string) []page.Link {
	nav := page.Nav(o.rec, o.base, section)
	if h.SignOn != nil {
		nav = append(nav, page.Link{Href: o.base + "/apps", Text: "Apps", Current: section == "apps"})
	}
	return nav
}

// apps is the applications that the user connected, one line each however often
// it was connected.
func (h *Web) apps(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showApps(w, r, s, "")
}

func (h *Web) showApps(w http.ResponseWriter, r *http.Request, s policy.Subject, done string) error {
	const op = "web.apps"
	if h.SignOn == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	p := page.AppsPage{Frame: h.frame(s, "Apps"), Action: "/apps", Done: done}
	if s.Role == nhs.Citizen || s.Role == nhs.Proxy {
		p.Citizen, p.Back, p.Action = true, "/me", "/me/apps"
	}
	list, err := h.SignOn.Connected(s)
	if err != nil {
		return fault.E(op, err)
	}
	looked, err := h.Access.AppsUsed(r.Context(), s)
	if err != nil {
		return fault.E(op, err)
	}
	for _, c := range list { // the latest first
		into := &p.Connected
		if !c.Live {
			into = &p.Ended
		}
		i := slices.IndexFunc(*into, func(a page.ConnectedApp) bool { return a.ID == c.App.ID })
		if i < 0 {
			one := page.ConnectedApp{ID: c.App.ID, Name: c.App.Name, Owner: c.App.Owner, Contact: c.App.Contact, Until: day(c.Until), Why: c.Why, Sees: c.Sees}
			if !c.Live {
				one.Ended = day(c.Ended)
			}
			if e, ok := looked[c.App.ID]; ok {
				one.Looked = at(e)
			}
			*into = append(*into, one)
			i = len(*into) - 1
		}
		one := &(*into)[i]
		if until := day(c.Until); one.Until.Before(until) {
			one.Until = until
		}
		one.Since = day(c.Began) // of the first of them
		for _, words := range c.Sees {
			if !slices.Contains(one.Sees, words) {
				one.Sees = append(one.Sees, words)
			}
		}
	}
	var launchable []app.App
	if p.Citizen {
		if launchable, err = h.openFor(r, s, &p); err != nil {
			return err
		}
	}
	h.renderUnder(w, http.StatusOK, leadingTo(launchable), page.Apps(p))
	return nil
}

// openFor adds the applications that a citizen or proxy can open, for each whose
// record is theirs to connect.
func (h *Web) openFor(r *http.Request, s policy.Subject, p *page.AppsPage) ([]app.App, error) {
	const op = "web.openFor"
	list, err := h.SignOn.Launchable(s)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	own, err := h.patients().Own(r.Context(), s)
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, patient := range own {
		o := page.AppsFor{Patient: patient.ID, Apps: launchApps(list)}
		if s.Role == nhs.Proxy {
			o.Whose = patient.Name
		}
		p.Open = append(p.Open, o)
	}
	return list, nil
}

func (h *Web) patients() Patients { return Patients{h.Access, h.Records, h.Now} }

func launchApps(list []app.App) (out []page.LaunchApp) {
	for _, x := range list {
		out = append(out, page.LaunchApp{ID: x.ID, Name: x.Name, Owner: x.Owner, About: x.About})
	}
	return out
}

// leadingTo is the policy of a page with forms that open applications: browsers
// hold where a form leads against it, also after a redirect.
func leadingTo(list []app.App) string {
	forms := []string{"form-action 'self'"}
	for _, x := range list {
		if u, err := url.Parse(x.LaunchURI); err == nil && !slices.Contains(forms, u.Scheme+"://"+u.Host) {
			forms = append(forms, u.Scheme+"://"+u.Host)
		}
	}
	return strings.Replace(page.CSP, forms[0], strings.Join(forms, " "), 1)
}

// day is a moment as pages have it.
func day(t time.Time) view.Date {
	if t.IsZero() {
		return view.Date{}
	}
	return view.ParseDate(t.Format(time.RFC3339))
}

// endApp ends an application that the user connected.
func (h *Web) endApp(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.endApp"
	if h.SignOn == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	n, err := h.SignOn.EndConnections(r.Context(), s, r.PostForm.Get("app"), "you ended it")
	if err != nil {
		return fault.E(op, err)
	}
	done := "It was ended already. Nothing was changed."
	if n > 0 {
		done = "Ended. The app can see nothing from now on."
	}
	return h.showApps(w, r, s, done)
}

// recordApps is the applications that can be opened at a record.
func (h *Web) recordApps(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.recordApps"
	if h.SignOn == nil {
		return fault.E(op, fault.NotFound, "there is no such section")
	}
	o, err := h.open(r, s, "record: applications")
	if err != nil {
		return err
	}
	list, err := h.SignOn.Launchable(s)
	if err != nil {
		return fault.E(op, err)
	}
	p := h.recordPage(o, "apps")
	p.Apps = &page.RecordApps{Action: o.base + "/apps", Apps: launchApps(list)}
	p.Frame.Title = p.Banner.Name.Pro() + ", Apps"
	h.renderUnder(w, http.StatusOK, leadingTo(list), page.Record(p))
	return nil
}

// launchApp opens an application at a record.
func (h *Web) launchApp(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.launchApp"
	if h.SignOn == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	id := r.PathValue("id")
	if id == "" { // a citizen's own, or one of those whom a proxy helps
		id = r.PostForm.Get("patient")
	}
	g, err := h.Access.Record(r.Context(), s, id, "record: to open an application")
	if err != nil {
		return fault.E(op, err)
	}
	to, err := h.SignOn.Launch(r, s, g.Citizen().ID, r.PostForm.Get("app"), "")
	if err != nil {
		return fault.E(op, err)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
