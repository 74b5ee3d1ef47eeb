package testenv

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"selda/audit"
	"selda/cmd/selda/region"
)

// neverPermitted are the routes that a bearer token, or what the test knows, opens to
// nobody: why. A refusal at each is looked for all the same.
var neverPermitted = map[string]string{
	"/":                                   "there is no such page",
	"GET /login/callback":                 "it takes a code of a provider",
	"GET /oidc/authorize":                 "it takes an application's request",
	"POST /oidc/token":                    "it takes an application's code or key",
	"POST /oidc/register":                 "it takes an application's description",
	"POST /oidc/introspect":               "it takes an application's key",
	"POST /oidc/revoke":                   "it takes an application's key",
	"GET /subscriptions/websocket":        "it takes an upgrade of the connection",
	"POST /governance/try":                "it takes a file",
	"GET /record/{id}/file/{type}/{item}": "it takes a document with a file",
	"GET /me/file/{type}/{item}":          "it takes a document with a file",
	"GET /for/{id}/file/{type}/{item}":    "it takes a document with a file",

	"GET /for/{id}/rights/item/{type}/{item}": "it takes an item of the child's record",
	"GET /for/{id}/rights/{case}/{file}":      "it takes a copy that who acts has asked for: TestG18WhoActsTakesTheCopyAsFarAsTheySee",
}

// R14: whatever route of the region is asked for, by whomever, what was done or
// refused is in the trail before the answer leaves. The routes come from the region: a new one is asked
// for without being named here.
func TestR14EveryRouteLeavesAnEntry(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	child := o.citizen
	o.child("2021-04-19")
	o.asks("parent", "GET", "/for/{citizen}", "")
	ofChild := o.entriesOf(audit.Query{Citizen: o.citizen})[0].Seq
	child, o.citizen = o.citizen, child
	if _, err := o.Region.Trail.Grow(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.asks("doctor", "GET", "/fhir/Condition/c1", "")
	o.breaksGlass("doctor", "vital-interests")
	broken := o.quarantined()
	entry := o.entriesOf(audit.Query{Citizen: o.citizen, Action: audit.BreakGlass})[0].Seq
	o.asksFor("access", "", "")
	copied := o.caseOf("privacy")
	o.must(o.reviews(copied, "rest"))
	o.must(o.reviews(copied, "make"))
	o.must(o.worksOn("privacy", copied, "decided", "code", "released"))
	bodies := map[string]string{"POST /search": "q=" + folake, "POST /privacy/trail": "user=doctor", "POST /trace": "id=" + broken, "POST /me/sharing": "choice=object&save=yes",
		"POST /record/{id}/declare": "", "POST /record/{id}/emergency": "reason=emergency", "POST /privacy/outcome/{entry}": "outcome=asked", "POST /quarantine/replay": "source=RJZ:PAS&reason=x",
		"POST /privacy/why": "user=doctor&citizen=" + o.citizen + "&item=Condition/c1&type=Condition&id=c1", "POST /governance/try": "agreement={}"}
	for _, pattern := range o.Region.Patterns() {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "GET", pattern
		}
		id, seq := o.citizen, entry
		if strings.HasPrefix(path, "/for/") {
			id, seq = child, ofChild
		}
		path = strings.NewReplacer("{id}", id, "{section}", "results", "{type}", "Condition", "{item}", "c1", "{entry}", fmt.Sprint(seq), "{source}", "RJZ:PAS", "{message}", broken, "{case}", copied, "{file}", "record.json",
			"{request}", "r1", "{user}", "analyst", "{agreement}", "sel-direct-care", "{act}", "renew", "{path...}", "0/000.p/1", "{$}", "").Replace(path)
		switch pattern {
		case "/fhir":
			path = "/fhir?_type=Condition,Observation&patient=" + o.citizen
		case "/fhir/":
			path = "/fhir/Condition/c1"
		}
		if path == "/" && !strings.Contains(pattern, "{$}") {
			path = "/no/such/page"
		}
		permitted, refused := false, false
		for _, user := range []string{"gp", "citizen", "parent", "privacy", "engineer", "governance", "admin", "doctor", "system", "analyst", ""} {
			before := o.entriesOf(audit.Query{Limit: 1})[0].Seq
			status, _ := o.asks(user, method, path, bodies[pattern], "Content-Type: application/x-www-form-urlencoded")
			var told []audit.Entry
			for _, e := range o.entriesOf(audit.Query{Limit: 30}) {
				if e.Seq > before && (e.User == user || e.User == "") {
					told = append(told, e)
				}
			}
			_, public := region.Unrecorded[pattern]
			permitted = permitted || public && user != ""
			switch {
			case status >= 400:
				refused = true
				if len(told) == 0 {
					t.Errorf("%s, refused to %q (%d), is in no trail", pattern, user, status)
				}
			case user == "": // led to sign-on, or public
				refused = refused || status >= 300
			case public:
				refused = true
			default: // a search of nothing that one may see is answered, and refused in the trail
				permitted = permitted || slices.ContainsFunc(told, func(e audit.Entry) bool { return e.Outcome == audit.Permit })
				if len(told) == 0 {
					t.Errorf("%s, opened to %q (%d), is in no trail", pattern, user, status)
				}
			}
		}
		// A form takes its own words to be permitted: those without one here are tested so in their rooms.
		_, worded := bodies[pattern]
		form := method == "POST" && !worded
		if why := neverPermitted[pattern]; !permitted && why == "" && !form {
			t.Errorf("%s is opened to nobody by this test: it shows half of what it should", pattern)
		} else if permitted && why != "" {
			t.Errorf("%s is opened, though %s", pattern, why)
		}
		if !refused {
			t.Errorf("%s is refused to nobody", pattern)
		}
	}
	for pattern := range neverPermitted {
		if !slices.Contains(o.Region.Patterns(), pattern) {
			t.Errorf("there is no route %s any more", pattern)
		}
	}
}

// quarantined is a message that can't be used.
func (o *outside) quarantined() string {
	o.Helper()
	ack, err := o.Send(o.Context(), []byte("MSH|^~\\&|PAS|RJZ|SELDA|QKK|20261120120000||ADT^A01|B1|P|2.4\rEVN|A01|20261120120000\r"))
	if err != nil {
		o.Fatal(err)
	}
	return ack.ControlID()
}

// R14: a token that does not hold, and none at all, are in the trail; whoever knocks
// all day does not fill it.
func TestR14RefusedTokensAreRecorded(t *testing.T) {
	o := known(t)
	for _, header := range []string{"Authorization: Bearer nonsense", "Authorization: Basic YTpi", ""} {
		before := o.entriesOf(audit.Query{Limit: 1})[0].Seq
		a, err := o.Do(t.Context(), "", "GET", "/fhir/Patient/1", nil, slices.DeleteFunc([]string{header}, func(s string) bool { return s == "" })...)
		if err != nil || a.Status != 401 {
			t.Fatal(a.Status, err)
		}
		e := o.entriesOf(audit.Query{Limit: 1})[0]
		if e.Seq != before+1 || e.Outcome != audit.Deny || e.From == "" || e.What != "GET /fhir/Patient" {
			t.Errorf("%q: %+v", header, e)
		}
	}
	before := o.entriesOf(audit.Query{Limit: 1})[0].Seq
	for range 200 {
		if a, err := o.Do(t.Context(), "", "GET", "/fhir/Patient/1", nil); err != nil || a.Status != 401 {
			t.Fatal(a.Status, err)
		}
	}
	if n := o.entriesOf(audit.Query{Limit: 1})[0].Seq - before; n > 60 {
		t.Errorf("%d entries of 200 knocks", n)
	}
}
