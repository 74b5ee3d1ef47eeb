package testenv

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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

// A privacy officer goes back through all of the trail, page by page: each entry is on one
// page, and none is left out. A link to what was done about an old entry leads there still;
// one to another organisation's entry leads nowhere.
func TestTheTrailIsReadToItsBeginning(t *testing.T) {
	o := played(t)
	first := o.entriesOf(audit.Query{Citizen: o.citizen, Action: audit.BreakGlass, User: "doctor"})[0].Seq
	others := o.entriesOf(audit.Query{User: "visitor"})[0].Seq
	o.Advance(3 * time.Hour)
	for range 450 {
		if status, body := o.asks("doctor", "GET", "/fhir/Patient/"+o.citizen, ""); status != 200 {
			t.Fatal(status, body)
		}
	}
	number := regexp.MustCompile(`data-label="No\.">(\d+)<`)
	before := regexp.MustCompile(`name="before" value="(\d+)"`)
	var seen []string
	form := url.Values{"user": {"doctor"}}
	pages := 0
	for ; pages < 10; pages++ {
		status, body := o.asks("privacy", "POST", "/privacy/trail", form.Encode(), "Content-Type: application/x-www-form-urlencoded")
		if status != 200 {
			t.Fatal(status, body)
		}
		for _, m := range number.FindAllStringSubmatch(body, -1) {
			if slices.Contains(seen, m[1]) {
				t.Fatalf("the entry %s is on two pages", m[1])
			}
			seen = append(seen, m[1])
		}
		m := before.FindStringSubmatch(body)
		if m == nil {
			break
		}
		form.Set("before", m[1])
	}
	if all := o.entriesOf(audit.Query{User: "doctor", Limit: 10_000}); len(all) != len(seen) || pages < 2 {
		t.Errorf("%d of %d entries are on %d pages", len(seen), len(all), pages+1)
	}
	if status, body := o.asks("privacy", "GET", "/privacy/trail?near="+strconv.FormatUint(first, 10), ""); status != 200 || !strings.Contains(body, `data-label="No.">`+strconv.FormatUint(first, 10)+`<`) {
		t.Errorf("an old entry is not found by its link: %d %.300s", status, body)
	}
	for _, link := range []uint64{others, 1 << 40, 0} {
		if status, body := o.asks("privacy", "GET", "/privacy/trail?near="+strconv.FormatUint(link, 10), ""); status != 404 || strings.Contains(body, "visitor") {
			t.Errorf("a link to %d: %d %.300s", link, status, body)
		}
	}
}
