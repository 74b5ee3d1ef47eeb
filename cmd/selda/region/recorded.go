package region

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/audit"
	"selda/fhir"
	"selda/policy"
)

// This file has every request leave an entry in the trail. What opens a record
// enters it where it is decided, with its rules; of what is left (a refusal before
// anything was decided, a page that opens nobody's record) an entry is made as the answer
// begins. What needs none is named here, with the reason.

// routes are the routes of a region, with their patterns.
type routes struct {
	*http.ServeMux
	patterns []string
}

// Handle adds a route.
func (m *routes) Handle(pattern string, h http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}

// HandleFunc adds a route.
func (m *routes) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(f))
}

// Patterns are those of every route of the region.
func (r *Region) Patterns() []string {
	m := &routes{ServeMux: http.NewServeMux()}
	r.route(m)
	slices.Sort(m.patterns)
	return m.patterns
}

// Unrecorded are the routes whose answers, where they are no refusals, are in no
// trail: why.
var Unrecorded = map[string]string{
	"GET /healthz": "whether the process lives", "GET /readyz": "whether it can serve", "GET /metrics": "numbers without people",
	"GET /.well-known/security.txt": "published", "GET /audit/checkpoint": "published", "GET /audit/key": "published", "GET /audit/handovers": "published", "GET /audit/tile/{path...}": "published",
	"GET /assets/": "stylesheet and scripts", "GET /favicon.ico": "a picture", "GET /notice": "the notice for everybody",
	"GET /login": "leads to the form of sign-on", "GET /login/keys": "public keys", "GET /signed-out": "says that one has signed out", "POST /leave": "leads elsewhere, and enters that a session ended", "/oidc/": "forms and keys of sign-on, which enters what comes of it",
	"GET /fhir/.well-known/smart-configuration": "published", "GET /.well-known/smart-configuration": "published", "GET /.well-known/openid-configuration": "published",
	"GET /oidc/.well-known/openid-configuration": "published", "GET /oidc/jwks": "public keys", "GET /cds-services": "published",
}

// definitions are what is of no person and no organisation: the standard's own,
// and what codes mean.
var definitions = map[string]bool{"metadata": true, "CodeSystem": true, "ValueSet": true, "ConceptMap": true, "StructureDefinition": true, "OperationDefinition": true, "NamingSystem": true,
	"CompartmentDefinition": true, "SearchParameter": true, "$convert": true, "$versions": true}

// outside has a refusal recorded that comes before it is known who asks.
func (r *Region) outside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		audit.Otherwise(req.Context(), func(status int) error { return r.enter(req, policy.Subject{}, status) })
		next.ServeHTTP(w, req)
	})
}

// recorded has a request recorded of which nothing else is.
func (r *Region) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		audit.Otherwise(req.Context(), func(status int) error {
			ask := r.Auth.Subject
			if isFHIR(req.URL.Path) {
				ask = r.Auth.FHIRSubject
			}
			s, err := ask(req)
			if err != nil {
				s = policy.Subject{}
			}
			return r.enter(req, s, status)
		})
		next.ServeHTTP(w, req)
	})
}

// enter enters a request with what it was answered.
func (r *Region) enter(req *http.Request, s policy.Subject, status int) error {
	refused := status >= http.StatusBadRequest
	_, public := Unrecorded[req.Pattern]
	first := firstOf(req.URL.Path)
	if !refused && (public || s.User == "" || definitions[first]) {
		return nil
	}
	e := audit.From(s, audit.Read, requested(req, first))
	switch req.Method {
	case http.MethodGet, http.MethodHead:
	default:
		e.Action = audit.Administer
	}
	if refused {
		e.Outcome, e.Rules = audit.Deny, audit.NotDecided(http.StatusText(status))
	}
	if s.User == "" && !r.strangers.admit(req.RemoteAddr, r.Now()) {
		return nil
	}
	return r.Trail.Enter(req.Context(), e)
}

// firstOf is the first part of a path below /fhir; "" of another.
func firstOf(path string) string {
	rest, ok := strings.CutPrefix(path, "/fhir/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	return first
}

// requested names what was asked for by its route: a path may hold whatever
// somebody typed.
func requested(req *http.Request, first string) string {
	what := strings.TrimSuffix(req.Pattern, "{$}")
	if fhir.IsResourceType(first) || definitions[first] {
		what = "/fhir/" + first
	}
	if what == "" {
		what = "no such path"
	}
	if !strings.HasPrefix(what, req.Method+" ") {
		what = req.Method + " " + what
	}
	return what
}

// strangers bounds how many refusals of one address that has not signed in
// are entered: whoever knocks all day shall not fill the trail.
type strangers struct {
	mu     sync.Mutex
	minute time.Time
	from   map[string]int
}

const (
	refusalsAMinute = 60     // of one address
	addressesMost   = 10_000 // that are told apart in a minute
)

// admit says whether another refusal of an address is entered.
func (s *strangers) admit(address string, now time.Time) bool {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(s.minute) {
		s.minute, s.from = minute, map[string]int{}
	}
	if _, known := s.from[address]; !known && len(s.from) >= addressesMost {
		address = ""
	}
	s.from[address]++
	return s.from[address] <= refusalsAMinute
}
