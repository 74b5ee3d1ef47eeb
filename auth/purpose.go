package auth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// This file is what somebody acts for: chosen at a press on any page, and by applications
// with the parameter purpose_of_use. It only narrows what the role has by itself.

const purposePath = "/login/purpose"

// reasons is the code system of purposes.
const reasons = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

// changePurpose has somebody act for another purpose from now on, in a session of another
// id, and goes back to the page that they came from.
func (a *Auth) changePurpose(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s, err := a.session(r)
	if err != nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSealed)
	if err := r.ParseForm(); err != nil {
		a.say(w, http.StatusBadRequest, "Nothing was changed", "The form did not arrive whole. Go back and try again.")
		return
	}
	p := nhs.Purpose(r.PostForm.Get("purpose"))
	back := cameFrom(r)
	switch {
	case !slices.Contains(policy.Purposes(s.account.Role), p):
		a.say(w, http.StatusUnprocessableEntity, "Nothing was changed", "Your role does not act for that purpose.")
		return
	case p == s.purpose:
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	ctx := r.Context()
	err = a.record(ctx, Event{Kind: PurposeChanged, Time: time.Now(), Subject: s.account.Subject(p), Provider: s.provider, Address: a.conf.Address(r), Reason: "before: " + string(s.purpose)})
	if err == nil {
		err = a.renew(ctx, s.account.User)
	}
	if err != nil {
		a.say(w, http.StatusServiceUnavailable, "Nothing was changed", "The change could not be recorded, so it was not made. Try again in a minute.")
		return
	}
	a.sessions.Put(ctx, sessionPurpose, string(p))
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// renew gives the session of a request another id; the one of before opens nothing.
func (a *Auth) renew(ctx context.Context, user string) error {
	const op = "auth.renew"
	old := storeKey(a.sessions.Token(ctx))
	if err := a.sessions.RenewToken(ctx); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	key := storeKey(a.sessions.Token(ctx))
	return a.live(user, time.Now(), func(list []Live) []Live {
		for i := range list {
			if list[i].Key == old {
				list[i].Key = key
			}
		}
		return list
	})
}

// cameFrom is the page of this server that a form was on.
func cameFrom(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return "/"
	}
	return localPath(u.RequestURI())
}

// purposeAsked is the purpose that an application asks for, for somebody who acts for one:
// the same, where it asks for none. It reads a code, or system and code as in a token
// search. IHE IUA, ITI-71: purpose_of_use.
func purposeAsked(r nhs.Role, from nhs.Purpose, asked string) (nhs.Purpose, error) {
	if asked == "" {
		return from, nil
	}
	code := strings.TrimPrefix(strings.TrimPrefix(asked, reasons+"|"), "urn:oid:2.16.840.1.113883.5.8|")
	if p := nhs.Purpose(code); policy.Narrows(r, from, p) {
		return p, nil
	}
	return "", fault.E("auth.purposeAsked", fault.Security, "purpose_of_use is a purpose that the user acts for, or one that narrows it", "purpose_of_use")
}

// iua is the extension of a token that says what it is for. IHE IUA, section 3.71.4.2.2.1
type iua struct {
	IUA iuaClaims `json:"ihe_iua"`
}

type iuaClaims struct {
	PurposeOfUse []iuaCode `json:"purpose_of_use"`
}

type iuaCode struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

func purposeOfUse(p nhs.Purpose) *iua {
	return &iua{iuaClaims{[]iuaCode{{reasons, string(p)}}}}
}
