// Package app is the applications that act in people's names: who they are, who
// answers for them, what they may ask for at most and until when (register.go),
// and what each person let them do (connections.go). It knows no HTTP: sign-on
// does.
//
// The flow, in order: an application is registered, by itself or by an
// administrator; it is pending until somebody approves it, with an end; a person
// connects it, which is a Connection; the person, the application or the end of
// the approval ends that.
//
// SMART App Launch 2.2, RFC 7591 (registration), RFC 7523 (assertions), RFC 9700
// (security practice).
package app

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/fault"
	"selda/policy"
)

// Kind is how an application proves that it is itself.
type Kind string

// The kinds. https://hl7.org/fhir/smart-app-launch/STU2.2/client-authentication.html
const (
	Public     Kind = "public"                  // it can't: PKCE alone
	Symmetric  Kind = "confidential-symmetric"  // by a secret
	Asymmetric Kind = "confidential-asymmetric" // by its private key
)

// Who uses an application.
const (
	Citizens      = "citizens"
	Professionals = "professionals"
	Systems       = "system" // nobody: it acts for itself
)

// App is an application.
type App struct {
	ID           string          `json:"client_id"`
	Name         string          `json:"name"`
	Owner        string          `json:"owner"`   // the person who answers for it
	Contact      string          `json:"contact"` // how to reach them
	About        string          `json:"about,omitempty"`
	Kind         Kind            `json:"kind"`
	Secret       string          `json:"secret,omitempty"` // SHA-256 of it, in hexadecimal
	SecretUntil  time.Time       `json:"secret_until,omitzero"`
	Keys         json.RawMessage `json:"jwks,omitempty"`
	KeysURI      string          `json:"jwks_uri,omitempty"`
	RedirectURIs []string        `json:"redirect_uris,omitempty"` // compared letter by letter
	LaunchURI    string          `json:"launch_uri,omitempty"`
	Scopes       []string        `json:"scopes"` // that it may ask for at most
	For          []string        `json:"for"`    // citizens, professionals, or system alone
	Account      string          `json:"account,omitempty"`
	Registered   time.Time       `json:"registered"`
	By           string          `json:"by,omitempty"` // who registered it; "" of itself
	Approved     *Approval       `json:"approved,omitempty"`
	Suspended    *Suspension     `json:"suspended,omitempty"`
}

// Approval is who approved an application, and until when.
type Approval struct {
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	Until time.Time `json:"until"`
}

// Suspension is who stopped an application, and why.
type Suspension struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// The states of an application.
const (
	Pending   = "pending"
	Live      = "approved"
	Stopped   = "suspended"
	Expired   = "expired"
	maxFor    = 2 * 366 * 24 * time.Hour // an approval is looked at again by then
	secretFor = 366 * 24 * time.Hour
)

// State is how an application stands.
func (a *App) State(now time.Time) string {
	switch {
	case a.Suspended != nil:
		return Stopped
	case a.Approved == nil:
		return Pending
	case !now.Before(a.Approved.Until):
		return Expired
	}
	return Live
}

// Usable says whether an application may do anything.
func (a *App) Usable(now time.Time) bool { return a.State(now) == Live }

// End is when an application stops if nobody renews it; zero of one that is not
// approved.
func (a *App) End() time.Time {
	if a.Approved == nil {
		return time.Time{}
	}
	if end := a.Approved.Until; a.SecretUntil.IsZero() || end.Before(a.SecretUntil) {
		return end
	}
	return a.SecretUntil
}

// Serves says whether an application is for some people.
func (a *App) Serves(who string) bool { return slices.Contains(a.For, who) }

// Resources are the scopes for resources that it may ask for.
func (a *App) Resources() (out []policy.Scope) {
	for _, w := range a.Scopes {
		if s, ok := policy.ParseScope(w); ok {
			out = append(out, s)
		}
	}
	return out
}

// Proves says whether a secret is the application's.
func (a *App) Proves(secret string, now time.Time) bool {
	sum := sha256.Sum256([]byte(secret))
	same := subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(a.Secret)) == 1
	return a.Kind == Symmetric && same && a.Secret != "" && now.Before(a.SecretUntil)
}

// NewSecret gives an application a new secret; what it was before is of no use
// any more. Only its hash is kept: what is returned is shown once.
func (a *App) NewSecret(now time.Time) string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	secret := base64.RawURLEncoding.EncodeToString(b[:])
	sum := sha256.Sum256([]byte(secret))
	a.Secret, a.SecretUntil = hex.EncodeToString(sum[:]), now.Add(secretFor).UTC().Truncate(time.Second)
	return secret
}

// The scopes that are not for resources.
var otherScopes = []string{"openid", "fhirUser", "profile", "launch", "launch/patient", "offline_access", "online_access"}

// OtherScopes are the scopes that are not for resources, and are supported.
func OtherScopes() []string { return slices.Clone(otherScopes) }

const (
	maxWords = 120
	maxURI   = 2048
	maxURIs  = 10
	maxOf    = 60
	maxKeys  = 16 << 10
)

// check says what is wrong with an application; place names the element as RFC
// 7591 calls it.
func (a *App) check() error {
	bad := func(words, place string) error { return fault.E("app.check", fault.Value, words, place) }
	for place, s := range map[string]string{"client_name": a.Name, "contacts": a.Contact, "owner": a.Owner} {
		if strings.TrimSpace(s) == "" || len(s) > maxWords || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x202e || r == 0x7f }) {
			return bad("it has a name, an owner who answers for it, and a way to reach them, of one line each", place)
		}
	}
	if len(a.About) > 600 {
		return bad("what it is for is said in at most 600 letters", "about")
	}
	if err := a.checkKind(); err != nil {
		return err
	}
	if len(a.RedirectURIs) > maxURIs {
		return bad("at most 10 redirect URIs", "redirect_uris")
	}
	for _, u := range a.RedirectURIs {
		if !redirectable(u) {
			return bad("a redirect URI is an https address without a fragment, or http on this machine alone", "redirect_uris")
		}
	}
	if a.LaunchURI != "" && !redirectable(a.LaunchURI) {
		return bad("a launch URI is an https address, or http on this machine alone", "launch_uri")
	}
	if len(a.Scopes) == 0 || len(a.Scopes) > maxOf {
		return bad("say which scopes it may ask for", "scope")
	}
	return a.checkScopes()
}

func (a *App) checkScopes() error {
	bad := func(words, place string) error { return fault.E("app.check", fault.Value, words, place) }
	system := a.Serves(Systems)
	for _, w := range a.Scopes {
		s, ok := policy.ParseScope(w)
		if !ok && !slices.Contains(otherScopes, w) {
			return bad("a scope is not supported here: /.well-known/smart-configuration lists those that are", "scope")
		}
		if ok && (s.Level == policy.SystemLevel) != system || !ok && system {
			return bad("system scopes are for backend services, and those of patients and users for applications that people use", "scope")
		}
	}
	if len(a.For) == 0 || system && len(a.For) > 1 {
		return bad("say who uses it: citizens, professionals, or system alone", "for")
	}
	for _, w := range a.For {
		if w != Citizens && w != Professionals && w != Systems {
			return bad("say who uses it: citizens, professionals, or system alone", "for")
		}
	}
	switch {
	case system && a.Kind != Asymmetric:
		return bad("a backend service proves itself by its key", "token_endpoint_auth_method")
	case !system && len(a.RedirectURIs) == 0:
		return bad("say where answers go", "redirect_uris")
	case system && len(a.RedirectURIs)+len(a.LaunchURI) > 0:
		return bad("a backend service has no redirect and no launch", "redirect_uris")
	}
	return nil
}

func (a *App) checkKind() error {
	bad := func(words, place string) error { return fault.E("app.check", fault.Value, words, place) }
	switch a.Kind {
	case Public, Symmetric:
		if len(a.Keys) > 0 || a.KeysURI != "" {
			return bad("keys are for applications that prove themselves by one", "jwks")
		}
	case Asymmetric:
		if (len(a.Keys) > 0) == (a.KeysURI != "") {
			return bad("it has either jwks or jwks_uri", "jwks")
		}
		if a.KeysURI != "" && (!redirectable(a.KeysURI) || len(a.KeysURI) > maxURI) {
			return bad("jwks_uri is an https address", "jwks_uri")
		}
		if len(a.Keys) > 0 {
			if _, err := ParseKeys(a.Keys); err != nil {
				return err
			}
		}
	default:
		return bad("it proves itself by none, client_secret_basic, client_secret_post or private_key_jwt", "token_endpoint_auth_method")
	}
	return nil
}

// ParseKeys reads a set of public keys: of them those that can sign an
// assertion count. A private or a symmetric key is refused, whoever holds it.
func ParseKeys(b []byte) (jose.JSONWebKeySet, error) {
	const op = "app.ParseKeys"
	var set jose.JSONWebKeySet
	if len(b) > maxKeys || json.Unmarshal(b, &set) != nil || len(set.Keys) == 0 || len(set.Keys) > 20 {
		return set, fault.E(op, fault.Value, "jwks is a set of 1 to 20 public JSON Web Keys", "jwks")
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() || k.KeyID == "" {
			return set, fault.E(op, fault.Value, "each key in jwks is public and has a kid", "jwks")
		}
	}
	return set, nil
}

// redirectable says whether a browser may be sent to an address: over https, or
// over http to this very machine, where nobody can listen in between. RFC 8252.
func redirectable(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURI || u.Fragment != "" || strings.Contains(s, "#") || u.User != nil || u.Host == "" || u.Opaque != "" || strings.ContainsAny(s, " \\\"'<>;,\t\r\n") {
		return false
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	local := host == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}
