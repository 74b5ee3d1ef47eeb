package adapter

import (
	"container/list"
	"sync"

	"selda/store"
)

// Compartments keeps compartments in force, parsed, bounded in bytes. An entry is of
// one n of its subject and is of no use at any other.
type Compartments struct {
	mu    sync.Mutex
	limit int
	used  int
	order *list.List // of *cached, the latest used first
	held  map[store.Subject]*list.Element
}

type cached struct {
	subject  store.Subject
	n        int64
	bytes    int
	versions []*store.Version
}

// NewCompartments keeps at most limit bytes.
func NewCompartments(limit int) *Compartments {
	return &Compartments{limit: limit, order: list.New(), held: map[store.Subject]*list.Element{}}
}

// Get gives a subject's versions in force as at its n.
func (c *Compartments) Get(s store.Subject, n int64) ([]*store.Version, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.held[s]
	if !ok {
		return nil, false
	}
	v := e.Value.(*cached)
	if v.n != n {
		return nil, false
	}
	c.order.MoveToFront(e)
	return v.versions, true
}

// Put keeps them; they may not change any more.
func (c *Compartments) Put(s store.Subject, n int64, versions []*store.Version) {
	entry := &cached{subject: s, n: n, versions: versions, bytes: 256}
	for _, v := range versions {
		entry.bytes += 900 + 3*len(v.Body) // the text, its tape, and what is derived from them
	}
	if entry.bytes > c.limit/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.held[s]; ok {
		c.drop(old)
	}
	c.held[s] = c.order.PushFront(entry)
	c.used += entry.bytes
	for c.used > c.limit {
		c.drop(c.order.Back())
	}
}

func (c *Compartments) drop(e *list.Element) {
	v := c.order.Remove(e).(*cached)
	delete(c.held, v.subject)
	c.used -= v.bytes
}
