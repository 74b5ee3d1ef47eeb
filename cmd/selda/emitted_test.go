package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"selda/fhir"
	"selda/internal/conformance"
	"selda/internal/referee"
)

// emitted are resources that the server has sent, under the name of what they
// answer.
type emitted struct {
	names  []string
	bodies [][]byte
}

func (e *emitted) take(name, body string) {
	e.names, e.bodies = append(e.names, name), append(e.bodies, []byte(body))
}

// asking asks a server, and takes what it answers.
type asking struct {
	*testing.T
	*server
	data   string
	tokens map[string]string
	out    *emitted
}

// ask takes an answer as JSON; what changes nothing is asked for as XML, too.
func (a *asking) ask(user, method, path, body string) string {
	a.Helper()
	code, b := a.get(a.T, a.tokens[user], method, "/fhir"+path, body)
	if !strings.HasPrefix(b, "{") || code >= 500 {
		a.Fatalf("%s %s: %d %.300s", method, path, code, b)
	}
	a.out.take(method+" "+path, b)
	if method != "GET" && !strings.Contains(path, "/$") {
		return b
	}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	_, x := a.get(a.T, a.tokens[user], method, "/fhir"+path+sep+"_format=xml", body)
	if !strings.HasPrefix(x, "<") {
		a.Fatalf("%s %s as XML: %.300s", method, path, x)
	}
	a.out.take(method+" "+path+" as XML", x)
	return b
}

// Everything that the server emits is valid to HL7's own validator, with the
// profiles of UK Core: one of each kind of answer, and the whole records of
// citizens, which hold what was mapped from every kind of message. What it finds
// otherwise, with the reason, is in docs/conformance/emitted.txt.
func TestWhatIsEmittedIsValid(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: it starts a Java machine")
	}
	ukCore := conformance.Material(t, "uk-core-r4")
	referee.Errors(t, nil) // leaves the test out where it is not there
	all := gather(t)
	// One that is not as the backport's profile has it, so that it is known that these are looked at.
	for i, b := range all.bodies {
		if all.names[i] == "notification" && bytes.HasPrefix(b, []byte("{")) {
			all.take(broken, strings.Replace(string(b), `"name":"type"`, `"name":"kind"`, 1))
			break
		}
	}
	folders := []string{asXML(t, filepath.Join("..", "..", "testdata", "backport"))}
	for _, set := range []string{"structuredefinitions", "valuesets", "codesystems"} {
		folders = append(folders, filepath.Join(ukCore, set))
	}
	admitted, seen := conformance.Excluded(t, "emitted"), map[string]bool{}
	for i, errors := range referee.Errors(t, all.bodies, folders...) {
		if all.names[i] == broken {
			if len(errors) == 0 {
				t.Error("a notification without its type is valid")
			}
			continue
		}
		for _, e := range errors {
			place := bare(e)
			if seen[place] = true; admitted[place] == "" {
				t.Errorf("%s: %s: %s", all.names[i], place, e)
			}
		}
	}
	for place := range admitted {
		if !seen[place] {
			t.Errorf("docs/conformance/emitted.txt: nothing is found at %s", place)
		}
	}
	t.Logf("%d answers", len(all.bodies)-1)
}

const broken = "a notification without its type"

// asXML gives a folder of what lies in one as JSON.
func asXML(t *testing.T, folder string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatal("nothing is in", folder, err)
	}
	out := t.TempDir()
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err == nil {
			b, err = fhir.Compact(b)
		}
		if err == nil {
			b, err = fhir.ToXML(b)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(out, filepath.Base(name)+".xml"), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

var (
	indices = regexp.MustCompile(`\[[^]]*\]`)
	within  = regexp.MustCompile(`^.*\.resource/\*(\w+)/[^*]*\*/`)
)

// bare is the place of an error, without indices, in the resource that it is in;
// where it has none, of a definition that is not known, that definition's URL.
func bare(e string) string {
	place, words, _ := strings.Cut(e, ": ")
	if _, url, unknown := strings.Cut(words, "Failed to retrieve profile with url="); unknown {
		return url
	}
	place = indices.ReplaceAllString(within.ReplaceAllString(place, "$1"), "")
	if words := strings.Fields(place); len(words) > 3 {
		return strings.Join(words[:4], "-") // no place, but a complaint of a definition of UK Core's
	}
	return place
}

// gather asks a demonstration for one of each kind of answer.
func gather(t *testing.T) *emitted {
	t.Helper()
	data := t.TempDir()
	a := &asking{T: t, data: data, server: start(t, data, "demo", "--citizens", "30", "--seed", "1"), tokens: map[string]string{}, out: &emitted{}}
	for _, u := range []string{"gp", "system", "citizen", "doctor", "nurse"} {
		a.tokens[u] = strings.TrimSpace(ok(t, data, "token", "--user", u))
	}
	a.records()
	a.interactions()
	a.mapped()
	a.faults()
	return a.out
}

// interactions asks for one of each kind of interaction and operation.
func (a *asking) interactions() {
	a.Helper()
	citizen := entriesOf(a.T, a.ask("citizen", "GET", "/Patient", ""))[0].ID
	patient := `{"resourceType":"Patient","name":[{"family":"Referee","given":["Ada"]}],"gender":"female","birthDate":"1970-01-01"}`
	const uuid = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
	answer := a.ask("system", "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"`+uuid+`","resource":`+patient+`,"request":{"method":"POST","url":"Patient"}},
		{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+uuid+`"},"valueString":"y"},"request":{"method":"POST","url":"Observation"}},
		{"request":{"method":"GET","url":"Observation?_count=1"}}]}`)
	mine := strings.Split(regexp.MustCompile(`Patient/[^/]+/_history`).FindString(answer), "/")[1]
	composition := a.ask("system", "POST", "/Composition", `{"resourceType":"Composition","status":"final","type":{"coding":[{"system":"http://loinc.org","code":"34133-9"}]},"date":"2026-01-01","title":"x",
		"subject":{"reference":"Patient/`+mine+`"},"author":[{"reference":"Patient/`+mine+`"}],"section":[{"title":"s","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}}]}`)
	subscription := a.told(mine)
	const gender = "http://hl7.org/fhir/administrative-gender"
	for _, c := range []struct{ user, method, path, body string }{
		{"gp", "GET", "/metadata", ""},
		{"gp", "GET", "/metadata?mode=terminology", ""},
		{"gp", "GET", "/StructureDefinition/Patient", ""},
		{"gp", "GET", "/StructureDefinition/bodyweight", ""},
		{"gp", "GET", "/ValueSet?url=http://hl7.org/fhir/ValueSet/administrative-gender", ""},
		{"gp", "GET", "/CodeSystem/v3-ActClass", ""},
		{"gp", "GET", "/ConceptMap/cm-address-use-v2", ""},
		{"gp", "GET", "/SearchParameter/individual-birthdate", ""},
		{"gp", "GET", "/SearchParameter/Observation-code-value-quantity", ""},
		{"gp", "GET", "/Patient/" + citizen, ""},
		{"gp", "GET", "/Patient/" + citizen + "/$meta", ""},
		{"gp", "GET", "/Patient/$everything-else", ""},
		{"gp", "GET", "/Patient/nothing", ""},
		{"gp", "GET", "/Observation?patient=" + citizen + "&_count=3&_include=*&unknown=1&_total=accurate", ""},
		{"gp", "GET", "/Observation/$lastn?patient=" + citizen + "&max=2", ""},
		{"gp", "GET", "/Condition?patient=" + citizen + "&_revinclude=*&_summary=true", ""},
		{"gp", "POST", "/Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient","name":[{"family":"Adeyemi"}],"birthDate":"1951-11-05"}}]}`},
		{"gp", "GET", "/Practitioner?_count=20", ""},
		{"gp", "GET", "/Organization?_count=20", ""},
		{"gp", "POST", "/Patient/$validate", `{"resourceType":"Patient","gender":"x","name":{}}`},
		{"gp", "POST", "/Subscription", `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"http://x.example/none","channel":{"type":"rest-hook","endpoint":"https://x.example"}}`},
		{"gp", "GET", "/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender", ""},
		{"gp", "GET", "/ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/administrative-gender&code=male&system=" + gender, ""},
		{"gp", "GET", "/CodeSystem/$lookup?code=male&system=" + gender, ""},
		{"gp", "GET", "/CodeSystem/$subsumes?codeA=male&codeB=female&system=" + gender, ""},
		{"gp", "GET", "/ConceptMap/$translate?url=http://hl7.org/fhir/ConceptMap/cm-address-use-v2&code=home&system=http://hl7.org/fhir/address-use", ""},
		{"system", "POST", "", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/none"}},{"request":{"method":"GET","url":"Patient/` + mine + `"}},{"resource":` + patient + `,"request":{"method":"POST","url":"Patient"}}]}`},
		{"system", "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","gender":"x"},"request":{"method":"POST","url":"Patient"}}]}`},
		{"system", "GET", "/Patient/" + mine + "/_history", ""},
		{"system", "GET", "/Observation/_history", ""},
		{"citizen", "GET", "/Observation/_history?_count=5", ""},
		{"citizen", "GET", "/_history?_count=5", ""},
		{"gp", "GET", "/Patient/" + citizen + "/Observation?_count=3&_include=Observation:patient", ""},
		{"gp", "GET", "/Patient/" + citizen + "/*?_type=Condition,Encounter&_count=3", ""},
		{"gp", "GET", "/Encounter?patient=" + citizen + "&_revinclude=Observation:encounter&_sort=-date", ""},
		{"gp", "GET", "/Patient/" + citizen + "/_history", ""},
		{"system", "GET", "/_history?_count=3", ""},
		{"system", "GET", "?_type=Patient,Observation&_count=3", ""},
		{"system", "GET", "/Observation?_summary=count", ""},
		{"system", "GET", "/Observation?_elements=status", ""},
		{"system", "GET", "/Patient?_summary=text", ""},
		{"system", "GET", "/Patient?_summary=data", ""},
		{"system", "GET", "/Composition/" + resource(a.T, composition).ID + "/$document", ""},
		{"system", "GET", "/Subscription/" + subscription + "/$status", ""},
		{"system", "GET", "/Subscription/" + subscription + "/$events", ""},
		{"system", "GET", "/Subscription", ""},
		{"system", "GET", "/$export", ""},
	} {
		a.ask(c.user, c.method, c.path, c.body)
	}
}

// records takes the whole records of citizens, as far as a practice may see them:
// what they hold was mapped from every kind of message.
func (a *asking) records() {
	a.Helper()
	synthetic := filepath.Join(a.TempDir(), "synthetic")
	ok(a.T, a.TempDir(), "synth", "--citizens", "30", "--seed", "1", "--out", synthetic)
	truth, err := os.ReadFile(filepath.Join(synthetic, "truth.ndjson"))
	if err != nil {
		a.Fatal(err)
	}
	types, citizens := map[string]bool{}, map[string]bool{}
	for _, who := range lines(a.T, string(truth)) {
		number, _ := who["nhsNumber"].(string)
		code, body := a.get(a.T, a.tokens["gp"], "GET", "/fhir/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number%7C"+number, "")
		for _, r := range entriesOf(a.T, body) {
			if code != 200 || citizens[r.ID] || len(citizens) == 8 {
				continue
			}
			path := "/Patient/" + r.ID + "/$everything"
			if code, _ := a.get(a.T, a.tokens["gp"], "GET", "/fhir"+path, ""); code != 200 {
				continue // a citizen of another practice
			}
			citizens[r.ID] = true
			for _, r := range entriesOf(a.T, a.ask("gp", "GET", path, "")) {
				types[r.ResourceType] = true
			}
		}
	}
	if len(types) < 15 || len(citizens) < 3 {
		a.Errorf("the records of %d citizens have but %d types: %v", len(citizens), len(types), types)
	}
}

// sent is what is asked of a resource that was sent.
type sent struct{ ResourceType, ID string }

func resource(t *testing.T, body string) (r sent) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &r); err != nil || r.ID == "" {
		t.Fatalf("no resource with an id: %.300s", body)
	}
	return r
}

// entriesOf are the resources of a Bundle.
func entriesOf(t *testing.T, body string) (list []sent) {
	t.Helper()
	var b struct {
		Entry []struct{ Resource sent }
	}
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		t.Fatalf("no Bundle: %.300s", body)
	}
	for _, e := range b.Entry {
		list = append(list, e.Resource)
	}
	return list
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
