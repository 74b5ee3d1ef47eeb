package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"selda/internal/conformance"
)

// told takes what subscribers are told: of every channel that is called, of every
// level of content, as JSON and XML. It gives one Subscription's id.
func (a *asking) told(patient string) (id string) {
	a.Helper()
	told := make(chan string, 64)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case told <- readAll(a.T, r.Body):
		default: // of what comes later nothing is looked at
		}
	}))
	a.Cleanup(receiver.Close)
	full := results(receiver.URL)
	list := []string{full, strings.Replace(full, "full-resource", "id-only", 1), strings.Replace(full, "full-resource", "empty", 1),
		strings.Replace(full, "fhir+json", "fhir+xml", 1), strings.Replace(full, "rest-hook", "message", 1)}
	for _, s := range list {
		id = resource(a.T, a.ask("system", "POST", "/Subscription", s)).ID
	}
	a.ask("system", "POST", "/Subscription", strings.Replace(full, "rest-hook", "websocket", 1))
	a.ask("system", "GET", "/Subscription/$get-ws-binding-token", "")
	take := func(n int) {
		for range n {
			select {
			case b := <-told:
				a.out.take("notification", b)
			case <-time.After(20 * time.Second):
				a.Fatal("the subscriber was not told")
			}
		}
	}
	take(len(list)) // the handshakes
	observed := resource(a.T, a.ask("system", "POST", "/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/`+patient+`"},"valueString":"told"}`)).ID
	take(len(list))
	a.ask("system", "PUT", "/Observation/"+observed, `{"resourceType":"Observation","id":"`+observed+`","status":"corrected","code":{"text":"x"},"subject":{"reference":"Patient/`+patient+`"},"valueString":"told again"}`)
	take(len(list))
	a.ask("system", "GET", "/Subscription/$status", "")
	for _, content := range []string{"empty", "id-only", "full-resource"} {
		a.ask("system", "GET", "/Subscription/"+id+"/$events?content="+content, "")
	}
	return id
}

// mostOfType is how many mapped resources of a type are looked at.
const mostOfType = 100

// mapped takes what becomes of messages that others have written: HL7 v2 of four
// countries and hospitals, CDA of three; as $export gives it.
func (a *asking) mapped() {
	a.Helper()
	var paths []string
	for _, set := range []string{"hl7v2-itk", "hl7v2-linuxforhealth", "hl7v2-microsoft", "hl7v2-simhospital", "nhs-111-cda", "nhs-itk-correspondence", "ccda-hl7"} {
		paths = append(paths, conformance.Material(a.T, set))
	}
	a.Logf("%s", ok(a.T, a.data, append([]string{"ingest", "--source", "RJ1:API", "--json"}, paths...)...))
	gone := resource(a.T, a.ask("system", "POST", "/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"}}`)).ID
	a.get(a.T, a.tokens["system"], "DELETE", "/fhir/Observation/"+gone, "")
	a.ask("system", "GET", "/Observation/"+gone, "")
	a.ask("system", "GET", "/Observation/"+gone+"/_history", "")
	ofType, count := map[string][][]byte{}, map[string]int{}
	for _, line := range a.job("system", "GET", "/fhir/$export?_since=2020-01-01T00:00:00Z", "") {
		var r sent
		if err := json.Unmarshal(line, &r); err != nil {
			a.Fatalf("%v: %.300s", err, line)
		}
		ofType[r.ResourceType] = append(ofType[r.ResourceType], line)
		count[r.ResourceType]++
	}
	for typ, lines := range ofType { // some of each, from the first to the last
		for i := range min(len(lines), mostOfType) {
			a.out.take("$export "+typ, string(lines[i*len(lines)/min(len(lines), mostOfType)]))
		}
	}
	if a.Logf("mapped: %v", count); len(count) < 15 || count["Bundle"] == 0 {
		a.Errorf("there are but %d types: %v", len(count), count)
	}
	outcomes := a.job("system", "POST", "/fhir/$import", `{"resourceType":"Patient","name":[{"family":"Imported"}]}`+"\n"+`{"resourceType":"Patient","gender":"x"}`+"\nno resource\n")
	for _, o := range outcomes {
		a.out.take("$import", string(o))
	}
	if len(outcomes) == 0 {
		a.Error("an import says nothing of what it could not use")
	}
}

// job carries out an export or an import, and gives the lines of its files.
func (a *asking) job(user, method, path, ndjson string) (out [][]byte) {
	a.Helper()
	do := func(method, url, body string) (*http.Response, []byte) {
		a.Helper()
		req, err := http.NewRequestWithContext(a.Context(), method, url, strings.NewReader(body))
		if err != nil {
			a.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+a.tokens[user])
		req.Header.Set("Prefer", "respond-async")
		req.Header.Set("Content-Type", "application/fhir+ndjson")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			a.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp, []byte(readAll(a.T, resp.Body))
	}
	resp, body := do(method, a.HTTP+path, ndjson)
	at := resp.Header.Get("Content-Location")
	for deadline := time.Now().Add(60 * time.Second); resp.StatusCode == http.StatusAccepted; resp, body = do("GET", at, "") {
		if time.Now().After(deadline) {
			a.Fatal("it does not end")
		}
		time.Sleep(50 * time.Millisecond)
	}
	var m struct{ Output, Error, Deleted []struct{ URL string } }
	if err := json.Unmarshal(body, &m); err != nil || resp.StatusCode != http.StatusOK {
		a.Fatalf("%d %.300s", resp.StatusCode, body)
	}
	for _, f := range slices.Concat(m.Output, m.Error, m.Deleted) {
		_, b := do("GET", f.URL, "")
		for line := range bytes.Lines(b) {
			out = append(out, bytes.TrimSpace(line))
		}
	}
	return out
}

// faults takes the OperationOutcomes of what can't be done, of every kind.
func (a *asking) faults() {
	a.Helper()
	const patient = `{"resourceType":"Patient","name":[{"family":"Referee"}]}`
	for _, c := range []struct{ user, method, path, body string }{
		{"", "GET", "/Patient/1", ""},
		{"system", "GET", "/Nothing", ""},
		{"system", "GET", "/Patient/1/nothing", ""},
		{"system", "GET", "/Patient/!", ""},
		{"system", "GET", "/Patient/1/_history/9", ""},
		{"system", "GET", "/Patient?birthdate=never", ""},
		{"system", "GET", "/Patient?_sort=nothing", ""},
		{"system", "GET", "/Patient?_count=x", ""},
		{"system", "GET", "/Observation?subject:Nothing.name=x", ""},
		{"system", "GET", "/Patient?_filter=name%20xx%20y", ""},
		{"system", "GET", "/Patient?_cursor=forged", ""},
		{"system", "POST", "/Patient", `{"resourceType":"Patient"`},
		{"system", "POST", "/Patient", `{"resourceType":"Observation"}`},
		{"system", "POST", "/Patient", `{"resourceType":"Patient","gender":"x","birthDate":"2026-13-01","active":"yes","nothing":1,"name":{"family":1}}`},
		{"system", "POST", "/Patient", `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"}}`},
		{"system", "POST", "/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/nobody"}}`},
		{"system", "PUT", "/Patient/other", patient},
		{"system", "PUT", "/Patient", patient},
		{"system", "PATCH", "/Patient/1", `[{"op":"x"}]`},
		{"system", "DELETE", "/Patient", ""},
		{"system", "PUT", "/metadata", ""},
		{"system", "POST", "", `{"resourceType":"Bundle","type":"collection"}`},
		{"system", "POST", "/Patient/$nothing", patient},
		{"system", "POST", "/Patient/$validate", patient},
		{"system", "GET", "/ValueSet/$expand?url=http://example.org/nothing", ""},
		{"system", "GET", "/CodeSystem/$lookup?code=x&system=http://example.org/nothing", ""},
		{"system", "POST", "/Subscription", `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?x=y","channel":{"type":"rest-hook","endpoint":"https://x.example"}}`},
		{"system", "GET", "/Subscription/nothing/$status", ""},
		{"citizen", "POST", "/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"}}`},
		{"nurse", "GET", "/Observation", ""},
		{"doctor", "GET", "/Patient", ""},
	} {
		a.ask(c.user, c.method, c.path, c.body)
	}
}
