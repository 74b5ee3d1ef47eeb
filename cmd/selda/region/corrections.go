package region

import (
	"context"
	"sync"
	"time"

	"selda/access"
	"selda/ingest"
	"selda/policy"
	"selda/rights"
)

// corrections are the items that somebody has asked to be corrected: as soon as their source
// says something else of one, its case is closed by that (G18). What is open is in memory, so
// that a commit of anything else costs a look-up at most.
type corrections struct {
	kept access.Cases
	mu   sync.RWMutex
	open map[policy.Item]string // the case of each
	wake chan struct{}
	due  []string // cases to look at; guarded by mu
}

// corrected is how often the cases are looked through for what other nodes have committed.
const corrected = 30 * time.Second

func newCorrections(of access.Cases) *corrections {
	return &corrections{kept: of, open: map[policy.Item]string{}, wake: make(chan struct{}, 1)}
}

// Cases is access.Cases'.
func (c *corrections) Cases(ctx context.Context, q access.CaseQuery) ([]rights.Case, error) {
	return c.kept.Cases(ctx, q)
}

// SaveCase is access.Cases'.
func (c *corrections) SaveCase(ctx context.Context, k rights.Case) (rights.Case, error) {
	saved, err := c.kept.SaveCase(ctx, k)
	if err == nil {
		c.know(k)
	}
	return saved, err
}

// SaveFile is access.Cases'.
func (c *corrections) SaveFile(ctx context.Context, id, name string, content []byte) error {
	return c.kept.SaveFile(ctx, id, name, content)
}

// CaseFile is access.Cases'.
func (c *corrections) CaseFile(ctx context.Context, id, name string) ([]byte, error) {
	return c.kept.CaseFile(ctx, id, name)
}

func (c *corrections) know(k rights.Case) {
	if k.Asked.Kind != rights.Correction {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[k.Asked.Item] == k.ID && k.State == rights.Closed {
		delete(c.open, k.Asked.Item)
	} else if k.State != rights.Closed {
		c.open[k.Asked.Item] = k.ID
	}
}

// changed is told what a message has changed.
func (c *corrections) changed(items []ingest.Item) {
	c.mu.RLock()
	none := len(c.open) == 0
	c.mu.RUnlock()
	if none {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range items {
		if id, is := c.open[policy.Item{Type: i.Type, ID: i.ID}]; is && !i.Same {
			c.due = append(c.due, id)
		}
	}
	if len(c.due) > 0 {
		select {
		case c.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// followCorrections closes cases until ctx ends.
func (r *Region) followCorrections(ctx context.Context) {
	c := r.corrections
	tick := time.NewTicker(corrected)
	defer tick.Stop()
	for all := true; ; {
		var err error
		if all {
			var list []rights.Case
			list, err = r.Access.SettleCorrections(ctx)
			for _, k := range list {
				c.know(k)
			}
		}
		c.mu.Lock()
		due := c.due
		c.due = nil
		c.mu.Unlock()
		for _, id := range due {
			if err == nil {
				err = r.Access.SettleCase(ctx, id)
			}
		}
		if err != nil && ctx.Err() == nil {
			r.Log.Error("corrections could not be looked through; it is tried again", "error", err)
		}
		all = false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			all = true
		case <-c.wake:
		}
	}
}
