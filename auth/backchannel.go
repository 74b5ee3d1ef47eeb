package auth

import (
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/auth/app"
	"selda/auth/party"
	"selda/auth/provider"
	"selda/fault"
)

// This file is what providers call here: for the keys with which this system proves
// itself, and to say that somebody's session has ended.

const (
	provingPath     = "/login/keys"
	backChannelPath = "/login/ended/"
	providerKeys    = "auth/provider-keys.json"
	identityKeys    = "auth/identity-keys.json"
)

// logoutsFrom is how many logout tokens of one network that do not hold are recorded in an
// hour: whoever knocks shall not fill the trail.
const logoutsFrom = 60

// provingKeys answers with the public keys that providers hold us to.
func (a *Auth) provingKeys(w http.ResponseWriter, _ *http.Request) {
	set, err := a.ProviderKeys(time.Now())
	if err != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	writeJSON(w, http.StatusOK, set)
	// A provider may keep them for an hour; a new key signs a day after it is here.
}

// ProviderKeys are the public keys with which this system proves itself at providers.
func (a *Auth) ProviderKeys(now time.Time) (jose.JSONWebKeySet, error) { return a.proving.Public(now) }

// RotateProviderKeys adds a key with which this system proves itself at providers; it signs
// from tomorrow on, and the former is published for a day beyond that.
func (a *Auth) RotateProviderKeys() error { return a.proving.Rotate(time.Now()) }

// RotateIdentityKeys adds a key that signs applications' identity tokens, in the same way.
func (a *Auth) RotateIdentityKeys() error { return a.identity.Rotate(time.Now()) }

func sidKey(party, sid string) string { return party + " " + sid }

// stillOpen says whether a session at a provider was not ended by it.
func (a *Auth) stillOpen(party, sid string) (bool, error) {
	_, ok, err := a.passing.Get(passingSID, sidKey(party, sid))
	return ok, err
}

// backChannel ends the sessions that a provider says have ended, at every node.
// https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest
func (a *Auth) backChannel(w http.ResponseWriter, r *http.Request) {
	f, ok := form(w, r)
	if !ok {
		return
	}
	now, address := time.Now(), a.conf.Address(r)
	rp, known := a.party(r.PathValue("provider"))
	if !known || rp.own {
		sayOAuth(w, http.StatusNotFound, "invalid_request", "there is no such provider")
		return
	}
	m, err := rp.party.Discover(r.Context())
	var t party.Logout
	if err == nil {
		t, err = rp.party.LogoutToken(r.Context(), m, f.Get("logout_token"), now)
	}
	if err == nil {
		var first bool
		if first, err = a.once(passingLogout, rp.Name+" "+t.ID, t.Expires); err == nil && !first {
			err = fault.E("auth.backChannel", fault.Security, "the logout token was used already (jti)")
		}
	}
	if err == nil {
		err = a.endedThere(r, rp, t, now)
	}
	switch {
	case err == nil:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK)
	case fault.Is(err, fault.NoStore), fault.Is(err, fault.Transient):
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
	default:
		if a.asking.allow("logout "+provider.Network(address), logoutsFrom, 100*logoutsFrom, now) {
			e := Event{Kind: Refused, Time: now, Provider: rp.Name, Address: address, Reason: fault.Reason(err)}
			if a.record(r.Context(), e) != nil {
				sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
				return
			}
		}
		sayOAuth(w, http.StatusBadRequest, "invalid_request", fault.Reason(err))
	}
}

// endedThere ends what was begun by a session at a provider, or by all of a person's.
func (a *Auth) endedThere(r *http.Request, rp *relyingParty, t party.Logout, now time.Time) error {
	user := ""
	if t.Sub != "" {
		user = rp.Name + ":" + t.Sub
	}
	if t.SID != "" {
		b, ok, err := a.passing.End(passingSID, sidKey(rp.Name, t.SID), a.longestSession())
		if err != nil {
			return fault.E("auth.endedThere", fault.NoStore, err)
		}
		if ok && user == "" {
			user = string(b)
		}
	}
	acc, known, err := a.Accounts.Known(user)
	if err != nil {
		return err
	}
	if !known || acc.Provider != rp.Name {
		return nil // nobody of theirs is signed in here: that is what they want
	}
	const why = "the sign-in service ended the session"
	n, err := a.EndSessions(r.Context(), acc.Subject(Purpose(acc.Role)), user, a.conf.Address(r), why, func(l Live) bool {
		return l.Provider == rp.Name && (t.SID == "" || l.SID == t.SID)
	})
	if err == nil && (n > 0 || t.SID == "") {
		_, err = a.Connections.End(user, why, now, func(c *app.Connection) bool { return c.Online })
	}
	return err
}
