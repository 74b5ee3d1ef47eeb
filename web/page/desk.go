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
	Today        int // in the last 24 hours
	Total        int
	Quarantined  int
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
