package auth

import (
	"encoding/base32"
	"fmt"
	"math/bits"
	"net/http"
	"net/url"
	"regexp"
	"selda/auth/factor/factortest"
	"strconv"
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
	_, page = enrolled.post(actionOf(t, page), url.Values{"half": {setup}, "code": {factortest.Code(secret, 0)}})
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
		"a half that is spent": {"half": {setup}, "code": {factortest.Code(secret, time.Minute)}},
		"no half":              {"code": {factortest.Code(secret, time.Minute)}},
		"done, says the form":  {"half": {"{\"Halfway\":\"gp\",\"Done\":true}"}},
	} {
		if status, got := thief.post(action, form); strings.HasPrefix(got, "hello ") || status < 400 {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
	// Guessing is slowed down, in as many sign-ins as one likes: each guess doubles the wait. A
	// right one before the wait is over is none.
	began, tried := time.Now(), 0
	for i := range 12 {
		c := g.browser(t, "http://localhost")
		_, page := c.signIn("/", "gp", password)
		m := halfOf.FindStringSubmatch(page)
		if m == nil {
			t.Fatal(page)
		}
		status, got := c.post(actionOf(t, page), url.Values{"half": {m[1]}, "code": {fmt.Sprintf("%06d", i)}})
		switch status {
		case http.StatusUnprocessableEntity:
			tried++
		case http.StatusTooManyRequests:
			m := regexp.MustCompile(`Wait (\d+) second`).FindStringSubmatch(got)
			if m == nil {
				t.Fatal(got)
			}
			wait, _ := strconv.Atoi(m[1])
			until := time.Now().Add(time.Duration(wait-1) * time.Second) // the seconds are told rounded up
			status, got = c.post(actionOf(t, got), url.Values{"half": {halfOf.FindStringSubmatch(got)[1]}, "code": {factortest.Code(secret, 30*time.Second)}})
			if status != http.StatusTooManyRequests && time.Now().Before(until) {
				t.Fatalf("a right guess is taken before its time: %d %s", status, got)
			}
			if status != http.StatusTooManyRequests { // the machine was slow, and the wait is over
				return
			}
		default:
			t.Fatalf("guess %d: %d %s", i, status, got)
		}
	}
	if most := freeCodes + bits.Len(uint(time.Since(began)/time.Second)+1); tried > most {
		t.Errorf("%d codes were tried in %v", tried, time.Since(began))
	}
}

// freeCodes is how many wrong codes are let through without a wait.
const freeCodes = 4

// Wrong codes lock an account's codes, which a password's owner is told; who has not the
// password can't have them locked, whatever they send. Opened where OpenID.second counts a
// code before it has found whose password was right.
func TestHostileAStrangerLocksNobodysCodes(t *testing.T) {
	g := newRegion(t, Config{SecondFactor: []Kind{Professionals}})
	secret := make([]byte, 20)
	if _, err := g.factors.Enrol("gp", secret, factortest.Code(secret, 0), time.Now()); err != nil {
		t.Fatal(err)
	}
	wrong := func() int {
		h, err := g.factors.Of("gp")
		if err != nil {
			t.Fatal(err)
		}
		return h.Codes.Wrong
	}
	stranger := g.browser(t, "http://localhost")
	_, page := stranger.get("/")
	action := actionOf(t, page)
	for i := range 120 {
		stranger.post(action, url.Values{"user": {"gp"}, "half": {fmt.Sprint("guess", i)}, "code": {"000000"}})
	}
	stranger.post(action, url.Values{"user": {"gp"}, "password": {"not the password"}, "code": {"000000"}})
	if n := wrong(); n != 0 {
		t.Fatalf("a stranger had %d codes counted", n)
	}
	for range 100 { // who has the password did this
		_, _ = g.factors.Check("gp", "000000", time.Now())
	}
	owner := g.browser(t, "http://localhost")
	_, page = owner.signIn("/", "gp", password)
	status, page := owner.post(actionOf(t, page), url.Values{"half": {halfOf.FindStringSubmatch(page)[1]}, "code": {factortest.Code(secret, 30*time.Second)}})
	if status != http.StatusUnprocessableEntity || !strings.Contains(page, "codes are locked") || !strings.Contains(page, "administrator") {
		t.Error(status, page)
	}
	if e := g.last(t); e.Kind != Refused || !strings.Contains(e.Reason, "locked") || e.Subject.User != "gp" {
		t.Errorf("%+v", e)
	}
}
