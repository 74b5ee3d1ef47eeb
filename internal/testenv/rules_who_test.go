package testenv

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"selda/ingest"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/synth"
)

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
	if err := o.Region.Store.Commit(o.Context(), func(tx ingest.Tx) error {
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
OBX|2|NM|K^Potassium||5.987654|mmol/L|||||F
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
	if _, body := o.asks("doctor", "GET", page, ""); strings.Contains(body, "Potassium") || strings.Contains(body, "5.987654") || !strings.Contains(body, "Sodium") {
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
