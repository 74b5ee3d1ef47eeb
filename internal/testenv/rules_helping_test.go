package testenv

import (
	"regexp"
	"strings"
	"testing"

	"selda/audit"
	"selda/auth"
	"selda/nhs"
)

const bolasNumber = "9997771206"

// helping opens a region in which Bola, who has a record and an account of her own, asks
// for nothing yet of Folake's.
func helping(t *testing.T) *outside {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("G85915:GP", "Condition", "c2", `"code":{"text":"Migraine"},`+atGP)
	o.writes("G85915:GP", "Patient", "p-bola", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+bolasNumber+`"}],"name":[{"family":"Adeyemi","given":["Bola"]}],"birthDate":"1980-02-01"`)
	o.writes("G85915:GP", "Condition", "b1", `"code":{"text":"Psoriasis"},"subject":{"reference":"Patient/p-bola"}`)
	number, err := nhs.ParseNumber(bolasNumber)
	if err == nil {
		err = o.Region.Auth.Accounts.Put(auth.Account{User: "bola", Name: "Bola Adeyemi", Role: nhs.Citizen, NHSNumber: number})
	}
	if err != nil {
		t.Fatal(err)
	}
	o.helper("carol", "Carol Adeyemi")
	return o
}

// anybodys is a page without whose account it is shown to, and when.
func anybodys(page string) string {
	page = regexp.MustCompile(`Fetched [^<]*`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`name="stop" value="[^"]*"`).ReplaceAllString(page, "")
	page = strings.ReplaceAll(page, `<p class="s-noprint"><a href="/me">Go back to your own record</a></p>`, "")
	return regexp.MustCompile(`Bola|Carol|\bBA\b|\bCA\b`).ReplaceAllString(page, "X")
}

// G11: a citizen whom a practice let act for somebody sees on their own page for whom, and
// goes there in one press. There everything is as for an account that only acts for
// others, nothing of their own record is with it, and it is in that person's trail as
// them acting for the person.
func TestG11ACitizenActsFromTheirOwnAccount(t *testing.T) {
	o := helping(t)
	for _, path := range []string{"", "/record", "/looked", "/nothing"} {
		a, own := o.asks("bola", "GET", "/for/{citizen}"+path, "")
		b, other := o.asks("carol", "GET", "/for/{citizen}"+path, "")
		if a != b || a < 400 || strings.Contains(own, "Asthma") || strings.Contains(other, "Asthma") {
			t.Errorf("%q before anybody has decided: %d and %d", path, a, b)
		}
	}
	if _, page := o.asks("bola", "GET", "/me", ""); strings.Contains(page, "People you help") || strings.Contains(page, "/for/") {
		t.Error("whom nobody lets act is told of somebody to help")
	}
	for _, user := range []string{"bola", "carol"} {
		if status, page := o.lets(user, "own-wish"); status != 200 {
			t.Fatal(status, page)
		}
	}
	_, page := o.asks("bola", "GET", "/me", "")
	if !strings.Contains(page, "People you help") || !strings.Contains(page, `<a href="/for/`+o.citizen+`">Folake Adeyemi</a>`) || !strings.Contains(page, "Hello Bola") || strings.Contains(page, "Asthma") {
		t.Error("the own page does not lead there, or holds something of it", page)
	}
	for _, section := range []string{"", "/record", "/medicines", "/results", "/letters", "/plans", "/people", "/rights"} {
		a, own := o.asks("bola", "GET", "/for/{citizen}"+section, "")
		b, other := o.asks("carol", "GET", "/for/{citizen}"+section, "")
		if a != 200 || a != b || anybodys(own) != anybodys(other) {
			t.Errorf("%q is another page than for an account that only acts for others: %d and %d", section, a, b)
		}
		if strings.Contains(own, "Psoriasis") || !strings.Contains(own, "You are looking at the record of <strong>Folake Adeyemi") || !strings.Contains(own, "Go back to your own record") || strings.Contains(other, "your own record") {
			t.Errorf("%q does not say whose record it is, or something of the own is in it", section)
		}
	}
	if where := o.sees("bola", "Asthma", "/for/{citizen}/record", "/me/record", "/me"); len(where) != 1 {
		t.Error("the other's conditions are at", where)
	}
	if where := o.sees("bola", "Psoriasis", "/for/{citizen}/record", "/me/record"); len(where) != 1 || where[0] != "/me/record" {
		t.Error("the own conditions are at", where)
	}
	if n := o.total("bola", "/fhir/Patient"); n != 1 {
		t.Errorf("a citizen's token finds %d Patients", n)
	}
	if status, _ := o.asks("bola", "GET", "/fhir/Condition/c1", ""); status != 404 {
		t.Error("a citizen's token reads another's condition:", status)
	}
	entries, err := o.Trail(t.Context(), audit.Query{User: "bola", Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	acted := 0
	for _, e := range entries {
		there := e.Citizen == o.citizen
		if e.Outcome == audit.Permit && e.Citizen != "" && there != (e.Role == nhs.Proxy) {
			t.Errorf("%s as %s, of %s", e.What, e.Role, e.Citizen)
		}
		if there && e.Outcome == audit.Permit {
			acted++
		}
	}
	if acted < 8 {
		t.Errorf("%d entries say that she acted", acted)
	}
	if where := o.sees("citizen", "Bola Adeyemi", "/me/looked", "/me/people"); len(where) != 2 {
		t.Error("the person is told who acts and who looked at", where)
	}
	if status, _ := o.posts("bola", "/me/settings", "mode=on"); status != 200 {
		t.Fatal(status)
	}
	if where := o.sees("bola", "<title>Information</title>", "/me", "/for/{citizen}", "/for/{citizen}/record"); len(where) != 3 {
		t.Error("in safety mode her pages are quiet only at", where)
	}
	if where := o.sees("bola", "for somebody", "/me/looked"); len(where) > 0 {
		t.Error("the own trail has what was done for another")
	}
}

// G11: what the person keeps private is kept from a citizen who acts for them, and either
// of them ends it with one press.
func TestG11TheOwnAccountEndsWithTheActing(t *testing.T) {
	o := helping(t)
	if status, page := o.lets("bola", "own-wish"); status != 200 {
		t.Fatal(status, page)
	}
	if status, page := o.posts("citizen", "/me/sharing", "choice=item&item=Condition%2Fc1&save=yes"); status != 200 || !strings.Contains(page, "Saved.") {
		t.Fatal(status, page)
	}
	if where := o.sees("bola", "Asthma", "/for/{citizen}", "/for/{citizen}/record", "/for/{citizen}/rights/item/Condition/c1"); len(where) > 0 {
		t.Error("what the person keeps private is at", where)
	}
	if where := o.sees("bola", "Migraine", "/for/{citizen}/record"); len(where) != 1 {
		t.Error("all of the record is gone")
	}
	stop := regexp.MustCompile(`name="stop" value="([^"]+)"`)
	closed := func(what string) {
		t.Helper()
		if status, _ := o.asks("bola", "GET", "/for/{citizen}", ""); status != 403 {
			t.Errorf("%s, and the record opens: %d", what, status)
		}
		if status, page := o.asks("bola", "GET", "/me", ""); status != 200 || strings.Contains(page, "Folake") {
			t.Errorf("%s, and the own page names the person: %d", what, status)
		}
	}
	_, page := o.asks("citizen", "GET", "/me/people", "")
	if status, _ := o.posts("citizen", "/me/people", "stop="+stop.FindStringSubmatch(page)[1]); status >= 400 {
		t.Fatal(status)
	}
	closed("the person ended it")
	if status, page := o.lets("bola", "own-wish"); status != 200 {
		t.Fatal(status, page)
	}
	_, page = o.asks("bola", "GET", "/for/{citizen}", "")
	if status, _ := o.posts("bola", "/for/"+o.citizen+"/stop", "stop="+stop.FindStringSubmatch(page)[1]); status >= 400 {
		t.Fatal(status)
	}
	closed("she ended it")
}

// G11, G20: an account whose own record it no longer opens acts for nobody.
func TestG20TheAccountOfSomebodyWhoDiedActsForNobody(t *testing.T) {
	o := helping(t)
	if status, page := o.lets("bola", "own-wish"); status != 200 {
		t.Fatal(status, page)
	}
	if status, _ := o.asks("bola", "GET", "/for/{citizen}", ""); status != 200 {
		t.Fatal(status)
	}
	o.writes("G85915:GP", "Patient", "p-bola", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+bolasNumber+`"}],"name":[{"family":"Adeyemi","given":["Bola"]}],"birthDate":"1980-02-01","deceasedDateTime":"2026-11-01"`)
	for _, path := range []string{"/me", "/for/{citizen}", "/for/{citizen}/record"} {
		if status, page := o.asks("bola", "GET", path, ""); status != 403 || strings.Contains(page, "Migraine") {
			t.Errorf("%s: %d", path, status)
		}
	}
	entries, err := o.Trail(t.Context(), audit.Query{User: "bola", Limit: 10})
	if err != nil || len(entries) == 0 || entries[0].Outcome != audit.Deny {
		t.Error("the refusal is not in the trail", entries, err)
	}
}
