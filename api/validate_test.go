package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/cmd/selda/region"
)

// What is structurally wrong is refused, alone and in a Bundle, and the answer
// names every element and what to do.
func TestStructureIsRefused(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	for body, place := range map[string]string{
		`{"resourceType":"Observation","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`:                                                                      "Observation",
		`{"resourceType":"Observation","status":"finished","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`:                                                  "Observation.status",
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"colour":"red"}`:                                      "Observation",
		`{"resourceType":"Observation","status":"final","code":[{"text":"x"}],"subject":{"reference":"Patient/p1"}}`:                                                   "Observation.code",
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-02-30"}`:                    "Observation.effective",
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"valueString":"a","valueInteger":1}`:                  "Observation",
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":"12"}}`:                      "Observation.value",
		`{"resourceType":"Observation","status":"final","code":{"text":"x","coding":[{"system":"http://loinc.org","kode":"1"}]},"subject":{"reference":"Patient/p1"}}`: "Observation.code.coding[0]",
	} {
		for _, method := range []string{"POST", "PUT", "bundle"} {
			at, path, sent := place, "/fhir/Observation", body
			switch method {
			case "PUT":
				path, sent = path+"/o1", strings.Replace(body, `"resourceType"`, `"id":"o1","resourceType"`, 1)
			case "bundle":
				path, at = "/fhir", "Bundle.entry[1].resource"+strings.TrimPrefix(place, "Observation")
				sent = `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + observation("", "p1", "good") + `,"request":{"method":"POST","url":"Observation"}},{"resource":` + body + `,"request":{"method":"POST","url":"Observation"}}]}`
			}
			r := a.do(400, "system", strings.Replace(method, "bundle", "POST", 1), path, sent)
			if !strings.Contains(string(r.Body), `"expression":["`+at) || len(r.Issue) == 0 || r.Issue[0].Diagnostics == "" {
				t.Errorf("%s %s: %s", method, body, r.Body)
			}
		}
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation", ""); r.Total != 0 {
		t.Errorf("something was written: %s", r.Body)
	}
}

// $validate says what is wrong and takes nothing.
// https://hl7.org/fhir/R4/resource-operation-validate.html
func TestValidate(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	for body, want := range map[string]string{
		observation("", "p1", "x"): "error",
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"component":[{}]}`:                          "error",
		`{"resourceType":"Parameters","parameter":[{"name":"resource","resource":` + observation("", "p1", "x") + `}]}`: "",
	} {
		r := a.do(200, "system", "POST", "/fhir/Observation/$validate", body)
		if r.ResourceType != "OperationOutcome" || strings.Contains(string(r.Body), `"severity":"error"`) != (want == "error" && strings.Contains(body, "component")) {
			t.Errorf("%s: %s", body, r.Body)
		}
	}
	if r := a.do(200, "system", "GET", "/fhir/Patient/p1/$validate", ""); strings.Contains(string(r.Body), `"severity":"error"`) {
		t.Errorf("what is stored: %s", r.Body)
	}
	if r := a.do(200, "system", "POST", "/fhir/Patient/$validate?profile=http://nowhere/p", `{"resourceType":"Patient"}`); !strings.Contains(string(r.Body), "http://nowhere/p") {
		t.Errorf("an unknown profile: %s", r.Body)
	}
	a.do(400, "system", "POST", "/fhir/Patient/$validate", observation("", "p1", "x"))
	a.do(400, "system", "POST", "/fhir/Observation/$validate", "")
	a.do(400, "system", "POST", "/fhir/Observation/$validate?mode=guess", observation("", "p1", "x"))
	a.do(401, "", "POST", "/fhir/Observation/$validate", observation("", "p1", "x"))
}

// $validate looks references up, with the rights of who asks: what leads to
// nothing, or to what they may not see, is a warning in the same words; what leads
// to something that is not of the profile that is wanted there is an error.
func TestValidateLooksReferencesUp(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Observation/o1", observation("o1", "p1", "x"))
	a.do(201, "system", "PUT", "/fhir/Patient/p9", `{"resourceType":"Patient","id":"p9","name":[{"family":"Another"}]}`)
	a.do(201, "system", "PUT", "/fhir/Observation/o9", observation("o9", "p9", "x"))
	report := func(performer string) string {
		return `{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"result":[{"reference":"` + performer + `"}]}`
	}
	for ref, want := range map[string]string{"Observation/o1": "", "Observation/o2": "leads to nothing that you can see", "https://elsewhere.example/fhir/Observation/o2": "",
		a.env.HTTP + "/fhir/Observation/o2": "leads to nothing that you can see", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0": ""} {
		r := a.do(200, "system", "POST", "/fhir/DiagnosticReport/$validate", report(ref))
		if said := strings.Contains(string(r.Body), "leads to nothing"); said != (want != "") || strings.Contains(string(r.Body), `"severity":"error"`) {
			t.Errorf("%s: %s", ref, r.Body)
		}
	}
	absent := a.do(200, "citizen", "POST", "/fhir/DiagnosticReport/$validate", report("Observation/o2"))
	hidden := a.do(200, "citizen", "POST", "/fhir/DiagnosticReport/$validate", report("Observation/o9")) // another's
	if string(absent.Body) != string(hidden.Body) || !strings.Contains(string(hidden.Body), "leads to nothing") {
		t.Errorf("what is hidden: %s\nwhat is absent: %s", hidden.Body, absent.Body)
	}
	a.do(201, "system", "POST", "/fhir/DiagnosticReport", report("Observation/o2")) // it may come later

	const profile = `{"resourceType":"StructureDefinition","id":"vital","url":"http://x.example/vital","name":"V","status":"active","kind":"resource","abstract":false,"type":"DiagnosticReport","derivation":"constraint",
		"baseDefinition":"http://hl7.org/fhir/StructureDefinition/DiagnosticReport","differential":{"element":[{"id":"DiagnosticReport.result","path":"DiagnosticReport.result",
		"type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/bodyweight"]}]}]}}`
	file := filepath.Join(t.TempDir(), "guide.tgz")
	pack(t, file, map[string]string{"package/package.json": `{"name":"guide.example","version":"1.0.0"}`, "package/StructureDefinition-vital.json": profile})
	if _, err := region.AddPackage(a.env.Dir, file); err != nil {
		t.Fatal(err)
	}
	const weight = `{"resourceType":"Observation","id":"w1","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},
		"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-03-02","valueQuantity":{"value":70,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}`
	a.do(201, "system", "PUT", "/fhir/Observation/w1", weight)
	for ref, wrong := range map[string]bool{"Observation/w1": false, "Observation/o1": true} {
		r := a.do(200, "system", "POST", "/fhir/DiagnosticReport/$validate?profile=http://x.example/vital", report(ref))
		if strings.Contains(string(r.Body), "conforms to none of the profiles") != wrong {
			t.Errorf("%s: %s", ref, r.Body)
		}
	}
}

// What does not hold to a profile that it names is taken and reported, or
// refused where its source wants that.
func TestProfilesAsTheirSourceWants(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	weight := `{"resourceType":"Observation","meta":{"profile":["http://hl7.org/fhir/StructureDefinition/bodyweight"]},"status":"final","code":{"text":"weight"},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-03-02"}`
	r := a.do(201, "system", "POST", "/fhir/Observation", weight, "Prefer: return=OperationOutcome")
	if !strings.Contains(string(r.Body), `"severity":"error"`) || !strings.Contains(string(r.Body), "bodyweight") && !strings.Contains(string(r.Body), "vitalsigns") {
		t.Errorf("reported: %s", r.Body)
	}
	// An invariant of R4's own: a contact has something to be contacted by.
	nameless := `{"resourceType":"Patient","name":[{"family":"X"}],"contact":[{"gender":"female"}]}`
	if r := a.do(201, "system", "POST", "/fhir/Patient", nameless, "Prefer: return=OperationOutcome"); !strings.Contains(string(r.Body), "pat-1") {
		t.Errorf("an invariant is not reported: %s", r.Body)
	}
	for _, kind := range []string{"batch", "transaction"} {
		bundle := `{"resourceType":"Bundle","type":"` + kind + `","entry":[{"resource":` + nameless + `,"request":{"method":"POST","url":"Patient"}}]}`
		n := a.tree(a.do(200, "system", "POST", "/fhir", bundle, "Prefer: return=OperationOutcome"))
		if !strings.Contains(string(n.Get("entry", "0", "response", "outcome").JSON()), "pat-1") || !n.Get("entry", "0", "response", "status").Is("201 Created") {
			t.Errorf("of a %s is not reported: %s", kind, n.JSON())
		}
	}
	file := filepath.Join(t.TempDir(), "feeds.yaml")
	s, err := a.env.Subject("system")
	if err == nil {
		err = os.WriteFile(file, []byte("feeds:\n  - source: "+string(s.Source)+"\n    profiles: refuse\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	feeds, err := region.ReadFeeds(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.env.Region.Wish(feeds); err != nil {
		t.Fatal(err)
	}
	if r := a.do(422, "system", "POST", "/fhir/Observation", weight); len(r.Issue) == 0 {
		t.Errorf("refused: %s", r.Body)
	}
	if r := a.do(422, "system", "POST", "/fhir/Patient", nameless); !strings.Contains(string(r.Body), "pat-1") {
		t.Errorf("an invariant is not refused: %s", r.Body)
	}
	a.do(201, "system", "POST", "/fhir/Observation", observation("", "p1", "names no profile"))
}

// A status whose system was left out is taken where its code is one of those
// that it may be, and $validate says what is missing.
func TestAStatusWithoutItsSystem(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	condition := func(code string) string {
		return `{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"` + code + `"}]},"code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`
	}
	a.do(201, "system", "POST", "/fhir/Condition", condition("active"))
	a.do(400, "system", "POST", "/fhir/Condition", condition("lively"))
	if r := a.do(200, "system", "POST", "/fhir/Condition/$validate", condition("active")); !strings.Contains(string(r.Body), `"severity":"error"`) {
		t.Errorf("$validate: %s", r.Body)
	}
}
