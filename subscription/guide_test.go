package subscription_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/validate"
	"selda/terminology"
)

// guide is what the backport's two profiles of notifications in R4 say: which
// parameters, how often, with which values.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-status-r4.html
func guide(t *testing.T) *validate.Validator {
	t.Helper()
	slices := func(path string, rows ...string) string {
		out := fmt.Sprintf(`{"id":"%s","path":"%s","slicing":{"discriminator":[{"type":"value","path":"name"}],"rules":"open"}}`, path, strings.ReplaceAll(path, ":notification-event", ""))
		for _, row := range rows {
			f := strings.Fields(row) // name, min, max, type, min of the value
			id, at := path+":"+f[0], strings.ReplaceAll(path, ":notification-event", "")
			out += fmt.Sprintf(`,{"id":"%s","path":"%s","sliceName":"%s","min":%s,"max":"%s"},{"id":"%s.name","path":"%s.name","fixedString":"%s"}`, id, at, f[0], f[1], f[2], id, at, f[0])
			if len(f) > 3 {
				out += fmt.Sprintf(`,{"id":"%s.value[x]","path":"%s.value[x]","min":%s,"type":[{"code":"%s"}]}`, id, at, f[4], f[3])
			}
		}
		return out
	}
	status := slices("Parameters.parameter", "subscription 1 1 Reference 1", "topic 0 1 canonical 0", "status 1 1 code 1", "type 1 1 code 1", "events-since-subscription-start 0 1 string 0",
		"error 0 * CodeableConcept 0", "notification-event 0 *") + "," +
		slices("Parameters.parameter:notification-event.part", "event-number 1 1 string 1", "timestamp 0 1 instant 0", "focus 0 1 Reference 0", "additional-context 0 * Reference 0") +
		`,{"id":"Parameters.parameter:status.value[x]","path":"Parameters.parameter.value[x]","binding":{"strength":"required","valueSet":"http://hl7.org/fhir/ValueSet/subscription-status"}}`
	notification := `{"id":"Bundle","path":"Bundle","constraint":[{"key":"backport-notification-bundle-r4-1","severity":"error","human":"the first entry is a Parameters","expression":"entry.first().resource.is(Parameters)"}]},
		{"id":"Bundle.type","path":"Bundle.type","patternCode":"history"},
		{"id":"Bundle.entry","path":"Bundle.entry","slicing":{"discriminator":[{"type":"type","path":"resource"}],"rules":"open"},"min":1},
		{"id":"Bundle.entry:status","path":"Bundle.entry","sliceName":"status","min":1,"max":"1"},
		{"id":"Bundle.entry:status.resource","path":"Bundle.entry.resource","min":1,"type":[{"code":"Parameters","profile":["` + base + `backport-subscription-status-r4"]}]}`
	var profiles []*fhir.Resource
	for name, elements := range map[string]string{"Parameters/backport-subscription-status-r4": status, "Bundle/backport-subscription-notification-r4": notification} {
		typ, id, _ := strings.Cut(name, "/")
		r, err := fhir.Parse([]byte(`{"resourceType":"StructureDefinition","url":"` + base + id + `","type":"` + typ + `","kind":"resource","derivation":"constraint",
			"baseDefinition":"http://hl7.org/fhir/StructureDefinition/` + typ + `","differential":{"element":[` + elements + `]}}`))
		if err != nil {
			t.Fatal(err)
		}
		profiles = append(profiles, r)
	}
	return validate.New(definition.NewSet(definition.R4, profiles...), terminology.New(terminology.R4))
}

// All that a subscriber is sent, and all that they ask for, is as the backport's
// profiles have it.
func TestNotificationsAreAsTheGuideHasThem(t *testing.T) {
	v := guide(t)
	errors := func(body []byte) (out []string) {
		t.Helper()
		r, err := fhir.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range v.Profiles(r) {
			if i.Severity == validate.Error || i.Severity == validate.Fatal {
				out = append(out, i.Expression+": "+i.Text)
			}
		}
		return out
	}
	holds := func(what string, body []byte) {
		t.Helper()
		if list := errors(body); len(list) > 0 {
			t.Errorf("%s: %s\n%s", what, strings.Join(list, "\n"), body)
		}
	}
	r := open(t)
	r.patient("p1", "")
	var id string
	for _, content := range []string{"empty", "id-only", "full-resource"} {
		hook := receive(t)
		id = r.subscribe("system", topical("result", hook.URL, content, `"extension":[{"url":"`+base+`backport-heartbeat-period","valueUnsignedInt":60},{"url":"`+base+`backport-max-count","valuePositiveInt":10}]`))
		r.settle()
		r.observe("p1", "one")
		r.observe("p1", "two")
		r.settle()
		r.advance(2*time.Minute, time.Minute)
		kinds := map[string]int{}
		for _, c := range hook.got() {
			kinds[value(decoded(t, c.Body).Entry[0].Resource.Parameter, "type")]++
			holds(content, c.Body)
		}
		if kinds["handshake"] != 1 || kinds["event-notification"] == 0 || kinds["heartbeat"] == 0 {
			t.Errorf("%s: told %v", content, kinds)
		}
		for _, asked := range []string{"empty", "id-only", "full-resource"} {
			holds("$events", r.do(200, "system", "GET", "/fhir/Subscription/"+id+"/$events?content="+asked, ""))
		}
	}
	dead := r.subscribe("system", topical("result", "http://127.0.0.1:1/", "id-only"))
	r.settle()
	for _, s := range []string{id, dead} {
		b := decoded(t, r.do(200, "system", "GET", "/fhir/Subscription/"+s+"/$status", ""))
		if b.Type != "searchset" || len(b.Entry) != 1 {
			t.Errorf("$status: %+v", b)
		}
	}
	all := r.do(200, "system", "GET", "/fhir/Subscription/$status", "")
	holds("$status of all", all)
	if list := errors([]byte(strings.ReplaceAll(string(all), `"name":"type"`, `"name":"kind"`))); len(list) == 0 {
		t.Error("a status without its type holds: nothing is looked at")
	}
}
