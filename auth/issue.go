package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
	"selda/nhs"
)

// This file is what an application is given: access tokens, with the context of
// the launch, and who the user is, as far as it may know.

// issueApp signs an application's access token, once that is recorded.
func (a *Auth) issueApp(ctx context.Context, x *app.App, acc Account, c app.Connection, scopes []string, base string, now time.Time) (string, error) {
	ends := now.Add(accessFor)
	if c.Until.Before(ends) {
		ends = c.Until
	}
	id := rand.Text()
	purpose := cmp.Or(nhs.Purpose(c.Purpose), Purpose(acc.Role))
	if err := a.record(ctx, Event{Kind: TokenIssued, Time: now, Subject: acc.Subject(purpose), App: x.ID, TokenID: id, Expires: ends}); err != nil {
		return "", err
	}
	return a.Tokens.sign(claims{Purpose: purpose, Extensions: purposeOfUse(purpose), Client: x.ID, Scope: joined(scopes), Patient: c.Patient, Connection: c.ID,
		Claims: jwt.Claims{Issuer: provider.Issuer(base), Subject: acc.User, ID: id, Audience: jwt.Audience{audienceFHIR}, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(ends)}})
}

// answerApp is the answer of the token endpoint, with the launch context.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#launch-context-arrives-with-your-access_token
func (a *Auth) answerApp(w http.ResponseWriter, r *http.Request, x *app.App, acc Account, c app.Connection, scopes []string, refresh, base string, q *asked, now time.Time) {
	access, err := a.issueApp(r.Context(), x, acc, c, scopes, base, now)
	if err != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	lasts := min(accessFor, c.Until.Sub(now))
	out := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(lasts / time.Second), "scope": joined(scopes), "tenant": tenantOf(acc)}
	if refresh != "" {
		out["refresh_token"] = refresh
	}
	if c.Patient != "" {
		out["patient"], out["need_patient_banner"] = c.Patient, true
	}
	nonce := ""
	if q != nil {
		nonce = q.Nonce
		if q.Intent != "" {
			out["intent"] = q.Intent
		}
	}
	if has(scopes, "openid") {
		if out["id_token"], err = a.appIDToken(r.Context(), x, acc, scopes, nonce, base, now); err != nil {
			sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
			return
		}
	}
	if has(scopes, "fhirUser") {
		if u := a.fhirUser(r.Context(), acc, base); u != "" {
			out["fhirUser"] = u
		}
	}
	writeJSON(w, http.StatusOK, out)
}

// tenantOf is the organisation for which somebody acts.
func tenantOf(acc Account) string {
	if acc.Organisation != "" {
		return string(acc.Organisation)
	}
	return tenantOfNoOne
}

// appIDToken says who signed in: no more than was asked for. It is signed with RS256, which
// is what applications are sure to check (OpenID Connect Core 15.1).
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-identity-data
func (a *Auth) appIDToken(ctx context.Context, x *app.App, acc Account, scopes []string, nonce, base string, now time.Time) (string, error) {
	said := a.saidOf(ctx, acc, scopes, base)
	if nonce != "" {
		said["nonce"] = nonce
	}
	return a.identity.Sign(now, said, jwt.Claims{Issuer: provider.Issuer(base), Subject: acc.User, Audience: jwt.Audience{x.ID},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(idTokenFor))})
}

// saidOf is what scopes let an application know of a person.
func (a *Auth) saidOf(ctx context.Context, acc Account, scopes []string, base string) map[string]any {
	said := map[string]any{}
	if has(scopes, "profile") {
		said["name"], said["preferred_username"] = acc.Name, acc.User
	}
	if has(scopes, "fhirUser") {
		if u := a.fhirUser(ctx, acc, base); u != "" {
			said["fhirUser"] = u
		}
	}
	return said
}

// fhirUser is the resource that stands for a person: a citizen's Patient, and of
// everybody else what policy says (PersonOf).
func (a *Auth) fhirUser(ctx context.Context, acc Account, base string) string {
	s := acc.Subject(Purpose(acc.Role))
	if acc.Role == nhs.Citizen {
		if a.conf.Patients == nil {
			return ""
		}
		own, err := a.conf.Patients.Own(ctx, s)
		if err != nil || len(own) != 1 {
			return ""
		}
		return base + "/fhir/Patient/" + own[0].ID
	}
	typ, id := s.Person()
	return base + "/fhir/" + typ + "/" + id
}

// AppToken connects an application in an account's name without the screens, for
// demonstrations and tests at the command line: for at most an hour, and for no
// more than the application may have.
func (a *Auth) AppToken(ctx context.Context, user, client, patient string, scopes []string) (string, error) {
	const op = "auth.AppToken"
	now := time.Now()
	acc, ok := a.Accounts.Find(user)
	x, err := a.Apps.Find(client)
	if !ok || err != nil || !x.Usable(now) || !serves(&x, acc.Role) || x.Serves(app.Systems) && x.Account != user {
		return "", fault.E(op, fault.NotFound, "there is no such account, or no such application for it that is approved")
	}
	granted := grantable(&x, scopes)
	if len(granted) == 0 {
		return "", fault.E(op, fault.Value, "the application may have none of these scopes", "scope")
	}
	c := app.Connection{App: x.ID, Scopes: granted, Patient: patient, Until: now.Add(accessFor)}
	if x.Serves(app.Systems) {
		c.Until = now.Add(backendFor)
	} else if c, _, err = a.Connections.Begin(user, c, false, now); err != nil {
		return "", fault.E(op, err)
	}
	return a.issueApp(ctx, &x, acc, c, granted, a.conf.PublicURL, now)
}
