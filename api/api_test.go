package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"selda/internal/testenv"
)

// asker asks one region over HTTP.
type asker struct {
	*testing.T
	env *testenv.Env
}

// open opens a region; files are imported from the folders that are named.
func open(t *testing.T, importFrom ...string) *asker {
	t.Helper()
	env, err := testenv.Open(t.Context(), t.TempDir(), testenv.Start, importFrom...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	})
	return &asker{t, env}
}

// resource is what tests look at in an answer.
type resource struct {
	ResourceType string
	ID           string
	Total        int
	Meta         struct{ VersionID string }
	Issue        []struct{ Code, Diagnostics string }
	Link         []struct{ Relation, URL string }
	Entry        []struct {
		FullURL  string
		Resource *resource
		Search   struct{ Mode string }
		Request  struct{ Method string }
		Response struct{ Status, Location, Etag string }
	}
	ValueString string
}

type reply struct {
	*testenv.Answer
	resource
}

// do asks and fails unless the status is want.
func (a *asker) do(want int, user, method, path, body string, headers ...string) reply {
	a.Helper()
	ans, err := a.env.Do(context.Background(), user, method, path, []byte(body), headers...)
	if err != nil {
		a.Fatal(err)
	}
	r := reply{Answer: ans}
	if strings.Contains(ans.Header.Get("Content-Type"), "json") && len(ans.Body) > 0 {
		if err := json.Unmarshal(ans.Body, &r.resource); err != nil {
			a.Fatalf("%s %s: not JSON: %v\n%s", method, path, err, ans.Body)
		}
	}
	if ans.Status != want {
		a.Errorf("%s %s as %s: %d, want %d: %s", method, path, user, ans.Status, want, ans.Body)
	}
	if ans.Status >= 400 && len(ans.Body) > 0 && (r.ResourceType != "OperationOutcome" || len(r.Issue) == 0 || r.Issue[0].Code == "") {
		a.Errorf("%s %s: an error without an OperationOutcome: %s", method, path, ans.Body)
	}
	return r
}

func (a *asker) patient(id, number string) {
	a.Helper()
	a.do(201, "system", "PUT", "/fhir/Patient/"+id, `{"resourceType":"Patient","id":"`+id+`","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+number+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"}`)
}

func observation(id, patient, text string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{"resourceType":"Observation",` + id + `"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/` + patient + `"},"valueString":"` + text + `"}`
}

// Create, read, version read, update, delete and history of one instance.
// https://hl7.org/fhir/R4/http.html
func TestLifeOfAResource(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	made := a.do(201, "system", "POST", "/fhir/Observation", observation("", "p1", "one"))
	if made.ResourceType != "Observation" || made.ID == "" || made.ValueString != "one" || made.Meta.VersionID != "1" || made.Header.Get("ETag") != `W/"1"` ||
		!strings.HasSuffix(made.Header.Get("Location"), "/fhir/Observation/"+made.ID+"/_history/1") || made.Header.Get("Last-Modified") == "" {
		t.Errorf("created: %v %s", made.Header, made.Body)
	}
	at := "/fhir/Observation/" + made.ID
	if r := a.do(200, "system", "GET", at, ""); string(r.Body) != string(made.Body) {
		t.Errorf("read %s, created %s", r.Body, made.Body)
	}
	if r := a.do(200, "system", "PUT", at, observation(made.ID, "p1", "two")); r.Meta.VersionID != "2" || r.ValueString != "two" {
		t.Errorf("updated: %s", r.Body)
	}
	a.do(200, "system", "PUT", at, observation(made.ID, "p1", "three"), `If-Match: W/"2"`)
	a.do(412, "system", "PUT", at, observation(made.ID, "p1", "four"), `If-Match: W/"2"`)
	a.do(400, "system", "PUT", at, observation("other", "p1", "x"))
	a.do(400, "system", "PUT", at, `{"resourceType":"Condition","id":"`+made.ID+`"}`)
	for version, want := range map[string]string{"1": "one", "2": "two", "3": "three"} {
		if r := a.do(200, "system", "GET", at+"/_history/"+version, ""); r.ValueString != want {
			t.Errorf("version %s: %s", version, r.Body)
		}
	}
	for _, v := range []string{"0", "4", "-1", "x", "01"} {
		a.do(404, "system", "GET", at+"/_history/"+v, "")
	}
	a.do(204, "system", "DELETE", at, "")
	a.do(204, "system", "DELETE", at, "") // again, and of what never was
	a.do(204, "system", "DELETE", "/fhir/Observation/never", "")
	a.do(410, "system", "GET", at, "")
	a.do(410, "system", "GET", at+"/_history/4", "")
	h := a.do(200, "system", "GET", at+"/_history", "")
	var methods []string
	for _, e := range h.Entry {
		methods = append(methods, e.Request.Method)
	}
	if h.Total != 4 || fmt.Sprint(methods) != "[DELETE PUT PUT POST]" {
		t.Errorf("history: %d %v", h.Total, methods)
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation?patient=p1", ""); r.Total != 0 {
		t.Errorf("found after its deletion: %s", r.Body)
	}
	if r := a.do(201, "system", "PUT", "/fhir/Observation/mine-1", observation("mine-1", "p1", "x")); r.ID != "mine-1" {
		t.Errorf("an id that is the system's own: %s", r.Body)
	}
	if r := a.do(200, "system", "PUT", "/fhir/Observation/mine-1", observation("mine-1", "p1", "x")); r.Meta.VersionID != "1" {
		t.Errorf("the same again is version %s", r.Meta.VersionID)
	}
	if r := a.do(201, "system", "POST", "/fhir/Observation", observation("", "p1", "x"), "Prefer: return=minimal"); len(r.Body) != 0 || r.Header.Get("Location") == "" {
		t.Errorf("return=minimal: %s", r.Body)
	}
	if r := a.do(201, "system", "POST", "/fhir/Observation", observation("", "p1", "x"), "Prefer: return=OperationOutcome"); r.ResourceType != "OperationOutcome" {
		t.Errorf("return=OperationOutcome: %s", r.Body)
	}
	if r := a.do(200, "system", "HEAD", "/fhir/Observation/mine-1", ""); len(r.Body) != 0 || r.Header.Get("ETag") == "" {
		t.Errorf("HEAD: %s", r.Body)
	}
}

// What a request may not be: each has its status, an OperationOutcome, and
// changes nothing.
func TestErrors(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Patient/p2", `{"resourceType":"Patient","id":"p2","name":[{"family":"Other"}],"birthDate":"1961-11-05"}`)
	for _, c := range []struct {
		want                     int
		user, method, path, body string
	}{
		{401, "", "GET", "/fhir/Patient/p1", ""},
		{401, "", "POST", "/fhir", `{}`},
		{404, "system", "GET", "/fhir/Nonsense/1", ""},
		{404, "system", "GET", "/fhir/patient/p1", ""},
		{404, "system", "GET", "/fhir/Observation/never", ""},
		{400, "system", "POST", "/fhir/Observation", `{"resourceType":`},
		{400, "system", "POST", "/fhir/Observation", `{"resourceType":"Observation","resourceType":"Observation"}`},
		{400, "system", "POST", "/fhir/Observation", `[]`},
		{400, "system", "POST", "/fhir/Observation", ``},
		{413, "system", "POST", "/fhir/Observation", strings.Repeat(`{"a":`, 10_000)},
		{400, "system", "POST", "/fhir/Condition", observation("", "p1", "x")},
		{422, "system", "POST", "/fhir/Observation", observation("", "nobody", "x")},
		{422, "system", "POST", "/fhir/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"identifier":{"system":"urn:hospital","value":"1"}}}`},
		{422, "system", "POST", "/fhir/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:6b2a2f0e-0000-4000-8000-000000000001"}}`},
		{400, "system", "POST", "/fhir/AllergyIntolerance", `{"resourceType":"AllergyIntolerance","code":{"text":"x"},"patient":{"reference":"Patient?identifier=1"}}`},
		{422, "system", "POST", "/fhir/Condition", `{"resourceType":"Condition","code":{"text":"x"},"subject":{"display":"Folake Adeyemi"}}`},
		{400, "system", "PUT", "/fhir/Observation/no_id", observation("no_id", "p1", "x")},
		{400, "system", "POST", "/fhir", observation("", "p1", "x")},
		{400, "system", "PATCH", "/fhir/Observation/o1", `{}`},
		{415, "system", "PATCH", "/fhir/Observation/o1", `{"resourceType":"Observation"}`},
		{405, "system", "PUT", "/fhir/Observation/_search", `{}`},
		{405, "system", "DELETE", "/fhir", ""},
		{400, "system", "GET", "/fhir", ""},
		{406, "doctor", "GET", "/fhir/Patient/p1?_format=ttl", ""},
		{400, "reception", "GET", "/fhir/Patient?birthdate=1951", ""},
		{400, "reception", "GET", "/fhir/Patient?gender=female&birthdate=ge1951-01-01", ""},
		{404, "system", "GET", "/fhir/Observation/o1/$nonsense", ""},
		{400, "doctor", "GET", "/fhir/Observation?patient=Group/b", ""},
		{400, "doctor", "GET", "/fhir/Observation?patient=a%27%20OR%201", ""},
		{404, "doctor", "GET", "/fhir/Patient/never/$everything", ""},
		{404, "citizen", "GET", "/fhir/Patient/p2/$everything", ""},
		{400, "system", "GET", "/fhir/Observation?patient=p1&_count=many", ""},
		{400, "system", "GET", "/fhir/Observation?patient=p1&_page=nonsense", ""},
		{400, "system", "GET", "/fhir/Observation?patient=p1&date=yesterday", ""},
		{400, "system", "GET", "/fhir/Observation?patient=p1&date=xx2026", ""},
		{400, "system", "GET", "/fhir/Observation?patient=p1&_lastUpdated=now", ""},
		{403, "doctor", "POST", "/fhir/Observation", observation("", "p1", "x")},
		{403, "doctor", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "x")},
		{403, "doctor", "DELETE", "/fhir/Patient/p1", ""},
		{403, "doctor", "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[]}`},
		{403, "citizen", "POST", "/fhir/Observation", observation("", "p1", "x")},
		{403, "engineer", "GET", "/fhir/Patient?family=Adeyemi", ""},
		{400, "reception", "GET", "/fhir/Observation", ""},
		{400, "paramedic", "GET", "/fhir/Observation?code=x", ""},
		{400, "doctor", "GET", "/fhir/Observation/$lastn?code=x", ""},
		{413, "doctor", "GET", "/fhir/Observation?patient=x" + manyIDs(101), ""},
	} {
		a.do(c.want, c.user, c.method, c.path, c.body)
	}
	a.do(400, "system", "GET", "/fhir/Observation?patient=p1&nonsense=1", "", "Prefer: handling=strict")
	if r := a.do(200, "system", "GET", "/fhir/Observation?patient=p1&nonsense=1", ""); r.Total != 0 || len(r.Entry) != 1 {
		t.Errorf("an unknown parameter, leniently: %s", r.Body)
	}
	if r := a.do(200, "system", "GET", "/fhir/Patient/p1/$everything", ""); r.Total != 1 {
		t.Errorf("something was written: %s", r.Body)
	}
}

// A transaction is all or nothing, and its references resolve.
// https://hl7.org/fhir/R4/http.html#transaction
func TestTransaction(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	entry := func(method, url, full, res string) string {
		return `{"fullUrl":"` + full + `","resource":` + res + `,"request":{"method":"` + method + `","url":"` + url + `"}}`
	}
	tx := func(entries ...string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
	}
	good := a.do(200, "system", "POST", "/fhir", tx(
		entry("POST", "Observation", "urn:uuid:1", observation("", "p1", "a")),
		entry("PUT", "Observation/k2", "urn:uuid:2", observation("k2", "p1", "b")),
		entry("POST", "DiagnosticReport", "urn:uuid:3", `{"resourceType":"DiagnosticReport","status":"final","code":{"text":"r"},"subject":{"reference":"Patient/p1"},"result":[{"reference":"urn:uuid:1"},{"reference":"Observation/k2"}]}`)))
	if len(good.Entry) != 3 {
		t.Fatalf("the answer: %s", good.Body)
	}
	for i, e := range good.Entry {
		if e.Response.Status != "201 Created" || e.Response.Location == "" || e.Response.Etag != `W/"1"` {
			t.Errorf("entry %d: %+v", i, e.Response)
		}
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(good.Entry[0].Response.Location, "Observation/"), "/")
	report, _, _ := strings.Cut(strings.TrimPrefix(good.Entry[2].Response.Location, "DiagnosticReport/"), "/")
	if r := a.do(200, "system", "GET", "/fhir/DiagnosticReport/"+report, ""); !strings.Contains(string(r.Body), `"Observation/`+first+`"`) {
		t.Errorf("the reference within the transaction: %s", r.Body)
	}
	before := a.do(200, "system", "GET", "/fhir/Patient/p1/$everything", "").Total
	for name, bad := range map[string]string{
		"somebody who is not there": tx(entry("POST", "Observation", "urn:uuid:1", observation("", "p1", "c")), entry("POST", "Observation", "urn:uuid:2", observation("", "nobody", "d"))),
		"another version":           `{"resourceType":"Bundle","type":"transaction","entry":[` + entry("POST", "Observation", "urn:uuid:1", observation("", "p1", "c")) + `,{"resource":` + observation("k2", "p1", "z") + `,"request":{"method":"PUT","url":"Observation/k2","ifMatch":"W/\"7\""}}]}`,
		"one resource twice":        tx(entry("PUT", "Observation/k2", "urn:uuid:1", observation("k2", "p1", "c")), entry("PUT", "Observation/k2", "urn:uuid:2", observation("k2", "p1", "d"))),
		"another type":              tx(entry("POST", "Condition", "urn:uuid:1", observation("", "p1", "c"))),
	} {
		ans, err := a.env.Do(t.Context(), "system", "POST", "/fhir", []byte(bad))
		if err != nil || ans.Status < 400 || ans.Status >= 500 {
			t.Errorf("%s: %v %+v", name, err, ans)
		}
		if n := a.do(200, "system", "GET", "/fhir/Patient/p1/$everything", "").Total; n != before {
			t.Errorf("%s: %d resources, %d before", name, n, before)
		}
	}
}

// Paging is as at one n: what is written meanwhile does not move it. A cursor
// is of one user and one search, lasts an hour, and can't be made by hand.
// https://hl7.org/fhir/R4/http.html#paging
func TestPaging(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	for i := range 5 {
		a.do(201, "system", "PUT", fmt.Sprintf("/fhir/Observation/o%d", i), observation(fmt.Sprintf("o%d", i), "p1", "x"))
	}
	citizen, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := a.env.Subject("doctor")
	if err := a.env.Region.Access.Declare(t.Context(), s, citizen, ""); err != nil {
		t.Fatal(err)
	}
	path := "/fhir/Observation?patient=" + citizen + "&_count=2"
	page := a.do(200, "doctor", "GET", path, "")
	second := a.next(page)
	a.do(201, "system", "PUT", "/fhir/Observation/later", observation("later", "p1", "x"))
	a.do(204, "system", "DELETE", "/fhir/Observation/o3", "")
	seen := map[string]int{}
	pages := 0
	for at := page; ; pages++ {
		if at.Total != 5 {
			t.Errorf("page %d: %d in all", pages, at.Total)
		}
		for _, e := range at.Entry {
			seen[e.Resource.ID]++
		}
		if a.next(at) == "" {
			break
		}
		at = a.do(200, "doctor", "GET", a.next(at), "")
	}
	if len(seen) != 5 || seen["later"] != 0 || pages != 2 {
		t.Errorf("%d pages with %v", pages+1, seen)
	}
	a.do(400, "gp", "GET", second, "")
	a.do(400, "doctor", "GET", strings.Replace(second, "Observation", "Condition", 1), "")
	a.do(400, "doctor", "GET", second+"&status=final", "")
	a.do(400, "doctor", "GET", second[:len(second)-2]+"xx", "")
	a.env.Advance(59 * time.Minute)
	a.do(200, "doctor", "GET", second, "")
	a.env.Advance(2 * time.Minute)
	if r := a.do(410, "doctor", "GET", second, ""); len(r.Issue) != 1 || r.Issue[0].Code != "expired" {
		t.Errorf("a page after its hour: %s", r.Body)
	}
}

// A source system has what it wrote, and nothing else.
func TestSystemSeesItsOwn(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Observation/mine", observation("mine", "p1", "x"))
	sum, err := a.env.Ingest(t.Context(), "RJZ:PAS", "fhir", "", "a.json", []byte(`{"resourceType":"Bundle","type":"collection","entry":[
		{"resource":{"resourceType":"Patient","id":"theirs","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"}},
		{"resource":{"resourceType":"Observation","id":"t1","status":"final","code":{"text":"theirs"},"subject":{"reference":"Patient/theirs"}}}]}`))
	if err != nil || sum.Stored != 1 {
		t.Fatal(sum, err)
	}
	citizen, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := a.env.Subject("doctor")
	if err := a.env.Region.Access.Declare(t.Context(), s, citizen, ""); err != nil {
		t.Fatal(err)
	}
	both := a.do(200, "doctor", "GET", "/fhir/Observation?patient="+citizen, "")
	if both.Total != 2 {
		t.Fatalf("the doctor sees %d", both.Total)
	}
	for _, e := range both.Entry {
		want := 404
		if e.Resource.ID == "mine" {
			want = 200
		}
		a.do(want, "system", "GET", "/fhir/Observation/"+e.Resource.ID, "")
		if want == 404 {
			if r := a.do(404, "system", "PUT", "/fhir/Observation/"+e.Resource.ID, observation(e.Resource.ID, "p1", "taken over")); len(r.Issue) == 0 {
				t.Error("an update of another's")
			}
			a.do(204, "system", "DELETE", "/fhir/Observation/"+e.Resource.ID, "")
			a.do(200, "doctor", "GET", "/fhir/Observation/"+e.Resource.ID, "")
		}
	}
	for path, want := range map[string]int{"Patient?identifier=9991234519": 1, "Patient?family=Adeyemi": 1, "Observation": 1, "Observation?patient=p1": 1, "Observation?patient=" + citizen: 0,
		"Patient/p1/$everything": 2} {
		if r := a.do(200, "system", "GET", "/fhir/"+path, ""); r.Total != want {
			t.Errorf("the system finds %d by %s, want %d", r.Total, path, want)
		}
	}
}

// Everything is answered as XML, too, where that is asked for.
func TestXML(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	for _, path := range []string{"/fhir/Patient/p1", "/fhir/Patient?family=Adeyemi", "/fhir/Patient/p1/$everything", "/fhir/metadata"} {
		r := a.do(200, "system", "GET", path, "", "Accept: application/fhir+xml")
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/fhir+xml") || !strings.Contains(string(r.Body), `xmlns="http://hl7.org/fhir"`) {
			t.Errorf("%s: %s", path, r.Header.Get("Content-Type"))
		}
	}
	made := a.do(201, "system", "POST", "/fhir/Observation", `<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="x"/></code><subject><reference value="Patient/p1"/></subject><valueString value="from XML"/></Observation>`, "Content-Type: application/fhir+xml")
	if made.ValueString != "from XML" {
		t.Errorf("created from XML: %s", made.Body)
	}
	for _, kind := range []string{"transaction", "batch"} {
		r := a.do(200, "system", "POST", "/fhir", `<Bundle xmlns="http://hl7.org/fhir"><type value="`+kind+`"/><entry><resource><Observation><status value="final"/><code><text value="x"/></code><subject><reference value="Patient/p1"/></subject></Observation></resource><request><method value="POST"/><url value="Observation"/></request></entry></Bundle>`, "Content-Type: application/fhir+xml")
		if len(r.Entry) != 1 || !strings.HasPrefix(r.Entry[0].Response.Status, "201") {
			t.Errorf("a %s in XML: %s", kind, r.Body)
		}
	}
	a.do(201, "citizen", "POST", "/fhir/Consent", `<Consent xmlns="http://hl7.org/fhir"><status value="active"/><policyRule><coding><code value="OPTOUT"/></coding></policyRule><provision><type value="deny"/></provision></Consent>`, "Content-Type: application/fhir+xml")
}

// Nothing of anybody may be kept by a browser or a proxy.
func TestAnswersAreNotKept(t *testing.T) {
	a := open(t)
	for _, path := range []string{"/fhir/Patient/x", "/fhir/Patient?family=x"} {
		ans, err := a.env.Do(t.Context(), "doctor", http.MethodGet, path, nil)
		if err != nil || ans.Header.Get("Cache-Control") != "no-store" || ans.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v %v", path, err, ans.Header)
		}
	}
}

// A batch is as many requests as it has entries: what one asks in vain does not
// hinder the others, and each is answered in its place.
// https://hl7.org/fhir/R4/http.html#transaction
func TestBatch(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	r := a.do(200, "system", "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[
		{"resource":`+observation("", "p1", "a")+`,"request":{"method":"POST","url":"Observation"}},
		{"resource":`+observation("", "nobody", "b")+`,"request":{"method":"POST","url":"Observation"}},
		{"request":{"method":"GET","url":"Observation?patient=p1"}},
		{"request":{"method":"GET","url":"Patient/p1"}},
		{"request":{"method":"GET","url":"Patient/never"}},
		{"resource":`+observation("k", "p1", "c")+`,"request":{"method":"PUT","url":"Observation/k","ifMatch":"W/\"3\""}},
		{"request":{"method":"DELETE","url":"Observation/k"}},
		{"request":{"method":"POST","url":""}},
		{"request":{"method":"PATCH","url":"Patient/p1"}}]}`)
	var got []string
	for _, e := range r.Entry {
		got = append(got, e.Response.Status[:3])
	}
	if fmt.Sprint(got) != "[201 422 200 200 404 412 204 400 400]" || !strings.Contains(string(r.Body), `"type":"batch-response"`) {
		t.Fatalf("%v: %s", got, r.Body)
	}
	if r.Entry[2].Resource == nil || r.Entry[2].Resource.Total != 1 || r.Entry[3].Resource == nil || r.Entry[3].Resource.ID != "p1" || r.Entry[0].Response.Etag != `W/"1"` || r.Entry[0].Response.Location == "" {
		t.Errorf("%s", r.Body)
	}
	if r := a.do(200, "doctor", "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":`+observation("", "p1", "a")+`,"request":{"method":"POST","url":"Observation"}},{"request":{"method":"GET","url":"Patient/p1"}}]}`); r.Entry[0].Response.Status != "403 Forbidden" || r.Entry[1].Response.Status != "404 Not Found" {
		t.Errorf("a batch is more than its entries: %s", r.Body)
	}
}

// G6: every answer to a professional has the same sentence and the same way to
// emergency access, whatever was found; nobody else's has it.
func TestG6TheSentenceIsInEveryAnswer(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	citizen, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := a.env.Subject("doctor")
	if err := a.env.Region.Access.Declare(t.Context(), s, citizen, ""); err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{"Observation?patient=" + citizen: 200, "Patient/" + citizen: 200, "Patient/" + citizen + "/$everything": 200, "Patient/never": 404,
		"Observation/never": 404, "Observation?patient=never": 200, "Patient?identifier=1": 200, "Organization?name=x": 200} {
		r := a.do(status, "doctor", "GET", "/fhir/"+path, "")
		if link := r.Header.Get("Link"); !strings.Contains(link, "This may not be everything.") || !strings.Contains(link, a.env.HTTP+"/") || !strings.Contains(link, "emergency-access") {
			t.Errorf("%s: Link: %s", path, link)
		}
		if r.ResourceType == "Bundle" && !strings.Contains(string(r.Body), "This may not be everything.") {
			t.Errorf("%s: %s", path, r.Body)
		}
	}
	for _, user := range []string{"citizen", "system"} {
		if r := a.do(200, user, "GET", "/fhir/Patient?identifier=9991234519", ""); r.Header.Get("Link") != "" || strings.Contains(string(r.Body), "everything") {
			t.Errorf("%s: %s", user, r.Body)
		}
	}
}

// What is searched without a record: ids, each as a read would find it; what is
// of no person; those whom a proxy acts for.
func TestSearchWithoutARecord(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "x"))
	a.do(201, "system", "PUT", "/fhir/Organization/org1", `{"resourceType":"Organization","id":"org1","identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"RJ1"}],"name":"Guy's and St Thomas'"}`)
	if r := a.do(200, "doctor", "GET", "/fhir/Observation?_id=o1,never", ""); r.Total != 0 {
		t.Errorf("without a relationship: %s", r.Body)
	}
	citizen, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := a.env.Subject("doctor")
	if err := a.env.Region.Access.Declare(t.Context(), s, citizen, ""); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"Observation?_id=o1,never": 1, "Observation?_id=o1,o1&status=final": 1, "Observation?_id=o1&status=amended": 0, "Organization?name=guy": 1, "Organization?name=king": 0,
		"Organization?identifier=https://fhir.nhs.uk/Id/ods-organization-code|RJ1": 1, "Organization?_id=org1": 1, "Practitioner?name=x": 0} {
		if r := a.do(200, "doctor", "GET", "/fhir/"+path, ""); r.Total != want {
			t.Errorf("%s: %d, want %d: %s", path, r.Total, want, r.Body)
		}
	}
	child, err := a.env.Subject("parent")
	if err != nil || len(child.For) == 0 {
		t.Fatal(child, err)
	}
	a.do(201, "system", "PUT", "/fhir/Patient/c1", `{"resourceType":"Patient","id":"c1","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+child.For[0].Digits()+`"}],"name":[{"family":"Mensah"}],"birthDate":"2021-04-19"}`)
	if r := a.do(200, "parent", "GET", "/fhir/Patient", ""); r.Total != len(child.For) {
		t.Errorf("a proxy finds %d: %s", r.Total, r.Body)
	}
}

// What is of no record is no directory: a device may be somebody's, and a
// prescription that names nobody is still one.
func TestDirectoriesHoldNothingOfPeople(t *testing.T) {
	a := open(t)
	for _, r := range []string{`"Device","id":"pacemaker"`, `"Group","id":"cohort","type":"person","actual":true`, `"RequestGroup","id":"m1","status":"active","intent":"order"`, `"QuestionnaireResponse","id":"q1","status":"completed"`, `"Medication","id":"product"`} {
		typ, rest, _ := strings.Cut(strings.TrimPrefix(r, `"`), `"`)
		_, id, _ := strings.Cut(rest, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		a.do(201, "system", "PUT", "/fhir/"+typ+"/"+id, `{"resourceType":`+r+`}`)
		want := map[bool]int{true: 200, false: 404}[typ == "Medication"]
		for _, user := range []string{"doctor", "analyst", "citizen", "engineer"} {
			a.do(want, user, "GET", "/fhir/"+typ+"/"+id, "")
		}
	}
}

// Paging through what a system wrote, and through people, is as at one n, too.
func TestPagingAcrossCitizens(t *testing.T) {
	a := open(t)
	for i := range 5 {
		id := fmt.Sprintf("q%d", i)
		a.do(201, "system", "PUT", "/fhir/Patient/"+id, `{"resourceType":"Patient","id":"`+id+`","name":[{"family":"Paged"}],"birthDate":"19`+fmt.Sprint(60+i)+`-01-01"}`)
	}
	for _, ask := range []struct{ user, total string }{{"system", "&_total=accurate"}, {"system", ""}, {"doctor", ""}} {
		user, total := ask.user, ask.total
		page := a.do(200, user, "GET", "/fhir/Patient?family=Paged&_count=2"+total, "")
		first := page.Total
		later := "later-" + user + strconv.Itoa(len(total))
		a.do(201, "system", "PUT", "/fhir/Patient/"+later, `{"resourceType":"Patient","id":"`+later+`","name":[{"family":"Paged"}],"birthDate":"1999-01-01"}`)
		seen := map[string]bool{}
		for range 5 {
			for _, e := range page.Entry {
				if seen[e.Resource.ID] {
					t.Errorf("%s: %s is on two pages", user, e.Resource.ID)
				}
				seen[e.Resource.ID] = true
			}
			next := ""
			for _, l := range page.Link {
				if l.Relation == "next" {
					next = strings.TrimPrefix(l.URL, a.env.HTTP)
				}
			}
			if next == "" {
				break
			}
			if page = a.do(200, user, "GET", next, ""); page.Total != first {
				t.Errorf("%s: %d in all, %d at first", user, page.Total, first)
			}
		}
		if len(seen) < 5 || first != 0 && len(seen) != first || seen[later] {
			t.Errorf("%s: %d of %d seen", user, len(seen), first)
		}
	}
}

// What the CapabilityStatement says is so: each search parameter of each type
// is taken in strict handling, and no other.
func TestCapabilityStatementIsTrue(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	var cs struct {
		Rest []struct {
			Resource []struct {
				Type        string
				SearchParam []struct{ Name, Type string }
			}
		}
	}
	if err := json.Unmarshal(a.do(200, "", "GET", "/fhir/metadata", "").Body, &cs); err != nil {
		t.Fatal(err)
	}
	for _, r := range cs.Rest[0].Resource {
		has := map[string]bool{}
		for _, p := range r.SearchParam {
			has[p.Name] = true
			value := map[string]string{"date": "2026-11-05", "token": "x", "string": "x", "reference": "p1"}[p.Type]
			a.do(200, "system", "GET", "/fhir/"+r.Type+"?"+p.Name+"="+value, "", "Prefer: handling=strict")
		}
		for _, name := range []string{"code", "vaccine-code", "clinical-status", "name", "patient", "identifier"} {
			if !has[name] {
				a.do(400, "system", "GET", "/fhir/"+r.Type+"?"+name+"=x", "", "Prefer: handling=strict")
			}
		}
	}
}

// What a citizen has stated they can take back, and nobody else can: it is in
// force, and out of force, for the next query.
func TestCitizensTakeBackWhatTheyStated(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "x"))
	citizen, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := a.env.Subject("visitor")
	if err := a.env.Region.Access.Declare(t.Context(), s, citizen, ""); err != nil {
		t.Fatal(err)
	}
	sees := func() int { return a.do(200, "visitor", "GET", "/fhir/Observation?patient="+citizen, "").Total }
	objection := func(id, status string) string {
		return `{"resourceType":"Consent",` + id + `"status":"` + status + `","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`
	}
	before := sees()
	made := a.do(201, "citizen", "POST", "/fhir/Consent", objection("", "active"))
	during := sees()
	at, id := "/fhir/Consent/"+made.ID, `"id":"`+made.ID+`",`
	a.do(412, "citizen", "PUT", at, objection(id, "inactive"), `If-Match: W/"7"`)
	for user, want := range map[string]int{"gp": 403, "visitor": 403, "system": 404, "parent": 403} {
		a.do(want, user, "PUT", at, strings.Replace(objection(id, "inactive"), `"status"`, `"scope":{"text":"privacy"},"category":[{"text":"objection"}],"status"`, 1))
	}
	a.do(404, "citizen", "PUT", "/fhir/Consent/never", objection(`"id":"never",`, "inactive"))
	a.do(403, "citizen", "PUT", at, strings.Replace(objection(id, "inactive"), `"status"`, `"patient":{"reference":"Patient/somebody"},"status"`, 1))
	still := sees()
	a.do(200, "citizen", "PUT", at, objection(id, "inactive"), `If-Match: W/"1"`)
	if after := sees(); before != 1 || during != 0 || still != 0 || after != 1 {
		t.Errorf("visitor sees %d, %d, %d and %d", before, during, still, after)
	}
}

// A reader who has what would be sent is told so; of a citizen's merged Patient,
// too, whose version changes with what the reader sees.
func TestUnchanged(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	citizen, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := a.env.Subject("doctor")
	if err := a.env.Region.Access.Declare(t.Context(), s, citizen, ""); err != nil {
		t.Fatal(err)
	}
	for user, path := range map[string]string{"system": "/fhir/Patient/p1", "doctor": "/fhir/Patient/" + citizen} {
		first := a.do(200, user, "GET", path, "")
		etag := first.Header.Get("ETag")
		if etag != `W/"`+first.Meta.VersionID+`"` {
			t.Errorf("%s: ETag %s, version %s", path, etag, first.Meta.VersionID)
		}
		if r := a.do(304, user, "GET", path, "", "If-None-Match: "+etag); len(r.Body) > 0 {
			t.Errorf("%s: 304 with %s", path, r.Body)
		}
		a.do(200, user, "GET", path, "", `If-None-Match: W/"other"`)
		a.do(200, "system", "PUT", "/fhir/Patient/p1", `{"resourceType":"Patient","id":"p1","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","gender":"`+map[string]string{"system": "female", "doctor": "other"}[user]+`"}`)
		if r := a.do(200, user, "GET", path, "", "If-None-Match: "+etag); r.Header.Get("ETag") == etag {
			t.Errorf("%s: changed, and its version is not", path)
		}
	}
}

// manyIDs are ids of nobody, each after a comma.
func manyIDs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",x%d", i)
	}
	return b.String()
}
