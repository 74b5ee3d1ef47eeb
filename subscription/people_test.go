package subscription_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const folake = "9991234519" // the account citizen's number

// declared is a patient whom the account visitor has in front of them.
func (r *region) declared() {
	r.Helper()
	r.patient("p1", folake)
	citizen, err := r.env.Citizen(r.Context(), folake)
	if err != nil {
		r.Fatal(err)
	}
	s, err := r.env.Subject("visitor")
	if err != nil {
		r.Fatal(err)
	}
	if err := r.env.Region.Access.Declare(r.Context(), s, citizen, "seen in clinic"); err != nil {
		r.Fatal(err)
	}
}

func (r *region) objects(id, status string) string {
	r.Helper()
	method, path, want, own := "POST", "/fhir/Consent", 201, ""
	if id != "" {
		method, path, want, own = "PUT", "/fhir/Consent/"+id, 200, `"id":"`+id+`",`
	}
	return decoded(r.T, r.do(want, "citizen", method, path, `{"resourceType":"Consent",`+own+`"status":"`+status+`","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`)).ID
}

// Invariant 3 and G4: an objection that was stated a second ago holds for what
// is sent now, also for what has waited since before it, and leaves no gap.
func TestAnObjectionHoldsWhenItIsSent(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.declared()
	id := r.subscribe("visitor", topical("result", v.URL, "full-resource", "Observation?patient=Patient/p1"))
	r.settle()
	v.got()
	r.observe("p1", "before")
	r.settle()
	same(t, "before", v.told(), "1:before")

	v.set(func(call) int { return 503 })
	r.observe("p1", "tried before the objection")
	r.settle()
	r.observe("p1", "waits")
	consent := r.objects("", "active")
	v.set(nil)
	r.advance(time.Hour, time.Minute)
	same(t, "under an objection", v.told())
	status := func() string {
		return value(decoded(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$status", "")).Entry[0].Resource.Parameter, "events-since-subscription-start")
	}
	if n := status(); n != "1" {
		t.Errorf("under an objection there are %s events", n)
	}
	same(t, "$events", said(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$events?content=full-resource", "")), "1:")

	r.objects(consent, "inactive")
	r.observe("p1", "after")
	r.settle()
	same(t, "after it was taken back", v.told(), "2:after")
	same(t, "$events", said(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$events?content=full-resource", "")), "1:before", "2:after")
}

// A subscriber whose right ends gets nothing more.
func TestARightThatEnds(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.declared()
	r.do(404, "reception", "POST", "/fhir/Subscription", topical("result", v.URL, "id-only", "Observation?patient=Patient/p1"))
	r.do(400, "visitor", "POST", "/fhir/Subscription", topical("result", v.URL, "id-only"))
	id := r.subscribe("visitor", topical("result", v.URL, "id-only", "Observation?patient=Patient/p1"))
	r.settle()
	v.got()
	r.advance(40*24*time.Hour, 24*time.Hour) // a declaration holds for less
	r.observe("p1", "not for visitor")
	r.advance(time.Hour, 10*time.Minute)
	same(t, "after the relationship", v.told())
	if err := r.env.Region.Auth.Accounts.Remove("visitor"); err != nil {
		t.Fatal(err)
	}
	r.observe("p1", "nor this")
	r.settle()
	same(t, "after the account", v.told())
	list, err := r.env.Region.Subscriptions.Operated(t.Context(), id)
	if err != nil || len(list) != 1 || list[0].Status != "off" || list[0].Waiting != 1 {
		t.Errorf("a subscription of nobody: %+v %v", list, err)
	}
}

// G10: a result that waits for review is told to the citizen when it reaches
// them, and nothing else waits for it.
func TestACitizenIsToldWhenAResultReachesThem(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.patient("p1", folake)
	r.subscribe("citizen", topical("result", v.URL, "full-resource"))
	r.settle()
	v.got()
	r.observe("p1", "held", `"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],`)
	r.advance(6*24*time.Hour, 12*time.Hour)
	same(t, "before it is released", v.told())
	r.advance(2*24*time.Hour, 12*time.Hour)
	same(t, "when it is released", v.told(), "1:held")
}

var changing = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|http://127\.0\.0\.1:\d+|[0-9a-f]{24}|"timestamp":"[^"]*"`)

// Invariant 3: take the hidden items out of the store, and every notification
// stays the same to the byte, but for times, and ids that are made anew.
func TestInvariant3NotificationsAreTheSameWithoutWhatIsHidden(t *testing.T) {
	story := func(hidden bool) []string {
		r := open(t)
		v := receive(t)
		r.declared()
		id := r.subscribe("visitor", topical("result", v.URL, "full-resource", "Observation?patient=Patient/p1"))
		r.settle()
		write := func(id, label string) {
			meta := ""
			if label != "" {
				meta = `"meta":{"security":[{"system":"https://selda.example/labels","code":"` + label + `"}]},`
			}
			if label == "" || hidden {
				r.do(201, "system", "PUT", "/fhir/Observation/"+id, `{"resourceType":"Observation","id":"`+id+`",`+meta+`"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"valueString":"`+id+`"}`)
			}
		}
		write("o1", "")
		r.settle()
		write("h1", "hiv-sti")
		write("o2", "")
		v.set(func(call) int { return 503 })
		r.advance(time.Minute, 20*time.Second)
		write("h2", "hiv-sti")
		write("h3", "hiv-sti")
		r.advance(time.Hour, 20*time.Minute)
		write("o3", "")
		v.set(nil)
		r.advance(2*time.Hour, time.Minute)
		write("h4", "hiv-sti")
		write("o4", "")
		r.settle()
		var out []string
		for _, c := range v.got() {
			out = append(out, changing.ReplaceAllString(string(c.Body), "#"))
		}
		for _, path := range []string{"/$status", "/$events", "/$events?content=full-resource", ""} {
			out = append(out, changing.ReplaceAllString(string(r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+path, "")), "#"))
		}
		return out
	}
	with, without := story(true), story(false)
	if len(with) != len(without) || len(with) != 1+4+4 {
		t.Fatalf("%d and %d", len(with), len(without))
	}
	for i := range with {
		if a, b := with[i], without[i]; a != b {
			t.Errorf("%d:\n%s\n%s", i, a, b)
		}
	}
	if !strings.Contains(with[4], `"valueString":"o4"`) || strings.Contains(strings.Join(with, ""), `"h1"`) {
		t.Errorf("told: %s", with[4])
	}
}
