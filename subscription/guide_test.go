package subscription_test

import (
	"os"
	"path/filepath"
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
	var profiles []*fhir.Resource
	for _, name := range []string{"backport-subscription-status-r4", "backport-subscription-notification-r4"} {
		b, err := os.ReadFile(filepath.Join("..", "testdata", "backport", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(b)
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
