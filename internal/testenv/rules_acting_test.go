package testenv

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/auth"
	"selda/nhs"
)

// helper makes an account that names nobody.
func (o *outside) helper(user, name string) {
	o.Helper()
	if err := o.Region.Auth.Accounts.Put(auth.Account{User: user, Name: name, Role: nhs.Proxy}); err != nil {
		o.Fatal(err)
	}
}

// lets has the practice let an account act for the citizen.
func (o *outside) lets(user, as string, more ...string) (int, string) {
	o.Helper()
	form := url.Values{"user": {user}, "as": {as}, "evidence": {"paper 7 seen, passport seen"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return o.posts("reception", "/record/"+o.citizen+"/people", form.Encode())
}

func (o *outside) assesses(found string, review time.Time) {
	o.Helper()
	form := url.Values{"assess": {found}, "about": {"talked with them"}, "review": {review.Format(time.DateOnly)}}
	if status, page := o.posts("gp", "/record/"+o.citizen+"/people", form.Encode()); status != 200 || !strings.Contains(page, "Saved.") {
		o.Fatal(status, page)
	}
}

// opens says whether an account sees the citizen's conditions, by the page and at /fhir.
func (o *outside) opensFor(user string) bool {
	o.Helper()
	page, _ := o.asks(user, "GET", "/for/{citizen}", "")
	item, _ := o.asks(user, "GET", "/fhir/Condition/c1", "")
	if (page == 200) != (item == 200) {
		o.Errorf("%s: the page answers %d and /fhir %d", user, page, item)
	}
	return item == 200
}

// G11: somebody asks on a page, waits at the practice, and sees nothing before it
// has decided on evidence; the citizen sees who, as what and on which evidence, and
// ends it with one press: at once on pages, at /fhir and for tokens that were issued.
func TestG11AskedGrantedAndEnded(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.helper("bola", "Bola Adeyemi")
	if status, page := o.asks("bola", "GET", "/me", ""); status != 200 || !strings.Contains(page, "/helping") {
		t.Fatal(status, page)
	}
	ask := func(number string) string {
		form := url.Values{"number": {number}, "as": {"own-wish"}, "why": {"she is my mother"}}
		status, page := o.posts("bola", "/helping", form.Encode())
		if status != 200 || !strings.Contains(page, "Your request was sent") {
			t.Fatal(status, page)
		}
		return regexp.MustCompile(`Fetched [^<]*`).ReplaceAllString(page, "")
	}
	if ask(folake) != ask("9997771206") {
		t.Error("who asks is told whether there is somebody of a number")
	}
	if o.opensFor("bola") {
		t.Error("who asked sees the record")
	}
	_, page := o.asks("reception", "GET", "/helping", "")
	if !strings.Contains(page, "Bola Adeyemi") || !strings.Contains(page, "/record/"+o.citizen+"/people") {
		t.Fatal("the practice is not told who asks", page)
	}
	for _, user := range []string{"doctor", "visitor", "citizen", "bola", "privacy"} {
		o.mayDeclare(user)
		if status, _ := o.posts(user, "/record/"+o.citizen+"/people", "user=bola&as=own-wish&evidence=x"); status < 400 {
			t.Errorf("%s lets somebody act: %d", user, status)
		}
	}
	if status, page := o.lets("bola", "own-wish", "evidence", " "); status != 422 || !strings.Contains(page, "what you saw") {
		t.Error("without evidence", status)
	}
	if status, page := o.lets("bola", "own-wish"); status != 200 || !strings.Contains(page, "Bola Adeyemi") {
		t.Fatal(status, page)
	}
	if _, page := o.asks("reception", "GET", "/helping", ""); strings.Contains(page, "Bola") {
		t.Error("what was decided still waits")
	}
	if !o.opensFor("bola") {
		t.Fatal("who was let act sees nothing")
	}
	if n := o.total("bola", "/fhir/Condition"); n != 1 {
		t.Errorf("a search that names nobody finds %d", n)
	}
	token, err := o.Token(t.Context(), "bola")
	if err != nil {
		t.Fatal(err)
	}
	_, page = o.asks("citizen", "GET", "/me/people", "")
	for _, words := range []string{"Bola Adeyemi", "You asked for them to help you", "paper 7 seen", "since 5 November 2026", "Stop this now"} {
		if !strings.Contains(page, words) {
			t.Errorf("the citizen is not told %q", words)
		}
	}
	if n := o.total("citizen", "/fhir/RelatedPerson?patient={citizen}"); n != 1 {
		t.Errorf("the citizen reads %d RelatedPersons", n)
	}
	for _, user := range []string{"bola", "doctor"} {
		if n := o.total(user, "/fhir/RelatedPerson?patient={citizen}"); n != 0 {
			t.Errorf("%s reads %d RelatedPersons", user, n)
		}
	}
	stop := regexp.MustCompile(`name="stop" value="([^"]+)"`).FindStringSubmatch(page)
	if stop == nil {
		t.Fatal("the citizen can't end it", page)
	}
	o.helper("eve", "Eve")
	if status, _ := o.posts("eve", "/for/"+o.citizen+"/stop", "stop="+stop[1]); status < 400 {
		t.Error("somebody else ends it")
	}
	if status, _ := o.posts("citizen", "/me/people", "stop="+stop[1]); status >= 400 {
		t.Fatal(status)
	}
	if o.opensFor("bola") {
		t.Error("ended, and it opens the record")
	}
	if status, _ := o.asks("", "GET", "/fhir/Condition/c1", "", "Authorization: Bearer "+token); status != 404 {
		t.Error("a token that was issued before opens it", status)
	}
	if _, page := o.asks("citizen", "GET", "/me/people", ""); !strings.Contains(page, "ended by the person") {
		t.Error("it is not told that it has ended")
	}
	entries, err := o.Trail(t.Context(), audit.Query{Citizen: o.citizen, Action: audit.Update})
	entries = slices.DeleteFunc(entries, func(e audit.Entry) bool { return e.Outcome != audit.Permit })
	if err != nil || len(entries) != 2 || entries[0].User != "citizen" || !strings.Contains(entries[1].Reason, "lets somebody act") {
		t.Errorf("the trail says %+v, %v", entries, err)
	}
}

// mayDeclare declares a relationship where the role may.
func (o *outside) mayDeclare(user string) {
	s, err := o.Subject(user)
	if err == nil {
		_ = o.Region.Access.Declare(o.Context(), s, o.citizen, "")
	}
}

// G11: an attorney and a deputy see the record only while capacity is lacking, as a
// clinician found it and until it is to be looked at again; a deputy until the order ends.
func TestG11AttorneysAndDeputiesFollowCapacity(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.helper("ann", "Ann Attorney")
	o.helper("dan", "Dan Deputy")
	if status, _ := o.lets("dan", "deputy"); status != 422 {
		t.Error("an order without an end is taken", status)
	}
	for user, as := range map[string]string{"ann": "attorney", "dan": "deputy"} {
		if status, page := o.lets(user, as, "until", o.Now().AddDate(0, 2, 0).Format(time.DateOnly)); status != 200 {
			t.Fatal(status, page)
		}
		if o.opensFor(user) {
			t.Errorf("%s sees the record of somebody who can decide", as)
		}
	}
	if status, _ := o.posts("reception", "/record/"+o.citizen+"/people", "assess=lacking&about=x&review=2026-12-05"); status != 403 {
		t.Error("the front desk assesses capacity", status)
	}
	o.assesses("lacking", o.Now().AddDate(0, 1, 0))
	for _, user := range []string{"ann", "dan"} {
		if !o.opensFor(user) {
			t.Errorf("%s does not see the record while capacity is lacking", user)
		}
	}
	if status, _ := o.posts("citizen", "/me/people", "stop=x"); status < 400 {
		t.Error("who can't decide ends it")
	}
	o.Advance(32 * 24 * time.Hour)
	if o.opensFor("ann") {
		t.Error("the assessment is out of date, and the attorney sees the record")
	}
	o.assesses("lacking", o.Now().AddDate(0, 6, 0))
	if !o.opensFor("ann") || !o.opensFor("dan") {
		t.Error("assessed again, and it opens nothing")
	}
	o.Advance(32 * 24 * time.Hour)
	if o.opensFor("dan") || o.opensFor("ann") {
		t.Error("the end has come, and the deputy sees the record")
	}
	if status, page := o.lets("ann", "attorney"); status != 200 {
		t.Fatal(status, page)
	}
	if !o.opensFor("ann") {
		t.Error("decided again, and it opens nothing")
	}
	o.assesses("able", o.Now().AddDate(0, 6, 0))
	if o.opensFor("ann") {
		t.Error("the person can decide again, and the attorney sees the record")
	}
}

// G11: a parent sees the record until the eleventh birthday; then allergies,
// vaccinations and appointments, unless the practice decides again that the child
// can't decide; and nothing from the sixteenth.
func TestG11AParentAtEachAge(t *testing.T) {
	for _, c := range []struct {
		born         string
		whole        bool
		record, open bool
	}{{"2021-04-19", false, true, true}, {"2014-04-19", false, false, true}, {"2014-04-19", true, true, true}, {"2010-04-19", true, false, false}} {
		o := known(t)
		o.child(c.born)
		o.helper("grace", "Grace Mensah")
		o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},"subject":{"reference":"Patient/kofi"}`)
		o.writes("G85915:GP", "Immunization", "i1", `"status":"completed","vaccineCode":{"text":"MMR"},"patient":{"reference":"Patient/kofi"}`)
		form := []string{}
		if c.whole {
			form = []string{"whole", "yes"}
		}
		status, page := o.lets("grace", "parental-responsibility", form...)
		if (status == 200) != c.open {
			t.Errorf("%+v: %d %s", c, status, page)
		}
		condition, _ := o.asks("grace", "GET", "/fhir/Condition/c1", "")
		vaccine, _ := o.asks("grace", "GET", "/fhir/Immunization/i1", "")
		if (condition == 200) != c.record || (vaccine == 200) != c.open {
			t.Errorf("%+v: condition %d, vaccination %d", c, condition, vaccine)
		}
		if c.whole && c.open { // found competent: the child decides
			o.assesses("able", o.Now().AddDate(0, 6, 0))
			if condition, _ := o.asks("grace", "GET", "/fhir/Condition/c1", ""); condition == 200 {
				t.Error("a competent child's parent sees the whole record")
			}
		}
	}
}
