package region

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"selda/auth"
	"selda/nhs"
)

// visitor is somebody with a browser.
type visitor struct {
	t    *testing.T
	http *http.Client
	base string
	last string // where the browser is
}

var signInForm = regexp.MustCompile(`<form class="selda-plain-form" method="post" action="([^"]+)"`)

// signedIn signs an account of the demonstration in, as people do.
func signedIn(t *testing.T, base, user string) *visitor {
	t.Helper()
	v, status, page := comes(t, base, user, DemoPassword)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", user, status, page)
	}
	return v
}

// comes signs somebody in with a password, as far as the page that it leads to.
func comes(t *testing.T, base, user, password string) (v *visitor, status int, page string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v = &visitor{t: t, http: &http.Client{Jar: jar}, base: base}
	_, page = v.get("/")
	m := signInForm.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("%s: no form to sign in: %s", user, page)
	}
	status, page = v.post(html.UnescapeString(m[1]), url.Values{"user": {user}, "password": {password}})
	return v, status, page
}

func (v *visitor) get(path string) (int, string) { return v.do(http.MethodGet, path, nil) }

func (v *visitor) post(path string, form url.Values) (int, string) {
	return v.do(http.MethodPost, path, form)
}

func (v *visitor) do(method, path string, form url.Values) (int, string) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.last = resp.Request.URL.Path
	if csp := resp.Header.Get("Content-Security-Policy"); strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") && !strings.HasPrefix(csp, "default-src 'none'") {
		v.t.Errorf("%s: the policy is %q", path, csp)
	}
	return resp.StatusCode, string(b)
}

// says fails unless a page has all of the words.
func (v *visitor) says(status int, page string, want int, words ...string) {
	v.t.Helper()
	if status != want {
		v.t.Errorf("%s: %d, want %d: %.300s", v.last, status, want, text(page))
	}
	for _, w := range words {
		if !strings.Contains(text(page), w) {
			v.t.Errorf("%s lacks %q: %.400s", v.last, w, text(page))
		}
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// text is a page's words.
func text(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, " "))), " ")
}

var recordLink = regexp.MustCompile(`href="(/record/[0-9a-z]+)"`)

// find searches for a number and gives where the record is.
func (v *visitor) find(n nhs.Number) string {
	v.t.Helper()
	status, page := v.post("/search", url.Values{"q": {n.Spaced()}})
	m := recordLink.FindStringSubmatch(page)
	if status != http.StatusOK || m == nil {
		v.t.Fatalf("%d: nobody was found: %.400s", status, text(page))
	}
	return m[1]
}

func demonstration(t *testing.T) (base string, citizen nhs.Number) {
	t.Helper()
	_, base, citizen = demonstrated(t)
	return base, citizen
}

// demonstrated is a demonstration and its region.
func demonstrated(t *testing.T) (r *Region, base string, citizen nhs.Number) {
	t.Helper()
	r, err := Open(t.Context(), Options{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler), Demo: &auth.Demonstration{Password: DemoPassword, Users: DemoUsers()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := r.StartDemo(t.Context(), Demo{Seed: 1, Citizens: 0}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.Handler())
	t.Cleanup(server.Close)
	acc, ok := r.Auth.Accounts.Find("citizen")
	if !ok {
		t.Fatal("the demonstration has no citizen")
	}
	return r, server.URL, acc.NHSNumber
}

// Each role does what its pages are for.
func TestPagesOfEachRole(t *testing.T) {
	base, number := demonstration(t)
	gp := signedIn(t, base, "gp")
	record := gp.find(number)
	for section, want := range map[string]string{"": "Current medicines", "/problems": "Active problems", "/medicines": "Repeat", "/allergies": "Allergies and intolerances",
		"/results": "Reference range", "/observations": "Vital signs", "/immunisations": "vaccine", "/procedures": "Procedures", "/documents": "Letters and documents",
		"/plans": "Resuscitation", "/referrals": "Appointments", "/social-care": "Social care", "/encounters": "Encounters", "/care-team": "Who is involved", "/timeline": "Timeline"} {
		status, page := gp.get(record + section)
		gp.says(status, page, http.StatusOK, want, "ADEYEMI, Folake", "999 123 4519", "This may not be everything.", "Emergency access", "Sources")
	}
	gp.originHolds(record)
	gp.readsLetter(record)
	status, page := gp.get(record + "/nothing")
	gp.says(status, page, http.StatusNotFound, "There is no such page")
	status, page = gp.get("/record/0000000000000")
	gp.says(status, page, http.StatusNotFound, "There is no such page")

	for _, user := range []string{"doctor", "visitor", "nurse", "pharmacist", "advisor", "paramedic", "handler", "reception"} {
		v := signedIn(t, base, user)
		status, page := v.get(record)
		v.says(status, page, http.StatusOK, "ADEYEMI, Folake", "This may not be everything.")
	}
	for _, user := range []string{"engineer", "privacy", "guardian", "admin", "system", "citizen", "parent"} {
		v := signedIn(t, base, user)
		status, page := v.get(record)
		v.says(status, page, http.StatusForbidden, "You can't open this")
		status, page = v.post("/search", url.Values{"q": {number.Digits()}})
		if status == http.StatusOK && strings.Contains(page, "ADEYEMI") {
			t.Errorf("%s found a person", user)
		}
	}
}

var reviewForm = regexp.MustCompile(`action="(/record/[^"]+/review/[^"]+)"`)

// A clinician marks a result as reviewed; others may not.
func TestReview(t *testing.T) {
	base, number := demonstration(t)
	doctor := signedIn(t, base, "doctor")
	record := doctor.find(number)
	_, page := doctor.get(record + "/results")
	m := reviewForm.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no result can be marked as reviewed")
	}
	before := strings.Count(page, ">reviewed<")
	status, page := doctor.post(m[1], url.Values{"section": {"results"}})
	doctor.says(status, page, http.StatusOK, "reviewed")
	if after := strings.Count(page, ">reviewed<"); after != before+1 {
		t.Errorf("%d are reviewed, there were %d", after, before)
	}
	reception := signedIn(t, base, "reception")
	status, page = reception.post(m[1], nil)
	if status == http.StatusOK {
		t.Errorf("a receptionist reviews results: %s", text(page))
	}
}

// readsLetter opens a document that came as CDA, in the page.
func (v *visitor) readsLetter(path string) {
	v.t.Helper()
	_, page := v.get(path + map[bool]string{true: "/letters", false: "/documents"}[path == "/me"])
	m := regexp.MustCompile(`href="(/[^"]+/file/DocumentReference/[^"]+)">Read `).FindStringSubmatch(page)
	if m == nil {
		v.t.Errorf("%s has no letter to read", path)
		return
	}
	status, page := v.get(html.UnescapeString(m[1]))
	v.says(status, page, http.StatusOK, "Author")
	if words := strings.Fields(text(page)); len(words) < 60 {
		v.t.Errorf("the letter has %d words", len(words))
	}
}

// originHolds follows each origin of the results: the message has the value.
func (v *visitor) originHolds(record string) {
	v.t.Helper()
	_, page := v.get(record + "/results")
	links := regexp.MustCompile(`href="(/record/[^"]+/origin/[^"]+)"`).FindAllStringSubmatch(page, 12)
	if len(links) == 0 {
		v.t.Error("no result has an origin")
	}
	for _, l := range links {
		status, page := v.get(l[1])
		v.says(status, page, http.StatusOK, "came from", "What the message says")
		if !strings.Contains(page, "<mark>") && !strings.Contains(page, ">FHIR<") {
			v.t.Errorf("%s marks nothing", l[1])
		}
	}
	status, page := v.get(record + "/origin/Observation/unknown")
	v.says(status, page, http.StatusNotFound, "There is no such page")
}

// G7 and G9: who has no relationship says so, or opens in an emergency, and
// both are seen by those who may.
func TestDeclareAndEmergency(t *testing.T) {
	base, number := demonstration(t)
	social := signedIn(t, base, "social")
	record := social.find(number)
	status, page := social.get(record)
	social.says(status, page, http.StatusForbidden, "Are you caring for this person now?", "ADEYEMI, Folake")
	if strings.Contains(page, "llergy") || strings.Contains(page, "enicillin") {
		t.Error("what is clinical is shown before the relationship")
	}
	status, page = social.post(record+"/declare", url.Values{"why": {"because"}})
	social.says(status, page, http.StatusUnprocessableEntity, "Say how you are involved")
	status, page = social.post(record+"/declare", url.Values{"why": {"here"}})
	social.says(status, page, http.StatusOK, "you said that they are in your care")

	hospice := signedIn(t, base, "hospice")
	status, page = hospice.get(record + "/emergency")
	hospice.says(status, page, http.StatusOK, "A privacy officer reviews each use", "Why do you need it?")
	status, page = hospice.post(record+"/emergency", nil)
	hospice.says(status, page, http.StatusUnprocessableEntity, "Say why you need it")
	status, page = hospice.post(record+"/emergency", url.Values{"reason": {"vital-interests"}})
	hospice.says(status, page, http.StatusOK, "you opened it in an emergency", "Current medicines")

	citizen := signedIn(t, base, "citizen")
	status, page = citizen.get("/me/looked")
	citizen.says(status, page, http.StatusOK, "emergency access", "serious risk to the patient", "Said that you are in their care")

	reception := signedIn(t, base, "reception")
	status, page = reception.get(record + "/emergency")
	reception.says(status, page, http.StatusForbidden, "for clinicians")
}

// G4: what a citizen chooses is shown before it is saved, and holds at once.
func TestSharingChoice(t *testing.T) {
	base, number := demonstration(t)
	visiting := signedIn(t, base, "visitor")
	record := visiting.find(number)
	if status, page := visiting.get(record + "/medicines"); status != http.StatusOK || !strings.Contains(page, "Apixaban") {
		t.Fatal(status, text(page))
	}
	citizen := signedIn(t, base, "citizen")
	for _, p := range []string{"/me", "/me/record", "/me/medicines", "/me/results", "/me/letters", "/me/plans", "/me/people", "/me/sharing", "/me/looked"} {
		status, page := citizen.get(p)
		citizen.says(status, page, http.StatusOK)
		if regexp.MustCompile(`\d\d-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4}`).MatchString(strings.SplitN(page, "<footer", 2)[0]) {
			t.Errorf("%s has a professional's date", p)
		}
	}
	citizen.readsLetter("/me")
	status, page := citizen.post("/me/sharing", url.Values{"choice": {"object"}})
	citizen.says(status, page, http.StatusOK, "In an emergency", "From which day?")
	status, page = citizen.post("/me/sharing", url.Values{"choice": {"object"}, "details": {"yes"}})
	citizen.says(status, page, http.StatusOK, "If you choose", "will not see", "Save this choice")
	if _, page := visiting.get(record + "/medicines"); !strings.Contains(page, "Apixaban") {
		t.Error("a choice held before it was saved")
	}
	status, page = citizen.post("/me/sharing", url.Values{"choice": {"object"}, "save": {"yes"}})
	citizen.says(status, page, http.StatusOK, "Saved.")
	status, page = visiting.get(record + "/medicines")
	visiting.says(status, page, http.StatusOK, "ADEYEMI, Folake", "This may not be everything.")
	if strings.Contains(page, "Apixaban") {
		t.Error("the objection does not hold")
	}
	status, page = citizen.post("/me/sharing", url.Values{"choice": {"share"}, "save": {"yes"}})
	citizen.says(status, page, http.StatusOK, "Saved.")
	if _, page := visiting.get(record + "/medicines"); !strings.Contains(page, "Apixaban") {
		t.Error("sharing again does not hold")
	}
}

var outcomeForm = regexp.MustCompile(`action="(/privacy/outcome/\d+)"`)

// G2 and G9: the own organisation's emergency access is in the queue at once,
// with an outcome to record, which is an entry of the trail; another's is not.
func TestG9ReviewOfAnEmergencyAccess(t *testing.T) {
	base, number := demonstration(t)
	doctor := signedIn(t, base, "doctor")
	record := doctor.find(number)
	doctor.post(record+"/emergency", url.Values{"reason": {"vital-interests"}})
	paramedic := signedIn(t, base, "paramedic")
	paramedic.post(record+"/emergency", url.Values{"reason": {"emergency"}})

	privacy := signedIn(t, base, "privacy")
	status, page := privacy.get("/privacy")
	privacy.says(status, page, http.StatusOK, "Emergency access", "Dr James Whitfield", "serious risk to the patient", "Record an outcome", "What Dr James Whitfield did around it")
	if strings.Contains(page, "Tomasz Nowak") {
		t.Error("another organisation's user is in the queue")
	}
	m := outcomeForm.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no outcome can be recorded")
	}
	status, page = privacy.post(m[1], nil)
	privacy.says(status, page, http.StatusUnprocessableEntity, "Choose what the review came to")
	status, page = privacy.post(m[1], url.Values{"outcome": {"asked"}})
	privacy.says(status, page, http.StatusOK, "The outcome is in the trail", "The user was asked")
	if !outcomeForm.MatchString(page) {
		t.Error("a case that waits for an answer has left the queue")
	}
	guardian := signedIn(t, base, "guardian")
	status, page = guardian.post(m[1], url.Values{"outcome": {"justified"}})
	guardian.says(status, page, http.StatusOK, "Reviewed", "Justified: the access was right", "Dr Michael Rosenberg")
	if outcomeForm.MatchString(page) {
		t.Error("a reviewed case is still in the queue")
	}
	status, page = privacy.post(m[1], url.Values{"outcome": {"unjustified"}})
	privacy.says(status, page, http.StatusConflict, "reviewed already")
	status, page = privacy.get("/privacy/trail")
	privacy.says(status, page, http.StatusOK, "review", "Justified: the access was right")
	for user, want := range map[string]int{"doctor": http.StatusForbidden, "governance": http.StatusForbidden, "citizen": http.StatusForbidden} {
		v := signedIn(t, base, user)
		if status, page = v.post(m[1], url.Values{"outcome": {"justified"}}); status != want {
			t.Errorf("%s: %d %.200s", user, status, text(page))
		}
	}
	if status, page = privacy.post("/privacy/outcome/1", url.Values{"outcome": {"justified"}}); status != http.StatusNotFound {
		t.Errorf("an entry that is not of the organisation: %d %.200s", status, text(page))
	}
}

var askForm = regexp.MustCompile(`action="(/me/ask/\d+)"`)

// A citizen asks about a look: the privacy officer where the user works has it
// to answer, and the citizen reads what became of it.
func TestCitizenAsksAboutALook(t *testing.T) {
	base, number := demonstration(t)
	nurse := signedIn(t, base, "nurse")
	nurse.get(nurse.find(number))
	citizen := signedIn(t, base, "citizen")
	_, page := citizen.get("/me/looked")
	m := askForm.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("nothing can be asked about")
	}
	status, page := citizen.post(m[1], nil)
	citizen.says(status, page, http.StatusOK, "You asked about this. They are looking into it.")
	privacy := signedIn(t, base, "privacy")
	status, page = privacy.get("/privacy")
	privacy.says(status, page, http.StatusOK, "The person asks", "Comfort Boateng", "asks why it was opened")
	if strings.Contains(text(page), "Folake") {
		t.Error("the question names the citizen")
	}
	outcome := outcomeForm.FindStringSubmatch(page)
	if outcome == nil {
		t.Fatal("the question can't be answered")
	}
	privacy.post(outcome[1], url.Values{"outcome": {"justified"}})
	status, page = citizen.get("/me/looked")
	citizen.says(status, page, http.StatusOK, "They checked it: it was right to look.")
	parent := signedIn(t, base, "parent")
	if status, _ := parent.post(m[1], nil); status != http.StatusForbidden {
		t.Errorf("somebody else asks: %d", status)
	}
	if status, _ := citizen.post("/me/ask/1", nil); status != http.StatusNotFound {
		t.Errorf("an access to another's record: %d", status)
	}
}

func TestDesks(t *testing.T) {
	base, _ := demonstration(t)
	engineer := signedIn(t, base, "engineer")
	status, page := engineer.get("/")
	engineer.says(status, page, http.StatusOK, "Feeds", "King's College Hospital")
	for path, want := range map[string]string{"/quarantine": "Quarantine", "/trace": "Message number", "/feeds/RJZ:PAS": "Last messages"} {
		status, page = engineer.get(path)
		engineer.says(status, page, http.StatusOK, want)
	}
	status, page = engineer.post("/trace", url.Values{"id": {"nothing"}})
	engineer.says(status, page, http.StatusNotFound, "There is no message or item with that number")
	for _, user := range []string{"privacy", "guardian"} {
		v := signedIn(t, base, user)
		status, page = v.get("/privacy")
		v.says(status, page, http.StatusOK, "What should I look at first?")
		status, page = v.post("/privacy/trail", url.Values{"user": {user}})
		v.says(status, page, http.StatusOK, "sign-in")
	}
	gp := signedIn(t, base, "gp")
	for _, path := range []string{"/privacy", "/privacy/trail", "/feeds", "/quarantine", "/trace", "/quarantine/x", "/feeds/RJZ:PAS", "/me", "/for/x"} {
		if status, page := gp.get(path); status != http.StatusForbidden && status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, text(page))
		}
	}
	parent := signedIn(t, base, "parent")
	status, page = parent.get("/")
	parent.says(status, page, http.StatusOK, "People you help")
	m := regexp.MustCompile(`href="(/for/[0-9a-z]+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("a proxy helps nobody")
	}
	status, page = parent.get(m[1])
	parent.says(status, page, http.StatusOK, "You are looking at the record of")
	status, page = parent.get(m[1] + "/sharing")
	parent.says(status, page, http.StatusForbidden, "Only the person themselves")
}
