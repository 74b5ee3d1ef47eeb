package auth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"selda/auth/app"
	"selda/nhs"
)

// What somebody acts for is theirs to choose among what their role has: recorded before it
// holds, and in a session of another id.
func TestAPurposeIsChosenAndRecorded(t *testing.T) {
	g := newRegion(t, Config{})
	b := g.browser(t, "http://localhost")
	if _, page := b.signIn("/", "gp", password); page != "hello gp for TREAT" {
		t.Fatal(page)
	}
	before := b.session()
	b.headers = http.Header{"Referer": {"http://localhost/record/c1?tab=results"}}
	if _, page := b.post(purposePath, url.Values{"purpose": {"PATADMIN"}}); page != "hello gp for PATADMIN" || !strings.HasSuffix(b.visited[len(b.visited)-1], "/record/c1?tab=results") {
		t.Fatal(page, b.visited)
	}
	b.headers = http.Header{}
	e := g.events[len(g.events)-1]
	if e.Kind != PurposeChanged || e.Subject.User != "gp" || e.Subject.Purpose != nhs.RecordAdmin || e.Reason != "before: TREAT" {
		t.Errorf("%+v", e)
	}
	after := b.session()
	if after == before {
		t.Error("another purpose in the same session")
	}
	u, _ := url.Parse("http://localhost")
	thief := g.browser(t, "http://localhost")
	thief.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: before}})
	if _, page := thief.get("/"); strings.HasPrefix(page, "hello") {
		t.Error("the former session still opens:", page)
	}
	if live, _ := g.Sessions("gp"); len(live) != 1 || live[0].Key != storeKey(after) {
		t.Errorf("%+v", live)
	}
	for _, p := range []string{"BTG", "PATRQT", "HSYSADMIN", "", "made up"} {
		if status, _ := b.post(purposePath, url.Values{"purpose": {p}}); status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", p, status)
		}
	}
	g.full = true
	if status, _ := b.post(purposePath, url.Values{"purpose": {"TREAT"}}); status != http.StatusServiceUnavailable {
		t.Error("a change that no trail has:", status)
	}
	g.full = false
	if _, page := b.get("/"); page != "hello gp for PATADMIN" {
		t.Error(page)
	}
	// A page of another place is not gone back to.
	b.headers = http.Header{"Referer": {"http://evil.example/record/c1"}}
	if _, page := b.post(purposePath, url.Values{"purpose": {"TREAT"}}); page != "hello gp for TREAT" || b.visited[len(b.visited)-1] != "http://localhost/" {
		t.Error(page, b.visited[len(b.visited)-1])
	}
}

// An application acts for what its user acts for, or for less, and its token says so.
func TestAnApplicationsPurposeOnlyNarrows(t *testing.T) {
	m := publicApp
	m.For = []string{app.Professionals}
	s := openSMART(t, m)
	s.signsIn("gp")
	const scope = "user/Observation.rs"
	held := func(access string) (out claims) {
		t.Helper()
		c, err := s.Tokens.verify(access, audienceFHIR, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct{ asked, want string }{
		{"", "TREAT"}, {"PATADMIN", "PATADMIN"}, {"http://terminology.hl7.org/CodeSystem/v3-ActReason|PATADMIN", "PATADMIN"}, {"BTG", ""}, {"HSYSADMIN", ""}, {"made up", ""},
	} {
		change := url.Values{"purpose_of_use": {c.asked}}
		if c.want == "" {
			if at, _ := s.goes(s.request(scope, change)); at.Query().Get("error") != "invalid_request" || !strings.Contains(at.Query().Get("error_description"), "purpose_of_use") {
				t.Error(c, at)
			}
			continue
		}
		_, k := s.exchange(s.code(scope, change))
		got := held(k.Access)
		if string(got.Purpose) != c.want || got.Extensions.IUA.PurposeOfUse[0] != (iuaCode{reasons, c.want}) {
			t.Errorf("%+v: %+v", c, got)
		}
		if e := s.last(t); e.Kind != TokenIssued || string(e.Subject.Purpose) != c.want {
			t.Errorf("%+v: %+v", c, e)
		}
	}
	// From booking no application leads back to care.
	if _, page := s.b.post(purposePath, url.Values{"purpose": {"PATADMIN"}}); page != "hello gp for PATADMIN" {
		t.Fatal(page)
	}
	if at, _ := s.goes(s.request(scope, url.Values{"purpose_of_use": {"TREAT"}})); at.Query().Get("error") != "invalid_request" {
		t.Error(at)
	}
	_, k := s.exchange(s.code(scope, nil))
	if got := held(k.Access); got.Purpose != nhs.RecordAdmin {
		t.Errorf("%+v", got)
	}
}
