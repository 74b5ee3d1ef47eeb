package page

import "selda/web/view"

// PrivacyPage is a privacy officer's: what to look at first, and the trail of
// the own organisation.
type PrivacyPage struct {
	Frame
	Organisation string
	Queue        []Case
	Reviewed     []Case // closed by an outcome
	Outcomes     []Reason
	Done, Error  string
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
	Choices string // what the citizen had chosen at the time
	Href    string // the trail around it
	Action  string // where an outcome is recorded; "" where the reader may not
	Outcome string // the latest, and who recorded it when
	By      string
	Telling *Telling // of an emergency access
}

// Telling is whether the person has been told of an emergency access, and what the
// reader may do about it (G9).
type Telling struct {
	State   string // "The person has been told."
	Defer   string // where it is put off; "" where the reader may not
	Agree   string // where another agrees to that
	End     string // where it is ended
	Shield  string // where the user's name is kept
	Grounds []Reason
	Soonest string // the first review date that may be chosen, and the last: YYYY-MM-DD
	Latest  string
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
type TrailQuery struct {
	User, Citizen, Action string
	From, To              string // YYYY-MM-DD, both days included
	Actions               []Reason
	Later                 bool   // there are later ones than those that are shown
	Before                string // where there are earlier ones: before which place
}
