package ingest

import (
	"slices"
	"sync"
	"time"

	"selda/nhs"
)

// HeardHours is how many hours back the messages of a source are counted by
// the hour: the last day, and the seven before it, which say what is usual.
const HeardHours = 8 * 24

// heard is how each source is doing, in memory: every page that shows a record
// asks when its sources were last heard from.
type heard struct {
	mu sync.RWMutex
	of map[nhs.Source]*hearing
}

type hearing struct {
	last    time.Time
	total   int
	hour    int64           // the hour of the last count, since 1970
	hours   [HeardHours]int // a ring: hour h is at h modulo its length
	waiting []time.Time     // received, and not committed yet, in order
}

func (h *heard) source(s nhs.Source) *hearing {
	f := h.of[s]
	if f == nil {
		if h.of == nil {
			h.of = map[nhs.Source]*hearing{}
		}
		f = &hearing{}
		h.of[s] = f
	}
	return f
}

// know takes up what the store knows of a feed, where that is more than what is
// known here: it has the messages of other nodes, and not yet those in line.
func (h *heard) know(f Feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x := h.source(f.Source)
	last := f.LastHeard.Unix() / 3600
	x.turn(last)
	x.total = max(x.total, f.Messages)
	if f.LastHeard.After(x.last) {
		x.last = f.LastHeard
	}
	for i, n := range f.Hours {
		hour := last - int64(len(f.Hours)-1-i)
		if hour > x.hour-HeardHours {
			x.hours[hour%HeardHours] = max(x.hours[hour%HeardHours], n)
		}
	}
}

// received counts a message that has come, and waits for its commit.
func (h *heard) received(s nhs.Source, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.source(s)
	f.total++
	f.waiting = append(f.waiting, at)
	hour := at.Unix() / 3600
	f.turn(hour)
	if hour > f.hour-HeardHours {
		f.hours[hour%HeardHours]++
	}
	if at.After(f.last) {
		f.last = at
	}
}

// turn empties the hours that the ring comes to anew.
func (f *hearing) turn(hour int64) {
	for ; f.hour < hour; f.hour++ {
		if hour-f.hour > HeardHours {
			f.hour = hour - HeardHours
		}
		f.hours[(f.hour+1)%HeardHours] = 0
	}
}

// committed ends the wait of a source's oldest message: they are committed in order.
func (h *heard) committed(s nhs.Source) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.source(s); len(f.waiting) > 0 {
		f.waiting = f.waiting[1:]
	}
}

// Know takes up what the store knows of feeds: other nodes receive, too.
func (p *Pipeline) Know(feeds []Feed) {
	for _, f := range feeds {
		p.heard.know(f)
	}
}

// LastHeard is when a message of a source was last received; zero where none
// ever was.
func (p *Pipeline) LastHeard(s nhs.Source) time.Time {
	p.heard.mu.RLock()
	defer p.heard.mu.RUnlock()
	if f := p.heard.of[s]; f != nil {
		return f.last
	}
	return time.Time{}
}

// Feeds is how each source is doing, by name, but for what is in quarantine.
func (p *Pipeline) Feeds() []Feed {
	now := p.now().Unix() / 3600
	p.heard.mu.Lock()
	defer p.heard.mu.Unlock()
	out := make([]Feed, 0, len(p.heard.of))
	for s, x := range p.heard.of {
		x.turn(now)
		f := Feed{Source: s, LastHeard: x.last, Messages: x.total, Waiting: len(x.waiting), Hours: make([]int, HeardHours)}
		if len(x.waiting) > 0 {
			f.Oldest = x.waiting[0]
		}
		for i := range f.Hours {
			f.Hours[i] = x.hours[(now-int64(HeardHours-1-i)+HeardHours)%HeardHours]
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Feed) int {
		if a.Source < b.Source {
			return -1
		}
		return 1
	})
	return out
}
