package subscription_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/auth"
	"selda/internal/pgtest"
	"selda/internal/testenv"
	"selda/nhs"
)

const element = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."

// withTopic opens a region whose operator has added a topic, http://example.org/t,
// of some elements.
func withTopic(t *testing.T, elements ...string) *region { return withTopicOn(t, "", elements...) }

// withTopicOn is withTopic, on a database.
func withTopicOn(t *testing.T, dsn string, elements ...string) *region {
	t.Helper()
	dir := t.TempDir()
	topic := `{"resourceType":"Basic","code":{"coding":[{"system":"http://hl7.org/fhir/fhir-types","code":"SubscriptionTopic"}]},"extension":[
		{"url":"` + element + `url","valueUri":"http://example.org/t"},{"url":"` + element + `version","valueString":"1.2"},` + strings.Join(elements, ",") + `]}`
	for name, s := range map[string]string{"topic.json": topic, "subscriptions.yaml": "topics: .\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &region{T: t, dir: t.TempDir(), dsn: dsn}
	r.with(testenv.Start, filepath.Join(dir, "subscriptions.yaml"))
	t.Cleanup(func() { _ = r.env.Close() })
	return r
}

// ofTopic is a Subscription to that topic.
func ofTopic(endpoint, content string, more ...string) string {
	return strings.Replace(topical("t", endpoint, content, more...), "https://selda.example/SubscriptionTopic/t", "http://example.org/t", 1)
}

// sub is an element with parts.
func sub(url string, parts ...string) string {
	return `{"url":"` + url + `","extension":[` + strings.Join(parts, ",") + `]}`
}

func part(url, kind, value string) string {
	return `{"url":"` + url + `","value` + kind + `":"` + value + `"}`
}

func event(typ string, codings ...string) string {
	var list []string
	for _, c := range codings {
		system, code, _ := strings.Cut(c, "|")
		list = append(list, `{"system":"`+system+`","code":"`+code+`"}`)
	}
	return sub(element+"eventTrigger", part("resource", "Uri", "http://hl7.org/fhir/StructureDefinition/"+typ),
		`{"url":"event","valueCodeableConcept":{"coding":[`+strings.Join(list, ",")+`]}}`)
}

const v2 = "http://terminology.hl7.org/CodeSystem/v2-0003|"

// eventTrigger: what is told was written by a message that says what has happened,
// a trigger event of HL7 v2 or the event of a FHIR message.
func TestEventsOfMessages(t *testing.T) { onBoth(t, eventsOfMessages) }

// onBoth tries something on a folder, and on a database.
func onBoth(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Run("folder", func(t *testing.T) { f(t, "") })
	t.Run("database", func(t *testing.T) {
		if testing.Short() {
			t.Skip("in the long run of tests")
		}
		f(t, pgtest.DSN(t))
	})
}

func eventsOfMessages(t *testing.T, dsn string) {
	r := withTopicOn(t, dsn, event("Encounter", v2+"A01", "http://example.org/synonyms|admit"), event("Encounter", v2+"A03"), event("Appointment", "https://example.org/events|booked"))
	if err := r.env.Region.Auth.Accounts.Put(auth.Account{User: "pas", Name: "PAS", Role: nhs.SourceSystem, Organisation: "RJ1", Source: "RJ1:PAS"}); err != nil {
		t.Fatal(err)
	}
	v, other := receive(t), receive(t)
	r.subscribe("pas", ofTopic(v.URL, "full-resource"))
	r.subscribe("system", ofTopic(other.URL, "full-resource"))
	r.settle()
	v.got()
	other.got()
	send := func(trigger, control, class string) {
		t.Helper()
		m := "MSH|^~\\&|PAS|RJ1|SELDA|QKK|20261105080000||ADT^" + trigger + "|" + control + "|P|2.4\nEVN|" + trigger + "|20261105080000\nPID|1||G1^^^RJ1^MR||MESSAGE^ADA||19511105|F\nPV1|1|" + class + "|W1||||||||||||||||V1|||||||||||||||||||||||||20261105070000|\n"
		if _, err := r.env.Send(t.Context(), []byte(strings.ReplaceAll(m, "\n", "\r"))); err != nil {
			t.Fatal(err)
		}
		r.settle()
	}
	told := func() (out []string) {
		for _, c := range v.got() {
			for _, e := range decoded(t, c.Body).Entry[1:] {
				out = append(out, e.Request.Method+" "+e.Resource.ResourceType+" "+e.Resource.Status)
			}
		}
		return out
	}
	send("A01", "1", "I")
	same(t, "admitted", told(), "POST Encounter in-progress")
	send("A08", "2", "O")
	same(t, "changed", told())
	send("A03", "3", "O")
	same(t, "discharged", told(), "PUT Encounter finished")

	booked := func(event, id string) {
		t.Helper()
		s, err := r.env.Ingest(t.Context(), "RJ1:PAS", "fhir", "", "m.json", []byte(`{"resourceType":"Bundle","type":"message","entry":[
			{"fullUrl":"urn:uuid:6ecff9d1-2b1f-4a4c-8f51-11e4cf5f6a6`+id+`","resource":{"resourceType":"MessageHeader","eventCoding":{"system":"https://example.org/events","code":"`+event+`"},"source":{"endpoint":"urn:x"}}},
			{"fullUrl":"urn:uuid:6ecff9d1-2b1f-4a4c-8f51-11e4cf5f6a7`+id+`","resource":{"resourceType":"Patient","identifier":[{"system":"https://example.org/numbers","value":"G1"}],"name":[{"family":"Message"}],"birthDate":"1951-11-05"}},
			{"fullUrl":"urn:uuid:6ecff9d1-2b1f-4a4c-8f51-11e4cf5f6a8`+id+`","resource":{"resourceType":"Appointment","identifier":[{"system":"https://example.org/bookings","value":"`+id+`"}],"status":"booked","participant":[{"actor":{"reference":"urn:uuid:6ecff9d1-2b1f-4a4c-8f51-11e4cf5f6a7`+id+`"},"status":"accepted"}]}}]}`))
		if err != nil || s.Stored != 1 {
			t.Fatal(s, err)
		}
		r.settle()
	}
	booked("cancelled", "1")
	same(t, "another event", told())
	booked("booked", "2")
	same(t, "booked", told(), "POST Appointment booked")
	r.patient("p1", "")
	r.do(201, "system", "PUT", "/fhir/Encounter/e1", `{"resourceType":"Encounter","id":"e1","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/p1"}}`)
	r.settle()
	same(t, "what no message wrote", other.told())
}

// Invariant 3: what kind of message it was is told of no part of it while
// another part is hidden: the Patient of an admission to a ward that is hidden.
func TestInvariant3AnEventOfAMessageOfWhichSomethingIsHidden(t *testing.T) {
	r := withTopic(t, event("Patient", "https://example.org/events|admitted"))
	r.declared()
	v := receive(t)
	id := r.subscribe("visitor", ofTopic(v.URL, "full-resource", "patient=Patient/p1"))
	r.settle()
	v.got()
	admit := func(n, label string) {
		t.Helper()
		s, err := r.env.Ingest(t.Context(), "RJ1:WARD", "fhir", "", "m.json", []byte(`{"resourceType":"Bundle","type":"message","entry":[
			{"fullUrl":"urn:uuid:6ecff9d1-2b1f-4a4c-8f51-11e4cf5f6a6`+n+`","resource":{"resourceType":"MessageHeader","eventCoding":{"system":"https://example.org/events","code":"admitted"},"source":{"endpoint":"urn:x"}}},
			{"fullUrl":"urn:uuid:6ecff9d1-2b1f-4a4c-8f51-11e4cf5f6a71","resource":{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+folake+`"}],"name":[{"family":"p1","given":["A"]}],"birthDate":"1951-11-05","address":[{"text":"`+n+`"}]}},
			{"fullUrl":"urn:uuid:6ecff9d1-2b1f-4a4c-8f51-11e4cf5f6a8`+n+`","resource":{"resourceType":"Encounter",`+label+`"status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"urn:uuid:6ecff9d1-2b1f-4a4c-8f51-11e4cf5f6a71"}}}]}`))
		if err != nil || s.Stored != 1 {
			t.Fatal(s, err)
		}
		r.settle()
	}
	admit("1", `"meta":{"security":[{"system":"https://selda.example/labels","code":"hiv-sti"}]},`)
	same(t, "a hidden visit", v.told())
	admit("2", "")
	if told := v.told(); len(told) != 1 || !strings.HasPrefix(told[0], "1:Patient/") {
		t.Errorf("a visit that is shown: %v", told)
	}
	r.objects("", "active")
	same(t, "$events under an objection", said(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$events", "")), "1:")
}

// notificationShape: what is referred to, what refers, and on from there, as far
// as the subscriber may see it, and no more than twenty.
func TestWhatIsToldBeside(t *testing.T) { onBoth(t, toldBeside) }

func toldBeside(t *testing.T, dsn string) {
	r := withTopicOn(t, dsn, sub(element+"resourceTrigger", part("resource", "Uri", "Encounter"), part("supportedInteraction", "Code", "update")),
		sub(element+"notificationShape", part("resource", "Uri", "Encounter"), part("include", "String", "Encounter:patient&iterate=Patient.general-practitioner"), part("include", "String", "_include=Encounter:location"),
			part("revInclude", "String", "Observation:encounter"), part("revInclude", "String", "_revinclude=Provenance:target:Encounter"), part("revInclude", "String", "Procedure:subject")))
	r.declared()
	write := func(ref, more string) {
		t.Helper()
		typ, id, _ := strings.Cut(ref, "/")
		r.do(201, "system", "PUT", "/fhir/"+ref, `{"resourceType":"`+typ+`","id":"`+id+`",`+more+`}`)
	}
	const about = `"subject":{"reference":"Patient/p1"}`
	const coded = `"status":"final","code":{"text":"x"},` + about
	write("Practitioner/gp1", `"active":true`)
	r.do(200, "system", "PUT", "/fhir/Patient/p1", `{"resourceType":"Patient","id":"p1","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+folake+`"}],"name":[{"family":"p1","given":["A"]}],"birthDate":"1951-11-05","generalPractitioner":[{"reference":"Practitioner/gp1"}]}`)
	write("Location/ward", `"status":"active"`)
	encounter := func(status string, want int) {
		t.Helper()
		r.do(want, "system", "PUT", "/fhir/Encounter/e1", `{"resourceType":"Encounter","id":"e1","status":"`+status+`","class":{"code":"IMP"},"location":[{"location":{"reference":"Location/ward"}}],`+about+`}`)
		r.settle()
	}
	encounter("planned", 201)
	write("Encounter/e2", `"status":"planned","class":{"code":"IMP"},`+about)
	write("Observation/o1", coded+`,"encounter":{"reference":"Encounter/e1"}`)
	write("Observation/secret", `"meta":{"security":[{"system":"https://selda.example/labels","code":"hiv-sti"}]},`+coded+`,"encounter":{"reference":"Encounter/e1"}`)
	write("Observation/other", coded+`,"encounter":{"reference":"Encounter/e2"}`)
	write("Procedure/u1", `"status":"completed",`+about)
	write("Provenance/v1", `"target":[{"reference":"Encounter/e1"}],"recorded":"2026-11-05T08:00:00Z","agent":[{"who":{"display":"x"}}]`)

	own, theirs, ids := receive(t), receive(t), receive(t)
	r.subscribe("system", ofTopic(own.URL, "full-resource"))
	r.subscribe("visitor", ofTopic(theirs.URL, "full-resource", "Encounter?patient=Patient/p1"))
	r.subscribe("visitor", ofTopic(ids.URL, "id-only", "Encounter?patient=Patient/p1"))
	r.settle()
	for _, v := range []*receiver{own, theirs, ids} {
		v.got()
	}
	beside := func(v *receiver) (refs, bodies []string) {
		t.Helper()
		for _, c := range v.got() {
			b := decoded(t, c.Body)
			for _, p := range b.Entry[0].Resource.Parameter {
				for _, x := range p.Part {
					if _, ref, ok := strings.Cut(x.ValueReference.Reference, "/fhir/"); ok && x.Name == "additional-context" {
						refs = append(refs, ref)
					}
				}
			}
			for _, e := range b.Entry[1:] {
				if e.Request.Method == "GET" {
					bodies = append(bodies, e.Resource.ResourceType+"/"+e.Resource.ID)
				}
			}
		}
		return refs, bodies
	}
	encounter("arrived", 200)
	all := []string{"Patient/p1", "Location/ward", "Observation/secret", "Observation/o1", "Provenance/v1", "Practitioner/gp1"}
	shown := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "Observation/secret" || s == "Provenance/v1" }) // that stands in no record
	refs, bodies := beside(own)
	same(t, "whoever wrote it", refs, all...)
	same(t, "in whole", bodies, all...)
	refs, bodies = beside(theirs)
	same(t, "whom it is hidden from", refs, shown...)
	same(t, "in whole", bodies, shown...)
	refs, bodies = beside(ids)
	same(t, "by id", refs, shown...)
	same(t, "without bodies", bodies)
	for i := range 30 {
		write("Observation/many"+string(rune('a'+i%26))+string(rune('a'+i/26)), coded+`,"encounter":{"reference":"Encounter/e1"}`)
	}
	encounter("in-progress", 200)
	if refs, bodies = beside(own); len(refs) != 20 || len(bodies) != 20 {
		t.Errorf("of forty there are %d and %d", len(refs), len(bodies))
	}
}

// canFilterBy: a topic says by what, and how, it may be filtered; whose record it
// is may always be said.
func TestFiltersThatATopicOffers(t *testing.T) {
	filter := func(name string, more ...string) string {
		return sub(element+"canFilterBy", append([]string{part("resource", "Uri", "Observation"), part("filterParameter", "String", name)}, more...)...)
	}
	r := withTopic(t, sub(element+"resourceTrigger", part("resource", "Uri", "Observation")),
		filter("code", part("modifier", "Code", "in")), filter("date", part("comparator", "Code", "ge")),
		filter("state", part("filterDefinition", "Uri", "http://hl7.org/fhir/SearchParameter/Observation-status")))
	r.declared()
	for q, want := range map[string]int{"code=1975-2": 201, "Observation?code=1975-2&date=ge2026": 201, "Observation?date=2026": 201, "state=final&patient=Patient/p1": 201,
		"code:in=http://hl7.org/fhir/ValueSet/observation-vitalsignresult": 201,
		"status=final": 400, "date=gt2026": 400, "date=ge2026,lt2020": 400, "code:not=1": 400, "state=final&category=x": 400, "code:in=http://example.org/nothing": 400} {
		v := receive(t)
		if b := r.do(want, "system", "POST", "/fhir/Subscription", ofTopic(v.URL, "empty", q)); want != 201 && !strings.Contains(string(b), "not-supported") {
			t.Errorf("%s: %s", q, b)
		}
	}
	r.do(400, "system", "POST", "/fhir/Subscription", strings.Replace(ofTopic("http://127.0.0.1:1/", "empty"), "example.org/t", "example.org/t|9", 1))
	r.do(201, "system", "POST", "/fhir/Subscription", strings.Replace(ofTopic("http://127.0.0.1:1/", "empty"), "example.org/t", "example.org/t|1.2", 1))
	v, vital := receive(t), receive(t)
	r.subscribe("system", ofTopic(v.URL, "full-resource", "state=final&code=1975-2"))
	r.subscribe("system", ofTopic(vital.URL, "full-resource", "code:in=http://hl7.org/fhir/ValueSet/observation-vitalsignresult"))
	r.settle()
	v.got()
	vital.got()
	r.observe("p1", "final")
	r.do(201, "system", "POST", "/fhir/Observation", `{"resourceType":"Observation","status":"preliminary","code":{"coding":[{"system":"http://loinc.org","code":"1975-2"}]},"subject":{"reference":"Patient/p1"},"valueString":"not yet"}`)
	r.do(201, "system", "POST", "/fhir/Observation", `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/p1"},"valueString":"pulse"}`)
	r.settle()
	same(t, "by the topic's own name", v.told(), "1:final")
	same(t, "by a value set", vital.told(), "1:pulse")
}

// A Subscription goes on to its end, and is off then; its owner may turn one
// that fails on again.
func TestEndAndAgain(t *testing.T) {
	r := open(t)
	r.patient("p1", "")
	v, down := receive(t), receive(t)
	until := func(s string) string {
		return strings.Replace(topical("result", v.URL, "full-resource"), `"reason"`, `"end":"`+s+`","reason"`, 1)
	}
	id := r.subscribe("system", until(testenv.Start.Add(time.Hour).Format(time.RFC3339)))
	down.set(func(call) int { return 503 })
	failing := r.subscribe("system", topical("result", down.URL, "full-resource"))
	r.settle()
	v.got()
	r.observe("p1", "one")
	r.settle()
	same(t, "before its end", v.told(), "1:one")
	same(t, "status", []string{r.status("system", id), r.status("system", failing)}, "active", "error")
	down.set(nil)
	again := decoded(t, r.do(200, "system", "PATCH", "/fhir/Subscription/"+failing, `[{"op":"replace","path":"/status","value":"active"}]`, "Content-Type: application/json-patch+json"))
	if again.Status != "requested" {
		t.Errorf("asked for again: %s", again.Status)
	}
	r.settle()
	same(t, "asked for again", down.told(), "handshake", "1:one")
	r.env.Advance(2 * time.Hour)
	r.observe("p1", "two")
	r.settle()
	same(t, "after its end", v.told())
	same(t, "status", []string{r.status("system", id), r.status("system", failing)}, "off", "active")
	if b := string(r.do(200, "system", "GET", "/fhir/Subscription/"+id+"/$status", "")); !strings.Contains(b, `"valueCode":"off"`) || !strings.Contains(b, "its end has come") {
		t.Errorf("$status: %s", b)
	}
	r.do(422, "system", "POST", "/fhir/Subscription", until("2020-01-01T00:00:00Z"))
}
