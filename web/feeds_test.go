package web

import (
	"strings"
	"testing"
	"time"

	"selda/ingest"
	"selda/web/page"
	"selda/web/view"
)

// A feed's state is a word; red only for what needs a hand.
func TestStateOfAFeed(t *testing.T) {
	now := time.Date(2026, 11, 5, 9, 30, 0, 0, time.UTC)
	// hours are a week of as many messages an hour, and the last two hours.
	hours := func(usual, before, this int) []int {
		h := make([]int, ingest.HeardHours)
		for i := range h {
			h[i] = usual
		}
		h[len(h)-2], h[len(h)-1] = before, this
		return h
	}
	for _, c := range []struct {
		feed ingest.Feed
		word string
		tone view.Tone
	}{
		{ingest.Feed{LastHeard: now, Hours: hours(60, 58, 31)}, "live", view.Good},
		{ingest.Feed{LastHeard: now.Add(-2 * time.Hour), Hours: hours(60, 0, 0)}, "stopped", view.Bad},
		{ingest.Feed{LastHeard: now, Hours: hours(60, 5, 3)}, "slow", view.Warn},
		{ingest.Feed{LastHeard: now.Add(-2 * time.Hour), Hours: hours(2, 0, 0)}, "live", view.Good}, // it sends too little to tell
		{ingest.Feed{LastHeard: now, Hours: hours(60, 58, 31), RecentQuarantined: 3}, "some refused", view.Warn},
		{ingest.Feed{LastHeard: now, Hours: hours(1, 1, 1), RecentQuarantined: 3}, "many refused", view.Bad},
		{ingest.Feed{LastHeard: now, Hours: hours(60, 58, 31), Waiting: 4, Oldest: now.Add(-6 * time.Minute)}, "stuck", view.Bad},
		{ingest.Feed{LastHeard: now, Hours: hours(60, 58, 31), Waiting: 4, Oldest: now.Add(-time.Second)}, "live", view.Good},
		{ingest.Feed{LastHeard: now.Add(-48 * time.Hour), Hours: make([]int, ingest.HeardHours)}, "quiet", view.Plain},
		{ingest.Feed{LastHeard: now.Add(-192 * time.Hour), Hours: make([]int, ingest.HeardHours)}, "silent for a week", view.Warn},
	} {
		if word, tone := feedState(c.feed, paceOf(c.feed, now), now); word != c.word || tone != c.tone {
			t.Errorf("%q (%v), not %q: %+v", word, tone, c.word, c.feed)
		}
	}
	first := make([]int, ingest.HeardHours)
	first[len(first)-1] = 7
	if p := paceOf(ingest.Feed{Hours: first}, now); p.usual != nil || p.words() != "7 this hour" {
		t.Errorf("nothing is usual on the first day: %+v", p)
	}
}

// What waits in quarantine is said first, also where no feed fails.
func TestFeedsPageTellsOfQuarantine(t *testing.T) {
	for want, p := range map[string]page.FeedsPage{
		"Nothing needs a hand":            {Feeds: []page.FeedRow{{Name: "King's"}}},
		"2 messages wait":                 {Feeds: []page.FeedRow{{Name: "King's", Held: 1}, {Name: "Oxleas", Held: 1}}},
		"1 feed needs a hand":             {Feeds: []page.FeedRow{{Name: "King's", Held: 1}}, Wrong: 1},
		"No source has sent anything yet": {},
		"1 subscriber could not be told":  {Feeds: []page.FeedRow{{Name: "King's"}}, Untold: []page.UntoldRow{{User: "system", State: "turned off"}}},
		"selda subscription replay":       {Untold: []page.UntoldRow{{User: "system", Aside: 3, Reason: "it answered 422"}}},
	} {
		var b strings.Builder
		if err := page.Feeds(p).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) || want != "Nothing needs a hand" && strings.Contains(b.String(), "Nothing needs a hand") {
			t.Errorf("the page does not say %q: %s", want, b.String())
		}
	}
}
