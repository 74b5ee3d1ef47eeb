package testenv

import (
	"net/url"
	"strings"
	"testing"
)

// G2: a complaint names a person by NHS number. The officer finds who looked by it; nothing
// that reads as "nobody looked" is said where the days make no sense.
func TestG2TheTrailIsAskedByNHSNumber(t *testing.T) {
	o := known(t)
	o.mayDeclare("doctor")
	if status, _ := o.asks("doctor", "GET", "/record/{citizen}", ""); status != 200 {
		t.Fatal(status)
	}
	asked := func(form url.Values) (int, string) { return o.posts("privacy", "/privacy/trail", form.Encode()) }
	status, page := asked(url.Values{"citizen": {"999 123 4519"}, "user": {"doctor"}})
	if status != 200 || strings.Contains(page, "No entry fits") || strings.Count(page, o.citizen) < 1 {
		t.Error("who looked is not found by the person's number", status)
	}
	if status, page := asked(url.Values{"citizen": {"9990000042"}}); status != 200 || !strings.Contains(page, "No entry fits") {
		t.Error("of somebody who is not here", status)
	}
	if status, page := asked(url.Values{"from": {"2026-11-05"}, "to": {"2026-11-04"}}); status != 422 || !strings.Contains(page, "The last day comes before the first") && !strings.Contains(page, "the last day comes before the first") || strings.Contains(page, "No entry fits") {
		t.Error("days the wrong way round", status)
	}
}

// Whoever brings a token that does not hold is told so, so that a client gets another; who
// brings none is asked for one. https://www.rfc-editor.org/rfc/rfc6750#section-3.1
func TestR15ATokenThatDoesNotHoldIsSaidSo(t *testing.T) {
	o := known(t)
	for _, path := range []string{"/fhir/Patient", "/cds-services"} {
		for token, want := range map[string]string{"": `Bearer realm="selda"`, "garbage": `Bearer realm="selda", error="invalid_token"`} {
			var headers []string
			if token != "" {
				headers = []string{"Authorization: Bearer " + token}
			}
			resp, err := o.Do(t.Context(), "", "GET", path, nil, headers...)
			if err != nil {
				t.Fatal(err)
			}
			if got := resp.Header.Get("WWW-Authenticate"); resp.Status != 401 || got != want {
				t.Errorf("%s with %q: %d %s", path, token, resp.Status, got)
			}
		}
	}
}
