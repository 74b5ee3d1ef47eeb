package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"selda/auth"
	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// This file is the people of an organisation, for its administrators: who they are, how
// they sign in and when they last did, and what is done where somebody leaves, changes
// work or loses a telephone. The verbs of `selda user` call the same.

// People is the port to accounts and how they stand.
type People interface {
	Standing(user string) (auth.Standing, error)
	Disable(ctx context.Context, by policy.Subject, user, why string) error
	Enable(ctx context.Context, by policy.Subject, user, why string) error
	Reset(ctx context.Context, by policy.Subject, user, why string) error
	EndAll(ctx context.Context, by policy.Subject, user, why string) error
	EndsOn(ctx context.Context, by policy.Subject, user string, ends time.Time, contact string) error
	Make(ctx context.Context, by policy.Subject, a auth.Account, why string) (password string, err error)
	HasPasswords() bool
	GivePassword(ctx context.Context, by policy.Subject, user, why string) (password string, err error)
}

// Accounts is the port to whose they are.
type Accounts interface {
	Known(user string) (auth.Account, bool, error)
	Ask(q auth.Query) ([]auth.Account, error)
	Count(o nhs.ODS) ([]auth.Count, error)
}

const (
	accountsAPage = 50
	mostWords     = 6 // of a search
	longestSearch = 100
)

// counted are how many accounts an organisation has, how many the others have, and how
// many citizens: of those only the number is told, who has an account of their own is
// nobody's business here.
func (h *Web) counted(o nhs.ODS) (here, elsewhere, citizens int, err error) {
	list, err := h.Accounts.Count("")
	for _, c := range list {
		switch c.Organisation {
		case "":
			citizens += c.N
		case o:
			here += c.N
		default:
			elsewhere += c.N
		}
	}
	return here, elsewhere, citizens, err
}

func (h *Web) administers(r *http.Request, s policy.Subject, what string) error {
	const op = "web.accounts"
	if err := h.Access.Administer(r.Context(), s, what); err != nil {
		return fault.E(op, err)
	}
	if h.Accounts == nil || h.People == nil {
		return fault.E(op, fault.NotSupported, "accounts are kept elsewhere")
	}
	return nil
}

// accounts are those of the administrator's organisation, a page of them: a name that is
// searched for stands in no address.
func (h *Web) accounts(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.accounts"
	if err := h.administers(r, s, "accounts"); err != nil {
		return err
	}
	return h.showAccounts(w, r, s, http.StatusOK, "")
}

func (h *Web) showAccounts(w http.ResponseWriter, r *http.Request, s policy.Subject, status int, problem string) error {
	const op = "web.accounts"
	p := page.AccountsPage{Frame: h.frame(s, "Accounts"), Organisation: h.organisation(s.Organisation), Find: strings.TrimSpace(r.PostFormValue("find")), Later: r.PostFormValue("after") != ""}
	if runes := []rune(p.Find); len(runes) > longestSearch {
		p.Find = string(runes[:longestSearch])
	}
	words := auth.Words(p.Find)
	list, err := h.Accounts.Ask(auth.Query{Organisation: s.Organisation, Words: words[:min(mostWords, len(words))], After: known(r.PostFormValue("after")), Limit: accountsAPage + 1})
	if err == nil {
		p.Here, p.Elsewhere, p.Citizens, err = h.counted(s.Organisation)
	}
	if err != nil {
		return fault.E(op, err)
	}
	if len(list) > accountsAPage {
		list = list[:accountsAPage]
		p.Next = list[accountsAPage-1].User
	}
	for _, a := range list {
		row, err := h.accountRow(&a, s)
		if err != nil {
			return fault.E(op, err)
		}
		p.Accounts = append(p.Accounts, row)
	}
	if h.People.HasPasswords() {
		p.Add = h.addForm(r, problem)
	}
	h.render(w, status, page.Accounts(p))
	return nil
}

func (h *Web) accountRow(a *auth.Account, s policy.Subject) (page.AccountRow, error) {
	st, err := h.People.Standing(a.User)
	if err != nil {
		return page.AccountRow{}, err
	}
	now := h.Now()
	row := page.AccountRow{User: a.User, Name: a.Name, Role: a.Role.Title(), Contact: a.Contact, Own: a.User == s.User, SignedIn: day(st.SignedIn), Made: day(a.Made), Ends: day(a.Ends),
		Proofs: proofs(a, st), Disabled: a.Disabled, Ended: !a.Ends.IsZero() && !now.Before(a.Ends), System: a.Role == nhs.SourceSystem, Outside: a.Provider != ""}
	if !a.Ends.IsZero() {
		row.EndDay = london.In(a.Ends).Format(time.DateOnly)
	}
	for _, l := range st.Sessions {
		row.Sessions = append(row.Sessions, page.SessionRow{Since: day(l.Began), From: l.Address})
	}
	return row, nil
}

// proofs are what somebody signs in with, in words.
func proofs(a *auth.Account, st auth.Standing) []string {
	if a.Role == nhs.SourceSystem {
		return []string{"tokens"}
	}
	if a.Provider != "" {
		return []string{"by " + a.Provider}
	}
	var out []string
	if st.Passkeys > 0 {
		out = append(out, page.Plural(st.Passkeys, "passkey", "passkeys"))
	}
	if st.Codes {
		out = append(out, "password and codes by telephone", page.Plural(st.Recovery, "recovery code", "recovery codes")+" left")
	}
	if st.Locked {
		out = append(out, "codes are locked: too many wrong ones")
	}
	if len(out) == 0 {
		out = append(out, "password alone")
	}
	return out
}

// account is one account, and what can be done to it.
func (h *Web) account(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.administers(r, s, "account "+known(r.PathValue("user"))); err != nil {
		return err
	}
	return h.showAccount(w, r, s, http.StatusOK, "", "")
}

// known is a user name as the trail may have it: what is none is not repeated.
func known(user string) string {
	if len(user) > 128 || strings.Trim(user, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:@") != "" {
		return ""
	}
	return user
}

func (h *Web) showAccount(w http.ResponseWriter, r *http.Request, s policy.Subject, status int, done, problem string) error {
	const op = "web.account"
	a, there, err := h.Accounts.Known(r.PathValue("user"))
	if err == nil && (!there || a.Organisation == "" || a.Organisation != s.Organisation) {
		err = fault.E(op, fault.NotFound, "there is no such account in your organisation")
	}
	if err != nil {
		return fault.E(op, err)
	}
	row, err := h.accountRow(&a, s)
	if err != nil {
		return fault.E(op, err)
	}
	now := view.ParseDate(h.Now().Format(time.RFC3339))
	h.render(w, status, page.Account(page.AccountPage{Frame: h.frame(s, a.Name), Of: row, Organisation: h.organisation(a.Organisation), Action: "/accounts/" + a.User, Today: now, Done: done, Error: problem}))
	return nil
}

// accountActs are the words of what was done to an account.
var accountActs = map[string]string{"disable": "Disabled, and signed out everywhere.", "enable": "Enabled. They can sign in again.", "reset": "What they sign in with beside the password was taken away. At their next sign-in they set up a new one.",
	"end": "Signed out everywhere. They can sign in again.", "until": "The end was set.", "password": "They were signed out everywhere."}

// changeAccount does one thing to an account.
func (h *Web) changeAccount(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.changeAccount"
	user, act, why := known(r.PathValue("user")), r.PathValue("act"), strings.TrimSpace(r.PostForm.Get("why"))
	if _, ok := accountActs[act]; !ok {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	if err := h.administers(r, s, "account "+user+": "+act); err != nil {
		return err
	}
	if len(why) > 300 {
		return h.showAccount(w, r, s, http.StatusUnprocessableEntity, "", "Say why in at most 300 letters")
	}
	ctx := r.Context()
	var err error
	var password string
	switch act {
	case "password":
		password, err = h.People.GivePassword(ctx, s, user, why)
	case "disable":
		err = h.People.Disable(ctx, s, user, why)
	case "enable":
		err = h.People.Enable(ctx, s, user, why)
	case "reset":
		err = h.People.Reset(ctx, s, user, why)
	case "end":
		err = h.People.EndAll(ctx, s, user, why)
	case "until":
		var ends time.Time
		if text := r.PostForm.Get("day"); text != "" {
			ends, err = auth.EndDay(text)
		}
		if contact := strings.TrimSpace(r.PostForm.Get("contact")); err == nil && len(contact) <= 200 {
			err = h.People.EndsOn(ctx, s, user, ends, contact)
		} else if err == nil {
			err = fault.E(op, fault.Value, "say who answers for it in at most 200 letters")
		}
	}
	if fault.Is(err, fault.Required) || fault.Is(err, fault.Value) {
		return h.showAccount(w, r, s, http.StatusUnprocessableEntity, "", strings.TrimSuffix(sentence(fault.Reason(err)), "."))
	}
	if err != nil {
		return fault.E(op, err)
	}
	if password != "" {
		h.showGiven(w, s, user, password)
		return nil
	}
	return h.showAccount(w, r, s, http.StatusOK, accountActs[act], "")
}
