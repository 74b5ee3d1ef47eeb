package testenv

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"selda/audit"
	"selda/auth"
	"selda/cmd/selda/region"
)

// leaving opens a region whose quick exit leads to a page of this machine, with people
// who sign in by password.
func leaving(t *testing.T) (h *hostile, neutral string) {
	t.Helper()
	weather := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><title>Weather</title><h1>It rains</h1>"))
	}))
	t.Cleanup(weather.Close)
	env, err := OpenWith(stored(t), region.Options{Data: t.TempDir(), SignOn: &region.SignOn{LeaveTo: weather.URL + "/"}}, Start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Close() })
	o := &outside{T: t, Env: env}
	o.writes(ownGP, "Patient", "p-g85915", `"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`)
	if o.citizen, err = env.Citizen(t.Context(), folake); err != nil {
		t.Fatal(err)
	}
	o.writes(ownGP, "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	hash, err := auth.HashPassword(hostilePassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range env.Region.Auth.Accounts.List() {
		a.PasswordHash = hash
		if err := env.Region.Auth.Accounts.Put(a); err != nil {
			t.Fatal(err)
		}
	}
	return &hostile{o}, weather.URL + "/"
}

// G11: a citizen turns the safety mode on in one tap; from then on the window does not
// say what it shows, and its pages are one place in the history. The quick exit clears the page,
// ends the session and leads elsewhere; going back shows nothing.
func TestG11SafetyModeAndTheQuickExit(t *testing.T) {
	h, neutral := leaving(t)
	b := looks(t, h, "citizen")
	b.Go(h.HTTP + "/me/settings")
	look := func(name string) {
		t.Helper()
		for width, how := range map[int64]string{1280: "wide", 360: "narrow"} {
			b.Width(width)
			b.Look("safety-" + name + "-" + how)
		}
	}
	look("off")
	if title := b.Eval("document.title"); title != "Settings – SELDA" {
		t.Error("before it is on the title is", title)
	}
	b.Press("button[name=mode][value=on]")
	b.Wait(`document.querySelector("main") && document.querySelector("main").innerText.includes("Safety mode is on")`)
	look("on")
	b.Width(1280)
	b.Go(h.HTTP + "/me")
	if seen := b.Eval(`document.title + document.querySelector("link[rel=icon]").getAttribute("href")`); seen != "Informationdata:," {
		t.Error("the window shows", seen)
	}
	steps := b.Eval("String(history.length)")
	b.Press(`a[href="/me/record"]`)
	b.Wait(`location.pathname === "/me/record" && document.querySelector("main") && document.querySelector("main").innerText.includes("Asthma")`)
	if now := b.Eval("String(history.length)"); now != steps {
		t.Errorf("the history has grown from %s to %s", steps, now)
	}

	nothing := func(how string) {
		t.Helper()
		if text := b.Eval(`location.href + document.title + (document.body ? document.body.innerText : "")`); strings.Contains(text, "Asthma") || strings.Contains(text, "Folake") || strings.Contains(text, "Hello") || strings.Contains(text, "/me") {
			t.Errorf("%s, and going back shows %q", how, text)
		}
	}
	back := func(how string) {
		t.Helper()
		for range 3 { // as far as the sign-in
			b.Eval(`window.before = true; setTimeout(() => history.back(), 0); ""`)
			b.Wait(`!window.before && document.readyState === "complete"`)
			nothing(how)
		}
	}
	b.Keys("\x1b\x1b")
	if b.Eval("location.pathname") != "/me/record" {
		t.Error("Esc twice leaves already")
	}
	b.Keys("\x1b")
	b.Wait(`location.href === "` + neutral + `" && document.title === "Weather"`)
	back("left by Esc")
	b.Go(h.HTTP + "/me")
	if text := b.Eval("location.pathname + document.body.innerText"); strings.Contains(text, "Hello") {
		t.Error("the session has not ended:", text)
	}

	enter := func() {
		t.Helper()
		b.Go(h.HTTP + "/login?return=/me")
		b.Submit([2]string{"user", "citizen"}, [2]string{"password", hostilePassword})
		b.Wait(`document.querySelector("#leave button") !== null`)
	}
	enter()
	b.Eval(`document.querySelector("#leave button").click(); ""`)
	b.Wait(`location.href === "` + neutral + `" && document.title === "Weather"`)
	back("left by the button")

	// Without a script the button is a form, and the answer leads elsewhere.
	c := h.signsIn("citizen")
	if a := h.sent(c, "GET", "/me", ""); a.Status != 200 || !strings.Contains(string(a.Body), `method="post" action="/leave"`) {
		t.Error("the button is no form:", a.Status)
	}
	if a := h.sent(c, "POST", "/leave", "", asForm); a.Status != 200 || a.Header.Get("Refresh") != "0; url="+neutral {
		t.Error("the form leads nowhere:", a.Status, a.Header)
	}
	if a := h.sent(c, "GET", "/me", ""); a.Status != 303 {
		t.Error("without a script the session has not ended:", a.Status)
	}
}

// G11: staff turn it on for a citizen, on a ground; who acts for the citizen, or reads with
// them who has looked, does not learn of it.
func TestG11SafetyModeIsSetByStaffAndToldToNobody(t *testing.T) {
	o := known(t)
	on := func() bool {
		t.Helper()
		m, err := o.Region.Access.Safety(t.Context(), o.citizen)
		if err != nil {
			t.Fatal(err)
		}
		return m.On
	}
	page := "/record/" + o.citizen + "/safety"
	if status, body := o.posts("gp", page, "mode=on"); status != 422 || !strings.Contains(body, "Choose why you do this") || on() {
		t.Error("without a ground:", status)
	}
	if status, _ := o.posts("visitor", page, "mode=on&ground=abuse"); status != 403 || on() {
		t.Error("who does not care for them:", status)
	}
	if status, body := o.posts("gp", page, "mode=on&ground=abuse"); status != 200 || !strings.Contains(body, "It is on.") || !on() {
		t.Error("on a ground:", status)
	}
	for _, p := range []string{"/me/looked", "/fhir/AuditEvent?patient={citizen}", "/fhir/AuditEvent"} {
		if _, body := o.asks("citizen", "GET", p, ""); strings.Contains(strings.ToLower(body), "safety") {
			t.Error(p, "tells of it")
		}
	}
	entries, err := o.Trail(t.Context(), audit.Query{Action: audit.Safety})
	if err != nil || len(entries) != 1 || entries[0].Citizen != o.citizen || !entries[0].Concealed || entries[0].Reason != "They may be harmed by somebody close to them" {
		t.Error("the trail:", entries, err)
	}
	if _, body := o.asks("citizen", "GET", "/me", ""); !strings.Contains(body, "<title>Information</title>") {
		t.Error("the pages of the citizen are not quiet")
	}
	if status, _ := o.posts("gp", "/me/settings", "mode=off"); status == 200 || !on() {
		t.Error("somebody else turns it off at the citizen's page:", status)
	}
	if status, _ := o.posts("citizen", "/me/settings", "mode=off"); status != 200 || on() {
		t.Error("they can't turn it off:", status)
	}
	a, err := o.Do(t.Context(), "", "POST", "/leave", nil)
	if err != nil || a.Header.Get("Clear-Site-Data") != `"cache", "cookies", "storage"` || a.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.Header.Get("Refresh"), "0; url=https://") {
		t.Error("leaving:", a.Header, err)
	}
}
