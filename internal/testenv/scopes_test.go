package testenv

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"selda/nhs"
)

// What applications see by their scopes, as somebody outside meets it.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html

// app asks as an application in somebody's name.
func (o *outside) app(user, patient, scope, method, path, body string) (int, string, http.Header) {
	o.Helper()
	token, err := o.AppToken(o.Context(), user, patient, scope)
	if err != nil {
		o.Fatal(scope, err)
	}
	req, err := http.NewRequestWithContext(o.Context(), method, o.HTTP+strings.ReplaceAll(path, "{citizen}", o.citizen), strings.NewReader(body))
	if err != nil {
		o.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/fhir+json")
	resp, err := o.client.Do(req)
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b strings.Builder
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return resp.StatusCode, b.String(), resp.Header
		}
	}
}

// withThings gives Folake an Observation of two categories, a Condition and an
// Encounter, which refer to each other.
func withThings(t *testing.T) *outside {
	o := known(t)
	o.writes("G85915:GP", "Encounter", "e1", `"status":"finished","class":{"code":"AMB"},`+atGP)
	o.writes("G85915:GP", "Observation", "lab1", `"status":"final","code":{"text":"SODIUM"},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"effectiveDateTime":"2026-10-01","encounter":{"reference":"Encounter/e1"},"valueQuantity":{"value":140},`+atGP)
	o.writes("G85915:GP", "Observation", "vital1", `"status":"final","code":{"text":"PULSE"},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"effectiveDateTime":"2026-10-02","hasMember":[{"reference":"Observation/lab1"}],`+atGP)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"ASTHMA"},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"problem-list-item"}]}],`+atGP)
	return o
}

// Wherever it looks, an application finds what its scopes are for and no more.
func TestScopesNarrowEveryAnswer(t *testing.T) {
	o := withThings(t)
	for _, user := range []string{"gp", "citizen"} {
		scope := "patient/Patient.rs patient/Observation.rs?category=vital-signs"
		for _, path := range []string{"/fhir/Observation?patient={citizen}", "/fhir/Observation?patient={citizen}&_include=Observation:has-member&_include=Observation:encounter", "/fhir/Observation?patient={citizen}&_revinclude=*",
			"/fhir/Observation", "/fhir/Observation?_sort=-date&_count=1", "/fhir/Patient/{citizen}/$everything", "/fhir/Patient/{citizen}/Observation", "/fhir/Patient/{citizen}/*", "/fhir?_type=Observation,Condition&patient={citizen}",
			"/fhir/Observation/_history", "/fhir/_history", "/fhir/Observation/$lastn?patient={citizen}", "/fhir/Patient?_id={citizen}&_revinclude=Observation:patient&_revinclude=Condition:patient",
			"/fhir/Patient/{citizen}/$graphql?query=" + "%7BObservationList(_reference:patient)%7Bcode%7Btext%7D%20hasMember%7Bresource(optional:true)%7B...on%20Observation%7Bcode%7Btext%7D%7D%7D%7D%7DConditionList(_reference:patient)%7Bcode%7Btext%7D%7D%7D"} {
			status, body, _ := o.app(user, o.citizen, scope, "GET", path, "")
			if status != 200 || strings.Contains(body, "SODIUM") || strings.Contains(body, "ASTHMA") || strings.Contains(body, `"resourceType":"Encounter"`) {
				t.Errorf("%s at %s: %d %s", user, path, status, body)
			}
			if strings.Contains(path, "Observation") && !strings.Contains(body, "PULSE") {
				t.Errorf("%s at %s misses what the scope is for: %s", user, path, body)
			}
		}
		// What is asked by way of something that no scope is for is not found, and not counted.
		for _, path := range []string{"/fhir/Observation?patient={citizen}&has-member.code:text=SODIUM", "/fhir/Observation?patient={citizen}&encounter.status=finished", "/fhir/Patient?_id={citizen}&_has:Condition:patient:_id=c1",
			"/fhir/Observation?patient={citizen}&_id=lab1", "/fhir/Observation?patient={citizen}&value-quantity=140"} {
			status, body, _ := o.app(user, o.citizen, scope, "GET", path, "")
			var b struct{ Total int }
			if err := json.Unmarshal([]byte(body), &b); err != nil || status != 200 || b.Total != 0 {
				t.Errorf("%s at %s: %d %s", user, path, status, body)
			}
		}
		if status, body, _ := o.app(user, o.citizen, scope, "GET", "/fhir/Observation/lab1", ""); status != 404 {
			t.Errorf("an item of another category is not as one that never was: %d %s", status, body)
		}
		for path, needed := range map[string]string{"/fhir/Condition/c1": "patient/Condition.r", "/fhir/Condition?patient={citizen}": "patient/Condition.s", "/fhir/Observation/vital1/_history": "", "/fhir/Encounter/e1": "patient/Encounter.r"} {
			status, body, head := o.app(user, o.citizen, scope, "GET", path, "")
			if needed == "" {
				if status != 200 {
					t.Error(path, status, body)
				}
				continue
			}
			if says := head.Get("WWW-Authenticate"); status != 403 || !strings.Contains(says, `error="insufficient_scope"`) || !strings.Contains(says, `scope="`+needed+`"`) || !strings.Contains(body, "insufficient_scope") {
				t.Errorf("%s: %d %s %s", path, status, says, body)
			}
		}
	}
	// Reading is not searching, nor the other way round.
	if status, _, _ := o.app("gp", o.citizen, "patient/Observation.r", "GET", "/fhir/Observation?patient={citizen}", ""); status != 403 {
		t.Error("a scope to read searches:", status)
	}
	if status, _, _ := o.app("gp", o.citizen, "patient/Observation.s", "GET", "/fhir/Observation/vital1", ""); status != 403 {
		t.Error("a scope to search reads:", status)
	}
	if status, body, _ := o.app("gp", o.citizen, "patient/Observation.r", "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Condition/c1"}},{"request":{"method":"GET","url":"Observation/vital1"}}]}`); status != 200 || strings.Contains(body, "ASTHMA") || !strings.Contains(body, "PULSE") {
		t.Error("a batch goes round:", status, body)
	}
	// They are no consent: what the citizen withholds stays withheld.
	o.declares("visitor")
	if _, body, _ := o.app("visitor", o.citizen, "patient/*.rs", "GET", "/fhir/Observation?patient={citizen}", ""); !strings.Contains(body, "PULSE") {
		t.Fatal(body)
	}
	o.objects("")
	if _, body, _ := o.app("visitor", o.citizen, "patient/*.cruds user/*.cruds", "GET", "/fhir/Observation?patient={citizen}", ""); strings.Contains(body, "PULSE") {
		t.Error("scopes overrule an objection")
	}
}

// An application that was launched for one patient opens no other, whatever its
// user may open.
func TestPatientScopesAreOfOnePatient(t *testing.T) {
	o := withThings(t)
	o.writes("G85915:GP", "Patient", "p-other", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"9990000018"}],"name":[{"family":"Bystander"}],"birthDate":"1980-01-01"`)
	o.writes("G85915:GP", "Condition", "c-other", `"code":{"text":"MIGRAINE"},"subject":{"reference":"Patient/p-other"}`)
	other, err := o.Citizen(t.Context(), "9990000018")
	if err != nil {
		t.Fatal(err)
	}
	if status, body := o.asks("gp", "GET", "/fhir/Condition/c-other", ""); status != 200 {
		t.Fatal("the user themselves may not:", status, body)
	}
	for _, path := range []string{"/fhir/Patient/" + other, "/fhir/Patient/p-other", "/fhir/Condition/c-other", "/fhir/Condition?patient=" + other, "/fhir/Condition", "/fhir/Patient", "/fhir/Patient?family=Bystander&birthdate=1980-01-01", "/fhir/Patient?identifier=9990000018",
		"/fhir/Condition?patient.identifier=9990000018", "/fhir/Condition?_id=c-other", "/fhir/_history", "/fhir/Patient/" + other + "/$everything", "/fhir/Condition?patient={citizen}," + other, "/fhir/Patient/" + other + "/Condition"} {
		if _, body, _ := o.app("gp", o.citizen, "patient/*.rs", "GET", path, ""); strings.Contains(body, "MIGRAINE") || strings.Contains(body, `"family":"Bystander"`) {
			t.Errorf("%s opens another's record: %s", path, body)
		}
	}
	if status, body, _ := o.app("gp", o.citizen, "patient/*.rs", "GET", "/fhir/Patient/"+other, ""); status != 404 {
		t.Error("another patient is not as one who never was:", status, body)
	}
	if _, body, _ := o.app("gp", o.citizen, "patient/*.rs", "GET", "/fhir/Condition", ""); !strings.Contains(body, "ASTHMA") {
		t.Error("a search that names nobody is not of the patient:", body)
	}
	if _, body, _ := o.app("gp", o.citizen, "patient/Condition.rs user/Patient.rs", "GET", "/fhir/Condition/c-other", ""); strings.Contains(body, "MIGRAINE") {
		t.Error("a user's scope opens more than its type:", body)
	}
	if status, body, _ := o.app("gp", "", "user/Condition.rs", "GET", "/fhir/Condition/c-other", ""); status != 200 {
		t.Error("a user's scope is not of all whose records the user opens:", status, body)
	}
	if status, _, _ := o.app("gp", "", "patient/*.rs", "GET", "/fhir/Condition/c1", ""); status == 200 {
		t.Error("a patient's scope without a patient opens a record")
	}
}

// A backend service reads and writes what its system may, within its scopes.
func TestSystemScopes(t *testing.T) {
	o := known(t)
	if status, body := o.asks("system", "PUT", "/fhir/Patient/px", `{"resourceType":"Patient","id":"px","name":[{"family":"Smith"}]}`); status != 201 {
		t.Fatal(status, body)
	}
	write := `{"resourceType":"Observation","status":"final","code":{"text":"WRITTEN"},"subject":{"reference":"Patient/px"}}`
	if status, body, head := o.app("system", "", "system/Observation.rs", "POST", "/fhir/Observation", write); status != 403 || !strings.Contains(head.Get("WWW-Authenticate"), `scope="system/Observation.c"`) {
		t.Error(status, body, head)
	}
	if status, body, _ := o.app("system", "", "system/Observation.rs", "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Observation"},"resource":`+write+`}]}`); status != 403 {
		t.Error("a transaction goes round:", status, body)
	}
	if status, body, _ := o.app("system", "", "system/Observation.c", "POST", "/fhir/Observation", write); status != 201 || strings.Contains(body, "WRITTEN") {
		t.Error("who may not read is sent what was written:", status, body)
	}
	if status, body, _ := o.app("system", "", "system/Condition.cr", "POST", "/fhir/Condition", `{"resourceType":"Condition","code":{"text":"OTHER"},"subject":{"reference":"Patient/px"}}`); status != 201 || !strings.Contains(body, "OTHER") {
		t.Error(status, body)
	}
	for _, path := range []string{"/fhir/Observation", "/fhir/_history", "/fhir?_type=Observation,Condition", "/fhir/Observation?_revinclude=*"} {
		if status, body, _ := o.app("system", "", "system/Observation.rs", "GET", path, ""); status != 200 || strings.Contains(body, "OTHER") || !strings.Contains(body, "WRITTEN") {
			t.Error(path, status, body)
		}
	}
	if status, _, _ := o.app("system", "", "system/Observation.rs", "POST", "/fhir/Subscription", `{"resourceType":"Subscription"}`); status != 403 {
		t.Error("an application subscribes:", status)
	}
}
