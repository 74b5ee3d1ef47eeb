package testenv

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/rights"
)

// reviews decides about one item of a copy, the rest or the words, or has it made.
func (o *outside) reviews(id, what string, more ...string) (int, string) {
	o.Helper()
	form := url.Values{"review": {what}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return o.posts("privacy", "/privacy/cases/"+id, form.Encode())
}

const labelled = `"meta":{"security":[{"system":"https://selda.example/labels","code":"%"}]},`

func (o *outside) hospitalItems() {
	o.Helper()
	o.writes("RJZ:PAS", "Condition", "plain", `"code":{"text":"Heart failure"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "about-son", strings.ReplaceAll(labelled, "%", "third-party")+`"code":{"text":"Son Bola Adeyemi drinks"},`+atKings)
	o.writes("RJZ:PAS", "DocumentReference", "letter", strings.ReplaceAll(labelled, "%", "mental-health-detail")+`"status":"current","description":"Her son Bola rang on 07700 900451","content":[{"attachment":{"contentType":"text/plain","data":"`+
		base64.StdEncoding.EncodeToString([]byte("Son: Bola (07700900451). She is low."))+`"}}],`+atKings)
	o.writes("G85915:GP", "Condition", "at-gp", `"code":{"text":"Asthma"},`+atGP)
}

// G18, G8, G10: the copy is what one controller keeps, looked through item by item; nothing
// goes out before all of it was; words about others are taken out of all of it; what was
// given out is kept as it was, by its hash.
func TestG18ACopyIsLookedThrough(t *testing.T) {
	o := known(t)
	o.hospitalItems()
	o.asksFor("access", "", "")
	id := o.caseOf("privacy")
	_, page := o.asks("privacy", "GET", "/privacy/cases/"+id, "")
	o.must(200, page, "Son Bola Adeyemi drinks", "third party", "3 still to be decided", "Heart failure")
	if strings.Contains(page, "Asthma") {
		t.Error("another controller's items are put before the officer")
	}
	if status, page := o.reviews(id, "make"); status != 422 || !strings.Contains(page, "still to be looked at") {
		t.Fatal("a copy of what nobody has looked at", status, page)
	}
	if status, _ := o.worksOn("privacy", id, "decided", "code", "released"); status != 422 {
		t.Fatal("released without a copy", status)
	}
	if status, page := o.reviews(id, "DocumentReference/letter", "exemption", "serious-harm"); status != 422 || !strings.Contains(page, "whose opinion") {
		t.Error("serious harm is nobody's opinion", status)
	}
	o.must(o.reviews(id, "DocumentReference/letter"))
	o.must(o.reviews(id, "Condition/about-son", "exemption", "third-party"))
	o.must(o.reviews(id, "words", "redact", "Bola\n07700 900451"))
	o.must(o.reviews(id, "rest"))
	o.writes("RJZ:PAS", "Condition", "late", `"code":{"text":"Gout"},`+atKings)
	if status, _ := o.reviews(id, "make"); status != 422 {
		t.Fatal("what came since goes out unseen", status)
	}
	o.must(o.reviews(id, "rest"))
	status, page := o.reviews(id, "make")
	o.must(status, page, "The copy is made", "SHA-256")
	if status, _ := o.asks("citizen", "GET", "/me/rights/"+id+"/record.json", ""); status != 404 {
		t.Error("the person has the copy before it is released", status)
	}
	o.must(o.worksOn("privacy", id, "decided", "code", "released"))
	_, page = o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "Your copy is ready", "/me/rights/"+id+"/record.html")
	for _, file := range []string{"record.html", "record.json"} {
		status, copied := o.asks("citizen", "GET", "/me/rights/"+id+"/"+file, "")
		o.must(status, copied, "Heart failure", "[removed]", "Gout")
		w := rights.NewWords([]string{"Bola", "07700900451"})
		if w.In(copied) || strings.Contains(copied, "about-son") || strings.Contains(copied, "mental-health-detail") || strings.Contains(copied, "Asthma") {
			t.Errorf("%s tells what it should not: %s", file, copied)
		}
		if status, _ := o.asks("gp", "GET", "/me/rights/"+id+"/"+file, ""); status == 200 {
			t.Error("somebody else takes the copy")
		}
		f := rights.FileOf(file, []byte(copied))
		if _, page := o.asks("privacy", "GET", "/privacy/cases/"+id, ""); !strings.Contains(page, f.SHA256) {
			t.Error("what was given out is not what the case says")
		}
	}
	_, readable := o.asks("citizen", "GET", "/me/rights/"+id+"/record.html", "")
	for _, words := range []string{"What it is used for", "Where it is from", "How long it is kept", "Your rights", "Who has looked", "We may have left out", "NHS number 999 123 4519"} {
		if !strings.Contains(readable, words) {
			t.Errorf("the copy lacks %q (Art 15(1))", words)
		}
	}
	entries, err := o.Trail(t.Context(), audit.Query{Citizen: o.citizen, Action: audit.Export})
	if err != nil || len(entries) < 3 {
		t.Error("that a copy was made and taken is not in the trail", len(entries), err)
	}
}

// G8, invariant 3: a copy from which an item was withheld is the copy of a record that
// has no such item, to the byte.
func TestG18WhatIsWithheldLeavesNoTraceInTheCopy(t *testing.T) {
	made := map[string]string{}
	for _, withheld := range []bool{true, false} {
		o := known(t)
		o.writes("RJZ:PAS", "Condition", "plain", `"code":{"text":"Heart failure"},`+atKings)
		o.writes("RJZ:PAS", "Observation", "bp", `"status":"final","code":{"text":"Blood pressure"},"focus":[{"reference":"Condition/secret","display":"hidden"},{"reference":"Condition/plain"}],`+atKings)
		if withheld {
			o.writes("RJZ:PAS", "Condition", "secret", strings.ReplaceAll(labelled, "%", "safeguarding")+`"code":{"text":"MARAC"},`+atKings)
		}
		o.asksFor("access", "", "")
		id := o.caseOf("privacy")
		if withheld {
			o.must(o.reviews(id, "Condition/secret", "exemption", "child-abuse"))
		}
		o.must(o.reviews(id, "Observation/bp"))
		o.must(o.reviews(id, "rest"))
		o.must(o.reviews(id, "make"))
		o.must(o.worksOn("privacy", id, "decided", "code", "released"))
		_, looked := o.asks("citizen", "GET", "/me/looked", "")
		looked = regexp.MustCompile(`/me/(ask|proof)/[0-9]+|Fetched [^<]*|--key [^<]*`).ReplaceAllString(looked, "")
		if was, ok := made["looked"]; ok && was != looked {
			t.Errorf("who has looked differs:\n%s\n%s", was, looked)
		}
		made["looked"] = looked
		for _, file := range []string{"record.html", "record.json"} {
			_, copied := o.asks("citizen", "GET", "/me/rights/"+id+"/"+file, "")
			if was, ok := made[file]; ok && was != copied {
				t.Errorf("%s differs:\n%s\n%s", file, was, copied)
			}
			made[file] = copied
		}
	}
	if !strings.Contains(made["record.json"], "Heart failure") || strings.Contains(made["record.json"], "secret") {
		t.Error(made["record.json"])
	}
}

// G18, G11: who acts for somebody, and may see the whole record, takes the copy that they have asked
// for: without what they may not see, while they may see all that is in it, and while they act. What
// the person asked for is not theirs.
func TestG18WhoActsTakesTheCopyAsFarAsTheySee(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "plain", `"code":{"text":"Heart failure"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "harm", strings.ReplaceAll(labelled, "%", "safeguarding")+`"code":{"text":"MARAC"},`+atKings)
	o.writes("RJZ:PAS", "Observation", "bp", `"status":"final","code":{"text":"Blood pressure"},"focus":[{"reference":"Condition/harm","display":"hidden"}],`+atKings)
	o.helper("bola", "Bola Adeyemi")
	o.helper("eve", "Eve")
	if status, page := o.lets("bola", "own-wish"); status != 200 {
		t.Fatal(status, page)
	}
	status, page := o.posts("bola", "/for/"+o.citizen+"/rights", "kind=access")
	o.must(status, page, "You asked for a copy")
	id := o.caseOf("privacy")
	_, page = o.asks("privacy", "GET", "/privacy/cases/"+id, "")
	o.must(200, page, "Heart failure")
	if strings.Contains(page, "MARAC") {
		t.Error("what would not go out is put before the officer as if it did")
	}
	o.must(o.reviews(id, "rest"))
	o.must(o.reviews(id, "make"))
	o.must(o.worksOn("privacy", id, "decided", "code", "released"))
	_, page = o.asks("bola", "GET", "/for/{citizen}/rights", "")
	o.must(200, page, "Your copy is ready", "/for/"+o.citizen+"/rights/"+id+"/record.json")
	for _, file := range []string{"record.html", "record.json"} {
		status, copied := o.asks("bola", "GET", "/for/{citizen}/rights/"+id+"/"+file, "")
		o.must(status, copied, "Heart failure", "Blood pressure")
		if strings.Contains(copied, "MARAC") || strings.Contains(copied, "Condition/harm") || strings.Contains(copied, `"hidden"`) {
			t.Errorf("%s tells who acts what is kept from them: %s", file, copied)
		}
		for _, path := range []string{"/me/rights/" + id, "/for/{citizen}/rights/" + id} {
			if status, _ := o.asks("eve", "GET", path+"/"+file, ""); status == 200 {
				t.Error("who does not act takes it")
			}
		}
	}
	o.asksFor("access", "", "")
	own := o.caseOf("privacy")
	o.must(o.reviews(own, "Condition/harm"))
	o.must(o.reviews(own, "rest"))
	o.must(o.reviews(own, "make"))
	o.must(o.worksOn("privacy", own, "decided", "code", "released"))
	if status, _ := o.asks("bola", "GET", "/for/{citizen}/rights/"+own+"/record.json", ""); status != 404 {
		t.Error("who acts takes what the person has asked for", status)
	}
	o.writes("RJZ:PAS", "Condition", "plain", strings.ReplaceAll(labelled, "%", "safeguarding")+`"code":{"text":"Heart failure"},`+atKings)
	if status, page := o.asks("bola", "GET", "/for/{citizen}/rights/"+id+"/record.html", ""); status == 200 || strings.Contains(page, "Heart failure") {
		t.Error("what is kept from them since is in the copy that they take", status)
	}
	o.writes("RJZ:PAS", "Condition", "plain", `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}]},"code":{"text":"Heart failure"},`+atKings)
	if status, _ := o.asks("bola", "GET", "/for/{citizen}/rights/"+id+"/record.html", ""); status != 200 {
		t.Error("it is not kept from them any more", status)
	}
	_, people := o.asks("citizen", "GET", "/me/people", "")
	stop := regexp.MustCompile(`name="stop" value="([^"]+)"`).FindStringSubmatch(people)
	if stop == nil {
		t.Fatal(people)
	}
	if status, _ := o.posts("citizen", "/me/people", "stop="+stop[1]); status >= 400 {
		t.Fatal("can't stop", status)
	}
	if status, _ := o.asks("bola", "GET", "/for/{citizen}/rights/"+id+"/record.html", ""); status == 200 {
		t.Error("who does not act any more takes the copy")
	}
}

// G18: a copy is of what is kept, and so of the versions that were replaced; what was sensitive in one
// of them is decided by itself; words are taken out of them, and what is withheld is, with all of them.
func TestG18ACopyHasWhatWasReplaced(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "c", `"code":{"text":"Epilepsy, says Bola"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "s", strings.ReplaceAll(labelled, "%", "third-party")+`"code":{"text":"Lives with her son"},`+atKings)
	o.Advance(48 * time.Hour)
	o.writes("RJZ:PAS", "Condition", "c", `"code":{"text":"Single seizure"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "s", `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}]},"code":{"text":"Lives alone"},`+atKings)
	o.asksFor("access", "", "")
	id := o.caseOf("privacy")
	_, page := o.asks("privacy", "GET", "/privacy/cases/"+id, "")
	o.must(200, page, "Single seizure", "Epilepsy, says Bola", "as it was before it was replaced", "third party")
	o.must(o.reviews(id, "words", "redact", "Bola"))
	o.must(o.reviews(id, "rest"))
	if status, _ := o.reviews(id, "make"); status != 422 {
		t.Error("what was sensitive before goes out with the rest", status)
	}
	o.must(o.reviews(id, "Condition/s", "exemption", "third-party"))
	o.must(o.reviews(id, "make"))
	o.must(o.worksOn("privacy", id, "decided", "code", "released"))
	for file, words := range map[string][]string{"record.html": {"As it was until 7 November 2026, when it was replaced"}, "record.json": {`"versionId":"1"`, `"versionId":"2"`}} {
		status, copied := o.asks("citizen", "GET", "/me/rights/"+id+"/"+file, "")
		o.must(status, copied, append(words, "Single seizure", "Epilepsy, says [removed]")...)
		if strings.Contains(copied, "son") && strings.Contains(copied, "Lives with") || strings.Contains(copied, "Lives alone") || strings.Contains(copied, "Bola") {
			t.Errorf("%s tells what is withheld or taken out: %s", file, copied)
		}
	}
}
