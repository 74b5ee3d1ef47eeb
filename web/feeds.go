package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// Feed is one source's feed, for the interface team.
type Feed struct {
	ingest.Feed
	Latest   []Held     // its last messages
	Unmapped []Unmapped // what was understood in the last Looked, and has no place in FHIR here yet
	Looked   int
	Extracts []Extract
}

// Unmapped is a kind of segment, section or element that is not mapped yet.
type Unmapped struct {
	Kind, Reason string
	Count        int
	Example      string // a message that has it
}

// Extract is what came of the last extract of a kind (csvtofhir).
type Extract struct {
	Mapping, File                            string
	At                                       time.Time
	Rows, Kept, Unchanged, Refused, Vanished int
	Checked                                  bool // its totals were stated
	Sums                                     map[string]string
	Problem, Place                           string // why nothing of it was taken
}

// Mapped is what became of one field of a message.
type Mapped struct{ Place, Item, Element string }

// feeds is how each source is doing.
func (h *Web) feeds(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	list, err := h.Desk.Feeds(r.Context(), s)
	if err != nil {
		return fault.E("web.feeds", err)
	}
	p := page.FeedsPage{Frame: h.frame(s, "Feeds")}
	for _, f := range list {
		p.Feeds = append(p.Feeds, h.feedRow(f))
	}
	slices.SortStableFunc(p.Feeds, func(a, b page.FeedRow) int { return urgency(a.Tone) - urgency(b.Tone) })
	for _, f := range p.Feeds {
		if f.Tone == view.Bad {
			p.Wrong++
		}
	}
	untold, err := h.Desk.Untold(r.Context(), s)
	if err != nil {
		return fault.E("web.feeds", err)
	}
	for _, u := range untold {
		p.Untold = append(p.Untold, h.untoldRow(u))
	}
	if p.Ending, err = h.endingCertificates(); err != nil {
		return fault.E("web.feeds", err)
	}
	h.render(w, http.StatusOK, page.Feeds(p))
	return nil
}

// untoldRow is a subscriber who could not be told.
func (h *Web) untoldRow(u Untold) page.UntoldRow {
	row := page.UntoldRow{User: u.User, ID: u.ID, Channel: u.Channel, State: "set aside", Tone: view.Warn, Since: "not now", Waiting: u.Waiting, Aside: u.Aside, Reason: u.Reason}
	if !u.Since.IsZero() {
		row.State, row.Since = "failing", view.Since(u.Since, h.Now())
	}
	if u.Off {
		row.State, row.Tone = "turned off", view.Bad
	}
	return row
}

func (h *Web) feedRow(f ingest.Feed) page.FeedRow {
	now := h.Now()
	row := page.FeedRow{Source: string(f.Source), Name: h.Name(f.Source), LastHeard: view.Since(f.LastHeard, now), Total: f.Messages,
		Quarantined: f.RecentQuarantined, Held: f.Quarantined, Href: "/feeds/" + string(f.Source), HeldHref: "/quarantine?source=" + string(f.Source)}
	if f.LastHeard.IsZero() {
		row.LastHeard = "never"
	}
	if !f.Oldest.IsZero() {
		row.Oldest = view.Since(f.Oldest, now)
		row.Waiting = f.Waiting
	}
	pace := paceOf(f, now)
	row.Hours, row.Usual = pace.day, pace.usual
	row.Rate = pace.words()
	row.State, row.Tone = feedState(f, pace, now)
	return row
}

// pace is a feed's messages by the hour, and what is usual.
type pace struct {
	day      []int // the last 24 hours, this one last
	usual    []int // the mean of the same hours of the days before; nil where there were none
	expected int   // by now, of this hour and the one before
	got      int
}

func paceOf(f ingest.Feed, now time.Time) pace {
	n := len(f.Hours)
	if n < 48 {
		return pace{day: f.Hours}
	}
	p := pace{day: f.Hours[n-24:]}
	first := slices.IndexFunc(f.Hours, func(n int) bool { return n > 0 })
	if days := (n - 24 - first) / 24; first >= 0 && days > 0 {
		p.usual = make([]int, 24)
		for i := range 24 {
			sum := 0
			for d := 1; d <= days; d++ {
				sum += f.Hours[n-24+i-24*d]
			}
			p.usual[i] = (sum + days/2) / days
		}
		p.expected = p.usual[22] + p.usual[23]*now.Minute()/60
	}
	p.got = p.day[22] + p.day[23]
	return p
}

func (p pace) words() string {
	if len(p.day) == 0 {
		return ""
	}
	s := strconv.Itoa(p.day[len(p.day)-1]) + " this hour"
	if p.usual != nil {
		s += ", usually " + strconv.Itoa(p.usual[23])
	}
	return s
}

// How long a message may wait for its commit before somebody has to look, and
// from how many messages in two hours on a usual rate means anything.
const (
	longWait  = 5 * time.Minute
	enoughFor = 10
)

// feedState is a feed's state in a word. Red is only for what needs a hand.
func feedState(f ingest.Feed, p pace, now time.Time) (string, view.Tone) {
	recent := 0
	for _, n := range p.day {
		recent += n
	}
	quiet := now.Sub(f.LastHeard)
	switch {
	case !f.Oldest.IsZero() && now.Sub(f.Oldest) > longWait:
		return "stuck", view.Bad
	case f.RecentQuarantined > 0 && f.RecentQuarantined*10 >= recent:
		return "many refused", view.Bad
	case p.expected >= enoughFor && p.got == 0:
		return "stopped", view.Bad
	case f.RecentQuarantined > 0:
		return "some refused", view.Warn
	case p.expected >= 2*enoughFor && p.got*4 < p.expected:
		return "slow", view.Warn
	case f.LastHeard.IsZero():
		return "new", view.Plain
	case quiet > 7*24*time.Hour:
		return "silent for a week", view.Warn
	case quiet > 24*time.Hour:
		return "quiet", view.Plain
	}
	return "live", view.Good
}

func urgency(t view.Tone) int {
	return slices.Index([]view.Tone{view.Bad, view.Warn, view.Plain, view.Good}, t)
}

func (h *Web) hasDesk(s policy.Subject) error {
	if h.Desk == nil || s.Role != nhs.Engineer {
		return fault.E("web.desk", fault.Security, "only the interface team may do this")
	}
	return nil
}

// feed is one feed: its extracts held against the last ones, what the mapping
// leaves out, and its last messages.
func (h *Web) feed(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.feed"
	if err := h.hasDesk(s); err != nil {
		return err
	}
	source, err := nhs.ParseSource(r.PathValue("source"))
	if err != nil {
		return fault.E(op, fault.NotFound, "there is no such feed")
	}
	f, err := h.Desk.Feed(r.Context(), s, source)
	switch {
	case err != nil:
		return fault.E(op, err)
	case f.Source == "":
		return fault.E(op, fault.NotFound, "there is no such feed")
	}
	p := page.FeedPage{Frame: h.frame(s, h.Name(source)), Row: h.feedRow(f.Feed), Looked: f.Looked}
	for _, u := range f.Unmapped {
		p.Unmapped = append(p.Unmapped, page.UnmappedRow{Kind: u.Kind, Reason: u.Reason, Count: u.Count, Href: "/trace/" + u.Example})
	}
	for _, e := range f.Extracts {
		p.Extracts = append(p.Extracts, extractRow(e))
	}
	for _, m := range f.Latest {
		p.Latest = append(p.Latest, page.MessageRow{ID: m.ID, Received: view.ParseDate(m.Received.Format(time.RFC3339)), What: dots(formats[m.Format], m.Event), State: dots(m.State, heldWords(m.Record))})
	}
	h.render(w, http.StatusOK, page.Feed(p))
	return nil
}

func extractRow(e Extract) page.ExtractRow {
	row := page.ExtractRow{Name: e.Mapping, File: e.File, At: view.ParseDate(e.At.Format(time.RFC3339)), Rows: e.Rows, Kept: e.Kept, Unchanged: e.Unchanged,
		Refused: e.Refused, Vanished: e.Vanished, Totals: "no totals to check", Tone: view.Plain}
	var sums []string
	for name, sum := range e.Sums {
		sums = append(sums, name+" "+sum)
	}
	slices.Sort(sums)
	switch {
	case e.Problem != "":
		row.Totals, row.Tone = sentence(dots("Nothing of it was taken: "+e.Problem, e.Place)), view.Bad
	case e.Checked:
		row.Totals, row.Tone = dots("they agree", strings.Join(sums, ", ")), view.Good
	}
	return row
}

// heldWords say why a message that was taken was not kept.
func heldWords(m ingest.Record) string {
	if m.State == ingest.Duplicate {
		return m.Reason
	}
	return ""
}
