package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/audit"
)

// manifest is what an export or import has made.
type manifest struct {
	TransactionTime, Request string
	RequiresAccessToken      bool
	Output, Deleted, Error   []struct {
		Type, URL string
		Count     int
	}
	Extension map[string]map[string]int
}

const async = "Prefer: respond-async"

// job asks for an export or import, waits until it has ended, and gives its
// manifest and where it stands.
func (a *asker) job(user, method, path, body string, headers ...string) (m manifest, at string) {
	a.Helper()
	r := a.do(202, user, method, path, body, append([]string{async}, headers...)...)
	at = strings.TrimPrefix(r.Header.Get("Content-Location"), a.env.HTTP)
	if at == "" {
		a.Fatalf("%s: there is no Content-Location", path)
	}
	return a.ended(user, at), at
}

func (a *asker) ended(user, at string) (m manifest) {
	a.Helper()
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		ans, err := a.env.Do(a.Context(), user, "GET", at, nil)
		if err != nil {
			a.Fatal(err)
		}
		if ans.Status == 202 && time.Now().Before(until) {
			if ans.Header.Get("X-Progress") == "" || ans.Header.Get("Retry-After") == "" {
				a.Errorf("while it runs the status lacks X-Progress or Retry-After: %v", ans.Header)
			}
			continue
		}
		if ans.Status != 200 || json.Unmarshal(ans.Body, &m) != nil {
			a.Fatalf("%s: %d %s", at, ans.Status, ans.Body)
		}
		return m
	}
}

// lines are all lines of a manifest's files, by id where they have one, without
// what a server gives; and how many there are of each type.
func (a *asker) lines(user string, m manifest) (all map[string]string, types map[string]int) {
	a.Helper()
	all, types = map[string]string{}, map[string]int{}
	for _, f := range slices.Concat(m.Output, m.Deleted, m.Error) {
		ans, err := a.env.Do(a.Context(), user, "GET", strings.TrimPrefix(f.URL, a.env.HTTP), nil)
		if err != nil || ans.Status != 200 || ans.Header.Get("Content-Type") != "application/fhir+ndjson" {
			a.Fatalf("%s: %v %d %s", f.URL, err, ans.Status, ans.Header.Get("Content-Type"))
		}
		n := 0
		for line := range bytes.Lines(ans.Body) {
			var o map[string]any
			if err := json.Unmarshal(line, &o); err != nil {
				a.Fatal(err)
			}
			if meta, ok := o["meta"].(map[string]any); ok {
				delete(meta, "versionId")
				delete(meta, "lastUpdated")
				if len(meta) == 0 {
					delete(o, "meta")
				}
			}
			b, _ := json.Marshal(o)
			n++
			if o["resourceType"] != f.Type {
				a.Errorf("a line of %s is %v", f.URL, o["resourceType"])
			}
			key := fmt.Sprintf("%v/%v", o["resourceType"], o["id"])
			if _, twice := all[key]; twice && o["id"] != nil {
				a.Errorf("%s stands twice", key)
			}
			if o["id"] == nil {
				key += fmt.Sprint(n)
			}
			all[key] = string(b)
		}
		if n != f.Count {
			a.Errorf("%s: %d lines, the manifest says %d", f.URL, n, f.Count)
		}
		types[f.Type] += n
	}
	return all, types
}

const organization = `{"resourceType":"Organization","id":"org","name":"A practice"}`

// few writes a small region through /fhir.
func (a *asker) few() {
	a.Helper()
	a.patient("p1", "9991234519")
	a.patient("p2", "9990000018")
	a.do(201, "system", "PUT", "/fhir/Organization/org", organization)
	for i := range 5 {
		p := fmt.Sprintf("p%d", i%2+1)
		a.do(201, "system", "PUT", fmt.Sprintf("/fhir/Observation/o%d", i), observation(fmt.Sprintf("o%d", i), p, fmt.Sprint(i)))
	}
	a.do(201, "system", "PUT", "/fhir/Group/g", `{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/p2"}},{"entity":{"reference":"Patient/p1"},"inactive":true},{"entity":{"reference":"Patient/gone"}}]}`)
}

// What is asked for is there, once, and nothing else.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters
func TestExportGivesWhatIsAskedFor(t *testing.T) {
	a := open(t)
	a.few()
	filter := "/fhir/$export?_typeFilter=Observation%3F_id%3Do1%2Co2,Patient%3F_id%3Dp1"
	for path, want := range map[string]string{
		"/fhir/$export":                            "map[Group:1 Observation:5 Organization:1 Patient:2]",
		"/fhir/Patient/$export":                    "map[Observation:5 Patient:2]",
		"/fhir/Group/g/$export":                    "map[Observation:2 Patient:1]",
		"/fhir/$export?_type=Patient,Organization": "map[Organization:1 Patient:2]",
		filter: "map[Group:1 Observation:2 Organization:1 Patient:1]",
		"/fhir/$export?_since=2030-01-01T00:00:00Z":      "map[]",
		"/fhir/$export?_until=2020-01-01T00:00:00Z":      "map[]",
		"/fhir/Patient/$export?_outputFormat=ndjson":     "map[Observation:5 Patient:2]",
		"/fhir/$export?_type=Observation&_elements=code": "map[Observation:5]",
	} {
		m, _ := a.job("system", "GET", path, "")
		all, types := a.lines("system", m)
		if fmt.Sprint(types) != want || !m.RequiresAccessToken || m.Request != a.env.HTTP+path {
			t.Errorf("%s: %v, want %s; %+v", path, types, want, m)
		}
		if strings.Contains(path, "_elements") && strings.Contains(all["Observation/o1"], "valueString") {
			t.Errorf("more than the elements that were asked for: %s", all["Observation/o1"])
		}
	}
	m, _ := a.job("system", "POST", "/fhir/Patient/$export", `{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"reference":"Patient/p2"}},{"name":"_type","valueString":"Observation"}]}`)
	if all, _ := a.lines("system", m); len(all) != 2 {
		t.Errorf("of one patient: %v", all)
	}
	a.env.Advance(time.Hour)
	m, _ = a.job("system", "GET", "/fhir/$export", "")
	a.env.Advance(time.Minute)
	a.do(204, "system", "DELETE", "/fhir/Observation/o3", "")
	a.do(200, "system", "PUT", "/fhir/Observation/o4", observation("o4", "p1", "changed"))
	m, _ = a.job("system", "GET", "/fhir/$export?_since="+m.TransactionTime, "")
	if all, types := a.lines("system", m); fmt.Sprint(types) != "map[Bundle:1 Observation:1]" || !strings.Contains(all["Bundle/<nil>1"], `"method":"DELETE","url":"Observation/o3"`) {
		t.Errorf("what has changed: %v", all)
	}
	for _, path := range []string{"?_type=Nothing", "?_since=yesterday", "?_typeFilter=Observation", "?_typeFilter=Observation%3Fcolour%3Dred", "?_typeFilter=Observation%3Fsubject.name%3Dx",
		"?_type=Patient&_typeFilter=Observation%3F_id%3Do1", "?_outputFormat=csv", "?includeAssociatedData=LatestProvenanceResources", "?patient=p1"} {
		if r, err := a.env.Do(t.Context(), "system", "GET", "/fhir/$export"+path, nil, async); err != nil || r.Status < 400 || r.Status >= 500 {
			t.Errorf("%s: %d %v", path, r.Status, err)
		}
	}
	m, _ = a.job("system", "GET", "/fhir/$export?_type=Group&colour=red", "", "Prefer: respond-async, handling=lenient")
	if len(m.Error) != 1 {
		t.Errorf("what was ignored is not told: %+v", m)
	}
	a.do(400, "system", "GET", "/fhir/$export", "")
	a.do(404, "system", "GET", "/fhir/Group/none/$export", "", async)
}

// What an export can't give is told before it is taken on, and left out for who
// prefers that. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters
func TestExportTellsWhatItCannotGive(t *testing.T) {
	a := open(t)
	a.few()
	patient := func(id string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"reference":"Patient/` + id + `"}}]}`
	}
	a.do(404, "system", "POST", "/fhir/Patient/$export", patient("none"), async)
	a.do(404, "system", "POST", "/fhir/Group/g/$export", patient("p1"), async)
	a.do(202, "system", "POST", "/fhir/Group/g/$export", patient("p2"), async)
	a.do(404, "citizen", "POST", "/fhir/Patient/$export", patient("p2"), async)
	a.do(400, "system", "GET", "/fhir/$export?_type=Patient,Dog", "", async)
	a.do(400, "system", "GET", "/fhir/$export?_type=Dog", "", async+", handling=lenient")
	r := a.do(202, "system", "GET", "/fhir/$export?_type=Patient,Dog", "", async+", handling=lenient")
	m := a.ended("system", strings.TrimPrefix(r.Header.Get("Content-Location"), a.env.HTTP))
	all, _ := a.lines("system", m)
	if len(m.Output) != 1 || m.Output[0].Type != "Patient" || !strings.Contains(fmt.Sprint(all), "ignored: _type=Dog") {
		t.Errorf("%+v %v", m, all)
	}
}

// A source system has what it wrote, a citizen the own record, and nobody else
// anything. Each is recorded, and so is each download.
func TestExportIsForThoseWhoMay(t *testing.T) {
	a := open(t)
	a.few()
	for _, user := range []string{"gp", "engineer", "admin", "analyst", "privacy", "citizen"} {
		a.do(403, user, "GET", "/fhir/$export", "", async)
	}
	a.do(403, "gp", "GET", "/fhir/Patient/$export", "", async)
	a.do(401, "", "GET", "/fhir/$export", "", async)
	m, at := a.job("system", "GET", "/fhir/$export?_type=Patient", "")
	file := strings.TrimPrefix(m.Output[0].URL, a.env.HTTP)
	for _, user := range []string{"citizen", "gp", "engineer"} {
		a.do(404, user, "GET", at, "")
		a.do(404, user, "GET", file, "")
		a.do(404, user, "DELETE", at, "")
	}
	a.lines("system", m)
	entries, err := a.env.Trail(t.Context(), audit.Query{User: "system", Action: audit.Export, Limit: 3})
	if err != nil || entries[0].Action != audit.Export || !strings.HasPrefix(entries[0].What, "file of an export") || entries[1].What != "$export of system" {
		t.Errorf("in the trail: %+v, %v", entries, err)
	}
	own, _ := a.job("citizen", "GET", "/fhir/Patient/$export", "")
	all, types := a.lines("citizen", own)
	if types["Observation"] != 3 || types["Patient"] != 2 { // the merged Patient and the source's own
		t.Errorf("the own record: %v", types)
	}
	for key, line := range all {
		if strings.Contains(line, "p2") {
			t.Errorf("%s is of somebody else", key)
		}
	}
}

// An export of patients has what their records speak of: the practitioner, whose
// organisation, and no other.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#endpoint---all-patients
func TestExportOfPatientsHasWhatTheySpeakOf(t *testing.T) {
	a := open(t)
	a.few()
	for path, body := range map[string]string{
		"Practitioner/spoken-of": `{"resourceType":"Practitioner","id":"spoken-of"}`, "Practitioner/other": `{"resourceType":"Practitioner","id":"other"}`,
		"Organization/whose":    `{"resourceType":"Organization","id":"whose"}`,
		"PractitionerRole/role": `{"resourceType":"PractitionerRole","id":"role","practitioner":{"reference":"Practitioner/spoken-of"},"organization":{"reference":"Organization/whose"}}`,
		"Observation/o0":        `{"resourceType":"Observation","id":"o0","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"performer":[{"reference":"PractitionerRole/role"},{"reference":"Practitioner/never"}]}`,
	} {
		status := 201
		if path == "Observation/o0" { // one of those that are there
			status = 200
		}
		a.do(status, "system", "PUT", "/fhir/"+path, body)
	}
	for path, want := range map[string]string{
		"/fhir/Patient/$export":                                       "map[Observation:5 Organization:1 Patient:2 Practitioner:1 PractitionerRole:1]",
		"/fhir/Patient/$export?_type=Practitioner":                    "map[Practitioner:1]",
		"/fhir/Patient/$export?_type=Observation":                     "map[Observation:5]",
		"/fhir/Group/g/$export":                                       "map[Observation:2 Patient:1]", // of p2, whose record speaks of nobody
		"/fhir/Patient/$export?_typeFilter=Organization%3F_id%3Dnone": "map[Observation:5 Patient:2 Practitioner:1 PractitionerRole:1]",
		"/fhir/Patient/$export?_since=2100-01-01T00:00:00Z":           "map[]",
	} {
		m, _ := a.job("system", "GET", path, "")
		if _, types := a.lines("system", m); fmt.Sprint(types) != want {
			t.Errorf("%s: %v, want %s", path, types, want)
		}
	}
	own, _ := a.job("citizen", "GET", "/fhir/Patient/$export", "")
	if _, types := a.lines("citizen", own); types["Practitioner"] != 1 || types["Organization"] != 1 {
		t.Errorf("the own record: %v", types)
	}
}

// A download is gone on with where it broke off, plain or packed; it ends with
// the export, which ends when it is deleted or its time is over.
func TestExportsFilesAreFetchedAndGo(t *testing.T) {
	a := open(t)
	a.few()
	m, at := a.job("system", "GET", "/fhir/$export?_type=Observation", "")
	file := strings.TrimPrefix(m.Output[0].URL, a.env.HTTP)
	whole, err := a.env.Do(t.Context(), "system", "GET", file, nil, "Accept-Encoding: identity")
	if err != nil || whole.Status != 200 || whole.Header.Get("Accept-Ranges") != "bytes" {
		t.Fatal(whole, err)
	}
	rest, err := a.env.Do(t.Context(), "system", "GET", file, nil, "Accept-Encoding: identity", "Range: bytes=100-", "If-Range: "+whole.Header.Get("ETag"))
	if err != nil || rest.Status != 206 || !bytes.Equal(rest.Body, whole.Body[100:]) {
		t.Errorf("from byte 100 on: %d, %d bytes, %v", rest.Status, len(rest.Body), err)
	}
	packed, err := a.env.Do(t.Context(), "system", "GET", file, nil, "Accept-Encoding: gzip")
	if err != nil || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal(packed.Header, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed.Body))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, whole.Body) {
		t.Errorf("packed it is another: %v", err)
	}
	a.do(202, "system", "DELETE", at, "")
	a.do(404, "system", "GET", at, "")
	a.do(404, "system", "GET", file, "")
	m, at = a.job("system", "GET", "/fhir/$export?_type=Observation", "")
	a.env.Advance(23 * time.Hour)
	a.do(200, "system", "HEAD", strings.TrimPrefix(m.Output[0].URL, a.env.HTTP), "")
	a.env.Advance(time.Hour)
	a.do(404, "system", "GET", at, "")
	if left, _ := filepath.Glob(filepath.Join(a.env.Dir, "export", "*", "*")); len(left) > 0 {
		t.Errorf("left on disk: %v", left)
	}
}

// What one region exports another imports, whatever the order of the lines, and
// holds the same resources then. A second time nothing changes.
func TestExportedIsImportedEqual(t *testing.T) {
	from, to := open(t), open(t)
	from.few()
	m, _ := from.job("system", "GET", "/fhir/$export", "")
	want, _ := from.lines("system", m)
	var body bytes.Buffer
	for _, typ := range []string{"Observation", "Group", "Patient", "Organization"} {
		for _, f := range m.Output {
			if f.Type == typ {
				ans, err := from.env.Do(t.Context(), "system", "GET", strings.TrimPrefix(f.URL, from.env.HTTP), nil)
				if err != nil {
					t.Fatal(err)
				}
				body.Write(ans.Body)
			}
		}
	}
	for i, counts := range []string{"map[lines:9 refused:0 stored:9 unchanged:0]", "map[lines:9 refused:0 stored:0 unchanged:9]"} {
		r := to.do(200, "system", "POST", "/fhir/$import", body.String(), "Content-Type: application/fhir+ndjson")
		var done manifest
		if err := json.Unmarshal(r.Body, &done); err != nil || fmt.Sprint(done.Extension["https://selda.example/import-counts"]) != counts {
			t.Errorf("import %d: %s", i+1, r.Body)
		}
	}
	m, _ = to.job("system", "GET", "/fhir/$export", "")
	got, _ := to.lines("system", m)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("imported:\n%v\nexported:\n%v", got, want)
	}
}

// A line that can't be used loses none of the others, and is told with its
// number and what to do.
func TestImportRefusesLinesOneByOne(t *testing.T) {
	a := open(t)
	a.few()
	person := func(id string) string { return `{"resourceType":"Patient","id":"` + id + `","name":[{"family":"X"}]}` }
	lines := []string{
		observation("i1", "i", "before its Patient"),
		person("i"),
		`{"resourceType":"Observation"`,
		``,
		observation("i2", "i", "fine"),
		observation("", "i", "no id"),
		observation("i3", "nobody", "about nobody"),
		`{"resourceType":"Parameters","id":"x"}`,
		`{"resourceType":"Observation","id":"i4","status":"final","code":{"text":"x"},"subject":{"display":"somebody"}}`,
		organization,
		observation("i2", "i", "fine again"),
		`{"resourceType":"Observation","id":"i5","colour":"red","subject":{"reference":"Patient/i"}}`,
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(strings.Join(lines, "\r\n")))
	_ = z.Close()
	r := a.do(200, "system", "POST", "/fhir/$import", packed.String(), "Content-Type: application/fhir+ndjson", "Content-Encoding: gzip")
	var m manifest
	if err := json.Unmarshal(r.Body, &m); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(m.Extension["https://selda.example/import-counts"]); got != "map[lines:11 refused:6 stored:4 unchanged:1]" || len(m.Error) != 1 || m.Error[0].Count != 6 {
		t.Errorf("counted: %s, %+v", got, m)
	}
	all, _ := a.lines("system", m)
	told := fmt.Sprint(all)
	for _, want := range []string{"line 3: not well-formed JSON", "line 6: an imported resource is kept under its id", "line 7: it refers to a Patient that is not there", "line 8: ", "line 9: nobody is known by this", "line 12: ", "Observation.status"} {
		if !strings.Contains(told, want) {
			t.Errorf("the outcomes lack %q: %s", want, told)
		}
	}
	for id, want := range map[string]string{"i1": "before its Patient", "i2": "fine again"} {
		if r := a.do(200, "system", "GET", "/fhir/Observation/"+id, ""); r.ValueString != want {
			t.Errorf("Observation/%s says %q", id, r.ValueString)
		}
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation/i2/_history", ""); r.Total != 2 {
		t.Errorf("a line that comes twice is two versions, not %d", r.Total)
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation?patient=i", ""); r.Total+len(r.Entry) < 2 {
		t.Errorf("what was imported is not found: %s", r.Body)
	}
	a.do(403, "gp", "POST", "/fhir/$import", person("z"), "Content-Type: application/fhir+ndjson")
	a.do(404, "system", "GET", "/fhir/Patient/z", "")
}

// Files are imported from where an operator allows, and from nowhere else.
func TestImportOfFilesAnOperatorAllows(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, "https://allowed.example/data/")
	for name, body := range map[string]string{"b.ndjson": observation("f1", "f", "x") + "\n" + observation("f2", "f", "y") + "\n", "a.ndjson": `{"resourceType":"Patient","id":"f"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte(`{"resourceType":"Patient","id":"stolen"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.ndjson")); err != nil {
		t.Fatal(err)
	}
	input := func(typ, url string) string {
		return `{"name":"input","part":[{"name":"type","valueCode":"` + typ + `"},{"name":"url","valueUri":"` + url + `"}]}`
	}
	ask := func(inputs ...string) string {
		return `{"resourceType":"Parameters","parameter":[` + strings.Join(inputs, ",") + `]}`
	}
	m, _ := a.job("system", "POST", "/fhir/$import", ask(input("Observation", "file://"+dir+"/b.ndjson"), input("Patient", "file://"+dir+"/a.ndjson")))
	if got := fmt.Sprint(m.Extension["https://selda.example/import-counts"]); got != "map[lines:3 refused:0 stored:3 unchanged:0]" {
		t.Errorf("counted: %s", got)
	}
	again, _ := a.job("system", "POST", "/fhir/$import", `{"inputFormat":"application/fhir+ndjson","inputSource":"https://hospital.example","storageDetail":{"type":"file"},"input":[{"type":"Patient","url":"file://`+dir+`/a.ndjson"}]}`)
	if got := fmt.Sprint(again.Extension["https://selda.example/import-counts"]); got != "map[lines:1 refused:0 stored:0 unchanged:1]" {
		t.Errorf("named by a JSON object: %s", got)
	}
	a.do(400, "system", "POST", "/fhir/$import", `{"inputFormat":"text/csv","input":[{"type":"Patient","url":"file://`+dir+`/a.ndjson"}]}`, "Prefer: respond-async", "Content-Type: application/json")
	for _, url := range []string{"file://" + outside, "file://" + dir + "/../" + filepath.Base(dir) + "/b.ndjson", "https://127.0.0.1/x", "http://169.254.169.254/latest", "https://user@allowed.example/data/x",
		"https://allowed.example/data/../x", "https://allowed.example.evil/data/x", "ftp://allowed.example/data/x", ""} {
		a.do(403, "system", "POST", "/fhir/$import", ask(input("Patient", url)), async)
	}
	r := a.do(202, "system", "POST", "/fhir/$import", ask(input("Patient", "file://"+dir+"/link.ndjson")), async)
	at := strings.TrimPrefix(r.Header.Get("Content-Location"), a.env.HTTP)
	for {
		ans, err := a.env.Do(t.Context(), "system", "GET", at, nil)
		if err != nil {
			t.Fatal(err)
		}
		if ans.Status != http.StatusAccepted {
			if ans.Status != http.StatusNotFound {
				t.Errorf("a link that leads out of the folder: %d %s", ans.Status, ans.Body)
			}
			break
		}
	}
	a.do(404, "system", "GET", "/fhir/Patient/stolen", "")
}
