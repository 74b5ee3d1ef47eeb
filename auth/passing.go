package auth

import (
	"sync"
	"time"

	"selda/fault"
)

// passingHere is Passing in the memory of one process. What was ended is
// remembered, so that it can't be kept again.
type passingHere struct {
	mu    sync.Mutex
	m     map[[2]string]passed
	swept time.Time
}

type passed struct {
	content []byte
	expires time.Time
	ended   bool
}

// maxPassing is how much is kept at once: beyond it nothing new is begun.
const maxPassing = 50_000

// Put is Passing's.
func (p *passingHere) Put(kind, key string, content []byte, expires time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.m == nil {
		p.m = map[[2]string]passed{}
	}
	if now.Sub(p.swept) > time.Minute || len(p.m) >= maxPassing {
		p.swept = now
		for k, v := range p.m {
			if now.After(v.expires) {
				delete(p.m, k)
			}
		}
	}
	if len(p.m) >= maxPassing {
		return fault.E("auth.Put", fault.Throttled, "too much is under way at once: try again in a minute")
	}
	if old, there := p.m[[2]string{kind, key}]; !there || !old.ended {
		p.m[[2]string{kind, key}] = passed{content: content, expires: expires}
	}
	return nil
}

// Get is Passing's.
func (p *passingHere) Get(kind, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.m[[2]string{kind, key}]
	if !ok || v.ended || !time.Now().Before(v.expires) {
		return nil, false, nil
	}
	return v.content, true, nil
}

// End is Passing's.
func (p *passingHere) End(kind, key string, remember time.Duration) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.m[[2]string{kind, key}]
	if !ok {
		return nil, false, nil
	}
	now := time.Now()
	p.m[[2]string{kind, key}] = passed{expires: now.Add(remember), ended: true}
	if v.ended || !now.Before(v.expires) {
		return nil, false, nil
	}
	return v.content, true, nil
}
