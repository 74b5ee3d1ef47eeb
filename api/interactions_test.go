package api_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// found are the ids that a search gives, those included after a bar.
func (r reply) found() string {
	var match, with []string
	for _, e := range r.Entry {
		if e.Resource == nil || e.Resource.ResourceType == "OperationOutcome" {
			continue
		}
		if e.Search.Mode == "include" {
			with = append(with, e.Resource.ResourceType+"/"+e.Resource.ID)
		} else {
			match = append(match, e.Resource.ID)
		}
	}
	slices.Sort(match)
	slices.Sort(with)
	if len(with) > 0 {
		return strings.Join(match, " ") + " | " + strings.Join(with, " ")
	}
	return strings.Join(match, " ")
}

// ward is a small hospital of one source system.
func (a *asker) ward() {
	a.Helper()
	for id, body := range map[string]string{
		"Organization/trust": `"name":"King's College Hospital NHS Foundation Trust","identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"RJZ"}]`,
		"Organization/ward":  `"name":"Ward 9","partOf":{"reference":"Organization/trust"}`,
		"Practitioner/doc":   `"name":[{"family":"Osei","given":["Ama"]}]`,
		"Location/bridge":    `"name":"Bridge","position":{"latitude":51.5007,"longitude":-0.1246}`,
		"Location/denmark":   `"name":"Denmark Hill","position":{"latitude":51.4681,"longitude":-0.0937}`,
		"Patient/p1":         `"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","gender":"female","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"managingOrganization":{"reference":"Organization/ward"}`,
		"Patient/p2":         `"name":[{"family":"Ödmann","given":["Zoë","Ann"]}],"birthDate":"1980-02","gender":"female","deceasedDateTime":"2026-01-01"`,
	} {
		typ, id, _ := strings.Cut(id, "/")
		a.do(201, "system", "PUT", "/fhir/"+typ+"/"+id, `{"resourceType":"`+typ+`","id":"`+id+`",`+body+`}`)
	}
	for id, body := range map[string]string{
		"Encounter/e1":                  `"status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},"subject":{"reference":"Patient/p1"},"period":{"start":"2026-03-01","end":"2026-03-09"},"serviceProvider":{"reference":"Organization/ward"}`,
		"Observation/hb":                `"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin"}]},"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},"effectiveDateTime":"2026-03-02T10:30:00Z","valueQuantity":{"value":132,"unit":"g/L","system":"http://unitsofmeasure.org","code":"g/L"},"performer":[{"reference":"Practitioner/doc"}]`,
		"Observation/bp":                `"status":"preliminary","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"subject":{"reference":"Patient/p1"},"effectivePeriod":{"start":"2026-03-05","end":"2026-03-06"},"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":107.5,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":60,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]`,
		"Observation/note":              `"status":"final","code":{"text":"How she feels"},"subject":{"reference":"Patient/p2"},"valueString":"Better, she says","meta":{"tag":[{"system":"urn:t","code":"seen"}],"profile":["http://example.org/p|1.0"],"source":"urn:src"},"effectiveDateTime":"2025"`,
		"MedicationRequest/drug":        `"status":"active","intent":"order","subject":{"reference":"Patient/p1"},"contained":[{"resourceType":"Medication","id":"m","code":{"coding":[{"system":"urn:med","code":"M1"}]}}],"medicationReference":{"reference":"#m"}`,
		"Questionnaire/asked":           `"status":"active","url":"http://example.org/asked","version":"2"`,
		"QuestionnaireResponse/answers": `"status":"completed","subject":{"reference":"Patient/p2"},"questionnaire":"http://example.org/asked|2"`,
		"List/l1":                       `"status":"current","mode":"working","subject":{"reference":"Patient/p1"},"entry":[{"item":{"reference":"Observation/hb"}}]`,
	} {
		typ, id, _ := strings.Cut(id, "/")
		a.do(201, "system", "PUT", "/fhir/"+typ+"/"+id, `{"resourceType":"`+typ+`","id":"`+id+`",`+body+`}`)
	}
}

// Search as the standard has it, each kind of parameter, modifier and chain.
// https://hl7.org/fhir/R4/search.html
func TestSearch(t *testing.T) {
	a := open(t)
	a.ward()
	for query, want := range map[string]string{
		"Observation?code=718-7": "hb", "Observation?code=http://loinc.org|718-7": "hb", "Observation?code=http://loinc.org|": "bp hb", "Observation?code=|718-7": "",
		"Observation?code=718-7,85354-9": "bp hb", "Observation?code:text=hemo": "hb", "Observation?code:not=718-7": "bp note", "Observation?status:missing=true": "",
		"Observation?encounter:missing=false": "hb", "Observation?value-string:exact=Better\\, she says": "note", "Observation?value-string:contains=SHE": "note", "Observation?value-string=she": "",
		"Observation?date=2026-03-02": "hb", "Observation?date=2026-03": "bp hb", "Observation?date=ge2026-03-03": "bp", "Observation?date=lt2026": "note", "Observation?date=ge2026-03-02&date=le2026-03-05": "bp hb",
		"Observation?date=sa2026-03-02": "bp", "Observation?date=eb2026": "note", "Observation?date=ne2026-03": "note", "Observation?date=2026-03-02T10:30Z": "hb", "Observation?date=ap2026-03-02": "bp hb",
		"Observation?value-quantity=132": "hb", "Observation?value-quantity=13.2|http://unitsofmeasure.org|g/dL": "hb", "Observation?value-quantity=gt131||g/L": "hb", "Observation?value-quantity=1.3e2": "hb",
		"Observation?value-quantity=131": "", "Observation?combo-value-quantity=lt100": "bp", "Observation?component-code-value-quantity=8480-6$gt100": "bp", "Observation?component-code-value-quantity=8462-4$gt100": "",
		"Observation?combo-code=8480-6": "bp", "Observation?patient=p1": "bp hb", "Observation?subject=Patient/p2": "note", "Observation?subject:Patient=p2": "note", "Observation?patient=Patient/nobody": "",
		"Observation?performer=Practitioner/doc": "hb", "Observation?performer=doc": "hb", "Observation?encounter=e1": "hb",
		"Observation?_tag=urn:t|seen": "note", "Observation?_profile=http://example.org/p": "note", "Observation?_source=urn:src": "note", "Observation?_id=hb,bp,none": "bp hb", "Observation?_list=l1": "hb",
		"Observation?_content=better": "note", "Observation?_lastUpdated=gt2000": "bp hb note", "Observation?_lastUpdated=gt2100": "",
		"Observation?patient.name=nobody": "", "Observation?performer.name=nobody": "", "Observation?patient.organization.name=nobody": "", "Patient?_has:Observation:patient:code=none": "", "Observation?_list=none": "",
		"Observation?patient.name=adey": "bp hb", "Observation?subject:Patient.birthdate=1980": "note", "Observation?patient.identifier=9991234519&code=718-7": "hb", "Observation?patient.organization.name=ward": "bp hb",
		"Observation?encounter.service-provider.partof=trust": "hb", "Observation?performer:Practitioner.family=osei": "hb", "Observation?patient.organization:Organization.partof.identifier=RJZ": "bp hb",
		"Patient?_has:Observation:patient:code=718-7": "p1", "Patient?_has:Observation:subject:value-string:contains=better": "p2", "Patient?_has:Encounter:patient:_has:Observation:encounter:code=718-7": "p1",
		"Organization?_has:Patient:organization:family=adeyemi": "ward", "Practitioner?_has:Observation:performer:patient.name=adeyemi": "doc",
		"Patient?family=adey": "p1", "Patient?name=odmann": "p2", "Patient?given=zoe": "p2", "Patient?given:exact=Zoe": "", "Patient?given:exact=Zoë": "p2", "Patient?family:contains=dema": "", "Patient?family:contains=yem": "p1",
		"Patient?birthdate=1980-02-14": "", "Patient?birthdate=1980": "p2", "Patient?deceased=true": "p2", "Patient?deceased=false": "p1", "Patient?death-date=2026-01-01": "p2", "Patient?identifier=999 123 4519": "p1",
		"Patient?gender=http://hl7.org/fhir/administrative-gender|female&birthdate=lt1960": "p1", "Organization?name=king": "trust", "Organization?partof=trust": "ward",
		"Location?near=51.5|-0.12|1|km": "bridge", "Location?near=51.5|-0.12|10": "bridge denmark", "Location?near=51.5|-0.12|3|[mi_us]": "bridge denmark",
		`Observation?_filter=code eq http://loinc.org|718-7 or (value-string co "better" and not (status eq preliminary))`: "hb note", `Observation?_filter=patient.family sw "adey" and date ge 2026-03-04`: "bp",
		`Patient?_filter=family eq "Adeyemi" or given pr false`: "p1", "Observation?code=718-7&_include=Observation:patient": "hb | Patient/p1", "Observation?code=718-7&_include=Observation:patient&_include:iterate=Patient:organization&_include:iterate=Organization:partof": "hb | Organization/trust Organization/ward Patient/p1",
		"Observation?code=718-7&_include=Observation:*": "hb | Encounter/e1 Patient/p1 Practitioner/doc", "Observation?code=718-7&_include=Observation:performer:Organization": "hb",
		"Patient?family=adeyemi&_revinclude=Observation:patient": "p1 | Observation/bp Observation/hb", "Encounter?_id=e1&_revinclude=*": "e1 | Observation/hb", "Practitioner?_revinclude=Observation:performer": "doc | Observation/hb",
		"Patient/p1/Observation": "bp hb", "Encounter/e1/Observation?code=718-7": "hb", "Patient/p1/Observation?status=final": "hb", "Patient/p2/*": "answers note p2", "Practitioner/doc/Observation": "hb",
		"?_type=Observation,List&patient=p1":  "bp hb l1",
		"Patient/p1/*?_type=Observation,List": "bp hb l1", "Patient/p1/*?_type=Encounter": "e1",
		"Observation?subject=" + a.env.HTTP + "/fhir/Patient/p2": "note", "Observation?subject=http://elsewhere.example/fhir/Patient/p2": "",
		`Observation?_filter=value-string ew "SAYS"`: "note", `Observation?_filter=value-string eq "better, she says"`: "note", `Observation?_filter=value-string eq "better"`: "", "Observation?_filter=date po 2026-03-05T12:00:00Z": "bp",
		`Observation?_filter=patient.family eq "adeyem"`: "", `Observation?_filter=patient.family eq "adeyemi"`: "bp hb", `Observation?_filter=patient.family ew "emi"`: "bp hb",
		"MedicationRequest?medication.code=M1": "drug", "MedicationRequest?medication:Medication.code=urn:med|M1": "drug", "MedicationRequest?medication.code=M2": "", "MedicationRequest?medication:Medication._id=m": "",
		"QuestionnaireResponse?questionnaire.status=active": "answers", "QuestionnaireResponse?questionnaire.status=draft": "", "QuestionnaireResponse?_include=QuestionnaireResponse:questionnaire": "answers | Questionnaire/asked",
		"Questionnaire?_revinclude=QuestionnaireResponse:questionnaire": "asked | QuestionnaireResponse/answers", "Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed": "asked",
	} {
		path, q, _ := strings.Cut(query, "?")
		var enc []string
		for _, kv := range strings.Split(q, "&") {
			if k, v, ok := strings.Cut(kv, "="); ok {
				enc = append(enc, url.QueryEscape(k)+"="+url.QueryEscape(v))
			}
		}
		for _, how := range []string{"GET", "POST"} {
			r := reply{}
			if how == "GET" {
				r = a.do(200, "system", "GET", "/fhir/"+path+"?"+strings.Join(enc, "&"), "", "Prefer: handling=strict")
			} else {
				r = a.do(200, "system", "POST", strings.TrimSuffix("/fhir/"+path, "/")+"/_search", strings.Join(enc, "&"), "Content-Type: application/x-www-form-urlencoded", "Prefer: handling=strict")
			}
			if got := r.found(); got != want {
				t.Errorf("%s %s: %q, want %q", how, query, got, want)
			}
		}
	}
}

// A doctor finds what belongs to a stay in the record that it stands in, and
// nothing of one that is not theirs to know.
func TestCompartmentsOfARecord(t *testing.T) {
	a := open(t)
	a.ward()
	citizen, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.do(200, "visitor", "GET", "/fhir/Encounter/e1/Observation", "").found(); got != "" {
		t.Errorf("before the relationship: %q", got)
	}
	s, _ := a.env.Subject("visitor")
	if err := a.env.Region.Access.Declare(t.Context(), s, citizen, ""); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"Encounter/e1/Observation": "hb", "Patient/" + citizen + "/Observation": "bp hb", "Patient/" + citizen + "/Encounter?status=finished": "e1", "Encounter/never/Observation": "",
		"Observation?patient=" + citizen + "&encounter=e1&_include=Observation:performer": "hb | Practitioner/doc", "Observation?patient.identifier=9991234519&code=718-7": "hb",
		"Observation?subject:identifier=https://fhir.nhs.uk/Id/nhs-number|9991234519&_sort=-date": "bp hb", "Observation?patient=p1": "bp hb"} {
		if got := a.do(200, "visitor", "GET", "/fhir/"+path, "").found(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// Everybody looks things up in the directory, in every way that a search has.
func TestDirectorySearches(t *testing.T) {
	a := open(t)
	a.ward()
	for query, want := range map[string]string{"Organization?_lastUpdated=gt2000&name=king": "trust", "Organization?_lastUpdated=gt2100": "", "Organization?partof.name=king": "ward", "Organization?partof.name=nobody": "",
		"Location?near=51.5|-0.12|1|km": "bridge", "Practitioner?family=osei": "doc", "Organization?name=ward&_include=Organization:partof": "ward | Organization/trust"} {
		if got := a.do(200, "doctor", "GET", "/fhir/"+query, "").found(); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if r := a.do(200, "doctor", "GET", "/fhir/Location?_lastUpdated=gt2000", ""); len(r.Entry) < 2 {
		t.Errorf("what was changed lately: %s", r.Body)
	}
}

// The parameters of a posted search stand in no URL, also not of its next page.
func TestPostedSearchesArePagedWithoutTheirParameters(t *testing.T) {
	a := open(t)
	a.ward()
	seen := map[string]bool{}
	r := a.do(200, "system", "POST", "/fhir/Observation/_search", "patient.identifier=9991234519&_count=1", "Content-Type: application/x-www-form-urlencoded")
	for range 3 {
		next := ""
		for _, e := range r.Entry {
			seen[e.Resource.ID] = true
		}
		for _, l := range r.Link {
			if l.Relation == "next" {
				next = l.URL
			}
		}
		if next == "" {
			break
		}
		if strings.Contains(next, "999") || strings.Contains(next, "identifier") {
			t.Errorf("the next page: %s", next)
		}
		r = a.do(200, "system", "GET", strings.TrimPrefix(next, a.env.HTTP), "")
		a.do(400, "doctor", "GET", strings.TrimPrefix(next, a.env.HTTP), "")
	}
	if len(seen) != 2 {
		t.Errorf("seen: %v", seen)
	}
}

// What a search may not ask has its error, which names the parameter.
func TestSearchErrors(t *testing.T) {
	a := open(t)
	a.ward()
	for query, want := range map[string]int{
		"Observation?code:exact=x": 400, "Observation?status:missing=maybe": 400, "Observation?value-quantity=abc": 400, "Observation?value-quantity=1|2": 400, "Observation?code=a|b|c": 400,
		"Observation?_sort=near": 400, "Observation?_include=nonsense": 400, "Observation?_include=Observation:code": 400, "Observation?_total=all": 400, "Observation?_summary=short": 400, "Observation?_count=-1": 400,
		"Observation?_filter=code": 400, "Observation?_filter=code xx y": 400, "Observation?_filter=(code eq y": 400, "Observation?component-code-value-quantity=x": 400, "Location?near=x": 400, "Location?near=51|0|1|furlong": 400,
		"Observation?code:in=http://nowhere": 404, "AllergyIntolerance?_list=$current-allergies": 400, "Observation?patient.name.x.y.z.a.b.c=1": 400, "Nonsense/x/Observation": 404, "Organization/x/Observation": 404, "?_type=Nonsense": 400,
	} {
		path, q, _ := strings.Cut(query, "?")
		k, v, _ := strings.Cut(q, "=")
		a.do(want, "system", "GET", "/fhir/"+path+"?"+url.QueryEscape(k)+"="+url.QueryEscape(v), "", "Prefer: handling=strict")
	}
}

// How the answer is: sorted, counted, shortened.
// https://hl7.org/fhir/R4/search.html#return
func TestHowAnAnswerIs(t *testing.T) {
	a := open(t)
	a.ward()
	order := func(query string) string {
		r := a.do(200, "system", "GET", "/fhir/"+query, "")
		var ids []string
		for _, e := range r.Entry {
			ids = append(ids, e.Resource.ID)
		}
		return strings.Join(ids, " ")
	}
	for query, want := range map[string]string{"Observation?_sort=date": "note hb bp", "Observation?_sort=-date": "bp hb note", "Observation?_sort=status,-date": "hb note bp", "Patient?_sort=family": "p1 p2",
		"Patient?_sort=-birthdate": "p2 p1", "Observation?_sort=value-quantity": "hb", "Organization?_sort=name&_count=1": "trust"} {
		if got := order(query); got != want && !(strings.HasPrefix(query, "Observation?_sort=value") && strings.HasPrefix(got, want)) {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation?_summary=count", ""); r.Total != 3 || len(r.Entry) != 0 {
		t.Errorf("a count: %s", r.Body)
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation?_count=0", ""); r.Total != 3 || len(r.Entry) != 0 {
		t.Errorf("none: %s", r.Body)
	}
	for query, without := range map[string]string{"Observation/hb?_summary=true": `"hasMember"`, "Observation?code=718-7&_elements=status": `"valueQuantity"`, "Observation?code=718-7&_summary=text": `"performer"`} {
		r := a.do(200, "system", "GET", "/fhir/"+query, "")
		if strings.Contains(string(r.Body), without) || !strings.Contains(string(r.Body), "SUBSETTED") {
			t.Errorf("%s: %s", query, r.Body)
		}
	}
	packed, err := a.env.Do(t.Context(), "system", "GET", "/fhir/Patient/p1/$everything", nil, "Accept-Encoding: gzip")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed.Body))
	if err != nil || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("packed: %v %v", err, packed.Header)
	}
	if plain, err := io.ReadAll(z); err != nil || !bytes.Contains(plain, []byte(`"searchset"`)) {
		t.Errorf("packed: %v %s", err, plain)
	}
	if r := a.do(200, "system", "GET", "/fhir/Observation/hb?_pretty=true", ""); !strings.Contains(string(r.Body), "\n  \"") {
		t.Errorf("pretty: %s", r.Body)
	}
	r := a.do(200, "system", "GET", "/fhir/Observation/hb", "")
	a.do(304, "system", "GET", "/fhir/Observation/hb", "", "If-None-Match: "+r.Header.Get("ETag"))
	a.do(304, "system", "GET", "/fhir/Observation/hb", "", "If-Modified-Since: "+r.Header.Get("Last-Modified"))
	a.do(200, "system", "GET", "/fhir/Observation/hb", "", "If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT")
}

// Conditions. https://hl7.org/fhir/R4/http.html#ccreate, #cond-update, #3.1.0.7.1
func TestConditions(t *testing.T) {
	a := open(t)
	a.ward()
	body := `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"identifier":[{"system":"urn:lab","value":"L1"}]}`
	first := a.do(201, "system", "POST", "/fhir/Observation", body, "If-None-Exist: identifier=urn:lab|L1")
	if again := a.do(200, "system", "POST", "/fhir/Observation", body, "If-None-Exist: identifier=urn:lab|L1"); again.ID != first.ID {
		t.Errorf("created again: %s", again.Body)
	}
	a.do(412, "system", "POST", "/fhir/Observation", body, "If-None-Exist: status=final")
	a.do(400, "system", "POST", "/fhir/Observation", body, "If-None-Exist: nonsense=1")
	a.do(412, "system", "POST", "/fhir/Observation", body, "If-None-Exist: _count=1")
	if r := a.do(200, "system", "PUT", "/fhir/Observation?identifier=urn:lab|L1", strings.Replace(body, `"x"`, `"y"`, 1)); r.ID != first.ID || r.Meta.VersionID != "2" {
		t.Errorf("updated: %s", r.Body)
	}
	a.do(201, "system", "PUT", "/fhir/Observation?identifier=urn:lab|L2", strings.Replace(body, "L1", "L2", 1))
	if r := a.do(201, "system", "PUT", "/fhir/Observation?identifier=urn:lab|L3", strings.Replace(strings.Replace(body, "L1", "L3", 1), `"status"`, `"id":"mine-3","status"`, 1)); r.ID != "mine-3" {
		t.Errorf("updated as create: %s", r.Body)
	}
	a.do(400, "system", "PUT", "/fhir/Observation?identifier=urn:lab|L1", strings.Replace(body, `"status"`, `"id":"other","status"`, 1))
	a.do(412, "system", "PUT", "/fhir/Observation?status=final", body)
	a.do(200, "system", "PATCH", "/fhir/Observation?identifier=urn:lab|L1", `[{"op":"replace","path":"/status","value":"amended"}]`, "Content-Type: application/json-patch+json")
	a.do(404, "system", "PATCH", "/fhir/Observation?identifier=urn:lab|L9", `[]`, "Content-Type: application/json-patch+json")
	a.do(204, "system", "DELETE", "/fhir/Observation?identifier=urn:lab|L1,urn:lab|L2", "")
	a.do(204, "system", "DELETE", "/fhir/Observation?identifier=urn:lab|L9", "")
	a.do(412, "system", "DELETE", "/fhir/Observation", "")
	if got := a.do(200, "system", "GET", "/fhir/Observation?identifier=urn:lab|", "").found(); got != "mine-3" {
		t.Errorf("left: %s", got)
	}
	// Many at once make it once.
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, _ = a.env.Do(t.Context(), "system", "POST", "/fhir/Observation", []byte(strings.Replace(body, "L1", "L7", 1)), "If-None-Exist: identifier=urn:lab|L7")
		})
	}
	all.Wait()
	if r := a.do(200, "system", "GET", "/fhir/Observation?identifier=urn:lab|L7", ""); r.Total != 1 {
		t.Errorf("made %d times", r.Total)
	}
	// What is another's does not meet a condition, and can't be seen by one.
	a.do(403, "doctor", "POST", "/fhir/Observation", body, "If-None-Exist: identifier=urn:lab|L7")
}

// Patches of both kinds. https://hl7.org/fhir/R4/http.html#patch
func TestPatch(t *testing.T) {
	a := open(t)
	a.ward()
	r := a.do(200, "system", "PATCH", "/fhir/Observation/hb", `[{"op":"test","path":"/status","value":"final"},{"op":"replace","path":"/valueQuantity/value","value":131.50}]`, "Content-Type: application/json-patch+json")
	if r.Meta.VersionID != "2" || !strings.Contains(string(r.Body), `"value":131.50`) {
		t.Errorf("JSON Patch: %s", r.Body)
	}
	r = a.do(200, "system", "PATCH", "/fhir/Observation/hb", `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"add"},{"name":"path","valueString":"Observation"},{"name":"name","valueString":"note"},{"name":"value","part":[{"name":"text","valueMarkdown":"repeated"}]}]}]}`)
	if r.Meta.VersionID != "3" || !strings.Contains(string(r.Body), `"note":[{"text":"repeated"}]`) {
		t.Errorf("FHIRPath Patch: %s", r.Body)
	}
	json := "Content-Type: application/json-patch+json"
	a.do(409, "system", "PATCH", "/fhir/Observation/hb", `[{"op":"test","path":"/status","value":"amended"}]`, json)
	a.do(412, "system", "PATCH", "/fhir/Observation/hb", `[{"op":"remove","path":"/note"}]`, json, `If-Match: W/"1"`)
	a.do(200, "system", "PATCH", "/fhir/Observation/hb", `[{"op":"remove","path":"/note"}]`, json, `If-Match: W/"3"`)
	a.do(422, "system", "PATCH", "/fhir/Observation/hb", `[{"op":"remove","path":"/none"}]`, json)
	a.do(400, "system", "PATCH", "/fhir/Observation/hb", `[{"op":"replace","path":"/id","value":"x"}]`, json)
	a.do(400, "system", "PATCH", "/fhir/Observation/hb", `{"op":"x"}`, json)
	a.do(404, "system", "PATCH", "/fhir/Observation/none", `[]`, json)
	a.do(415, "system", "PATCH", "/fhir/Observation/hb", `<diff/>`, "Content-Type: application/xml-patch+xml")
	a.do(403, "doctor", "PATCH", "/fhir/Observation/hb", `[]`, json)
}

// A transaction with everything in it. https://hl7.org/fhir/R4/http.html#transaction
func TestTransactionOfEveryKind(t *testing.T) {
	a := open(t)
	a.ward()
	tx := `{"resourceType":"Bundle","type":"transaction","entry":[
		{"request":{"method":"GET","url":"Observation?identifier=urn:lab|new"}},
		{"fullUrl":"urn:uuid:6b2a2f0e-0000-4000-8000-000000000001","resource":{"resourceType":"Organization","name":"x","identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"RJZ"}]},"request":{"method":"POST","url":"Organization","ifNoneExist":"identifier=https://fhir.nhs.uk/Id/ods-organization-code|RJZ"}},
		{"fullUrl":"urn:uuid:6b2a2f0e-0000-4000-8000-000000000002","resource":{"resourceType":"Observation","status":"final","code":{"text":"new"},"identifier":[{"system":"urn:lab","value":"new"}],"subject":{"reference":"Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9991234519"},"performer":[{"reference":"urn:uuid:6b2a2f0e-0000-4000-8000-000000000001"}]},"request":{"method":"POST","url":"Observation"}},
		{"resource":{"resourceType":"Observation","status":"amended","code":{"text":"How she feels"},"subject":{"reference":"Patient/p2"},"valueString":"Well","hasMember":[{"reference":"urn:uuid:6b2a2f0e-0000-4000-8000-000000000002"}]},"request":{"method":"PUT","url":"Observation?value-string:contains=better"}},
		{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9zdGF0dXMiLCJ2YWx1ZSI6ImZpbmFsIn1d"},"request":{"method":"PATCH","url":"Observation/bp"}},
		{"request":{"method":"DELETE","url":"List?_id=l1"}}]}`
	r := a.do(200, "system", "POST", "/fhir", tx)
	var got []string
	for _, e := range r.Entry {
		got = append(got, e.Response.Status)
	}
	if fmt.Sprint(got) != "[200 OK 200 OK 201 Created 200 OK 200 OK 204 No Content]" || r.Entry[0].Resource == nil || r.Entry[0].Resource.Total != 1 || !strings.HasPrefix(r.Entry[1].Response.Location, "Organization/trust/") {
		t.Fatalf("%v: %s", got, r.Body)
	}
	made, _, _ := strings.Cut(strings.TrimPrefix(r.Entry[2].Response.Location, "Observation/"), "/")
	for path, want := range map[string]string{"Observation/" + made: `"reference":"Organization/trust"`, "Observation/note": `"reference":"Observation/` + made, "Observation/bp": `"status":"final"`} {
		if got := a.do(200, "system", "GET", "/fhir/"+path, ""); !strings.Contains(string(got.Body), want) {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
	if got := a.do(200, "system", "GET", "/fhir/Observation?patient=p1&identifier=urn:lab|new", "").found(); got != made {
		t.Errorf("the conditional reference: %s", got)
	}
	a.do(410, "system", "GET", "/fhir/List/l1", "")
	for name, bad := range map[string]string{
		"a reference that nothing meets": strings.Replace(tx, "9991234519", "9000000009", 1),
		"a condition that several meet":  strings.Replace(tx, "Observation?value-string:contains=better", "Observation?status=final", 1),
	} {
		before := a.do(200, "system", "GET", "/fhir/_history", "").Entry
		ans, err := a.env.Do(t.Context(), "system", "POST", "/fhir", []byte(bad))
		if err != nil || ans.Status != 412 {
			t.Errorf("%s: %v %d %s", name, err, ans.Status, ans.Body)
		}
		if after := a.do(200, "system", "GET", "/fhir/_history", "").Entry; len(after) != len(before) {
			t.Errorf("%s: something was written", name)
		}
	}
}

// Histories of a type and of all, page by page. https://hl7.org/fhir/R4/http.html#history
func TestHistories(t *testing.T) {
	a := open(t)
	a.ward()
	a.do(204, "system", "DELETE", "/fhir/Observation/note", "")
	all := func(path string) (seen []string) {
		next := path
		for next != "" {
			r := a.do(200, "system", "GET", next, "")
			next = ""
			for _, e := range r.Entry {
				seen = append(seen, e.Request.Method+" "+strings.TrimPrefix(e.FullURL, a.env.HTTP+"/fhir/"))
			}
			for _, l := range r.Link {
				if l.Relation == "next" {
					next = strings.TrimPrefix(l.URL, a.env.HTTP)
				}
			}
		}
		return seen
	}
	// A version that was made before is current at a time, until the next one is made.
	for query, want := range map[string]int{"_at=2100": 1, "_at=gone": -1, "_at=1999": 0, "_since=2100-01-01T00:00:00Z": 0, "_at=2100&_since=2100-01-01T00:00:00Z": 0} {
		if want < 0 {
			a.do(400, "system", "GET", "/fhir/Observation/hb/_history?"+query, "")
		} else if got := all("/fhir/Observation/hb/_history?" + query); len(got) != want {
			t.Errorf("%s: %v, want %d", query, got, want)
		}
	}
	// Its pages are as at one time.
	a.do(200, "system", "PUT", "/fhir/Organization/ward", `{"resourceType":"Organization","id":"ward","name":"Ward 10"}`)
	first := a.do(200, "system", "GET", "/fhir/Organization/ward/_history?_count=1", "")
	a.do(200, "system", "PUT", "/fhir/Organization/ward", `{"resourceType":"Organization","id":"ward","name":"Ward 11"}`)
	if r := a.do(200, "system", "GET", strings.TrimPrefix(first.Link[1].URL, a.env.HTTP), ""); r.Total != 2 || r.Entry[0].Resource.Meta.VersionID != "1" {
		t.Errorf("the second page: %s", r.Body)
	}
	whole := all("/fhir/_history")
	if len(whole) != 18 || whole[2] != "DELETE Observation/note" {
		t.Errorf("all: %d %v", len(whole), whole)
	}
	for _, count := range []string{"1", "2", "5", "18"} {
		if got := all("/fhir/_history?_count=" + count); !slices.Equal(got, whole) {
			t.Errorf("by %s: %v", count, got)
		}
	}
	if got := all("/fhir/Observation/_history?_count=2"); len(got) != 4 || got[0] != "DELETE Observation/note" {
		t.Errorf("of a type: %v", got)
	}
	if got := all("/fhir/Observation/_history?_since=2100-01-01T00:00:00Z"); len(got) != 0 {
		t.Errorf("since: %v", got)
	}
	if got := all("/fhir/Observation/note/_history?_count=1"); len(got) != 2 {
		t.Errorf("of one: %v", got)
	}
	a.do(400, "reception", "GET", "/fhir/_history", "")
	a.do(400, "system", "GET", "/fhir/_history?_since=then", "")
}

// If-None-Match: * on an update: it makes what is not there, and changes nothing.
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
func TestUpdateOfWhatIsNotThere(t *testing.T) {
	a := open(t)
	a.patient("p1", "9991234519")
	const once = "If-None-Match: *"
	for _, typ := range []string{"Observation", "Patient"} {
		body := `{"resourceType":"Patient","id":"new","name":[{"family":"New"}]}`
		if typ == "Observation" {
			body = observation("new", "p1", "one")
		}
		at := "/fhir/" + typ + "/new"
		a.do(201, "system", "PUT", at, body, once)
		a.do(412, "system", "PUT", at, body, once)
		if r := a.do(200, "system", "GET", at, ""); r.Meta.VersionID != "1" {
			t.Errorf("%s has version %s", typ, r.Meta.VersionID)
		}
	}
	a.do(204, "system", "DELETE", "/fhir/Observation/new", "")
	a.do(201, "system", "PUT", "/fhir/Observation/new", observation("new", "p1", "again"), once) // it is brought back
	a.do(400, "system", "PUT", "/fhir/Observation/new", observation("new", "p1", "x"), `If-None-Match: W/"1"`)
	a.do(412, "system", "PUT", "/fhir/Observation?_id=new", observation("new", "p1", "x"), once)
	bundle := func(kind, id string) string {
		return `{"resourceType":"Bundle","type":"` + kind + `","entry":[{"resource":` + observation(id, "p1", "x") + `,"request":{"method":"PUT","url":"Observation/` + id + `","ifNoneMatch":"*"}}]}`
	}
	a.do(200, "system", "POST", "/fhir", bundle("transaction", "in-one"))
	a.do(412, "system", "POST", "/fhir", bundle("transaction", "in-one"))
	if r := a.do(200, "system", "POST", "/fhir", bundle("batch", "in-one")); !strings.Contains(string(r.Body), `"status":"412`) {
		t.Errorf("in a batch: %s", r.Body)
	}
}

// A search of several types has pages, an order and a count as one of a single type has.
// https://hl7.org/fhir/R4/search.html#count
func TestSeveralTypesAtOnce(t *testing.T) {
	a := open(t)
	a.ward()
	for _, path := range []string{"?_type=Observation,Patient,List&_lastUpdated=gt2020", "?_lastUpdated=gt2020", "Patient/p1/*?_lastUpdated=gt2020"} {
		whole := a.do(200, "system", "GET", "/fhir/"+path+"&_count=100", "")
		want := whole.found()
		if whole.Total != len(whole.Entry) || whole.Total < 5 {
			t.Errorf("%s: a total of %d, %d entries", path, whole.Total, len(whole.Entry))
		}
		if r := a.do(200, "system", "GET", "/fhir/"+path+"&_summary=count", ""); r.Total != whole.Total || len(r.Entry) != 0 {
			t.Errorf("%s: a count of %d, want %d", path, r.Total, whole.Total)
		}
		for _, count := range []int{1, 2, 3} {
			var got []string
			for next := fmt.Sprintf("/fhir/%s&_count=%d", path, count); next != ""; {
				r := a.do(200, "system", "GET", next, "")
				if len(r.Entry) == 0 || len(r.Entry) > count {
					t.Fatalf("%s: a page of %d with %d", path, count, len(r.Entry))
				}
				for _, e := range r.Entry {
					got = append(got, e.Resource.ID)
				}
				next = ""
				for _, l := range r.Link {
					if l.Relation == "next" {
						next = strings.TrimPrefix(l.URL, a.env.HTTP)
					}
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != want {
				t.Errorf("%s in pages of %d: %v, want %s", path, count, got, want)
			}
		}
	}
	// Each page says where it is itself; what has no value asks nothing.
	second := a.do(200, "system", "GET", "/fhir/Observation?_count=1&_sort=&_elements=", "").Link[1].URL
	if r := a.do(200, "system", "GET", strings.TrimPrefix(second, a.env.HTTP), ""); r.Link[0].URL != second || strings.Contains(string(r.Body), "SUBSETTED") {
		t.Errorf("the second page: %s, asked by %s", r.Body, second)
	}
	order := func(r reply) (ids []string) {
		for _, e := range r.Entry {
			ids = append(ids, e.Resource.ID)
		}
		return ids
	}
	if got := order(a.do(200, "system", "GET", "/fhir?_type=Observation,Encounter&patient=p1&_sort=-date", "")); fmt.Sprint(got) != "[bp hb e1]" {
		t.Errorf("sorted by date: %v", got)
	}
	r := a.do(200, "system", "GET", "/fhir?_type=Observation,Encounter&patient=p1&_include=*&_count=100", "")
	seen := map[string]bool{}
	for _, e := range r.Entry {
		if seen[e.FullURL] {
			t.Errorf("%s stands twice", e.FullURL)
		}
		seen[e.FullURL] = true
	}
	if !strings.Contains(r.Link[0].URL, "_type=") {
		t.Errorf("the self link lost the types: %s", r.Link[0].URL)
	}
	a.do(400, "system", "GET", "/fhir?_type=Observation,Patient&nonsense=1", "", "Prefer: handling=strict")
	if r := a.do(200, "system", "GET", "/fhir?_type=Organization,Practitioner&nonsense=1", ""); len(r.Entry) != 4 || strings.Contains(r.Link[0].URL, "nonsense") {
		t.Errorf("an unknown parameter, leniently: %s", r.Body)
	}
}
