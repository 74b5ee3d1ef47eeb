package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// The last of each code. https://hl7.org/fhir/R4/observation-operation-lastn.html
func TestLastN(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	for i, code := range []string{"a", "b", "a", "a", "b"} {
		a.do(201, "system", "PUT", fmt.Sprintf("/fhir/Observation/n%d", i), fmt.Sprintf(`{"resourceType":"Observation","id":"n%d","status":"final","code":{"coding":[{"system":"urn:c","code":"%s"}]},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-03-0%d"}`, i, code, i+1))
	}
	for query, want := range map[string]string{"": "n3 n4", "&max=2": "n1 n2 n3 n4", "&code=urn:c|a": "n3", "&date=lt2026-03-04": "n1 n2"} {
		if got := a.do(200, "system", "GET", "/fhir/Observation/$lastn?patient=p1"+query, "").found(); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	a.do(400, "system", "GET", "/fhir/Observation/$lastn?patient=p1&max=0", "")
	a.patient("p2", "9991234527")
	a.do(201, "system", "PUT", "/fhir/Observation/other", `{"resourceType":"Observation","id":"other","status":"final","code":{"coding":[{"system":"urn:c","code":"a"}]},"subject":{"reference":"Patient/p2"},"effectiveDateTime":"2026-03-09"}`)
	for params, want := range map[string]string{
		`{"name":"patient","valueReference":{"reference":"Patient/p1"}}`: "n3 n4",
		`{"name":"patient","valueReference":{"reference":"Patient/p1"}},{"name":"max","valuePositiveInt":2},{"name":"code","valueCoding":{"system":"urn:c","code":"b"}}`: "n1 n4",
		`{"name":"subject","valueString":"Patient/p2"}`: "other",
	} {
		if got := a.do(200, "system", "POST", "/fhir/Observation/$lastn", `{"resourceType":"Parameters","parameter":[`+params+`]}`).found(); got != want {
			t.Errorf("%s: %s, want %s", params, got, want)
		}
	}
	a.do(400, "system", "POST", "/fhir/Observation/$lastn", `{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"display":"somebody"}}]}`)
}

// A document holds what its Composition refers to.
// https://hl7.org/fhir/R4/composition-operation-document.html
func TestDocument(t *testing.T) {
	a := open(t)
	a.ward()
	a.do(201, "system", "PUT", "/fhir/Composition/c1", `{"resourceType":"Composition","id":"c1","status":"final","type":{"text":"Discharge"},"date":"2026-03-09","title":"Discharge","subject":{"reference":"Patient/p1"},"author":[{"reference":"Practitioner/doc"}],"section":[{"entry":[{"reference":"Observation/hb"},{"reference":"Observation/none"}]}]}`)
	r := a.do(200, "system", "GET", "/fhir/Composition/c1/$document", "")
	var got []string
	for _, e := range r.Entry {
		got = append(got, e.Resource.ResourceType)
	}
	if fmt.Sprint(got) != "[Composition Patient Practitioner Observation Organization Encounter Organization]" || !strings.Contains(string(r.Body), `"type":"document"`) || !strings.Contains(string(r.Body), `"timestamp"`) {
		t.Errorf("%v: %s", got, r.Body)
	}
	a.do(404, "system", "GET", "/fhir/Composition/none/$document", "")
	if again := a.do(200, "system", "GET", "/fhir/Composition/$document?id=c1", ""); len(again.Entry) != len(r.Entry) {
		t.Errorf("named by a parameter: %s", again.Body)
	}
	for _, query := range []string{"$document", "c1/$document?id=c1", "c1/$document?graph=http://example.org/g"} {
		a.do(400, "system", "GET", "/fhir/Composition/"+query, "")
	}
	kept := a.do(200, "system", "GET", "/fhir/Composition/c1/$document?persist=true", "")
	if stored := a.do(200, "system", "GET", strings.TrimPrefix(kept.Header.Get("Location"), a.env.HTTP), ""); stored.ID != kept.ID || len(stored.Entry) != len(r.Entry) {
		t.Errorf("kept: %s", stored.Body)
	}
	a.do(404, "analyst", "GET", "/fhir/Composition/c1/$document", "")
}

// Tags come and go without anything else. https://hl7.org/fhir/R4/resource-operation-meta-add.html
func TestMeta(t *testing.T) {
	a := open(t)
	a.ward()
	change := func(code string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:t","code":"` + code + `"}]}}]}`
	}
	has := func(code string) bool {
		return strings.Contains(string(a.do(200, "system", "GET", "/fhir/Observation/note/$meta", "").Body), `"code":"`+code+`"`)
	}
	a.do(200, "system", "POST", "/fhir/Observation/note/$meta-add", change("later"))
	a.do(200, "system", "POST", "/fhir/Observation/note/$meta-add", change("later"))
	if !has("later") || !has("seen") {
		t.Error("a tag was not added, or one was lost")
	}
	a.do(200, "system", "POST", "/fhir/Observation/note/$meta-delete", change("seen"))
	if has("seen") || !has("later") {
		t.Error("a tag was not taken away, or the wrong one")
	}
	a.do(405, "system", "GET", "/fhir/Observation/note/$meta-add", "")
	a.do(403, "doctor", "POST", "/fhir/Observation/note/$meta-add", change("x"))
	if r := a.do(200, "system", "GET", "/fhir/Observation/note/_history/1/$meta", ""); strings.Contains(string(r.Body), "later") || !strings.Contains(string(r.Body), `"versionId":"1"`) {
		t.Errorf("of the first version: %s", r.Body)
	}
	a.do(404, "system", "GET", "/fhir/Observation/note/_history/9/$meta", "")
}

// The other format. https://hl7.org/fhir/R4/resource-operation-convert.html
func TestConvert(t *testing.T) {
	a := open(t)
	r := a.do(200, "doctor", "POST", "/fhir/$convert", `{"resourceType":"Patient","gender":"female"}`, "Accept: application/fhir+xml")
	if !strings.Contains(string(r.Body), `<gender value="female"/>`) {
		t.Errorf("%s", r.Body)
	}
	r = a.do(200, "doctor", "POST", "/fhir/$convert", string(r.Body), "Content-Type: application/fhir+xml")
	if string(r.Body) != `{"resourceType":"Patient","gender":"female"}` {
		t.Errorf("%s", r.Body)
	}
	wrong, err := a.env.Do(t.Context(), "doctor", "POST", "/fhir/$convert", []byte(`{"resourceType":"Patient","colour":"red"}`), "Accept: application/fhir+xml")
	if err != nil || wrong.Status != 400 || !strings.Contains(string(wrong.Body), "Patient.colour") {
		t.Errorf("what can't be converted: %+v %v", wrong, err)
	}
	a.do(401, "", "POST", "/fhir/$convert", `{"resourceType":"Patient"}`)
}

// Whom a Patient may be, and how sure that is.
// https://hl7.org/fhir/R4/patient-operation-match.html
func TestMatch(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Patient/p2", `{"resourceType":"Patient","id":"p2","name":[{"family":"Adeyemi","given":["Tunde"]}],"birthDate":"1951-11-05"}`)
	ask := func(user, patient, more string) string {
		r := a.do(200, user, "POST", "/fhir/Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient",`+patient+`}}`+more+`]}`)
		var got []string
		for i, e := range r.Entry {
			grade := "?"
			if parts := strings.Split(string(r.Body), `"valueCode":"`); len(parts) > i+1 {
				grade, _, _ = strings.Cut(parts[i+1], `"`)
			}
			id := e.Resource.ID
			if user != "system" {
				id = "one"
			}
			got = append(got, id+" "+grade)
		}
		return strings.Join(got, ", ")
	}
	number := `"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"999 123 4519"}]`
	folake := `"name":[{"family":"ADEYEMI","given":["Folake"]}],"birthDate":"1951-11-05"`
	sure := `,{"name":"onlyCertainMatches","valueBoolean":true}`
	for _, c := range [][3]string{{number + "," + folake, "", "p1 certain, p2 possible"}, {folake, "", "p1 probable, p2 possible"}, {number, "", "p1 possible"}, {number + "," + folake, sure, "p1 certain"}, {folake, sure, ""},
		{`"name":[{"family":"Adeyemi"}],"birthDate":"1950-01-01"`, "", ""}} {
		if got := ask("system", c[0], c[1]); got != c[2] {
			t.Errorf("%s%s: %q, want %q", c[0], c[1], got, c[2])
		}
	}
	if got := ask("doctor", number+","+folake, sure); got != "one certain" {
		t.Errorf("a doctor: %q", got)
	}
	a.do(400, "system", "POST", "/fhir/Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient","gender":"male"}}]}`)
	a.do(403, "engineer", "POST", "/fhir/Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient",`+folake+`}}]}`)
}

// Two of a source's Patients become one citizen, and no resource changes.
func TestMerge(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Patient/p2", `{"resourceType":"Patient","id":"p2","name":[{"family":"Adeyemi","given":["F"]}],"birthDate":"1951-11-05"}`)
	input := func(from, into, more string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/` + from + `"}},{"name":"target-patient","valueReference":{"reference":"Patient/` + into + `"}}` + more + `]}`
	}
	links := func() int {
		r := a.do(200, "doctor", "GET", "/fhir/Patient?identifier=9991234519", "")
		if len(r.Entry) != 1 {
			t.Fatalf("%s", r.Body)
		}
		return strings.Count(string(r.Body), `"seealso"`)
	}
	a.do(200, "system", "POST", "/fhir/Patient/$merge", input("p2", "p1", `,{"name":"preview","valueBoolean":true}`))
	if n := links(); n != 1 {
		t.Errorf("a preview changed something: %d", n)
	}
	a.do(200, "system", "POST", "/fhir/Patient/$merge", input("p2", "p1", ""))
	if n := links(); n != 2 {
		t.Errorf("after the merge the citizen has %d", n)
	}
	if r := a.do(200, "system", "GET", "/fhir/Patient/p2", ""); r.Meta.VersionID != "1" {
		t.Errorf("a resource changed: %s", r.Body)
	}
	const number = `,{"name":"target-patient-identifier","valueIdentifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}}`
	byNumber := `{"resourceType":"Parameters","parameter":[{"name":"preview","valueBoolean":true},{"name":"source-patient","valueReference":{"reference":"Patient/p2"}}` + number + `]}`
	if r := a.do(200, "system", "POST", "/fhir/Patient/$merge", byNumber); !strings.Contains(string(r.Body), `"id":"p1"`) {
		t.Errorf("by an identifier: %s", r.Body)
	}
	a.do(200, "system", "POST", "/fhir/Patient/$merge", input("p2", "p1", number))
	a.do(400, "system", "POST", "/fhir/Patient/$merge", input("p1", "p2", number))
	a.do(400, "system", "POST", "/fhir/Patient/$merge", strings.Replace(byNumber, "9991234519", "9990000018", 1))
	a.do(400, "system", "POST", "/fhir/Patient/$merge", input("p2", "p1", `,{"name":"result-patient","resource":{"resourceType":"Patient","id":"p1"}}`))
	a.do(400, "system", "POST", "/fhir/Patient/$merge", input("p1", "p1", ""))
	a.do(404, "system", "POST", "/fhir/Patient/$merge", input("never", "p1", ""))
	a.do(403, "doctor", "POST", "/fhir/Patient/$merge", input("p2", "p1", ""))
	a.do(405, "system", "GET", "/fhir/Patient/$merge", "")
}

// Everything of a patient comes with what is needed to read it: who did it, where,
// and for which organisation. https://hl7.org/fhir/R4/patient-operation-everything.html
func TestEverythingComesWithWhatItSpeaksOf(t *testing.T) {
	a := open(t)
	a.ward()
	const want = "bp drug e1 hb l1 p1 | Organization/trust Organization/ward Practitioner/doc"
	whole := a.do(200, "system", "GET", "/fhir/Patient/p1/$everything", "")
	if got := whole.found(); got != want || whole.Total != 6 {
		t.Errorf("%d: %s, want %s", whole.Total, got, want)
	}
	seen := map[string]bool{}
	for next := "/fhir/Patient/p1/$everything?_count=2"; next != ""; {
		r := a.do(200, "system", "GET", next, "")
		for _, e := range r.Entry {
			seen[e.FullURL] = true
		}
		next = ""
		for _, l := range r.Link {
			if l.Relation == "next" {
				next = strings.TrimPrefix(l.URL, a.env.HTTP)
			}
		}
	}
	if len(seen) != 9 {
		t.Errorf("in pages: %v", seen)
	}
	for query, want := range map[string]string{"_type=Observation": "bp hb", "_type=Observation,Practitioner": "bp hb | Practitioner/doc", "_since=2100-01-01T00:00:00Z": ""} {
		if got := a.do(200, "system", "GET", "/fhir/Patient/p1/$everything?"+query, "").found(); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if got := a.do(200, "system", "GET", "/fhir/Encounter/e1/$everything", "").found(); got != "e1 hb | Organization/trust Organization/ward Patient/p1 Practitioner/doc" {
		t.Errorf("of an encounter: %s", got)
	}
	a.do(404, "system", "GET", "/fhir/Encounter/none/$everything", "")
	a.do(400, "system", "GET", "/fhir/Patient/$everything", "")
	if r := a.do(200, "citizen", "GET", "/fhir/Patient/$everything", ""); len(r.Entry) == 0 || r.Entry[0].Resource.ResourceType != "Patient" {
		t.Errorf("the own record: %s", r.Body)
	}
	citizen, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := a.env.Subject("visitor")
	if err := a.env.Region.Access.Declare(t.Context(), s, citizen, ""); err != nil {
		t.Fatal(err)
	}
	if got := a.do(200, "visitor", "GET", "/fhir/Patient/"+citizen+"/$everything", "").found(); !strings.HasSuffix(got, "| Organization/trust Organization/ward Practitioner/doc") {
		t.Errorf("a doctor: %s", got)
	}
	if got := a.do(200, "visitor", "GET", "/fhir/Encounter/e1/$everything", "").found(); !strings.HasPrefix(got, "e1 hb | Organization/trust Organization/ward Patient/") {
		t.Errorf("a doctor, of an encounter: %s", got)
	}
}

// Everything of a group is that of its members, of each once.
// https://hl7.org/fhir/R4/group-operation-everything.html
func TestEverythingOfAGroup(t *testing.T) {
	a := open(t)
	a.ward()
	a.do(201, "system", "PUT", "/fhir/Group/g", `{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/p2"}},{"entity":{"reference":"Patient/p2"}},{"entity":{"reference":"Patient/none"}},{"entity":{"reference":"Patient/p1"},"inactive":true}]}`)
	get := func(path string) string { return a.do(200, "system", "GET", "/fhir/"+path+"/$everything", "").found() }
	if got, want := get("Group/g"), get("Patient/p2"); got != want || !strings.Contains(got, "note") {
		t.Errorf("%s, want %s", got, want)
	}
	a.do(404, "system", "GET", "/fhir/Group/none/$everything", "")
	a.do(404, "analyst", "GET", "/fhir/Group/g/$everything", "")
}
