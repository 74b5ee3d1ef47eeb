package auth

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
	"selda/policy"
)

// asked is an application's request that was found in order, while the person
// decides. It is kept here, not in the page: nobody can change it on the way.
type asked struct {
	App       string    `json:"app"`
	User      string    `json:"user"`
	Redirect  string    `json:"redirect"`
	State     string    `json:"state"`
	Nonce     string    `json:"nonce,omitempty"`
	Challenge string    `json:"challenge"`
	Scopes    []string  `json:"scopes"`
	Patient   string    `json:"patient,omitempty"`
	Purpose   string    `json:"purpose,omitempty"`
	Launched  bool      `json:"launched,omitempty"` // from a record: the patient is set
	Intent    string    `json:"intent,omitempty"`
	At        time.Time `json:"at"`
}

// askedFor is how long somebody may take to decide.
const askedFor = 15 * time.Minute

const (
	asksOf       = 200 // requests of applications that are kept for one user in an hour
	asksAll      = 50_000
	maxAuthorize = 8 << 10
	maxStateLen  = 2048
)

// needsPatient says whether the request is about one patient.
func (q *asked) needsPatient() bool {
	return has(q.Scopes, "launch/patient") || slices.ContainsFunc(resources(q.Scopes), func(s policy.Scope) bool { return s.Level == policy.PatientLevel })
}

// authorize takes an application's request. Who has not signed in does so
// first, with whichever provider.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code
func (a *Auth) authorize(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if a.builtIn != nil && a.builtInClient(q.Get("client_id")) {
		a.builtIn.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	base, err2 := a.base(r)
	if err2 != nil {
		a.say(w, http.StatusMisdirectedRequest, "Use another address", fault.Reason(err2)+".")
		return
	}
	for _, values := range q {
		if len(values) > 1 { // RFC 6749, section 3.1
			err = errors.New("twice")
		}
	}
	if err != nil || len(r.URL.RawQuery) > maxAuthorize {
		a.notConnected(w, http.StatusBadRequest, "The link that brought you here is not in order.")
		return
	}
	// Until application and place are known to fit nobody is sent anywhere: RFC 9700, section 4.11.
	client, err := a.Apps.Find(q.Get("client_id"))
	if err != nil {
		a.notConnected(w, http.StatusBadRequest, "The application that sent you here is not known.")
		return
	}
	if !slices.Contains(client.RedirectURIs, q.Get("redirect_uri")) {
		a.notConnected(w, http.StatusBadRequest, "The application asked for its answer to go to a place that is not registered for it.")
		return
	}
	if state := client.State(time.Now()); state != app.Live {
		a.notConnected(w, http.StatusForbidden, stateWords[state])
		return
	}
	if bad := badRequest(&client, q, base); bad != (oauthError{}) {
		a.tellApp(w, r, q.Get("redirect_uri"), q.Get("state"), base, bad)
		return
	}
	a.signedInFor(w, r, &client, q, base)
}

// stateWords say why an application can't be used.
var stateWords = map[string]string{
	app.Pending: "The application is waiting for approval. Nobody can use it yet.",
	app.Stopped: "The application was stopped. Nothing was shared with it.",
	app.Expired: "The application's approval has ended. Nothing was shared with it.",
}

// oauthError is why a request is refused, in OAuth's words.
type oauthError struct{ code, words string }

// badRequest says what is wrong with a request whose application and place are right.
func badRequest(client *app.App, q url.Values, base string) oauthError {
	switch aud := strings.TrimSuffix(q.Get("aud"), "/"); {
	case q.Get("response_type") != "code":
		return oauthError{"unsupported_response_type", "the only response type is code"}
	case q.Has("request") || q.Has("request_uri"):
		return oauthError{"request_not_supported", "request objects are not supported"}
	case q.Has("response_mode") && q.Get("response_mode") != "query":
		return oauthError{"invalid_request", "the only response mode is query"}
	case q.Get("state") == "" || len(q.Get("state")) > maxStateLen || len(q.Get("nonce")) > maxStateLen:
		return oauthError{"invalid_request", "state is needed, of at most 2048 letters"}
	case q.Get("code_challenge_method") != "S256" || !provider.PKCEText(q.Get("code_challenge"), 43, 43):
		return oauthError{"invalid_request", "PKCE with S256 is needed"}
	case aud != base+"/fhir":
		return oauthError{"invalid_request", "aud is the address of the FHIR server: " + base + "/fhir"}
	}
	asks := strings.Fields(q.Get("scope"))
	granted := grantable(client, asks)
	launch := has(asks, "launch")
	switch {
	case len(granted) == 0:
		return oauthError{"invalid_scope", "the application may have none of these scopes"}
	case launch && !has(granted, "launch"):
		return oauthError{"invalid_scope", "the application is not registered for launches from a record"}
	case launch != (q.Get("launch") != ""):
		return oauthError{"invalid_request", "a launch from a record has the scope launch and the parameter launch"}
	}
	return oauthError{}
}

// grantable are the scopes of those asked for that an application may have.
func grantable(client *app.App, asks []string) (out []string) {
	for _, w := range app.OtherScopes() {
		if has(asks, w) && has(client.Scopes, w) {
			out = append(out, w)
		}
	}
	return append(out, words(policy.Narrowed(resources(asks), client.Resources()))...)
}

// signedInFor keeps the request for whoever has signed in, and asks them.
func (a *Auth) signedInFor(w http.ResponseWriter, r *http.Request, client *app.App, q url.Values, base string) {
	prompt := q.Get("prompt")
	s, err := a.sessionSubject(r)
	if err != nil || prompt == "login" {
		if prompt == "none" {
			a.tellApp(w, r, q.Get("redirect_uri"), q.Get("state"), base, oauthError{"login_required", ""})
			return
		}
		q.Del("prompt") // it is done now
		back := authorizePath + "?" + q.Encode()
		if len(back) > maxReturn {
			a.say(w, http.StatusOK, "Sign in first", "The application asks for so much that it can't wait here while you sign in. Sign in, and then open the application again.")
			return
		}
		http.Redirect(w, r, "/login?return="+url.QueryEscape(back), http.StatusSeeOther)
		return
	}
	if prompt == "none" {
		a.tellApp(w, r, q.Get("redirect_uri"), q.Get("state"), base, oauthError{"consent_required", "the person is asked each time"})
		return
	}
	if !serves(client, s.Role) {
		a.tellApp(w, r, q.Get("redirect_uri"), q.Get("state"), base, oauthError{"access_denied", "the application is not for people of this role"})
		return
	}
	purpose, err := purposeAsked(s.Role, s.Purpose, q.Get("purpose_of_use"))
	if err != nil {
		a.tellApp(w, r, q.Get("redirect_uri"), q.Get("state"), base, oauthError{"invalid_request", fault.Reason(err)})
		return
	}
	ask := asked{App: client.ID, Purpose: string(purpose), User: s.User, Redirect: q.Get("redirect_uri"), State: q.Get("state"), Nonce: q.Get("nonce"), Challenge: q.Get("code_challenge"),
		Scopes: grantable(client, strings.Fields(q.Get("scope"))), At: time.Now()}
	if has(ask.Scopes, "launch") {
		l, ok := a.takeLaunch(q.Get("launch"))
		if !ok || l.User != s.User || l.App != client.ID {
			// Whose it was learns nothing, and it is gone: RFC 9700 would have a code treated so.
			_ = a.record(r.Context(), Event{Kind: AppDeclined, Time: time.Now(), Subject: s, App: client.ID, Address: a.conf.Address(r), Reason: "the launch was not this user's, or was used"})
			a.tellApp(w, r, ask.Redirect, ask.State, base, oauthError{"invalid_request", "the launch is not known: it holds once, for five minutes, for the user who made it"})
			return
		}
		ask.Patient, ask.Intent, ask.Launched = l.Citizen, l.Intent, true
	}
	id := ""
	if !a.asking.allow(s.User, asksOf, asksAll, time.Now()) { // each is kept while somebody decides
		err = fault.E("auth.authorize", fault.Throttled, "too many requests")
	} else {
		id, err = a.keepAsked("", ask)
	}
	if err != nil {
		a.tellApp(w, r, ask.Redirect, ask.State, base, oauthError{"temporarily_unavailable", ""})
		return
	}
	http.Redirect(w, r, connectPath+id, http.StatusSeeOther)
}

func (a *Auth) keepAsked(id string, q asked) (string, error) {
	if id == "" {
		id = rand.Text()
	}
	b, err := json.Marshal(q)
	if err != nil {
		return "", err
	}
	return id, a.passing.Put(passingAsked, id, b, q.At.Add(askedFor))
}

// tellApp answers an application by way of the browser. RFC 6749, section 4.1.2.1;
// iss is RFC 9207's: the application can tell who answers.
func (a *Auth) tellApp(w http.ResponseWriter, r *http.Request, redirect, state, base string, e oauthError) {
	http.Redirect(w, r, provider.AddQuery(redirect, "error", e.code, "error_description", e.words, "state", state, "iss", provider.Issuer(base)), http.StatusSeeOther)
}

func (a *Auth) notConnected(w http.ResponseWriter, status int, text string) {
	provider.Message(w, status, a.conf.Stylesheet, "The application could not be connected", text+" Nothing was shared.", "/", "Go to SELDA")
}
