package region

import (
	"net/http"
	"strings"
)

// crossOrigin lets apps in browsers that came from elsewhere ask the FHIR API: with
// a bearer token that they hold themselves. A session's cookie is of no use to them,
// since no answer allows credentials. https://hl7.org/fhir/R4/security.html#cors,
// https://fetch.spec.whatwg.org/#http-cors-protocol
func crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "" || !isFHIR(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Content-Location, ETag, Expires, Last-Modified, Link, Location, Retry-After, WWW-Authenticate, X-Progress, X-Security-Context")
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Encoding, Content-Type, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, Prefer, X-Requested-With, X-Security-Context")
		h.Set("Access-Control-Max-Age", "3600")
		w.WriteHeader(http.StatusNoContent)
	})
}

// isFHIR says whether a path is of the API, or is where applications sign in to it
// by what they prove themselves: never one that looks at a session.
func isFHIR(path string) bool {
	switch path {
	case "/fhir", "/cds-services", "/oidc/token", "/oidc/register", "/oidc/introspect", "/oidc/revoke", "/oidc/jwks", "/oidc/userinfo":
		return true
	}
	return strings.HasPrefix(path, "/fhir/") || strings.HasPrefix(path, "/cds-services/") || strings.HasPrefix(path, "/.well-known/") || strings.HasPrefix(path, "/oidc/.well-known/")
}
