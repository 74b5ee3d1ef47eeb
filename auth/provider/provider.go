// Package provider is a small OpenID provider: it asks people for a user name
// and a password, and hands applications proof of who they are. It serves one
// flow, the authorization code with PKCE, and is not an authorization server
// for anything else. It knows neither accounts nor roles: those are People's.
//
// The flow, in order: authorize checks the request and shows the form; a right
// password makes a code that lives 60 seconds and works once; token changes
// the code for an ID token and an access token.
//
// OpenID Connect Core 1.0, OpenID Connect Discovery 1.0, RFC 6749, RFC 7636
// (PKCE), RFC 9207 (issuer in the answer), RFC 9700 (security practice).
package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/fault"
)

// People is who can sign in. Every method must be safe for concurrent use.
type People interface {
	// SignIn checks a password. The fault is Login where user and password
	// don't fit, and says no more than that.
	SignIn(ctx context.Context, user, password, address string) error
	// Given says whether somebody's password is one that was given to them, in the place
	// of which they choose their own; Choose is that. Its fault is Value, and says why,
	// where the password will not do.
	Given(user string) (bool, error)
	Choose(ctx context.Context, user, password, address string) error
	// Claims is what an ID token says of a user, beside sub. The fault is
	// NotFound where the user is gone.
	Claims(user string) (map[string]any, error)
	// AccessToken issues a token to a client in the user's name.
	AccessToken(ctx context.Context, client Client, issuer, user string) (token string, ttl time.Duration, err error)
	// Whose is the user of an access token that may ask userinfo.
	Whose(token string) (user string, err error)
}

// Client is an application that may ask who somebody is.
type Client struct {
	ID     string
	Secret string // "" of a public client, which has PKCE alone
	// RedirectURIs are where answers may go, compared letter by letter. One
	// that begins with / is on this server.
	RedirectURIs []string
	// LogoutURIs are where a browser may go after sign-out, likewise.
	LogoutURIs []string
	// FHIR says that its access tokens hold for /fhir, and not for userinfo alone.
	FHIR bool
}

// Demonstration has the sign-in form show who can sign in, and sign them in at
// a press. The password is on the page, so this is for made-up people only.
type Demonstration struct {
	Password string
	People   func() []Person
}

// Person is somebody on the form of a demonstration.
type Person struct{ User, Name, Role, Organisation string }

// Config is how the provider is set up.
type Config struct {
	// Base is the address that a request came to; an error where the server
	// does not answer to that name.
	Base          func(*http.Request) (string, error)
	SigningKey    func() jose.JSONWebKey    // private, ES256: the one of now
	Keys          func() jose.JSONWebKeySet // public, the signing key among them
	People        People
	Clients       []Client
	Demonstration *Demonstration
	Stylesheet    string // path; StylesheetPath unless said
	Address       func(*http.Request) string
	Codes         Codes // in memory where nil
	// Factors is what people have beside a password; nil: passwords alone.
	Factors Factors
}

// Codes is the port to the codes that have been handed out and not been used.
type Codes interface {
	Put(code string, content []byte, expires time.Time) error
	// Take is the one use of a code: right or wrong, it is gone.
	Take(code string) (content []byte, ok bool, err error)
}

// OpenID is the provider. Its issuer is the server's address and /oidc.
type OpenID struct {
	conf  Config
	codes Codes
	tries tries
	mux   *http.ServeMux
}

// New makes a provider.
func New(conf Config) (*OpenID, error) {
	const op = "provider.New"
	if conf.Base == nil || conf.People == nil || conf.Address == nil {
		return nil, fault.E(op, fault.Required, "Base, People and Address are needed")
	}
	if conf.Stylesheet == "" {
		conf.Stylesheet = StylesheetPath
	}
	seen := map[string]bool{}
	for _, c := range conf.Clients {
		if c.ID == "" || seen[c.ID] || len(c.RedirectURIs) == 0 {
			return nil, fault.E(op, fault.Value, "each client has an id of its own and a redirect URI", "Clients")
		}
		seen[c.ID] = true
	}
	if conf.SigningKey == nil || conf.Keys == nil {
		return nil, fault.E(op, fault.Required, "SigningKey and Keys are needed")
	}
	if _, err := conf.signer(); err != nil {
		return nil, fault.E(op, err)
	}
	p := &OpenID{conf: conf, codes: conf.Codes, mux: http.NewServeMux()}
	if p.codes == nil {
		p.codes = &codes{m: map[string]kept{}}
	}
	p.mux.HandleFunc("GET /oidc/.well-known/openid-configuration", p.discovery)
	p.mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	p.mux.HandleFunc("GET /oidc/jwks", p.jwks)
	p.mux.HandleFunc("GET /oidc/authorize", p.authorize)
	// A form that another site posts would sign somebody in as someone else.
	p.mux.Handle("POST /oidc/authorize", http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.signIn)))
	if conf.Factors != nil {
		p.mux.Handle("POST "+passkeyPath, http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.passkeyOptions)))
		p.mux.HandleFunc("GET "+ScriptPath, serveScript)
	}
	p.mux.HandleFunc("POST /oidc/token", p.token)
	p.mux.HandleFunc("GET /oidc/userinfo", p.userinfo)
	p.mux.HandleFunc("POST /oidc/userinfo", p.userinfo)
	p.mux.HandleFunc("GET /oidc/logout", p.logout)
	p.mux.HandleFunc("GET "+StylesheetPath, ServeStylesheet)
	return p, nil
}

// ServeHTTP answers /oidc/ and the discovery document.
func (p *OpenID) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Metadata is what discovery says, for an issuer at base.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
type Metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	ResponseModes []string `json:"response_modes_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	IDTokenAlgs   []string `json:"id_token_signing_alg_values_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	PKCE          []string `json:"code_challenge_methods_supported"`
	IssInAnswer   bool     `json:"authorization_response_iss_parameter_supported"`
}

// At is the provider's metadata at an address.
func At(base string) Metadata {
	issuer := Issuer(base)
	return Metadata{Issuer: issuer, Authorization: issuer + "/authorize", Token: issuer + "/token", UserInfo: issuer + "/userinfo",
		JWKS: issuer + "/jwks", EndSession: issuer + "/logout", Scopes: []string{"openid", "profile"},
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"}, GrantTypes: []string{"authorization_code"},
		SubjectTypes: []string{"public"}, IDTokenAlgs: []string{string(jose.ES256)},
		ClientAuth: []string{"client_secret_basic", "client_secret_post", "none"}, PKCE: []string{"S256"}, IssInAnswer: true}
}

// Issuer is the issuer at an address.
func Issuer(base string) string { return base + "/oidc" }

func (p *OpenID) discovery(w http.ResponseWriter, r *http.Request) {
	base, err := p.conf.Base(r)
	if err != nil {
		p.errorPage(w, http.StatusMisdirectedRequest, misdirected)
		return
	}
	writeJSON(w, http.StatusOK, At(base))
}

func (p *OpenID) jwks(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, p.conf.Keys())
}

// userinfo answers with the claims of the access token's user.
// https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
func (p *OpenID) userinfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	var claims map[string]any
	user, err := "", fault.E("provider.userinfo", fault.Login)
	if strings.EqualFold(scheme, "Bearer") {
		user, err = p.conf.People.Whose(strings.TrimSpace(token))
	}
	if err == nil {
		claims, err = p.conf.People.Claims(user)
	}
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	writeJSON(w, http.StatusOK, withSub(claims, user))
}

// logout sends the browser on. There is no session here to end: every sign-in
// asks for the password.
// https://openid.net/specs/openid-connect-rpinitiated-1_0.html
func (p *OpenID) logout(w http.ResponseWriter, r *http.Request) {
	base, err := p.conf.Base(r)
	if err != nil {
		p.errorPage(w, http.StatusMisdirectedRequest, misdirected)
		return
	}
	q := r.URL.Query()
	to := q.Get("post_logout_redirect_uri")
	if c, ok := p.client(q.Get("client_id")); ok && to != "" && slices.Contains(absolute(base, c.LogoutURIs), to) {
		http.Redirect(w, r, AddQuery(to, "state", q.Get("state")), http.StatusSeeOther)
		return
	}
	p.message(w, http.StatusOK, "You have signed out", "You can close this page.")
}

func (p *OpenID) client(id string) (Client, bool) {
	for _, c := range p.conf.Clients {
		if c.ID == id {
			return c, true
		}
	}
	return Client{}, false
}

// absolute puts base before the URIs that begin with /.
func absolute(base string, uris []string) []string {
	out := make([]string, len(uris))
	for i, u := range uris {
		if strings.HasPrefix(u, "/") {
			u = base + u
		}
		out[i] = u
	}
	return out
}

func withSub(claims map[string]any, user string) map[string]any {
	out := make(map[string]any, len(claims)+1)
	for k, v := range claims {
		out[k] = v
	}
	out["sub"] = user
	return out
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone: nobody is left to tell
}

// signer signs identity tokens by the key of now.
func (c *Config) signer() (jose.Signer, error) {
	return jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.SigningKey()}, (&jose.SignerOptions{}).WithType("JWT"))
}
