package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Whom a token is for. It is fixed, and not the server's address, so that a
// token holds for a server that is started later, on another port, on the same
// data folder.
const (
	audienceFHIR     = "urn:selda:fhir"
	audienceUserInfo = "urn:selda:userinfo"
)

// MaxTokenTTL is the longest that a token can last.
const MaxTokenTTL = 31 * 24 * time.Hour

const (
	tokenType    = "at+jwt" // RFC 9068, section 2.1
	maxTokenSize = 8 << 10
	clockSkew    = time.Minute
)

// Tokens issues and verifies bearer tokens, which are JWT access tokens
// (RFC 9068) signed with ES256. It must be made by New.
type Tokens struct {
	keys     *keys
	accounts *Accounts
	signed   signed
}

// signed are the claims of tokens whose signature was found to hold: the same
// token comes with each request, and a signature takes longer to check than
// many an answer to find. What changes with time is checked each time.
type signed struct {
	mu sync.Mutex
	m  map[[sha256.Size]byte]claims
}

const maxSigned = 4096

func (s *signed) get(token [sha256.Size]byte) (claims, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.m[token]
	return c, ok
}

func (s *signed) put(token [sha256.Size]byte, c claims) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil || len(s.m) >= maxSigned {
		s.m = map[[sha256.Size]byte]claims{} // what is forgotten is checked again
	}
	s.m[token] = c
}

// claims are the claims of an access token. The account's name, role and
// numbers are not among them: they are read from the account at each use.
type claims struct {
	jwt.Claims
	Purpose nhs.Purpose `json:"purpose"`
	// Extensions say the same in IHE's words; what holds is Purpose.
	Extensions *iua `json:"extensions,omitempty"`
	// Of an application's token: RFC 9068, section 2.2.
	Client     string `json:"client_id,omitempty"`
	Scope      string `json:"scope,omitempty"`
	Patient    string `json:"patient,omitempty"`
	Connection string `json:"connection,omitempty"`

	scopes []policy.Scope
	kid    string // of the key that signed it
}

// Issue makes a token with which an account reads and writes /fhir for a
// purpose, from now for ttl. It does not record that: Auth.Token does.
func (t *Tokens) Issue(a Account, p nhs.Purpose, ttl time.Duration, now time.Time) (string, error) {
	token, _, err := t.issue(a, p, ttl, now, "")
	return token, err
}

func (t *Tokens) issue(a Account, p nhs.Purpose, ttl time.Duration, now time.Time, issuer string) (token, id string, err error) {
	const op = "auth.Issue"
	if ttl <= 0 || ttl > MaxTokenTTL {
		return "", "", fault.E(op, fault.Value, "a token lasts more than nothing and at most 31 days")
	}
	if err := mayAct(a.Role, p); err != nil {
		return "", "", fault.E(op, err)
	}
	id = rand.Text()
	token, err = t.sign(claims{Purpose: p, Claims: jwt.Claims{Issuer: issuerName(issuer), Subject: a.User, ID: id,
		Audience: jwt.Audience{audienceFHIR}, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(ttl))}})
	if err != nil {
		return "", "", fault.E(op, err)
	}
	return token, id, nil
}

// issuerName is who a token says that it is from: the public address, or the
// system's name where there is none.
func issuerName(base string) string {
	if base == "" {
		return "urn:selda"
	}
	return base + "/oidc"
}

func (t *Tokens) sign(c claims) (string, error) {
	if t == nil || t.keys == nil {
		return "", fault.E("auth.sign", fault.NoStore, "there are no keys")
	}
	opts := (&jose.SignerOptions{}).WithType(tokenType)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: t.keys.signing()}, opts)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(c).Serialize()
}

// Verify reads a token for /fhir and builds its subject from the account as it
// stands now. The fault is Expired where the token has ended and Login where
// it is no token of ours or its account is gone; it never says more, so that
// nobody learns from it. It is NoStore where the accounts can't be read.
func (t *Tokens) Verify(token string, now time.Time) (policy.Subject, error) {
	const op = "auth.Verify"
	c, err := t.verify(token, audienceFHIR, now)
	if err == nil && c.Client != "" {
		err = fault.E(op, fault.Login, "the token is an application's")
	}
	if err != nil {
		return policy.Subject{}, fault.E(op, err)
	}
	return t.subject(c)
}

// subject is whom a token's claims speak of, as the account stands now.
func (t *Tokens) subject(c claims) (policy.Subject, error) {
	const op = "auth.Verify"
	a, ok, err := t.accounts.find(c.Subject)
	if err != nil {
		return policy.Subject{}, fault.E(op, err)
	}
	if !ok {
		return policy.Subject{}, fault.E(op, fault.Login, "the token's account is gone")
	}
	if c.IssuedAt.Time().Before(a.Since) {
		return policy.Subject{}, fault.E(op, fault.Login, "what was begun in the account's name was ended")
	}
	// The role may have changed since the token was issued.
	if err := mayAct(a.Role, c.Purpose); err != nil {
		return policy.Subject{}, fault.E(op, fault.Login, err)
	}
	return a.Subject(c.Purpose), nil
}

// verify checks signature, type, audience and times.
func (t *Tokens) verify(token, audience string, now time.Time) (claims, error) {
	refuse := fault.E("auth.verify", fault.Login, "the token is not one of ours")
	if t == nil || t.keys == nil || len(token) > maxTokenSize {
		return claims{}, refuse
	}
	hash := sha256.Sum256([]byte(token))
	c, ok := t.signed.get(hash)
	if ok && !t.keys.has(c.kid) { // its key was retired since
		return claims{}, refuse
	}
	if !ok {
		if c, ok = t.claimsOf(token); !ok {
			return claims{}, refuse
		}
		t.signed.put(hash, c)
	}
	err := c.ValidateWithLeeway(jwt.Expected{AnyAudience: jwt.Audience{audience}, Time: now}, clockSkew)
	if errors.Is(err, jwt.ErrExpired) || err == nil && !now.Before(c.Expiry.Time()) {
		return claims{}, fault.E("auth.verify", fault.Expired, "the token has ended")
	} else if err != nil {
		return claims{}, refuse
	}
	return c, nil
}

// claimsOf reads a token whose signature and type hold.
func (t *Tokens) claimsOf(token string) (c claims, ok bool) {
	// The algorithm is ours to say, never the token's.
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(parsed.Headers) != 1 {
		return c, false
	}
	h := parsed.Headers[0]
	key, known := t.keys.verifying(h.KeyID)
	if !known || h.ExtraHeaders[jose.HeaderType] != tokenType {
		return c, false
	}
	err = parsed.Claims(key, &c)
	c.kid = h.KeyID
	for w := range strings.FieldsSeq(c.Scope) {
		if s, ok := policy.ParseScope(w); ok {
			c.scopes = append(c.scopes, s)
		}
	}
	return c, err == nil && c.Expiry != nil && c.IssuedAt != nil && c.Subject != ""
}
