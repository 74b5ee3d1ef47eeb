package party

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"selda/fault"
)

// AssertionType is the type of an assertion by which a client proves itself.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxToken is the longest token that is looked at.
const maxToken = 64 << 10

// Tokens are what a code was changed for.
type Tokens struct {
	Access string `json:"access_token"`
	Type   string `json:"token_type"`
	ID     string `json:"id_token"`
}

// told are the errors of a token endpoint that the trail may repeat: they are of the
// standard, and name nobody. RFC 6749, section 5.2.
var told = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// Exchange changes a code for tokens.
// https://openid.net/specs/openid-connect-core-1_0.html#TokenRequest
func (p *Party) Exchange(ctx context.Context, m Metadata, code, redirect, verifier string) (Tokens, error) {
	const op = "party.Exchange"
	f := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
	basic := false
	switch p.Auth {
	case PrivateKey:
		assertion, err := p.Assertion(p.ID, m.Token)
		if err != nil {
			return Tokens{}, fault.E(op, err)
		}
		f.Set("client_id", p.ID)
		f.Set("client_assertion_type", assertionType)
		f.Set("client_assertion", assertion)
	case SecretPost:
		f.Set("client_id", p.ID)
		f.Set("client_secret", p.Secret)
	default:
		basic = true
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Token, strings.NewReader(f.Encode()))
	if err != nil {
		return Tokens{}, fault.E(op, fault.Value, "the provider's address is none")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if basic { // RFC 6749, section 2.3.1: each is encoded as a form is
		req.SetBasicAuth(url.QueryEscape(p.ID), url.QueryEscape(p.Secret))
	}
	res, err := p.http.Do(req)
	if err != nil {
		return Tokens{}, fault.E(op, fault.Transient, "the provider's token endpoint does not answer")
	}
	if res.StatusCode != http.StatusOK {
		return Tokens{}, fault.E(op, fault.Login, "the provider did not take the code"+errorOf(res))
	}
	var t Tokens
	if err := readJSON(res, &t); err != nil {
		return Tokens{}, fault.E(op, fault.Structure, "the answer of the provider's token endpoint can't be read")
	}
	switch {
	case !strings.EqualFold(t.Type, "Bearer"):
		return Tokens{}, fault.E(op, fault.Security, "the provider's access token is not a bearer token")
	case t.ID == "":
		return Tokens{}, fault.E(op, fault.Security, "the provider sent no identity token")
	case len(t.ID) > maxToken || len(t.Access) > maxToken:
		return Tokens{}, fault.E(op, fault.Security, "the provider's token is longer than any that is read")
	}
	return t, nil
}

// errorOf is the error that an answer names, in brackets, where it is one of the standard's.
func errorOf(res *http.Response) string {
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 16<<10))
	var e struct {
		Error string `json:"error"`
	}
	if err != nil || json.Unmarshal(b, &e) != nil || !slices.Contains(told, e.Error) {
		return ""
	}
	return " (" + e.Error + ")"
}

// UserInfo is what the provider says of the person whose access token that is, who is to
// be the one of the identity token.
// https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse
func (p *Party) UserInfo(ctx context.Context, m Metadata, access, sub string) (map[string]any, error) {
	const op = "party.UserInfo"
	if m.UserInfo == "" {
		return nil, fault.E(op, fault.NotSupported, "the provider has no userinfo endpoint")
	}
	said := map[string]any{}
	if err := p.getJSON(ctx, m.UserInfo, access, &said); err != nil {
		return nil, fault.E(op, fault.Login, "the provider's userinfo endpoint did not say who that is")
	}
	if got, _ := said["sub"].(string); got != sub {
		return nil, fault.E(op, fault.Security, "the userinfo endpoint speaks of somebody else (sub)")
	}
	return said, nil
}
