package testenv

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"selda/auth"
	"selda/nhs"
)

// second makes a second privacy officer of King's, who can agree.
func (o *outside) second() {
	o.Helper()
	if err := o.Region.Auth.Accounts.Put(auth.Account{User: "privacy2", Name: "Sunita Rao", Role: nhs.PrivacyOfficer, Organisation: "RJZ", OrganisationName: "King's"}); err != nil {
		o.Fatal(err)
	}
}

// posts sends a form of a page.
func (o *outside) posts(user, path, form string) (int, string) {
	o.Helper()
	a, err := o.Do(o.Context(), user, "POST", path, []byte(form), "Content-Type: application/x-www-form-urlencoded")
	if err != nil {
		o.Fatal(err)
	}
	return a.Status, string(a.Body)
}

// action is the first address of a page's forms that fits.
func (o *outside) action(user, page, pattern string) string {
	o.Helper()
	_, body := o.asks(user, "GET", page, "")
	found := regexp.MustCompile(`action="(` + pattern + `)"`).FindStringSubmatch(body)
	if found == nil {
		return ""
	}
	return found[1]
}

// G9: the citizen is told of an emergency access by default, at once; a privacy
// officer may put that off on a ground with a review date, for longer than three days
// only where another person agrees; the end of it tells; and nobody of it knows but
// those who decide.
func TestG9TellingIsPutOffByTwo(t *testing.T) {
	o := known(t)
	o.second()
	o.breaksGlass("doctor", "emergency")
	o.asks("doctor", "GET", "/record/{citizen}", "")
	told := func() bool {
		t.Helper()
		list := o.sees("citizen", "James Whitfield", "/me/looked")
		home := o.sees("citizen", "opened your record in an emergency", "/me")
		if events := o.sees("citizen", "James Whitfield", "/fhir/AuditEvent?patient={citizen}"); len(events) != len(list) {
			t.Errorf("the list and the AuditEvents differ: %v %v", list, events)
		}
		if len(list) != len(home) {
			t.Errorf("the list and the first page differ: %v %v", list, home)
		}
		return len(list) > 0
	}
	if !told() {
		t.Fatal("the citizen is not told")
	}
	const put = `/privacy/telling/\d+`
	form := o.action("privacy", "/privacy", put)
	if form == "" {
		t.Fatal("there is no form to put it off")
	}
	review := Start.AddDate(0, 0, 30).Format("2006-01-02")
	for _, wrong := range []string{"ground=&until=" + review, "ground=boredom&until=" + review, "ground=crime&until=2020-01-01", "ground=crime&until=2099-01-01", "ground=crime"} {
		if status, _ := o.posts("privacy", form, wrong); status != 422 {
			t.Errorf("%s: %d", wrong, status)
		}
	}
	for _, user := range []string{"doctor", "gp", "governance", "citizen", "admin"} {
		if status, _ := o.posts(user, form, "ground=crime&until="+review); status == 200 {
			t.Errorf("%s may put it off", user)
		}
	}
	if !told() {
		t.Fatal("who may not has put it off")
	}
	if status, body := o.posts("privacy", form, "ground=serious-harm&until="+review); status != 200 {
		t.Fatal(status, body)
	}
	if told() {
		t.Error("it is put off, and the citizen is told")
	}
	if where := o.sees("citizen", "serious", "/me", "/me/looked", "/fhir/Patient/{citizen}", "/fhir/AuditEvent?patient={citizen}"); len(where) > 0 {
		t.Error("that it is put off shows at", where)
	}
	if a := o.action("privacy", "/privacy", put+"/agree"); a != "" {
		t.Error("who asked for it may agree too")
	}
	agree := o.action("privacy2", "/privacy", put+"/agree")
	if agree == "" {
		t.Fatal("nobody else may agree")
	}
	if status, _ := o.posts("privacy", agree, ""); status == 200 {
		t.Error("who asked for it has agreed, by the address")
	}
	o.Advance(73 * time.Hour)
	if !told() {
		t.Error("one person alone has put it off for longer than three days")
	}
	o.Advance(-72 * time.Hour)
	if status, body := o.posts("privacy2", agree, ""); status != 200 {
		t.Fatal(status, body)
	}
	o.Advance(10 * 24 * time.Hour)
	if told() {
		t.Error("two have put it off, and the citizen is told before")
	}
	o.Advance(21 * 24 * time.Hour)
	if !told() {
		t.Error("the review date has passed, and the citizen is not told")
	}
}

// G9: ending it tells at once; where there is a ground of safety "who looked" shows role
// and organisation instead of a name, until a day.
func TestG9TellingEndsAndNamesAreKept(t *testing.T) {
	o := known(t)
	o.breaksGlass("doctor", "emergency")
	const put = `/privacy/telling/\d+`
	review := Start.AddDate(0, 0, 2).Format("2006-01-02")
	if status, body := o.posts("guardian", o.action("guardian", "/privacy", put), "ground=safeguarding&until="+review); status != 200 {
		t.Fatal(status, body)
	}
	if len(o.sees("citizen", "James Whitfield", "/me/looked")) > 0 {
		t.Error("put off, and told")
	}
	if status, _ := o.posts("privacy", o.action("privacy", "/privacy", put+"/end"), ""); status != 200 {
		t.Fatal(status)
	}
	if len(o.sees("citizen", "James Whitfield", "/me/looked")) == 0 {
		t.Error("ended, and not told")
	}
	if status, _ := o.posts("privacy", o.action("privacy", "/privacy", put+"/shield"), "ground=serious-harm&until="+review); status != 200 {
		t.Fatal(status)
	}
	_, body := o.asks("citizen", "GET", "/me/looked", "")
	if strings.Contains(body, "Whitfield") || !strings.Contains(body, "Hospital doctor") || !strings.Contains(body, "King") {
		t.Error("not the role and the organisation instead of the name")
	}
	if where := o.sees("citizen", "Whitfield", "/me", "/me/looked", "/fhir/AuditEvent?patient={citizen}"); len(where) > 0 {
		t.Error("the name shows at", where)
	}
	o.Advance(3 * 24 * time.Hour)
	if len(o.sees("citizen", "Whitfield", "/me/looked")) == 0 {
		t.Error("its day has passed, and the name is still kept")
	}
}
