package document

import (
	"slices"
	"strings"
	"sync"

	"selda/fault"
	"selda/internal/seal"
)

// Sealed keeps documents under some names encrypted. Those of before, which are
// not, are read as they are until SealAll has sealed them.
type Sealed struct {
	Store
	Keys seal.Sealer
	// Names are how the names begin of what is sealed.
	Names []string
	// Turn has one save at a time, of those who hold the same: a document is not changed
	// while it is sealed anew. nil where the store itself sees to it, by versions.
	Turn *sync.Mutex
}

var _ Store = Sealed{}

func (s Sealed) seals(name string) bool {
	for _, n := range s.Names {
		if strings.HasPrefix(name, n) {
			return true
		}
	}
	return false
}

// Load is Store's.
func (s Sealed) Load(name string) ([]byte, int64, error) {
	b, version, err := s.Store.Load(name)
	if err != nil || !seal.Sealed(b) {
		return b, version, err
	}
	if b, _, err = seal.Opened(s.Keys, b, name); err != nil {
		return nil, 0, fault.E("document.Load", err)
	}
	return b, version, nil
}

// Save is Store's.
func (s Sealed) Save(name string, content []byte, version int64) error {
	if s.seals(name) {
		if s.Keys == nil {
			return fault.E("document.Save", fault.NoStore, "there is no key to seal with")
		}
		var err error
		if content, err = s.Keys.Seal(content, name); err != nil {
			return fault.E("document.Save", err)
		}
	}
	defer s.turn()()
	return s.Store.Save(name, content, version)
}

func (s Sealed) turn() (end func()) {
	if s.Turn == nil {
		return func() {}
	}
	s.Turn.Lock()
	return s.Turn.Unlock
}

// InUse are the ids of the keys that something is sealed by; "" stands for what is in
// the clear.
func (s Sealed) InUse() (ids []string, err error) {
	for _, prefix := range s.Names {
		names, err := s.List(prefix)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			b, _, err := s.Store.Load(name)
			if err != nil {
				return nil, err
			}
			if id := seal.ID(b); b != nil && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// SealAll seals whatever is to be sealed and is not, or is by a key of before,
// and says how many that were. What another node changes meanwhile is sealed by
// that one.
func (s Sealed) SealAll() (int, error) {
	n := 0
	for _, prefix := range s.Names {
		names, err := s.List(prefix)
		if err != nil {
			return n, err
		}
		for _, name := range names {
			sealed, err := s.sealAnew(name)
			if err != nil {
				return n, err
			}
			if sealed {
				n++
			}
		}
	}
	return n, nil
}

func (s Sealed) sealAnew(name string) (bool, error) {
	defer s.turn()()
	b, version, err := s.Store.Load(name)
	if err != nil || b == nil {
		return false, err
	}
	content, anew, err := seal.Opened(s.Keys, b, name)
	if err == nil && anew {
		content, err = seal.Closed(s.Keys, content, name)
	}
	if err != nil {
		return false, fault.E("document.SealAll", err)
	}
	if !anew {
		return false, nil
	}
	if err := s.Store.Save(name, content, version); err != nil && !fault.Is(err, fault.Conflict) {
		return false, err
	}
	return true, nil
}
