package subscription_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Subscriptions are resources as others are: versions and histories, conditions,
// searches with an order and pages; each for the one who has them.
// https://hl7.org/fhir/R4/http.html
func TestSubscriptionsAsResources(t *testing.T) {
	r := open(t)
	r.declared()
	const at = "/fhir/Subscription"
	hook := func(id, endpoint string) string {
		return strings.Replace(topical("result", endpoint, "id-only"), `"resourceType":"Subscription"`, `"resourceType":"Subscription","id":"`+id+`"`, 1)
	}
	put := func(want int, id, endpoint string, headers ...string) {
		t.Helper()
		r.do(want, "system", "PUT", at+"/"+id, hook(id, endpoint), headers...)
	}
	put(201, "a", "https://one.example/told", "If-None-Match: *")
	put(412, "a", "https://one.example/told", "If-None-Match: *")
	r.env.Advance(time.Second)
	put(200, "a", "https://two.example/told", `If-Match: W/"1"`)
	put(412, "a", "https://three.example/told", `If-Match: W/"1"`)
	for version, endpoint := range map[string]string{"1": "one", "2": "two"} {
		if b := string(r.do(200, "system", "GET", at+"/a/_history/"+version, "")); !strings.Contains(b, endpoint+".example") || !strings.Contains(b, `"versionId":"`+version+`"`) {
			t.Errorf("version %s: %s", version, b)
		}
	}
	r.do(404, "system", "GET", at+"/a/_history/3", "")
	r.do(404, "gp", "GET", at+"/a/_history/1", "")
	r.do(404, "gp", "GET", at+"/a/_history", "")
	history := func(path string) string {
		t.Helper()
		b := decoded(t, r.do(200, "system", "GET", path, ""))
		out := fmt.Sprint(b.Type, " ", b.Total)
		for _, e := range b.Entry {
			out += " " + e.Request.Method + " " + e.Request.URL
		}
		return out
	}
	put(201, "b", "https://b.example/told")
	if got := history(at + "/a/_history"); got != "history 2 PUT Subscription/a POST Subscription" {
		t.Errorf("history: %s", got)
	}
	if got := history(at + "/_history?_count=2"); !strings.HasPrefix(got, "history 3 ") || strings.Count(got, "Subscription") != 2 {
		t.Errorf("history of the type: %s", got)
	}

	where := "url=" + url.QueryEscape("https://two.example/told")
	r.do(200, "system", "POST", at, topical("result", "https://x.example/told", "id-only"), "If-None-Exist: "+where)                                      // it is there
	r.do(201, "visitor", "POST", at, topical("result", "https://two.example/told", "id-only", "Observation?patient=Patient/p1"), "If-None-Exist: "+where) // another's is not
	r.do(412, "system", "POST", at, topical("result", "https://x.example/told", "id-only"), "If-None-Exist: type=rest-hook")
	r.do(200, "system", "PUT", at+"?"+where, strings.Replace(topical("admission", "https://two.example/told", "id-only"), `"reason":"test"`, `"reason":"changed"`, 1))
	r.do(201, "system", "PUT", at+"?url=https://nobody.example/", hook("c", "https://c.example/told"))
	r.do(200, "system", "PATCH", at+"?"+where, `[{"op":"replace","path":"/reason","value":"patched"}]`, "Content-Type: application/json-patch+json")
	found := func(query string) (out []string) {
		t.Helper()
		for _, e := range decoded(t, r.do(200, "system", "GET", at+"?"+query, "")).Entry {
			out = append(out, e.Resource.ID)
		}
		return out
	}
	same(t, "in order", found("_sort=-_id"), "c", "b", "a")
	same(t, "a page", found("_sort=_id&_count=2"), "a", "b")
	same(t, "by type and status", found("type=rest-hook&status=requested,error&_sort=_id"), "a", "b", "c")
	same(t, "by criteria", found("criteria=https://selda.example/SubscriptionTopic/admission"), "a")
	r.do(400, "system", "GET", at+"?_has:Observation:subject:code=x", "", "Prefer: handling=strict")
	r.do(204, "system", "DELETE", at+"?url="+url.QueryEscape("https://b.example/told"), "")
	r.do(412, "system", "DELETE", at+"/a", "", `If-Match: W/"1"`)
	same(t, "what is left", found("_sort=_id"), "a", "c")
	r.do(204, "system", "DELETE", at+"/a", "")
	r.do(404, "system", "GET", at+"/a/_history/1", "")
}
