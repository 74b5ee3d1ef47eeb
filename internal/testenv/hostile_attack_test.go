package testenv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"selda/auth"
	"selda/auth/app"
)

// The files hostile_*_test.go attack a whole region from outside, as each kind of
// account and as nobody. Each test says in its comment what opens the hole that it
// watches; docs/safety/hostile.md lists them.

// hostile is a region under attack, and who attacks it.
type hostile struct {
	*outside
}

const hostilePassword = "correct horse battery"

// attacked is a region that knows Folake, with an item of her practice.
func attacked(t *testing.T) *hostile {
	t.Helper()
	o := known(t)
	o.writes("G85915:GP", "Observation", "secret1", `"status":"final","code":{"text":"SECRETWORD"},`+atGP)
	hash, err := auth.HashPassword(hostilePassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range o.Region.Auth.Accounts.List() {
		a.PasswordHash = hash
		if err := o.Region.Auth.Accounts.Put(a); err != nil {
			t.Fatal(err)
		}
	}
	return &hostile{o}
}

// from is a client that calls from an address of this machine, and follows no redirect.
func (h *hostile) from(address string) *http.Client {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	c := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: d.DialContext}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	h.Cleanup(c.CloseIdleConnections)
	return c
}

// sent is what came back of one request with one client. Headers are "Name: value".
func (h *hostile) sent(c *http.Client, method, path, body string, headers ...string) *Answer {
	h.Helper()
	if strings.HasPrefix(path, "/") {
		path = h.HTTP + path
	}
	req, err := http.NewRequestWithContext(h.Context(), method, path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		h.Fatal(method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.Fatal(method, path, err)
	}
	return &Answer{resp.StatusCode, resp.Header, b}
}

const asForm = "Content-Type: application/x-www-form-urlencoded"

var hostileForm = regexp.MustCompile(`<form[^>]* method="post" action="([^"]*/oidc/authorize[^"]*)"`)

// signsIn gives the browser of somebody who has signed in as people do.
func (h *hostile) signsIn(user string) *http.Client {
	h.Helper()
	c, _ := h.signsInAt(user, "/login")
	return c
}

// signsInAt signs somebody in who comes by a link, and says where they are sent then.
func (h *hostile) signsInAt(user, link string) (c *http.Client, at string) {
	h.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.Fatal(err)
	}
	c = h.from("127.0.0.1")
	c.Jar = jar
	a := h.follows(c, "GET", link, "")
	m := hostileForm.FindStringSubmatch(string(a.Body))
	if m == nil {
		h.Fatalf("no form to sign in: %d %s", a.Status, a.Body)
	}
	a = h.sent(c, "POST", html.UnescapeString(m[1]), url.Values{"user": {user}, "password": {hostilePassword}}.Encode(), asForm)
	if back := a.Header.Get("Location"); a.Status == 303 {
		a = h.sent(c, "GET", back, "")
	}
	if a.Status != 303 {
		h.Fatalf("%s can't sign in: %d %s", user, a.Status, a.Body)
	}
	return c, a.Header.Get("Location")
}

// follows follows redirects within the region.
func (h *hostile) follows(c *http.Client, method, path, body string, headers ...string) *Answer {
	h.Helper()
	if method == "POST" {
		headers = append(headers, asForm)
	}
	a := h.sent(c, method, path, body, headers...)
	for range 8 {
		to := a.Header.Get("Location")
		if a.Status/100 != 3 || to != "" && !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, h.HTTP) {
			return a
		}
		a = h.sent(c, "GET", to, "")
	}
	return a
}

const (
	hostileVerifier = "0123456789012345678901234567890123456789abc"
	hostileCallback = "https://app.example/callback"
)

// registered is an application that registered itself, and was approved.
func (h *hostile) registered(m app.Metadata) (id, secret string) {
	h.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		h.Fatal(err)
	}
	a := h.sent(h.from("127.9.0.1"), "POST", "/oidc/register", string(b), "Content-Type: application/json")
	var said app.Metadata
	if err := json.Unmarshal(a.Body, &said); err != nil || a.Status != 201 {
		h.Fatalf("%d %s", a.Status, a.Body)
	}
	account := ""
	if len(m.Grants) > 0 && m.Grants[0] == app.ClientGrant {
		account = "system"
	}
	if _, err := h.Region.Auth.Apps.Approve(said.ID, "admin", account, time.Now(), time.Now().Add(48*time.Hour)); err != nil {
		h.Fatal(err)
	}
	return said.ID, said.Secret
}

// someApp is an application of the usual kind.
func someApp(name string) app.Metadata {
	return app.Metadata{Name: name, Contacts: []string{"help@app.example"}, RedirectURIs: []string{hostileCallback}, LaunchURI: "https://app.example/launch", Method: "none",
		Scope: "openid fhirUser launch launch/patient offline_access patient/Observation.rs patient/Patient.r"}
}

// authorization is an application's request, with changes.
func (h *hostile) authorization(client, scope string, change url.Values) string {
	sum := sha256.Sum256([]byte(hostileVerifier))
	q := url.Values{"response_type": {"code"}, "client_id": {client}, "redirect_uri": {hostileCallback}, "scope": {scope}, "state": {"st"}, "aud": {h.HTTP + "/fhir"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	for name, v := range change {
		if v == nil {
			q.Del(name)
		} else {
			q[name] = v
		}
	}
	return "/oidc/authorize?" + q.Encode()
}

// code has a person let an application have what it asks for, and is the code that it gets.
func (h *hostile) code(c *http.Client, client, scope string, allowed ...string) string {
	h.Helper()
	a := h.sent(c, "GET", h.authorization(client, scope, nil), "")
	screen := a.Header.Get("Location")
	if a.Status != 303 || !strings.Contains(screen, "/oidc/connect/") {
		h.Fatalf("%d %s %s", a.Status, screen, a.Body)
	}
	if a := h.sent(c, "GET", screen, ""); a.Status == 303 { // the only record there is, is taken
		screen = a.Header.Get("Location")
	}
	a = h.sent(c, "POST", screen, url.Values{"do": {"allow"}, "keep": {"yes"}, "scope": allowed}.Encode(), asForm)
	to, err := url.Parse(a.Header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		h.Fatalf("%d %s %s", a.Status, to, a.Body)
	}
	return to.Query().Get("code")
}

// tokens is what the token endpoint answers.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Scope   string
	Error   string
}

func (h *hostile) exchanged(form url.Values, headers ...string) (int, tokens) {
	h.Helper()
	a := h.sent(h.from("127.0.0.1"), "POST", "/oidc/token", form.Encode(), append(headers, asForm)...)
	var t tokens
	if err := json.Unmarshal(a.Body, &t); err != nil {
		h.Fatalf("%d %s", a.Status, a.Body)
	}
	return a.Status, t
}

func codeForm(client, code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {client}, "code": {code}, "redirect_uri": {hostileCallback}, "code_verifier": {hostileVerifier}}
}

// opens says what Folake's record and items answer to a request with headers: the
// status, and whether anything of hers came.
func (h *hostile) opens(headers ...string) (status int, leaks bool) {
	h.Helper()
	c := h.from("127.0.0.1")
	for _, path := range []string{"/fhir/Observation/secret1", "/fhir/Patient/" + h.citizen} {
		a := h.sent(c, "GET", path, "", headers...)
		status, leaks = a.Status, leaks || bytes.Contains(a.Body, []byte("SECRETWORD")) || bytes.Contains(a.Body, []byte("Adeyemi"))
	}
	return status, leaks
}

// background is a context that outlives a test's own requests.
func (h *hostile) background() context.Context { return context.WithoutCancel(h.Context()) }
