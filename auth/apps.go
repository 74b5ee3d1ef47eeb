package auth

import (
	"context"
	"slices"
	"strings"
	"time"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
)

// This file is what applications are to sign-on: their endpoints, and the
// subject that an application's token stands for.

// Patients is the port to whom a person may let an application see.
type Patients interface {
	// Own are those whose record is the person's to connect: a citizen's own, those
	// whom a proxy helps.
	Own(ctx context.Context, s policy.Subject) ([]Patient, error)
	// Find are those whom a professional looks for, by NHS number or by name and
	// birth date.
	Find(ctx context.Context, s policy.Subject, text string) ([]Patient, error)
	// Open is one of them by id. The fault is NotFound or Security where the
	// record is not the person's to open.
	Open(ctx context.Context, s policy.Subject, id string) (Patient, error)
}

// Patient is a patient as the screens of sign-on name them.
type Patient struct{ ID, Name, Born, Number string }

// The endpoints of applications.
const (
	authorizePath  = "/oidc/authorize"
	connectPath    = "/oidc/connect/"
	tokenPath      = "/oidc/token"
	registerPath   = "/oidc/register"
	introspectPath = "/oidc/introspect"
	revokePath     = "/oidc/revoke"
	jwksPath       = "/oidc/jwks"
)

// maxReturn is the longest request of an application that is remembered while
// somebody signs in: it travels in a cookie.
const maxReturn = 2000

// proven says whether an endpoint is for applications, which prove themselves in
// the request.
func proven(path string) bool {
	return path == tokenPath || path == registerPath || path == introspectPath || path == revokePath
}

func (a *Auth) openApps(docs document.Store) (err error) {
	shared := a.conf.Shared != nil
	if a.Apps, err = app.OpenRegister(docs, shared); err != nil {
		return err
	}
	a.Connections = app.OpenConnections(docs, shared)
	a.revoked = app.OpenRevoked(docs, shared)
	a.appKeys = app.NewKeys(a.conf.LoopbackKeys)
	a.began = time.Now()
	a.passing = &passingHere{}
	if shared {
		a.passing, a.began = a.conf.Shared.Passing, time.Time{}
	}
	return nil
}

func (a *Auth) appRoutes(mux Mux) {
	mux.HandleFunc("GET "+authorizePath, a.authorize)
	mux.HandleFunc("GET "+connectPath+"{request}", a.connect)
	mux.HandleFunc("POST "+connectPath+"{request}", a.decide)
	mux.HandleFunc("POST "+tokenPath, a.token)
	mux.HandleFunc("POST "+registerPath, a.register)
	mux.HandleFunc("POST "+introspectPath, a.introspect)
	mux.HandleFunc("POST "+revokePath, a.revoke)
	mux.HandleFunc("GET /oidc/userinfo", a.userInfo)
	mux.HandleFunc("GET "+jwksPath, a.jwks)
	mux.HandleFunc("GET /.well-known/openid-configuration", a.openIDConfiguration)
	mux.HandleFunc("GET /oidc/.well-known/openid-configuration", a.openIDConfiguration)
	mux.HandleFunc("GET /.well-known/smart-configuration", a.SMARTConfiguration)
}

// builtInClient says whether a client is one of the built-in provider's own.
func (a *Auth) builtInClient(id string) bool {
	return id == pagesClient || slices.ContainsFunc(a.conf.Clients, func(c provider.Client) bool { return c.ID == id })
}

// ofApp is whom an application's token stands for, as application, connection
// and account stand now: whatever has ended is refused at the next request.
func (a *Auth) ofApp(c claims) (policy.Subject, error) {
	const op = "auth.ofApp"
	ended := fault.E(op, fault.Login, "the application may not act any more: it was ended, suspended or not renewed")
	now := time.Now()
	client, err := a.Apps.Find(c.Client)
	if fault.Is(err, fault.NoStore) {
		return policy.Subject{}, fault.E(op, err)
	}
	if err != nil || !client.Usable(now) {
		return policy.Subject{}, ended
	}
	if c.Connection != "" {
		k, err := a.Connections.Find(c.Subject, c.Connection)
		if fault.Is(err, fault.NoStore) {
			return policy.Subject{}, fault.E(op, err)
		}
		if err != nil || !k.Live(now) || k.App != c.Client {
			return policy.Subject{}, ended
		}
	} else {
		gone, err := a.revoked.Has(c.ID)
		if err != nil {
			return policy.Subject{}, fault.E(op, err)
		}
		if gone || client.Account != c.Subject || !client.Serves(app.Systems) {
			return policy.Subject{}, ended
		}
	}
	s, err := a.Tokens.subject(c)
	if err == nil && !serves(&client, s.Role) {
		err = ended
	}
	if err != nil {
		return policy.Subject{}, fault.E(op, err)
	}
	s.Scopes = &policy.Scopes{App: client.ID, Patient: c.Patient, List: c.scopes, Self: has(wordsOf(c.Scope), "fhirUser")}
	return s, nil
}

// serves says whether an application is for people of a role.
func serves(a *app.App, r nhs.Role) bool {
	switch r {
	case nhs.Citizen, nhs.Proxy:
		return a.Serves(app.Citizens)
	case nhs.SourceSystem:
		return a.Serves(app.Systems)
	}
	return a.Serves(app.Professionals)
}

// once says whether something is used for the first time, on any node.
func (a *Auth) once(kind, key string, until time.Time) (bool, error) {
	if err := a.passing.Put(kind, key, []byte("1"), until.Add(time.Minute)); err != nil {
		return false, err
	}
	_, first, err := a.passing.End(kind, key, time.Until(until)+time.Minute)
	return first, err
}

// EndConnections ends what a person let an application do, from now on.
func (a *Auth) EndConnections(ctx context.Context, s policy.Subject, client, why string) (int, error) {
	n, err := a.Connections.End(s.User, why, time.Now(), func(c *app.Connection) bool { return c.App == client })
	if err != nil || n == 0 {
		return n, err
	}
	return n, a.record(ctx, Event{Kind: AppEnded, Time: time.Now(), Subject: s, App: client, Reason: why})
}

// words joins scopes.
func words(scopes []policy.Scope) (out []string) {
	for _, s := range scopes {
		out = append(out, s.String())
	}
	return out
}

func has(scopes []string, word string) bool { return slices.Contains(scopes, word) }

// resources are the scopes for resources among some.
func resources(scopes []string) (out []policy.Scope) {
	for _, w := range scopes {
		if s, ok := policy.ParseScope(w); ok {
			out = append(out, s)
		}
	}
	return out
}

// joined is scopes as they are sent.
func joined(scopes []string) string { return strings.Join(scopes, " ") }
