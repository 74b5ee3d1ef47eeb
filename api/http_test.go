package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"
)

// Which media types are spoken, each way. https://hl7.org/fhir/R4/http.html#mime-type
func TestMediaTypes(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	for accept, want := range map[string]string{
		"*/*": "json", "application/json": "json", "application/fhir+xml": "xml", "text/xml": "xml", "application/fhir+json; fhirVersion=4.0": "json",
		"application/json;q=0.5, application/fhir+xml;q=0.9": "xml", "application/fhir+xml;q=0.1, application/fhir+json": "json",
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "json", "image/png, */*;q=0.1": "json",
	} {
		if r := a.do(200, "system", "GET", "/fhir/Patient/p1", "", "Accept: "+accept); !strings.HasPrefix(r.Header.Get("Content-Type"), "application/fhir+"+want) {
			t.Errorf("%s: %s, want %s", accept, r.Header.Get("Content-Type"), want)
		}
	}
	for _, accept := range []string{"image/png", "text/turtle", "application/fhir+json; fhirVersion=3.0", "application/fhir+json;q=0"} {
		a.do(406, "system", "GET", "/fhir/Patient/p1", "", "Accept: "+accept)
	}
	for _, kind := range []string{"text/plain", "text/html", "multipart/form-data; boundary=x", "image/png", "text/turtle", "application/fhir+json; fhirVersion=3.0"} {
		a.do(415, "system", "POST", "/fhir/Observation", observation("", "p1", "x"), "Content-Type: "+kind)
	}
	for _, kind := range []string{"application/fhir+json; charset=utf-8", "application/json", "application/fhir+json; fhirVersion=4.0"} {
		a.do(201, "system", "POST", "/fhir/Observation", observation("", "p1", "x"), "Content-Type: "+kind)
	}
	a.do(415, "system", "POST", "/fhir/Observation/_search", `{}`, "Content-Type: application/fhir+json")
}

// Bodies may come packed. https://hl7.org/fhir/R4/http.html#compression
func TestPackedBodies(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	pack := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(s))
		_ = z.Close()
		return b.String()
	}
	a.do(201, "system", "POST", "/fhir/Observation", pack(observation("", "p1", "x")), "Content-Encoding: gzip")
	a.do(400, "system", "POST", "/fhir/Observation", observation("", "p1", "x"), "Content-Encoding: gzip")
	a.do(400, "system", "POST", "/fhir/Observation", pack(observation("", "p1", "x"))[:60], "Content-Encoding: gzip")
	a.do(413, "system", "POST", "/fhir/Observation", pack(`{"resourceType":"Observation","x":"`+strings.Repeat(" ", 65<<20)), "Content-Encoding: gzip")
	a.do(415, "system", "POST", "/fhir/Observation", observation("", "p1", "x"), "Content-Encoding: br")
}

// Which version an update replaces. https://hl7.org/fhir/R4/http.html#concurrency,
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
func TestIfMatch(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(412, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "x"), "If-Match: *")
	a.do(201, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "x"))
	a.do(200, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "y"), "If-Match: *")
	a.do(412, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "z"), "If-Match: nonsense")
	tx := func(match string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + observation("o1", "p1", "in a transaction") + `,"request":{"method":"PUT","url":"Observation/o1","ifMatch":"` + match + `"}}]}`
	}
	for _, match := range []string{`W/\"1\"`, `W/\"x\"`, `W/\"99\"`} {
		a.do(412, "system", "POST", "/fhir", tx(match))
	}
	a.do(200, "system", "POST", "/fhir", tx("*"))
	a.do(204, "system", "DELETE", "/fhir/Observation/o1", "")
	a.do(412, "system", "POST", "/fhir", tx("*"))
	// Brought back, it is created. https://hl7.org/fhir/R4/http.html#update
	if r := a.do(201, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "again")); r.Meta.VersionID != "5" {
		t.Errorf("brought back: %s", r.Body)
	}
}

// A transaction is done as a whole, or not at all.
// https://hl7.org/fhir/R4/http.html#transaction-response
func TestTransactionsThatReadWhatIsNotThere(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "x"))
	put := `{"resource":` + observation("o2", "p1", "y") + `,"request":{"method":"PUT","url":"Observation/o2"}}`
	tx := func(entries ...string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
	}
	get := func(url string) string { return `{"request":{"method":"GET","url":"` + url + `"}}` }
	a.do(404, "system", "POST", "/fhir", tx(put, get("Observation/none")))
	a.do(400, "system", "POST", "/fhir", tx(put, get("Observation?date=never")))
	a.do(410, "system", "POST", "/fhir", tx(put, get("Observation/o1"), `{"request":{"method":"DELETE","url":"Observation/o1"}}`))
	a.do(404, "system", "GET", "/fhir/Observation/o2", "")
	if r := a.do(200, "system", "POST", "/fhir", tx(put, get("Observation/o2"), get("metadata"))); len(r.Entry) != 3 || r.Entry[1].Resource == nil || r.Entry[2].Resource.ResourceType != "CapabilityStatement" {
		t.Errorf("read with what it writes: %s", r.Body)
	}
	twin := `{"fullUrl":"urn:uuid:6b2a2f0e-0000-4000-8000-000000000001","resource":` + observation("", "p1", "x") + `,"request":{"method":"POST","url":"Observation"}}`
	a.do(400, "system", "POST", "/fhir", tx(twin, twin))
}

// What an entry is called in its Bundle is replaced wherever something links to
// it. https://hl7.org/fhir/R4/http.html#trules
func TestLinksWithinATransaction(t *testing.T) {
	a := open(t)
	const patient, there, one = "urn:uuid:6b2a2f0e-0000-4000-8000-000000000001", "urn:uuid:6b2a2f0e-0000-4000-8000-000000000002", "urn:uuid:6b2a2f0e-0000-4000-8000-000000000003"
	a.do(201, "system", "PUT", "/fhir/Organization/trust", `{"resourceType":"Organization","id":"trust","name":"x","identifier":[{"system":"urn:o","value":"1"}]}`)
	r := a.do(200, "system", "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"`+one+`","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+patient+`"},"valueString":"`+patient+`",
			"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"`+patient+`\">her</a><img src=\"`+there+`\"/></div>"},
			"extension":[{"url":"http://e.example/1","valueUri":"`+patient+`"},{"url":"http://e.example/2","valueCanonical":"`+patient+`"},{"url":"http://e.example/3","valueUrl":"`+there+`"}]},"request":{"method":"POST","url":"Observation"}},
		{"fullUrl":"`+patient+`","resource":{"resourceType":"Patient","name":[{"family":"Adeyemi"}]},"request":{"method":"POST","url":"Patient"}},
		{"fullUrl":"`+there+`","resource":{"resourceType":"Organization","name":"x"},"request":{"method":"POST","url":"Organization","ifNoneExist":"identifier=urn:o|1"}}]}`, "Prefer: return=representation")
	who := "Patient/" + r.Entry[1].Resource.ID
	body := string(a.do(200, "system", "GET", "/fhir/Observation/"+r.Entry[0].Resource.ID, "").Body)
	for _, want := range []string{`"subject":{"reference":"` + who + `"}`, `"valueString":"` + patient, `"valueCanonical":"` + patient, `"valueUri":"` + who + `"`, `"valueUrl":"Organization/trust"`, `href=\"` + who + `\"`, `src=\"Organization/trust\"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

// A Patient of another server is another, also by the same id; one by this server's
// own base is not. https://hl7.org/fhir/R4/references.html#literal
func TestPatientsOfOtherServers(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	about := func(subject string) string {
		return `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{` + subject + `}}`
	}
	a.do(422, "system", "POST", "/fhir/Observation", about(`"reference":"https://elsewhere.example/fhir/Patient/p1"`))
	a.do(422, "system", "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":`+about(`"reference":"https://elsewhere.example/fhir/Patient/p1"`)+`,"request":{"method":"POST","url":"Observation"}}]}`)
	a.do(201, "system", "POST", "/fhir/Observation", about(`"reference":"https://elsewhere.example/fhir/Patient/p9","identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}`))
	a.do(201, "system", "POST", "/fhir/Observation", about(`"reference":"`+a.env.HTTP+`/fhir/Patient/p1"`))
	if r := a.do(200, "system", "GET", "/fhir/Patient/p1/Observation", ""); r.Total != 1 { // of another's reference the text stays, and says another
		t.Errorf("filed: %s", r.Body)
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation", ""); len(r.Entry) != 2 {
		t.Errorf("stored: %s", r.Body)
	}
	// Within a transaction a relative reference is relative to its entry's fullUrl.
	r := a.do(200, "system", "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"https://elsewhere.example/fhir/Patient/p1","resource":{"resourceType":"Patient","name":[{"family":"Other"}]},"request":{"method":"POST","url":"Patient"}},
		{"fullUrl":"https://elsewhere.example/fhir/Observation/o1","resource":`+about(`"reference":"Patient/p1"`)+`,"request":{"method":"POST","url":"Observation"}},
		{"fullUrl":"https://elsewhere.example/fhir/Observation/o2","resource":`+strings.Replace(about(`"reference":"https://elsewhere.example/fhir/Patient/p1"`), `"code"`, `"hasMember":[{"reference":"Observation/o1"}],"code"`, 1)+`,"request":{"method":"POST","url":"Observation"}}]}`, "Prefer: return=representation")
	who := `"subject":{"reference":"Patient/` + r.Entry[0].Resource.ID + `"}`
	if strings.Count(string(r.Body), who) != 2 || !strings.Contains(string(r.Body), `"hasMember":[{"reference":"Observation/`+r.Entry[1].Resource.ID+`"}]`) {
		t.Errorf("by relative references: %s", r.Body)
	}
}

// When an answer in a Bundle was written is when its resource was, to the millisecond.
// https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response.lastModified
func TestLastModifiedInABatch(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	r := a.do(200, "system", "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":`+observation("", "p1", "x")+`,"request":{"method":"POST","url":"Observation"}}]}`)
	odd := a.do(200, "system", "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"?_type=Patient,Observation&_summary=count&_total=none"}},{}]}`)
	if len(odd.Entry) != 2 || odd.Entry[0].Resource == nil || odd.Entry[0].Resource.Total != 2 || odd.Entry[1].Response.Status != "400 Bad Request" {
		t.Errorf("a search of several types, and an entry that asks nothing: %s", odd.Body)
	}
	var b struct {
		Entry []struct {
			Resource struct{ Meta struct{ LastUpdated string } }
			Response struct{ LastModified string }
		}
	}
	if err := json.Unmarshal(r.Body, &b); err != nil || len(b.Entry) != 1 || b.Entry[0].Response.LastModified != b.Entry[0].Resource.Meta.LastUpdated {
		t.Errorf("%v %s", err, r.Body)
	}
}

// What a Binary holds is written and read as it is. https://hl7.org/fhir/R4/binary.html#rest
func TestBinaryAsItIs(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	r := a.do(201, "system", "POST", "/fhir/Binary", "%PDF-1", "Content-Type: application/pdf", "X-Security-Context: Patient/p1", "Accept: application/fhir+json")
	a.do(200, "system", "PUT", "/fhir/Binary/"+r.ID, "plain", "Content-Type: text/plain", "X-Security-Context: Patient/p1")
	for path, want := range map[string]string{"": "plain", "/_history/1": "%PDF-1"} {
		if got := a.do(200, "system", "GET", "/fhir/Binary/"+r.ID+path, "", "Accept: application/pdf, text/plain"); string(got.Body) != want {
			t.Errorf("%s: %s, want %s", path, got.Body, want)
		}
	}
}

// An app in a browser that came from elsewhere may ask, with its own token; what a
// session's cookie opens it can't read. https://hl7.org/fhir/R4/security.html#cors
func TestAppsOfOtherOrigins(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	const origin = "Origin: https://app.example"
	r := a.do(204, "", "OPTIONS", "/fhir/Patient/p1", "", origin, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization,if-match")
	if allow := r.Header.Get("Access-Control-Allow-Headers"); !strings.Contains(allow, "Authorization") || !strings.Contains(allow, "If-Match") || !strings.Contains(r.Header.Get("Access-Control-Allow-Methods"), "PUT") {
		t.Errorf("asked first: %v", r.Header)
	}
	for path, want := range map[string]int{"/fhir/Patient/p1": 200, "/fhir/Patient/none": 404, "/fhir/metadata": 200} {
		r := a.do(want, "system", "GET", path, "", origin)
		if r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), "ETag") {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
	if r := a.do(401, "", "GET", "/fhir/Patient/p1", "", origin); r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("without a token: %v", r.Header)
	}
	if r, err := a.env.Do(t.Context(), "", "GET", "/login", nil, origin); err != nil || r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a page: %v %v", err, r.Header)
	}
}
