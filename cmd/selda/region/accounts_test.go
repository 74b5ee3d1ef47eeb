package region

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/auth"
	"selda/nhs"
)

func (b *tab) people() {
	b.says("People of", "David Chen", "Anna Kowalska", "Last sign-in", "accounts of other organisations")
	b.saysNothingOf("Folake", "Adaora")
	b.look("accounts")
	b.Eval(`document.getElementById("add").open = true; for (const [k, v] of Object.entries({name: "Ama Mensah", user: "a.mensah", role: "nurse", contact: "ama.mensah@example.nhs.uk", why: "began on Monday"})) document.getElementById(k).value = v; ""`)
	b.look("accounts-add")
	b.Press(`#add button`)
	b.says("A password for Ama Mensah", "not by e-mail")
	b.look("account-given")
	b.at("/accounts/analyst")
	b.says("David Chen", "password alone", "Sign them out everywhere", "Keep them out", "lost their telephone")
	b.look("account")
	b.Eval(`document.querySelectorAll("main details").forEach(d => d.open = true); ""`)
	b.look("account-open")
	b.at("/accounts/admin")
	b.says("This is your own account", "another administrator")
	b.look("account-own")
	b.manyPeople()
}

// manyPeople looks at a page of more people than one page has.
func (b *tab) manyPeople() {
	b.colleagues()
	b.at("/accounts")
	b.says("Name or user name", "Next page")
	b.look("accounts-many")
}

// An administrator looks after the people of their own organisation, never themselves, and
// each act is in the trail with its reason.
func TestAnAdministratorLooksAfterTheirOwnPeople(t *testing.T) {
	r, base, _ := demonstrated(t)
	const colleague = "analyst"
	admin, them := signedIn(t, base, "admin"), signedIn(t, base, colleague)
	in := func() bool {
		status, page := them.get("/releases")
		return status == http.StatusOK && strings.Contains(page, "Sign out")
	}
	if !in() {
		t.Fatal("the colleague is not signed in")
	}
	status, page := admin.get("/accounts")
	admin.says(status, page, http.StatusOK, "David Chen", "password alone", "today")
	if strings.Contains(page, "Okafor") || strings.Contains(page, "Folake") {
		t.Error("people of others are listed")
	}
	trail := func(what string) (n int) {
		entries, err := r.Trail.Find(t.Context(), audit.Query{User: "admin", Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.What == "account "+colleague && strings.Contains(e.Reason, what) {
				n++
			}
		}
		return n
	}
	act := func(user, act, why string, want int, says string) {
		t.Helper()
		status, page := admin.post("/accounts/"+user+"/"+act, url.Values{"why": {why}})
		admin.says(status, page, want, says)
	}
	act(colleague, "disable", "", 422, "Say why")
	if !in() {
		t.Error("without a reason they were disabled")
	}
	act(colleague, "disable", "left on Friday", 200, "Disabled, and signed out everywhere")
	if in() || trail("disabled: left on Friday") != 1 {
		t.Error("a disabled colleague goes on, or the trail has no reason")
	}
	act(colleague, "enable", "came back", 200, "They can sign in again")
	them = signedIn(t, base, colleague)
	act(colleague, "end", "left a screen open", 200, "Signed out everywhere")
	if in() || trail("signed out everywhere: left a screen open") != 1 {
		t.Error("a session goes on")
	}
	them = signedIn(t, base, colleague)
	act(colleague, "reset", "lost the telephone", 200, "was taken away")
	if in() {
		t.Error("a session goes on after a reset")
	}
	status, page = admin.post("/accounts/"+colleague+"/until", url.Values{"day": {"2020-03-31"}, "contact": {"head.of@example.nhs.uk"}})
	admin.says(status, page, http.StatusOK, "The end was set", "head.of@example.nhs.uk", "ended")
	if _, ok := r.Auth.Accounts.Find(colleague); ok {
		t.Error("an account that has ended is in use")
	}
	if a, _, _ := r.Auth.Accounts.Known(colleague); !a.Ends.Equal(time.Date(2020, 3, 30, 23, 0, 0, 0, time.UTC)) {
		t.Error("midnight of the region is", a.Ends)
	}
	status, page = admin.post("/accounts/"+colleague+"/until", url.Values{"day": {"31 March"}})
	admin.says(status, page, http.StatusUnprocessableEntity, "A day is written")

	// Not themselves, nobody elsewhere, no citizen, and nobody who is no administrator.
	for _, x := range []string{"disable", "reset", "end", "enable", "until"} {
		for user, says := range map[string]string{"admin": "Nobody changes their own account", "gp": "own organisation", "citizen": "own organisation"} {
			act(user, x, "a reason", http.StatusForbidden, says)
		}
		if status, _ := signedIn(t, base, "gp").post("/accounts/"+colleague+"/"+x, url.Values{"why": {"a reason"}}); status != http.StatusForbidden {
			t.Errorf("a general practitioner may %s: %d", x, status)
		}
	}
	for _, user := range []string{"admin", "gp", "citizen"} {
		if a, ok := r.Auth.Accounts.Find(user); !ok || a.Disabled {
			t.Error(user, "was changed")
		}
	}
	for _, user := range []string{"gp", "citizen", "nobody"} {
		if status, page := admin.get("/accounts/" + user); status != http.StatusNotFound {
			t.Error(user, status, page)
		}
	}
	if entries, err := r.Trail.Find(t.Context(), audit.Query{User: "admin", Action: audit.Administer, Limit: 300}); err != nil || !hasDenied(entries, "account admin") || !hasDenied(entries, "account gp") {
		t.Error("refusals are not in the trail", err)
	}
	if a, ok := r.Auth.Accounts.Find("admin"); !ok || a.Role != nhs.Administrator {
		t.Error("the administrator is gone")
	}
}

func hasDenied(entries []audit.Entry, what string) bool {
	for _, e := range entries {
		if e.Outcome == audit.Deny && e.What == what {
			return true
		}
	}
	return false
}

// Of many people of an organisation a page at a time is shown, and who is searched for is
// found; nobody of another organisation is, and no citizen.
func TestAnAdministratorFindsOneOfManyPeople(t *testing.T) {
	r, base, _ := demonstrated(t)
	admin := signedIn(t, base, "admin")
	at, _ := r.Auth.Accounts.Find("admin")
	var list []auth.Account
	for i := range 120 {
		list = append(list, auth.Account{User: fmt.Sprintf("many.%03d", i), Name: fmt.Sprintf("Zoë O'Neill-%03d", i), Role: nhs.Nurse, Organisation: at.Organisation})
	}
	list = append(list, auth.Account{User: "many.else", Name: "Zoë Elsewhere", Role: nhs.Nurse, Organisation: "RV5"})
	if err := r.Auth.Accounts.Add(list...); err != nil {
		t.Fatal(err)
	}
	status, page := admin.get("/accounts")
	admin.says(status, page, http.StatusOK, "many.010", "Next page", "Name or user name")
	seen, after := map[string]bool{}, ""
	users := regexp.MustCompile(`href="/accounts/([^"]+)"`)
	for range 10 {
		for _, m := range users.FindAllStringSubmatch(page, -1) {
			if seen[m[1]] {
				t.Error(m[1], "is on two pages")
			}
			seen[m[1]] = true
		}
		m := regexp.MustCompile(`name="after" value="([^"]+)"`).FindStringSubmatch(page)
		if m == nil {
			break
		}
		after = m[1]
		status, page = admin.post("/accounts/find", url.Values{"after": {after}})
		admin.says(status, page, http.StatusOK, "from the start")
	}
	counts, err := r.Auth.Accounts.Count(at.Organisation)
	n := 0
	for _, c := range counts {
		n += c.N
	}
	if err != nil || len(seen) != n || n < 120 || seen["many.else"] || seen["citizen"] {
		t.Errorf("%d of %d were listed: %v", len(seen), n, err)
	}
	status, page = admin.post("/accounts/find", url.Values{"find": {"zoe neill-07"}})
	admin.says(status, page, http.StatusOK, "many.070", "many.079", "zoe neill-07")
	if strings.Contains(page, "many.080") || strings.Contains(page, "Next page") {
		t.Error("others are found")
	}
	for _, x := range []string{"elsewhere", "Adeyemi", "%", strings.Repeat("x ", 300)} {
		status, page = admin.post("/accounts/find", url.Values{"find": {x}})
		admin.says(status, page, http.StatusOK, "Nobody of")
	}
}
