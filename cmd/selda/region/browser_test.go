package region

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"selda/auth"
	"selda/ingest"
	"selda/internal/browser"
	"selda/nhs"
	"selda/optout"
	"selda/policy"
	"selda/proxy"
)

// tab is a browser in which somebody of the demonstration has signed in.
type tab struct {
	*browser.Browser
	t            *testing.T
	base, record string
	user         string
	optOuts      func() // has the national service clear the citizens
	colleagues   func() // has many people work with the administrator
	helps        func() // has the citizen act for a child
}

// as signs somebody in.
func (b *tab) as(user string) {
	b.t.Helper()
	b.user = user
	b.Width(1280)
	b.Go(b.base + "/login?return=/")
	b.Submit([2]string{"user", user}, [2]string{"password", DemoPassword})
	if where := b.Eval("document.querySelector('.s-top__who') ? '' : location.pathname + document.body.innerText"); where != "" {
		b.t.Fatalf("%s could not sign in: %s", user, where)
	}
}

// at opens a page: of the record where it begins with a colon.
func (b *tab) at(path string) {
	b.t.Helper()
	if rest, of := strings.CutPrefix(path, ":"); of {
		path = b.record + rest
	}
	b.Go(b.base + path)
}

// look looks at the page that is open, wide and narrow.
func (b *tab) look(name string) {
	b.t.Helper()
	for _, width := range []int64{1280, 360} {
		b.Width(width)
		b.Look(fmt.Sprintf("real-%s-%s-%d", b.user, name, width))
	}
	b.Width(1280)
}

func (b *tab) text() string {
	return b.Eval("(document.querySelector('.s-banner')?.textContent ?? '') + document.querySelector('main').textContent + (document.querySelector('.s-aside')?.textContent ?? '')")
}

// says fails unless the page has all of the words.
func (b *tab) says(words ...string) {
	b.t.Helper()
	text := strings.Join(strings.Fields(b.text()), " ")
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Errorf("%s at %s: the page lacks %q: %.300s", b.user, b.Eval("location.pathname"), w, text)
		}
	}
}

// clinical are words of the citizen's record that only those who treat her see.
var clinical = []string{"enicillin", "Apixaban", "Heart failure", "creatinine"}

func (b *tab) saysNothingOf(words ...string) {
	b.t.Helper()
	text := b.text()
	for _, w := range words {
		if strings.Contains(text, w) {
			b.t.Errorf("%s at %s: the page has %q", b.user, b.Eval("location.pathname"), w)
		}
	}
}

// search looks for somebody in the one search box.
func (b *tab) search(what string) {
	b.t.Helper()
	b.at("/search")
	b.Submit([2]string{"q", what})
	b.says("1 person found", "ADEYEMI, Folake", "999 123 4519")
}

// choose picks a radio and submits its form.
func (b *tab) choose(name, value string) {
	b.t.Helper()
	b.Eval(fmt.Sprintf("document.querySelector(\"input[name=%s][value=%s]\").checked = true; ''", name, value))
	b.Press(fmt.Sprintf("form:has(input[name=%s][value=%s]) button[type=submit]", name, value))
}

// What the pages are for, done by each account of the demonstration in a
// browser, with real data, wide and narrow.
func TestEachAccountInABrowser(t *testing.T) {
	b := &tab{Browser: browser.Open(t, "../../.."), t: t}
	r, base, number := demonstrated(t)
	b.base, b.record = base, signedIn(t, base, "gp").find(number)
	hospital := hospitalNumber(t, r, number)
	held := brokenMessage(t, r)
	b.optOuts = func() {
		list := optout.Format([]nhs.Number{number})
		if _, err := r.LoadOptOuts(t.Context(), OperatorSubject(), list, list, r.Now()); err != nil {
			t.Fatal(err)
		}
	}
	b.colleagues = func() {
		at, _ := r.Auth.Accounts.Find("admin")
		for i := range 60 {
			if err := r.Auth.Accounts.Put(auth.Account{User: fmt.Sprintf("nurse.%03d", i), Name: fmt.Sprintf("Ngozi Bello %d", i), Role: nhs.Nurse, Organisation: at.Organisation}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.helps = func() {
		number, err := nhs.ParseNumber("9992048174")
		kofi := ""
		if err == nil {
			kofi, err = r.Access.ByNumber(t.Context(), number)
		}
		if err == nil {
			err = r.LetAct(t.Context(), OperatorSubject(), kofi, proxy.Person{Acting: policy.Acting{User: "citizen", As: policy.Parent, Evidence: "Birth certificate and passport seen"}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	looksThroughTheCaseload(t, r, base)

	b.user = "nobody"
	b.Go(base + "/")
	b.look("sign-in")
	for _, one := range []struct {
		user string
		does func()
	}{
		{"gp", func() { b.generalPractitioner(number, hospital) }},
		{"doctor", b.doctor},
		{"nurse", func() { b.at(":/observations"); b.says("Vital signs"); b.look("observations") }},
		{"pharmacist", func() { b.at(":/medicines"); b.says("Repeat", "Apixaban", "Stopped", "Ramipril"); b.look("medicines") }},
		{"advisor", func() { b.at(":"); b.says("Active problems", "Allergy to penicillin"); b.look("summary") }},
		{"visitor", func() { b.at(":/medicines"); b.says("Apixaban"); b.look("medicines") }},
		{"social", b.socialWorker},
		{"hospice", func() {
			b.at(":")
			b.says("Are you caring for this person now?")
			b.saysNothingOf(clinical...)
			b.look("declare")
		}},
		{"paramedic", b.paramedic},
		{"reception", func() {
			b.at("/helping")
			b.says("Who asks to help a patient", "Nobody waits for an answer")
			b.look("asked")
			b.at(":/people")
			b.says("Who acts for", "Nobody acts for them", "As what do they act?")
			b.Eval("document.getElementById('as-own-wish').checked = true; ''")
			b.Submit([2]string{"user", "parent"}, [2]string{"evidence", "They came together; both passports seen"})
			b.says("Grace Mensah (account parent)", "both passports seen")
			b.look("who-acts")
			b.at(":")
			b.says("Allergies: not shown to your role", "Appointments", "Flat 14, 208 Old Kent Road", "07700900451")
			b.saysNothingOf("enicillin", "Apixaban", "creatinine")
			b.look("summary")
		}},
		{"handler", func() {
			b.at(":")
			b.says("Notes and plans", "Yoruba language interpreter needed", "A care plan exists", "its content is for the clinical advisor", "Allergies: not shown to your role")
			b.saysNothingOf(clinical...)
			b.look("summary")
		}},
		{"privacy", b.privacyOfficer},
		{"guardian", b.guardian},
		{"governance", b.governanceLead},
		{"admin", b.administrator},
		{"analyst", b.analyst},
		{"parent", b.parent},
		{"citizen", b.citizen},
		{"visitor", func() { // after the objection
			b.at(":")
			b.says("ADEYEMI, Folake", "This may not be everything.", "Emergency access")
			b.saysNothingOf(clinical...)
			b.look("objected")
		}},
		{"citizen", b.rights},
		{"citizen", b.actsForKofi},
		{"privacy", b.cases},
		{"engineer", func() { b.engineer(held) }},
		{"gp", func() { dies(t, r, hospital); b.death() }},
	} {
		b.Dark(one.user == "paramedic")
		b.as(one.user)
		one.does()
	}
}

func (b *tab) governanceLead() {
	b.says("What is shared, and what needs a hand?", "Planning services for older people", "runs out in", "direct care", "King's College Hospital")
	b.saysNothingOf("Folake", "999 123 4519")
	b.look("governance")
	b.at("/rules")
	b.says("Rules in force", "111 call handler", "nobody: its statute")
	b.look("rules")
	b.at("/rules/labels")
	b.says("What is labelled as sensitive", "HIV and sexually transmitted infection")
	b.look("labels")
	b.at("/governance/sel-direct-care")
	b.says("Every organisation of the region shares the whole record", "251B", "Catherine Newman", "a file")
	b.look("agreement")
	b.at("/governance/try?agreement=sel-direct-care")
	file := b.Eval("document.querySelector('#file').value")
	b.Submit([2]string{"file", strings.Replace(file, "kinds: [all]", "kinds: [all]\n    not: [medications, documents]", 1)})
	b.says("would be seen no more", "Pathways that would break", "medications", "By role and kind of data")
	b.saysNothingOf("Folake", "999 123 4519", "Apixaban")
	b.look("trial")
	b.Submit([2]string{"file", "agreement: x\nshares: [{from: [nowhere at all]}]"})
	b.says("is not a day such as", "begins")
	b.look("trial-mistake")
	b.at("/governance/data-sets")
	b.says("Who holds what", "medications", "frailty-planning and sel-direct-care")
	b.look("data-sets")
	b.at("/notice")
	b.says("How your record is shared", "For planning and research", "aged 65 and over", "applies, since")
	b.look("notice")
	b.at("/rules")
	b.says("Rules in force", "111 call handler")
	b.look("rules")
}

func (b *tab) analyst() {
	b.says("Data without names", "Planning services for older people", "Nothing has been released")
	b.Eval("document.getElementById('by-sex').checked = document.getElementById('by-age').checked = true; ''")
	b.Submit([2]string{"why", "How many older people there are"})
	b.says("Who has opted out is not known")
	b.look("unknown")
	b.optOuts()
	b.Submit([2]string{"why", "How many older people there are"})
	b.says("People counted: *; left out by opt-outs: 0", "fewer than 10 people are shown as *", "How many older people there are", "s251")
	b.saysNothingOf("Folake", "Adeyemi", "999 123 4519")
	b.look("counts")
}

func (b *tab) guardian() {
	b.says("What should I look at first?", "Reviewed", "Justified")
	b.look("privacy")
	b.at("/governance/sel-direct-care")
	b.Submit([2]string{"suspend-from", "RJZ"}, [2]string{"suspend-why", "A feed that mixes people up"})
	b.says("It is not shared any more", "King's College Hospital: not shared since", "A feed that mixes people up")
	b.look("suspended")
	b.Press("form[action$='/resume'] button")
	b.says("It is shared again", "flows again for RJZ")
	b.at("/privacy/why")
	b.Submit([2]string{"user", "doctor"}, [2]string{"item", "Observation/none"})
	b.says("There is no such user or item")
	b.look("why")
	b.at("/privacy/watched")
	b.says("Watched records", "No record is watched now.")
	b.look("watched")
	b.at("/privacy/limits")
	b.says("No seal is in force", "28 days after discharge")
	b.Submit([2]string{"name", "Psychology"}, [2]string{"wrote", "656"})
	b.says("It is kept, and in force", "Psychology", "656")
	b.Eval("document.getElementById('team-0').checked = true; document.getElementById('of').value = 'Psychology'; ''")
	b.Submit([2]string{"title", "What psychology wrote"}, [2]string{"reason", "Agreed with the service"})
	b.says("what Psychology wrote", "team Psychology", "Dr Michael Rosenberg", "no end")
	b.look("limits")
}

// looksThroughTheCaseload has the practice look for those of its people who have
// a condition: each of them reads it.
func looksThroughTheCaseload(t *testing.T, r *Region, base string) {
	t.Helper()
	token, err := r.Auth.Token(t.Context(), "gp", nhs.Treatment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/fhir/Condition?_summary=count", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
		t.Fatal("a search of the caseload:", resp.Status)
	}
}

func (b *tab) generalPractitioner(number nhs.Number, hospital string) {
	b.look("search")
	for _, what := range []string{number.Digits(), number.Spaced(), "Adeyemi 05-Nov-1951", "SE1 5TY Adeyemi", hospital} {
		b.search(what)
	}
	b.look("found")
	b.Press("a[href^='/record/']")
	b.says("Active problems", "Current medicines", "Sources", "Stopped lately")
	b.look("summary")
	for _, section := range []string{"problems", "results", "documents", "timeline", "encounters", "plans", "care-team"} {
		b.at(":/" + section)
		b.look(section)
	}
	b.at(":/documents")
	b.Press("a[href*='/file/']")
	b.says("Hospital course", "Diagnoses")
	b.look("letter")
	b.printed("letter", "ADEYEMI, Folake Abimbola (Miss), NHS No. 999 123 4519 · printed from SELDA ", " by Dr Adaora Okafor")
	b.keyboard()
	b.withoutScripts()
	for _, section := range []string{"", "/results", "/medicines"} {
		b.at(":" + section)
		b.printed("record"+strings.ReplaceAll(section, "/", "-"), "ADEYEMI, Folake Abimbola (Miss), NHS No. 999 123 4519 · printed from SELDA ", " by Dr Adaora Okafor")
	}
	b.at(":/results")
	b.Press("a[href*='/origin/']")
	b.says("came from", "What the message says")
	if b.Eval("document.querySelector('.s-raw mark')?.textContent ?? ''") == "" {
		b.t.Error("the origin marks no field")
	}
	b.look("origin")
	b.at(":/death")
	b.says("No source states that they have died")
	b.look("death")
	b.at(":/people")
	b.look("people")
}

// printed prints the page: each sheet says whose it is, when and by whom it was
// printed, and no row is cut off.
func (b *tab) printed(name string, foot ...string) {
	b.t.Helper()
	sheets, err := browser.Sheets(b.Print("real-" + b.user + "-" + name))
	if err != nil {
		b.t.Fatal(err)
	}
	foot = append(foot, time.Now().UTC().Format("2006"))
	all := strings.NewReplacer("ﬁ", "fi", "ﬂ", "fl", "ﬀ", "ff", "ﬃ", "ffi").Replace(strings.Join(sheets, " "))
	for i, sheet := range sheets {
		for _, words := range foot {
			if !strings.Contains(sheet, words) {
				b.t.Errorf("sheet %d of %d of the printed %s lacks %q: …%s", i+1, len(sheets), name, words, sheet[max(0, len(sheet)-150):])
			}
		}
	}
	for title := range strings.SplitSeq(b.Eval(`[...document.querySelectorAll(":not(.s-more) > details.s-item .s-item__title, .s-list h3, .s-passage h3")].map(e => e.textContent.trim()).join("\n")`), "\n") {
		if !strings.Contains(all, title) {
			b.t.Errorf("the printed %s lacks %q", name, title)
		}
	}
	if strings.Contains(all, "/record/") || strings.Contains(all, "Link:") {
		b.t.Errorf("the printed %s has an address", name)
	}
}

// keyboard goes through a record without a mouse.
func (b *tab) keyboard() {
	b.at(":")
	b.Keys("g")
	b.Keys("r")
	b.Wait("location.pathname.endsWith('/results') && document.readyState == 'complete'")
	b.Keys("jj")
	b.Keys("k")
	b.Keys("j")
	b.Keys("\r")
	if got := b.Eval("String([...document.querySelectorAll('details.s-item')].findIndex(d => d.open))"); got != "1" {
		b.t.Errorf("j, k and Enter opened row %s, not the second", got)
	}
	b.look("opened")
	b.Eval("document.querySelectorAll('details.s-item > summary')[1].focus(); ''")
	b.Keys("t")
	if b.Eval("String(document.querySelector('details.s-item[open] details.s-astable')?.open)") != "true" {
		b.t.Error("t does not show the chart as a table")
	}
	b.Keys("/")
	if b.Eval("document.activeElement.id") != "find" {
		b.t.Error("/ does not lead to the search")
	}
	b.Eval("document.activeElement.blur(); ''")
	b.Keys("?")
	if b.Eval("String(document.getElementById('keys').open)") != "true" {
		b.t.Error("? does not list the keys")
	}
}

// withoutScripts reads a record and a chart where no script runs.
func (b *tab) withoutScripts() {
	b.Script(false)
	defer b.Script(true)
	b.at(":/results")
	b.says("Results", "Serum creatinine level")
	if b.Eval("String(document.querySelectorAll('details.s-item svg.s-chart').length > 0)") != "true" {
		b.t.Error("there is no chart without scripts")
	}
}

func (b *tab) doctor() {
	b.search("999 123 4519")
	b.at(":/emergency")
	b.look("emergency")
	b.choose("reason", "vital-interests")
	b.says("you opened it in an emergency", "Active problems")
}

func (b *tab) socialWorker() {
	b.at(":")
	b.says("Are you caring for this person now?")
	b.saysNothingOf(clinical...)
	b.choose("why", "here")
	b.says("you said that they are in your care", "Active problems")
	b.look("summary")
}

// paramedic is at a door, in the dark, with a phone.
func (b *tab) paramedic() {
	b.Width(360)
	b.at(":/emergency")
	b.choose("reason", "emergency")
	b.says("you opened it in an emergency", "ReSPECT", "CPR attempts not recommended")
	if first := b.Eval("[...document.querySelectorAll('.s-summary .s-sheet')].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0].querySelector('h2').textContent"); !strings.Contains(first, "Plans and alerts") {
		b.t.Errorf("a crew sees %q first", first)
	}
	b.look("summary")
	b.Width(360)
	b.Eval("window.scrollTo(0, 2000); ''")
	if b.Eval("String(document.querySelector('.s-banner').getBoundingClientRect().top)") != "0" {
		b.t.Error("the banner has scrolled away")
	}
	for _, sheet := range []string{"s-at-plans", "s-at-allergies", "s-at-medicines"} {
		b.Eval("window.scrollTo(0, 0); ''")
		if b.Eval("String(document.querySelector('."+sheet+"').getBoundingClientRect().top < innerHeight)") != "true" {
			b.t.Errorf("%s is not on the first screen of a telephone", sheet)
		}
	}
}

func (b *tab) privacyOfficer() {
	b.says("Emergency access", "Dr James Whitfield", "serious risk to the patient")
	b.saysNothingOf("Tomasz Nowak")
	b.look("privacy")
	b.choose("outcome", "justified")
	b.says("The outcome is in the trail", "Reviewed", "Justified: the access was right")
	b.look("reviewed")
	b.at("/privacy/trail")
	b.look("trail")
}

func (b *tab) parent() {
	b.says("People you help", "Kofi")
	b.Press("a[href^='/for/']")
	b.says("You are looking at the record of Kofi")
	b.look("child")
	b.at("/helping")
	b.says("Ask to help somebody", "Why do you help them?")
	b.look("ask")
}

func (b *tab) actsForKofi() {
	b.helps()
	b.at("/me")
	b.says("Hello Folake", "People you help", "Kofi")
	b.look("helps")
	b.Press("a[href^='/for/']")
	b.says("You are looking at the record of Kofi", "Go back to your own record", "I no longer help Kofi")
	b.saysNothingOf("Folake Adeyemi's record", "Apixaban")
	b.look("helped")
	b.Press("a[href$='/record']")
	b.says("Kofi's record", "Go back to your own record")
	b.look("helped-record")
	b.Press("a[href='/me']")
	b.says("Hello Folake")
}

func (b *tab) citizen() {
	b.says("Hello")
	for _, page := range []string{"/me", "/me/record", "/me/medicines", "/me/results", "/me/letters", "/me/looked"} {
		b.at(page)
		b.look(name(page))
	}
	b.says("Dr James Whitfield", "emergency access", "Tomasz Nowak", "Found you in a search among the people in their care")
	b.at("/me/people")
	b.says("Grace Mensah", "You asked for them to help you", "Seen: They came together", "Stop this now")
	b.look("people")
	b.at("/me/medicines")
	b.says("Stopped · Acute kidney injury", "Since 11 November 2019")
	b.at("/me/results")
	b.printed("results", "Folake Abimbola Adeyemi, NHS number 999 123 4519 · printed from SELDA ", " by Folake Adeyemi")
	b.at("/me/sharing")
	b.look("sharing")
	b.choose("choice", "kind")
	b.says("What do you want to keep private?", "Keep it from everyone, or only from some?")
	b.look("sharing-kind")
	b.at("/me/letters")
	b.Press("a[href*='/sharing/item/']")
	b.says("This is about", "In an emergency, may a doctor or nurse still look?")
	b.look("sharing-item")
	b.Press("form#choices button[type=submit]")
	b.says("If you choose", "kept from everyone")
	b.look("sharing-item-preview")
	b.Press("form:has(input[name=save]) button[type=submit]")
	b.says("Saved.", "Your choice now", "Take this back")
	b.look("sharing-item-saved")
	b.choose("choice", "object")
	b.says("In an emergency, may a doctor or nurse still look?", "Leave this empty to start now")
	b.look("sharing-details")
	b.Press("form#choices button[type=submit]")
	b.says("If you choose", "will not see", "What stays as it is")
	b.look("preview")
	b.Press("form:has(input[name=save]) button[type=submit]")
	b.says("Saved.")
}

func (b *tab) engineer(held string) {
	b.says("Feeds", "King's College Hospital")
	b.look("feeds")
	b.at("/quarantine/" + held)
	b.look("held")
	b.Press("form[action$='/replay'] button")
	b.says("It still can't be used")
}

// hospitalNumber is the number under which King's knows the citizen.
func hospitalNumber(t *testing.T, r *Region, number nhs.Number) string {
	t.Helper()
	id, err := r.Access.ByNumber(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	g, err := r.Access.Record(t.Context(), policy.Subject{User: "test", Role: nhs.HospitalDoctor, Organisation: "RJZ", Purpose: nhs.Treatment}, id, "record")
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.Records.Open(t.Context(), g, "Patient")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range v.Person.OtherNumbers {
		if n.Source.Organisation() == "RJZ" {
			return n.Value
		}
	}
	t.Fatal("King's has no number of the citizen")
	return ""
}

// brokenMessage sends a message that cannot be used, and gives its number.
func brokenMessage(t *testing.T, r *Region) string {
	t.Helper()
	rec, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: "RJZ:PAS", Format: ingest.HL7v2, Body: []byte("MSH|^~\\&|PAS|RJZ|SELDA|QKK|20261120120000||ADT^A01|B1|P|2.4\rEVN|A01|20261120120000\r")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := rec.Committed(t.Context())
	if err != nil || out.State != ingest.Quarantined {
		t.Fatal(out, err)
	}
	for range 50 {
		list, err := r.Quarantine(t.Context(), policy.Subject{User: "engineer", Role: nhs.Engineer, Organisation: "QKK"}, 1)
		if err == nil && len(list) == 1 {
			return r.Store.MessageID(list[0].ID)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the message is not in quarantine")
	return ""
}

// name is the last part of a path.
func name(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

// administrator looks at who can sign in, and at who answers for what is secret.
func (b *tab) administrator() {
	b.people()
	b.at("/administration/secrets")
	b.says("Needs a hand: 1 not kept safely", "The key that seals every other at rest", "beside what it seals", "selda secrets rotate master", "Operations of the demonstration")
	b.saysNothingOf("The key that signs tokens", "Folake")
	b.look("secrets")
	b.at("/administration/secrets?all")
	b.says("The key that signs tokens", "Dr Adaora Okafor", "account/gp", "gp@demonstration.example")
	b.saysNothingOf("Folake")
	b.look("secrets-all")
	b.at("/administration/secrets?change=tokens")
	b.Submit([2]string{"owner", "Platform team"}, [2]string{"contact", "platform@selda.example"})
	b.says("Kept.", "is in the audit trail")
	b.at("/administration/secrets?all")
	b.says("Platform team, platform@selda.example")
	b.says("Your own: another administrator changes it")
	b.at("/administration/secrets?change=account%2Fgp")
	b.look("secrets-change")
}
