package auth

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Whoever has somebody's password, and no more, does not get in: not by guessing codes, by
// leaving the step out, by setting up a telephone of their own, or by what was made for
// another person's step. Opened where OpenID.second does not ask tries, where half says that
// nothing is needed, and where Needs says Setup to who has a proof.
func TestHostileAPasswordAloneIsNotEnough(t *testing.T) {
	g := newRegion(t, Config{SecondFactor: []Kind{Professionals}})
	enrolled := g.browser(t, "http://localhost")
	_, page := enrolled.signIn("/", "gp", password)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secretOf.FindStringSubmatch(page)[1], " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	setup := halfOf.FindStringSubmatch(page)[1]
	_, page = enrolled.post(actionOf(t, page), url.Values{"half": {setup}, "code": {code(secret, 0)}})
	_, page = enrolled.post(actionOf(t, page), url.Values{"half": {halfOf.FindStringSubmatch(page)[1]}})
	if page != "hello gp for TREAT" {
		t.Fatal(page)
	}

	thief := g.browser(t, "http://localhost")
	_, page = thief.signIn("/", "gp", password)
	if strings.Contains(page, "Set up") || secretOf.MatchString(page) {
		t.Fatal("a second telephone is set up with the password alone:", page)
	}
	action := actionOf(t, page)
	for _, path := range []string{"/", "/account", "/oidc/callback?code=guess&state=guess"} {
		if _, got := thief.get(path); strings.HasPrefix(got, "hello ") || strings.Contains(got, "Your passkeys") {
			t.Errorf("%s is open after the password alone: %s", path, got)
		}
	}
	for name, form := range map[string]url.Values{
		"no code":              {"half": {halfOf.FindStringSubmatch(page)[1]}},
		"a half that is spent": {"half": {setup}, "code": {code(secret, time.Minute)}},
		"no half":              {"code": {code(secret, time.Minute)}},
		"done, says the form":  {"half": {"{\"Halfway\":\"gp\",\"Done\":true}"}},
	} {
		if status, got := thief.post(action, form); strings.HasPrefix(got, "hello ") || status < 400 {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
	// Guessing is slowed down, in as many sign-ins as one likes, and a right guess in between is none.
	tried, waits := 0, false
	for i := range 12 {
		c := g.browser(t, "http://localhost")
		_, page := c.signIn("/", "gp", password)
		m := halfOf.FindStringSubmatch(page)
		if m == nil {
			t.Fatal(page)
		}
		guess := fmt.Sprintf("%06d", i)
		if waits {
			guess = code(secret, 30*time.Second)
		}
		status, got := c.post(actionOf(t, page), url.Values{"half": {m[1]}, "code": {guess}})
		switch {
		case status == http.StatusTooManyRequests:
			waits = true
		case status == http.StatusUnprocessableEntity && !waits:
			tried++
		default:
			t.Fatalf("guess %d (%v): %d %s", i, waits, status, got)
		}
	}
	if !waits || tried > freeCodes {
		t.Errorf("%d codes were tried at once", tried)
	}
}

// freeCodes is how many wrong codes are let through at once, the one left out above too.
const freeCodes = 4
