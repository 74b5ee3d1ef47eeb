package app

import (
	"encoding/json"
	"maps"
	"sync"
	"time"

	"selda/fault"
	"selda/internal/document"
)

// Revoked are the tokens of backend services that were revoked before their
// end: such a token belongs to nobody's Connection. They last minutes, so the
// document stays small.
type Revoked struct {
	docs   document.Store
	shared bool

	mu     sync.Mutex
	m      map[string]time.Time
	loaded int64
	read   bool
}

const (
	revokedName = "auth/revoked.json"
	maxRevoked  = 10_000
)

// OpenRevoked opens them.
func OpenRevoked(docs document.Store, shared bool) *Revoked {
	return &Revoked{docs: docs, shared: shared}
}

func (r *Revoked) load() error {
	if r.docs == nil {
		return fault.E("app.Revoked", fault.NoStore, "there is no place for revoked tokens")
	}
	b, version, err := r.docs.Load(revokedName)
	if err != nil {
		return err
	}
	m := map[string]time.Time{}
	if b != nil && json.Unmarshal(b, &m) != nil {
		return fault.E("app.Revoked", fault.Structure, "the list of revoked tokens is not what SELDA wrote", revokedName)
	}
	r.m, r.loaded, r.read = m, version, true
	return nil
}

// Has says whether a token was revoked. Where that can't be read the fault is
// NoStore: then the token is of no use.
func (r *Revoked) Has(id string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shared || !r.read {
		if err := r.load(); err != nil {
			return false, fault.E("app.Revoked", fault.NoStore, err)
		}
	}
	_, ok := r.m[id]
	return ok, nil
}

// Add revokes a token, which would have ended at a time.
func (r *Revoked) Add(id string, ends, now time.Time) error {
	const op = "app.Revoke"
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if err := r.load(); err != nil {
			return fault.E(op, fault.NoStore, err)
		}
		m := maps.Clone(r.m)
		maps.DeleteFunc(m, func(_ string, until time.Time) bool { return now.After(until.Add(time.Minute)) })
		if len(m) >= maxRevoked {
			return fault.E(op, fault.Throttled, "too many tokens were revoked in the last minutes")
		}
		m[id] = ends.UTC().Truncate(time.Second)
		b, err := json.Marshal(m)
		if err != nil {
			return fault.E(op, err)
		}
		if err := r.docs.Save(revokedName, b, r.loaded); !fault.Is(err, fault.Conflict) {
			r.read = false
			return err
		}
	}
}
