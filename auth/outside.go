package auth

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/auth/party"
	"selda/fault"
	"selda/nhs"
)

// This file is what an administrator says of a provider from outside, and what follows
// from which service that is.

// The services whose own rules are known, beside those of OpenID Connect.
const (
	CIS2     = "cis2"
	NHSLogin = "nhs-login"
)

// Provider is an OpenID provider from outside, such as NHS CIS2 or NHS login.
type Provider struct {
	Name     string `json:"name"`  // letters and digits; it begins the user names of its people
	Title    string `json:"title"` // for people: "NHS login"
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
	// Service is CIS2 or NHSLogin: it fills in what those say, and its rules hold.
	Service      string `json:"service"`
	ClientSecret string `json:"client_secret"`
	// ClientAuth is how this system proves itself: private_key_jwt, unless there is a
	// secret.
	ClientAuth string `json:"client_auth"`
	// Algorithms are those that the provider signs with; RS256 unless said.
	Algorithms []string          `json:"algorithms"`
	Scopes     []string          `json:"scopes"` // beside openid
	Params     map[string]string `json:"params"` // of the authorization request
	UserInfo   bool              `json:"userinfo"`
	Claims     ClaimNames        `json:"claims"`
	// Roles maps the provider's role codes to ours. A code that is not in it
	// is refused. RoleForAll is for a provider that has one kind of people.
	Roles      map[string]nhs.Role `json:"roles"`
	RoleForAll nhs.Role            `json:"role_for_all"`
	// Require is claims that must have a value.
	Require map[string]string `json:"require"`
	// MaxAge is how long ago people may have signed in at the provider: "8h".
	MaxAge string `json:"max_age"`
	// Assurance is the least authentication assurance level that does, 2 or 3, and
	// IdentityAssurance the least of how sure it is who somebody is.
	Assurance         int `json:"assurance"`
	IdentityAssurance int `json:"identity_assurance"`
	// Proofing is the identity proofing level that opens a record, and Vectors are the
	// vectors of trust that are asked for: each begins with it (RFC 8485).
	Proofing string   `json:"proofing"`
	Vectors  []string `json:"vtr"`
}

// completed is the provider with what follows from its service.
func (p Provider) completed() Provider {
	if p.ClientAuth == "" {
		if p.ClientAuth = party.PrivateKey; p.ClientSecret != "" {
			p.ClientAuth = party.SecretBasic
		}
	}
	switch p.Service {
	case CIS2:
		if p.Claims == (ClaimNames{}) {
			p.Claims = CIS2Claims
		}
		if p.Scopes == nil {
			p.Scopes = []string{"profile", "nationalrbacaccess", "associatedorgs"}
		}
		p.UserInfo = true // roles are stated there alone
		p.Assurance = cmp.Or(p.Assurance, 2)
		p.IdentityAssurance = cmp.Or(p.IdentityAssurance, 3)
		if p.Params["acr_values"] == "" {
			p.Params = with(p.Params, "acr_values", map[int]string{2: "AAL2_OR_AAL3_ANY", 3: "AAL3_ANY"}[p.Assurance])
		}
	case NHSLogin:
		if p.Claims == (ClaimNames{}) {
			p.Claims = NHSLoginClaims
		}
		if p.Scopes == nil {
			p.Scopes = []string{"profile", "basic_demographics"}
		}
		if p.Algorithms == nil {
			p.Algorithms = []string{string(jose.RS512)}
		}
		if p.Proofing == "" {
			p.Proofing = "P9"
		}
		if p.Vectors == nil {
			p.Vectors = []string{p.Proofing + ".Cp.Cd", p.Proofing + ".Cp.Ck", p.Proofing + ".Cm"}
		}
		p.UserInfo = true // the given name is stated there alone
		if p.RoleForAll == "" {
			p.RoleForAll = nhs.Citizen
		}
		p.Params = with(p.Params, "vtr", `["`+strings.Join(p.Vectors, `","`)+`"]`)
		// It has no sign-out: its own session goes on in the browser. So that who comes next
		// there is not let in by it, each sign-in is made anew.
		// https://nhsconnect.github.io/nhslogin/session-management/
		if p.Params["prompt"] == "" {
			p.Params = with(p.Params, "prompt", "login")
		}
	}
	if d := p.maxAge(); d > 0 {
		p.Params = with(p.Params, "max_age", strconv.Itoa(int(d/time.Second)))
	}
	return p
}

// with is params with one more.
func with(params map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for k, v := range params {
		if k != name {
			out[k] = v
		}
	}
	return out
}

// maxAge is MaxAge, which check has read once.
func (p Provider) maxAge() time.Duration {
	d, _ := time.ParseDuration(p.MaxAge)
	return d
}

// signing are the algorithms that a provider may sign with: none that is no signature,
// and none whose key is a secret that both know.
var signing = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512}

// algorithms are Algorithms, which check has looked at.
func (p Provider) algorithms() (out []jose.SignatureAlgorithm) {
	for _, a := range p.Algorithms {
		out = append(out, jose.SignatureAlgorithm(a))
	}
	if out == nil {
		return []jose.SignatureAlgorithm{jose.RS256}
	}
	return out
}

// check says what is wrong with a provider; each sentence says what to do.
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
	if err := p.checkProof(bad); err != nil {
		return err
	}
	if err := p.checkService(bad); err != nil {
		return err
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

// checkProof looks at how the two prove themselves to each other.
func (p Provider) checkProof(bad func(string) error) error {
	switch p.ClientAuth {
	case party.PrivateKey:
		if p.ClientSecret != "" {
			return bad("client_auth private_key_jwt needs no secret: take client_secret away, or say client_secret_basic")
		}
	case party.SecretBasic, party.SecretPost:
		if p.ClientSecret == "" {
			return bad("client_auth " + p.ClientAuth + " needs a client_secret_file")
		}
	default:
		return bad("client_auth is private_key_jwt, client_secret_basic or client_secret_post")
	}
	for _, a := range p.Algorithms {
		if !slices.Contains(signing, jose.SignatureAlgorithm(a)) {
			return bad("algorithms are those of public keys, such as RS256 or RS512")
		}
	}
	if d, err := time.ParseDuration(p.MaxAge); p.MaxAge != "" && (err != nil || d < time.Minute || d > 24*time.Hour) {
		return bad("max_age is from 1m to 24h, such as 8h")
	}
	return nil
}

// checkService looks at what the rules of a service need.
func (p Provider) checkService(bad func(string) error) error {
	switch p.Service {
	case "":
	case CIS2:
		if p.Assurance != 2 && p.Assurance != 3 || p.IdentityAssurance < 1 || p.IdentityAssurance > 3 {
			return bad("assurance is 2 or 3, and identity_assurance 1 to 3")
		}
	case NHSLogin:
		if p.RoleForAll != nhs.Citizen || len(p.Roles) > 0 {
			return bad("the people of NHS login are citizens: say no other role")
		}
		for _, v := range p.Vectors {
			if v != p.Proofing && !strings.HasPrefix(v, p.Proofing+".") {
				return bad("each vector of vtr begins with the proofing level, such as P9.Cp.Cd")
			}
		}
		if p.Proofing != "P9" || len(p.Vectors) == 0 {
			return bad("a record is opened with proofing level P9 and no other")
		}
	default:
		return bad("service is cis2, nhs-login, or left out")
	}
	return nil
}

// Person is whom an identity service of citizens vouches for.
type Person struct {
	NHSNumber     nhs.Number
	Born          string // YYYY-MM-DD
	Given, Family string
}

func values(m map[string]nhs.Role) []nhs.Role {
	var out []nhs.Role
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
