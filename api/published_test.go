package api_test

import (
	"path/filepath"
	"strings"
	"testing"

	"selda/cmd/selda/region"
)

// What the standard and packages define is read by its id and found by its URL,
// by whoever may look into the directory; what a source has posted under the
// same id is read before.
func TestDefinitionsAreReadable(t *testing.T) {
	a := open(t)
	file := filepath.Join(t.TempDir(), "guide.tgz")
	pack(t, file, map[string]string{"package/package.json": `{"name":"guide.example","version":"1.0.0"}`,
		"package/ValueSet-colours.json": `{"resourceType":"ValueSet","id":"colours","url":"http://x.example/colours","version":"2","status":"active","compose":{"include":[{"system":"urn:colours"}]}}`})
	if _, err := region.AddPackage(a.env.Dir, file); err != nil {
		t.Fatal(err)
	}
	for path, url := range map[string]string{
		"StructureDefinition/Patient": "http://hl7.org/fhir/StructureDefinition/Patient", "ValueSet/administrative-gender": "http://hl7.org/fhir/ValueSet/administrative-gender",
		"CodeSystem/administrative-gender": "http://hl7.org/fhir/administrative-gender", "CodeSystem/v3-ActClass": "http://terminology.hl7.org/CodeSystem/v3-ActClass",
		"SearchParameter/individual-birthdate": "http://hl7.org/fhir/SearchParameter/individual-birthdate", "ValueSet/colours": "http://x.example/colours",
	} {
		typ, id, _ := strings.Cut(path, "/")
		for _, user := range []string{"gp", "system"} {
			if r := a.do(200, user, "GET", "/fhir/"+path, ""); r.ResourceType != typ || r.ID != id || !strings.Contains(string(r.Body), `"url":"`+url+`"`) {
				t.Errorf("%s: %.300s", path, r.Body)
			}
			for _, query := range []string{"url=" + url, "_id=" + id} {
				if r := a.do(200, user, "GET", "/fhir/"+typ+"?"+query, ""); r.found() != id || r.Total != 1 {
					t.Errorf("%s of %s by %s: %.300s", query, typ, user, r.Body)
				}
			}
		}
	}
	for _, query := range []string{"url=http://x.example/none", "url=http://x.example/colours&status=retired"} {
		if r := a.do(200, "system", "GET", "/fhir/ValueSet?"+query, ""); r.found() != "" || r.Total != 0 {
			t.Errorf("%s: %s", query, r.Body)
		}
	}
	// That none of them is found by what else is asked does not read as "there is none".
	for query, told := range map[string]bool{"StructureDefinition?type=Patient": true, "ValueSet?": true, "ValueSet?url=http://x.example/none": false, "Observation?code=x": false} {
		if r := a.do(200, "system", "GET", "/fhir/"+query, ""); strings.Contains(string(r.Body), "found by url and by _id alone") != told {
			t.Errorf("%s: %s", query, r.Body)
		}
	}
	a.do(404, "system", "GET", "/fhir/ValueSet/none", "")
	a.do(401, "", "GET", "/fhir/ValueSet/colours", "")
	a.do(201, "system", "PUT", "/fhir/ValueSet/colours", `{"resourceType":"ValueSet","id":"colours","url":"http://x.example/mine","status":"draft"}`)
	if r := a.do(200, "system", "GET", "/fhir/ValueSet/colours", ""); !strings.Contains(string(r.Body), "mine") {
		t.Errorf("what was posted: %s", r.Body)
	}
}
