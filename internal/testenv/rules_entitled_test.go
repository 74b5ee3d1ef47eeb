package testenv

import (
	"strings"
	"testing"
	"time"
)

// G7: why somebody may see a record is told in words: which relationship, who says so,
// since when, and when it ends.
func TestG7WhyIsToldInWords(t *testing.T) {
	o := known(t)
	says := func(user, words string) {
		t.Helper()
		_, body := o.asks(user, "GET", "/record/{citizen}", "")
		text := strings.ReplaceAll(body, "&#39;", "'")
		if i := strings.Index(text, "because"); !strings.Contains(text, words) {
			t.Errorf("%s is not told %q: %.200s", user, words, text[max(i, 0):])
		}
	}
	says("gp", "they are registered with your organisation, as its own system says.")
	o.writes("RJZ:PAS", "Encounter", "stay", `"status":"in-progress","class":{"code":"IMP"},"period":{"start":"2026-11-03T10:00:00Z"},`+atKings)
	says("doctor", ", since 03-Nov-2026, as King")
	says("doctor", "says; it ends 28 days after the end of that care.")
	o.writes("RJZ:PAS", "Encounter", "stay", `"status":"finished","class":{"code":"IMP"},"period":{"start":"2026-11-03T10:00:00Z","end":"2026-11-04T10:00:00Z"},`+atKings)
	says("doctor", "says; it ends on 02-Dec-2026.")
	o.Advance(29 * 24 * time.Hour)
	if status, _ := o.asks("doctor", "GET", "/record/{citizen}", ""); status != 403 {
		t.Errorf("it has ended: %d", status)
	}
}
