package testenv

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"selda/cmd/selda/region"
)

// hostilePaths is a path for each pattern of the region, and some that there are not.
func (h *hostile) hostilePaths(method string) (paths []string) {
	wild := strings.NewReplacer("{id}", h.citizen, "{type}", "Observation", "{item}", "secret1", "{section}", "results", "{entry}", "1", "{path...}", "0/000", "{$}", "", "{request}", "x", "{agreement}", "x", "{act}", "x", "{source}", "RJZ:PAS", "{message}", "1", "{app}", "x", "{consent}", "x")
	for _, p := range h.Region.Patterns() {
		m, path, both := strings.Cut(p, " ")
		if !both {
			m, path = "", p
		}
		if (m == "" || m == method) && !strings.Contains(path, "websocket") {
			paths = append(paths, wild.Replace(path))
		}
	}
	return append(paths, "/fhir/metadata", "/fhir/Observation/secret1", "/fhir/Patient?family=Adeyemi", "/fhir/Nothing", "/fhir/%00", "/%2e%2e/%2e%2e/etc/passwd", "/nothing", "/oidc/nothing", "/assets/nothing.js", "/record/"+h.citizen+"/nothing", "/.git/config", "/debug/pprof/", "/debug/vars")
}

// public are what caches may hold: nothing of a person.
var hostilePublic = regexp.MustCompile(`^/(assets/|favicon\.ico|audit/(checkpoint|key|handovers|tile/)|\.well-known/|fhir/\.well-known/|oidc/\.well-known/|oidc/style\.css|oidc/selda\.css)`)

var (
	hostileInner = regexp.MustCompile(`goroutine \d|\.go:\d+|/tmp/|/root/|runtime error|SQLITE|sqlite|SQLSTATE|pq: |panic|github\.com/`)
	hostileLoose = regexp.MustCompile(`unsafe-|script-src[^;]*(\*|data:|https?:|blob:)|default-src[^;]*\*`)
)

// guardedAnswer says what an answer lacks of what browsers need to be told.
func guardedAnswer(path string, a *Answer) (lacks []string) {
	need := func(ok bool, words string) {
		if !ok {
			lacks = append(lacks, words)
		}
	}
	head := a.Header
	csp := head.Get("Content-Security-Policy")
	need(head.Get("X-Content-Type-Options") == "nosniff", "nosniff")
	need(strings.Contains(csp, "default-src 'none'") && !hostileLoose.MatchString(csp), "a strict policy: "+csp)
	need(strings.Contains(csp, "frame-ancestors 'none'") && head.Get("X-Frame-Options") == "DENY", "no frames: "+csp)
	need(slices.Contains([]string{"no-referrer", "same-origin"}, head.Get("Referrer-Policy")), "referrers kept")
	need(strings.Contains(head.Get("Permissions-Policy"), "geolocation=()"), "permissions")
	need(head.Get("Cross-Origin-Opener-Policy") == "same-origin" || strings.HasPrefix(path, "/oidc/") || strings.HasPrefix(path, "/login"), "no opener")
	need(head.Get("Cross-Origin-Resource-Policy") == "same-origin" || head.Get("Access-Control-Allow-Origin") == "*", "not for other sites")
	need(head.Get("Access-Control-Allow-Credentials") == "", "no credentials for other sites")
	need(head.Get("Cache-Control") == "no-store" || hostilePublic.MatchString(path), "no caches: "+head.Get("Cache-Control"))
	need(head.Get("Set-Cookie") == "" || head.Get("Cache-Control") == "no-store" || strings.HasPrefix(head.Get("Cache-Control"), "private, "), "a cookie in no shared cache: "+head.Get("Cache-Control"))
	need(head.Get("Server") == "" && head.Get("X-Powered-By") == "", "silence on what serves")
	need(!hostileInner.Match(a.Body) || strings.HasPrefix(path, "/metrics"), "silence on its inside: "+hostileInner.FindString(string(a.Body)))
	need(len(a.Body) == 0 || head.Get("Content-Type") != "", "a type")
	return lacks
}

// Every answer of every route, to everybody, tells browsers that it runs nothing, is shown in
// no frame, is kept in no cache and goes to no other site; and tells nobody what is inside.
// Opened by taking Region.guarded out of the handlers, by one page with another policy, and by
// an answer that has its own Cache-Control.
func TestHostileEveryAnswerIsGuarded(t *testing.T) {
	h := attacked(t)
	clients := map[string]*http.Client{"": h.from("127.0.0.1")}
	for _, user := range []string{"gp", "citizen", "privacy", "governance", "engineer", "admin", "analyst", "paramedic"} {
		clients[user] = h.signsIn(user)
	}
	for user, c := range clients {
		for _, path := range h.hostilePaths("GET") {
			for _, headers := range [][]string{nil, {"Origin: https://evil.example"}, {"Accept: application/fhir+xml"}} {
				if headers != nil && user != "" && user != "gp" {
					continue
				}
				a := h.sent(c, "GET", path, "", headers...)
				if lacks := guardedAnswer(path, a); len(lacks) > 0 {
					t.Errorf("GET %s as %q %v (%d) lacks %q", path, user, headers, a.Status, lacks)
				}
			}
		}
	}
	for _, path := range h.hostilePaths("POST") {
		a := h.sent(clients[""], "POST", path, "x=%zz", asForm)
		if lacks := guardedAnswer(path, a); len(lacks) > 0 {
			t.Errorf("POST %s (%d) lacks %q", path, a.Status, lacks)
		}
	}
	for _, method := range []string{"TRACE", "CONNECT", "DEBUG", "PROPFIND", "OPTIONS"} {
		req, _ := http.NewRequest(method, h.HTTP+"/me", nil)
		req.Header.Set("X-Secret", "SECRETHEADER")
		resp, err := clients[""].Do(req)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1<<16)
		n, _ := resp.Body.Read(buf)
		_ = resp.Body.Close()
		if resp.StatusCode < 300 || strings.Contains(string(buf[:n]), "SECRETHEADER") {
			t.Errorf("%s: %d %s", method, resp.StatusCode, buf[:n])
		}
	}
	// A page's addresses name no person: a referrer would carry them on.
	gp := clients["gp"]
	a := h.sent(gp, "GET", "/record/"+h.citizen, "")
	if a.Status != 200 {
		t.Fatal(a.Status)
	}
	for _, m := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(string(a.Body), -1) {
		if u := m[1]; strings.Contains(u, folake) || strings.Contains(u, "Adeyemi") || strings.HasPrefix(u, "http") || strings.HasPrefix(u, "//") || strings.HasPrefix(u, "javascript:") {
			t.Errorf("a link of the record is %s", u)
		}
	}
}

// Behind https the cookie is of this host alone and comes over TLS alone, and browsers are told
// to stay with it. Opened by taking Region.guarded out of the handlers.
func TestHostileCookiesAndTransport(t *testing.T) {
	e, err := OpenWith(stored(t), region.Options{Data: t.TempDir(), SignOn: &region.SignOn{PublicURL: "https://selda.example", SecurityContact: "mailto:security@selda.example"}}, Start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	a, err := e.Do(t.Context(), "", "GET", "/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Header.Get("Strict-Transport-Security") == "" {
		t.Error("browsers are not told to stay with https")
	}
	if len(a.Header.Values("Set-Cookie")) == 0 {
		t.Error("no cookie is set")
	}
	for _, c := range a.Header.Values("Set-Cookie") {
		if !strings.HasPrefix(c, "__Host-") || !strings.Contains(c, "Secure") || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") || !strings.Contains(c, "Path=/") || strings.Contains(c, "Domain") {
			t.Error("a cookie is", c)
		}
	}
	if to := a.Header.Get("Location"); !strings.HasPrefix(to, "https://selda.example/oidc/authorize") {
		t.Error("the sign-in is at", to)
	}
	for _, host := range []string{"Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "Forwarded: host=evil.example;proto=http"} {
		for _, path := range []string{"/login", "/oidc/.well-known/openid-configuration", "/fhir/metadata", "/.well-known/smart-configuration"} {
			a := (&hostile{&outside{T: t, Env: e}}).sent(e.client, "GET", path, "", host)
			if strings.Contains(string(a.Body)+a.Header.Get("Location"), "evil.example") || strings.Contains(string(a.Body), "http://selda.example") {
				t.Errorf("%s at %s: %d %s", host, path, a.Status, a.Header.Get("Location"))
			}
		}
	}
	a, err = e.Do(t.Context(), "", "GET", "/.well-known/security.txt", nil)
	if err != nil || a.Status != 200 || !strings.Contains(string(a.Body), "Contact: mailto:security@selda.example\nExpires: 2027-05-05T00:00:00Z") {
		t.Errorf("security.txt: %v %d %s", err, a.Status, a.Body)
	}
}

// A server that has been told no address answers to no name that a stranger's DNS could turn
// to it. Opened by taking every host in auth.base.
func TestHostileNamesOfStrangersAreNotAnsweredTo(t *testing.T) {
	h := attacked(t)
	c := h.from("127.0.0.1")
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:80"} {
		for _, path := range []string{"/login", "/oidc/.well-known/openid-configuration", "/.well-known/smart-configuration"} {
			if a := h.sent(c, "GET", path, "", "Host: "+host); a.Status != 421 || strings.Contains(string(a.Body)+a.Header.Get("Location"), "evil.example") {
				t.Errorf("%s at %s: %d %s", host, path, a.Status, a.Header.Get("Location"))
			}
		}
	}
}

// No other site posts in a person's name, at any route; and none reads with their session.
// Opened by taking NewCrossOriginProtection out of auth.Wrap or of the built-in provider, and by
// allowing credentials in crossOrigin.
func TestHostileOtherSitesDoNothingInAPersonsName(t *testing.T) {
	h := attacked(t)
	before := len(h.Region.Auth.Accounts.List())
	forms := map[string]string{"gp": "", "citizen": "", "governance": "", "privacy": "", "engineer": "", "admin": ""}
	for user := range forms {
		c := h.signsIn(user)
		paths := append(h.hostilePaths("POST"), "/fhir/Consent", "/fhir/Observation", "/fhir/Patient/$match", "/fhir")
		for _, path := range paths {
			if path == "/oidc/token" || path == "/oidc/register" || path == "/oidc/introspect" || path == "/oidc/revoke" {
				continue // applications prove themselves there, and no session is looked at
			}
			for _, headers := range [][]string{{"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: https://evil.example"}, {"Origin: null"}, {"Origin: " + h.HTTP + ".evil.example"}} {
				a := h.sent(c, "POST", path, url.Values{"q": {folake}}.Encode(), append(headers, asForm)...)
				if a.Status != 403 || strings.Contains(string(a.Body), "Adeyemi") {
					t.Errorf("POST %s as %s, %v: %d", path, user, headers, a.Status)
				}
			}
		}
		for _, method := range []string{"PUT", "DELETE", "PATCH"} {
			if a := h.sent(c, method, "/fhir/Consent/x", "{}", "Sec-Fetch-Site: cross-site", "Content-Type: application/fhir+json"); a.Status != 403 {
				t.Errorf("%s as %s: %d", method, user, a.Status)
			}
		}
		a := h.sent(c, "GET", "/fhir/Patient", "", "Origin: https://evil.example")
		if a.Header.Get("Access-Control-Allow-Credentials") != "" || a.Header.Get("Access-Control-Allow-Origin") == "https://evil.example" {
			t.Error("another site reads with a session:", a.Header)
		}
		for _, path := range []string{"/me", "/search", "/oidc/authorize", "/login", "/record/" + h.citizen} {
			if a := h.sent(c, "GET", path, "", "Origin: https://evil.example"); a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("another site reads %s", path)
			}
		}
		// Signed in they still are: nobody was signed out from elsewhere.
		if a := h.sent(c, "GET", "/", ""); a.Status == 303 && strings.HasPrefix(a.Header.Get("Location"), "/login") {
			t.Errorf("another site signed %s out", user)
		}
	}
	if n := len(h.Region.Auth.Accounts.List()); n != before {
		t.Error("accounts changed")
	}
}

// Whoever planted a session's cookie in a browser has nothing after the sign-in; the cookie of
// a session that ended opens nothing; an answer of a sign-in that another browser began signs
// nobody in. Opened by leaving Destroy out of auth.logout.
func TestHostileSessionsAreNotFixedNorOutlived(t *testing.T) {
	h := attacked(t)
	// What somebody plants in another's browser is a session of their own, which is good.
	here, _ := url.Parse(h.HTTP)
	planted := h.signsIn("citizen").Jar.Cookies(here)[0].Value
	c := h.from("127.0.0.1")
	a := h.sent(c, "GET", "/login", "", "Cookie: selda="+planted)
	pending := a.Header.Get("Set-Cookie")
	pending, _, _ = strings.Cut(pending, ";")
	authorize := a.Header.Get("Location")
	a = h.sent(c, "POST", authorize, url.Values{"user": {"gp"}, "password": {hostilePassword}}.Encode(), asForm, "Cookie: selda="+planted)
	back := a.Header.Get("Location")
	if !strings.Contains(back, "code=") {
		t.Fatal(a.Status, back)
	}
	// The victim's browser is sent the attacker's answer: it began no such sign-in.
	if a := h.sent(c, "GET", back, ""); a.Status != 403 || a.Header.Get("Set-Cookie") != "" && strings.HasPrefix(a.Header.Get("Set-Cookie"), "selda=") {
		t.Error("an answer signs in a browser that asked for none:", a.Status)
	}
	own := h.sent(c, "GET", "/login", "")
	mine, _, _ := strings.Cut(own.Header.Get("Set-Cookie"), ";")
	at, _ := url.Parse(own.Header.Get("Location"))
	swapped, _ := url.Parse(back)
	q := swapped.Query()
	q.Set("state", at.Query().Get("state"))
	swapped.RawQuery = q.Encode()
	if a := h.sent(c, "GET", swapped.String(), "", "Cookie: "+mine); a.Status != 403 {
		t.Error("a code under another's state and nonce signs in:", a.Status)
	}
	a = h.sent(c, "GET", authorize, "")
	again := h.sent(c, "POST", authorize, url.Values{"user": {"gp"}, "password": {hostilePassword}}.Encode(), asForm)
	back = again.Header.Get("Location")
	a = h.sent(c, "GET", back, "", "Cookie: selda="+planted+"; "+pending)
	if a.Status != 303 {
		t.Fatal(a.Status, string(a.Body))
	}
	session := ""
	for _, s := range a.Header.Values("Set-Cookie") {
		if v, ok := strings.CutPrefix(s, "selda="); ok {
			session, _, _ = strings.Cut(v, ";")
		}
	}
	if session == "" || session == planted {
		t.Errorf("the session is under the cookie that was planted: %q", session)
	}
	opens := func(cookie string) bool {
		return h.sent(c, "GET", "/record/"+h.citizen, "", "Cookie: selda="+cookie).Status == 200
	}
	if opens(planted) || !opens(session) {
		t.Error("the planted cookie opens", opens(planted), "the new one", opens(session))
	}
	if a := h.sent(c, "GET", back, "", "Cookie: "+pending); a.Status == 303 {
		t.Error("an answer signs in twice")
	}
	for _, altered := range []string{session + "x", session[:len(session)-1], strings.ToUpper(session), strings.Repeat("A", len(session)), "../" + session, "", strings.Repeat("A", 10000)} {
		if opens(altered) {
			t.Errorf("the cookie %.50q opens", altered)
		}
	}
	if a := h.sent(c, "GET", "/logout", "", "Cookie: selda="+session); !opens(session) {
		t.Error("a link signs out:", a.Status)
	}
	h.sent(c, "POST", "/logout", "", "Cookie: selda="+session, asForm)
	if opens(session) {
		t.Error("a session outlives its end")
	}
}
