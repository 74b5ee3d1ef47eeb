package page

import (
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"selda/web/view"
)

// FeedsPage is an engineer's: is anything wrong, since when, what to do.
type FeedsPage struct {
	Frame
	Feeds []FeedRow
	Wrong int // how many need a hand
	// Untold are subscribers who could not be told of changes.
	Untold []UntoldRow
	// Ending are certificates that end soon or have.
	Ending []SecretRow
}

// UntoldRow is one subscriber who could not be told.
type UntoldRow struct {
	User, ID, Channel string
	State, Since      string
	Tone              view.Tone
	Waiting, Aside    int
	Reason            string
}

// held is how many messages of all feeds are in quarantine.
func (p FeedsPage) held() (n int) {
	for _, f := range p.Feeds {
		n += f.Held
	}
	return n
}

// FeedRow is one feed.
type FeedRow struct {
	Source, Name   string
	State          string
	Tone           view.Tone
	LastHeard      string
	Rate           string // "42 this hour, usually 55"
	Hours, Usual   []int  // the last 24 hours, this one last; nil where nothing is usual yet
	Oldest         string // since when the oldest waits for its commit; "" where none does
	Waiting        int
	Quarantined    int // of the last 24 hours
	Held           int // in quarantine in all
	Total          int
	Href, HeldHref string
}

// FeedPage is one feed.
type FeedPage struct {
	Frame
	Row      FeedRow
	Extracts []ExtractRow
	Unmapped []UnmappedRow
	Looked   int // in how many messages
	Latest   []MessageRow
}

// ExtractRow is what came of the last extract of a kind.
type ExtractRow struct {
	Name, File                               string
	At                                       view.Date
	Rows, Kept, Unchanged, Refused, Vanished int
	Totals                                   string
	Tone                                     view.Tone
}

// UnmappedRow is a kind of segment or element that is not mapped yet.
type UnmappedRow struct {
	Kind, Reason, Href string
	Count              int
}

// MessageRow is one message.
type MessageRow struct {
	ID, What, State string
	Received        view.Date
}

// QuarantinePage is what could not be used, grouped by why and where.
type QuarantinePage struct {
	Frame
	Source string
	Groups []QuarantineGroup
	More   bool   // there is more than was looked at
	Done   string // what was done just now
}

// QuarantineGroup is messages of one source that failed in the same way.
type QuarantineGroup struct {
	Source, Code, Reason, Place string
	Count                       int
	Rows                        []QuarantineRow // the latest of them
}

// QuarantineRow is one message.
type QuarantineRow struct {
	ID       string
	Place    string
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
	Fields []FieldRow
	More   int // fields that are not shown
}

// Stage is one stage of a message's way.
type Stage struct {
	At     string
	Name   string
	Detail string
	Tone   view.Tone
}

// FieldRow is what became of one field.
type FieldRow struct{ Place, Item, Element string }

// The sparkline's measures, in the units of its view box.
const (
	pulseBar    = 5
	pulseHeight = 28
)

// pulse is a feed's last day, a bar an hour, with what is usual as a line.
func pulse(f FeedRow) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if len(f.Hours) == 0 {
			return nil
		}
		b := &html{w: w}
		top := max(1, slices.Max(f.Hours))
		if len(f.Usual) > 0 {
			top = max(top, slices.Max(f.Usual))
		}
		y := func(n int) int { return pulseHeight - n*(pulseHeight-2)/top }
		put(b, `<svg class="s-pulse" role="img" viewBox="0 0 `, strconv.Itoa(pulseBar*len(f.Hours)), ` `, strconv.Itoa(pulseHeight), `" aria-label="`, pulseWords(f), `">`)
		for i, n := range f.Hours {
			if n > 0 {
				put(b, `<rect x="`, strconv.Itoa(i*pulseBar), `" y="`, strconv.Itoa(min(y(n), pulseHeight-1)), `" width="4" height="`, strconv.Itoa(max(1, pulseHeight-y(n))), `"></rect>`)
			}
		}
		if len(f.Usual) > 0 {
			line := ""
			for i, n := range f.Usual {
				line += strconv.Itoa(i*pulseBar+2) + "," + strconv.Itoa(y(n)) + " "
			}
			put(b, `<polyline points="`, line, `"></polyline>`)
		}
		b.WriteString(`</svg>`)
		return b.err
	})
}

func pulseWords(f FeedRow) string {
	s := "Messages an hour over the last day: from " + strconv.Itoa(slices.Min(f.Hours)) + " to " + strconv.Itoa(slices.Max(f.Hours)) + "; " + f.Rate
	if len(f.Usual) == 0 {
		s += "; what is usual is not known yet"
	}
	return s
}
