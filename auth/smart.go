package auth

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
	"selda/policy"
)

// capabilities are what is claimed of SMART App Launch: what is served.
// https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#capability-sets
var capabilities = []string{"launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric", "client-confidential-asymmetric", "sso-openid-connect",
	"context-banner", "context-ehr-patient", "context-standalone-patient", "permission-offline", "permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2"}

// metadata is what discovery says, for a server at base.
func metadata(base string) map[string]any {
	issuer := provider.Issuer(base)
	return map[string]any{
		"issuer": issuer, "jwks_uri": base + jwksPath, "authorization_endpoint": base + authorizePath, "token_endpoint": base + tokenPath,
		"registration_endpoint": base + registerPath, "introspection_endpoint": base + introspectPath, "revocation_endpoint": base + revokePath,
		"userinfo_endpoint": issuer + "/userinfo", "end_session_endpoint": issuer + "/logout",
		"grant_types_supported": []string{app.CodeGrant, app.RefreshGrant, app.ClientGrant}, "response_types_supported": []string{"code"}, "response_modes_supported": []string{"query"},
		"code_challenge_methods_supported": []string{"S256"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
		"token_endpoint_auth_methods_supported":            []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		"introspection_endpoint_auth_methods_supported":    []string{"client_secret_basic", "client_secret_post", "private_key_jwt"},
		"revocation_endpoint_auth_methods_supported":       []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		"token_endpoint_auth_signing_alg_values_supported": app.AssertionAlgorithms,
		"scopes_supported":                                 scopesSupported(), "claims_supported": []string{"iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser", "name", "preferred_username"},
		"authorization_response_iss_parameter_supported": true,
	}
}

// scopesSupported are the scopes by example: each type can stand where * does.
func scopesSupported() []string {
	out := append(app.OtherScopes(), "patient/*.cruds", "user/*.cruds", "system/*.cruds", "patient/*.*", "user/*.*", "system/*.*")
	for _, typ := range policy.CategoryTypes() {
		for _, c := range policy.Categories(typ) {
			out = append(out, "patient/"+typ+".rs?category="+c)
		}
	}
	return out
}

// SMARTConfiguration tells applications where to sign on. It is to be served
// under the FHIR base, too.
// https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known
func (a *Auth) SMARTConfiguration(w http.ResponseWriter, r *http.Request) {
	a.discovery(w, r, func(m map[string]any, base string) {
		m["capabilities"] = capabilities
		m["management_endpoint"] = base + "/me/apps"
	})
}

func (a *Auth) openIDConfiguration(w http.ResponseWriter, r *http.Request) {
	a.discovery(w, r, func(map[string]any, string) {})
}

func (a *Auth) discovery(w http.ResponseWriter, r *http.Request, more func(m map[string]any, base string)) {
	base, err := a.base(r)
	if err != nil {
		http.Error(w, fault.Reason(err), http.StatusMisdirectedRequest)
		return
	}
	m := metadata(base)
	more(m, base)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=300")
	_ = json.NewEncoder(w).Encode(m) // the caller is gone: nobody is left to tell
}

func (a *Auth) jwks(w http.ResponseWriter, _ *http.Request) {
	set, err := a.identity.Public(time.Now())
	if err != nil {
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	}
	set.Keys = append(set.Keys, a.Tokens.keys.public().Keys...)
	writeJSON(w, http.StatusOK, set)
}

// userInfo says to an application what its scopes let it know of the person; to
// the built-in provider's own clients that answers.
// https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
func (a *Auth) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	c, err := a.Tokens.verify(token, audienceFHIR, time.Now())
	if a.builtIn != nil && (err != nil || c.Client == "") {
		a.builtIn.ServeHTTP(w, r)
		return
	}
	if err == nil {
		_, err = a.ofApp(c)
	}
	base, err2 := a.base(r)
	acc, ok := a.Accounts.Find(c.Subject)
	scopes := wordsOf(c.Scope)
	if !strings.EqualFold(scheme, "Bearer") || err != nil || err2 != nil || !ok || !has(scopes, "openid") {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		sayOAuth(w, http.StatusUnauthorized, "invalid_token", "")
		return
	}
	said := a.saidOf(r.Context(), acc, scopes, base)
	said["sub"] = acc.User
	writeJSON(w, http.StatusOK, said)
}

func wordsOf(scope string) []string { return strings.Fields(scope) }
