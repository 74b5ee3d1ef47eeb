package testenv

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func packed(n int) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(`{"resourceType":"Observation","status":"`))
	part := bytes.Repeat([]byte(" "), 1<<20)
	for range n {
		_, _ = z.Write(part)
	}
	_ = z.Close()
	return b.String()
}

// Whatever is sent to be read ends soon, takes little memory, opens no file and calls nobody,
// and the region goes on.
func TestHostileDocumentsAreReadWithinBounds(t *testing.T) {
	h := attacked(t)
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(server.Close)
	canary := filepath.Join(t.TempDir(), "canary")
	if err := os.WriteFile(canary, []byte("CANARYCONTENT"), 0o600); err != nil {
		t.Fatal(err)
	}
	laughs := `<!ENTITY a0 "ha">`
	for i := range 12 {
		laughs += fmt.Sprintf(`<!ENTITY a%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&a%d;", i), 10))
	}
	fhirXML := func(dtd, value string) string {
		return `<?xml version="1.0"?>` + dtd + `<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="` + value + `"/></code></Observation>`
	}
	deep := strings.Repeat(`{"extension":[`, 100_000)
	xml := map[string]string{
		"an internal entity":    fhirXML(`<!DOCTYPE x [<!ENTITY e "CANARYCONTENT">]>`, "&e;"),
		"a file":                fhirXML(`<!DOCTYPE x [<!ENTITY e SYSTEM "file://`+canary+`">]>`, "&e;"),
		"an address":            fhirXML(`<!DOCTYPE x [<!ENTITY e SYSTEM "`+server.URL+`">]>`, "&e;"),
		"a parameter entity":    fhirXML(`<!DOCTYPE x [<!ENTITY % p SYSTEM "`+server.URL+`"> %p;]>`, "x"),
		"a DTD elsewhere":       fhirXML(`<!DOCTYPE x SYSTEM "`+server.URL+`/x.dtd">`, "x"),
		"a billion laughs":      fhirXML(`<!DOCTYPE x [`+laughs+`]>`, "&a12;"),
		"a stylesheet":          `<?xml-stylesheet href="` + server.URL + `"?>` + fhirXML("", "x"),
		"deep":                  strings.Repeat("<Observation xmlns=\"http://hl7.org/fhir\">", 50_000),
		"many attributes":       "<Observation " + strings.Repeat(`a="b" `, 200_000) + "/>",
		"a CDATA without end":   `<Observation xmlns="http://hl7.org/fhir"><![CDATA[` + strings.Repeat("]]", 1<<20),
		"a narrative's entity":  `<Observation xmlns="http://hl7.org/fhir"><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>&xxe;</p></div></text><status value="final"/><code><text value="x"/></code></Observation>`,
		"UTF-16 without a mark": "\x00<\x00?\x00x\x00m\x00l",
	}
	json := map[string]string{
		"deep": `{"resourceType":"Observation","extension":[` + deep, "deep arrays": strings.Repeat("[", 1_000_000), "a long key": `{"` + strings.Repeat("k", 4<<20) + `":1}`, "a long number": `{"resourceType":"Observation","valueInteger":` + strings.Repeat("9", 1<<20) + `}`,
		"an exponent": `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/sys1"},"valueQuantity":{"value":1e999999999}}`, "doubled keys": `{"resourceType":"Observation","status":"final","status":"x","resourceType":"Patient"}`,
		"broken UTF-8": "{\"resourceType\":\"Observation\",\"status\":\"\xff\xfe\"}", "a NUL": "{\"resourceType\":\"Observation\",\"status\":\"a\x00\"}", "two values": `{"resourceType":"Observation"}{"resourceType":"Patient"}`, "nothing": "", "a mark alone": "\xef\xbb\xbf",
		"a surrogate": `{"resourceType":"Observation","status":"\ud800"}`, "NaN": `{"resourceType":"Observation","valueDecimal":NaN}`, "many entries": `{"resourceType":"Bundle","type":"batch","entry":[` + strings.Repeat(`{},`, 50_000) + `{}]}`,
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := h.from("127.0.0.1")
	token, err := h.Token(t.Context(), "system")
	if err != nil {
		t.Fatal(err)
	}
	try := func(name, path, body string, headers ...string) (status int) {
		t.Helper()
		began := time.Now()
		a := h.sent(c, "POST", path, body, append(headers, "Authorization: Bearer "+token)...)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s takes %v", name, took)
		}
		if a.Status >= 500 || a.Status < 300 && !strings.Contains(name, "stylesheet") && !strings.Contains(name, "many entries") && !strings.Contains(name, "exponent") || strings.Contains(string(a.Body), "CANARYCONTENT") {
			t.Errorf("%s: %d %.300s", name, a.Status, a.Body)
		}
		return a.Status
	}
	for name, body := range xml {
		try("XML: "+name, "/fhir/Observation", body, "Content-Type: application/fhir+xml")
		_, _ = h.Ingest(t.Context(), "RJZ:CDA", "cda", "", "a.xml", []byte(strings.ReplaceAll(strings.ReplaceAll(body, "Observation", "ClinicalDocument"), "http://hl7.org/fhir", "urn:hl7-org:v3")))
	}
	for name, body := range json {
		path := "/fhir/Observation"
		if strings.Contains(body, "Bundle") {
			path = "/fhir"
		}
		try("JSON: "+name, path, body, "Content-Type: application/fhir+json")
	}
	if status := try("a bomb", "/fhir/Observation", packed(200), "Content-Type: application/fhir+json", "Content-Encoding: gzip"); status != 413 {
		t.Errorf("a bomb is unpacked: %d", status)
	}
	try("a bomb in a bomb", "/fhir/Observation", packed(1), "Content-Type: application/fhir+json", "Content-Encoding: gzip, gzip")
	for name, message := range map[string]string{"segments": "MSH|^~\\&|A|B|C|D|20261105||ADT^A08|1|P|2.4\r" + strings.Repeat("ZZZ|1\r", 300_000), "repetitions": "MSH|^~\\&|A|B|C|D|20261105||ADT^A08|2|P|2.4\rPID|1||" + strings.Repeat("1~", 500_000), "components": "MSH|^~\\&|A|B|C|D|20261105||ADT^A08|3|P|2.4\rPID|1||" + strings.Repeat("^&", 500_000), "separators": "MSH||||||||", "nothing": "", "NULs": "MSH|^~\\&|\x00\x00"} {
		began := time.Now()
		_, _ = h.Send(t.Context(), []byte(message))
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("HL7 v2: %s take %v", name, took)
		}
		if h.line != nil {
			_ = h.line.Close()
			h.line = nil
		}
	}
	if calls.Load() > 0 {
		t.Errorf("a document had this server call %d times", calls.Load())
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 200<<20 {
		t.Errorf("%d MiB stay", grown>>20)
	}
	h.serves("after all of it")
}

// What stands in a parameter is looked for and never carried out: no answer is an error of
// the server's, none comes late, none shows what the same search without it would not, and
// nothing is gone afterwards.
func TestHostileParametersAreValues(t *testing.T) {
	h := attacked(t)
	h.declares("visitor")
	h.objects("")
	values := []string{"' OR 1=1 --", `" OR "1"="1`, "'; DROP TABLE version; --", `secret1') OR ('1'='1`, "SECRET* NEAR(a b)", `code:SECRETWORD OR 1`, "{col}:x AND", "a & !b | (c", "a:*B <-> c", "%", "_", "*", "\\", "../../../etc/passwd", "$(id)", "`id`", "{{7*7}}", "${7*7}", "%00", "\x00", "a\r\nb", "<!--", "]]>", "(a+)+$", strings.Repeat("(", 5000), strings.Repeat("a,", 3000), strings.Repeat("x", 20000), "true or true", "Observation.where(true)", "=cmd|' /C calc'!A0", "\xff\xfe", "1e999", "-9223372036854775809", "\u202e", "ᵃ"}
	names := []string{"_id", "code", "code:text", "code:in", "patient", "subject:identifier", "date", "value-quantity", "_content", "_text", "_filter", "_sort", "_count", "_include", "_revinclude", "_has:Observation:patient:code", "_lastUpdated", "_tag", "_security", "_elements", "_summary", "_format", "_page", "_type", "_since", "_list", "patient.name", "_profile", "_source"}
	token, err := h.Token(t.Context(), "visitor")
	if err != nil {
		t.Fatal(err)
	}
	system, err := h.Token(t.Context(), "system")
	if err != nil {
		t.Fatal(err)
	}
	c := h.from("127.0.0.1")
	for _, name := range names {
		for _, v := range values {
			q := url.QueryEscape(name) + "=" + url.QueryEscape(v)
			// A person's search is within a record; a system's, and one for people, in the index.
			paths := map[string]string{"/fhir/Observation?patient=" + h.citizen + "&" + q: token, "/fhir/Observation?" + q: system}
			if name == "patient.name" {
				paths["/fhir/Patient?birthdate=1951-11-05&name="+url.QueryEscape(v)] = token
			}
			for path, token := range paths {
				began := time.Now()
				a := h.sent(c, "GET", path, "", "Authorization: Bearer "+token)
				if took := time.Since(began); a.Status >= 500 || token != system && strings.Contains(string(a.Body), `"text":"SECRETWORD"`) || took > 5*time.Second || hostileInner.Match(a.Body) {
					t.Errorf("%.60s, %s=%.40q: %d in %v %.200s", path, name, v, a.Status, took, a.Body)
				}
			}
		}
	}
	for what, query := range map[string]string{
		"too many fields": "{a:id b:id" + strings.Repeat(" c:id", 6000) + "}", "fragments that go round": "{...A} fragment A on Patient {...B} fragment B on Patient {...A}",
		"too deep": strings.Repeat("{link{other{resource", 200) + strings.Repeat("}}}", 200), "what there is to ask for": "{__schema{types{name}}}",
	} {
		began := time.Now()
		a := h.sent(c, "GET", "/fhir/Patient/"+h.citizen+"/$graphql?query="+url.QueryEscape(query), "", "Authorization: Bearer "+token)
		if took := time.Since(began); a.Status != 400 || took > 5*time.Second {
			t.Errorf("GraphQL: %s is answered %d in %v %.200s", what, a.Status, took, a.Body)
		}
	}
	for _, endpoint := range []string{"https://app.example/x", "http://127.0.0.1:1/", "https://10.0.0.1/", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "https://[fd00::1]/", "file:///etc/passwd", "https://a@10.0.0.1/", "gopher://x/", "https://0.0.0.0/"} {
		status, body := h.asks("gp", "POST", "/fhir/Subscription", `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?patient=`+h.citizen+`","channel":{"type":"rest-hook","endpoint":"`+endpoint+`"}}`)
		if endpoint == "https://app.example/x" {
			if status != 201 { // so that the others are refused for where they lead
				t.Errorf("a subscriber outside: %d %s", status, body)
			}
		} else if status < 400 && endpoint != "http://127.0.0.1:1/" { // where the server itself is on loopback it may call there
			t.Errorf("a subscriber at %s: %d %s", endpoint, status, body)
		}
	}
	h.serves("after all of it")
}
