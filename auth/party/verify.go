package party

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/fault"
)

const (
	// skew is how far apart two clocks may be.
	skew = time.Minute
	// fresh is how old a token may be that was made for this very sign-in.
	fresh = 10 * time.Minute
	// logoutEvent is what a logout token is of.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// signedClaims are the claims of a token that are looked at here.
type signedClaims struct {
	jwt.Claims
	Nonce           *string          `json:"nonce"`
	AuthorizedParty string           `json:"azp"`
	AccessHash      string           `json:"at_hash"`
	AuthTime        *jwt.NumericDate `json:"auth_time"`
	SID             string           `json:"sid"`
	Events          map[string]any   `json:"events"`
}

// Want is what an identity token is held to.
type Want struct {
	Nonce  string
	Access string // the access token that came with it
	// MaxAge is how long ago the person may have signed in at the provider; 0 for no matter.
	MaxAge time.Duration
	// Since is when the person was sent to the provider to sign in anew; zero where they
	// need not. What the browser asked for is not taken on trust.
	Since time.Time
	Now   time.Time
}

// Identity is what an identity token says.
type Identity struct {
	Sub string
	SID string // of the session at the provider; "" where it says none
	// Claims are all that it says.
	Claims map[string]any
}

func refuse(op, words string) error { return fault.E(op, fault.Security, words) }

// verified are the claims of a token whose signature holds. what names the token in
// faults, and typ is what its header may say that it is.
func (p *Party) verified(ctx context.Context, m Metadata, what, raw string, typ []string, into ...any) (alg jose.SignatureAlgorithm, err error) {
	const op = "party.verify"
	if len(raw) > maxToken {
		return "", refuse(op, what+" is longer than any that is read")
	}
	// The algorithm was agreed, and is never the token's to choose.
	t, err := jwt.ParseSigned(raw, p.Algorithms)
	if err != nil || len(t.Headers) != 1 {
		return "", refuse(op, what+" is not signed with an algorithm that was agreed")
	}
	h := t.Headers[0]
	if said, ok := h.ExtraHeaders[jose.HeaderType].(string); ok && !fits(said, typ) {
		return "", refuse(op, what+" is a token of another use (typ)")
	}
	if h.KeyID == "" {
		return "", refuse(op, what+" names no key (kid)")
	}
	alg = jose.SignatureAlgorithm(h.Algorithm)
	key, err := p.keys.of(ctx, p, m.JWKS, h.KeyID, alg)
	if err != nil {
		return "", err
	}
	if t.Claims(key, into...) != nil {
		return "", refuse(op, "the signature of "+what+" does not hold")
	}
	return alg, nil
}

// fits says whether a header's typ is one of those that a token may have.
func fits(said string, typ []string) bool {
	for _, t := range typ {
		if strings.EqualFold(strings.TrimPrefix(strings.ToLower(said), "application/"), t) {
			return true
		}
	}
	return false
}

// IDToken holds an identity token to what was agreed and asked.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (p *Party) IDToken(ctx context.Context, m Metadata, raw string, want Want) (Identity, error) {
	const op = "party.IDToken"
	var c signedClaims
	said := map[string]any{}
	alg, err := p.verified(ctx, m, "the identity token", raw, []string{"jwt"}, &c, &said)
	if err == nil {
		err = p.addressed(&c, "the identity token")
	}
	if err == nil {
		err = timely(&c, "the identity token", want.Now)
	}
	if err != nil {
		return Identity{}, err
	}
	switch {
	case c.Subject == "" || len(c.Subject) > 255:
		return Identity{}, refuse(op, "the identity token says of nobody (sub)")
	case c.Expiry == nil:
		return Identity{}, refuse(op, "the identity token has no end (exp)")
	case c.Nonce == nil || want.Nonce == "" || subtle.ConstantTimeCompare([]byte(*c.Nonce), []byte(want.Nonce)) != 1:
		return Identity{}, refuse(op, "the identity token is of another sign-in (nonce)")
	case c.AccessHash != "" && c.AccessHash != halfHash(alg, want.Access):
		return Identity{}, refuse(op, "the identity token belongs to another access token (at_hash)")
	case want.MaxAge > 0 && c.AuthTime == nil:
		return Identity{}, refuse(op, "the identity token does not say when the person signed in (auth_time)")
	case c.AuthTime != nil && c.AuthTime.Time().After(want.Now.Add(skew)):
		return Identity{}, refuse(op, "the identity token says that the person will sign in later (auth_time)")
	case c.AuthTime != nil && c.AuthTime.Time().Before(want.Since.Add(-skew)):
		return Identity{}, refuse(op, "the person did not sign in at the provider anew (auth_time)")
	case want.MaxAge > 0 && want.Now.Sub(c.AuthTime.Time()) > want.MaxAge+skew:
		return Identity{}, refuse(op, "the person signed in at the provider too long ago (auth_time)")
	}
	return Identity{Sub: c.Subject, SID: c.SID, Claims: said}, nil
}

// addressed says whether a token is from this provider and for this system.
func (p *Party) addressed(c *signedClaims, what string) error {
	const op = "party.addressed"
	switch {
	case c.Issuer != p.Issuer:
		return refuse(op, what+" is from another provider (iss)")
	case !c.Audience.Contains(p.ID):
		return refuse(op, what+" is for another system (aud)")
	case len(c.Audience) > 1 && c.AuthorizedParty == "":
		return refuse(op, what+" is for several systems and does not say which asked (azp)")
	case c.AuthorizedParty != "" && c.AuthorizedParty != p.ID:
		return refuse(op, what+" was asked for by another system (azp)")
	}
	return nil
}

// timely says whether a token is of now.
func timely(c *signedClaims, what string, now time.Time) error {
	const op = "party.timely"
	switch {
	case c.Expiry != nil && !now.Before(c.Expiry.Time().Add(skew)):
		return refuse(op, what+" has ended (exp)")
	case c.NotBefore != nil && now.Add(skew).Before(c.NotBefore.Time()):
		return refuse(op, what+" holds from later on (nbf)")
	case c.IssuedAt == nil:
		return refuse(op, what+" does not say when it was made (iat)")
	case now.Add(skew).Before(c.IssuedAt.Time()):
		return refuse(op, what+" is from the future (iat)")
	case now.Sub(c.IssuedAt.Time()) > fresh+skew:
		return refuse(op, what+" was made too long ago (iat)")
	}
	return nil
}

// halfHash is the left half of a token's hash, by the algorithm that signed.
// https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken
func halfHash(alg jose.SignatureAlgorithm, token string) string {
	var sum []byte
	switch {
	case strings.HasSuffix(string(alg), "256"):
		s := sha256.Sum256([]byte(token))
		sum = s[:]
	case strings.HasSuffix(string(alg), "384"):
		s := sha512.Sum384([]byte(token))
		sum = s[:]
	default:
		s := sha512.Sum512([]byte(token))
		sum = s[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// Logout is whose sessions a provider has ended: those of a person, or one of them.
type Logout struct {
	Sub, SID string
	ID       string // the token's jti: it may be used once
	Expires  time.Time
}

// LogoutToken holds a logout token to what was agreed. That it was not used before is for
// the caller to find out.
// https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation
func (p *Party) LogoutToken(ctx context.Context, m Metadata, raw string, now time.Time) (Logout, error) {
	const op = "party.LogoutToken"
	var c signedClaims
	_, err := p.verified(ctx, m, "the logout token", raw, []string{"logout+jwt", "jwt"}, &c)
	if err == nil {
		err = p.addressed(&c, "the logout token")
	}
	if err == nil {
		err = timely(&c, "the logout token", now)
	}
	if err != nil {
		return Logout{}, err
	}
	event, of := c.Events[logoutEvent]
	_, object := event.(map[string]any)
	switch {
	case !of || !object:
		return Logout{}, refuse(op, "the logout token is of no logout (events)")
	case c.Nonce != nil: // so that an identity token is never taken for one
		return Logout{}, refuse(op, "the logout token has a nonce")
	case c.Subject == "" && c.SID == "":
		return Logout{}, refuse(op, "the logout token says of nobody (sub, sid)")
	case c.ID == "" || len(c.ID) > 256:
		return Logout{}, refuse(op, "the logout token has no name of its own (jti)")
	}
	return Logout{Sub: c.Subject, SID: c.SID, ID: c.ID, Expires: c.IssuedAt.Time().Add(fresh + skew)}, nil
}
