package auth

import (
	"encoding/base32"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"selda/auth/factor/factortest"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

func (b *browser) postFor(path string, form url.Values) string {
	b.t.Helper()
	resp, err := b.PostForm(b.origin+path, form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, _ := io.ReadAll(resp.Body)
	return string(page)
}

func TestPasskeysAreAddedUsedAndRemoved(t *testing.T) {
	const here = "https://selda.example"
	g := newRegion(t, Config{PublicURL: here})
	b := g.browser(t, here)
	b.signIn("/", "gp", password)
	key, answer := factortest.Create(t, []byte(b.postFor("/account/passkeys/begin", nil)), here)
	if _, page := b.post("/account/passkeys", url.Values{"label": {"Work phone"}, "passkey": {string(answer)}}); !strings.Contains(page, "Work phone") {
		t.Fatal(page)
	}
	// Another browser comes in by the passkey alone.
	c := g.browser(t, here)
	signIn := func(c *browser) (int, string) {
		_, page := c.get("/record/c1")
		action := actionOf(t, page)
		key.Count++
		return c.post(action, url.Values{"passkey": {string(key.Get(t, []byte(c.postFor("/oidc/passkey", nil))))}})
	}
	if status, page := signIn(c); status != 200 || page != "hello gp for TREAT" {
		t.Fatal(status, page)
	}
	// On the page: what was used when, and both sessions.
	_, page := c.get("/account")
	if strings.Contains(page, ">never<") || strings.Count(page, `name="key"`) != 1 || !strings.Contains(page, "This one") {
		t.Error(page)
	}
	id := regexp.MustCompile(`name="id" value="([A-Z0-9]+)"`).FindStringSubmatch(page)
	if id == nil {
		t.Fatal(page)
	}
	if _, page = c.post("/account/passkeys/remove", url.Values{"id": {id[1]}}); !strings.Contains(page, "You have no passkey") {
		t.Error(page)
	}
	if status, page := signIn(g.browser(t, here)); status != http.StatusUnprocessableEntity || !strings.Contains(page, "The passkey is not known here") {
		t.Error("a passkey that was removed:", status)
	}
	if e := g.events[len(g.events)-1]; e.Kind != Refused || e.Reason == "" {
		t.Errorf("%+v", e)
	}
	for _, want := range []EventKind{FactorChanged, SignedIn} {
		if !strings.Contains(" "+strings.Join(kindsOf(g.kinds()), " ")+" ", " "+string(want)+" ") {
			t.Error("the trail lacks", want)
		}
	}
}

func kindsOf(kinds []EventKind) (out []string) {
	for _, k := range kinds {
		out = append(out, string(k))
	}
	return out
}

var halfOf, secretOf = regexp.MustCompile(`name="half" value="([A-Z0-9]+)"`), regexp.MustCompile(`Secret: <code>([A-Z2-7 ]+)</code>`)

func TestAProfessionalSignsInWithTwoProofs(t *testing.T) {
	g := newRegion(t, Config{SecondFactor: []Kind{Professionals}})
	b := g.browser(t, "http://localhost")
	if _, page := b.signIn("/", "citizen", password); page != "hello citizen for PATRQT" {
		t.Error("a citizen is asked for two:", page)
	}
	b = g.browser(t, "http://localhost")
	status, page := b.signIn("/", "gp", password)
	if status != 200 || !strings.Contains(page, "Set up your telephone") || !strings.Contains(page, "<svg ") {
		t.Fatal(status, page)
	}
	action := actionOf(t, page)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secretOf.FindStringSubmatch(page)[1], " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	half := func(page string) string {
		t.Helper()
		m := halfOf.FindStringSubmatch(page)
		if m == nil {
			t.Fatal(page)
		}
		return m[1]
	}
	h := half(page)
	if status, page = b.post(action, url.Values{"half": {h}, "code": {"12345"}}); status != http.StatusUnprocessableEntity || !strings.Contains(page, "The code is not the one") {
		t.Fatal(status, page)
	}
	if status, _ := b.post(action, url.Values{"half": {h}, "code": {factortest.Code(secret, 0)}}); status != http.StatusUnprocessableEntity {
		t.Error("a form is taken twice:", status)
	}
	_, page = b.post(action, url.Values{"half": {half(page)}, "code": {factortest.Code(secret, 0)}})
	recovery := regexp.MustCompile(`<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>`).FindAllStringSubmatch(page, -1)
	if len(recovery) != 10 {
		t.Fatal(page)
	}
	if _, page = b.post(action, url.Values{"half": {half(page)}}); page != "hello gp for TREAT" {
		t.Fatal(page)
	}
	// From now on: a code each time, the next one, or a recovery code once.
	next := func(code string) string {
		c := g.browser(t, "http://localhost")
		_, page := c.signIn("/", "gp", password)
		if !strings.Contains(page, "Enter your code") || strings.Contains(page, "Secret") {
			t.Fatal(page)
		}
		_, page = c.post(actionOf(t, page), url.Values{"half": {half(page)}, "code": {code}})
		return page
	}
	if page := next(factortest.Code(secret, 0)); !strings.Contains(page, "was used already") {
		t.Error("a code holds twice:", page)
	}
	if page := next(recovery[0][1]); page != "hello gp for TREAT" {
		t.Error(page)
	}
	// A password with somebody else's half is nothing.
	d := g.browser(t, "http://localhost")
	_, page = d.get("/")
	if status, _ := d.post(actionOf(t, page), url.Values{"half": {"AAAA"}, "code": {factortest.Code(secret, time.Minute)}}); status != http.StatusUnprocessableEntity {
		t.Error(status)
	}
	// A telephone that is lost: whoever runs the region takes the proofs away, what was
	// begun ends, and a new one is set up.
	if err := g.Reset(t.Context(), policy.Subject{User: "os:operator", Role: nhs.Operator}, "gp", "the telephone is lost"); err != nil {
		t.Fatal(err)
	}
	if _, page := b.get("/"); strings.HasPrefix(page, "hello ") {
		t.Error("what was begun before goes on")
	}
	if _, page := g.browser(t, "http://localhost").signIn("/", "gp", password); !strings.Contains(page, "Set up your telephone") {
		t.Error(page)
	}
	if err := g.Reset(t.Context(), policy.Subject{}, "nobody", "x"); err == nil {
		t.Error("an account that is not there was reset")
	}
}

func TestSessionsEndAtOnce(t *testing.T) {
	g := newRegion(t, Config{})
	sign := func(user string) *browser {
		b := g.browser(t, "http://localhost")
		if _, page := b.signIn("/", user, password); !strings.HasPrefix(page, "hello "+user) {
			t.Fatal(page)
		}
		return b
	}
	in := func(b *browser) bool {
		_, page := b.get("/")
		return strings.HasPrefix(page, "hello ")
	}
	one, two, other := sign("gp"), sign("gp"), sign("citizen")
	token, err := g.Token(t.Context(), "gp", nhs.Treatment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	_, page := one.get("/account")
	key := regexp.MustCompile(`name="key" value="([^"]+)"`).FindStringSubmatch(page)
	// What is on the page is no way in, and one's own to end alone.
	if key == nil || other.postFor("/account/sessions/end", url.Values{"key": {key[1]}}) == "" || !in(two) {
		t.Fatal("somebody else ended it", page)
	}
	one.post("/account/sessions/end", url.Values{"key": {key[1]}})
	if in(two) || !in(one) {
		t.Error("not that session was ended")
	}
	two = sign("gp")
	if status, page := two.post("/account/sessions/all", nil); status != 200 || !strings.Contains(page, "You have signed out") {
		t.Error(status, page)
	}
	_, err = g.Tokens.Verify(token, time.Now())
	if in(one) || in(two) || !in(other) || !fault.Is(err, fault.Login) {
		t.Error("not everything, or too much, was ended:", err)
	}
	// An administrator disables the account: nothing of it holds, and it can't come in.
	one = sign("gp")
	by := policy.Subject{User: "admin", Role: nhs.Administrator, Organisation: "G85001"}
	if err := g.Disable(t.Context(), by, "gp", "left"); err != nil {
		t.Fatal(err)
	}
	if in(one) {
		t.Error("the session of a disabled account holds")
	}
	if status, _ := g.browser(t, "http://localhost").signIn("/", "gp", password); status != http.StatusUnprocessableEntity {
		t.Error("a disabled account signs in:", status)
	}
	if err := g.Enable(t.Context(), by, "gp", "came back"); err != nil {
		t.Fatal(err)
	}
	if in(one) {
		t.Error("a session of before came back with its account")
	}
	one = sign("gp")
	if err := g.EndsOn(t.Context(), by, "gp", time.Now().Add(-time.Second), "practice manager"); err != nil {
		t.Fatal(err)
	}
	if in(one) {
		t.Error("an account whose contract has ended is let in")
	}
}
