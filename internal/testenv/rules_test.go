package testenv

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/cmd/selda/region"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store/sqlite"
	"selda/synth"
)

// The rules of care and confidentiality, each under its number, as somebody
// outside meets them: over HTTP, with the whole system behind it.

const folake = "9991234519"

// outside asks a region as people and systems do.
type outside struct {
	*testing.T
	*Env
	citizen string
}

// known opens a region in which Folake is known to a practice and a hospital.
func known(t *testing.T) *outside {
	t.Helper()
	env, err := Open(t.Context(), t.TempDir(), Start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Close() })
	o := &outside{T: t, Env: env}
	for _, source := range []nhs.Source{"G85915:GP", "RJZ:PAS"} {
		id := "p-" + strings.ToLower(string(source.Organisation()))
		o.writes(source, "Patient", id, `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","address":[{"line":["1 Hidden Street"],"postalCode":"SE1 1AA"}]`)
	}
	o.citizen, err = env.Citizen(t.Context(), folake)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// writes has a source put a resource; about is what stands in it.
func (o *outside) writes(source nhs.Source, typ, id, about string) {
	o.Helper()
	r, err := o.Region.Ingest.Submit(o.Context(), raw(source, "PUT "+typ+"/"+id, `{"resourceType":"`+typ+`","id":"`+id+`",`+about+`}`, ""))
	if err != nil {
		o.Fatal(err)
	}
	out, err := r.Committed(o.Context())
	if err != nil || out.Err != nil {
		o.Fatal(id, err, out.Err)
	}
}

const atGP, atKings = `"subject":{"reference":"Patient/p-g85915"}`, `"subject":{"reference":"Patient/p-rjz"}`

// asks makes a request and gives status and body.
func (o *outside) asks(user, method, path, body string) (int, string) {
	o.Helper()
	a, err := o.Do(o.Context(), user, method, strings.ReplaceAll(path, "{citizen}", o.citizen), []byte(body))
	if err != nil {
		o.Fatal(err)
	}
	return a.Status, string(a.Body)
}

// sees says whether any of the ways of reading shows a text to a user.
func (o *outside) sees(user, text string, paths ...string) (where []string) {
	o.Helper()
	for _, p := range paths {
		if _, body := o.asks(user, "GET", p, ""); strings.Contains(body, text) {
			where = append(where, p)
		}
	}
	return where
}

// total is how many a search says that there are.
func (o *outside) total(user, path string) int {
	o.Helper()
	status, body := o.asks(user, "GET", path, "")
	var b struct{ Total int }
	if err := json.Unmarshal([]byte(body), &b); err != nil || status != 200 {
		o.Fatalf("%s: %d %s", path, status, body)
	}
	return b.Total
}

func (o *outside) objects(provision string) {
	o.Helper()
	if status, body := o.asks("citizen", "POST", "/fhir/Consent", `{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"`+provision+`}}`); status != 201 {
		o.Fatal(status, body)
	}
}

func (o *outside) declares(user string) {
	o.Helper()
	s, err := o.Subject(user)
	if err == nil {
		err = o.Region.Access.Declare(o.Context(), s, o.citizen, "")
	}
	if err != nil {
		o.Fatal(err)
	}
}

func (o *outside) breaksGlass(user, reason string) {
	o.Helper()
	s, err := o.Subject(user)
	if err == nil {
		err = o.Region.Access.BreakGlass(o.Context(), s, o.citizen, reason)
	}
	if err != nil {
		o.Fatal(err)
	}
}

// G4: a referral, what goes with it, and a discharge summary are not hidden
// from whom they were sent to; all else is, and all from everybody else.
func TestG4WhatWasSentToSomebodyIsTheirs(t *testing.T) {
	o := known(t)
	rn7 := `{"type":"Organization","identifier":{"system":"` + nhs.ODSSystem + `","value":"RN7"}}`
	o.writes("G85915:GP", "Condition", "why", `"code":{"text":"Why referred"},`+atGP)
	o.writes("G85915:GP", "Condition", "else", `"code":{"text":"Something else"},`+atGP)
	o.writes("RJZ:PAS", "Condition", "foreign", `"code":{"text":"Not theirs to give"},`+atKings)
	o.writes("G85915:GP", "ServiceRequest", "referral", `"status":"active","intent":"order","code":{"text":"Cardiology"},"performer":[`+rn7+`],"reasonReference":[{"reference":"Condition/why"},{"reference":"Condition/foreign"}],`+atGP)
	o.writes("RJZ:PAS", "DocumentReference", "discharge", `"status":"current","description":"Discharge summary","context":{"related":[`+rn7+`]},`+atKings)
	o.objects("")
	o.declares("visitor")
	o.declares("nurse")
	for _, c := range []struct {
		user, path string
		want       int
	}{
		{"visitor", "/fhir/ServiceRequest/referral", 200}, {"visitor", "/fhir/Condition/why", 200}, {"visitor", "/fhir/DocumentReference/discharge", 200},
		{"visitor", "/fhir/Condition/else", 404}, {"visitor", "/fhir/Condition/foreign", 404},
		{"nurse", "/fhir/ServiceRequest/referral", 404}, {"nurse", "/fhir/DocumentReference/discharge", 200},
	} {
		if status, _ := o.asks(c.user, "GET", c.path, ""); status != c.want {
			t.Errorf("%s as %s: %d, want %d", c.path, c.user, status, c.want)
		}
	}
	if n := o.total("visitor", "/fhir/Condition?patient={citizen}"); n != 1 {
		t.Errorf("visitor finds %d conditions", n)
	}
}

// G5: no emergency override holds in an emergency, and yields to a ground that
// the clinician states, which the Caldicott guardian finds for review.
func TestG5ReviewedByTheGuardian(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.objects(`,"provision":[{"type":"deny","purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"BTG"}]}]`)
	o.breaksGlass("doctor", "emergency")
	if n := o.total("doctor", "/fhir/Condition?patient={citizen}"); n != 0 {
		t.Errorf("an emergency opened what has no override: %d", n)
	}
	o.breaksGlass("doctor", "court-order")
	if n := o.total("doctor", "/fhir/Condition?patient={citizen}"); n != 1 {
		t.Errorf("a court order does not open it: %d", n)
	}
	if where := o.sees("guardian", "A court has ordered it", "/privacy"); len(where) == 0 {
		t.Error("the guardian does not find it")
	}
}

// G7: one tap makes a relationship for half a day; a discharge ends one after
// 28 days, and when its results are signed off; a dispensing makes one for its day.
func TestG7HowLongARelationshipLasts(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	may := func(user string) bool {
		status, _ := o.asks(user, "GET", "/fhir/Condition/c1", "")
		return status == 200
	}
	if may("visitor") {
		t.Fatal("a stranger may look")
	}
	o.declares("visitor")
	if !may("visitor") {
		t.Error("the patient is in front of them, and they may not look")
	}
	o.Advance(policy.ClaimLasts + time.Second)
	if may("visitor") {
		t.Error("what was declared lasts for ever")
	}
	o.writes("RJZ:PAS", "Encounter", "e1", `"status":"finished","class":{"code":"IMP"},"period":{"start":"2026-11-01","end":"`+o.Now().Format(time.RFC3339)+`"},`+atKings)
	if !may("doctor") {
		t.Error("just discharged, and they may not look")
	}
	o.Advance(28*24*time.Hour - time.Minute)
	if !may("doctor") {
		t.Error("not yet 28 days, and they may not look")
	}
	o.Advance(2 * time.Minute)
	if may("doctor") {
		t.Error("28 days are over, and they may look")
	}
	report := func(status string) {
		o.writes("RJZ:PAS", "DiagnosticReport", "r1", `"status":"`+status+`","code":{"text":"Histology"},"effectiveDateTime":"2026-11-02T09:00:00Z",`+atKings)
	}
	report("preliminary")
	if !may("doctor") {
		t.Error("a result of the stay is not signed off, and they may not look")
	}
	report("final")
	if may("doctor") {
		t.Error("all is signed off, and they may look")
	}
	o.writes("RJZ:PAS", "MedicationDispense", "d1", `"status":"completed","medicationCodeableConcept":{"text":"x"},"whenHandedOver":"`+o.Now().Format(time.RFC3339)+`",`+atKings)
	if !may("pharmacist") {
		t.Error("dispensed today, and they may not look")
	}
	o.Advance(24 * time.Hour)
	if may("pharmacist") {
		t.Error("dispensed yesterday, and they may look")
	}
}

// G7: registration is what the practice says, else what another source says of
// it; that an organisation keeps somebody's entry is no relationship.
func TestG7WhatARegistrationIs(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	may := func(user string) bool {
		status, _ := o.asks(user, "GET", "/fhir/Condition/c1", "")
		return status == 200
	}
	person := func(more string) string {
		return `"identifier":[{"system":"` + nhs.NumberSystem + `","value":"` + folake + `"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"` + more
	}
	ods := func(code string) string {
		return `{"identifier":{"system":"` + nhs.ODSSystem + `","value":"` + code + `"}}`
	}
	if !may("gp") || may("doctor") {
		t.Fatal("the practice may not look, or the hospital may")
	}
	o.writes("RJZ:PAS", "Patient", "p-rjz", person(`,"managingOrganization":`+ods("RJZ")+`,"generalPractitioner":[`+ods("G85915")+`]`))
	o.writes("G85915:GP", "Patient", "p-g85915", person(`,"active":false`))
	if may("gp") || may("doctor") {
		t.Errorf("no longer registered: the practice may look: %t; the hospital that keeps an entry may look: %t", may("gp"), may("doctor"))
	}
	o.writes("G85915:GP", "Patient", "p-g85915", person(`,"active":true`))
	if !may("gp") {
		t.Error("registered again, and they may not look")
	}
}

// G8: the trail that the person sees does not tell of a safeguarding enquiry.
// G9: of an emergency it does, with its reason, but not to who acts for them;
// it ends by itself, and opens nobody else.
func TestG9AnEmergencyIsToldAndEnds(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("G85915:GP", "Patient", "other", `"name":[{"family":"Other"}],"birthDate":"1961-11-05"`)
	o.writes("G85915:GP", "Condition", "c2", `"code":{"text":"Asthma"},"subject":{"reference":"Patient/other"}`)
	o.breaksGlass("visitor", "vital-interests")
	for path, want := range map[string]int{"/fhir/Condition/c1": 200, "/fhir/Condition/c2": 404} {
		if status, _ := o.asks("visitor", "GET", path, ""); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	if where := o.sees("citizen", "There is a serious risk to the patient", "/me/looked"); len(where) == 0 {
		t.Error("the person is not told")
	}
	o.breaksGlass("doctor", "safeguarding")
	if where := o.sees("citizen", "safeguarding", "/me/looked", "/me"); len(where) > 0 {
		t.Errorf("G8: a safeguarding enquiry is told: %v", where)
	}
	o.Advance(policy.ClaimLasts)
	if status, _ := o.asks("visitor", "GET", "/fhir/Condition/c1", ""); status != 404 {
		t.Errorf("after its time: %d", status)
	}
}

// G9: who acts for a child is not told of emergency access to the child.
func TestG9NeverToAProxy(t *testing.T) {
	o := known(t)
	o.child("2021-04-19")
	o.breaksGlass("visitor", "vital-interests")
	if status, _ := o.asks("visitor", "GET", "/fhir/Patient/{citizen}", ""); status != 200 {
		t.Fatal(status)
	}
	if status, body := o.asks("parent", "GET", "/for/{citizen}/looked", ""); status != 200 || strings.Contains(body, "emergency") && strings.Contains(body, "serious risk") || strings.Contains(body, "Priya") {
		t.Errorf("%d %s", status, body)
	}
}

// child makes the child whom `parent` acts for, and makes it the one asked for.
func (o *outside) child(born string) {
	o.Helper()
	s, err := o.Subject("parent")
	if err != nil || len(s.For) == 0 {
		o.Fatal(err)
	}
	o.writes("G85915:GP", "Patient", "kofi", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+s.For[0].Digits()+`"}],"name":[{"family":"Mensah","given":["Kofi"]}],"birthDate":"`+born+`"`)
	if o.citizen, err = o.Citizen(o.Context(), s.For[0].Digits()); err != nil {
		o.Fatal(err)
	}
}

// G10: a fresh result and a letter that the author keeps back reach the
// citizen, and who acts for one, by no way.
func TestG10ByEveryWay(t *testing.T) {
	for _, user := range []string{"citizen", "parent"} {
		o := known(t)
		about, home := atGP, "/me"
		if user == "parent" {
			o.child("2021-04-19")
			about, home = `"subject":{"reference":"Patient/kofi"}`, "/for/{citizen}"
		}
		lab := `"status":"final","category":[{"coding":[{"code":"laboratory"}]}],"code":{"coding":[{"code":"x1"}],"text":"SECRETLAB"},"valueString":"SECRETVALUE",` + about
		o.writes("G85915:GP", "Observation", "lab", lab)
		o.writes("G85915:GP", "DiagnosticReport", "report", `"status":"final","code":{"text":"SECRETLAB"},"conclusion":"SECRETVALUE","result":[{"reference":"Observation/lab"}],`+about)
		o.writes("G85915:GP", "Condition", "kept", `"meta":{"security":[{"system":"`+policy.LabelSystem+`","code":"not-visible-online"}]},"code":{"text":"SECRETLAB"},`+about)
		o.writes("G85915:GP", "DocumentReference", "letter", `"status":"current","description":"SECRETLAB","date":"2026-11-04T10:00:00Z","content":[{"attachment":{"contentType":"application/pdf","data":"U0VDUkVUVkFMVUU="}}],`+about)
		var paths []string
		for _, item := range []string{"Observation/lab", "DiagnosticReport/report", "Condition/kept", "DocumentReference/letter"} {
			typ, id, _ := strings.Cut(item, "/")
			paths = append(paths, "/fhir/"+item, "/fhir/"+item+"/_history", "/fhir/"+item+"/_history/1", "/fhir/"+typ+"?patient={citizen}", "/fhir/"+typ+"?_id="+id, "/fhir/"+typ+"?patient={citizen}&_lastUpdated=ge2026-11-01",
				home+"/file/"+item+"?at=content[0].attachment", "/record/{citizen}/origin/"+item, "/record/{citizen}/file/"+item)
			if n := o.total(user, "/fhir/"+typ+"?patient={citizen}&_count=0"); n != 0 {
				t.Errorf("%s: the total tells of %d of %s", user, n, typ)
			}
			if status, _ := o.asks(user, "GET", "/fhir/"+item, ""); status != 404 {
				t.Errorf("%s: %s: %d", user, item, status)
			}
		}
		paths = append(paths, "/fhir/Patient/{citizen}/$everything", home)
		for _, s := range []string{"record", "results", "letters", "plans", "people", "sharing", "looked", "medicines"} {
			paths = append(paths, home+"/"+s)
		}
		if where := o.sees(user, "SECRET", paths...); len(where) > 0 {
			t.Errorf("%s sees it at %v", user, where)
		}
		if _, body := o.asks(user, "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation?patient=`+o.citizen+`"}},{"request":{"method":"GET","url":"Observation/lab"}}]}`); strings.Contains(body, "SECRET") {
			t.Errorf("%s sees it in a batch: %s", user, body)
		}
		// A clinician reviews it, and it is there; its source corrects it, and
		// nobody has seen the correction yet.
		s, _ := o.Subject("gp")
		if err := o.Region.Access.Review(t.Context(), s, o.citizen, "Observation", "lab"); err != nil {
			t.Fatal(err)
		}
		if n := o.total(user, "/fhir/Observation?patient={citizen}"); n != 1 {
			t.Errorf("%s: reviewed, and %d are there", user, n)
		}
		o.writes("G85915:GP", "Observation", "lab", strings.Replace(strings.Replace(lab, "final", "corrected", 1), "SECRETVALUE", "WORSE", 1))
		if n := o.total(user, "/fhir/Observation?patient={citizen}"); n != 0 {
			t.Errorf("%s: corrected after the review, and %d are there", user, n)
		}
		o.Advance(policy.ReleaseDelay + time.Second)
		if n := o.total(user, "/fhir/Observation?patient={citizen}"); n != 1 {
			t.Errorf("%s: after the delay %d are there", user, n)
		}
		if where := o.sees(user, "SECRETLAB", "/fhir/Condition?patient={citizen}", home+"/record"); len(where) > 0 {
			t.Errorf("%s: what the author keeps back came with time: %v", user, where)
		}
	}
}

// G11: a parent sees a young child's record, less of it from 11, none from 16.
func TestG11AParentsAccessNarrowsAndEnds(t *testing.T) {
	for born, want := range map[string][2]int{"2021-04-19": {1, 1}, "2015-11-05": {1, 0}, "2010-11-05": {0, 0}} {
		o := known(t)
		o.child(born)
		o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},"subject":{"reference":"Patient/kofi"}`)
		got := [2]int{o.total("parent", "/fhir/Patient"), o.total("parent", "/fhir/Condition?patient={citizen}")}
		if got != want {
			t.Errorf("born %s: %v, want %v", born, got, want)
		}
		// A source that has the child younger widens nothing.
		s, _ := o.Subject("parent")
		o.writes("RJZ:PAS", "Patient", "kofi2", `"identifier":[{"system":"urn:hospital","value":"1"}],"name":[{"family":"Mensah","given":["Kofi"]}],"birthDate":"2024-04-19"`)
		link(o, s.For[0])
		if again := [2]int{o.total("parent", "/fhir/Patient"), o.total("parent", "/fhir/Condition?patient={citizen}")}; again != want {
			t.Errorf("born %s, elsewhere later: %v, want %v", born, again, want)
		}
	}
}

// G6: each page for professionals has the sentence, and a record's each the way
// to emergency access, whoever looks and whatever is there.
func TestG6TheSentenceIsOnEveryPage(t *testing.T) {
	o := known(t)
	has := func(user, page, body string, emergency bool) {
		t.Helper()
		if !strings.Contains(body, "This may not be everything.") || emergency && !strings.Contains(body, "/emergency") {
			t.Errorf("%s as %s does not say so", page, user)
		}
	}
	for _, user := range []string{"visitor", "reception", "handler", "social", "paramedic"} {
		for _, q := range []string{folake, "Nobody 01-Jan-1900"} {
			a, err := o.Do(t.Context(), user, "POST", "/search", []byte("q="+url.QueryEscape(q)), "Content-Type: application/x-www-form-urlencoded")
			if err != nil || a.Status != 200 {
				t.Fatal(a.Status, err)
			}
			has(user, "/search", string(a.Body), false)
		}
		for _, declared := range []bool{false, true} {
			if declared {
				o.declares(user)
			}
			for _, p := range []string{"/record/{citizen}", "/record/{citizen}/plans", "/record/{citizen}/origin/Patient/p-rjz"} {
				_, body := o.asks(user, "GET", p, "")
				has(user, p, body, user == "visitor" || user == "paramedic")
			}
		}
	}
}

// G12: a handler of 111 is told that a plan exists, and nothing of it; the
// clinical advisor reads it. A plan that is hidden from both does not exist.
func TestG12AHandlerKnowsThatAPlanExists(t *testing.T) {
	o := known(t)
	o.declares("handler")
	o.declares("advisor")
	exists := func() bool {
		_, body := o.asks("handler", "GET", "/record/{citizen}", "")
		return strings.Contains(body, "A care plan exists")
	}
	if exists() {
		t.Error("a plan exists before there is one")
	}
	o.writes("G85915:GP", "CarePlan", "hidden", `"meta":{"security":[{"system":"`+policy.LabelSystem+`","code":"fertility"}]},"status":"active","intent":"plan","title":"SECRETPLAN",`+atGP)
	o.writes("G85915:GP", "CarePlan", "over", `"status":"revoked","intent":"plan","title":"SECRETPLAN",`+atGP)
	if exists() {
		t.Error("a plan that is hidden, or over, exists")
	}
	o.writes("G85915:GP", "CarePlan", "plan", `"status":"active","intent":"plan","title":"SECRETPLAN",`+atGP)
	if !exists() {
		t.Error("the handler is not told that a plan exists")
	}
	paths := []string{"/record/{citizen}", "/record/{citizen}/plans", "/record/{citizen}/timeline", "/fhir/CarePlan?patient={citizen}", "/fhir/CarePlan/plan", "/fhir/Patient/{citizen}/$everything", "/record/{citizen}/origin/CarePlan/plan"}
	o.writes("G85915:GP", "Flag", "decision", `"status":"active","category":[{"coding":[{"code":"advance-directive"}]}],"code":{"text":"SECRETDECISION"},`+atGP)
	o.writes("G85915:GP", "Flag", "how", `"status":"active","category":[{"coding":[{"code":"safety"}]}],"code":{"text":"HOWTOHANDLE"},`+atGP)
	if where := o.sees("handler", "SECRETDECISION", append(paths, "/fhir/Flag?patient={citizen}")...); len(where) > 0 {
		t.Errorf("the handler reads what was decided about resuscitation at %v", where)
	}
	if where := o.sees("handler", "HOWTOHANDLE", "/record/{citizen}"); len(where) == 0 {
		t.Error("the handler is not told how to handle the call")
	}
	if where := o.sees("handler", "SECRETPLAN", paths...); len(where) > 0 {
		t.Errorf("the handler reads it at %v", where)
	}
	if where := o.sees("advisor", "SECRETPLAN", paths...); len(where) < 5 {
		t.Errorf("the advisor reads it at %v only", where)
	}
}

// link joins the hospital's child to the practice's, as a person would who
// knows that they are one.
func link(o *outside, n nhs.Number) {
	o.Helper()
	keep, err := o.Region.Store.Owner(o.Context(), "Patient", "kofi")
	if err != nil {
		o.Fatal(err)
	}
	other, err := o.Region.Store.Owner(o.Context(), "Patient", "kofi2")
	if err != nil {
		o.Fatal(err)
	}
	if err := o.Region.Store.Write(o.Context(), func(tx *sqlite.Tx) error {
		if _, err := tx.Begin(o.Now(), "SELDA:MPI", 0); err != nil {
			return err
		}
		return mpi.Merge(tx, keep, other, "link", "R02", "the same child", o.Now(), 0)
	}); err != nil {
		o.Fatal(err)
	}
	if id, err := o.Citizen(o.Context(), n.Digits()); err != nil || id != o.citizen {
		o.Fatal(id, err)
	}
}

// G13: of a message that made several items only the lines of those that the
// reader may see are shown; where somebody's address is withheld, no raw text
// and no source's Patient shows it.
func TestG13NeighboursAndAddresses(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	if _, err := o.Send(t.Context(), []byte(strings.ReplaceAll(`MSH|^~\&|LAB|RJ1|SELDA|QKK|20261105080000||ORU^R01^ORU_R01|L1|P|2.4
PID|1||`+folake+`^^^NHS^NH~G1^^^RJ1^MR||ADEYEMI^FOLAKE||19511105|F|||7 RAWSTREET^^LONDON^^SE1 1AA
OBR|1|P1|F1|U&E
OBX|1|NM|NA^Sodium||141|mmol/L|||||F
OBX|2|NM|K^Potassium||5.9|mmol/L|||||F
`, "\n", "\r"))); err != nil {
		t.Fatal(err)
	}
	var sodium, potassium string
	_, body := o.asks("doctor", "GET", "/fhir/Observation?patient={citizen}", "")
	var b struct {
		Entry []struct {
			Resource struct {
				ID   string
				Code struct{ Coding []struct{ Code string } }
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &b); err != nil || len(b.Entry) != 2 {
		t.Fatal(err, body)
	}
	for _, e := range b.Entry {
		if e.Resource.Code.Coding[0].Code == "K" {
			potassium = e.Resource.ID
		} else {
			sodium = e.Resource.ID
		}
	}
	page := "/record/{citizen}/origin/Observation/" + sodium
	if _, body := o.asks("doctor", "GET", page, ""); !strings.Contains(body, "Potassium") || !strings.Contains(body, "Sodium") {
		t.Fatal("the origin does not show the message", body)
	}
	o.objects(`,"data":[{"meaning":"instance","reference":{"reference":"Observation/` + potassium + `"}}]`)
	if _, body := o.asks("doctor", "GET", page, ""); strings.Contains(body, "Potassium") || strings.Contains(body, "5.9") || !strings.Contains(body, "Sodium") {
		t.Error("a hidden neighbour shows in the raw message")
	}
	document, postcode := letter(t)
	if sum, err := o.Ingest(t.Context(), "RV5:EPR", "cda", "", "letter.xml", document); err != nil || sum.Stored != 1 {
		t.Fatal(sum, err)
	}
	if where := o.sees("doctor", "1 Hidden Street", "/fhir/Patient/p-g85915"); len(where) != 1 {
		t.Fatal("the address is not there to begin with")
	}
	o.writes("RJZ:PAS", "Patient", "p-rjz", `"meta":{"security":[{"system":"`+policy.ConfidentialitySystem+`","code":"R"}]},"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`)
	paths := []string{page, "/record/{citizen}", "/record/{citizen}/care-team", "/fhir/Patient/{citizen}", "/fhir/Patient/p-g85915", "/fhir/Patient/p-g85915/_history", "/fhir/Patient/p-g85915/_history/1", "/fhir/Patient/{citizen}/$everything",
		"/fhir/Patient?identifier=" + folake, "/record/{citizen}/origin/Patient/p-g85915", "/record/{citizen}/origin/Patient/p-rjz"}
	for path, want := range map[string]int{"/fhir/Patient?address-postalcode=SE1+1AA": 0, "/fhir/Patient?family=adeyemi&address-postalcode=SE1+1AA": 0, "/fhir/Patient?family=adeyemi&birthdate=1951-11-05": 1} {
		if n := o.total("doctor", path); n != want {
			t.Errorf("%s finds %d", path, n)
		}
	}
	var merged struct {
		Link []struct{ Other struct{ Reference string } }
	}
	_, body = o.asks("doctor", "GET", "/fhir/Patient/{citizen}", "")
	if err := json.Unmarshal([]byte(body), &merged); err != nil || len(merged.Link) != 4 {
		t.Fatal(err, body)
	}
	for _, l := range merged.Link {
		paths = append(paths, "/fhir/"+l.Other.Reference, "/record/{citizen}/origin/"+l.Other.Reference)
	}
	for _, text := range []string{"Hidden Street", "RAWSTREET", "SE1 1AA", postcode} {
		if where := o.sees("doctor", text, paths...); len(where) > 0 {
			t.Errorf("%s shows at %v", text, where)
		}
	}
}

// letter is a CDA document about Folake, and the postcode that stands in it.
func letter(t *testing.T) ([]byte, string) {
	t.Helper()
	for m := range synth.New(1, 0, Start).Messages() {
		_, rest, _ := strings.Cut(string(m.Body), "<postalCode>")
		postcode, _, _ := strings.Cut(rest, "</postalCode>")
		if m.Format == "cda" && m.Fault == "" && strings.Contains(string(m.Body), folake) && postcode != "" {
			return m.Body, postcode
		}
	}
	t.Fatal("the synthetic region sends no letter about her")
	return nil, ""
}

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
		if _, err := o.token(t.Context(), user); err != nil {
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

// G2: a privacy officer has the trail of the own organisation's people and
// systems, and of nobody else's.
func TestG2TheOwnOrganisationsTrail(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	o.declares("visitor")
	for _, user := range []string{"doctor", "visitor", "gp"} {
		if status, _ := o.asks(user, "GET", "/record/{citizen}", ""); status != 200 {
			t.Fatal(user, status)
		}
	}
	_, body := o.asks("privacy", "GET", "/privacy/trail", "")
	for name, want := range map[string]bool{"Whitfield": true, "Sharma": false, "Okafor": false} {
		if strings.Contains(body, name) != want {
			t.Errorf("the trail of King's shows %s: %t", name, !want)
		}
	}
	for _, user := range []string{"doctor", "gp", "engineer", "admin", "citizen", "analyst", "governance"} {
		if status, body := o.asks(user, "GET", "/privacy/trail", ""); status == 200 || strings.Contains(body, "Sharma") {
			t.Errorf("%s opens the trail: %d", user, status)
		}
	}
	all, err := o.Trail(t.Context(), audit.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if line, _ := json.Marshal(e); strings.Contains(string(line), "ADEYEMI") || strings.Contains(string(line), folake) {
			t.Errorf("the trail holds demographics: %s", line)
		}
	}
}

// G6: allergies are recorded, positively none known, not recorded, or not to be
// had as a source that would know is out: never one for another.
func TestG6FourStatesOfAllergies(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	state := func(want string) {
		t.Helper()
		_, body := o.asks("doctor", "GET", "/record/{citizen}", "")
		_, banner, _ := strings.Cut(body, `<section class="s-banner`)
		banner, _, _ = strings.Cut(banner, "</section>")
		for _, s := range []string{"nothing recorded", "no known allergies", "source unavailable", "PENICILLIN"} {
			if got := strings.Contains(strings.ToLower(banner), strings.ToLower(s)); got != (s == want) {
				t.Errorf("want %q: %q is there: %t", want, s, got)
			}
		}
	}
	state("nothing recorded")
	o.Advance(25 * time.Hour)
	o.declares("doctor")
	state("source unavailable")
	o.writes("G85915:GP", "AllergyIntolerance", "none", `"code":{"coding":[{"system":"http://snomed.info/sct","code":"716186003","display":"No known allergy"}]},"patient":{"reference":"Patient/p-g85915"}`)
	state("no known allergies")
	o.writes("RJZ:PAS", "AllergyIntolerance", "a1", `"clinicalStatus":{"coding":[{"code":"active"}]},"code":{"text":"PENICILLIN"},"patient":{"reference":"Patient/p-rjz"}`)
	state("PENICILLIN")
}

// G26: the banner says who it is, the same on every page of the record; of the
// dead it has a form of its own; titles carry the name, addresses do not.
func TestG26TheBannerIsOnEveryPage(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Flag", "f1", `"status":"active","code":{"text":"Risk of falls"},`+atGP)
	o.writes("G85915:GP", "AllergyIntolerance", "a1", `"clinicalStatus":{"coding":[{"code":"active"}]},"code":{"text":"Penicillin"},"patient":{"reference":"Patient/p-g85915"}`)
	o.writes("RJZ:PAS", "Patient", "p-rjz", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","gender":"female"`)
	o.declares("doctor")
	banner := func(path string) (string, string) {
		status, body := o.asks("doctor", "GET", path, "")
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		title, _, _ := strings.Cut(body, "</title>")
		_, b, _ := strings.Cut(body, `<section class="s-banner`)
		b, _, _ = strings.Cut(b, "</section>")
		return b, title
	}
	first, _ := banner("/record/{citizen}")
	for _, want := range []string{"ADEYEMI, Folake", "05-Nov-1951", "75y", "Female", "999 123 4519", "Penicillin", "Risk of falls"} {
		if !strings.Contains(first, want) {
			t.Errorf("the banner has no %s: %s", want, first)
		}
	}
	for _, s := range []string{"problems", "medicines", "allergies", "results", "documents", "plans", "encounters", "timeline", "care-team", "origin/Flag/f1", "emergency"} {
		if b, title := banner("/record/{citizen}/" + s); b != first || !strings.Contains(title, "ADEYEMI, Folake") {
			t.Errorf("%s has another banner or title: %s", s, title)
		}
	}
	o.writes("RJZ:PAS", "Patient", "p-rjz", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","gender":"female","deceasedDateTime":"2026-11-04"`)
	if b, _ := banner("/record/{citizen}"); b == first || !strings.Contains(b, "04-Nov-2026") {
		t.Errorf("the banner of the dead is that of the living: %s", b)
	}
}

// G10: a result or a letter that has just come waits, whichever door it came by.
func TestG10ByEveryDoor(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	pid := "PID|1||" + folake + "^^^NHS^NH~G1^^^RJ1^MR||ADEYEMI^FOLAKE||19511105|F\n"
	for _, m := range []string{
		"MSH|^~\\&|LAB|RJ1|SELDA|QKK|20261105080000||ORU^R01^ORU_R01|L1|P|2.4\n" + pid + "OBR|1|P1|F1|U&E^Urea and electrolytes|||20261105070000|||||||||||||||20261105075900|||F\nOBX|1|NM|NA^Sodium||141|mmol/L|||||F\nOBX|2|TX|COM^Comment||FRESHWORDS||||||F\n",
		"MSH|^~\\&|LAB|RJ1|SELDA|QKK|20261105080000||ORU^R01^ORU_R01|L2|P|2.4\n" + pid + "OBR|1|P2|F2|HIST^Histology|||20261105070000|||||||||||||||20261105075900|||F\nOBX|1|ED|PDF^Report||^application^pdf^Base64^JVBERi0xLjQK||||||F\n",
		"MSH|^~\\&|DOC|RJ1|SELDA|QKK|20261105080000||MDM^T02^MDM_T02|D1|P|2.4\nEVN|T02|20261105080000\n" + pid + "PV1|1|O\nTXA|1|CN^Clinic letter|TX|20261105070000||||||||D0001||||||AU\nOBX|1|TX|L^Letter||FRESHWORDS||||||F\n",
	} {
		if ack, err := o.Send(t.Context(), []byte(strings.ReplaceAll(m, "\n", "\r"))); err != nil || ack.First("MSA").Comp(1, 1).Text() != "AA" {
			t.Fatal(ack, err)
		}
	}
	document, _ := letter(t)
	if sum, err := o.Ingest(t.Context(), "RV5:EPR", "cda", "", "letter.xml", document); err != nil || sum.Stored != 1 {
		t.Fatal(sum, err)
	}
	for _, typ := range []string{"Observation", "DiagnosticReport", "DocumentReference"} {
		path := "/fhir/" + typ + "?patient={citizen}&date=ge2026-11-05"
		if n := o.total("doctor", path); n == 0 {
			t.Errorf("the doctor finds no %s", typ)
		}
		if n := o.total("citizen", path); n != 0 {
			_, body := o.asks("citizen", "GET", path, "")
			t.Errorf("%d of %s have reached the citizen already: %s", n, typ, body)
		}
	}
	if where := o.sees("citizen", "FRESHWORDS", "/me", "/me/results", "/me/letters", "/me/record", "/fhir/Patient/{citizen}/$everything"); len(where) > 0 {
		t.Errorf("it is at %v", where)
	}
	o.Advance(policy.ReleaseDelay + time.Hour)
	if n := o.total("citizen", "/fhir/Observation?patient={citizen}&date=ge2026-11-05"); n == 0 {
		t.Error("it never reaches the citizen")
	}
}
