package region

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	givenCode = regexp.MustCompile(`<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>`)
	halfField = regexp.MustCompile(`name="half" value="([^"]+)"`)
)

// An administrator adds a nurse, who chooses a password, works, forgets it and is given
// another one.
func TestAnAdministratorAddsAPerson(t *testing.T) {
	r, base, _ := demonstrated(t)
	admin := signedIn(t, base, "admin")
	form := url.Values{"user": {"a.mensah"}, "name": {"Ama Mensah"}, "role": {"nurse"}, "contact": {"ama.mensah@example.nhs.uk"}, "why": {"began on Monday"}}
	for says, change := range map[string][2]string{"A user name has letters": {"user", "a mensah"}, "There is an account of that user name": {"user", "gp"}, "Choose a role": {"role", ""}, "Say why": {"why", " "}, "A day is written": {"ends", "31 March"}} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(change[0], change[1])
		status, page := admin.post("/accounts", bad)
		admin.says(status, page, http.StatusUnprocessableEntity, says)
		if !strings.Contains(page, `value="Ama Mensah"`) {
			t.Error("what was filled in is lost:", says)
		}
	}
	for _, role := range []string{"privacy-officer", "caldicott-guardian", "analyst", "citizen"} {
		bad := url.Values{"user": {"x"}, "name": {"X"}, "role": {role}, "why": {"test"}}
		if status, page := admin.post("/accounts", bad); status < 400 {
			t.Errorf("an administrator makes a %s: %d %s", role, status, page)
		}
	}
	if status, _ := signedIn(t, base, "gp").post("/accounts", form); status != http.StatusForbidden {
		t.Error("a general practitioner adds a person:", status)
	}
	status, page := admin.post("/accounts", form)
	admin.says(status, page, http.StatusOK, "A password for Ama Mensah", "a.mensah", "good once")
	first := givenCode.FindStringSubmatch(page)
	if first == nil {
		t.Fatal(page)
	}
	nurse, _, page := comes(t, base, "a.mensah", first[1])
	goesOn := func(form url.Values, says string) {
		t.Helper()
		half := halfField.FindStringSubmatch(page)
		if half == nil {
			t.Fatal(page)
		}
		form.Set("half", half[1])
		status, page = nurse.post(html.UnescapeString(signInForm.FindStringSubmatch(page)[1]), form)
		nurse.says(status, page, http.StatusOK, says)
	}
	code := regexp.MustCompile(`Secret: <code>([A-Z2-7 ]+)</code>`).FindStringSubmatch(page)
	if code == nil {
		t.Fatal("a professional's account is not to have a second proof:", page)
	}
	const own = "violet-harbour-mitten-93"
	goesOn(url.Values{"code": {shown(t, code[1])}}, "Keep your recovery codes")
	goesOn(url.Values{}, "Choose your password")
	goesOn(url.Values{"new": {own}, "again": {own}}, "Ama Mensah")
	acc, _ := r.Auth.Accounts.Find("a.mensah")
	if acc.OrganisationName == "" || acc.Contact != "ama.mensah@example.nhs.uk" || !acc.Given.IsZero() {
		t.Errorf("%+v", acc)
	}
	status, page = admin.post("/accounts/a.mensah/password", url.Values{"why": {"forgot it after the holidays"}})
	admin.says(status, page, http.StatusOK, "A password for Ama Mensah")
	if status, page := nurse.get("/search"); status == http.StatusOK && strings.Contains(page, "Ama Mensah") {
		t.Error("a session goes on after a new password was given")
	}
	if _, _, page := comes(t, base, "a.mensah", own); strings.Contains(page, "Ama Mensah") {
		t.Error("the password of before is still good")
	}
}
