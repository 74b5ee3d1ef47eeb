// Package party is this system as an OpenID provider outside sees it: a relying
// party. It finds the provider's endpoints and keys, sends browsers there, proves
// itself for a code, and holds what comes back to what was agreed. It is not
// sign-on: who somebody is here, and what they may act as, is auth's.
//
// The flow, in order: Discover reads the provider's metadata; AuthURL is where the
// browser goes; Exchange changes the code for tokens; IDToken and UserInfo say who
// that is; LogoutToken says whose session the provider has ended.
//
// Each check refuses in words of its own, which the trail keeps. No fault holds what
// the provider wrote: that may name a person.
//
// OpenID Connect Core 1.0, Discovery 1.0, Back-Channel Logout 1.0, RP-Initiated
// Logout 1.0, RFC 7523 (private_key_jwt), RFC 7636 (PKCE), RFC 9700.
package party

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/fault"
)

// How this system proves itself at a token endpoint.
// https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
const (
	PrivateKey  = "private_key_jwt"
	SecretBasic = "client_secret_basic"
	SecretPost  = "client_secret_post"
)

const (
	wait = 10 * time.Second
	// maxAnswer is the most of an answer that is read.
	maxAnswer = 1 << 20
	// metadataHold is how long a provider's metadata is used before it is read again.
	metadataHold = time.Hour
)

// Client is what was agreed with a provider.
type Client struct {
	Issuer string
	ID     string
	Secret string // of SecretBasic and SecretPost
	Auth   string
	// Algorithms are those that the provider signs with: no other is believed.
	Algorithms []jose.SignatureAlgorithm
	Scopes     []string // openid among them
	// Assertion is what this system signs of itself, of PrivateKey.
	Assertion func(client, audience string) (string, error)
	HTTP      *http.Client
	// InProcess says that the provider is in this very process, by whatever address.
	InProcess bool
}

// Metadata is what a provider says of itself.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
type Metadata struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	UserInfo      string `json:"userinfo_endpoint"`
	JWKS          string `json:"jwks_uri"`
	EndSession    string `json:"end_session_endpoint"`
	// IssInAnswer: its answers to the browser say whom they are from (RFC 9207).
	IssInAnswer bool `json:"authorization_response_iss_parameter_supported"`
}

// Party is this system at one provider. It is safe for concurrent use.
type Party struct {
	Client
	http *http.Client
	keys keys

	mu    sync.Mutex
	found Metadata
	at    time.Time
	tries bound
}

// New makes a Party. It calls nobody.
func New(c Client) *Party {
	h := &http.Client{Timeout: wait}
	if c.HTTP != nil {
		*h = *c.HTTP
	}
	// What a provider has moved is not followed: its metadata says where it is.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Party{Client: c, http: h}
}

// bound lets something be done a few times a minute. It is not safe for concurrent
// use by itself.
type bound struct {
	began time.Time
	n     int
}

// triesAMinute is how often a provider is asked for its metadata, or for its keys,
// where that did not help the last time.
const triesAMinute = 5

func (b *bound) allow(now time.Time) bool {
	if now.Sub(b.began) >= time.Minute {
		b.began, b.n = now, 0
	}
	b.n++
	return b.n <= triesAMinute
}

// Discover is the provider's metadata, which is kept for an hour.
func (p *Party) Discover(ctx context.Context) (Metadata, error) {
	const op = "party.Discover"
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.at) < metadataHold {
		return p.found, nil
	}
	if !p.tries.allow(now) {
		return Metadata{}, fault.E(op, fault.Transient, "the provider's metadata could not be read: it is asked again in a minute")
	}
	var m Metadata
	// Who goes away is not to leave others a failure.
	if err := p.getJSON(context.WithoutCancel(ctx), strings.TrimSuffix(p.Issuer, "/")+"/.well-known/openid-configuration", "", &m); err != nil {
		return Metadata{}, fault.E(op, fault.Transient, "the provider's metadata could not be read")
	}
	// Letter by letter: Discovery 1.0, section 4.3.
	if m.Issuer != p.Issuer {
		return Metadata{}, fault.E(op, fault.Security, "the provider's metadata names another issuer")
	}
	for _, u := range []string{m.Authorization, m.Token, m.JWKS} {
		if !p.callable(u) {
			return Metadata{}, fault.E(op, fault.Security, "the provider's metadata lacks an endpoint, or names one that is not https")
		}
	}
	if m.UserInfo != "" && !p.callable(m.UserInfo) || m.EndSession != "" && !p.callable(m.EndSession) {
		return Metadata{}, fault.E(op, fault.Security, "the provider's metadata names an endpoint that is not https")
	}
	p.found, p.at = m, now
	return m, nil
}

// callable says whether an address is one that may be called: https, but on this
// very machine.
func (p *Party) callable(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	if u.Scheme == "https" || p.InProcess {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// Request is what a sign-in asks of the provider.
type Request struct {
	Redirect, State, Nonce, Verifier string
	Params                           map[string]string // beside, such as acr_values
}

// AuthURL is where the browser goes to sign in.
// https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
func (p *Party) AuthURL(m Metadata, r Request) string {
	u, err := url.Parse(m.Authorization)
	if err != nil { // which Discover has looked at
		return ""
	}
	q := u.Query()
	for k, v := range r.Params {
		q.Set(k, v)
	}
	sum := sha256.Sum256([]byte(r.Verifier))
	for k, v := range map[string]string{"response_type": "code", "client_id": p.ID, "redirect_uri": r.Redirect, "scope": strings.Join(p.Scopes, " "),
		"state": r.State, "nonce": r.Nonce, "code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256"} {
		q.Set(k, v)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// EndSessionURL is where the browser goes so that the provider signs out, too; "" where
// it has no such place. The ID token is not sent as a hint: an address is kept in
// histories, and the token names the person.
// https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout
func (p *Party) EndSessionURL(m Metadata, back string) string {
	u, err := url.Parse(m.EndSession)
	if err != nil || m.EndSession == "" {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.ID)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String()
}

// getJSON reads an answer of the provider.
func (p *Party) getJSON(ctx context.Context, address, bearer string, v any) error {
	const op = "party.get"
	if !p.callable(address) {
		return fault.E(op, fault.Security, "the provider is called by https")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fault.E(op, fault.Value, "the provider's address is none")
	}
	req.Header.Set("Accept", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return fault.E(op, fault.Transient, "the provider does not answer")
	}
	return readJSON(res, v)
}

// readJSON reads an answer, and closes it.
func readJSON(res *http.Response, v any) error {
	const op = "party.read"
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil || len(b) > maxAnswer || res.StatusCode != http.StatusOK || json.Unmarshal(b, v) != nil {
		return fault.E(op, fault.Structure, "the provider's answer can't be read")
	}
	return nil
}
