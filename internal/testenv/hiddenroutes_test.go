package testenv

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// This file asks by what the system itself says that it has: every route, and every
// search parameter and operation of the CapabilityStatement. One that is new is asked, or
// fails the test until it is said why not.

// unasked are the routes that tell nothing of a record, and why.
var unasked = map[string]string{
	"GET /metrics": "numbers of the whole region, for who runs it: in a region that holds less they are less",
	"GET /healthz": "whether the process lives", "GET /readyz": "whether it can serve", "GET /assets/": "stylesheet and scripts", "GET /favicon.ico": "a picture", "GET /.well-known/security.txt": "published",
	"GET /audit/checkpoint": "hashes of the trail, which grows with each question", "GET /audit/key": "a public key", "GET /audit/handovers": "public keys", "GET /audit/tile/{path...}": "hashes of the trail",
	"GET /.well-known/openid-configuration": "published", "GET /.well-known/smart-configuration": "published", "GET /fhir/.well-known/smart-configuration": "published", "GET /oidc/.well-known/openid-configuration": "published",
	"GET /oidc/jwks": "public keys", "GET /cds-services": "published", "GET /subscriptions/websocket": "needs a socket: what it tells is asked by $events",
	"GET /login": "sign-on, before anybody is known", "GET /login/callback": "sign-on", "GET /login/keys": "public keys", "GET /login/role": "sign-on", "POST /login/role": "sign-on", "POST /login/ended/{provider}": "sign-on",
	"POST /logout": "ends a session", "GET /signed-out": "says that one has signed out", "/oidc/": "sign-on", "GET /oidc/authorize": "sign-on", "GET /oidc/connect/{request}": "sign-on", "POST /oidc/connect/{request}": "sign-on",
	"POST /oidc/introspect": "of a token", "POST /oidc/register": "of an application", "POST /oidc/revoke": "of a token", "POST /oidc/token": "of a token", "GET /oidc/userinfo": "of the one who asks",
	"GET /account": "how somebody signs in, and their sessions, with times", "POST /account/codes": "how somebody signs in", "POST /account/codes/begin": "how somebody signs in", "POST /account/codes/recovery": "how somebody signs in", "POST /account/codes/remove": "how somebody signs in",
	"POST /account/passkeys": "how somebody signs in", "POST /account/passkeys/begin": "how somebody signs in", "POST /account/passkeys/remove": "how somebody signs in", "POST /account/sessions/all": "sessions", "POST /account/sessions/end": "sessions",
	"GET /administration/secrets": "who answers for keys and accounts, with times", "POST /administration/secrets": "who answers for keys and accounts, with times",
	"POST /record/{id}/emergency": "drawn as what the reader says first", "POST /record/{id}/declare": "drawn as what the reader says first",
	"/fhir": "asked by the interactions of FHIR", "/fhir/": "asked by the interactions of FHIR",
}

// places are what stands in the place of a route's names; {type} and {item} are of an item.
var places = map[string][]string{
	"id": {"{citizen}"}, "section": {"record", "problems", "medicines", "results", "letters", "plans", "documents", "timeline", "people", "sharing", "looked", "rights", "apps", "nothing"}, "entry": {"1", "999999"},
	"source": {"RJZ:PAS", "RJ1:API"}, "message": {"1", "m1"}, "agreement": {"hidden-items", "nothing"}, "act": {"sign", "agree", "nothing"}, "request": {"1"}, "app": {"nobody"}, "case": {"1", "nobody"}, "file": {"1"},
	"consent": {"nobody", "{key}-c0"}, "provider": {"nobody"}, "user": {"nobody", "gp"},
}

var named = regexp.MustCompile(`\{([a-z]+)(\.\.\.|\$)?\}`)

// Every route of the region is asked with what is hidden and without it, or it is said
// why it tells nothing of a record.
func TestInvariant3EveryRouteIsAsked(t *testing.T) {
	o := known(t)
	patterns := o.Region.Patterns()
	for pattern := range unasked {
		if !slices.Contains(patterns, pattern) {
			t.Errorf("%s is said not to be asked, and is no route any more", pattern)
		}
	}
	for _, pattern := range patterns {
		if unasked[pattern] != "" {
			continue
		}
		for _, m := range named.FindAllStringSubmatch(pattern, -1) {
			if m[1] != "type" && m[1] != "item" && places[m[1]] == nil {
				t.Errorf("%s: nothing is known to stand in the place of %s", pattern, m[0])
			}
		}
	}
}

// Every operation that the CapabilityStatement offers is asked, or it is said why not.
func TestInvariant3EveryOperationIsAsked(t *testing.T) {
	o := known(t)
	offered := map[string]bool{}
	for _, rest := range capability(o).Rest {
		for _, op := range rest.Operation {
			offered[op.Name] = true
		}
		for _, r := range rest.Resource {
			for _, op := range r.Operation {
				offered[op.Name] = true
			}
		}
	}
	for op := range offered {
		if !slices.Contains(askedOperations, op) && unaskedOperations[op] == "" {
			t.Errorf("$%s is neither asked, nor is it said why not", op)
		}
	}
	for _, op := range askedOperations {
		if !offered[op] {
			t.Errorf("$%s is asked, and is not offered any more", op)
		}
	}
}

// askedOperations are asked by hiddenask_test.go and hiddenwider_test.go.
var askedOperations = []string{"everything", "lastn", "match", "graphql", "meta", "validate", "document", "export", "status", "events"}

var unaskedOperations = map[string]string{
	"import": "takes in, and is for source systems", "convert": "gives back what is sent", "closure": "of terminology", "lookup": "of terminology", "subsumes": "of terminology", "validate-code": "of terminology", "translate": "of terminology", "expand": "of terminology",
	"meta-add": "a write: who may not is told so, whatever there is", "meta-delete": "a write", "merge": "a write of source systems", "get-ws-binding-token": "a token, made anew each time",
}

// statement is what is read of a CapabilityStatement.
type statement struct {
	Rest []struct {
		Operation []struct{ Name string }
		Resource  []struct {
			Type        string
			Operation   []struct{ Name string }
			SearchParam []struct{ Name, Type string }
		}
	}
}

func capability(o *outside) (s statement) {
	o.Helper()
	_, body := o.asks("gp", "GET", "/fhir/metadata", "")
	if err := json.Unmarshal([]byte(body), &s); err != nil || len(s.Rest) == 0 {
		o.Fatal(err, body)
	}
	return s
}

// routes asks some of the routes, at whose end what the reader says may be kept: it is
// said in both regions alike.
func (h *hidden) routes(t *rapid.T, w *written, refs []string) {
	var list []string
	for _, pattern := range h.patterns {
		mine := map[string]string{"citizen": "/me", "helper": "/for/"}[w.reader]
		if unasked[pattern] == "" && (mine == "" && !strings.Contains(pattern, " /me") || mine != "" && (strings.Contains(pattern, " "+mine) || oneIn(t, 12, "of others"))) {
			list = append(list, pattern)
		}
	}
	for range 5 {
		method, path, _ := strings.Cut(pick(t, list, "route"), " ")
		if path == "" { // of any method
			method, path = http.MethodGet, method
		}
		ref := pick(t, refs, "of")
		typ, id, _ := strings.Cut(ref, "/")
		path = named.ReplaceAllStringFunc(path, func(s string) string {
			switch name := named.FindStringSubmatch(s)[1]; {
			case s == "{$}":
				return ""
			case name == "type":
				return typ
			case name == "item":
				return id
			default:
				return strings.ReplaceAll(pick(t, places[name], name), "{key}", w.key)
			}
		})
		if method == http.MethodGet {
			h.same(t, w, method, path, "")
			continue
		}
		form := url.Values{"item": {ref}, "choice": {pick(t, []string{"item", "object", "kind", "all", "organisation"}, "choice")}, "kind": {"results"}, "organisation": {"RJZ"}, "number": {w.number.Digits()}, "q": {w.number.Digits()},
			"why": {"asked"}, "reason": {"asked"}, "authority": {"in-person"}, "evidence": {"seen"}, "user": {"nobody"}, "as": {"own-wish"}, "by": {"RJZ:PAS"}, "stop": {"nobody"}, "message": {"1"}, "words": {"asked"}, "reader": {"doctor"}, "type": {typ}, "id": {id}}
		if oneIn(t, 2, "kept") {
			form.Set("save", "yes")
		}
		h.with(t, w, method, path, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	}
}

// parameters asks by search parameters, of those that the CapabilityStatement names.
func (h *hidden) parameters(t *rapid.T, w *written) {
	who := "{citizen}"
	if w.reader == "system" {
		who = w.key + "-0"
	}
	for range 4 {
		typ := pick(t, hiddenTypes, "type")
		param := pick(t, h.searched[typ], "parameter")
		value := pick(t, map[string][]string{
			"token": {"44054006", "http://snomed.info/sct|271649006", "final", "active", "urn:x|271649006" + w.key, "|", "laboratory"}, "date": {"ge2026-10-10", "2026-10", "lt2026-10-20", "sa2026-10-05"}, "reference": {"Patient/" + who, "Encounter/" + w.key + "-1-0", "Observation/" + w.key + "-0-0", w.key + "-2-1"},
			"string": {"words", "a", "plan"}, "quantity": {"gt3", "5", "le4||mmol/L"}, "number": {"1", "gt0"}, "uri": {"urn:x"}, "composite": {"271649006$gt1", "44054006$5"}, "special": {"x"},
		}[param[1]], "value")
		modifier := ""
		if modifiers := map[string][]string{"token": {"", "", ":not", ":text", ":missing", ":in", ":below"}, "string": {"", ":exact", ":contains", ":missing"}, "reference": {"", ":missing", ":identifier", ":Patient"}}[param[1]]; modifiers != nil {
			modifier = pick(t, modifiers, "modifier")
		}
		if modifier == ":missing" {
			value = pick(t, []string{"true", "false"}, "missing")
		}
		about := map[string]string{"AllergyIntolerance": "patient"}[typ]
		if about == "" {
			about = "subject"
		}
		path := "/fhir/" + typ + "?" + about + "=Patient/" + who + "&" + param[0] + modifier + "=" + url.QueryEscape(value)
		h.same(t, w, http.MethodGet, strings.ReplaceAll(path, "%7Bcitizen%7D", "{citizen}")+pick(t, []string{"", "&_count=1", "&_summary=count", "&_sort=" + param[0], "&_sort=-" + param[0] + "&_count=2", "&_total=accurate"}, "more"), "")
	}
}
