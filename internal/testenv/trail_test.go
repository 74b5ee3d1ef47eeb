package testenv

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"selda/audit"
	"selda/nhs"
)

var proofLink = regexp.MustCompile(`href="((?:/me|/for/[^/"]+)/proof/\d+)"`)

// entriesOf are the entries of the citizen asked for, the latest first.
func (o *outside) entriesOf(q audit.Query) []audit.Entry {
	o.Helper()
	list, err := o.Trail(o.Context(), q)
	if err != nil {
		o.Fatal(err)
	}
	return list
}

// R14: the citizen takes away the proof of each look; the public key alone proves
// it, and it says no more than the page.
func TestR14ProofsOfLooks(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.asks("gp", "GET", "/fhir/Condition/c1", "")
	o.breaksGlass("visitor", "vital-interests")
	o.asks("visitor", "GET", "/fhir/Condition/c1", "")
	o.breaksGlass("doctor", "safeguarding")
	status, key := o.asks("", "GET", "/audit/key", "")
	if status != 200 {
		t.Fatal(status, key)
	}
	_, page := o.asks("citizen", "GET", "/me/looked", "")
	page = html.UnescapeString(page)
	if !strings.Contains(page, strings.TrimSpace(key)) {
		t.Error("the page does not say with which key a proof is checked")
	}
	links := proofLink.FindAllStringSubmatch(page, -1)
	if len(links) < 2 {
		t.Fatalf("the page has %d proofs: %s", len(links), page)
	}
	proven := map[string]bool{}
	for _, l := range links {
		status, file := o.asks("citizen", "GET", l[1], "")
		got, err := audit.CheckFile([]byte(file), key)
		if status != 200 || err != nil {
			t.Fatalf("%s: %d, %v", l[1], status, err)
		}
		proven[got.Entry.Action] = true
		if e := got.Entry; e.Citizen != o.citizen || e.User != "" || e.What != "" || len(e.Signs) > 0 || e.Name == "" || !strings.Contains(page, e.Name) || e.Reason != "" && !strings.Contains(page, e.Reason) {
			t.Errorf("%s proves what the page does not show: %+v", l[1], e)
		}
		if bytes.Contains([]byte(file), []byte("Condition")) {
			t.Errorf("%s names an item", l[1])
		}
	}
	if !proven[audit.Read] || !proven[audit.BreakGlass] {
		t.Errorf("no proof of %v", proven)
	}
}

// G8, G9, G25: what somebody may not know of has no proof, and is answered as what
// never was; so is what is not about them.
func TestG8NoProofOfWhatIsKeptFromThem(t *testing.T) {
	o := known(t)
	o.child("2021-04-19")
	o.breaksGlass("visitor", "vital-interests")
	o.breaksGlass("doctor", "safeguarding")
	unknown := func(user, path string) string {
		status, body := o.asks(user, "GET", path+"/proof/9999999", "")
		if status != 404 {
			t.Fatalf("an entry that never was: %d", status)
		}
		return body
	}
	parent, citizen := unknown("parent", "/for/{citizen}"), unknown("citizen", "/me")
	for _, e := range o.entriesOf(audit.Query{Citizen: o.citizen, Limit: 100}) {
		path := fmt.Sprintf("/proof/%d", e.Seq)
		want := 200
		if e.Action == audit.BreakGlass || e.Purpose == nhs.Emergency || e.Concealed {
			want = 404
		}
		status, body := o.asks("parent", "GET", "/for/{citizen}"+path, "")
		if status != want || want == 404 && body != parent {
			t.Errorf("parent, %s of %s: %d, want %d", e.Action, e.User, status, want)
		}
		if status, body := o.asks("citizen", "GET", "/me"+path, ""); status != 404 || body != citizen {
			t.Errorf("a stranger's entry is proven to the citizen: %d", status)
		}
		if status, _ := o.asks("gp", "GET", "/me"+path, ""); status != 404 && status != 403 {
			t.Errorf("an entry is proven to a professional: %d", status)
		}
	}
}
