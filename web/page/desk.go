package page

import "selda/web/view"

// PrivacyPage is a privacy officer's: what to look at first, and the trail of
// the own organisation.
type PrivacyPage struct {
	Frame
	Organisation string
	Queue        []Case
	Trail        []TrailRow
	Query        TrailQuery
	Older        string
	ShowTrail    bool
}

// Case is something to review, with the facts that raised it.
type Case struct {
	At      view.Date
	Who     string
	Role    string
	Citizen string // opaque id
	What    string // "Emergency access"
	Reason  string // the reason that was given
	Facts   []string
	Tone    view.Tone
	Href    string // the trail around it
}

// TrailRow is an entry of the trail.
type TrailRow struct {
	At      view.Date
	Who     string
	Role    string
	Did     string
	Citizen string
	Purpose string
	Rules   string
	Outcome string
	Tone    view.Tone
	Number  string
}

// TrailQuery is what the trail was asked for.
type TrailQuery struct{ User, Citizen string }

// FeedsPage is an engineer's: is anything wrong, since when, what to do.
type FeedsPage struct {
	Frame
	Feeds []FeedRow
}

// FeedRow is one feed.
type FeedRow struct {
	Source, Name string
	State        string
	Tone         view.Tone
	LastHeard    string
	LastHour     int
	Usual        string // "usually 120 at this hour"; "" where that is not known
	Oldest       string // of the unprocessed; "" where none is
	Today        int
	Quarantined  int
	Hours        []int // messages in each of the last 24 hours, oldest first
	Href         string
}

// QuarantinePage is what could not be used, grouped by why and where.
type QuarantinePage struct {
	Frame
	Source string
	Groups []QuarantineGroup
	Done   string // what was done just now
}

// QuarantineGroup is messages of one source that failed in the same way.
type QuarantineGroup struct {
	Source, Reason, Place string
	Rows                  []QuarantineRow
}

// QuarantineRow is one message.
type QuarantineRow struct {
	ID       string
	Received view.Date
	Format   string
}

// HeldPage is one message in quarantine, with the place marked.
type HeldPage struct {
	Frame
	ID, Source, Reason, Place, Format string
	Received                          view.Date
	Lines                             []Line
	Action                            string // replay
	Done, Error                       string
}

// TracePage is every stage of a message.
type TracePage struct {
	Frame
	Asked  string
	Error  string
	Stages []Stage
	ID     string
}

// Stage is one stage of a message's way.
type Stage struct {
	At     string
	Name   string
	Detail string
	Tone   view.Tone
}

// bars is a feed's last hours as bars, each of 4 wide and up to 20 high.
func bars(hours []int) []bar {
	most := 1
	for _, n := range hours {
		most = max(most, n)
	}
	out := make([]bar, 0, len(hours))
	for i, n := range hours {
		h := 20 * float64(n) / float64(most)
		if n > 0 {
			h = max(h, 1.5)
		}
		out = append(out, bar{X: px(float64(i) * 5), Y: px(20 - h), Height: px(h)})
	}
	return out
}

type bar struct{ X, Y, Height string }
