package auth

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"selda/auth/provider"
	"selda/fault"
	"selda/nhs"
)

const (
	ownProvider = "selda"
	pagesClient = "selda-pages"
)

// Provider is an OpenID provider from outside, such as NHS CIS2 or NHS login.
type Provider struct {
	Name         string            `json:"name"`  // letters and digits; it begins the user names of its people
	Title        string            `json:"title"` // for people: "NHS login"
	Issuer       string            `json:"issuer"`
	ClientID     string            `json:"client_id"`
	ClientSecret string            `json:"client_secret"`
	Scopes       []string          `json:"scopes"` // beside openid
	Params       map[string]string `json:"params"` // of the authorization request, such as acr_values
	UserInfo     bool              `json:"userinfo"`
	Claims       ClaimNames        `json:"claims"`
	// Roles maps the provider's role codes to ours. A code that is not in it
	// is refused. RoleForAll is for a provider that has one kind of people.
	Roles      map[string]nhs.Role `json:"roles"`
	RoleForAll nhs.Role            `json:"role_for_all"`
	// Require is claims that must have a value, such as
	// identity_proofing_level P9.
	Require map[string]string `json:"require"`
}

func (p Provider) check() error {
	bad := func(message string) error { return fault.E("auth.Provider", fault.Value, message, "Providers."+p.Name) }
	if p.Name == "" || len(p.Name) > 32 || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return bad("a provider's name is of letters, digits and hyphens")
	}
	u, err := url.Parse(p.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return bad("the issuer is an address: https://…")
	}
	if p.ClientID == "" || p.Title == "" {
		return bad("a provider has a title and a client id")
	}
	if len(p.Roles) == 0 && p.RoleForAll == "" {
		return bad("the roles of its people are not said")
	}
	for _, r := range append([]nhs.Role{p.RoleForAll}, values(p.Roles)...) {
		if r == "" {
			continue
		}
		if _, err := nhs.ParseRole(string(r)); err != nil || r == nhs.Operator || r == nhs.SourceSystem || r == nhs.Proxy {
			return bad("a provider can't give that role")
		}
	}
	return nil
}

func values(m map[string]nhs.Role) []nhs.Role {
	var out []nhs.Role
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// relyingParty is this system as seen by one provider.
type relyingParty struct {
	Provider
	own    bool
	client *http.Client

	mu    sync.Mutex
	found *oidc.Provider // discovered at first use, kept
}

// ownParty is the relying party of the built-in provider: the same code, with
// calls that stay in the process. So it needs no address before the server has
// one, and a server never waits for itself.
func ownParty(a *Auth, secret string) *relyingParty {
	return &relyingParty{own: true, client: &http.Client{Transport: inProcess{a}},
		Provider: Provider{Name: ownProvider, Title: "SELDA user name and password", ClientID: pagesClient, ClientSecret: secret}}
}

func (rp *relyingParty) name() string {
	if rp == nil {
		return ""
	}
	return rp.Name
}

// discover is the provider's configuration, for a server at base.
func (rp *relyingParty) discover(ctx context.Context, base string) (*oauth2.Config, *oidc.Provider, error) {
	const op = "auth.discover"
	issuer := rp.Issuer
	if rp.own {
		issuer = provider.Issuer(base)
	}
	rp.mu.Lock()
	p := rp.found
	rp.mu.Unlock()
	if p == nil {
		var err error
		// Not under the lock: a provider that hangs must not hold up the others.
		if p, err = oidc.NewProvider(oidc.ClientContext(ctx, rp.client), issuer); err != nil {
			return nil, nil, fault.E(op, fault.Transient, "the provider's configuration could not be read")
		}
		if !rp.own { // the own address can differ from request to request
			rp.mu.Lock()
			rp.found = p
			rp.mu.Unlock()
		}
	}
	return &oauth2.Config{ClientID: rp.ClientID, ClientSecret: rp.ClientSecret, Endpoint: p.Endpoint(),
		RedirectURL: base + callbackPath, Scopes: append([]string{oidc.ScopeOpenID}, rp.Scopes...)}, p, nil
}

// identify changes the code for the identity that the provider vouches for.
// Its faults never hold what the provider wrote: that may name a person.
func (rp *relyingParty) identify(ctx context.Context, base, iss, code string, l loginState) (Account, error) {
	const op = "auth.identify"
	conf, p, err := rp.discover(ctx, base)
	if err != nil {
		return Account{}, fault.E(op, err)
	}
	issuer := rp.Issuer
	if rp.own {
		issuer = provider.Issuer(base)
	}
	if iss != "" && iss != issuer { // RFC 9207: an answer from another provider
		return Account{}, fault.E(op, fault.Security, "the answer is from another provider")
	}
	ctx = oidc.ClientContext(ctx, rp.client)
	token, err := conf.Exchange(ctx, code, oauth2.VerifierOption(l.Verifier))
	if err != nil {
		return Account{}, fault.E(op, fault.Login, "the provider did not take the code")
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: rp.ClientID}).Verify(ctx, raw)
	if err != nil || id.Nonce != l.Nonce {
		return Account{}, fault.E(op, fault.Login, "the identity token does not hold")
	}
	if rp.own {
		return Account{User: id.Subject}, nil
	}
	said := map[string]any{}
	if err := id.Claims(&said); err != nil {
		return Account{}, fault.E(op, fault.Structure, "the identity token can't be read")
	}
	if rp.UserInfo {
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil || info.Subject != id.Subject || info.Claims(&said) != nil {
			return Account{}, fault.E(op, fault.Login, "the provider did not say who that is")
		}
	}
	return rp.account(id.Subject, said)
}

// endSession is where a browser goes so that the provider signs out too; ""
// where it has no such place.
func (rp *relyingParty) endSession(ctx context.Context, base string) string {
	_, p, err := rp.discover(ctx, base)
	if err != nil {
		return ""
	}
	var m provider.Metadata
	if p.Claims(&m) != nil || m.EndSession == "" {
		return ""
	}
	u, err := url.Parse(m.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", rp.ClientID)
	q.Set("post_logout_redirect_uri", base+signedOutPath)
	u.RawQuery = q.Encode()
	return u.String()
}

// inProcess carries requests to the built-in provider without a socket.
type inProcess struct{ a *Auth }

// RoundTrip is http.RoundTripper's.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	base := req.URL.Scheme + "://" + req.URL.Host
	r := req.Clone(context.WithValue(req.Context(), baseKey{}, base))
	r.Host, r.RequestURI = req.URL.Host, req.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	w := &answer{status: http.StatusOK, header: http.Header{}}
	t.a.builtIn.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: req}, nil
}

// answer is a response writer that keeps the answer.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
	sent   bool
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) {
	if !w.sent {
		w.status, w.sent = status, true
	}
}

func (w *answer) Write(b []byte) (int, error) {
	w.sent = true
	return w.body.Write(b)
}

// AccessToken is provider.People's. Only a client for /fhir gets a token for
// it, and that is recorded; another can ask userinfo and nothing else.
func (p people) AccessToken(ctx context.Context, c provider.Client, issuer, user string) (string, time.Duration, error) {
	const op = "auth.AccessToken"
	if c.FHIR {
		acc, ok := p.a.Accounts.Find(user)
		if !ok {
			return "", 0, fault.E(op, fault.NotFound, "no such account")
		}
		token, err := p.a.Token(ctx, user, Purpose(acc.Role), appTokenTTL)
		if err != nil {
			return "", 0, fault.E(op, err)
		}
		return token, appTokenTTL, nil
	}
	now := time.Now()
	token, err := p.a.Tokens.sign(claims{Claims: jwt.Claims{Issuer: issuer, Subject: user, Audience: jwt.Audience{audienceUserInfo},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(userInfoTTL))}})
	if err != nil {
		return "", 0, fault.E(op, err)
	}
	return token, userInfoTTL, nil
}

// Whose is provider.People's.
func (p people) Whose(token string) (string, error) {
	c, err := p.a.Tokens.verify(token, audienceUserInfo, time.Now())
	if err != nil {
		c, err = p.a.Tokens.verify(token, audienceFHIR, time.Now())
	}
	if err == nil && c.Client != "" { // what an application may know is asked elsewhere
		return "", fault.E("auth.Whose", fault.Login, "the token is an application's")
	}
	return c.Subject, err
}

const (
	appTokenTTL = time.Hour
	userInfoTTL = 5 * time.Minute
)
