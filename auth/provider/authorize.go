package provider

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/fault"
)

const (
	maxForm  = 16 << 10
	maxQuery = 8 << 10
	maxState = 2048
	maxUser  = 128

	notNow = "Signing in does not work at the moment. Nothing was changed. Try again in a minute."
)

// request is an authorization request that was found in order.
type request struct {
	client                  Client
	base, issuer, redirect  string
	state, nonce, challenge string
	prompt                  string
}

// refusal is why a request was not in order. Where redirect is set the client
// hears of it, by an OAuth error code; else nobody but the person does, since
// a wrong redirect URI is not to be followed.
type refusal struct{ code, words string }

func (p *OpenID) authorize(w http.ResponseWriter, r *http.Request) {
	req, ok := p.request(w, r)
	if !ok {
		return
	}
	if req.prompt == "none" {
		// Every sign-in asks for the password, so it can't be done in silence.
		req.refuse(w, r, refusal{"login_required", ""})
		return
	}
	p.form(w, r, http.StatusOK, req, "", "")
}

// request checks an authorization request, and has answered where it is not ok.
// https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
func (p *OpenID) request(w http.ResponseWriter, r *http.Request) (request, bool) {
	var req request
	base, err := p.conf.Base(r)
	if err != nil {
		p.errorPage(w, http.StatusMisdirectedRequest, misdirected)
		return req, false
	}
	if len(r.URL.RawQuery) > maxQuery {
		p.errorPage(w, http.StatusBadRequest, "The link is too long to be one of ours.")
		return req, false
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	for _, values := range q {
		if len(values) > 1 { // RFC 6749, section 3.1
			err = errors.New("twice")
		}
	}
	client, known := p.client(q.Get("client_id"))
	if err != nil || !known {
		p.errorPage(w, http.StatusBadRequest, "The application that sent you here is not known.")
		return req, false
	}
	if !slices.Contains(absolute(base, client.RedirectURIs), q.Get("redirect_uri")) {
		p.errorPage(w, http.StatusBadRequest, "The application that sent you here asked for the answer to go to a place that is not registered for it.")
		return req, false
	}
	req = request{client: client, base: base, issuer: Issuer(base), redirect: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"),
		challenge: q.Get("code_challenge"), prompt: q.Get("prompt")}
	if bad := req.check(q); bad != (refusal{}) {
		req.refuse(w, r, bad)
		return req, false
	}
	return req, true
}

// check says what is wrong with a request whose client and redirect URI are right.
func (req *request) check(q url.Values) refusal {
	switch {
	case q.Get("response_type") != "code":
		return refusal{"unsupported_response_type", "the only response type is code"}
	case q.Has("request") || q.Has("request_uri"):
		return refusal{"request_not_supported", "request objects are not supported"}
	case q.Has("response_mode") && q.Get("response_mode") != "query":
		return refusal{"invalid_request", "the only response mode is query"}
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		return refusal{"invalid_scope", "the scope lacks openid"}
	case req.state == "" || len(req.state) > maxState:
		return refusal{"invalid_request", "state is needed"}
	case req.nonce == "" || len(req.nonce) > maxState:
		return refusal{"invalid_request", "nonce is needed"}
	case q.Get("code_challenge_method") != "S256" || !PKCEText(req.challenge, 43, 43):
		return refusal{"invalid_request", "PKCE with S256 is needed"}
	}
	return refusal{}
}

// refuse tells the client.
func (req *request) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	to := AddQuery(req.redirect, "error", why.code, "error_description", why.words, "state", req.state, "iss", req.issuer)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// signIn is the form, posted.
func (p *OpenID) signIn(w http.ResponseWriter, r *http.Request) {
	req, ok := p.request(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.errorPage(w, http.StatusBadRequest, "The form did not arrive whole. Go back and try again.")
		return
	}
	switch {
	case r.PostForm.Get("half") != "":
		p.second(w, r, req)
		return
	case p.conf.Factors != nil && r.PostForm.Get("passkey") != "":
		p.passkey(w, r, req)
		return
	}
	user, password := strings.TrimSpace(r.PostForm.Get("user")), r.PostForm.Get("password")
	if user == "" || password == "" {
		p.form(w, r, http.StatusUnprocessableEntity, req, user, "Enter your user name and your password")
		return
	}
	if len(user) > maxUser { // no account has it, and it would be counted in memory
		p.form(w, r, http.StatusUnprocessableEntity, req, "", "The user name and the password do not fit together")
		return
	}
	address := p.conf.Address(r)
	if wait := p.tries.try(user, address, time.Now()); wait > 0 {
		p.throttled(w, r, req, user, wait)
		return
	}
	err := p.conf.People.SignIn(r.Context(), user, password, address)
	switch {
	case err == nil:
	case fault.Is(err, fault.Login):
		p.form(w, r, http.StatusUnprocessableEntity, req, user, "The user name and the password do not fit together")
		return
	default:
		p.tries.forget(user, address)
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
		return
	}
	p.tries.forget(user, address) // its network is known once the whole sign-in was right
	if p.conf.Factors != nil && p.half(w, r, req, user) {
		return
	}
	p.own(w, r, req, user, "pwd")
}

// done sends the client its code. amr is how the person proved themselves: RFC 8176.
func (p *OpenID) done(w http.ResponseWriter, r *http.Request, req request, user string, amr ...string) {
	p.tries.right(user, p.conf.Address(r), time.Now())
	code := rand.Text()
	if err := p.keep(code, issued{Client: req.client.ID, Redirect: req.redirect, Nonce: req.nonce, Challenge: req.challenge, User: user, At: time.Now(), AMR: amr}); err != nil {
		p.errorPage(w, http.StatusServiceUnavailable, notNow)
		return
	}
	http.Redirect(w, r, AddQuery(req.redirect, "code", code, "state", req.state, "iss", req.issuer), http.StatusSeeOther)
}

// PKCEText says whether s is unreserved text as PKCE wants it. RFC 7636, section 4.1.
func PKCEText(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}

// AddQuery adds pairs of name and value to a URI's query; empty values are left out.
func AddQuery(uri string, pairs ...string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
