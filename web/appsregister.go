package web

import (
	"net/http"
	"strings"
	"time"

	"selda/auth/app"
	"selda/fault"
	"selda/policy"
	"selda/web/page"
)

// This file is the register of applications, for those who decide on them.

var kindWords = map[app.Kind]string{app.Public: "It can't: it runs in the person's browser or phone (public)", app.Symmetric: "By a secret", app.Asymmetric: "By its private key"}

var forWords = map[string]string{app.Citizens: "citizens", app.Professionals: "professionals", app.Systems: "nobody: it is a backend service"}

// approvedFor is the usual length of an approval.
const approvedFor = 365 * 24 * time.Hour

func (h *Web) register(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.governs(r, s, "register of applications", ""); err != nil {
		return err
	}
	return h.showRegister(w, s, http.StatusOK, "", "")
}

func (h *Web) governs(r *http.Request, s policy.Subject, what, client string) error {
	const op = "web.register"
	if h.SignOn == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	if err := h.Access.GovernApps(r.Context(), s, what, client); err != nil {
		return fault.E(op, err)
	}
	return nil
}

func (h *Web) showRegister(w http.ResponseWriter, s policy.Subject, status int, done, problem string) error {
	list, err := h.SignOn.Register().List()
	if err != nil {
		return fault.E("web.register", err)
	}
	now := time.Now() // an approval is of the real clock, as tokens are
	p := page.RegisterPage{Frame: h.frame(s, "Apps"), Done: done, Error: problem, Today: now.Add(24 * time.Hour).Format(time.DateOnly), Year: now.Add(approvedFor).Format(time.DateOnly)}
	for _, a := range list {
		row := page.RegisteredApp{ID: a.ID, Name: a.Name, Owner: a.Owner, Contact: a.Contact, About: a.About, Kind: kindWords[a.Kind], State: a.State(now), Waits: a.State(now) == app.Pending,
			Scopes: a.Scopes, Redirects: a.RedirectURIs, Launch: a.LaunchURI, Keys: a.KeysURI, Account: a.Account, Registered: day(a.Registered), Secret: day(a.SecretUntil),
			Action: "/apps/register/" + a.ID, System: a.Serves(app.Systems)}
		var who []string
		for _, f := range a.For {
			who = append(who, forWords[f])
		}
		row.For = strings.Join(who, " and ")
		if a.Approved != nil {
			row.Approved, row.Until, row.ApprovedBy = day(a.Approved.At), day(a.Approved.Until), a.Approved.By
		}
		if a.Suspended != nil {
			row.StoppedBy, row.Reason = a.Suspended.By, a.Suspended.Reason
		}
		p.Apps = append(p.Apps, row)
	}
	h.render(w, status, page.Register(p))
	return nil
}

// decideApp approves, suspends or removes an application.
func (h *Web) decideApp(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.decideApp"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	id, do := r.PathValue("app"), r.PostForm.Get("do")
	if h.SignOn == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	if _, err := h.SignOn.Register().Find(id); err != nil {
		return fault.E(op, err)
	}
	if err := h.governs(r, s, "application: "+firstWord(do), id); err != nil {
		return err
	}
	now, register := time.Now(), h.SignOn.Register()
	var err error
	done := ""
	switch do {
	case "approve":
		until, bad := time.Parse(time.DateOnly, r.PostForm.Get("until"))
		if bad != nil {
			return h.showRegister(w, s, http.StatusUnprocessableEntity, "", "Say until when the approval holds, as a date")
		}
		_, err = register.Approve(id, s.User, strings.TrimSpace(r.PostForm.Get("account")), now, until)
		done = "Approved."
	case "suspend":
		_, err = register.Suspend(id, s.User, strings.TrimSpace(r.PostForm.Get("reason")), now)
		done = "Suspended. It can do nothing from now on."
	case "remove":
		err = register.Remove(id)
		done = "Removed. It can do nothing from now on."
	default:
		err = fault.E(op, fault.Value, "choose to approve, suspend or remove it")
	}
	if fault.Is(err, fault.Value) || fault.Is(err, fault.Required) || fault.Is(err, fault.TooLong) {
		return h.showRegister(w, s, http.StatusUnprocessableEntity, "", strings.TrimSuffix(sentence(fault.Reason(err)), "."))
	}
	if err != nil {
		return fault.E(op, err)
	}
	return h.showRegister(w, s, http.StatusOK, done, "")
}

// firstWord keeps what a form says to one of its own words.
func firstWord(do string) string {
	switch do {
	case "approve", "suspend", "remove":
		return do
	}
	return "decide"
}
