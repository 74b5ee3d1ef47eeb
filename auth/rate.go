package auth

import (
	"sync"
	"time"
)

// rate bounds how often something is done in an hour, by an address and by all.
// The zero rate is ready for use.
type rate struct {
	mu    sync.Mutex
	began time.Time
	all   int
	by    map[string]int
}

// allow counts one more, where there is room.
func (r *rate) allow(address string, each, all int, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.began) > time.Hour {
		r.began, r.all, r.by = now, 0, map[string]int{}
	}
	if r.all >= all || r.by[address] >= each {
		return false
	}
	r.all++
	r.by[address]++
	return true
}
