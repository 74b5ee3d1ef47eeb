package ingest

import (
	"sync"
	"time"

	"selda/nhs"
)

// heard is when each source was last heard from, in memory: every page that
// shows a record asks for it.
type heard struct {
	mu sync.RWMutex
	at map[nhs.Source]time.Time
}

func (h *heard) note(s nhs.Source, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at == nil {
		h.at = map[nhs.Source]time.Time{}
	}
	if at.After(h.at[s]) {
		h.at[s] = at
	}
}

// LastHeard is when a message of a source was last received; zero where none
// ever was.
func (p *Pipeline) LastHeard(s nhs.Source) time.Time {
	p.heard.mu.RLock()
	defer p.heard.mu.RUnlock()
	return p.heard.at[s]
}
