package testenv

import (
	"net/url"
	"strings"
	"testing"

	"selda/audit"
)

// A privacy officer finds entries of the own organisation by person, record, what
// was done and day.
func TestTrailPageSearch(t *testing.T) {
	o := played(t)
	stated := o.entriesOf(audit.Query{Citizen: o.citizen, Action: audit.BreakGlass, User: "doctor"})[0].Reason
	asked := func(form ...string) string {
		t.Helper()
		v := url.Values{}
		for i := 0; i < len(form); i += 2 {
			v.Set(form[i], form[i+1])
		}
		status, body := o.asks("privacy", "POST", "/privacy/trail", v.Encode(), "Content-Type: application/x-www-form-urlencoded")
		if status != 200 && status != 422 {
			t.Fatal(status, body)
		}
		return body
	}
	day := Start.Format("2006-01-02")
	for _, c := range []struct {
		form []string
		want bool
	}{
		{nil, true}, {[]string{"user", "doctor"}, true}, {[]string{"user", "nobody"}, false}, {[]string{"citizen", o.citizen}, true}, {[]string{"citizen", "nobody"}, false},
		{[]string{"action", audit.BreakGlass}, true}, {[]string{"action", audit.Export}, false}, {[]string{"from", day, "to", day}, true}, {[]string{"to", "2020-01-01"}, false},
		{[]string{"from", "2100-01-01"}, false}, {[]string{"user", "doctor", "citizen", o.citizen, "action", audit.BreakGlass, "from", day}, true},
		{[]string{"user", "visitor"}, false}, // another organisation's
	} {
		if body := asked(c.form...); strings.Contains(body, stated) != c.want {
			t.Errorf("%v: found: %v, want %v", c.form, !c.want, c.want)
		}
	}
	if body := asked("from", "the fifth"); !strings.Contains(body, "a day is written as") {
		t.Error("a day that is none is not told")
	}
}
