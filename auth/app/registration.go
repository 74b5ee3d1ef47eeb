package app

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"selda/fault"
)

// Metadata is what an application says of itself when it registers, and what it
// is answered with. https://www.rfc-editor.org/rfc/rfc7591#section-2
type Metadata struct {
	ID           string          `json:"client_id,omitempty"`
	IssuedAt     int64           `json:"client_id_issued_at,omitempty"`
	Secret       string          `json:"client_secret,omitempty"`
	SecretEnds   *int64          `json:"client_secret_expires_at,omitempty"`
	Name         string          `json:"client_name"`
	URI          string          `json:"client_uri,omitempty"`
	Contacts     []string        `json:"contacts"`
	RedirectURIs []string        `json:"redirect_uris,omitempty"`
	LaunchURI    string          `json:"launch_uri,omitempty"`
	Method       string          `json:"token_endpoint_auth_method,omitempty"`
	Grants       []string        `json:"grant_types,omitempty"`
	Responses    []string        `json:"response_types,omitempty"`
	Scope        string          `json:"scope"`
	Keys         json.RawMessage `json:"jwks,omitempty"`
	KeysURI      string          `json:"jwks_uri,omitempty"`
	// What SELDA asks beside: who answers for it, what it is for, and who uses it.
	Owner string   `json:"owner,omitempty"`
	About string   `json:"about,omitempty"`
	For   []string `json:"for,omitempty"`
	State string   `json:"state,omitempty"`
}

// methods are the kinds by the name of how a client proves itself at the token
// endpoint. RFC 7591, section 2: what is not said is client_secret_basic.
var methods = map[string]Kind{"none": Public, "": Symmetric, "client_secret_basic": Symmetric, "client_secret_post": Symmetric, "private_key_jwt": Asymmetric}

// MaxMetadata is the largest that is read, in bytes.
const MaxMetadata = 64 << 10

// Grants that there are.
const (
	CodeGrant    = "authorization_code"
	RefreshGrant = "refresh_token"
	ClientGrant  = "client_credentials"
)

// ParseMetadata reads what an application says of itself. What is not known is
// ignored, as RFC 7591 has it. https://www.rfc-editor.org/rfc/rfc7591#section-3.1
func ParseMetadata(b []byte) (Metadata, error) {
	const op = "app.ParseMetadata"
	var m Metadata
	if len(b) > MaxMetadata {
		return m, fault.E(op, fault.TooLong, "the metadata is larger than 64 KiB")
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fault.E(op, fault.Structure, "the metadata is a JSON object as RFC 7591 describes it")
	}
	return m, nil
}

// App is the application that the metadata describes, and its secret where it
// is to have one.
func (m Metadata) App(now time.Time) (a App, secret string, err error) {
	const op = "app.Metadata"
	kind, ok := methods[m.Method]
	if !ok {
		return a, "", fault.E(op, fault.Value, "it proves itself by none, client_secret_basic, client_secret_post or private_key_jwt", "token_endpoint_auth_method")
	}
	a = App{Name: strings.TrimSpace(m.Name), Owner: strings.TrimSpace(m.Owner), About: strings.TrimSpace(m.About), Kind: kind,
		Keys: m.Keys, KeysURI: m.KeysURI, RedirectURIs: m.RedirectURIs, LaunchURI: m.LaunchURI, Scopes: unique(strings.Fields(m.Scope)), For: unique(m.For)}
	if len(m.Contacts) > 0 {
		a.Contact = strings.TrimSpace(m.Contacts[0])
	}
	if a.Owner == "" {
		a.Owner = a.Contact
	}
	backend := slices.Contains(m.Grants, ClientGrant)
	if len(a.For) == 0 {
		a.For = []string{Citizens, Professionals}
		if backend {
			a.For = []string{Systems}
		}
	}
	for _, g := range m.Grants {
		if g != CodeGrant && g != RefreshGrant && g != ClientGrant || backend && g != ClientGrant {
			return a, "", fault.E(op, fault.Value, "the grants are authorization_code with refresh_token, or client_credentials alone", "grant_types")
		}
	}
	if slices.ContainsFunc(m.Responses, func(r string) bool { return r != "code" }) {
		return a, "", fault.E(op, fault.Value, "the only response type is code", "response_types")
	}
	if backend != a.Serves(Systems) {
		return a, "", fault.E(op, fault.Value, "client_credentials is the grant of backend services, and their only one", "grant_types")
	}
	if kind == Symmetric {
		secret = a.NewSecret(now)
	}
	return a, secret, a.check()
}

func unique(list []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Said is what an application is told of itself. The secret is told once.
func (a *App) Said(secret string, now time.Time) Metadata {
	m := Metadata{ID: a.ID, IssuedAt: a.Registered.Unix(), Secret: secret, Name: a.Name, Contacts: []string{a.Contact}, RedirectURIs: a.RedirectURIs, LaunchURI: a.LaunchURI,
		Grants: []string{CodeGrant, RefreshGrant}, Responses: []string{"code"}, Scope: strings.Join(a.Scopes, " "), Keys: a.Keys, KeysURI: a.KeysURI,
		Owner: a.Owner, About: a.About, For: a.For, State: a.State(now)}
	switch a.Kind {
	case Public:
		m.Method = "none"
	case Symmetric:
		m.Method = "client_secret_basic"
	case Asymmetric:
		m.Method = "private_key_jwt"
	}
	if secret != "" {
		ends := a.SecretUntil.Unix()
		m.SecretEnds = &ends
	}
	if a.Serves(Systems) {
		m.Grants, m.Responses = []string{ClientGrant}, nil
	}
	return m
}
