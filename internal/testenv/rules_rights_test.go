package testenv

import (
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"selda/access"
	"selda/audit"
	"selda/auth"
	"selda/nhs"
	"selda/rights"
)

// asksFor has the citizen ask for something on their page; a path beneath it is of an item.
func (o *outside) asksFor(kind, words, beneath string) string {
	o.Helper()
	status, page := o.posts("citizen", "/me/rights"+beneath, url.Values{"kind": {kind}, "words": {words}}.Encode())
	if status != 200 {
		o.Fatal(status, page)
	}
	return page
}

// officer makes a privacy officer of an organisation.
func (o *outside) officer(user string, of nhs.ODS) {
	o.Helper()
	if err := o.Region.Auth.Accounts.Put(auth.Account{User: user, Name: user, Role: nhs.PrivacyOfficer, Organisation: of}); err != nil {
		o.Fatal(err)
	}
}

var caseLink = regexp.MustCompile(`/privacy/cases/([a-z0-9-]+)"`)

// caseOf is the one open case of an organisation that a page of its officer lists.
func (o *outside) caseOf(user string) string {
	o.Helper()
	_, page := o.asks(user, "GET", "/privacy/cases", "")
	found := caseLink.FindStringSubmatch(page)
	if found == nil {
		o.Fatal(user, "has no case: ", page)
	}
	return found[1]
}

// worksOn does something to a case.
func (o *outside) worksOn(user, id, did string, more ...string) (int, string) {
	o.Helper()
	form := url.Values{"did": {did}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return o.posts(user, "/privacy/cases/"+id, form.Encode())
}

// must fails unless a page says something.
func (o *outside) must(status int, page string, words ...string) {
	o.Helper()
	if status != 200 {
		o.Fatal(status, page)
	}
	for _, w := range words {
		if !strings.Contains(html.UnescapeString(page), w) {
			o.Errorf("the page lacks %q: %s", w, page)
		}
	}
}

// G18, G2: a request of the citizen becomes a case of each controller that keeps something
// of them, with a month's clock; each works its own and can't see another's; what is asked
// and answered is told in plain words with dates; every step is in the trail.
func TestG18ARequestIsACaseOfEachController(t *testing.T) {
	o := known(t)
	o.officer("gpofficer", "G85915")
	page := o.asksFor("access", "", "")
	o.must(200, page, "You asked for a copy of your record", "King's College Hospital", "You get an answer by 5 December 2026")
	hospital, practice := o.caseOf("privacy"), o.caseOf("gpofficer")
	if hospital == practice {
		t.Fatal("one case for two controllers")
	}
	status, page := o.asks("privacy", "GET", "/privacy/cases", "")
	o.must(status, page, "05-Dec-2026", "30 days left")
	if strings.Contains(page, practice) {
		t.Error("another controller's case is listed")
	}
	for _, path := range []string{"GET", "POST"} {
		if status, page := o.asks("privacy", path, "/privacy/cases/"+practice, ""); status != 404 || strings.Contains(page, "Adeyemi") {
			t.Error("another controller's case is browsed", status)
		}
	}
	for _, user := range []string{"gp", "doctor", "engineer", "analyst", "citizen", "governance"} {
		if status, _ := o.asks(user, "GET", "/privacy/cases/"+hospital, ""); status != 403 && status != 404 {
			t.Errorf("%s reads a case: %d", user, status)
		}
	}
	status, page = o.asks("privacy", "GET", "/privacy/cases/"+hospital, "")
	o.must(status, page, "ADEYEMI, Folake", "999 123 4519", "The person, on their page")

	o.Advance(5 * 24 * time.Hour)
	o.must(o.worksOn("privacy", hospital, "asked-clarification", "words", "Which years do you want?"))
	_, page = o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "asks you: Which years do you want?", "waits for you")
	o.Advance(3 * 24 * time.Hour)
	status, page = o.posts("citizen", "/me/rights", url.Values{"case": {hospital}, "answer": {"The last two"}}.Encode())
	o.must(status, page, "You get an answer by 8 December 2026")
	if status, page := o.worksOn("privacy", hospital, "extended"); status != 422 || !strings.Contains(page, "why it takes longer") {
		t.Error("extended without a reason", status)
	}
	o.must(o.worksOn("privacy", hospital, "extended", "words", "Three old systems are to be searched"))
	_, page = o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "up to two months longer. Why: Three old systems", "by 8 February 2027")

	o.Advance(26 * 24 * time.Hour) // 9 December
	status, page = o.asks("gpofficer", "GET", "/privacy/cases", "")
	o.must(status, page, "overdue by 4 days")
	_, page = o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "You should have had an answer by 5 December 2026", "ico.org.uk")

	if status, page := o.worksOn("gpofficer", practice, "handed-over", "to", "RJZ", "words", "They answer for both"); status != 303 {
		t.Fatal(status, page)
	}
	if status, _ := o.asks("gpofficer", "GET", "/privacy/cases/"+practice, ""); status != 404 {
		t.Error("who handed a case over goes on reading it", status)
	}
	o.must(o.worksOn("privacy", practice, "decided", "code", "refused", "words", "It was sent twice, and answered before"))
	_, page = o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "passed on to King's College Hospital", "Your request was refused", "Why: It was sent twice", "complain")

	entries, err := o.Trail(t.Context(), audit.Query{Citizen: o.citizen, Action: audit.Update})
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, e := range entries {
		said += e.Outcome + " " + e.Reason + "\n"
		if strings.Contains(e.Reason+e.What, "years") || strings.Contains(e.Reason, "Three old") {
			t.Error("the trail repeats what was written in a case")
		}
	}
	for _, want := range []string{"permit asked what they mean", "permit was told what they mean", "deny extended by two months", "permit extended by two months", "permit handed over", "permit decided"} {
		if !strings.Contains(said, want) {
			t.Errorf("the trail lacks %q: %s", want, said)
		}
	}
}

// isClosed waits until a case is closed, without looking at it as somebody does.
func (o *outside) isClosed(id, outcome string) {
	o.Helper()
	for late := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		list, err := o.Region.Store.Cases(o.Context(), access.CaseQuery{ID: id})
		if err != nil {
			o.Fatal(err)
		}
		if len(list) == 1 && list[0].State == rights.Closed && list[0].Outcome == outcome {
			return
		}
		if time.Now().After(late) {
			o.Fatalf("the case is not closed: %+v", list)
		}
	}
}

// G18: a request that came by letter is written down with who asked; the month begins when
// it was shown who they are. Somebody of whom the organisation keeps nothing is answered as
// one that never was.
func TestG18ARequestThatIsWrittenDown(t *testing.T) {
	o := known(t)
	o.officer("dgt", "RN7")
	form := url.Values{"number": {folake}, "kind": {"access"}, "asker": {"Folake Adeyemi, by letter"}}
	unknown := func(number string) string {
		f := url.Values{"number": {number}, "kind": {"access"}, "asker": {"x"}}
		status, page := o.posts("dgt", "/privacy/cases", f.Encode())
		if status != 422 {
			t.Error(status)
		}
		return strings.ReplaceAll(regexp.MustCompile(`Fetched [^<]*`).ReplaceAllString(page, ""), number, "")
	}
	if unknown(folake) != unknown("9997771206") {
		t.Error("an officer is told of whom others keep something")
	}
	if status, _ := o.posts("gp", "/privacy/cases", form.Encode()); status != 403 {
		t.Error("a doctor writes down a case of the organisation", status)
	}
	if status, page := o.posts("privacy", "/privacy/cases", form.Encode()); status != 303 {
		t.Fatal(status, page)
	}
	id := o.caseOf("privacy")
	status, page := o.asks("privacy", "GET", "/privacy/cases/"+id, "")
	o.must(status, page, "Waits to be shown who asks", "the clock waits")
	o.Advance(40 * 24 * time.Hour) // 15 December
	if status, _ := o.worksOn("privacy", id, "decided", "code", "nothing"); status != 422 {
		t.Error("answered to nobody knows whom", status)
	}
	o.must(o.worksOn("privacy", id, "shown-identity", "words", "Passport seen"))
	_, page = o.asks("privacy", "GET", "/privacy/cases", "")
	o.must(200, page, "15-Jan-2027")
	if status, page := o.worksOn("privacy", id, "decided", "code", "nothing"); status != 403 || !strings.Contains(page, "nother person decides") {
		t.Error("somebody decides what they have asked for", status)
	}
}

// G18, G11: who acts for somebody asks as far as what they see goes, and sees what they
// have asked alone; what the person asks is not theirs to know.
func TestG18WhoActsAsksWithinWhatTheySee(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.helper("bola", "Bola Adeyemi")
	if status, page := o.lets("bola", "own-wish"); status != 200 {
		t.Fatal(status, page)
	}
	o.asksFor("objection", "Planning uses my record", "")
	if _, page := o.asks("bola", "GET", "/for/{citizen}/rights", ""); strings.Contains(page, "Planning uses") {
		t.Error("who acts sees what the person has asked")
	}
	if _, page := o.asks("bola", "GET", "/for/{citizen}/looked", ""); strings.Contains(page, "asks: ") {
		t.Error("the trail tells who acts what the person has asked")
	}
	status, page := o.posts("bola", "/for/"+o.citizen+"/rights/item/Condition/c1", "kind=correction&words=She+has+COPD")
	o.must(status, page, "She has COPD", "You told us that something is wrong: Asthma")
	if status, _ := o.posts("bola", "/for/"+o.citizen+"/rights/item/Condition/none", "kind=correction&words=x"); status != 404 {
		t.Error("an item that is not there", status)
	}
	s, _ := o.Subject("bola")
	g, err := o.Region.Access.Record(t.Context(), s, o.citizen, "record")
	if err != nil {
		t.Fatal(err)
	}
	list, err := o.Region.Access.OwnCases(t.Context(), s, g)
	if err != nil || len(list) != 1 || list[0].Controller != "G85915" || list[0].Asked.By != rights.ByProxy {
		t.Fatal(list, err)
	}
	o.helper("eve", "Eve")
	if status, _ := o.posts("eve", "/for/"+o.citizen+"/rights", "kind=access"); status != 403 && status != 404 {
		t.Error("somebody who does not act asks", status)
	}
}

// G18: what is restricted is kept and shown to nobody: the organisation that wrote it
// neither, nor who acts for the person, nor an analyst; the person sees it. An emergency
// with its reason opens it. It ends on a day of which the person is told a week before.
func TestG18WhatIsRestrictedIsKeptAndNotUsed(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Alcohol dependence"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "h2", `"code":{"text":"Heart failure"},`+atKings)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.mayDeclare("doctor")
	sees := func(user string, want ...string) {
		t.Helper()
		for text, item := range map[string]string{"Alcohol": "h1", "Heart": "h2", "Asthma": "c1"} {
			shown := len(want) > 0 && strings.Contains(strings.Join(want, " "), text)
			status, _ := o.asks(user, "GET", "/fhir/Condition/"+item, "")
			where := o.sees(user, text, "/fhir/Condition?patient={citizen}", "/fhir/Condition/"+item+"/_history", "/fhir/Patient/{citizen}/$everything", "/record/{citizen}/problems", "/record/{citizen}/timeline")
			if (status == 200) != shown || (len(where) > 0) != shown {
				t.Errorf("%s and %s: %d, shown at %v", user, text, status, where)
			}
		}
	}
	sees("doctor", "Alcohol", "Heart", "Asthma")
	o.must(200, o.asksFor("restriction", "It is not true, and my boss reads it", "/item/Condition/h1"), "You asked us to stop using some of your record")
	id := o.caseOf("privacy")
	o.must(o.worksOn("privacy", id, "restrained", "words", "accuracy is contested, Art 18(1)(a)"))
	sees("doctor", "Heart", "Asthma")
	sees("gp", "Heart", "Asthma")
	if n := o.total("doctor", "/fhir/Condition?patient={citizen}"); n != 2 {
		t.Errorf("a total counts what is restricted: %d", n)
	}
	if status, _ := o.asks("citizen", "GET", "/fhir/Condition/h1", ""); status != 200 {
		t.Error("the person does not see it", status)
	}
	for _, user := range []string{"doctor", "gp"} {
		if where := o.sees(user, "restriction-", "/fhir/Basic?patient={citizen}", "/fhir/Patient/{citizen}/$everything"); where != nil {
			t.Errorf("%s is told that something is restricted: %v", user, where)
		}
	}
	o.must(o.worksOn("privacy", id, "decided", "code", "restricted"))
	_, page := o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "It is kept, and not used, since 5 November 2026")
	o.breaksGlass("doctor", "vital-interests")
	sees("doctor", "Alcohol", "Heart", "Asthma")
	o.Advance(13 * time.Hour)
	o.mayDeclare("doctor")
	sees("doctor", "Heart", "Asthma")
	if status, _ := o.worksOn("privacy", id, "announced", "words", "verified", "on", "2026-11-10"); status != 422 {
		t.Error("ended without a week's notice", status)
	}
	o.must(o.worksOn("privacy", id, "announced", "words", "It was checked and is right", "on", "2026-11-14"))
	_, page = o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "It will be used again from 14 November 2026. Why: It was checked")
	sees("gp", "Heart", "Asthma")
	o.Advance(9 * 24 * time.Hour)
	sees("gp", "Alcohol", "Heart", "Asthma")
}

// G18, invariant 3: whoever asks whatever, a record of which something is restricted answers as one
// that does not have it.
func TestG18WhatIsRestrictedLeavesNoTrace(t *testing.T) {
	var answers [2]map[string]string
	for i := range answers {
		o := known(t)
		answers[i] = map[string]string{}
		if i == 0 {
			o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Alcohol dependence"},`+atKings)
		}
		o.writes("RJZ:PAS", "Condition", "h2", `"code":{"text":"Heart failure"},`+atKings)
		o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
		if i == 0 {
			o.asksFor("restriction", "x", "/item/Condition/h1")
			o.must(o.worksOn("privacy", o.caseOf("privacy"), "restrained", "words", "y"))
		}
		o.mayDeclare("doctor")
		fixed := regexp.MustCompile(`Fetched [^<]*|cursor=[^"&]+|"(lastUpdated|timestamp)":"[^"]*"|"versionId":"[^"]*"|http://127[^/"]*|/assets/[^"]*`)
		for _, user := range []string{"doctor", "gp", "nurse", "visitor", "reception"} {
			for _, path := range []string{"/record/{citizen}", "/record/{citizen}/problems", "/record/{citizen}/timeline", "/fhir/Condition?patient={citizen}", "/fhir/Condition?patient={citizen}&_summary=count", "/fhir/Condition/h1", "/fhir/Condition/h1/_history",
				"/fhir/Condition?patient={citizen}&code:text=alcohol", "/fhir/Patient/{citizen}/$everything", "/fhir/Patient?_id={citizen}&_revinclude=Condition:subject", "/fhir/Patient?_has:Condition:patient:code:text=alcohol", "/fhir/Basic?patient={citizen}", "/fhir/Condition?_summary=count"} {
				status, body := o.asks(user, "GET", path, "")
				body = strings.ReplaceAll(fixed.ReplaceAllString(body, ""), o.citizen, "CITIZEN")
				for _, x := range []string{"p-rjz", "p-g85915"} {
					body = strings.ReplaceAll(body, x, "P")
				}
				answers[i][user+" "+path] = strconv.Itoa(status) + regexp.MustCompile(`"id":"[a-z0-9]{13}"|[a-z0-9-]{36}`).ReplaceAllString(body, "")
			}
		}
	}
	for what, is := range answers[0] {
		if was := answers[1][what]; is != was {
			t.Errorf("%s differs:\n%.1500s\n%.1500s", what, is, was)
		}
	}
}

// G18: the citizen says what is wrong with an item; the case goes to whoever wrote it. What
// its source changes closes the case; what it does not is told with the reason, and the note
// of dispute stands beside the item wherever it is shown, and through its next versions,
// until it is taken out.
func TestG18ACorrectionOrANoteOfDispute(t *testing.T) {
	o := known(t)
	o.officer("gpofficer", "G85915")
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Smoker"},`+atKings)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Epilepsy"},`+atGP)
	o.mayDeclare("doctor")
	if _, page := o.asks("citizen", "GET", "/me/rights/item/Condition/h1", ""); !strings.Contains(page, "Smoker") {
		t.Fatal("no page to say it on", page)
	}
	if status, _ := o.posts("citizen", "/me/rights/item/Condition/h1", "kind=correction&words="); status != 422 {
		t.Error("a correction without words", status)
	}
	o.asksFor("correction", "I have never smoked", "/item/Condition/h1")
	o.asksFor("correction", "It was one fit, as a child", "/item/Condition/c1")
	hospital, practice := o.caseOf("privacy"), o.caseOf("gpofficer")
	if status, _ := o.asks("privacy", "GET", "/privacy/cases/"+practice, ""); status != 404 {
		t.Error("the practice's item went to the hospital")
	}

	o.must(o.worksOn("gpofficer", practice, "sent-to-source", "words", "Dr Okafor to check"))
	o.Advance(time.Hour)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Single seizure in childhood"},`+atGP)
	o.isClosed(practice, "corrected") // before anybody looks
	_, page := o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "It has been corrected")
	_, page = o.asks("gpofficer", "GET", "/privacy/cases/"+practice, "")
	o.must(200, page, "Closed: Corrected by its source", "The source, G85915:GP")

	if status, _ := o.worksOn("privacy", hospital, "decided", "code", "disputed"); status != 422 {
		t.Error("refused without a reason", status)
	}
	o.must(o.worksOn("privacy", hospital, "decided", "code", "disputed", "words", "It was written down as you said it in 2019"))
	_, page = o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "A note now stands beside it", "Why: It was written down as you said it in 2019")
	beside := func(want bool) {
		t.Helper()
		for _, path := range []string{"/record/{citizen}/problems", "/record/{citizen}/timeline", "/fhir/Condition/h1", "/fhir/Condition?patient={citizen}", "/fhir/Patient/{citizen}/$everything"} {
			_, body := o.asks("gp", "GET", path, "")
			if got := strings.Contains(body, "I have never smoked"); got != want {
				t.Errorf("%s has the note: %v", path, got)
			}
			if fhir := strings.HasPrefix(path, "/fhir"); fhir && strings.Contains(body, "StructureDefinition/disputed") != want || !fhir && strings.Contains(body, "The person disputes this.") != want {
				t.Errorf("%s: it does not say what the note is", path)
			}
		}
	}
	beside(true)
	if _, body := o.asks("reception", "GET", "/fhir/Condition?patient={citizen}", ""); strings.Contains(body, "never smoked") {
		t.Error("who is not shown the item reads the note")
	}
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Smoker"},`+atKings) // the same again, as an extract sends it each night
	beside(true)
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Smoker"},"recordedDate":"2019-02-01",`+atKings)
	beside(true)
	o.must(o.worksOn("privacy", hospital, "note-taken-out", "words", "She agrees now"))
	beside(false)
	if status, _ := o.worksOn("privacy", hospital, "note-taken-out", "words", "again"); status != 422 {
		t.Error("taken out twice", status)
	}
}
