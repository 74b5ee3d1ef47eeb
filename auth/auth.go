// Package auth is sign-on: it says who asks. It is not access: what somebody
// may see is decided elsewhere, from the policy.Subject that this room makes.
//
// People sign in by OpenID Connect. The pages are a relying party of one or
// more providers; auth/provider is the one built in, which asks for a user
// name and a password, and a real one (NHS CIS2, NHS login) is a Provider in
// the configuration. Programs bring a bearer token, a JWT signed with the key
// of this data folder.
//
// The flow, in order: /login seals what it needs to remember into a cookie and
// sends the browser to the provider; /login/callback checks state, nonce and
// PKCE, maps the claims to an Account, has the event recorded, and only then
// opens a session; Subject reads session or token and builds the subject from
// the account as it stands now, so that an account that is gone is refused.
//
// OpenID Connect Core 1.0, RFC 7636 (PKCE), RFC 9068 (JWT access tokens),
// SMART App Launch 2.
package auth

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-jose/go-jose/v4"

	"selda/auth/app"
	"selda/auth/factor"
	"selda/auth/party"
	"selda/auth/provider"
	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
)

// How long a session lasts, unless Config says otherwise.
const (
	IdleTimeout     = 30 * time.Minute
	AbsoluteTimeout = 8 * time.Hour
)

// Config is how sign-on is set up. Only Dir, or Shared, and Accounts are needed.
type Config struct {
	Dir string // the data folder; keys are in its folder auth
	// Accounts is where accounts are kept.
	Accounts Table
	// Documents is where keys are kept; the folder Dir unless said.
	Documents document.Store
	// Shared is what nodes share; where it is set, Dir is not used.
	Shared *Shared
	// PublicURL is where people reach the server, "https://selda.example",
	// without a path. Where it is empty the address of each request is used,
	// if it is one that a stranger's DNS can't point here.
	PublicURL string
	// Providers are the providers from outside.
	Providers []Provider
	// NoPasswords turns the built-in provider off.
	NoPasswords bool
	// Clients are applications that may ask the built-in provider for tokens.
	Clients []provider.Client
	// Demonstration has the sign-in form show who can sign in.
	Demonstration *Demonstration
	// Stylesheet is the path of the pages' stylesheet; the plain one of the
	// built-in provider unless said.
	Stylesheet string
	// OnEvent has an event recorded. What it refuses to record does not happen.
	OnEvent func(context.Context, Event) error
	// Address tells a caller's address, for a server behind a proxy;
	// the peer's own unless said.
	Address func(*http.Request) string
	// SecondFactor are the kinds of people who need more than a password at the
	// built-in provider.
	SecondFactor []Kind
	// Idle and Absolute are how long a session lasts.
	Idle, Absolute time.Duration
	// Limits are other limits, for kinds of people.
	Limits map[Kind]Limit
	// LeaveTo is where the quick exit leads; Elsewhere unless said.
	LeaveTo string
	// HTTP speaks to providers outside; http.DefaultClient unless said.
	HTTP *http.Client
	// Patients are those whom somebody may let an application see; nil where
	// nobody can choose one.
	Patients Patients
	// Citizen says whether there is a record that is that person's: number, birth date and a
	// name agree. Where it is nil, NHS login lets nobody in.
	Citizen func(context.Context, Person) (bool, error)
	// LoopbackKeys lets applications keep their keys on this machine, for tests.
	LoopbackKeys bool
}

// Demonstration has the sign-in form show who can sign in, and sign them in at
// a press. The password is on the page: it is for made-up people only.
type Demonstration struct {
	Password string
	Users    []string // in the order to show them; those that are accounts by then
}

// Auth is sign-on over one data folder.
type Auth struct {
	Accounts *Accounts
	Tokens   *Tokens
	// Apps are the applications that may act in people's names, and Connections
	// what people let them do.
	Apps        *app.Register
	Connections *app.Connections

	conf      Config
	sessions  *scs.SessionManager
	builtIn   *provider.OpenID
	providers []*relyingParty
	seal      sealer
	verify    chan struct{} // bounds the passwords that are checked at once
	passing   Passing
	docs      document.Store
	factors   *factor.Factors
	questions rate // put to passkeys
	appKeys   *app.Keys
	proving   *party.Signing // what this system proves itself with at providers
	identity  *party.Signing // what applications' identity tokens are signed with
	revoked   *app.Revoked
	joining   rate      // registrations
	asking    rate      // requests of applications
	began     time.Time // when what is kept in memory began to be
}

// New opens sign-on over conf.Dir, and makes the signing key where there is
// none yet. It listens nowhere and calls nobody.
func New(conf Config) (*Auth, error) {
	const op = "auth.New"
	if conf.PublicURL != "" {
		u, err := url.Parse(conf.PublicURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return nil, fault.E(op, fault.Value, "the public address is a scheme and a host: https://selda.example", "PublicURL")
		}
		conf.PublicURL = u.Scheme + "://" + u.Host
	}
	if conf.LeaveTo == "" {
		conf.LeaveTo = Elsewhere
	}
	if conf.Idle == 0 {
		conf.Idle = IdleTimeout
	}
	if conf.Absolute == 0 {
		conf.Absolute = AbsoluteTimeout
	}
	if conf.HTTP == nil {
		conf.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	if conf.Address == nil {
		conf.Address = peer
	}
	if conf.Stylesheet == "" {
		conf.Stylesheet = provider.StylesheetPath
	}
	var docs document.Store = document.Folder(conf.Dir)
	if conf.Documents != nil {
		docs = conf.Documents
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // a sign-in that a restart falls into is begun again
	if conf.Shared != nil {
		docs, secret = conf.Shared.Documents, conf.Shared.Secret("login")
	}
	accounts := OpenAccounts(conf.Accounts, conf.Shared != nil)
	if err := accounts.takeOver(docs); err != nil {
		return nil, fault.E(op, err)
	}
	keys, err := openKeys(docs, "auth/keys.json")
	if err != nil {
		return nil, fault.E(op, err)
	}
	seal, err := newSealer(secret)
	if err != nil {
		return nil, fault.E(op, err)
	}
	a := &Auth{Accounts: accounts, Tokens: &Tokens{keys: keys, accounts: accounts}, conf: conf, docs: docs, seal: seal, sessions: newSessions(conf), verify: make(chan struct{}, 2)}
	if err := a.openApps(docs); err != nil {
		return nil, fault.E(op, err)
	}
	if a.factors, err = factor.Open(docs, a.passing); err != nil {
		return nil, fault.E(op, err)
	}
	if err := a.addProviders(keys); err != nil {
		return nil, fault.E(op, err)
	}
	return a, nil
}

// addProviders sets up the built-in provider and the relying party of each.
func (a *Auth) addProviders(keys *keys) error {
	if !a.conf.NoPasswords {
		secret := rand.Text()
		pages := provider.Client{ID: pagesClient, Secret: secret, RedirectURIs: []string{callbackPath}, LogoutURIs: []string{signedOutPath}}
		p, err := provider.New(provider.Config{
			Base: a.base, SigningKey: keys.signing, Keys: keys.public, People: people{a},
			Clients: append([]provider.Client{pages}, a.conf.Clients...), Demonstration: a.demonstration(),
			Stylesheet: a.conf.Stylesheet, Address: a.conf.Address, Codes: a.conf.codes(), Factors: factors{a},
		})
		if err != nil {
			return err
		}
		a.builtIn = p
		a.providers = append(a.providers, ownParty(a, secret))
	}
	seen := map[string]bool{ownProvider: true}
	a.proving, a.identity = party.OpenSigning(a.docs, providerKeys, jose.RS512), party.OpenSigning(a.docs, identityKeys, jose.RS256)
	for _, p := range a.conf.Providers {
		p = p.completed()
		if err := p.check(); err != nil {
			return err
		}
		if seen[p.Name] {
			return fault.E("auth.New", fault.Duplicate, "two providers have one name", "Providers."+p.Name)
		}
		seen[p.Name] = true
		a.providers = append(a.providers, outsideParty(p, a.conf.HTTP, a.proving))
	}
	if len(a.providers) == 0 {
		return fault.E("auth.New", fault.Required, "no provider: nobody could sign in", "Providers")
	}
	return nil
}

func (a *Auth) demonstration() *provider.Demonstration {
	d := a.conf.Demonstration
	if d == nil {
		return nil
	}
	return &provider.Demonstration{Password: d.Password, People: func() []provider.Person {
		var shown []provider.Person
		for _, user := range d.Users {
			if acc, ok := a.Accounts.Find(user); ok {
				shown = append(shown, provider.Person{User: acc.User, Name: acc.Name, Role: acc.Role.Title(), Organisation: acc.OrganisationName})
			}
		}
		return shown
	}}
}

// Mux is what routes are added to.
type Mux interface {
	Handle(pattern string, h http.Handler)
	HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request))
}

// Routes adds the paths of sign-on to mux. The whole server is to be wrapped
// by Wrap.
func (a *Auth) Routes(mux Mux) {
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET "+callbackPath, a.callback)
	mux.HandleFunc("GET "+rolePath, a.roles)
	mux.HandleFunc("POST "+rolePath, a.act)
	mux.HandleFunc("POST "+purposePath, a.changePurpose)
	mux.HandleFunc("GET "+provingPath, a.provingKeys)
	mux.HandleFunc("POST "+backChannelPath+"{provider}", a.backChannel)
	mux.HandleFunc("POST /logout", a.logout)
	mux.HandleFunc("POST /leave", a.leave)
	mux.HandleFunc("GET "+signedOutPath, a.signedOut)
	if a.builtIn != nil {
		mux.Handle("/oidc/", a.builtIn)
	} else { // the pages of sign-on have their look without it, too
		mux.HandleFunc("GET "+provider.StylesheetPath, provider.ServeStylesheet)
	}
	a.appRoutes(mux)
	a.selfRoutes(mux)
}

// Subject is who asks: by the bearer token, where the request has one, else by
// the session. The fault is Login where nobody has signed in, and Expired where
// the session or token has ended. The request must have come through Wrap. An
// application's token is none: FHIRSubject takes it, where its scopes are heeded.
func (a *Auth) Subject(r *http.Request) (policy.Subject, error) {
	return a.subject(r, func(c claims) (policy.Subject, error) {
		return policy.Subject{}, fault.E("auth.Subject", fault.Login, "the token is an application's, for /fhir alone")
	})
}

// FHIRSubject is Subject for /fhir: the token may be an application's, and then
// the subject has the scopes that it was given.
func (a *Auth) FHIRSubject(r *http.Request) (policy.Subject, error) { return a.subject(r, a.ofApp) }

func (a *Auth) subject(r *http.Request, ofApp func(claims) (policy.Subject, error)) (policy.Subject, error) {
	const op = "auth.Subject"
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return policy.Subject{}, fault.E(op, fault.Login, "the way in is a bearer token", "Authorization")
		}
		c, err := a.Tokens.verify(strings.TrimSpace(token), audienceFHIR, time.Now())
		if err != nil {
			return policy.Subject{}, fault.E(op, err)
		}
		var s policy.Subject
		if c.Client != "" {
			s, err = ofApp(c)
		} else {
			s, err = a.Tokens.subject(c)
		}
		if err != nil {
			return policy.Subject{}, fault.E(op, err)
		}
		return s, nil
	}
	s, err := a.sessionSubject(r)
	if err != nil {
		return policy.Subject{}, fault.E(op, err)
	}
	return s, nil
}

// Token issues an access token to an account and has that recorded before it
// is handed out.
func (a *Auth) Token(ctx context.Context, user string, purpose nhs.Purpose, ttl time.Duration) (string, error) {
	const op = "auth.Token"
	acc, ok := a.Accounts.Find(user)
	if !ok {
		return "", fault.E(op, fault.NotFound, "no such account")
	}
	now := time.Now()
	token, id, err := a.Tokens.issue(acc, purpose, ttl, now, a.conf.PublicURL)
	if err != nil {
		return "", fault.E(op, err)
	}
	subject := acc.Subject(purpose)
	if err := a.record(ctx, Event{Kind: TokenIssued, Time: now, Subject: subject, TokenID: id, Expires: now.Add(ttl)}); err != nil {
		return "", fault.E(op, err)
	}
	return token, nil
}

type baseKey struct{}

// base is the address that r came to, "http://localhost:8080". Without a
// public address only hosts are taken that nobody outside can point here: an
// IP address, localhost, a name without a dot. So a page of a stranger whose
// DNS turns to this machine gets nowhere.
func (a *Auth) base(r *http.Request) (string, error) {
	if b, ok := r.Context().Value(baseKey{}).(string); ok {
		return b, nil
	}
	if a.conf.PublicURL != "" {
		return a.conf.PublicURL, nil
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "" || strings.Contains(host, ".") && net.ParseIP(host) == nil && !strings.HasSuffix(host, ".localhost") || strings.ContainsAny(host, "/?#@\\ ") {
		return "", fault.E("auth.base", fault.Security, "this server has no public address set, and does not answer to that name")
	}
	if r.TLS != nil {
		return "https://" + r.Host, nil
	}
	return "http://" + r.Host, nil
}

// peer is the address of the other end of the connection.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
