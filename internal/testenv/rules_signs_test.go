package testenv

import (
	"strings"
	"testing"

	"selda/audit"
	"selda/auth"
	"selda/nhs"
)

// signsOf are the signs of the latest access of a user to the citizen.
func (o *outside) signsOf(user string) string {
	o.Helper()
	o.asks(user, "GET", "/record/{citizen}", "")
	list, err := o.Region.Trail.Find(o.Context(), audit.Query{User: user, Citizen: o.citizen, Limit: 1})
	if err != nil || len(list) != 1 {
		o.Fatal(list, err)
	}
	return strings.Join(list[0].Signs, ", ")
}

// works makes a nurse of King's with an NHS number.
func (o *outside) works(user, name, number string) {
	o.Helper()
	n, err := nhs.ParseNumber(number)
	if err == nil {
		err = o.Region.Auth.Accounts.Put(auth.Account{User: user, Name: name, Role: nhs.Nurse, Organisation: "RJZ", OrganisationName: "King's", NHSNumber: n})
	}
	if err != nil {
		o.Fatal(err)
	}
}

// G9: who looks at their own, a colleague's or a neighbour's record, or at one that the
// guardian has watched, is raised to the privacy officer, with the facts; the citizen
// sees nothing of that, and nobody is refused for it.
func TestG9SignsAreRaisedToThePrivacyOfficer(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	if got := o.signsOf("doctor"); got != "" {
		t.Errorf("a doctor who has nothing to do with her: %q", got)
	}
	const neighbour = "9434765919"
	o.writes("G85915:GP", "Patient", "next-door", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+neighbour+`"}],"name":[{"family":"Okoro","given":["Ada"]}],"birthDate":"1980-01-01","address":[{"line":["44 Hidden Street"],"postalCode":"SE1 2BB"}]`)
	o.works("nextdoor", "Ada Okoro", neighbour)
	o.declares("nextdoor")
	if got := o.signsOf("nextdoor"); got != "neighbour" {
		t.Errorf("somebody of the same street: %q", got)
	}
	o.works("self", "F Adeyemi", folake)
	o.declares("self")
	if got := o.signsOf("self"); got != "own record, same family name" {
		t.Errorf("her own record: %q", got)
	}
	if got := o.signsOf("doctor"); got != "colleague" {
		t.Errorf("she works where the doctor does: %q", got)
	}
	until := Start.AddDate(0, 1, 0).Format("2006-01-02")
	form := "number=" + folake + "&reason=In+the+news&until=" + until
	for user, want := range map[string]int{"privacy": 403, "doctor": 403, "guardian": 200} {
		if status, _ := o.posts(user, "/privacy/watched", form); status != want {
			t.Errorf("%s has a record watched: %d", user, status)
		}
	}
	if status, _ := o.posts("guardian", "/privacy/watched", "number="+folake+"&reason=&until="+until); status != 422 {
		t.Errorf("without a reason: %d", status)
	}
	if got := o.signsOf("doctor"); got != "watched record, colleague" {
		t.Errorf("watched: %q", got)
	}
	_, queue := o.asks("privacy", "GET", "/privacy", "")
	at := -1
	for _, words := range []string{"Own record", "Watched record", "colleague&#39;s record", "neighbour&#39;s record"} {
		i := strings.Index(queue, ">"+strings.ReplaceAll(words, "colleague", "A colleague"))
		if i < 0 {
			i = strings.Index(queue, words+"</span>")
		}
		if i < at {
			t.Errorf("%s is not where its risk puts it", words)
		}
		at = i
	}
	for _, fact := range []string{"A Caldicott guardian has this record watched", "The person works at the user&#39;s organisation", "in the user&#39;s street"} {
		if !strings.Contains(queue, fact) {
			t.Errorf("the queue lacks %q", fact)
		}
	}
	if where := o.sees("citizen", "In the news", "/me", "/me/looked", "/fhir/AuditEvent?patient={citizen}"); len(where) > 0 {
		t.Error("that her record is watched shows at", where)
	}
	o.Advance(32 * 24 * 3600e9)
	o.declares("doctor")
	if got := o.signsOf("doctor"); got != "colleague" {
		t.Errorf("its day has passed: %q", got)
	}
}
