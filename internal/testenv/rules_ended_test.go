package testenv

import (
	"strings"
	"testing"

	"selda/audit"
	"selda/internal/browser"
	"selda/nhs"
)

// looks is a browser in which somebody of a region has signed in.
func looks(t *testing.T, h *hostile, user string) *browser.Browser {
	t.Helper()
	b := browser.Open(t, "../..")
	b.Width(1280)
	b.Go(h.HTTP + "/login?return=/")
	b.Submit([2]string{"user", user}, [2]string{"password", hostilePassword})
	return b
}

// G7: a page that is open when the relationship ends says so by itself, saves nothing
// more, and gives back what was written; and where they are connected again it goes on.
func TestG7AnOpenPageWarnsAndKeepsTheDraft(t *testing.T) {
	h := attacked(t)
	b := looks(t, h, "gp")
	b.Go(h.HTTP + "/record/" + h.citizen + "/people")
	const draft = "She could not weigh what I told her of the risks"
	b.Eval(`document.querySelectorAll("main details").forEach(d => d.open = true); document.getElementById("able").checked = true; document.getElementById("about").value = "` + draft + `"; ""`)
	person := `"identifier":[{"system":"` + nhs.NumberSystem + `","value":"` + folake + `"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`
	b.Wait(`document.getElementById("ended").hidden`)
	h.writes(ownGP, "Patient", "p-g85915", person+`,"active":false`)
	b.Wait(`!document.getElementById("ended").hidden`)
	if text := b.Eval(`document.getElementById("ended").innerText`); !strings.Contains(text, "What connected you with this person has ended") || strings.Contains(text, "signed out") {
		t.Error("the page says:", text)
	}
	if kept := b.Eval(`document.getElementById("ended-text").value`); !strings.Contains(kept, "How you found it: "+draft) || !strings.Contains(kept, "They can; of a child") {
		t.Error("of what was written is kept:", kept)
	}
	if b.Eval(`document.getElementById("about").value`) != draft {
		t.Error("the draft went from its field")
	}
	if b.Eval(`String(document.getElementById("about").form.querySelector("button[type=submit]").disabled)`) != "true" {
		t.Error("it could be sent still")
	}
	for _, width := range []int64{1280, 360} {
		b.Width(width)
		b.Look("ended-" + map[int64]string{1280: "wide", 360: "narrow"}[width])
	}
	b.Eval(`document.getElementById("ended-copy").click(); ""`)
	b.Wait(`document.getElementById("ended-copied").textContent !== ""`)

	refused := func() (n int) {
		entries, err := h.Trail(t.Context(), audit.Query{User: "gp", Citizen: h.citizen, Action: audit.Read, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Outcome == audit.Deny {
				n++
			}
		}
		return n
	}
	if n := refused(); n != 1 {
		t.Errorf("the trail has %d refusals of the page, not one", n)
	}
	h.writes(ownGP, "Patient", "p-g85915", person)
	b.Wait(`document.getElementById("ended").hidden`)
	if b.Eval(`String(document.getElementById("about").form.querySelector("button[type=submit]").disabled)`) != "false" {
		t.Error("connected again, and it can't be sent")
	}
}

// G7: without a script too: a form that comes too late is refused with words, nothing
// of it is saved, and what was written comes back.
func TestG7AFormThatComesTooLateComesBack(t *testing.T) {
	o := known(t)
	const draft = "Passport seen by me & my colleague"
	forms := map[string]string{"/record/{citizen}/people": "assess=able&review=2027-01-01&about=", "/record/{citizen}/sharing": "step=preview&choice=object&authority=spoken&evidence=", "/record/{citizen}/death": "by=RJZ:PAS&reason="}
	if entries, err := o.Trail(t.Context(), audit.Query{User: "gp", Action: audit.Read}); err != nil || len(entries) != 0 {
		t.Fatal(entries, err)
	}
	o.asks("gp", "GET", "/record/{citizen}/still", "")
	if entries, err := o.Trail(t.Context(), audit.Query{User: "gp", Action: audit.Read}); err != nil || len(entries) != 1 {
		t.Error("who has not opened the record can ask whether it is open to them, and leaves no entry:", entries, err)
	}
	if status, _ := o.asks("gp", "GET", "/record/{citizen}", ""); status != 200 {
		t.Fatal(status)
	}
	if status, _ := o.asks("gp", "GET", "/record/{citizen}/still", ""); status != 204 {
		t.Error("the page is told that it has ended:", status)
	}
	o.writes(ownGP, "Patient", "p-g85915", `"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","active":false,"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}]`)
	if status, _ := o.asks("gp", "GET", "/record/{citizen}/still", ""); status != 403 {
		t.Error("the page is told that it has not ended:", status)
	}
	n, err := o.Region.Store.N(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for path, form := range forms {
		status, body := o.posts("gp", strings.ReplaceAll(path, "{citizen}", o.citizen), form+"Passport+seen+by+me+%26+my+colleague")
		if status != 403 || !strings.Contains(body, "This was not saved") || !strings.Contains(body, strings.ReplaceAll(draft, "&", "&amp;")) || !strings.Contains(body, "How are you involved?") {
			t.Errorf("%s: %d, and the draft does not come back", path, status)
		}
	}
	if after, _ := o.Region.Store.N(t.Context()); after != n {
		t.Error("something was saved")
	}
}
