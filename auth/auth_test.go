package auth

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"selda/auth/provider"
	"selda/fault"
	"selda/nhs"
)

const password = "correct horse"

var hash = sync.OnceValue(func() PasswordHash {
	h, err := HashPassword(password)
	if err != nil {
		panic(err)
	}
	return h
})

func number(t testing.TB, s string) nhs.Number {
	t.Helper()
	n, err := nhs.ParseNumber(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func someAccounts(t testing.TB) []Account {
	return []Account{
		{User: "gp", Name: "Dr A Okafor", Role: nhs.GP, Organisation: "G85001", OrganisationName: "Old Kent Road Surgery", PasswordHash: hash()},
		{User: "citizen", Name: "Folake Adeyemi", Role: nhs.Citizen, NHSNumber: number(t, "9991234519"), PasswordHash: hash()},
		{User: "parent", Name: "Bola Adeyemi", Role: nhs.Proxy, For: []nhs.Number{number(t, "9991234519")}, PasswordHash: hash()},
		{User: "system", Name: "PAS", Role: nhs.SourceSystem, Organisation: "RJZ", Source: "RJZ:PAS"},
	}
}

// region is a server of pages, as much as sign-on needs, with its events.
type region struct {
	*Auth
	handler http.Handler
	mu      sync.Mutex
	events  []Event
	full    bool // the audit trail refuses
}

func newRegion(t testing.TB, conf Config) *region {
	t.Helper()
	g := &region{}
	if conf.Dir == "" {
		conf.Dir = t.TempDir()
	}
	if conf.Accounts == nil {
		conf.Accounts = tableOf(conf.Dir)
	}
	conf.OnEvent = func(_ context.Context, e Event) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.full {
			return fault.E("test", fault.NoStore, "the disk is full")
		}
		g.events = append(g.events, e)
		return nil
	}
	a, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Accounts.List()) == 0 {
		if err := a.Accounts.Add(someAccounts(t)...); err != nil {
			t.Fatal(err)
		}
	}
	g.Auth = a
	mux := http.NewServeMux()
	a.Routes(mux)
	page := func(w http.ResponseWriter, r *http.Request) {
		s, err := a.Subject(r)
		switch {
		case err == nil:
			io.WriteString(w, "hello "+s.User+" for "+string(s.Purpose))
		case r.Method == http.MethodGet && r.Header.Get("Authorization") == "":
			http.Redirect(w, r, LoginURL(r), http.StatusSeeOther)
		default:
			http.Error(w, fault.KindOf(err).String(), http.StatusUnauthorized)
		}
	}
	mux.HandleFunc("/{$}", page)
	mux.HandleFunc("/record/", page)
	mux.HandleFunc("/favicon.ico", page)
	mux.HandleFunc("/fhir/", func(w http.ResponseWriter, r *http.Request) {
		s, err := a.FHIRSubject(r)
		if err != nil || s.Scopes == nil {
			page(w, r)
			return
		}
		io.WriteString(w, "hello "+s.User+" by "+s.Scopes.App+" at "+s.Scopes.Patient+" to "+strings.Join(words(s.Scopes.List), " "))
	})
	g.handler = a.Wrap(mux)
	return g
}

func (g *region) kinds() []EventKind {
	g.mu.Lock()
	defer g.mu.Unlock()
	var k []EventKind
	for _, e := range g.events {
		k = append(k, e.Kind)
	}
	return k
}

// browser goes to the handler without a socket, and keeps cookies.
type browser struct {
	*http.Client
	t       testing.TB
	origin  string
	headers http.Header
	visited []string
}

func (g *region) browser(t testing.TB, origin string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, origin: origin, headers: http.Header{}}
	b.Client = &http.Client{Jar: jar, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		b.visited = append(b.visited, req.URL.String())
		r := req.Clone(req.Context())
		r.RequestURI, r.RemoteAddr, r.Host = req.URL.RequestURI(), "192.0.2.7:5000", req.URL.Host
		if r.Body == nil {
			r.Body = http.NoBody
		}
		for k, v := range b.headers {
			r.Header[k] = v
		}
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		resp := w.Result()
		resp.Request = req
		return resp, nil
	})}
	return b
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	resp, err := b.Get(b.origin + path)
	if err != nil {
		b.t.Fatal(err)
	}
	return body(b.t, resp)
}

func (b *browser) post(path string, form url.Values) (int, string) {
	b.t.Helper()
	resp, err := b.PostForm(b.origin+path, form)
	if err != nil {
		b.t.Fatal(err)
	}
	return body(b.t, resp)
}

func body(t testing.TB, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	s, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(s)
}

var formAction = regexp.MustCompile(`<form class="selda-plain-form" method="post" action="([^"]+)"`)

func actionOf(t testing.TB, page string) string {
	t.Helper()
	m := formAction.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no sign-in form on the page: %s", page)
	}
	return html.UnescapeString(m[1])
}

// signIn goes to a page and fills the form that comes.
func (b *browser) signIn(path, user, password string) (int, string) {
	b.t.Helper()
	_, page := b.get(path)
	return b.post(actionOf(b.t, page), url.Values{"user": {user}, "password": {password}})
}

func TestSignInAndOut(t *testing.T) {
	for _, c := range []struct{ conf, origin, cookie string }{
		{"", "http://127.0.0.1:41234", "selda"},
		{"", "http://localhost:8080", "selda"},
		{"", "http://[::1]:8080", "selda"},
		{"https://selda.example", "https://selda.example", "__Host-selda"},
	} {
		t.Run(c.origin, func(t *testing.T) {
			g := newRegion(t, Config{PublicURL: c.conf})
			b := g.browser(t, c.origin)
			status, page := b.signIn("/record/c1?tab=results", "gp", password)
			if status != 200 || page != "hello gp for TREAT" {
				t.Fatal(status, page)
			}
			if last := b.visited[len(b.visited)-1]; last != c.origin+"/record/c1?tab=results" {
				t.Error("came back to", last)
			}
			u, _ := url.Parse(c.origin)
			if cookies := b.Jar.Cookies(u); len(cookies) != 1 || cookies[0].Name != c.cookie {
				t.Error("cookies", cookies)
			}
			for _, v := range b.visited { // a URL is kept in histories and logs
				if strings.Contains(v, "user=") || strings.Contains(v, "horse") {
					t.Error("told in a URL:", v)
				}
			}
			if status, page = b.post("/logout", nil); status != 200 || !strings.Contains(page, "You have signed out") {
				t.Error(status, page)
			}
			if _, page = b.get("/"); !strings.Contains(page, "Password") {
				t.Error("still signed in:", page)
			}
			if got := g.kinds(); !slices.Equal(got, []EventKind{SignedIn, SignedOut}) {
				t.Error(got)
			}
			e := g.events[0]
			if e.Subject.User != "gp" || e.Subject.Organisation != "G85001" || e.Subject.Purpose != nhs.Treatment || e.Address != "192.0.2.7" || e.Provider != "selda" {
				t.Errorf("%+v", e)
			}
		})
	}
}

// The server's port is picked at start, over real sockets, and the server
// never waits for itself: it answers one request at a time here.
func TestSignInOverOneConnection(t *testing.T) {
	g := newRegion(t, Config{})
	one := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one <- struct{}{}
		defer func() { <-one }()
		g.handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	b := &browser{Client: &http.Client{Jar: jar, Timeout: 10 * time.Second}, t: t, origin: server.URL}
	if _, page := b.signIn("/", "citizen", password); page != "hello citizen for PATRQT" {
		t.Error(page)
	}
}

func TestWrongPassword(t *testing.T) {
	g := newRegion(t, Config{})
	for user, reason := range map[string]string{"gp": "the password was wrong", "nobody": "no account has that user name", "system": "the password was wrong"} {
		g.events = nil
		status, page := g.browser(t, "http://localhost").signIn("/", user, "wrong")
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, "do not fit together") {
			t.Error(user, status, page)
		}
		if len(g.events) != 1 || g.events[0].Kind != Refused || g.events[0].Reason != reason {
			t.Errorf("%s: %+v", user, g.events)
		}
		if known := g.events[0].Subject.User != ""; known != (user != "nobody") {
			t.Errorf("%s: what was typed is in the trail: %+v", user, g.events[0])
		}
	}
}

// What the audit trail does not hold does not happen.
func TestNoAuditNoSignIn(t *testing.T) {
	g := newRegion(t, Config{})
	b := g.browser(t, "http://localhost")
	g.full = true
	if status, _ := b.signIn("/", "gp", password); status != http.StatusServiceUnavailable {
		t.Error("signed in without a trail", status)
	}
	if status, _ := g.browser(t, "http://localhost").signIn("/", "gp", "wrong"); status != http.StatusServiceUnavailable {
		t.Error("refused without a trail", status)
	}
	if _, err := g.Token(t.Context(), "gp", nhs.Treatment, time.Hour); !fault.Is(err, fault.NoStore) {
		t.Error("a token without a trail", err)
	}
	g.full = false
	if _, page := b.get("/"); !strings.Contains(page, "Password") {
		t.Error(page)
	}
	if _, page := b.signIn("/", "gp", password); page != "hello gp for TREAT" {
		t.Error(page)
	}
	g.full = true
	if status, page := b.post("/logout", nil); status != http.StatusServiceUnavailable || !strings.Contains(page, "You have signed out") {
		t.Error(status, page)
	}
	g.full = false
	if _, page := b.get("/"); !strings.Contains(page, "Password") {
		t.Error("the session outlived its end")
	}
}

func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRegion(t, Config{})
		b := g.browser(t, "http://localhost")
		in := func() bool { _, page := b.get("/"); return strings.HasPrefix(page, "hello") }
		b.signIn("/", "gp", password)
		time.Sleep(29 * time.Minute)
		if !in() {
			t.Error("ended before it was idle for 30 minutes")
		}
		time.Sleep(29 * time.Minute)
		if !in() {
			t.Error("ended though it was used")
		}
		time.Sleep(31 * time.Minute)
		if in() {
			t.Error("lives after 31 idle minutes")
		}
		b.signIn("/", "gp", password)
		for range 8*60/20 - 1 {
			time.Sleep(20 * time.Minute)
			if !in() {
				t.Fatal("ended though it was used")
			}
		}
		time.Sleep(21 * time.Minute)
		if in() {
			t.Error("lives after 8 hours")
		}
		req := httptest.NewRequest("POST", "http://localhost/fhir/", nil)
		req.AddCookie(&http.Cookie{Name: "selda", Value: "long gone"})
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, req)
		if w.Code != 401 || strings.TrimSpace(w.Body.String()) != fault.Expired.String() {
			t.Error(w.Code, w.Body)
		}
	})
}

func TestSessionFollowsTheAccount(t *testing.T) {
	g := newRegion(t, Config{})
	b := g.browser(t, "http://localhost")
	b.signIn("/", "gp", password)
	if err := g.Accounts.Remove("gp"); err != nil {
		t.Fatal(err)
	}
	if _, page := b.get("/"); !strings.Contains(page, "Password") {
		t.Error("the session of an account that is gone:", page)
	}
}

// A session holds for the role and organisation that it began with, whoever changes them.
func TestASessionIsOfOneRole(t *testing.T) {
	for name, change := range map[string]func(*Account){"role": func(a *Account) { a.Role = nhs.Nurse }, "organisation": func(a *Account) { a.Organisation = "RJZ" }} {
		g := newRegion(t, Config{})
		b := g.browser(t, "http://localhost")
		b.signIn("/", "gp", password)
		if err := g.Accounts.Alter("gp", change); err != nil {
			t.Fatal(err)
		}
		if _, page := b.get("/"); strings.HasPrefix(page, "hello") {
			t.Errorf("a session outlives its %s: %s", name, page)
		}
	}
}

// A token that somebody planted in the browser is not the one after sign-in.
func TestSessionFixation(t *testing.T) {
	g := newRegion(t, Config{})
	thief, victim := g.browser(t, "http://localhost"), g.browser(t, "http://localhost")
	thief.signIn("/", "parent", password)
	u, _ := url.Parse("http://localhost")
	planted := thief.Jar.Cookies(u)
	victim.Jar.SetCookies(u, planted)
	if _, page := victim.signIn("/login", "gp", password); page != "hello gp for TREAT" {
		t.Fatal(page)
	}
	if after := victim.Jar.Cookies(u); after[0].Value == planted[0].Value {
		t.Error("the session kept its token")
	}
	if _, page := thief.get("/"); strings.HasPrefix(page, "hello") {
		t.Error("the thief is", page)
	}
}

// A request that is under way while the session is ended does not bring it back.
func TestEndedSessionStaysEnded(t *testing.T) {
	s := newSessions(Config{Idle: time.Minute, Absolute: time.Hour})
	ctx, _ := s.Load(context.Background(), "")
	s.Put(ctx, sessionUser, "gp")
	token, _, _ := s.Commit(ctx)
	slow, _ := s.Load(context.Background(), token)
	out, _ := s.Load(context.Background(), token)
	if err := s.Destroy(out); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Commit(slow); err != nil {
		t.Fatal(err)
	}
	if again, _ := s.Load(context.Background(), token); s.GetString(again, sessionUser) != "" {
		t.Error("the session is back")
	}
}

func TestCrossSitePostIsRefused(t *testing.T) {
	g := newRegion(t, Config{})
	b := g.browser(t, "http://localhost")
	b.signIn("/", "gp", password)
	for _, h := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"http://evil.example"}}, {"Origin": {"null"}}} {
		b.headers = h
		if status, _ := b.post("/logout", nil); status != http.StatusForbidden {
			t.Error(h, status)
		}
	}
	b.headers = http.Header{}
	if _, page := b.get("/"); page != "hello gp for TREAT" {
		t.Error("another site signed the person out:", page)
	}
	// Nor can another site sign somebody in as somebody else.
	c := g.browser(t, "http://localhost")
	_, page := c.get("/")
	c.headers = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	if status, _ := c.post(actionOf(t, page), url.Values{"user": {"gp"}, "password": {password}}); status != http.StatusForbidden {
		t.Error(status)
	}
}

func TestForgedState(t *testing.T) {
	g := newRegion(t, Config{})
	noFollow := func(b *browser) {
		b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if r.URL.Path == callbackPath {
				return http.ErrUseLastResponse
			}
			return nil
		}
	}
	// The thief signs in up to the answer, and sends that to the victim.
	thief := g.browser(t, "http://localhost")
	noFollow(thief)
	_, page := thief.get("/")
	resp, err := thief.PostForm("http://localhost"+actionOf(t, page), url.Values{"user": {"parent"}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := resp.Location()
	victim := g.browser(t, "http://localhost")
	if status, _ := victim.get(answer.RequestURI()); status != http.StatusForbidden {
		t.Error("an answer that was not asked for was taken:", status)
	}
	victim.get("/") // begins one of its own
	if status, _ := victim.get(answer.RequestURI()); status != http.StatusForbidden {
		t.Error("somebody else's answer was taken:", status)
	}
	q := answer.Query()
	q.Set("state", "forged")
	if status, _ := thief.get("/login/callback?" + q.Encode()); status != http.StatusForbidden {
		t.Error("a forged state was taken:", status)
	}
	for _, k := range g.kinds() {
		if k != Refused {
			t.Error(k)
		}
	}
}

// Two windows sign in at once, and a browser asks for a picture in between.
func TestSeveralSignInsAtOnce(t *testing.T) {
	g := newRegion(t, Config{})
	b := g.browser(t, "http://localhost")
	_, first := b.get("/record/one")
	_, second := b.get("/record/two")
	b.get("/favicon.ico")
	if _, page := b.post(actionOf(t, first), url.Values{"user": {"gp"}, "password": {password}}); page != "hello gp for TREAT" || !strings.HasSuffix(b.visited[len(b.visited)-1], "/record/one") {
		t.Error(page)
	}
	if _, page := b.post(actionOf(t, second), url.Values{"user": {"gp"}, "password": {password}}); page != "hello gp for TREAT" || !strings.HasSuffix(b.visited[len(b.visited)-1], "/record/two") {
		t.Error(page)
	}
	for range 30 {
		b.get("/login")
	}
	u, _ := url.Parse("http://localhost")
	if n := len(b.Jar.Cookies(u)); n > 2+maxPending {
		t.Errorf("%d cookies have gathered", n)
	}
}

func TestAnswersOfAnotherProvider(t *testing.T) {
	g := newRegion(t, Config{})
	b := g.browser(t, "http://localhost")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := b.Get("http://localhost/login")
	if err != nil {
		t.Fatal(err)
	}
	to, _ := resp.Location()
	for _, q := range []url.Values{{"iss": {"https://evil.example"}, "code": {"x"}}, {"error": {"access_denied"}}, {"code": {"made-up"}}, {}} {
		b.get("/login") // each answer ends its sign-in
		resp, _ := b.Get("http://localhost/login")
		to, _ = resp.Location()
		q.Set("state", to.Query().Get("state"))
		if status, page := b.get("/login/callback?" + q.Encode()); status != http.StatusForbidden || !strings.Contains(page, "could not be signed in") {
			t.Error(q, status, page)
		}
	}
}

func TestHostsThatOthersCanPointHere(t *testing.T) {
	g := newRegion(t, Config{})
	for host, want := range map[string]bool{"localhost:8080": true, "127.0.0.1": true, "[::1]:80": true, "192.168.1.9:8080": true,
		"ward-pc": true, "selda.localhost:8080": true, "evil.example": false, "evil.example:8080": false, "": false, "a/b": false} {
		r := httptest.NewRequest("GET", "http://localhost/login", nil)
		r.Host = host
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)
		if (w.Code == http.StatusSeeOther) != want {
			t.Errorf("%q: %d", host, w.Code)
		}
		if w.Code != http.StatusSeeOther && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%q: %d", host, w.Code)
		}
	}
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{"/record/c1": "/record/c1", "/record/c1?tab=a#x": "/record/c1?tab=a#x", "/me": "/me",
		"": "/", "/": "/", "//evil.example": "/", "/\\evil.example": "/", "https://evil.example": "/", "javascript:alert(1)": "/",
		"/a\nb": "/", "/a\\b": "/", "/login": "/", "/login/callback?x": "/", "/logout": "/", "record": "/", "/%2f/evil": "/", "/oidc/authorize": "/",
		"/" + strings.Repeat("a", 2000): "/"} {
		if got := localPath(in); got != want {
			t.Errorf("localPath(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/record/c1", "//evil", "/\\evil", "/%2f%2fevil", "/;@evil/", "/\t/evil", "http:/evil"} {
		f.Add(s)
	}
	base, _ := url.Parse("https://selda.example/login/callback")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := base.Parse(localPath(s))
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
			t.Errorf("%q leads to %v (%v)", s, u, err)
		}
	})
}

func TestDemonstrationSignsInAtAPress(t *testing.T) {
	g := newRegion(t, Config{Demonstration: &Demonstration{Password: password, Users: []string{"citizen", "gp", "not-yet"}}})
	b := g.browser(t, "http://localhost")
	_, page := b.get("/")
	for _, want := range []string{"Dr A Okafor", "General practitioner", "Old Kent Road Surgery", "Folake Adeyemi"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "Bola") || strings.Index(page, "Folake") > strings.Index(page, "Okafor") {
		t.Error("not those who were named, in that order")
	}
	if _, page = b.post(actionOf(t, page), url.Values{"user": {"gp"}, "password": {password}}); page != "hello gp for TREAT" {
		t.Error(page)
	}
	plain := newRegion(t, Config{})
	if _, page := plain.browser(t, "http://localhost").get("/"); strings.Contains(page, "Okafor") || strings.Contains(page, password) {
		t.Error("people are shown outside a demonstration")
	}
}

func TestPagesOfSignOnAreStrict(t *testing.T) {
	g := newRegion(t, Config{})
	b := g.browser(t, "http://localhost")
	for _, path := range []string{"/", "/signed-out", "/login/callback", "/oidc/authorize"} {
		resp, err := b.Get(b.origin + path)
		if err != nil {
			t.Fatal(err)
		}
		_, page := body(t, resp)
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") != (path == "/") {
			t.Errorf("%s: %s", path, csp)
		}
		if resp.Header.Get("Cache-Control") != "no-store" || strings.Contains(strings.Replace(page, `<script src="/oidc/passkey.js" defer></script>`, "", 1), "<script") || strings.Contains(page, " style=") || strings.Contains(page, "<style") {
			t.Errorf("%s: %v %s", path, resp.Header, page)
		}
		if cleared := resp.Header.Get("Clear-Site-Data"); (cleared == `"cache", "storage"`) != (path == "/signed-out") {
			t.Errorf("%s: what the browser keeps is cleared: %q", path, cleared)
		}
	}
	if status, css := b.get(provider.StylesheetPath); status != 200 || !strings.Contains(css, ".nhsuk-button") {
		t.Error(status, css)
	}
}

func TestConfig(t *testing.T) {
	cis2 := Provider{Name: "cis2", Title: "CIS2", Issuer: "https://cis2.example", ClientID: "x", Roles: map[string]nhs.Role{"R8000": nhs.GP}}
	change := func(f func(*Provider)) Config { p := cis2; f(&p); return Config{Providers: []Provider{p}} }
	for name, c := range map[string]struct {
		conf Config
		want fault.Kind
	}{
		"a path in the public address": {Config{PublicURL: "https://selda.example/x"}, fault.Value},
		"no scheme":                    {Config{PublicURL: "selda.example"}, fault.Value},
		"nobody could sign in":         {Config{NoPasswords: true}, fault.Required},
		"two of one name":              {Config{Providers: []Provider{cis2, cis2}}, fault.Duplicate},
		"the built-in one's name":      {change(func(p *Provider) { p.Name = "selda" }), fault.Duplicate},
		"a bad name":                   {change(func(p *Provider) { p.Name = "a:b" }), fault.Value},
		"no issuer":                    {change(func(p *Provider) { p.Issuer = "" }), fault.Value},
		"no client":                    {change(func(p *Provider) { p.ClientID = "" }), fault.Value},
		"no roles":                     {change(func(p *Provider) { p.Roles = nil }), fault.Value},
		"an operator":                  {change(func(p *Provider) { p.RoleForAll = nhs.Operator }), fault.Value},
		"a client without an address":  {Config{Clients: []provider.Client{{ID: "app"}}}, fault.Value},
	} {
		c.conf.Dir = t.TempDir()
		if _, err := New(c.conf); !fault.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Config{Dir: t.TempDir(), Providers: []Provider{cis2}}); err != nil {
		t.Error(err)
	}
}

// The zero values refuse.
func TestZeroRefuses(t *testing.T) {
	var accounts Accounts
	if err := accounts.Add(someAccounts(t)[0]); !fault.Is(err, fault.NoStore) {
		t.Error(err)
	}
	if _, ok := accounts.Find("gp"); ok {
		t.Error("found")
	}
	var tokens Tokens
	if _, err := tokens.Issue(someAccounts(t)[0], nhs.Treatment, time.Hour, time.Now()); err == nil {
		t.Error("issued")
	}
	if _, err := tokens.Verify("x", time.Now()); !fault.Is(err, fault.Login) {
		t.Error(err)
	}
	g := newRegion(t, Config{})
	if _, err := g.Subject(httptest.NewRequest("GET", "/", nil)); !fault.Is(err, fault.Login) {
		t.Error("a request that did not come through Wrap:", err)
	}
	if (PasswordHash{}).Fits("") {
		t.Error("no password fits no hash")
	}
	if Purpose(nhs.Proxy) != nhs.PatientRequest {
		t.Error("a proxy's purpose")
	}
}
