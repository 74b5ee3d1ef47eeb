package web

import (
	"net/http"
	"strings"
	"time"

	"selda/auth"
	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
)

// addForm is the form that makes an account, as it came.
func (h *Web) addForm(r *http.Request, problem string) *page.AddAccount {
	f := r.PostForm
	form := &page.AddAccount{User: f.Get("user"), Name: f.Get("name"), Contact: f.Get("contact"), Ends: f.Get("ends"), Why: f.Get("why"), Role: f.Get("role"), Error: problem}
	for _, role := range auth.MadeByAdministrators {
		form.Roles = append(form.Roles, page.Choice{Code: string(role), Title: role.Title()})
	}
	return form
}

// addAccount makes an account of the administrator's organisation.
func (h *Web) addAccount(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.addAccount"
	f := r.PostForm
	field := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	user, why := field("user"), field("why")
	if err := h.administers(r, s, "account "+known(user)+": add"); err != nil {
		return err
	}
	a := auth.Account{User: user, Name: field("name"), Role: nhs.Role(field("role")), Organisation: s.Organisation, OrganisationName: h.organisation(s.Organisation), Contact: field("contact")}
	var err error
	switch {
	case len(a.Name) > 100 || len(a.Contact) > 200 || len(why) > 300:
		err = fault.E(op, fault.Value, "write less: a name has at most 100 letters, an address 200, a reason 300")
	case field("role") == "":
		err = fault.E(op, fault.Value, "choose a role")
	case field("ends") != "":
		a.Ends, err = auth.EndDay(field("ends"))
	}
	var password string
	if err == nil {
		password, err = h.People.Make(r.Context(), s, a, why)
	}
	if fault.Is(err, fault.Required) || fault.Is(err, fault.Value) || fault.Is(err, fault.Duplicate) {
		return h.showAccounts(w, r, s, http.StatusUnprocessableEntity, strings.TrimSuffix(sentence(fault.Reason(err)), "."))
	}
	if err != nil {
		return fault.E(op, err)
	}
	h.showGiven(w, s, user, password)
	return nil
}

// showGiven shows a password that was given out, once.
func (h *Web) showGiven(w http.ResponseWriter, s policy.Subject, user, password string) {
	name := user
	if a, known, _ := h.Accounts.Known(user); known {
		name = a.Name
	}
	until := london.In(time.Now().Add(auth.GivenFor)).Format("2 January 2006")
	h.render(w, http.StatusOK, page.Given(page.GivenPage{Frame: h.frame(s, "A password"), User: user, Name: name, Password: password, Until: until}))
}
