package testenv

import (
	"net/url"
	"regexp"
	"testing"
	"time"
)

// G18: who governs reads how long things are kept, and what is held: by whom, why and until when. A hold
// is in force at once; that it ends one person asks for and another agrees to, or its day comes.
// Another organisation's is not theirs to end.
func TestG18HoldsAreKeptOnAPage(t *testing.T) {
	o := known(t)
	o.another("second", "RJZ")
	o.officer("gpofficer", "G85915")
	ctx := t.Context()
	officer, _ := o.Subject("privacy")
	o.writes("RJZ:PAS", "Condition", "old", `"code":{"text":"Fracture"},"onsetDateTime":"2015-03-01","recordedDate":"2015-03-01",`+atKings)
	due := func() int {
		t.Helper()
		list, err := o.Region.Due(ctx, officer, "RJZ", "health")
		if err != nil {
			t.Fatal(err)
		}
		return len(list.People)
	}
	if due() != 1 {
		t.Fatal("nothing is due to begin with")
	}
	holds := func(user string, want int, form url.Values, words ...string) string {
		t.Helper()
		status, page := o.posts(user, "/privacy/retention", form.Encode())
		if status != want {
			t.Fatalf("%v: %d %s", form, status, page)
		}
		o.must(200, page, words...)
		return page
	}
	holds("privacy", 422, url.Values{"what": {"person"}, "number": {"123"}, "why": {"A claim"}}, "NHS number: 10 digits", "Hold something")
	holds("privacy", 422, url.Values{"what": {"person"}, "number": {folake}}, "Write why it is held")
	holds("privacy", 422, url.Values{"what": {"source"}, "source": {"G85915:GP"}, "why": {"A claim"}}, "your own organisation")
	holds("privacy", 422, url.Values{"what": {"person"}, "number": {folake}, "why": {"A claim"}, "until": {"2026-11-01"}}, "yet to come")
	page := holds("privacy", 200, url.Values{"what": {"person"}, "number": {folake}, "why": {"A claim"}}, "Record "+o.citizen, "A claim", "until two people end it", "8 years after")
	if due() != 0 {
		t.Error("what is held is due")
	}
	id := regexp.MustCompile(`name="end" value="([^"]+)"`).FindStringSubmatch(page)[1]
	holds("gpofficer", 422, url.Values{"end": {id}, "why": {"x"}}, "no such hold")
	if status, _ := o.asks("gp", "GET", "/privacy/retention", ""); status != 403 {
		t.Error("somebody else reads what is held", status)
	}
	holds("second", 422, url.Values{"agree": {id}}, "Nobody has asked that it ends")
	holds("privacy", 200, url.Values{"end": {id}, "why": {"It was settled"}}, "another person agrees", "It was settled")
	if status, _ := o.posts("privacy", "/privacy/retention", url.Values{"agree": {id}}.Encode()); status != 403 {
		t.Error("who asks agrees", status)
	}
	if due() != 0 {
		t.Error("it ended when it was asked")
	}
	holds("second", 200, url.Values{"agree": {id}}, "holds nothing beyond its time", "Holds that have ended", "asked, Second second agreed")
	if due() != 1 {
		t.Error("it has not ended")
	}
	holds("privacy", 200, url.Values{"what": {"source"}, "source": {"rjz"}, "why": {"Public inquiry"}, "until": {"2026-12-31"}}, "All that King's College Hospital", "until the end of 31-Dec-2026")
	if due() != 0 {
		t.Error("what a source keeps is held, and due")
	}
	o.Advance(57 * 24 * time.Hour) // 1 January
	if due() != 1 {
		t.Error("its day came, and it goes on")
	}
}
