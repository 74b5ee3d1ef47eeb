package testenv

import (
	"bytes"
	"encoding/json"
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

// eventOf is what the tests look at of an AuditEvent.
type eventOf struct {
	ID      string
	Action  string
	Outcome string
	Meta    struct{ Profile []string }
	Type    struct{ Code string }
	Subtype []struct{ Code string }
	Agent   []struct {
		AltID     string
		Name      string
		Requestor bool
		Policy    []string
		Who       struct {
			Display    string
			Identifier struct{ Value string }
		}
		Network *struct{ Address string }
	}
	Entity []struct {
		What   struct{ Reference, Display string }
		Role   struct{ Code string }
		Detail []struct{ ValueString string }
	}
}

// events are the AuditEvents that a search gives, with the page after it.
func (o *outside) events(user, query string) (out []eventOf, next, body string) {
	o.Helper()
	status, body := o.asks(user, "GET", query, "")
	if status != 200 {
		o.Fatalf("%s %s: %d %s", user, query, status, body)
	}
	var b struct {
		Link  []struct{ Relation, URL string }
		Entry []struct {
			Resource eventOf
			Search   struct{ Mode string }
		}
	}
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		o.Fatal(err)
	}
	for _, e := range b.Entry {
		if e.Search.Mode == "match" {
			out = append(out, e.Resource)
		}
	}
	for _, l := range b.Link {
		if l.Relation == "next" {
			next = "/fhir/" + l.URL[strings.Index(l.URL, "/fhir/")+len("/fhir/"):]
		}
	}
	return out, next, body
}

// played is a record that has been looked at, by those who may and who may not.
func played(t *testing.T) *outside {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.asks("gp", "GET", "/fhir/Condition/c1", "")
	o.asks("gp", "GET", "/fhir/Condition?patient={citizen}", "")
	o.asks("analyst", "GET", "/fhir/Condition/c1", "")
	o.breaksGlass("visitor", "vital-interests")
	o.asks("visitor", "GET", "/fhir/Condition/c1", "")
	o.breaksGlass("doctor", "safeguarding")
	for range 3 {
		o.asks("doctor", "GET", "/fhir/Condition/c1", "")
	}
	return o
}

// R14, G2: whose AuditEvents somebody is shown.
func TestG2WhoseAuditEventsOneIsShown(t *testing.T) {
	o := played(t)
	citizen, _, body := o.events("citizen", "/fhir/AuditEvent?_count=100")
	seen := map[string]bool{}
	for _, e := range citizen {
		seen[e.Type.Code+" "+e.Subtype[0].Code] = true
		for _, a := range e.Agent {
			if a.AltID != "" && a.AltID != "citizen" || a.Network != nil && strings.HasPrefix(a.Network.Address, "127.") {
				t.Errorf("a citizen is shown an account or an address: %+v", a)
			}
		}
		for _, x := range e.Entity {
			if len(x.Detail) > 0 || strings.HasPrefix(x.What.Reference, "Condition") {
				t.Errorf("a citizen is shown signs, or which item it was: %+v", x)
			}
		}
	}
	if !seen["rest read"] || !seen["rest search"] || !seen["110113 110127"] {
		t.Errorf("the citizen is shown %v: %s", seen, body)
	}
	if strings.Contains(body, "safeguarding") || strings.Contains(body, "G85915:GP") {
		t.Errorf("a citizen is shown what is kept from them: %s", body)
	}
	for _, e := range o.entriesOf(audit.Query{Citizen: o.citizen, Limit: 100}) {
		path := fmt.Sprintf("/fhir/AuditEvent/%d", e.Seq)
		want := 200
		if e.Concealed {
			want = 404
		}
		if status, _ := o.asks("citizen", "GET", path, ""); status != want {
			t.Errorf("%s of %s to the citizen: %d, want %d", e.Action, e.User, status, want)
		}
		if want = 404; e.Organisation == o.organisation("privacy") {
			want = 200
		}
		if status, _ := o.asks("privacy", "GET", path, ""); status != want {
			t.Errorf("%s of %s at %s to the privacy officer: %d, want %d", e.Action, e.User, e.Organisation, status, want)
		}
	}
	for _, user := range []string{"privacy", "guardian"} {
		list, _, _ := o.events(user, "/fhir/AuditEvent?_count=200&date=ge2020")
		for _, e := range list {
			if !strings.Contains(fmt.Sprint(e.Agent), string(o.organisation(user))) {
				t.Errorf("%s is shown another organisation's: %+v", user, e)
			}
		}
		if len(list) == 0 {
			t.Errorf("%s is shown nothing", user)
		}
	}
	for _, user := range []string{"gp", "doctor", "nurse", "pharmacist", "social", "handler", "analyst", "engineer", "reception", "governance"} {
		for _, path := range []string{"/fhir/AuditEvent", "/fhir/AuditEvent?patient={citizen}", "/fhir/AuditEvent/1", "/fhir/Patient/{citizen}/AuditEvent"} {
			if status, body := o.asks(user, "GET", path, ""); status != 403 || strings.Contains(body, `"AuditEvent"`) {
				t.Errorf("%s %s: %d", user, path, status)
			}
		}
	}
	for path, want := range map[string]int{"/fhir/AuditEvent?patient=nobody": 200, "/fhir/AuditEvent/0": 404, "/fhir/AuditEvent/01": 404, "/fhir/AuditEvent/99999999": 404, "/fhir/AuditEvent/x": 404, "/fhir/AuditEvent/_history": 501, "/fhir/AuditEvent?patient.name=x": 501} {
		status, body := o.asks("citizen", "GET", path, "")
		if status != want && !(want == 501 && status >= 400) || status == 200 && strings.Contains(body, `"entry"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// G8, G9: a concealed entry leaves no trace in the AuditEvents of the one whom it
// is of: without it, every answer is the same.
func TestG8ConcealedEntriesLeaveNoTraceInAuditEvents(t *testing.T) {
	var answers [2]string
	for i := range answers {
		o := known(t)
		o.asks("gp", "GET", "/fhir/Patient/{citizen}", "")
		if i == 1 {
			o.breaksGlass("doctor", "safeguarding")
		} else {
			o.asks("doctor", "GET", "/fhir/Organization?name=x", "") // as many entries, none of the citizen's
		}
		o.asks("gp", "GET", "/fhir/Patient/{citizen}", "")
		for _, q := range []string{"", "?_count=2", "?action=E", "?_summary=count", "?_total=accurate&_count=1", "?outcome=0", "?agent-name=dr", "?date=ge2020&_sort=date", "?type=http://dicom.nema.org/resources/ontology/DCM|110113"} {
			_, body := o.asks("citizen", "GET", "/fhir/AuditEvent"+q, "")
			answers[i] += q + alike(body, o) + "\n"
		}
	}
	if answers[0] != answers[1] {
		t.Errorf("they differ:\n%s\n%s", answers[0], answers[1])
	}
}

var regionsOwn = regexp.MustCompile(`selda\.example/trail/[0-9a-f]+|_page=[A-Za-z0-9_-]+|http://[a-z0-9.:]+/fhir`)

var eventNumbers = regexp.MustCompile(`AuditEvent/\d+|"id":"\d+"`)

// alike is an answer without what two regions differ in.
func alike(body string, o *outside) string {
	body = regionsOwn.ReplaceAllString(strings.ReplaceAll(body, o.citizen, "{citizen}"), "…")
	return eventNumbers.ReplaceAllString(body, "n") // of entries: they count those of everybody
}

// organisation is where a user works.
func (o *outside) organisation(user string) nhs.ODS {
	o.Helper()
	s, err := o.Subject(user)
	if err != nil {
		o.Fatal(err)
	}
	return s.Organisation
}

// Every parameter of AuditEvent finds what it should, and pages hold it all once.
func TestAuditEventSearch(t *testing.T) {
	o := played(t)
	all, next, _ := o.events("privacy", "/fhir/AuditEvent?_count=2")
	for next != "" {
		var more []eventOf
		more, next, _ = o.events("privacy", next)
		all = append(all, more...)
	}
	ids := map[string]bool{}
	for i, e := range all {
		if ids[e.ID] || i > 0 && len(e.ID) > len(all[i-1].ID) {
			t.Errorf("%s is there twice, or out of order", e.ID)
		}
		ids[e.ID] = true
	}
	if len(all) < 5 {
		t.Fatalf("%d entries", len(all))
	}
	for query, finds := range map[string]bool{
		"altid=doctor": true, "altid=gp": false, "agent-name=Dr": true, "agent-name=nobody": false, "patient={citizen}": true, "entity=Patient/{citizen}": true, "patient=nobody": false,
		"action=E": true, "action=D": false, "outcome=0": true, "outcome=12": false, "type=110113": true, "subtype=110127": true, "subtype=vread": false,
		"date=ge2020-01-01": true, "date=lt2020-01-01": false, "date=gt2100": false, "_lastUpdated=gt2020": true, "_id=" + all[0].ID: true, "_id=1000000": false,
		"policy=https://selda.example/rules/G9%2520emergency%2520access": true, "agent-role=hospital-doctor": true, "altid=doctor&patient={citizen}&date=ge2020": true, "altid=doctor&date=lt2020": false,
		"_sort=date": true, "_sort=-date": true, "_summary=true": true, "source:missing=true": false, "agent:identifier=https://selda.example/account|doctor": true,
	} {
		if list, _, body := o.events("privacy", "/fhir/AuditEvent?"+query); (len(list) > 0) != finds {
			t.Errorf("%s finds %d: %s", query, len(list), body)
		}
	}
	for _, c := range []struct{ method, path string }{{"POST", ""}, {"PUT", "/1"}, {"PATCH", "/1"}, {"DELETE", "/1"}, {"PUT", "?_id=1"}, {"DELETE", "?_id=1"}, {"POST", "/$meta-add"}, {"POST", "/1/$meta-add"}} {
		for _, user := range []string{"privacy", "citizen", "guardian"} {
			if status, _ := o.asks(user, c.method, "/fhir/AuditEvent"+c.path, `{"resourceType":"AuditEvent"}`); status < 400 || status >= 502 {
				t.Errorf("%s %s %s: %d", user, c.method, c.path, status)
			}
		}
	}
	if _, body := o.asks("privacy", "GET", "/fhir/AuditEvent/"+all[0].ID, ""); !strings.Contains(body, `"versionId":"1"`) {
		t.Error(body)
	}
}
