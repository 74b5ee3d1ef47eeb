package app

import (
	"context"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/fault"
)

// AssertionType is the type of an assertion by which a client proves itself.
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// AssertionAlgorithms are those that an assertion is signed with.
// https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
var AssertionAlgorithms = []jose.SignatureAlgorithm{jose.RS384, jose.ES384}

const (
	// AssertionFor is how far ahead an assertion's end may be.
	AssertionFor  = 5 * time.Minute
	assertionSkew = 5 * time.Second
	maxAssertion  = 8 << 10
)

// Assertion is what a client has signed of itself.
type Assertion struct {
	ID       string // its jti: it may be used once
	IssuedAt time.Time
	Expires  time.Time
}

// Claims reads whom an assertion is of, without believing it.
func Claims(assertion string) (client string, ok bool) {
	if len(assertion) > maxAssertion {
		return "", false
	}
	t, err := jwt.ParseSigned(assertion, AssertionAlgorithms)
	var c jwt.Claims
	if err != nil || t.UnsafeClaimsWithoutVerification(&c) != nil || c.Subject == "" || c.Issuer != c.Subject {
		return "", false
	}
	return c.Subject, true
}

// Verify holds an assertion against the application's keys. That it was not used
// before is for the caller to find out. Every refusal is alike to the outside.
// RFC 7523, section 3.
func (k *Keys) Verify(ctx context.Context, a *App, assertion string, audiences []string, now time.Time) (Assertion, error) {
	const op = "app.Verify"
	refused := func(words string) (Assertion, error) { return Assertion{}, fault.E(op, fault.Login, words) }
	if len(assertion) > maxAssertion || a.Kind != Asymmetric {
		return refused("the client proves itself in another way")
	}
	t, err := jwt.ParseSigned(assertion, AssertionAlgorithms) // never the algorithm that the assertion would like
	if err != nil || len(t.Headers) != 1 {
		return refused("the assertion is not a JWT signed with RS384 or ES384")
	}
	h := t.Headers[0]
	if typ, said := h.ExtraHeaders[jose.HeaderType]; said && typ != "JWT" {
		return refused("the assertion's typ is JWT")
	}
	if jku, said := h.ExtraHeaders["jku"]; said && jku != a.KeysURI {
		return refused("the assertion's jku is not the jwks_uri that was registered")
	}
	key, err := k.of(ctx, a, h.KeyID, jose.SignatureAlgorithm(h.Algorithm))
	if err != nil {
		return Assertion{}, err
	}
	var c jwt.Claims
	if t.Claims(key, &c) != nil {
		return refused("the assertion's signature does not hold")
	}
	switch {
	case c.Issuer != a.ID || c.Subject != a.ID:
		return refused("the assertion's iss and sub are the client's id")
	case !slices.ContainsFunc(audiences, func(aud string) bool { return c.Audience.Contains(aud) }):
		return refused("the assertion's aud is the address of the token endpoint")
	case c.ID == "" || len(c.ID) > 256:
		return refused("the assertion has a jti")
	case c.Expiry == nil || !now.Before(c.Expiry.Time()):
		return refused("the assertion has ended")
	case c.Expiry.Time().Sub(now) > AssertionFor+assertionSkew:
		return refused("the assertion's exp is at most 5 minutes away")
	case c.NotBefore != nil && now.Add(assertionSkew).Before(c.NotBefore.Time()), c.IssuedAt != nil && now.Add(time.Minute).Before(c.IssuedAt.Time()):
		return refused("the assertion holds from later on")
	}
	out := Assertion{ID: c.ID, Expires: c.Expiry.Time()}
	if c.IssuedAt != nil {
		out.IssuedAt = c.IssuedAt.Time()
	}
	return out, nil
}
