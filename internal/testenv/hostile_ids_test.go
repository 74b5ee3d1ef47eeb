package testenv

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// withBystander gives the region a second citizen, of another practice's patients, with an
// item: nobody of the first one's has to do with them.
func (h *hostile) withBystander() (citizen string) {
	h.Helper()
	h.writes("RX2:EPR", "Patient", "p-by", `"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}],"name":[{"family":"Bystander"}],"birthDate":"1980-01-01"`)
	h.writes("RX2:EPR", "Observation", "by1", `"status":"final","code":{"text":"BYWORD"},"subject":{"reference":"Patient/p-by"}`)
	citizen, err := h.Citizen(h.Context(), "9990000018")
	if err != nil {
		h.Fatal(err)
	}
	return citizen
}

// What is not theirs to know answers as what never was, under every name that somebody can
// guess: the status and, but for the name itself, every byte. Opened by another answer in
// access.ItemPage for what is hidden, and by a page that finds by id without a View.
func TestHostileGuessedIDsAreUnknownOnes(t *testing.T) {
	h := attacked(t)
	by := h.withBystander()
	if status, body := h.asks("system", "PUT", "/fhir/Patient/sys1", `{"resourceType":"Patient","id":"sys1","name":[{"family":"Systemic"}]}`); status != 201 {
		t.Fatal(status, body)
	}
	consent := ""
	if status, body := h.asks("citizen", "POST", "/fhir/Consent", `{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`); status == 201 {
		var r struct{ ID string }
		_ = json.Unmarshal([]byte(body), &r)
		consent = r.ID
	}
	users := []string{"citizen", "gp", "doctor", "visitor", "handler", "social", "parent", "privacy", "analyst", "admin", "engineer", "system"}
	for _, user := range users {
		for _, c := range []struct{ real, never, path string }{
			{"by1", "no1", "/fhir/Observation/%s"}, {"by1", "no1", "/fhir/Observation/%s/_history"}, {"by1", "no1", "/fhir/Observation/%s/_history/1"}, {"by1", "no1", "/fhir/Observation/%s/_history/999"}, {"by1", "no1", "/fhir/Observation?_id=%s"},
			{"by1", "no1", "/fhir/Observation/%s/$meta"}, {"by1", "no1", "/fhir/Observation/%s/$graphql?query=%%7Bid%%7D"}, {"by1", "no1", "/fhir/DiagnosticReport?result=Observation/%s"}, {"by1", "no1", "/fhir/Observation/%s/$everything"},
			{"p-by", "p-no", "/fhir/Patient/%s"}, {"p-by", "p-no", "/fhir/Patient/%s/$everything"}, {"p-by", "p-no", "/fhir/Observation?patient=%s"}, {"p-by", "p-no", "/fhir/Patient/%s/Observation"}, {"p-by", "p-no", "/fhir/Patient/%s/_history"},
			{consent, "no1", "/fhir/Consent/%s"}, {"sys1", "sys2", "/fhir/Patient/%s"},
		} {
			if user == "citizen" && c.real == consent || user == "system" && c.real == "sys1" || (user == "gp" || user == "doctor" || user == "parent") && c.real == consent {
				continue // theirs, or of somebody whom they look after
			}
			for _, accept := range []string{"Accept: application/fhir+json", "Accept: application/fhir+xml"} {
				status, body := h.asks(user, "GET", fmt.Sprintf(c.path, c.real), "", accept)
				status2, body2 := h.asks(user, "GET", fmt.Sprintf(c.path, c.never), "", accept)
				if hostileTimes(strings.ReplaceAll(body, c.real, "ID")) != hostileTimes(strings.ReplaceAll(body2, c.never, "ID")) || status != status2 {
					t.Errorf("%s at %s: %d and %d\n%s\n%s", user, c.path, status, status2, body, body2)
				}
				if strings.Contains(body, "BYWORD") || strings.Contains(body, "Bystander") || strings.Contains(body, "Systemic") {
					t.Errorf("%s at %s sees %s", user, fmt.Sprintf(c.path, c.real), body)
				}
			}
		}
		// Writing by a condition, or over an id, is no way to ask what there is.
		for _, method := range []string{"PUT", "DELETE", "PATCH"} {
			if user == "system" {
				continue // ids of its own; what others wrote it is told of nowhere: TestSystem…
			}
			body := `{"resourceType":"Observation","id":"%s","status":"final","code":{"text":"x"}}`
			status, one := h.asks(user, method, "/fhir/Observation/by1", fmt.Sprintf(body, "by1"))
			status2, two := h.asks(user, method, "/fhir/Observation/no1", fmt.Sprintf(body, "no1"))
			if status != status2 || status < 400 || hostileTimes(strings.ReplaceAll(one, "by1", "ID")) != hostileTimes(strings.ReplaceAll(two, "no1", "ID")) {
				t.Errorf("%s %s: %d and %d\n%s\n%s", user, method, status, status2, one, two)
			}
		}
	}
	// Of what others wrote a system learns nothing by a condition.
	for _, where := range []string{"_id=secret1", "code:text=SECRETWORD", "identifier=https://fhir.nhs.uk/Id/nhs-number|" + folake} {
		typ := "Observation"
		if strings.HasPrefix(where, "identifier") {
			typ = "Patient"
		}
		status, body := h.asks("system", "DELETE", "/fhir/"+typ+"?"+where, "")
		status2, body2 := h.asks("system", "DELETE", "/fhir/"+typ+"?_id=never", "")
		if status != status2 || body != body2 {
			t.Errorf("%s: %d %s, and %d %s", where, status, body, status2, body2)
		}
	}
	// Pages, by their own names of things.
	for _, user := range []string{"citizen", "gp", "privacy", "engineer", "analyst", "governance"} {
		c := h.signsIn(user)
		for _, p := range []string{"/record/" + by, "/record/" + by + "/results", "/record/" + by + "/why/Observation/by1", "/record/" + by + "/origin/Observation/by1", "/record/" + by + "/file/Observation/by1?at=code", "/record/" + h.citizen + "/origin/Observation/by1", "/record/" + h.citizen + "/file/Observation/by1", "/record/" + h.citizen + "/why/Observation/by1",
			"/for/" + by, "/for/" + by + "/results", "/for/" + by + "/file/Observation/by1", "/me/file/Observation/by1", "/me/sharing/item/Observation/by1", "/me/sharing/back/by1", "/me/proof/1", "/me/proof/2", "/me/proof/999999", "/for/" + by + "/proof/1", "/trace/by1", "/quarantine/1", "/quarantine/../record/" + by, "/releases/1", "/governance/none"} {
			a := h.sent(c, "GET", p, "")
			named := strings.Contains(strings.ToUpper(string(a.Body)), "BYSTANDER") && (user != "gp" || a.Status != 403) // who may look for people is asked what they have to do with them
			if strings.Contains(string(a.Body), "BYWORD") || named {
				t.Errorf("%s at %s (%d) sees another's record", user, p, a.Status)
			}
		}
	}
}

var hostileStamp = regexp.MustCompile(`"(lastUpdated|date|recorded|timestamp)":"[^"]*"|<(lastUpdated|timestamp) value="[^"]*"|_page=[A-Za-z0-9_-]+|"id":"[0-9a-z]{10,}"|<id value="[0-9a-z]{10,}"`)

func hostileTimes(s string) string { return hostileStamp.ReplaceAllString(s, "") }

// A cursor is its maker's and of one search: changed in any byte, of another person, of
// another search or made up it gives nothing; it says nothing of what it holds. Opened by
// leaving the user, the type or the query out of api.cursor's comparison, or by a cursor that
// is not sealed.
func TestHostileCursorsAreNotToBeMade(t *testing.T) {
	h := attacked(t)
	for i := range 12 {
		h.writes("G85915:GP", "Observation", fmt.Sprintf("page%d", i), `"status":"final","code":{"text":"PAGED"},`+atGP)
	}
	next := regexp.MustCompile(`_page=([A-Za-z0-9_-]+)`)
	links := map[string]string{}
	for _, path := range []string{"/fhir/Observation?_count=3", "/fhir/Observation?patient={citizen}&_count=3&_sort=-date", "/fhir/Observation/_history?_count=3", "/fhir/_history?_count=3", "/fhir/Patient/{citizen}/$everything?_count=3", "/fhir/Patient/{citizen}/Observation?_count=3", "/fhir?_type=Observation,Condition&patient={citizen}&_count=3"} {
		status, body := h.asks("gp", "GET", path, "")
		m := next.FindStringSubmatch(body)
		if status != 200 {
			t.Fatal(path, status, body)
		}
		if m != nil {
			links[strings.ReplaceAll(path, "{citizen}", h.citizen)] = m[1]
		}
	}
	if len(links) < 4 {
		t.Fatalf("only %d of the searches have pages", len(links))
	}
	for path, page := range links {
		if status, _ := h.asks("gp", "GET", path+sep(path)+"_page="+page, ""); status != 200 {
			t.Errorf("%s: the next page: %d", path, status)
		}
		raw, err := base64.RawURLEncoding.DecodeString(page)
		if err != nil || strings.Contains(string(raw), "gp") || strings.Contains(string(raw), `"n"`) {
			t.Errorf("%s: a cursor is not sealed: %q %v", path, raw, err)
		}
		bad := map[string]string{"": "made up", "AAAA": "made up", page + "AA": "longer", page[:len(page)-4]: "shorter", "-1": "made up", base64.RawURLEncoding.EncodeToString([]byte(`{"n":1,"o":0,"u":"gp"}`)): "not sealed"}
		for i := 0; i < len(raw); i += 7 {
			changed := []byte(string(raw))
			changed[i] ^= 1
			bad[base64.RawURLEncoding.EncodeToString(changed)] = fmt.Sprint("changed at ", i)
		}
		for b, name := range bad {
			if b == "" {
				continue
			}
			if status, body := h.asks("gp", "GET", path+sep(path)+"_page="+url.QueryEscape(b), ""); status < 400 || status >= 500 || strings.Contains(body, "PAGED") {
				t.Errorf("%s: a cursor %s: %d", path, name, status)
			}
		}
		for _, user := range []string{"doctor", "nurse", "citizen", "visitor"} {
			if status, body := h.asks(user, "GET", path+sep(path)+"_page="+page, ""); status == 200 && strings.Contains(body, "PAGED") && user != "citizen" {
				t.Errorf("%s: %s goes on with another's search", path, user)
			} else if status == 200 {
				t.Errorf("%s: %s may use another's cursor: %.200s", path, user, body)
			}
		}
		for other := range links {
			if other != path {
				if status, body := h.asks("gp", "GET", other+sep(other)+"_page="+page, ""); status == 200 {
					t.Errorf("a page of %s is one of %s: %.100s", path, other, body)
				}
			}
		}
	}
}

func sep(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// A job, its files and a subscription are of the one who asked: nobody else finds them,
// whatever they know of their names; a file's name is no path. Opened by not holding the
// user against the job's (api.job), and by opening a file by its name.
func TestHostileJobsAndSubscriptionsAreTheirOwners(t *testing.T) {
	h := attacked(t)
	if status, body := h.asks("system", "PUT", "/fhir/Patient/sys1", `{"resourceType":"Patient","id":"sys1","name":[{"family":"Systemic"}]}`); status != 201 {
		t.Fatal(status, body)
	}
	a, err := h.Do(t.Context(), "system", "GET", "/fhir/$export", nil, "Accept: application/fhir+json", "Prefer: respond-async")
	if err != nil || a.Status != 202 {
		t.Fatal(err, a.Status, string(a.Body))
	}
	at := strings.TrimPrefix(a.Header.Get("Content-Location"), h.HTTP)
	file := ""
	for range 600 {
		status, body := h.asks("system", "GET", at, "")
		if status == 200 {
			m := regexp.MustCompile(`"url":"([^"]*)"`).FindStringSubmatch(body)
			if m == nil {
				t.Fatal(body)
			}
			file = strings.TrimPrefix(m[1], h.HTTP)
			break
		}
		if status != 202 {
			t.Fatal(status, body)
		}
	}
	if file == "" {
		t.Fatal("the export does not end")
	}
	if status, body := h.asks("system", "GET", file, ""); status != 200 || !strings.Contains(body, "Systemic") {
		t.Fatal(status, body)
	}
	job := at[strings.LastIndex(at, "/")+1:]
	for _, a := range h.Region.Auth.Accounts.List() { // another system, in all else alike
		if a.User == "system" {
			a.User = "system2"
			if err := h.Region.Auth.Accounts.Put(a); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, user := range []string{"", "system2", "gp", "citizen", "privacy", "engineer", "admin", "analyst"} {
		for _, p := range []string{at, file, strings.Replace(file, job, "0000", 1)} {
			for _, method := range []string{"GET", "DELETE"} {
				if status, body := h.asks(user, method, p, ""); status < 401 || strings.Contains(body, "Systemic") {
					t.Errorf("%s as %q at %s: %d %s", method, user, p, status, body)
				}
			}
		}
	}
	dir := file[:strings.LastIndex(file, "/")+1]
	for _, name := range []string{"..%2f..%2fselda.db", "%2e%2e/%2e%2e/auth/keys.json", "....//keys.json", "/etc/passwd", "%00", "..", strings.Repeat("a", 5000), "Patient.ndjson%00.json"} {
		if status, body := h.asks("system", "GET", dir+name, ""); status < 300 || status >= 500 || strings.Contains(body, "kid") || strings.Contains(body, "root:") {
			t.Errorf("the file %.40q: %d %.100s", name, status, body)
		}
	}
	if status, _ := h.asks("system", "GET", file, ""); status != 200 {
		t.Error("somebody else has ended the export:", status)
	}
	// A subscription is found, changed and ended by its owner alone.
	status, body := h.asks("gp", "POST", "/fhir/Subscription", `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?patient=`+h.citizen+`","channel":{"type":"websocket"}}`)
	if status != 201 {
		t.Fatal(status, body)
	}
	var r struct{ ID string }
	_ = json.Unmarshal([]byte(body), &r)
	for _, user := range []string{"doctor", "citizen", "system", "privacy", "admin"} {
		for _, c := range [][2]string{{"GET", ""}, {"GET", "/$status"}, {"GET", "/$events"}, {"POST", "/$get-ws-binding-token"}, {"DELETE", ""}} {
			status, body := h.asks(user, c[0], "/fhir/Subscription/"+r.ID+c[1], "")
			status2, body2 := h.asks(user, c[0], "/fhir/Subscription/none"+c[1], "")
			if status != status2 || strings.ReplaceAll(body, r.ID, "none") != body2 || strings.Contains(body, h.citizen) {
				t.Errorf("%s %s as %s: %d %s, and %d %s", c[0], c[1], user, status, body, status2, body2)
			}
		}
		h.asks(user, "PUT", "/fhir/Subscription/"+r.ID, `{"resourceType":"Subscription","id":"`+r.ID+`","status":"off","reason":"x","criteria":"Observation?","channel":{"type":"websocket"}}`)
	}
	if status, body := h.asks("gp", "GET", "/fhir/Subscription/"+r.ID, ""); status != 200 || strings.Contains(body, `"off"`) || !strings.Contains(body, h.citizen) {
		t.Error("somebody else has changed or ended a subscription:", status, body)
	}
}

// An id of another's record is an unknown one wherever a record is named beside it.
func TestHostileAnothersItemIsUnknownInThisRecord(t *testing.T) {
	h := attacked(t)
	h.writes("G85915:GP", "Patient", "p-other", `"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}],"name":[{"family":"Bystander"}],"birthDate":"1980-01-01"`)
	for typ, id := range map[string]string{"Flag": "other-flag", "Observation": "other-result", "DocumentReference": "other-letter"} {
		h.writes("G85915:GP", typ, id, `"status":"`+map[string]string{"Flag": "active", "Observation": "final", "DocumentReference": "current"}[typ]+`","code":{"text":"of another"},"content":[],"subject":{"reference":"Patient/p-other"}`)
		for _, path := range []string{"GET /record/{citizen}/origin/%s/%s", "GET /record/{citizen}/file/%s/%s", "GET /record/{citizen}/why/%s/%s", "POST /record/{citizen}/review/%s/%s"} {
			method, path, _ := strings.Cut(path, " ")
			status, page := h.asks("gp", method, fmt.Sprintf(path, typ, id), "")
			absent, of := h.asks("gp", method, fmt.Sprintf(path, typ, "absent-one"), "")
			if status != absent || strings.ReplaceAll(page, id, "x") != strings.ReplaceAll(of, "absent-one", "x") {
				t.Errorf("%s %s of another's %s: %d, of none %d", method, path, typ, status, absent)
			}
		}
	}
}
