package testenv

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"selda/cmd/selda/region"
	"selda/nhs"
)

// G14: whoever was severed is nowhere told together with who they were: not by
// an id, a search, a link, a page, a history, an emergency, the list of links or
// a page of a search that began before.
func TestG14SeveredByEveryWay(t *testing.T) {
	o := known(t)
	o.declares("visitor")
	for i := range 3 {
		o.writes("RJZ:PAS", "Condition", fmt.Sprintf("past%d", i), `"code":{"text":"FORMERLIFE"},`+atKings)
		o.writes("G85915:GP", "Condition", fmt.Sprintf("now%d", i), `"code":{"text":"Asthma"},`+atGP)
	}
	_, first := o.asks("visitor", "GET", "/fhir/Condition?patient={citizen}&_count=2", "")
	var b struct {
		Link []struct{ Relation, URL string }
	}
	if err := json.Unmarshal([]byte(first), &b); err != nil || len(b.Link) != 2 {
		t.Fatal(err, first)
	}
	next := strings.TrimPrefix(b.Link[1].URL, o.HTTP)
	old := o.citizen
	fresh, err := o.Region.Sever(t.Context(), region.OperatorSubject(), "p-rjz")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := o.Subject("visitor")
	if err := o.Region.Access.BreakGlass(t.Context(), s, old, "emergency"); err != nil {
		t.Fatal(err)
	}
	paths := []string{next, "/fhir/Patient/" + old, "/fhir/Patient/" + old + "/$everything", "/fhir/Patient?_id=" + old, "/fhir/Condition?patient=" + old, "/fhir/Condition?patient=" + old + "&_count=1", "/record/" + old, "/record/" + old + "/problems",
		"/record/" + old + "/timeline", "/record/" + old + "/care-team", "/fhir/Condition/now0/_history", "/record/" + old + "/origin/Condition/now0", "/record/" + old + "/origin/Condition/past0"}
	for _, text := range []string{"FORMERLIFE", fresh, "p-rjz"} {
		if where := o.sees("visitor", text, paths...); len(where) > 0 {
			t.Errorf("%s of the one severed shows at %v", text, where)
		}
	}
	for _, path := range []string{"/fhir/Condition/past0", "/fhir/Condition/past0/_history", "/fhir/Patient/" + fresh, "/fhir/Patient/p-rjz", "/fhir/Patient/p-rjz/$everything"} {
		if status, body := o.asks("visitor", "GET", path, ""); status != 404 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	events, reviews, err := o.Region.Links(t.Context(), region.OperatorSubject(), 100)
	if err != nil || len(reviews) != 0 {
		t.Fatal(reviews, err)
	}
	for _, e := range events {
		line, _ := json.Marshal(e)
		if strings.Contains(string(line), old) && strings.Contains(string(line), fresh) {
			t.Errorf("a link lists the pair: %s", line)
		}
	}
}

// G15: a number that fails Modulus 11 is kept as given and linked on by nothing;
// a valid one links alone only where birth date and a name agree: else the pair
// waits for review, and both are shown apart.
func TestG15NumbersLinkOnlyWhereTheRestAgrees(t *testing.T) {
	o := known(t)
	person := func(number, family, born string) string {
		return `"identifier":[{"system":"` + nhs.NumberSystem + `","value":"` + number + `"}],"name":[{"family":"` + family + `","given":["Ada"]}],"birthDate":"` + born + `"`
	}
	o.writes("RJ1:PAS", "Patient", "wrong", person("9991234518", "Adeyemi", "1951-11-05"))
	o.writes("RV5:EPR", "Patient", "wrong2", person("9991234518", "Adeyemi", "1951-11-05"))
	o.writes("RJ2:PAS", "Patient", "born", person(folake, "Adeyemi", "1952-11-05"))
	ids := map[string]bool{o.citizen: true}
	for _, p := range []string{"wrong", "wrong2", "born"} {
		subject, err := o.Region.Store.Owner(t.Context(), "Patient", p)
		if err != nil {
			t.Fatal(err)
		}
		id, err := o.Region.Store.CitizenID(t.Context(), subject)
		if err != nil || ids[id] {
			t.Errorf("%s was linked to somebody: %v", p, err)
		}
		ids[id] = true
	}
	_, reviews, err := o.Region.Links(t.Context(), region.OperatorSubject(), 100)
	if err != nil || len(reviews) == 0 {
		t.Error("the pair does not wait for review", err)
	}
	if n := o.total("doctor", "/fhir/Patient?identifier="+folake); n != 2 {
		t.Errorf("%d are found by the number, apart", n)
	}
	// The account of the number is one person's: not of whoever a source has given it, too.
	for id := range ids {
		if status, _ := o.asks("citizen", "GET", "/fhir/Patient/"+id, ""); (status == 200) != (id == o.citizen) {
			t.Errorf("the citizen's account opens %s: %d", id, status)
		}
	}
	if _, body := o.asks("doctor", "GET", "/fhir/Patient?family=Adeyemi&given=Ada&birthdate=1951-11-05", ""); strings.Contains(body, `"9991234518"`) {
		t.Errorf("an invalid number stands as an NHS number: %s", body)
	}
}

// G19: content on the wrong patient leaves every page, search and read of that
// patient with its source's correction, and is the right one's.
func TestG19TheWrongPatientIsLeft(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Patient", "other", `"name":[{"family":"Other"}],"birthDate":"1961-11-05"`)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"WRONGPATIENT"},`+atGP)
	o.declares("visitor")
	paths := []string{"/fhir/Condition?patient={citizen}", "/fhir/Condition/c1", "/fhir/Condition/c1/_history", "/fhir/Patient/{citizen}/$everything", "/record/{citizen}", "/record/{citizen}/problems", "/record/{citizen}/timeline", "/record/{citizen}/origin/Condition/c1"}
	if where := o.sees("visitor", "WRONGPATIENT", paths...); len(where) != len(paths) {
		t.Fatalf("it is not there to begin with: %v", where)
	}
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"WRONGPATIENT"},"subject":{"reference":"Patient/other"}`)
	if where := o.sees("visitor", "WRONGPATIENT", paths...); len(where) != 0 {
		t.Errorf("it is still at %v", where)
	}
	o.writes("G85915:GP", "Condition", "c2", `"verificationStatus":{"coding":[{"code":"entered-in-error"}]},"code":{"text":"WRONGPATIENT"},`+atGP)
	if where := o.sees("visitor", "WRONGPATIENT", "/record/{citizen}", "/record/{citizen}/problems"); len(where) != 0 {
		t.Errorf("what was entered in error is on %v", where)
	}
}

// G20: a death ends the access of the person's own account and of who acts for
// them at once, and is taken back when it was wrong; the practice keeps its own.
func TestG20DeathEndsTheCitizensAccess(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	adt := func(control, dead string) {
		t.Helper()
		if _, err := o.Send(t.Context(), []byte(strings.ReplaceAll("MSH|^~\\&|PAS|RJ1|SELDA|QKK|20261105080000||ADT^A08^ADT_A01|"+control+"|P|2.4\nEVN|A08|20261105080000\nPID|1||"+folake+"^^^NHS^NH~G1^^^RJ1^MR||ADEYEMI^FOLAKE||19511105|F||||||||||||||||||||||"+dead+"\n", "\n", "\r"))); err != nil {
			t.Fatal(err)
		}
	}
	check := func(alive bool) {
		t.Helper()
		want := map[bool]int{true: 1}[alive]
		if n := o.total("citizen", "/fhir/Patient"); n != want {
			t.Errorf("alive %t: the citizen finds %d", alive, n)
		}
		if n := o.total("citizen", "/fhir/Condition?patient={citizen}"); n != want {
			t.Errorf("alive %t: the citizen finds %d conditions", alive, n)
		}
		if status, body := o.asks("citizen", "GET", "/me", ""); (status == 200) != alive || strings.Contains(body, "Asthma") && !alive {
			t.Errorf("alive %t: /me is %d", alive, status)
		}
		if n := o.total("gp", "/fhir/Condition?patient={citizen}"); n != 1 {
			t.Errorf("alive %t: the practice finds %d", alive, n)
		}
	}
	adt("D0", "N")
	check(true)
	adt("D1", "Y")
	check(false)
	if status, _ := o.asks("citizen", "POST", "/fhir/Consent", `{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`); status < 400 {
		t.Errorf("a dead person's account states something: %d", status)
	}
	adt("D2", "N")
	check(true)
}

// G21: where the trail can't be written nothing is read, found or told, by no face.
func TestG21NothingIsReadWithoutTheTrail(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("RJ1:API", "Patient", "own", `"name":[{"family":"Own"}]`)
	o.declares("doctor")
	paths := map[string][]string{
		"doctor":   {"/fhir/Condition/c1", "/fhir/Condition/c1/_history", "/fhir/Condition?patient={citizen}", "/fhir/Patient/{citizen}", "/fhir/Patient/{citizen}/$everything", "/fhir/Patient?identifier=" + folake, "/fhir/Condition?_id=c1", "/record/{citizen}", "/record/{citizen}/problems", "/record/{citizen}/origin/Condition/c1", "/fhir/Condition/never"},
		"citizen":  {"/fhir/Patient", "/me", "/me/looked", "/fhir/Condition"},
		"system":   {"/fhir/Patient/own", "/fhir/Patient?family=own"},
		"engineer": {"/quarantine"},
		"privacy":  {"/privacy", "/privacy/trail"},
	}
	for user := range paths { // tokens are recorded, too
		if _, err := o.Token(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Region.Trail.Close(); err != nil {
		t.Fatal(err)
	}
	for user, list := range paths {
		for _, p := range list {
			if status, body := o.asks(user, "GET", p, ""); status != 503 || strings.Contains(body, "Asthma") || strings.Contains(strings.ToLower(body), "adeyemi") && user != "citizen" {
				t.Errorf("%s as %s: %d %s", p, user, status, body)
			}
		}
	}
	if status, _ := o.asks("", "GET", "/readyz", ""); status != 503 {
		t.Errorf("ready without a trail: %d", status)
	}
	if status, _ := o.asks("system", "PUT", "/fhir/Patient/own", `{"resourceType":"Patient","id":"own","name":[{"family":"Changed"}]}`); status != 503 {
		t.Errorf("a write: %d", status)
	}
}
