package auth

import (
	"encoding/json"
	"net/http"

	"selda/auth/provider"
	"selda/fault"
)

// SMARTConfiguration tells applications where to sign on. It is to be served
// under the FHIR base, too.
// https://hl7.org/fhir/smart-app-launch/conformance.html#using-well-known
func (a *Auth) SMARTConfiguration(w http.ResponseWriter, r *http.Request) {
	if a.builtIn == nil { // tokens for /fhir are the built-in provider's
		http.NotFound(w, r)
		return
	}
	base, err := a.base(r)
	if err != nil {
		http.Error(w, fault.Reason(err), http.StatusMisdirectedRequest)
		return
	}
	m := provider.At(base)
	out := map[string]any{
		"issuer": m.Issuer, "jwks_uri": m.JWKS, "authorization_endpoint": m.Authorization, "token_endpoint": m.Token,
		"grant_types_supported": m.GrantTypes, "response_types_supported": m.ResponseTypes,
		"code_challenge_methods_supported": m.PKCE, "scopes_supported": m.Scopes,
		"token_endpoint_auth_methods_supported": m.ClientAuth,
		// No more is claimed than is served: no launch, no scopes by resource.
		"capabilities": []string{"client-public", "client-confidential-symmetric", "sso-openid-connect"},
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=300")
	_ = json.NewEncoder(w).Encode(out) // the caller is gone: nobody is left to tell
}
