package auth

import (
	"encoding/base32"
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

var operator = policy.Subject{User: "root", Role: nhs.Operator}

const theirOwn = "violet-harbour-mitten-93"

// An account is made with a password that is good once: in its place its owner chooses their
// own before anything is open, and the one of before is worth nothing.
func TestAnAccountIsMadeAndItsOwnerChoosesAPassword(t *testing.T) {
	g := newRegion(t, Config{})
	new := Account{User: "a.mensah", Name: "Ama Mensah", Role: nhs.Nurse, Organisation: "RJZ", OrganisationName: "King's College Hospital", Contact: "ama.mensah@example.nhs.uk"}
	first, err := g.Make(t.Context(), operator, new, "began on Monday")
	if err != nil || len(first) < 16 {
		t.Fatal(first, err)
	}
	b := g.browser(t, "http://localhost")
	status, page := b.signIn("/", "a.mensah", first)
	if status != 200 || !strings.Contains(page, "Choose your password") {
		t.Fatal(status, page)
	}
	if _, got := b.get("/"); strings.HasPrefix(got, "hello ") {
		t.Fatal("it is open before a password was chosen")
	}
	_, page = b.signIn("/", "a.mensah", first)
	for what, try := range map[string][2]string{
		"not the same": {theirOwn, theirOwn + "x"}, "12 or more letters": {"short1!", "short1!"}, "guessed soon": {"password12345", "password12345"},
		"that you did not have before": {first, first}, "words that have nothing to do with you": {"AmaMensahKings", "AmaMensahKings"},
		"nothing to do with you, your work": {"kings college hospital", "kings college hospital"},
	} {
		status, next := b.post(actionOf(t, page), url.Values{"half": {halfOf.FindStringSubmatch(page)[1]}, "new": {try[0]}, "again": {try[1]}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(next, what) {
			t.Errorf("%v: %d %s", try, status, next)
		}
		page = next
	}
	if status, got := b.post(actionOf(t, page), url.Values{"half": {halfOf.FindStringSubmatch(page)[1]}, "new": {theirOwn}, "again": {theirOwn}}); got != "hello a.mensah for TREAT" {
		t.Fatal(status, got)
	}
	if status, page := g.browser(t, "http://localhost").signIn("/", "a.mensah", first); status != http.StatusUnprocessableEntity {
		t.Error("the password that was given is good twice:", status, page)
	}
	if _, page := g.browser(t, "http://localhost").signIn("/", "a.mensah", theirOwn); page != "hello a.mensah for TREAT" {
		t.Error(page)
	}
	made, chosen := 0, 0
	for _, e := range g.events {
		if e.Kind == AccountChanged && e.Whose == "a.mensah" {
			made += strings.Count(e.Reason, "made, as Nurse: began on Monday")
			chosen += strings.Count(e.Reason, "the password was changed")
		}
		if strings.Contains(e.Reason, first) || strings.Contains(e.Reason, theirOwn) {
			t.Error("a password is in the trail")
		}
	}
	if made != 1 || chosen != 1 {
		t.Errorf("the trail says made %d times, chosen %d times", made, chosen)
	}
}

// What was given and not used in a week is worth nothing; nor is it a way past a second proof.
func TestAGivenPasswordEndsAndIsNoWayPastASecondProof(t *testing.T) {
	g := newRegion(t, Config{SecondFactor: []Kind{Professionals}})
	b := g.browser(t, "http://localhost")
	_, page := b.signIn("/", "gp", password)
	if !strings.Contains(page, "Set up your telephone") {
		t.Fatal(page)
	}
	enrol(t, b, page)
	given, err := g.GivePassword(t.Context(), operator, "gp", "forgot it")
	if err != nil {
		t.Fatal(err)
	}
	if _, got := b.get("/"); strings.HasPrefix(got, "hello ") {
		t.Error("a session goes on after a new password was given")
	}
	_, page = g.browser(t, "http://localhost").signIn("/", "gp", given)
	if !strings.Contains(page, "Enter your code") || strings.Contains(page, "Choose your password") {
		t.Error("a password is chosen without the second proof:", page)
	}
	if err := g.Accounts.Alter("gp", func(a *Account) { a.Given = time.Now().Add(-time.Minute) }); err != nil {
		t.Fatal(err)
	}
	if status, _ := g.browser(t, "http://localhost").signIn("/", "gp", given); status != http.StatusUnprocessableEntity || g.events[len(g.events)-1].Reason != "the password that was given out was not used in its time" {
		t.Errorf("%d %+v", status, g.events[len(g.events)-1])
	}
}

// enrol sets a telephone up on the page that asks for it.
func enrol(t *testing.T, b *browser, page string) {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secretOf.FindStringSubmatch(page)[1], " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	_, page = b.post(actionOf(t, page), url.Values{"half": {halfOf.FindStringSubmatch(page)[1]}, "code": {factortest.Code(secret, 0)}})
	if _, page = b.post(actionOf(t, page), url.Values{"half": {halfOf.FindStringSubmatch(page)[1]}}); !strings.HasPrefix(page, "hello ") {
		t.Fatal(page)
	}
}

// Who is signed in changes their password with the one they have; a stranger at an open
// screen does not, and is not left to guess. Their other sessions end.
func TestAPasswordIsChangedWithTheOldOne(t *testing.T) {
	g := newRegion(t, Config{})
	b, elsewhere := g.browser(t, "http://localhost"), g.browser(t, "http://localhost")
	b.signIn("/", "gp", password)
	elsewhere.signIn("/", "gp", password)
	change := func(old, new, again string) (int, string) {
		return b.post("/account/password", url.Values{"password": {old}, "new": {new}, "again": {again}})
	}
	for says, try := range map[string][3]string{"not the same": {password, theirOwn, "x"}, "12 or more": {password, "short", "short"}} {
		if status, page := change(try[0], try[1], try[2]); status != http.StatusUnprocessableEntity || !strings.Contains(page, says) {
			t.Errorf("%d %s", status, page)
		}
	}
	if status, page := change(password, theirOwn, theirOwn); status != 200 || !strings.Contains(page, "Your password was changed") {
		t.Fatal(status, page)
	}
	if _, page := b.get("/"); page != "hello gp for TREAT" {
		t.Error("the session that changed it has ended:", page)
	}
	if _, page := elsewhere.get("/"); strings.HasPrefix(page, "hello ") {
		t.Error("another session goes on")
	}
	wrong := regexp.MustCompile(`is another one|Too many tries`)
	waits := false
	for range 6 {
		status, page := change("wrong-wrong-wrong", "copper-lantern-walrus-5", "copper-lantern-walrus-5")
		if status != http.StatusUnprocessableEntity || !wrong.MatchString(page) {
			t.Fatal(status, page)
		}
		waits = waits || strings.Contains(page, "Too many tries")
	}
	if !waits {
		t.Error("the old password can be guessed at an open screen")
	}
}

// Who makes which accounts.
func TestWhoMakesAccounts(t *testing.T) {
	g := newRegion(t, Config{})
	admin := policy.Subject{User: "admin", Role: nhs.Administrator, Organisation: "RJZ"}
	acc := func(user string, role nhs.Role, org nhs.ODS) Account {
		return Account{User: user, Name: "Somebody", Role: role, Organisation: org}
	}
	for name, try := range map[string]struct {
		by   policy.Subject
		acc  Account
		want fault.Kind
	}{
		"elsewhere":         {admin, acc("x1", nhs.Nurse, "RJ1"), fault.Security},
		"privacy officer":   {admin, acc("x2", nhs.PrivacyOfficer, "RJZ"), fault.Security},
		"a citizen":         {admin, Account{User: "x3", Name: "Ada", Role: nhs.Citizen, NHSNumber: someAccounts(t)[1].NHSNumber}, fault.Security},
		"by a nurse":        {policy.Subject{User: "n", Role: nhs.Nurse, Organisation: "RJZ"}, acc("x4", nhs.Nurse, "RJZ"), fault.Security},
		"taken":             {operator, acc("gp", nhs.Nurse, "RJZ"), fault.Duplicate},
		"no such role":      {operator, acc("x5", "wizard", "RJZ"), fault.Value},
		"a name of markup":  {operator, acc("<x>", nhs.Nurse, "RJZ"), fault.Value},
		"unknown provider":  {operator, Account{User: "x6", Name: "S", Role: nhs.Nurse, Organisation: "RJZ", Provider: "nobody"}, fault.Value},
		"without an office": {operator, acc("x7", nhs.Nurse, ""), fault.Value},
	} {
		if _, err := g.Make(t.Context(), try.by, try.acc, "test"); fault.KindOf(err) != try.want {
			t.Errorf("%s: %v", name, err)
		}
		if _, made, _ := g.Accounts.Known(try.acc.User); made && name != "taken" {
			t.Error(name, "was made")
		}
	}
	if _, err := g.Make(t.Context(), admin, acc("x8", nhs.Nurse, "RJZ"), ""); !fault.Is(err, fault.Required) {
		t.Error("without a reason:", err)
	}
	if password, err := g.Make(t.Context(), admin, acc("x9", nhs.HospitalDoctor, "RJZ"), "test"); err != nil || password == "" {
		t.Error(err)
	}
	if password, err := g.Make(t.Context(), operator, Account{User: "pas", Name: "PAS", Role: nhs.SourceSystem, Organisation: "RJZ", Source: "RJZ:PAS"}, "test"); err != nil || password != "" {
		t.Error("a system has a password", err)
	}
	if _, err := g.GivePassword(t.Context(), operator, "pas", "test"); !fault.Is(err, fault.Value) {
		t.Error("a system is given a password:", err)
	}
	g.mu.Lock()
	g.full = true
	g.mu.Unlock()
	if _, err := g.Make(t.Context(), operator, acc("x10", nhs.Nurse, "RJZ"), "test"); err == nil {
		t.Error("an account is made that the trail does not know of")
	}
}

// The dearest password to weigh takes little.
func TestChosenIsQuick(t *testing.T) {
	a := Account{User: "u", Name: "N"}
	for _, p := range []string{strings.Repeat("a", 256), strings.Repeat("1234567890", 25), strings.Repeat("password", 32), strings.Repeat("qwertyuiop", 25)} {
		began := time.Now()
		_ = a.chosen(p)
		if took := time.Since(began); took > time.Second {
			t.Errorf("%.20s…: %v", p, took)
		}
	}
}
