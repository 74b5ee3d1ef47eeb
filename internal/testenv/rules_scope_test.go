package testenv

import (
	"net/url"
	"strings"
	"testing"

	"selda/access"
)

// G18: a request about some letters restricts those letters. Nothing is restricted until the
// officer has said what; what they choose is theirs and the person's; who takes the request
// back has it used again at once.
func TestG18ARestrictionIsOfWhatWasChosen(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Alcohol dependence"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "h2", `"code":{"text":"Heart failure"},`+atKings)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.mayDeclare("doctor")
	shown := func(want string) {
		t.Helper()
		is := ""
		for _, text := range []string{"Alcohol", "Heart", "Asthma"} {
			if o.sees("doctor", text, "/fhir/Condition?patient={citizen}") != nil {
				is += text + " "
			}
		}
		if strings.TrimSpace(is) != want {
			t.Errorf("the doctor sees %q, not %q", is, want)
		}
	}
	o.asksFor("restriction", "Not the one about drinking, please", "")
	id := o.caseOf("privacy")
	status, page := o.asks("privacy", "GET", "/privacy/cases/"+id, "")
	o.must(status, page, "Everything that King's College Hospital", "Alcohol dependence", `value="Condition/h1"`)
	if strings.Contains(page, "Asthma") {
		t.Error("an officer is shown what another organisation wrote")
	}
	for what, of := range map[string][]string{"nothing": nil, "another's": {"Condition/c1"}, "another's source": {"G85915:GP"}, "what is not there": {"Condition/nope"}, "no item": {"Condition"}, "everything and one": {"everything", "Condition/h1"}} {
		form := url.Values{"did": {"restrained"}, "words": {"contested"}, "of": of}
		if status, _ := o.posts("privacy", "/privacy/cases/"+id, form.Encode()); status != 422 && status != 404 {
			t.Errorf("%s is restricted: %d", what, status)
		}
	}
	if status, _ := o.worksOn("privacy", id, "lifted"); status != 422 {
		t.Error("ended without notice", status)
	}
	shown("Alcohol Heart Asthma")
	o.must(o.worksOn("privacy", id, "restrained", "words", "contested", "of", "Condition/h1"))
	shown("Heart Asthma")
	status, page = o.posts("citizen", "/me/rights", url.Values{"withdraw": {id}}.Encode())
	o.must(status, page, "You took this back.")
	shown("Alcohol Heart Asthma")

	o.asksFor("restriction", "All of it", "")
	id = o.caseOf("privacy")
	o.must(o.worksOn("privacy", id, "restrained", "words", "contested", "of", "everything"))
	shown("Asthma")
}

// G18: a case is handed to an organisation that is here. Where nobody would ever open it, the
// person would wait for ever, and nobody would know.
func TestG18ACaseIsHandedToWhoIsHere(t *testing.T) {
	o := known(t)
	o.asksFor("access", "", "")
	id := o.caseOf("privacy")
	for _, to := range []string{"ZZZ", "SELDA", "RJZ", ""} {
		if status, page := o.worksOn("privacy", id, "handed-over", "to", to, "words", "theirs"); status != 422 {
			t.Errorf("it is handed to %q: %d %s", to, status, page)
		}
	}
	status, page := o.worksOn("privacy", id, "handed-over", "to", "ZZZ", "words", "theirs")
	if status != 422 || !strings.Contains(page, "No organisation that takes part here has the code ZZZ") {
		t.Error("it is not said why", status)
	}
	status, _ = o.asks("privacy", "GET", "/privacy/cases/"+id, "")
	if status != 200 {
		t.Error("the case is lost", status)
	}
}

// G18: a form that is sent twice is one request with one clock; another one, in other words,
// is another.
func TestG18AskedTwiceIsAskedOnce(t *testing.T) {
	o := known(t)
	count := func() int {
		t.Helper()
		list, err := o.Region.Store.Cases(o.Context(), access.CaseQuery{Controller: "RJZ"})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	o.asksFor("access", "", "")
	status, page := o.posts("citizen", "/me/rights", url.Values{"kind": {"access"}}.Encode())
	if status != 422 || !strings.Contains(page, "asked for already") || count() != 1 {
		t.Error("asked twice", status, count())
	}
	o.asksFor("restriction", "one", "")
	o.asksFor("restriction", "two", "")
	if count() != 3 {
		t.Error("other requests are not kept", count())
	}
}

// G18: an item that is written wrongly makes no case about everything.
func TestG18AnItemThatIsWrittenWronglyIsRefused(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Alcohol dependence"},`+atKings)
	for _, item := range []string{"Conditionh1", "/h1", "condition/h1", "Condition/h1/2", "Condition/nope"} {
		form := url.Values{"number": {folake}, "kind": {"restriction"}, "asker": {"Folake Adeyemi, by letter"}, "identity": {"passport"}, "words": {"it is wrong"}, "item": {item}}
		if status, page := o.posts("privacy", "/privacy/cases", form.Encode()); status != 422 || !strings.Contains(page, item) {
			t.Errorf("%q is taken: %d", item, status)
		}
	}
}
