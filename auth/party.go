package auth

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/auth/party"
	"selda/auth/provider"
	"selda/fault"
)

const (
	ownProvider = "selda"
	pagesClient = "selda-pages"
)

// relyingParty is this system as seen by one provider.
type relyingParty struct {
	Provider
	own    bool
	client *http.Client
	party  *party.Party // nil of the built-in one, whose address can differ from request to request
}

// ownParty is the relying party of the built-in provider: the same code, with
// calls that stay in the process. So it needs no address before the server has
// one, and a server never waits for itself.
func ownParty(a *Auth, secret string) *relyingParty {
	return &relyingParty{own: true, client: &http.Client{Transport: inProcess{a}},
		Provider: Provider{Name: ownProvider, Title: "SELDA user name and password", ClientID: pagesClient, ClientSecret: secret}}
}

// outsideParty is the relying party of a provider from outside.
func outsideParty(p Provider, c *http.Client, keys *party.Signing) *relyingParty {
	return &relyingParty{Provider: p, client: c, party: party.New(party.Client{Issuer: p.Issuer, ID: p.ClientID, Secret: p.ClientSecret, Auth: p.ClientAuth,
		Algorithms: p.algorithms(), Scopes: append([]string{"openid"}, p.Scopes...), HTTP: c,
		Assertion: func(client, audience string) (string, error) { return keys.Assertion(client, audience, time.Now()) }})}
}

func (rp *relyingParty) name() string {
	if rp == nil {
		return ""
	}
	return rp.Name
}

// at is the party, for a server at base.
func (rp *relyingParty) at(base string) *party.Party {
	if !rp.own {
		return rp.party
	}
	return party.New(party.Client{Issuer: provider.Issuer(base), ID: rp.ClientID, Secret: rp.ClientSecret, Auth: party.SecretBasic,
		Algorithms: []jose.SignatureAlgorithm{jose.ES256}, Scopes: []string{"openid"}, HTTP: rp.client, InProcess: true})
}

// identify changes the code for the identity that the provider vouches for.
// Its faults never hold what the provider wrote: that may name a person.
func (rp *relyingParty) identify(ctx context.Context, base, iss, code string, l loginState, now time.Time) (identity, error) {
	const op = "auth.identify"
	p := rp.at(base)
	m, err := p.Discover(ctx)
	if err != nil {
		return identity{}, fault.E(op, err)
	}
	switch {
	case iss != "" && iss != p.Issuer: // RFC 9207: an answer from another provider
		return identity{}, fault.E(op, fault.Security, "the answer is from another provider (iss)")
	case iss == "" && m.IssInAnswer:
		return identity{}, fault.E(op, fault.Security, "the answer does not say which provider it is from (iss)")
	}
	tokens, err := p.Exchange(ctx, m, code, base+callbackPath, l.Verifier)
	if err != nil {
		return identity{}, fault.E(op, err)
	}
	want := party.Want{Nonce: l.Nonce, Access: tokens.Access, MaxAge: rp.maxAge(), Now: now}
	if rp.Params["prompt"] == "login" {
		want.Since = l.Until.Add(-loginTTL)
	}
	id, err := p.IDToken(ctx, m, tokens.ID, want)
	if err != nil {
		return identity{}, fault.E(op, err)
	}
	who := identity{user: id.Sub, sid: id.SID}
	if rp.own {
		return who, nil
	}
	who.user = rp.Name + ":" + id.Sub
	if rp.UserInfo {
		info, err := p.UserInfo(ctx, m, tokens.Access, id.Sub)
		if err != nil {
			return who, fault.E(op, err)
		}
		// What is signed stands; the endpoint adds to it.
		for name, v := range info {
			if _, there := id.Claims[name]; !there {
				id.Claims[name] = v
			}
		}
	}
	if who.options, err = rp.options(id.Sub, id.Claims); err == nil && rp.Service == NHSLogin {
		who.person = personOf(&who.options[0].Account, id.Claims)
	}
	return who, err
}

// endSession is where a browser goes so that the provider signs out too; ""
// where it has no such place.
func (rp *relyingParty) endSession(ctx context.Context, base string) string {
	p := rp.at(base)
	m, err := p.Discover(ctx)
	if err != nil {
		return ""
	}
	return p.EndSessionURL(m, base+signedOutPath)
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
