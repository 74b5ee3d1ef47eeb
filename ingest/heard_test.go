package ingest

import (
	"testing"
	"time"
)

// What is counted by the hour starts with what the store knows, goes on over
// gaps, and forgets what is older than it tells of.
func TestHeardByTheHour(t *testing.T) {
	now := time.Date(2026, 11, 5, 9, 30, 0, 0, time.UTC)
	p := &Pipeline{now: func() time.Time { return now }}
	known := make([]int, HeardHours)
	known[0], known[HeardHours-1] = 5, 3
	p.heard.know(Feed{Source: "RJZ:PAS", LastHeard: now.Add(-time.Hour), Messages: 8, Hours: known})
	p.heard.received("RJZ:PAS", now.Add(-time.Minute))
	p.heard.received("RJZ:PAS", now)
	p.heard.committed("RJZ:PAS")
	f := p.Feeds()[0]
	if f.Messages != 10 || f.Waiting != 1 || !f.Oldest.Equal(now) || !f.LastHeard.Equal(now) {
		t.Errorf("%+v", f)
	}
	last := len(f.Hours) - 1
	if f.Hours[last] != 2 || f.Hours[last-1] != 3 || f.Hours[0] != 0 {
		t.Errorf("%v", f.Hours)
	}
	now = now.Add((HeardHours - 1) * time.Hour)
	if f = p.Feeds()[0]; f.Hours[0] != 2 || f.Hours[last] != 0 {
		t.Errorf("a week later: %v", f.Hours)
	}
	now = now.Add(1000 * time.Hour)
	for _, n := range p.Feeds()[0].Hours {
		if n != 0 {
			t.Error("what is long past is counted still")
		}
	}
}
